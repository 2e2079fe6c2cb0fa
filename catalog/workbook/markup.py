"""Reads the tables that pose as .xls: HTML pages, SpreadsheetML 2003; and the feeds of shops and of 1C."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from catalog.workbook.commerceml import ROOT, exchange_grid, tag
from catalog.workbook.encoding import decoded
from catalog.workbook.grid import Cell, Grid
from catalog.workbook.xlsx import parse

_WIDEST = 4_000  # columns of an HTML table; what stands further right is left out
_MOST_SPAN = 200  # columns or rows that one HTML cell may claim; a page may claim a billion


def html_grids(page: str) -> list[Grid]:
    """One grid for each outermost or nested HTML table that has cells, in the order in which they end."""
    reader = _Tables()
    reader.feed(page)
    reader.close()
    while reader.open:
        reader.end_table()
    titles = [f"Table {index}" for index in range(1, len(reader.done) + 1)]
    return [
        Grid(name=title, rows=rows, merged=tuple(merged))
        for title, (rows, merged) in zip(titles, reader.done, strict=True)
    ]


class _Table:
    def __init__(self) -> None:
        self.rows: list[list[Cell]] = []
        self.merged: list[tuple[int, int, int, int]] = []
        self.free: dict[int, int] = {}  # by column: the first row that no cell above reaches down to
        self.text: list[str] | None = None
        self.span = (1, 1)

    def start_row(self) -> None:
        self.end_cell()
        self.rows.append([])

    def start_cell(self, attributes: dict[str, str | None]) -> None:
        self.end_cell()
        if not self.rows:
            self.rows.append([])
        self.text = []
        self.span = (_span(attributes.get("rowspan")), _span(attributes.get("colspan")))

    def end_cell(self) -> None:
        if self.text is None:
            return
        row, column = len(self.rows) - 1, len(self.rows[-1])
        while self.free.get(column, 0) > row:
            self.rows[-1].append(None)
            column += 1
        down, across = self.span
        text, self.text = "".join(self.text).strip(), None
        if column >= _WIDEST:
            return
        self.rows[-1].append(text)
        self.rows[-1].extend([None] * (across - 1))
        if down > 1 or across > 1:
            self.merged.append((row, column, row + down - 1, column + across - 1))
            self.free.update(dict.fromkeys(range(column, column + across), row + down))


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[_Table] = []
        self.done: list[tuple[list[list[Cell]], list[tuple[int, int, int, int]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table" and len(self.open) < 20:
            self.open.append(_Table())
        elif self.open:
            table, attributes = self.open[-1], dict(attrs)
            match tag:
                case "tr":
                    table.start_row()
                case "td" | "th":
                    table.start_cell(attributes)
                case "br" | "p" | "div" if table.text is not None:
                    table.text.append(" ")
                case "img" if table.text is not None and (attributes.get("src") or "").startswith("http"):
                    table.text.append(attributes["src"] or "")

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag in {"td", "th", "tr"}:
            self.open[-1].end_cell()
        elif self.open and tag == "table":
            self.end_table()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1].text is not None:
            self.open[-1].text.append(data)

    def end_table(self) -> None:
        """Closes the innermost open table and keeps it if it has any rows."""
        table = self.open.pop()
        table.end_cell()
        if any(table.rows):
            self.done.append((table.rows, table.merged))


def xml_root(data: bytes) -> ElementTree.Element:
    """An XML document in any code page. Raises what the parser raises, ValueError for declared entities."""
    try:
        return parse(data)
    except ElementTree.ParseError:
        # expat knows few code pages; the text without its declaration is plain to it
        return parse(re.sub(r"^\s*<\?xml[^>]*\?>", "", decoded(data)))


def xml_grids(root: ElementTree.Element, data: bytes) -> list[Grid]:
    """The sheets of a SpreadsheetML 2003 book or the offers of a YML feed. Raises ValueError for any other XML."""
    name = tag(root)
    if name == ROOT:
        return [exchange_grid([root])]
    if name == "Workbook":
        return [_worksheet(sheet) for sheet in root if tag(sheet) == "Worksheet"]
    if name == "yml_catalog":
        return [_offers(root)]
    if name == "html" or any(tag(element) == "table" for element in root.iter()):
        return html_grids(decoded(data))
    raise ValueError(f"XML of an unknown kind: <{name[:40]}>")


def _worksheet(sheet: ElementTree.Element) -> Grid:
    rows: list[list[Cell]] = []
    merged: list[tuple[int, int, int, int]] = []
    hidden: set[int] = set()
    for row in (row for table in sheet if tag(table) == "Table" for row in table if tag(row) == "Row"):
        index = min(_number(row, "Index") or len(rows) + 1, len(rows) + 100_000)
        while len(rows) < index - 1:
            rows.append([])
        cells: list[Cell] = []
        for cell in (cell for cell in row if tag(cell) == "Cell"):
            column = min(_number(cell, "Index") or len(cells) + 1, 20_000)
            cells.extend([None] * (column - 1 - len(cells)))
            across, down = min(_number(cell, "MergeAcross"), _MOST_SPAN), min(_number(cell, "MergeDown"), _MOST_SPAN)
            if across or down:
                merged.append((len(rows), len(cells), len(rows) + down, len(cells) + across))
            cells.append(_datum(cell))
            cells.extend([None] * across)
        if _attribute(row, "Hidden") == "1":
            hidden.add(len(rows))
        rows.append(cells)
    return Grid(name=_attribute(sheet, "Name"), rows=rows, merged=tuple(merged), hidden_rows=frozenset(hidden))


def _datum(cell: ElementTree.Element) -> Cell:
    for data in cell:
        if tag(data) == "Data":
            text = "".join(data.itertext())
            if _attribute(data, "Type") == "Number":
                try:
                    return float(text)
                except ValueError:
                    return text
            return text
    return None


_YML_COLUMNS = {
    "vendorCode": "vendor code", "id": "offer id", "name": "name", "model": "model", "vendor": "vendor",
    "categoryId": "category", "price": "price", "oldprice": "old price", "currencyId": "currency", "picture": "picture",
    "url": "url", "description": "description", "barcode": "barcode", "count": "stock", "available": "available",
}  # fmt: skip


def _offers(root: ElementTree.Element) -> Grid:
    """A YML feed (Yandex Market) as a grid: one row an offer, parameters as columns of their own."""
    categories = {element.get("id", ""): element.text or "" for element in root.iter("category")}
    records = [_offer(offer, categories) for offer in root.iter("offer")]
    columns = list(dict.fromkeys(name for record in records for name in record))[:500]
    rows: list[list[Cell]] = [list(columns)]
    rows.extend([record.get(name) for name in columns] for record in records)
    return Grid(name="offers", rows=rows, feed=True)


def _offer(offer: ElementTree.Element, categories: dict[str, str]) -> dict[str, str]:
    record = {_YML_COLUMNS[key]: offer.get(key, "") for key in ("id", "available") if offer.get(key)}
    for element in offer:
        text = "".join(element.itertext()).strip()
        if element.tag == "param":
            unit = element.get("unit")
            record[element.get("name", "")] = f"{text} {unit}" if unit else text
        elif element.tag == "categoryId":
            record["category"] = categories.get(text, text)
        elif text:
            record.setdefault(_YML_COLUMNS.get(element.tag, element.tag), text)
    if "name" not in record and "model" in record:
        record["name"] = " ".join(filter(None, (record.get("typePrefix"), record.get("vendor"), record["model"])))
    return record


def _attribute(element: ElementTree.Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _number(element: ElementTree.Element, name: str) -> int:
    value = _attribute(element, name)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else 0


def _span(value: str | None) -> int:
    return min(int(value), _MOST_SPAN) if value and value.isascii() and value.isdigit() and int(value) > 0 else 1
