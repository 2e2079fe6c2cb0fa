"""Reads a whole price list: every sheet, every row accounted for, one SKU for one product."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from catalog.product import CatalogError, Problem, Product
from catalog.workbook.columns import FIELDS, Column
from catalog.workbook.commerceml import exchange_pictures
from catalog.workbook.grid import Cell, Grid, is_empty, letter
from catalog.workbook.layout import Table, far_edge, find_tables
from catalog.workbook.layouts import Layout, Layouts, named
from catalog.workbook.messages import message
from catalog.workbook.picture import ALL, Picture, save_pictures
from catalog.workbook.pictures import find_ods_pictures, find_pictures, zipped
from catalog.workbook.readers import open_grids
from catalog.workbook.rows import Draft, Reading, read_rows
from catalog.workbook.sniff import Kind
from catalog.workbook.summary import summary
from catalog.workbook.vocabulary import LOWER, currency_of, field_of, price_rank, simplify
from catalog.workbook.xls_pictures import xls_contents, xls_pictures

FAR_ROWS = 60  # empty rows below a table that make what follows another thing: a printed page has about as many
KINDS = ("product", "duplicate", "conflict", "problem", "header", "section", "total", "note", "hidden", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet as understood: where its header is, what its columns hold, and what became of each non-empty row.

    `header_rows` are 1-based. `counts` has every kind of KINDS; its sum is `rows`, the number of non-empty rows.
    `others` names the rows (1-based) of each kind that is no product.
    """

    name: str
    hidden: bool = False
    rows: int = 0
    header_rows: tuple[int, ...] = ()
    columns: tuple[Column, ...] = ()
    fingerprint: str = ""
    tables: tuple[Table, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def mapping(self) -> dict[str, tuple[str, float]]:
        """Field and confidence of each column by its letter; "attribute" is kept as a property, "" is left out."""
        return {letter(column.index): (column.field, column.confidence) for column in self.columns}


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A price list as read."""

    file: str
    kind: str  # what it really is: "xlsx", "xls", "xlsb", "ods", "text", "html", "xml"
    products: list[Product]
    problems: list[Problem]
    sheets: tuple[Sheet, ...]
    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # sheet and row of each product by SKU
    pictures: tuple[Picture, ...] = ()  # those embedded in the file
    path: Path = Path()

    def with_pictures(self, folder: Path) -> Book:
        """The same book with its embedded pictures written to `folder`, and their names as photos where a row has none.

        `Product.photo` becomes the file's name within `folder`.
        """
        if not self.pictures:
            return self
        rows = {(self.places[product.sku][0], product.row): product.sku for product in self.products}
        data = self.path.read_bytes()
        contents = xls_contents(data).__getitem__ if self.kind == Kind.XLS.value else zipped(data)
        saved = save_pictures(self.pictures, rows, folder, read=contents)
        products = [
            replace(product, photo=saved[product.sku].name) if product.sku in saved and not product.photo else product
            for product in self.products
        ]
        return replace(self, products=products)

    def corrected(self, wanted: Mapping[str, str], *, lang: str = "en") -> tuple[Layout, ...]:
        """The layouts of this book with the columns of `wanted` (by name or letter) holding the fields given for them.

        A name counts in every table that has it, a letter in the table with the most rows. Raises CatalogError for a
        column or a field that does not exist.
        """
        tables = [table for sheet in self.sheets for table in sheet.tables]
        main = max(tables, key=lambda table: table.last - table.first, default=None)
        found: dict[str, dict[str, str]] = {}
        for column, name in wanted.items():
            if name not in FIELDS:
                raise CatalogError(message("no_such_field", lang, field=name, fields=", ".join(filter(None, FIELDS))))
            places = [(table, at) for table in tables if (at := table.place(column, by_letter=table is main))]
            if not places:
                known = [f"{letter(c.index)} {c.title}" for c in (main.columns if main else ())]
                raise CatalogError(message("no_such_column", lang, column=column, columns=", ".join(known)))
            for table, at in places:
                found.setdefault(table.fingerprint, {})[at] = name
        labels = {table.fingerprint: {c.index: c.label for c in table.columns} for table in tables}
        return tuple(Layout(fingerprint=f, names=named(labels[f]), fields=fields) for f, fields in found.items())

    @property
    def rows(self) -> int:
        """The non-empty rows of all sheets: products, lost rows, and named rows of other kinds together."""
        return sum(sheet.rows for sheet in self.sheets)

    @property
    def parity(self) -> bool:
        """Whether every non-empty row is accounted for."""
        return all(sum(sheet.counts.values()) == sheet.rows for sheet in self.sheets)

    def summary(self, *, sample: int = 5, problems: int = 200) -> dict[str, Any]:
        """What a dry run shows, as JSON-ready values."""
        return summary(self, sample=sample, problems=problems)


def read(
    path: Path | str,
    *,
    lang: str = "en",
    mapping: Mapping[str, Mapping[str, str]] | None = None,
    layouts: Layouts | None = None,
    include_hidden: bool = False,
    currency: str = "",
) -> Book:
    """Reads the price list at `path`.

    `layouts` are the remembered corrections of columns; `mapping` gives them directly, instead: {Sheet.fingerprint (or
    "*" for any): {column letter: field}}. `currency` (ISO 4217) is used where the file names none. Messages are in
    `lang`. Raises CatalogError, saying what to do, for a file that is empty, encrypted, damaged, too big, or no table
    at all; bad rows and cells become problems instead.
    """
    path = Path(path)
    grids, kind, data = open_grids(path, lang=lang)
    pictures, damaged = _pictures(data, kind, grids)
    known = layouts or Layouts() if mapping is None else Layouts.of(mapping)
    reader = _Reader(path.name, lang, known, include_hidden, currency)
    book = reader.read(grids, kind.value)
    if damaged:
        book.problems.append(Problem(message=message("pictures_damaged", lang), lost=False))
    if sum(picture.size for picture in pictures) > ALL:
        book.problems.append(Problem(message=message("pictures_left_out", lang, limit=ALL >> 20), lost=False))
    return replace(book, path=path, pictures=pictures)


def _pictures(data: bytes, kind: Kind, grids: list[Grid]) -> tuple[tuple[Picture, ...], bool]:
    """The pictures inside the file, and whether the parts that place them are damaged; the goods can be read then."""
    try:
        return _found_pictures(data, kind, grids), False
    except (ElementTree.ParseError, ValueError, KeyError, zlib.error, struct.error):
        return (), True


def _found_pictures(data: bytes, kind: Kind, grids: list[Grid]) -> tuple[Picture, ...]:
    match kind:
        case Kind.XLSX:
            return find_pictures(data)
        case Kind.ODS:
            return find_ods_pictures(data)
        case Kind.XLS:
            return xls_pictures(data)
        case Kind.EXCHANGE:
            return exchange_pictures(data, grids[0])
    return ()


@dataclass(slots=True, kw_only=True)
class _Page:
    """A sheet in work."""

    grid: Grid
    filled: frozenset[int]  # the rows that are not empty
    skip: frozenset[int]
    tables: list[Table]
    readings: list[tuple[Table, Reading]] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)


_Kept = tuple[_Page, Draft, Product]


class _Reader:
    def __init__(self, file: str, lang: str, layouts: Layouts, include_hidden: bool, currency: str) -> None:
        self.file, self.lang, self.layouts = file, lang, layouts
        self.include_hidden, self.currency = include_hidden, currency
        self.problems: list[Problem] = []
        self.words = ""  # a taste of all sheets, to guess a currency by

    def read(self, grids: Sequence[Grid], kind: str) -> Book:
        tastes = (cell for grid in grids for row in grid.rows[:60] for cell in row[:30] if isinstance(cell, str))
        self.words = " ".join(cell[:200] for cell in tastes)
        pages = [self._page(grid) for grid in grids]
        self._leave_out_strangers(pages)
        drafts = [pair for page in pages for pair in self._drafts(page)]
        kept = self._products(drafts)
        if not kept:
            self._say("no_table", file=self.file)
        return Book(
            file=self.file,
            kind=kind,
            products=[product for _, _, product in kept.values()],
            problems=self.problems,
            sheets=tuple(self._sheet(page) for page in pages),
            places={sku: (page.grid.name, draft.row + 1) for sku, (page, draft, _) in kept.items()},
        )

    def _page(self, grid: Grid) -> _Page:
        filled = frozenset(index for index, row in enumerate(grid.rows) if not _blank(row))
        if grid.failure:
            self._say("sheet_failed", sheet=grid.name, why=grid.failure)
        for id, values in grid.remarks:
            self.problems.append(Problem(message=message(id, self.lang, **values), sheet=grid.name, lost=False))
        if grid.hidden and not self.include_hidden:
            if filled:
                self._say("sheet_hidden", grid, sheet=grid.name, rows=len(filled))
            return _Page(grid=grid, filled=filled, skip=frozenset(range(len(grid.rows))), tables=[])
        if not self.include_hidden:
            self._cover_columns(grid)
        skip = frozenset() if self.include_hidden else grid.hidden_rows
        if skip & filled:
            self._say("rows_hidden", grid, rows=len(skip & filled))
        self._cover_far_columns(grid, skip)
        tables = [self._without_far_rows(grid, table) for table in find_tables(grid, skip=skip, layouts=self.layouts)]
        return _Page(grid=grid, filled=filled, skip=skip, tables=tables)

    def _cover_far_columns(self, grid: Grid, skip: frozenset[int]) -> None:
        """Empties what stands out of sight to the right of a table: lists and sums that order forms calculate with."""
        edge = far_edge(grid)
        near = replace(grid, rows=[row[:edge] for row in grid.rows]) if edge else grid
        if not edge or not any(table.known for table in find_tables(near, skip=skip, layouts=self.layouts)):
            return
        self._say("far_columns", grid, column=letter(edge))
        for row in grid.rows:
            del row[edge:]

    def _without_far_rows(self, grid: Grid, table: Table) -> Table:
        """A table ends where a page of empty rows begins; what comes far below belongs to something else."""
        last = table.first
        for row in range(table.first, min(table.last + 1, len(grid.rows))):
            if not _blank(grid.rows[row]):
                if row - last > FAR_ROWS:
                    self._say("far_rows", grid, row + 1)
                    return replace(table, last=last)
                last = row
        return table

    def _cover_columns(self, grid: Grid) -> None:
        """Empties hidden columns: they often hold purchase prices. One that is named as a code stays, being the SKU."""
        covered = []
        for column in sorted(grid.hidden_columns):
            cells = [row[column] for row in grid.rows if column < len(row) and not is_empty(row[column])]
            labels = [field_of(cell) for cell in cells[:30] if isinstance(cell, str)]
            if cells and not any(label and label.field == "sku" and label.confidence > 0.8 for label in labels):
                covered.append(letter(column))
                for row in grid.rows:
                    if column < len(row):
                        row[column] = None
        if covered:
            self._say("columns_hidden", grid, columns=", ".join(covered[:40]))

    def _leave_out_strangers(self, pages: list[_Page]) -> None:
        """Beside a proper price list, sheets of currencies, categories or terms are no products; alone they may be."""
        tables = [table for page in pages for table in page.tables]
        priced = any(table.priced for table in tables)
        headed = any(table.priced and table.known for table in tables)
        for page in pages:
            page.tables = [
                table
                for table in page.tables
                if (table.priced and (table.header or not headed))
                or (table.column("name") and not table.priced and (table.column("sku") or not priced))
            ]

    def _drafts(self, page: _Page) -> list[tuple[_Page, Draft]]:
        readings = [(table, read_rows(page.grid, table, skip=page.skip, lang=self.lang)) for table in page.tables]
        page.readings = [(table, reading) for table, reading in readings if reading.drafts]
        page.tables = [table for table, _ in page.readings]
        preamble = self._sheet_currency(page)
        pairs = []
        for table, reading in page.readings:
            self.problems += reading.problems
            self._remark(page.grid, table)
            for draft in reading.drafts:
                if draft.price is not None and not draft.currency:
                    draft.currency = preamble
                pairs.append((page, draft))
        self._classify(page)
        pairs.sort(key=lambda pair: pair[1].row)
        return pairs

    def _classify(self, page: _Page) -> None:
        """One kind for each non-empty row; where tables stand side by side, what is most of a product wins."""
        order = {kind: place for place, kind in enumerate(KINDS)}
        for table, reading in page.readings:
            found = (
                dict(reading.kinds)
                | {draft.row: "product" for draft in reading.drafts}
                | dict.fromkeys(table.header, "header")
            )
            for row, kind in found.items():
                if order[kind] < order[page.kinds.get(row, "other")]:
                    page.kinds[row] = kind
        start = min((min(table.header, default=table.first) for table in page.tables), default=0)
        kinds = {index: "note" if page.tables and index < start else "other" for index in page.filled}
        kinds |= {index: kind for index, kind in page.kinds.items() if index in page.filled}
        covered = {index for index in page.filled if _blank(page.grid.rows[index])}
        page.kinds = kinds | dict.fromkeys((page.skip & page.filled) | covered, "hidden")
        if not page.tables and (left := sum(kind == "other" for kind in page.kinds.values())):
            self._say("sheet_without_products", page.grid, sheet=page.grid.name, rows=left)

    def _remark(self, grid: Grid, table: Table) -> None:
        row = table.header[-1] + 1 if table.header else table.first + 1
        if not table.header:
            self._say("no_header", grid, row)
        if not table.column("sku"):
            self._say("no_sku", grid, row)
        if not table.column("price"):
            inner = [column.title for column in table.columns if column.field == "other_price"]
            self._say("only_inner_prices" if inner else "no_price", grid, row, columns=", ".join(inner))
        elif (shown := table.column("price")) and price_rank(shown.label) == LOWER:
            self._say("lower_price_shown", grid, row, column=shown.title)
        if not table.column("name") and not table.column("sku"):
            names = ", ".join(column.title for column in table.columns if column.field == "attribute")
            self._say("name_composed", grid, row, columns=names)

    def _sheet_currency(self, page: _Page) -> str:
        """The currency that the lines above the first table name ("Цены указаны в гривне с НДС")."""
        start = min((table.header[0] for table in page.tables if table.header), default=0)
        words = ("цен", "цін", "ціни", "валют", "price", "preis", "руб", "грн", "currency", "pret")
        for row in page.grid.rows[: min(start, 60)]:
            for cell in row:
                if (
                    isinstance(cell, str)
                    and any(word in cell.lower() for word in words)
                    and (code := currency_of(cell))
                ):
                    return code
        return currency_of(page.grid.name)

    def _products(self, drafts: list[tuple[_Page, Draft]]) -> dict[str, _Kept]:
        self._settle_currency([draft for _, draft in drafts])
        kept: dict[str, _Kept] = {}
        for page, draft in drafts:
            product = self._product(draft, page.grid.name)
            if product.sku in kept:
                fresh = self._told_apart(page, draft, product, kept)
                if fresh is None:
                    continue
                product = fresh
            kept[product.sku] = (page, draft, product)
        return kept

    def _told_apart(self, page: _Page, draft: Draft, product: Product, kept: Mapping[str, _Kept]) -> Product | None:
        """A second row with a SKU: the same again, another price for it, or another product under a code of its own."""
        other_page, other, first = kept[product.sku]
        where = f"{other.row + 1}" if other_page is page else f"{other_page.grid.name}!{other.row + 1}"
        if _identity(first) == _identity(product) and (first.category == product.category or draft.sku):
            same = (first.price, first.currency, first.stock) == (product.price, product.currency, product.stock)
            page.kinds[draft.row] = "duplicate" if same else "conflict"
            self._say(
                "duplicate" if same else "conflict", page.grid, draft.row + 1, sku=product.sku, first=where, lost=True
            )
            return None
        number = 2
        while f"{product.sku}-{number}" in kept:
            number += 1
        fresh = replace(product, sku=f"{product.sku}-{number}")
        self._say("same_sku", page.grid, draft.row + 1, sku=product.sku, first=where, new=fresh.sku)
        return fresh

    def _product(self, draft: Draft, sheet: str) -> Product:
        product = Product(
            sku=draft.sku,
            name=draft.name,
            names=tuple(draft.names),
            description=draft.description,
            category=draft.category,
            brand=draft.brand,
            price=draft.price,
            currency=draft.currency if draft.price is not None else "",
            stock=draft.stock,
            stock_about=draft.stock_about,
            unit=draft.unit,
            attributes=tuple(draft.attributes),
            inner=tuple(draft.inner),
            photo=draft.photo,
            url=draft.url,
            lang=draft.lang,
            source=self.file,
            row=draft.row + 1,
        )
        return product if product.sku else replace(product, sku=_made_sku(product))

    def _settle_currency(self, drafts: list[Draft]) -> None:
        """A price whose currency nothing names takes that of the rest, else the owner's, else one by language."""
        bare = [draft for draft in drafts if draft.price is not None and not draft.currency]
        if not bare:
            return
        known = Counter(draft.currency for draft in drafts if draft.currency)
        common = known.most_common(1)[0][0] if len(known) == 1 else ""
        assumed = common or self.currency or _likely_currency(self.words)
        if not common and not self.currency:
            self._say("currency_assumed", currency=assumed)
        for draft in bare:
            draft.currency = assumed

    def _sheet(self, page: _Page) -> Sheet:
        counts = Counter(page.kinds.values())
        most = max((len(reading.drafts) for _, reading in page.readings), default=0)
        main = next((pair for pair in page.readings if len(pair[1].drafts) * 2 >= most), None)
        others: dict[str, list[int]] = {}
        for row, kind in sorted(page.kinds.items()):
            if kind != "product":
                others.setdefault(kind, []).append(row + 1)
        table = main[0] if main else None
        return Sheet(
            name=page.grid.name,
            hidden=page.grid.hidden,
            rows=len(page.filled),
            header_rows=tuple(row + 1 for row in table.header) if table else (),
            columns=table.columns if table else (),
            fingerprint=table.fingerprint if table else "",
            tables=tuple(page.tables),
            counts={kind: counts[kind] for kind in KINDS},
            others={kind: tuple(rows) for kind, rows in others.items()},
        )

    def _say(self, id: str, grid: Grid | None = None, row: int = 0, *, lost: bool = False, **values: object) -> None:
        text = message(id, self.lang, **values)
        self.problems.append(Problem(message=text, sheet=grid.name if grid else "", row=row, lost=lost))


def _blank(row: Sequence[Cell]) -> bool:
    return all(map(is_empty, row))


def _identity(product: Product) -> tuple[object, ...]:
    """What makes two rows one product: name, brand and properties, whatever the price."""
    properties = sorted((a.name, simplify(a.text)) for a in product.attributes if a.number is None or a.unit)
    return simplify(product.name), simplify(product.brand), tuple(properties)


def _made_sku(product: Product) -> str:
    """A code that is the same each time the same product is read, wherever its row stands."""
    said = "\x1f".join(map(str, (_identity(product), product.unit)))
    return "X" + hashlib.sha256(said.encode()).hexdigest()[:10].upper()


_COUNTRY = re.compile(
    r"\.(ua|by|kz|uz|ru|su|рф|md|pl|ro|de|kg|am|ge|az|in)(?=[/\s,;)]|$)"
    r"|\+\s?(380|375|373|998|996|374|995|994|48|40|49|91)(?!\d)"
)
_MONEY_OF = {
    "ua": "UAH", "380": "UAH", "by": "BYN", "375": "BYN", "kz": "KZT", "uz": "UZS", "998": "UZS",
    "ru": "RUB", "su": "RUB", "рф": "RUB", "md": "MDL", "373": "MDL", "pl": "PLN", "48": "PLN",
    "ro": "RON", "40": "RON", "de": "EUR", "49": "EUR", "kg": "KGS", "996": "KGS", "am": "AMD", "374": "AMD",
    "ge": "GEL", "995": "GEL", "az": "AZN", "994": "AZN", "in": "INR", "91": "INR",
}  # fmt: skip


def _likely_currency(words: str) -> str:
    """The money of the country that addresses and telephones name most often, else of the language of the words."""
    countries = Counter(_MONEY_OF[found[1] or found[2]] for found in _COUNTRY.finditer(words.lower()))
    if countries:
        return countries.most_common(1)[0][0]
    letters = Counter(words.lower())
    if letters["і"] + letters["ї"] + letters["є"] > letters["ы"] + letters["э"] + letters["ё"]:
        return "UAH"
    if sum(count for char, count in letters.items() if "а" <= char <= "я") > len(words) / 10:
        return "RUB"
    return "EUR" if any(letters[char] for char in "äöüßăâîșț") else "USD"
