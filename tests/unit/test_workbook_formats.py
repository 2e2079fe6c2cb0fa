"""The same price list in every format gives the same products."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from catalog.product import Product
from catalog.workbook import read
from tests.unit import workbook_books as books

HTML = "<html><head><meta charset='windows-1251'></head><body><table>{}</table></body></html>"


def as_html(path: Path) -> Path:
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in books.GOODS)
    path.write_bytes(HTML.format(rows).encode("cp1251"))
    return path


def as_xml(path: Path) -> Path:
    def cell(value: object) -> str:
        kind = "String" if isinstance(value, str) else "Number"
        text = str(value).replace(">", "&gt;")
        return f'<Cell><Data ss:Type="{kind}">{text}</Data></Cell>'

    rows = "".join("<Row>" + "".join(map(cell, row)) + "</Row>" for row in books.GOODS)
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    path.write_text(
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="Прайс">'
        f"<Table>{rows}</Table></Worksheet></Workbook>",
        "utf-8",
    )
    return path


def as_gzip(path: Path) -> Path:
    plain = books.text(path.with_suffix(".plain"), books.GOODS)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


FORMATS: dict[str, Callable[[Path], Path]] = {
    "price.xlsx": lambda path: books.xlsx(path, ("Прайс", books.GOODS)),
    "price.xls": lambda path: books.xls(path, books.GOODS),
    "price.xlsb": lambda path: books.xlsb(path, books.GOODS),
    "utf8.csv": lambda path: books.text(path, books.GOODS),
    "bom.csv": lambda path: books.text(path, books.GOODS, encoding="utf-8-sig"),
    "cp1251.csv": lambda path: books.text(path, books.GOODS, encoding="cp1251"),
    "cp866.csv": lambda path: books.text(path, books.GOODS, encoding="cp866"),
    "koi8.csv": lambda path: books.text(path, books.GOODS, encoding="koi8-r"),
    "utf16.txt": lambda path: books.text(path, books.GOODS, separator="\t", encoding="utf-16"),
    "utf16le.txt": lambda path: books.text(path, books.GOODS, separator="\t", encoding="utf-16-le"),
    "pipes.tsv": lambda path: books.text(path, books.GOODS, separator="|"),
    "price.csv.gz": as_gzip,
    "page.xls": as_html,
    "old.xls": as_xml,
    "misnamed.xls": lambda path: books.xlsx(path.with_suffix(".tmp.xlsx"), ("Прайс", books.GOODS)).rename(path),
}


def essence(products: list[Product]) -> list[tuple[object, ...]]:
    return [
        (p.sku, p.name, p.price, p.currency, p.stock, [(a.name, a.number, a.unit) for a in p.attributes if a.unit])
        for p in products
    ]


EXPECTED = [
    ("N-1", "Насос НЦ-1", Decimal("1250.5"), "RUB", Decimal(3), [("Мощность, кВт", Decimal(1500), "w")]),
    ("N-2", "Насос НЦ-2", Decimal(2300), "RUB", Decimal(10), [("Мощность, кВт", Decimal(3000), "w")]),
    ("N-3", "Насос НЦ-3", None, "", Decimal(0), [("Мощность, кВт", Decimal(7500), "w")]),
]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_products(name: str, tmp_path: Path) -> None:
    book = read(FORMATS[name](tmp_path / name))

    assert essence(book.products) == EXPECTED
    assert book.parity and book.rows == 4
    assert [sheet.header_rows for sheet in book.sheets] == [(1,)]


def test_libreoffice_ods_reads_like_its_xlsx(tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if not office:
        pytest.skip("LibreOffice is not installed: .ods as it writes it was not tried")
    source = books.xlsx(tmp_path / "price.xlsx", ("Прайс", books.GOODS))
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    subprocess.run(
        [office, profile, "--headless", "--convert-to", "ods", "--outdir", tmp_path, source],
        check=True,
        capture_output=True,
        timeout=110,
    )

    book = read(tmp_path / "price.ods")

    assert book.kind == "ods"
    assert essence(book.products) == EXPECTED
    assert book.parity and book.rows == 4


def test_a_plain_catalogue_csv_imports_as_it_is(tmp_path: Path) -> None:
    rows = (
        ("sku", "name", "description", "category", "brand", "price", "attributes", "lang", "src"),
        ("A1", "Pump", "Good pump", "Pumps", "Acme", "12.50", '"{""power"": ""3 kW"", ""Поле"": ""да""}"', "en", "x"),
        ("A2", "Valve", "", "Valves", "", "", "{}", "en", "x"),
    )

    book = read(books.text(tmp_path / "catalog.csv", rows, separator=","))

    pump, valve = book.products
    assert (pump.sku, pump.name, pump.description, pump.category, pump.brand, pump.lang) == (
        "A1",
        "Pump",
        "Good pump",
        "Pumps",
        "Acme",
        "en",
    )
    assert (pump.price, pump.currency) == (Decimal("12.50"), "USD")
    assert [(a.name, a.text, a.number, a.unit) for a in pump.attributes] == [
        ("power", "3 kW", Decimal(3000), "w"),
        ("Поле", "да", None, None),
    ]
    assert (valve.price, valve.currency, valve.attributes) == (None, "", ())


def test_a_yml_feed_becomes_products(tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_text(
        '<?xml version="1.0" encoding="utf-8"?><yml_catalog><shop>'
        '<categories><category id="7">Насосы</category></categories>'
        '<offers><offer id="5" available="true"><name>Насос Х</name><price>1200</price><currencyId>RUB</currencyId>'
        "<categoryId>7</categoryId><vendor>Acme</vendor><picture>https://x.example/1.png</picture>"
        '<param name="Мощность" unit="кВт">2</param>'
        "</offer></offers></shop></yml_catalog>",
        "utf-8",
    )

    (product,) = read(feed).products

    assert (product.sku, product.name, product.category, product.brand) == ("5", "Насос Х", "Насосы", "Acme")
    assert (product.price, product.currency, product.photo) == (Decimal(1200), "RUB", "https://x.example/1.png")
    assert [(a.number, a.unit) for a in product.attributes if a.name == "Мощность"] == [(Decimal(2000), "w")]


def test_what_an_xlsb_hides_and_merges_is_seen(tmp_path: Path) -> None:
    rows = [
        ("Артикул", "Наименование", "Цены", None, "Закупка"),
        (None, None, "Опт", "Розница", None),
        ("N-1", "Насос", 5, 7, 3),
        ("N-2", "Насос", 5, 8, 3),
    ]
    path = books.xlsb(tmp_path / "a.xlsb", rows, hidden_rows=[3], hidden_columns=[4], merged=[(0, 2, 0, 3)])

    book = read(path)

    assert book.sheets[0].header_rows == (1, 2)
    assert [(p.sku, p.price, len(p.inner)) for p in book.products] == [("N-1", Decimal(7), 1)]
    assert book.sheets[0].counts["hidden"] == 1


def test_what_an_ods_hides_folds_and_merges_is_seen(tmp_path: Path) -> None:
    def row(*cells: str, look: str = "") -> str:
        return f"<row {look}>" + "".join(f"<cell {cell}</cell>" for cell in cells) + "</row>"

    def number(value: int) -> str:
        return f'office:value-type="currency" office:currency="KZT" office:value="{value}"><p>{value}</p>'

    def words(value: str) -> str:
        return f'office:value-type="string"><p>{value}</p>'

    both = words("Цены").replace("string", 'string" table:number-columns-spanned="2')
    path = books.ods(
        tmp_path / "a.ods",
        row(words("Артикул"), words("Наименование"), both, ">", words("Закупка"))
        + row(">", ">", words("Опт"), words("Розница"))
        + row(words("N-1"), words("Насос"), number(5), number(7), number(3))
        + row(words("N-2"), words("Насос"), number(5), number(8), number(3), look='table:visibility="collapse"')
        + '<row-group table:display="false">'
        + row(words("N-3"), words("Насос"), number(5), number(9), number(3), look='table:visibility="collapse"')
        + "</row-group>",
        '<column table:number-columns-repeated="4"/><column table:visibility="collapse"/>',
    )

    book = read(path)

    assert book.sheets[0].header_rows == (1, 2)
    assert [(p.sku, p.price, p.currency, len(p.inner)) for p in book.products] == [
        ("N-1", Decimal(7), "KZT", 1), ("N-3", Decimal(9), "KZT", 1),
    ]  # fmt: skip


def test_the_summary_is_json(tmp_path: Path) -> None:
    summary = json.loads(json.dumps(read(books.xlsx(tmp_path / "a.xlsx", ("Лист", books.GOODS))).summary()))

    assert summary["products"] == 3 and summary["parity"]
    assert {column["column"]: column["field"] for column in summary["sheets"][0]["mapping"]} == {
        "A": "sku",
        "B": "name",
        "C": "price",
        "D": "stock",
        "E": "attribute",
    }


def test_errors_of_formulas_are_told_in_an_ods(tmp_path: Path) -> None:
    def cells(*texts: str) -> str:
        return "".join(f'<cell office:value-type="string"><p>{text}</p></cell>' for text in texts)

    error = '<cell office:value-type="string" office:string-value="" calcext:value-type="error"><p>#REF!</p></cell>'
    goods = "".join(f"<row>{cells(f'N-{n}', f'Насос {n}', f'{n}00')}</row>" for n in range(1, 5))
    path = books.ods(
        tmp_path / "list.ods",
        f"<row>{cells('Артикул', 'Наименование', 'Цена')}</row>{goods}<row>{cells('N-9', 'Кран')}{error}</row>",
    )

    book = read(path, lang="en")

    assert [product.sku for product in book.products if product.price is None] == ["N-9"]
    assert [(p.row, p.column) for p in book.problems if "the error #" in p.message] == [(6, "Цена")]
