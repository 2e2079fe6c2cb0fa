"""Reads what 1C hands over (CommerceML 2): goods of import.xml, prices and stock of offers.xml, alone or in a zip."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import Element

from catalog.workbook.grid import Cell, Grid
from catalog.workbook.picture import SUFFIXES, Picture
from catalog.workbook.sniff import unpacked
from catalog.workbook.xlsx import parse

ROOT = "КоммерческаяИнформация"
SHEET = "goods"  # the only sheet of an exchange
_GOODS, _OFFERS = re.compile(r"^import(.*\.xml)$", re.IGNORECASE), "offers"
_DELETED = frozenset({"удален", "удалён", "deleted"})
_MOST_COLUMNS = 500

Row = dict[str, str]  # a row of the grid by column name


def beside(path: Path) -> Path | None:
    """The offers.xml that belongs to an import.xml, where it lies beside it (import0_1.xml has offers0_1.xml)."""
    found = _GOODS.match(path.name)
    offers = path.with_name(f"{_OFFERS}{found[1]}") if found else None
    return offers if offers and offers.is_file() else None


def documents(data: bytes) -> list[Element]:
    """The exchange's documents in a zip, in the order of their names. Raises what zipfile and the parser raise."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        infos = sorted(archive.infolist(), key=lambda info: info.filename)
    roots = [parse(b"".join(unpacked(data, info))) for info in infos if info.filename.lower().endswith(".xml")]
    return [root for root in roots if tag(root) == ROOT]


def exchange_grid(roots: Iterable[Element]) -> Grid:
    """All documents together as one sheet: a row for each offer, or for a product without one.

    Prices are columns by their type and currency, properties and characteristics columns of their own. What 1C marks as
    deleted is left out, and a remark says how many.
    """
    exchange = _Exchange()
    for root in roots:
        exchange.take(root)
    rows = list(exchange.rows())
    columns = list(dict.fromkeys(name for row in rows for name in row))[:_MOST_COLUMNS]
    cells: list[list[Cell]] = [list(columns)]
    cells.extend([row.get(name) for name in columns] for row in rows)
    remarks = (("exchange_deleted", {"rows": len(exchange.deleted)}),) if exchange.deleted else ()
    return Grid(name=SHEET, rows=cells if rows else [], feed=True, remarks=remarks)


def exchange_pictures(data: bytes, grid: Grid) -> tuple[Picture, ...]:
    """The pictures inside the zip that rows of the grid name; they leave the grid, as no address of a photo."""
    if not grid.rows or "Фото" not in grid.rows[0]:
        return ()
    with zipfile.ZipFile(BytesIO(data)) as archive:
        infos = [info for info in archive.infolist() if Path(info.filename).suffix.lower() in SUFFIXES]
    known = {end: info for info in infos for end in _ends(info.filename)}
    place = grid.rows[0].index("Фото")
    found = []
    for number, row in enumerate(grid.rows[1:], start=2):
        if info := known.get(str(row[place] or "").replace("\\", "/").lower()):
            found.append(Picture(sheet=SHEET, rows=(number,), part=info.filename, size=info.file_size))
            row[place] = None
    return tuple(found)


def _ends(name: str) -> Iterator[str]:
    """A file's path within the zip, and within each of its folders."""
    parts = name.replace("\\", "/").lower().split("/")
    for start in range(len(parts)):
        yield "/".join(parts[start:])


