"""What is no price list is refused with words that say what to do; what is partly bad is read as far as it goes."""

from __future__ import annotations

import io
import re
import struct
import tomllib
import zipfile
from importlib.resources import files
from pathlib import Path

import openpyxl
import pytest
from PIL import Image as Pixels

from catalog.product import CatalogError
from catalog.workbook import message, read, sniff
from catalog.workbook.compound import circular
from tests.unit import workbook_books as books

RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def raw_xlsx(path: Path, sheet: bytes, *, workbook: bytes = b"", more: dict[str, bytes] | None = None) -> Path:
    """An .xlsx around the XML of one sheet."""
    default = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{RELS}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
    )
    kinds = "http://schemas.openxmlformats.org/package/2006/relationships"
    link = f'<Relationships xmlns="{kinds}"><Relationship Id="r1" Type="{RELS}/{{}}" Target="{{}}"/></Relationships>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("_rels/.rels", link.format("officeDocument", "xl/workbook.xml"))
        book.writestr("xl/workbook.xml", workbook or default)
        book.writestr("xl/_rels/workbook.xml.rels", link.format("worksheet", "worksheets/sheet1.xml"))
        book.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in (more or {}).items():
            book.writestr(name, content)
    return path


def sheet_xml(cells: str) -> bytes:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'.encode()


def picture(kind: str) -> bytes:
    pixels = io.BytesIO()
    Pixels.new("RGB", (4, 4)).save(pixels, kind)
    return pixels.getvalue()