class _Exchange:
    """What the documents tell: groups, properties and price types by their identifiers, goods and offers."""

    def __init__(self) -> None:
        self._groups: dict[str, str] = {}
        self._properties: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._price_types: dict[str, tuple[str, str]] = {}
        self._goods: dict[str, Row] = {}
        self._offers: dict[str, Row] = {}
        self.deleted: set[str] = set()

    def take(self, root: Element) -> None:
        """One document: first what its identifiers mean, then its goods and offers."""
        for groups in _under(root, "Классификатор", "Группы"):
            self._take_groups(groups, "")
        for property_ in root.iter():
            if tag(property_) == "Свойство":
                self._properties[_text(property_, "Ид")] = _text(property_, "Наименование")
            elif tag(property_) == "Справочник":
                self._values[_text(property_, "ИдЗначения")] = _text(property_, "Значение")
            elif tag(property_) == "ТипЦены":
                named = (_text(property_, "Наименование"), _text(property_, "Валюта"))
                self._price_types[_text(property_, "Ид")] = named
        for element in root.iter():
            if tag(element) == "Товар" and _text(element, "Ид"):
                self._take_goods(element)
            elif tag(element) == "Предложение" and _text(element, "Ид"):
                self._take_offer(element)

    def rows(self) -> Iterator[Row]:
        """The offers, each with what is known of its product; then products without an offer."""
        sold = set()
        for key, offer in self._offers.items():
            own = key.partition("#")[0]
            sold.add(own)
            if own not in self.deleted and key not in self.deleted:
                goods = self._goods.get(own, {})
                yield _named(goods | offer, key) if "#" in key else _named(offer | goods, key)
        for key, goods in self._goods.items():
            if key not in sold and key not in self.deleted:
                yield _named(goods, key)

    def _take_groups(self, groups: Element, path: str) -> None:
        for group in groups:
            name = f"{path} / {_text(group, 'Наименование')}".removeprefix(" / ")
            self._groups[_text(group, "Ид")] = name
            for deeper in _under(group, "Группы"):
                self._take_groups(deeper, name)

    def _take_goods(self, goods: Element) -> None:
        key = _text(goods, "Ид")
        if _deleted(goods):
            self.deleted.add(key)
        groups = [text for group in _under(goods, "Группы", "Ид") if (text := self._groups.get(_said(group), ""))]
        makers = [_text(maker, "Наименование") or _said(maker) for maker in _under(goods, "Изготовитель")]
        row = _common(goods) | {
            "Описание": _text(goods, "Описание"),
            "Категория": groups[0] if groups else "",
            "Производитель": makers[0] if makers else "",
            "Фото": _text(goods, "Картинка"),
        }
        for value in _under(goods, "ЗначенияСвойств", "ЗначенияСвойства"):
            said = _text(value, "Значение")
            _add(row, self._properties.get(_text(value, "Ид"), ""), self._values.get(said, said))
        self._goods.setdefault(key, {}).update(_filled(row))

    def _take_offer(self, offer: Element) -> None:
        key = _text(offer, "Ид")
        if _deleted(offer):
            self.deleted.add(key)
        row = _common(offer)
        for trait in _under(offer, "ХарактеристикиТовара", "ХарактеристикаТовара"):
            _add(row, _text(trait, "Наименование"), _text(trait, "Значение"))
        for price in _under(offer, "Цены", "Цена"):
            kind, money = self._price_types.get(_text(price, "ИдТипаЦены"), ("", ""))
            column = ", ".join(filter(None, (f"Цена {kind}".strip(), _text(price, "Валюта") or money)))
            row.setdefault(column, _text(price, "ЦенаЗаЕдиницу"))
        row["Остаток"] = _text(offer, "Количество") or _stock(offer)
        self._offers.setdefault(key, {}).update(_filled(row))


def _common(element: Element) -> Row:
    """What goods and offers say in the same words."""
    return {
        "Артикул": _text(element, "Артикул"),
        "Код": _text(element, "Код"),
        "Наименование": _text(element, "Наименование"),
        "Штрихкод": _text(element, "Штрихкод"),
        "Ед. изм.": next((_said(unit) or unit.get("НаименованиеПолное", "")
                          for unit in _under(element, "БазоваяЕдиница")), ""),
    }  # fmt: skip


def _named(row: Row, key: str) -> Row:
    """A row whose article is never empty: the article, else the code, else the identifier."""
    rest = {name: value for name, value in row.items() if name not in {"Артикул", "Код"}}
    return {"Артикул": row.get("Артикул") or row.get("Код") or key, **rest}


def _stock(offer: Element) -> str:
    """The stock of all warehouses together, in either of the two ways of writing it; empty where none is told."""
    told = [store.get("КоличествоНаСкладе", "") for store in _under(offer, "Склад")]
    told += [_said(each) for rest in _under(offer, "Остатки", "Остаток") for each in rest.iter()
             if tag(each) == "Количество"]  # fmt: skip
    known = [float(text) for text in told if re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", text)]
    return format(max(sum(known), 0), ".15g") if known else ""


def _deleted(element: Element) -> bool:
    marks = (element.get("Статус", ""), _text(element, "Статус"), _text(element, "ПометкаУдаления"))
    return any(mark.lower() in _DELETED or mark.lower() == "true" for mark in marks)


def _add(row: Row, name: str, value: str) -> None:
    if name and value:
        row.setdefault(name, value)


def _filled(row: Mapping[str, str]) -> Row:
    return {name: value for name, value in row.items() if value}


def _under(element: Element, *path: str) -> list[Element]:
    """The elements at the end of a path of names, whatever their namespace."""
    found = [element]
    for name in path:
        found = [child for each in found for child in each if tag(child) == name]
    return found


def _text(element: Element, name: str) -> str:
    return next((_said(child) for child in element if tag(child) == name), "")


def _said(element: Element) -> str:
    return " ".join((element.text or "").split())


def tag(element: Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]