def encrypted() -> bytes:
    """The start of an encrypted book: a compound file with a stream of that name."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 200


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.xlsx", b"", "file is empty"),
        ("blank.csv", b" \r\n\r\n ", "file is empty"),
        ("photo.xlsx", picture("PNG"), "is a picture, not a price list"),
        ("photo.xls", picture("JPEG"), "is a picture, not a price list"),
        ("paper.xlsx", b"%PDF-1.7\n" + b"\xe2\xe3" * 50, "is a PDF document"),
        ("setup.xlsx", b"MZ\x90\x00" + bytes(range(256)), "is an archive or a program"),
        ("noise.csv", bytes(range(256)) * 20, "is a file of an unknown kind"),
        ("secret.xlsx", encrypted(), "protected by a password"),
        (
            "cut.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le") + b"\x00" * 300,
            "damaged or cut short",
        ),
        ("feed.xml", b"<?xml version='1.0'?><rss><item>news</item></rss>", "damaged or cut short"),
        (
            "bomb.xml",
            b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;'>]><a>&c;</a>",
            "damaged or cut short",
        ),
    ],
)
def test_a_stranger_is_refused_in_words(name: str, data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)

    with pytest.raises(CatalogError, match=words):
        read(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=re.escape("no file nowhere.xlsx")):
        read(tmp_path / "nowhere.xlsx")


def test_a_word_document_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "letter.xlsx", "w") as book:
        book.writestr("word/document.xml", "<w/>")

    with pytest.raises(CatalogError, match="a text document or presentation"):
        read(tmp_path / "letter.xlsx")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_book_is_refused(share: float, tmp_path: Path) -> None:
    whole = books.xlsx(tmp_path / "whole.xlsx", ("Прайс", books.GOODS)).read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(CatalogError, match="damaged or cut short"):
        read(tmp_path / "cut.xlsx")


def test_a_truncated_xls_is_refused_or_keeps_its_parity(tmp_path: Path) -> None:
    whole = books.xls(
        tmp_path / "whole.xls", [("Код", "Наименование", "Цена"), *((f"A{i}", f"Насос {i}", i) for i in range(500))]
    ).read_bytes()
    for share in (0.1, 0.4, 0.8):
        (tmp_path / "cut.xls").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(CatalogError, match="damaged or cut short"):
            read(tmp_path / "cut.xls")


def test_a_zip_bomb_is_refused_by_its_declared_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniff, "MOST_BYTES", 5 * 2**20)
    path = raw_xlsx(tmp_path / "bomb.xlsx", sheet_xml("<row/>" * 1_500_000))
    assert path.stat().st_size < 100_000

    with pytest.raises(CatalogError, match="unpacks to more than 5 MB"):
        read(path)


def test_a_zip_bomb_that_lies_about_its_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniff, "MOST_BYTES", 5 * 2**20)
    path = raw_xlsx(tmp_path / "bomb.xlsx", sheet_xml("<row/>" * 1_500_000))
    size = len(sheet_xml("<row/>" * 1_500_000))
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", size), struct.pack("<I", 1000)))

    with pytest.raises(CatalogError, match="unpacks to more than 5 MB"):
        read(path)


def test_a_cell_at_the_end_of_the_world_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'

    with pytest.raises(CatalogError, match="more than the limit of 20000000"):
        read(raw_xlsx(tmp_path / "vast.xlsx", sheet_xml(far)))


def test_formatting_at_the_end_of_the_world_is_harmless(tmp_path: Path) -> None:
    cells = "".join(
        f'<row r="{r}">'
        + "".join(f'<c r="{c}{r}" t="inlineStr"><is><t>{v}</t></is></c>' for c, v in zip("AB", row, strict=True))
        + "</row>"
        for r, row in enumerate((("Наименование", "Цена"), ("Насос", "10"), ("Кран", "20")), 1)
    )
    path = raw_xlsx(tmp_path / "wide.xlsx", sheet_xml(cells + '<row r="1048576"><c r="XFD1048576" s="1"/></row>'))

    assert [p.name for p in read(path).products] == ["Насос", "Кран"]


def test_a_million_repeated_ods_cells_are_refused(tmp_path: Path) -> None:
    table = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
    office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    content = (
        f'<office:document-content xmlns:office="{office}" xmlns:table="{table}"><office:body><office:spreadsheet>'
        '<table:table table:name="S"><table:table-row table:number-rows-repeated="1000000">'
        '<table:table-cell table:number-columns-repeated="1000" office:value-type="float" office:value="1"/>'
        "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(tmp_path / "vast.ods", "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("content.xml", content)

    with pytest.raises(CatalogError, match="Sheet S covers 1000000000 cells"):
        read(tmp_path / "vast.ods")


def test_a_three_megabyte_cell_is_cut_and_said(tmp_path: Path) -> None:
    rows = (
        ("Артикул", "Наименование", "Цена", "Описание"),
        ("A1", "Насос", "10", "x" * 3_000_000),
        ("A2", "Кран", "20", "ok"),
    )

    book = read(books.text(tmp_path / "long.csv", rows))

    assert [len(p.description) for p in book.products] == [20_000, 2]
    assert [(q.row, q.column, q.lost) for q in book.problems if "3000000 characters" in q.message] == [
        (2, "Описание", False)
    ]


def test_a_book_without_a_table_says_so_and_keeps_parity(tmp_path: Path) -> None:
    book = read(books.xlsx(tmp_path / "empty.xlsx", ("Лист1", (("Прайс-лист пока пуст",),))))

    assert book.products == [] and book.parity and book.rows == 1
    assert "No table with products" in "\n".join(problem.message for problem in book.problems)


def test_an_entity_bomb_inside_a_book_is_refused(tmp_path: Path) -> None:
    styles = b'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><styleSheet>&b;</styleSheet>'
    path = raw_xlsx(
        tmp_path / "entities.xlsx", sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>'), more={"xl/styles.xml": styles}
    )

    with pytest.raises(CatalogError, match="damaged or cut short"):
        read(path)


def test_every_message_has_both_languages_and_the_same_values() -> None:
    catalogue = tomllib.loads((files("catalog.workbook") / "messages.toml").read_text("utf-8"))

    for id, texts in catalogue.items():
        assert set(texts) == {"en", "ru"}, id
        assert set(re.findall(r"{(\w+)}", texts["en"])) == set(re.findall(r"{(\w+)}", texts["ru"])), id
    assert message("no_sku", "de") == message("no_sku", "en") != message("no_sku", "ru")


def test_every_message_that_the_code_names_exists() -> None:
    folder = files("catalog.workbook")
    catalogue = tomllib.loads((folder / "messages.toml").read_text("utf-8"))
    code = "\n".join(path.read_text("utf-8") for path in map(Path, map(str, folder.iterdir())) if path.suffix == ".py")
    named = set(re.findall(r'(?:message|_say|_problem)\(\s*(?:row, |draft\.row, )?"(\w+)"', code))

    assert len(named) > 15
    assert named <= set(catalogue)


def test_a_protected_but_readable_book_is_read(tmp_path: Path) -> None:
    path = books.xlsx(tmp_path / "p.xlsx", ("Прайс", books.GOODS))
    page = openpyxl.load_workbook(path)
    page["Прайс"].protection.set_password("x")
    page.save(path)

    assert len(read(path).products) == 3


def test_a_compound_file_whose_sectors_lead_in_a_circle_is_refused(tmp_path: Path) -> None:
    path = books.xls(tmp_path / "whole.xls", books.GOODS)
    data = bytearray(path.read_bytes())
    assert not circular(bytes(data))
    (table,) = struct.unpack_from("<I", data, 0x4C)
    (folder,) = struct.unpack_from("<I", data, 0x30)
    struct.pack_into("<I", data, (table + 1) * 512 + 4 * folder, folder)  # its directory is followed by itself
    assert circular(bytes(data))
    assert circular(bytes(data[:100]))
    start = data.index(b"\x09\x08\x10\x00\x00\x06")  # the workbook's first record: the careful reader gives up, too
    data[start : start + 2] = b"\xff\xff"
    path.write_bytes(data)
    with pytest.raises(CatalogError, match=r"whole\.xls"):
        read(path)
