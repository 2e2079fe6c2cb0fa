"""Turns the rows of a table into products, and names every row that is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from catalog.product import Attribute, Problem
from catalog.workbook.columns import HELD_BACK, SHARED, Column
from catalog.workbook.doubts import doubts
from catalog.workbook.grid import ERRORS, Cell, Grid, is_empty, written
from catalog.workbook.layout import Table
from catalog.workbook.messages import message
from catalog.workbook.units import Unit, converted, quantity, unit_of
from catalog.workbook.values import decimal_mark, number, price, stock, text
from catalog.workbook.vocabulary import currency_of, field_of, is_held_back, means, name_in

LONGEST_TEXT = 20_000  # characters of one cell that are kept; a spreadsheet program allows 32,767
_CONTACT = re.compile(r"@\w|https?://|www\.|\(\d{3,5}\)\s?\d|\+\d[\d ()-]{8,}")
_LONG = 150  # characters of a lone text that make it a note rather than a section's name
_AS_TEXT = re.compile(r"""'([^']+)|="([^"]+)\"""")


@dataclass(slots=True, kw_only=True)
class Draft:
    """A product on its way: the fields of `Product` that a row gives, before SKUs are settled for the whole book."""

    row: int  # 0-based
    name: str
    sku: str = ""
    description: str = ""
    category: str = ""
    brand: str = ""
    price: Decimal | None = None
    currency: str = ""
    stock: Decimal | None = None
    stock_about: bool = False
    unit: str = ""
    photo: str = ""
    url: str = ""
    lang: str = ""
    names: list[tuple[str, str]] = field(default_factory=list)
    source: str = ""
    attributes: list[Attribute] = field(default_factory=list)
    inner: list[Attribute] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Reading:
    """What one table's rows came to: drafts, the kind of every other row (0-based), and problems."""

    drafts: list[Draft] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_rows(grid: Grid, table: Table, *, skip: frozenset[int], lang: str) -> Reading:
    """Reads the body of `table`; rows in `skip` are passed over. Every non-empty row ends as a draft or in `kinds`."""
    return _Rows(grid, table, skip, lang).read()


@dataclass(slots=True)
class _Heading:
    """A section that is open: how deep it is said to be, how it looks, and whether a product has stood under it."""

    title: str
    depth: tuple[int, int]  # outline level and indent
    look: tuple[int, bool]  # column and bold type
    used: bool = False


class _Rows:
    def __init__(self, grid: Grid, table: Table, skip: frozenset[int], lang: str) -> None:
        self.grid, self.table, self.skip, self.lang = grid, table, skip, lang
        self.reading = Reading()
        self.columns = [column for column in table.columns if column.field]
        self.places = {c.field: c.index for c in self.columns if c.field not in SHARED}
        self.left, self.right = min(c.index for c in table.columns), max(c.index for c in table.columns)
        self.stocks = [c for c in self.columns if c.field == "stock"]
        self.names = {c.index: lang for c in self.columns if c.field == "attribute" and (lang := name_in(c.title))}
        self.extras = [c for c in self.columns if c.field in {"attribute", "barcode"} and c.index not in self.names]
        self.held_back = [c for c in self.columns if c.field in HELD_BACK]
        self.gauge = self.places.get("price", next((c.index for c in self.held_back if c.field == "other_price"), -1))
        self.units = {c.index: unit_of(c.title) for c in (*self.extras, *self.held_back)}
        self.header_currency = {
            c.index: currency_of(c.label) for c in self.columns if c.field in {"price", "other_price"}
        }
        self.body = [row for row in range(table.first, table.last + 1) if row not in skip]
        self.mark = (
            decimal_mark([self._at(row, "price") for row in self.body[:5000]]) if "price" in self.places else None
        )
        self.below = self._shared()
        self.wide = {(top, left) for top, left, _, right in grid.merged if right > left}
        self.typical, self.priced = self._habits()
        self.bold_names = self._bold_share() > 0.5
        self.path: list[_Heading] = []
        self.named: Draft | None = None
        self.telling = {c.title for c in self.extras if c.field == "attribute"}

    def read(self) -> Reading:
        for row in self.body:
            cells = self._cells(row)
            if not cells:
                continue
            if row in self.table.repeated:
                self.reading.kinds[row] = "header"
                continue
            kind = "product" if self.grid.feed else self._kind(row, cells)
            if kind == "product":
                self._product(row, cells)
            else:
                self.reading.kinds[row] = kind
                if kind == "section":
                    self._section(row, cells)
        self._trailing_sections_are_notes()
        self.reading.problems += doubts(self.grid, self.table, [draft.row for draft in self.reading.drafts], self.lang)
        return self.reading

    def _cells(self, row: int) -> dict[int, Cell]:
        """The row's filled cells within the table (and, for the last column, those to its right)."""
        cells = self.grid.rows[row] if row < len(self.grid.rows) else []
        own = {c: cells[c] for c in range(self.left, min(self.right + 1, len(cells))) if not is_empty(cells[c])}
        if own and row in self.below:
            own = dict(sorted((self.below[row] | own).items()))
        return own

    def _shared(self) -> dict[int, dict[int, Cell]]:
        """What cells merged over several rows say to the rows below their first: a name, a brand or a price for all."""
        wanted = {self.places.get(name) for name in ("name", "brand", "category", "unit", "price")}
        shared: dict[int, dict[int, Cell]] = {}
        for top, left, bottom, _ in self.grid.merged:
            inside = bottom > top >= self.table.first and top <= self.table.last and left in wanted
            if inside and left < len(self.grid.rows[top]) and not is_empty(value := self.grid.rows[top][left]):
                for row in range(top + 1, min(bottom, top + 500) + 1):
                    shared.setdefault(row, {})[left] = value
        return shared

    def _at(self, row: int, field_name: str) -> Cell:
        place = self.places.get(field_name)
        cells = self.grid.rows[row]
        return cells[place] if place is not None and place < len(cells) else None

    def _habits(self) -> tuple[float, float]:
        """How many cells a row with a name usually fills, and the share of named rows that have a price."""
        counts, prices = [], 0
        for row in self.body:
            cells = self._cells(row)
            if ("name" in self.places and is_empty(cells.get(self.places["name"]))) or len(cells) < 2:
                continue
            counts.append(len(cells))
            prices += not is_empty(cells.get(self.gauge))
        counts.sort()
        return (float(counts[len(counts) // 2]), prices / len(counts)) if counts else (1.0, 0.0)

    def _bold_share(self) -> float:
        """The share of names in bold among rows that have more than a name."""
        place = self.places.get("name", -1)
        if not self.grid.bold:
            return 0.0
        rows = [row for row in self.body[:2000] if len(cells := self._cells(row)) > 1 and place in cells]
        return sum((row, place) in self.grid.bold for row in rows) / len(rows) if rows else 0.0

    def _kind(self, row: int, cells: dict[int, Cell]) -> str:
        has = {name for name, place in self.places.items() if place in cells}
        first = text(next(iter(cells.values())))
        found = price(cells.get(self.gauge), mark=self.mark)
        priced = found is not None
        sold = has >= {"sku", "name"} and (priced or self.gauge < 0)
        if means("total", first) and not sold and len(cells) <= max(3.0, self.typical):
            return "total"
        if len(cells) == 1 or (not priced and len({written(cell) for cell in cells.values()}) == 1):
            return self._lone(row, cells, first)
        if self._is_afterthought(cells, has):
            return "total"
        if not priced and first.startswith(("*", "<*")):
            return "note"
        if found and found.amount is not None and found.amount < 0 and len(cells) == 2 and "name" in has:
            return "section"  # some shops mark their groups by a price of -1
        if priced:
            return "product"
        if self._names_price_again(cells):
            return "section" if "name" in has else "header"
        if found is None and self.gauge in cells and ("name" not in has or is_empty(self._at(row, "name"))):
            return "note"  # sizes that stand where prices do ("0,9 кг") head the columns anew
        if "name" in has:
            return "section" if self._is_group(cells, has) else "product"
        if "sku" in has and not any(isinstance(cell, str) and len(cell) > 60 for cell in cells.values()):
            return "product"
        if any(price(cells[c.index]) for c in self.held_back if c.field == "other_price" and c.index in cells):
            return "product"
        told = (*self.extras, *self.held_back)
        sized = any(c.index in cells for c in told) and any(number(cell) is not None for cell in cells.values())
        return "product" if sized and self.named and self._is_variant(cells) else "note"

    def _lone(self, row: int, cells: dict[int, Cell], only: str) -> str:
        """What a single text is: the heading of a section, a remark, or a product that gives nothing but its name."""
        place = next(iter(cells))
        if len(only) > _LONG or means("note", only) or only.startswith("*") or _CONTACT.search(only):
            return "note"
        if place == self.places.get("price"):
            return "total" if number(cells[place]) is not None else "note"
        headed = (row, place) in self.wide or ((row, place) in self.grid.bold and not self.bold_names)
        plain_list = self.typical <= 2.5 or bool(self.grid.bold)
        if place == self.places.get("name") and not headed and plain_list and self.priced < 0.3:
            return "product" if number(cells[place]) is None else "section"
        return "section"

    def _names_price_again(self, cells: dict[int, Cell]) -> bool:
        """A row with the word "Price" where prices stand is the heading of a group."""
        cell = cells.get(self.places.get("price", -1))
        match = field_of(cell) if isinstance(cell, str) and len(cell) < 40 else None
        return match is not None and match.field == "price" and match.confidence > 0.9

    def _is_afterthought(self, cells: dict[int, Cell], has: set[str]) -> bool:
        """A text and a sum in a table whose rows are numbered and fill far more: "Fittings together: 380"."""
        return "index" in self.places and not has & {"index", "sku"} and self.typical >= 6 and len(cells) <= 2

    def _is_group(self, cells: dict[int, Cell], has: set[str]) -> bool:
        """A row with a name (and perhaps a code) alone among rows that fill twice as much is the heading of a group."""
        rich = has & {"unit", "photo", "url", "barcode"} or any(c.index in cells for c in self.stocks)
        counted = [place for place in cells if place != self.places.get("index")]
        return self.priced >= 0.5 and not rich and len(counted) <= 2 and len(cells) * 2 <= self.typical

    def _section(self, row: int, cells: dict[int, Cell]) -> None:
        """Puts a heading into the path: deeper by outline or indent, in place of its like, below what it follows."""
        place = self.places.get("name", -1)
        place = place if place in cells else next(iter(cells))
        cell = cells[place]
        indent = len(cell) - len(cell.lstrip()) if isinstance(cell, str) else 0
        depth = (self.grid.levels.get(row, 0), indent)
        look = (place, (row, place) in self.grid.bold)
        while self.path and self.path[-1].depth > depth:
            self.path.pop()
        told = depth > (0, 0)  # where the file tells the depth, the look does not matter
        alike = [n for n, other in enumerate(self.path) if other.depth == depth and (told or other.look == look)]
        if alike and (told or self.path[alike[-1]].used):
            del self.path[alike[0] :]
        self.path = [*self.path, _Heading(text(cell)[:200], depth, look)][-5:]
        self.named = None

    def _category(self) -> str:
        for heading in self.path:
            heading.used = True
        return " / ".join(heading.title for heading in self.path)

    def _trailing_sections_are_notes(self) -> None:
        """A heading with nothing below it until the end of the table is a remark."""
        last = max((draft.row for draft in self.reading.drafts), default=-1)
        for row, kind in self.reading.kinds.items():
            if kind == "section" and row > last:
                self.reading.kinds[row] = "note"

    def _product(self, row: int, cells: dict[int, Cell]) -> None:
        cells = {place: self._checked(row, place, cell) for place, cell in cells.items()}
        section = self._category()
        draft = Draft(row=row, name="")
        for name in ("sku", "description", "category", "brand", "unit", "url", "lang", "photo"):
            if (cell := cells.get(self.places.get(name, -1))) is not None:
                setattr(draft, name, text(cell))
        draft.category = draft.category or section or self._title()
        draft.sku = draft.sku[:120]
        draft.photo = _first_link(draft.photo) if draft.photo else ""
        draft.names = [(lang, text(cells[place])) for place, lang in self.names.items() if place in cells]
        self._properties(draft, cells)
        self._price(draft, cells)
        self._stock(draft, cells)
        draft.name = self._name(draft, cells) or next((name for _, name in draft.names), "")
        if not draft.name:
            self.reading.kinds[row] = "problem"
            self._problem(row, "no_name", value=" | ".join(written(cell)[:30] for cell in cells.values())[:100])
            return
        self.reading.drafts.append(draft)

    def _title(self) -> str:
        return self.table.title if "name" not in self.places else ""

    def _name(self, draft: Draft, cells: dict[int, Cell]) -> str:
        """The name as written; that of the product above for a row that gives only another size; or one composed."""
        place = self.places.get("name")
        if place is not None and place in cells:
            self.named = draft
            return text(cells[place])
        if place is None:
            return draft.sku or ", ".join(
                filter(None, (self.path[-1].title if self.path else self.table.title, self._variant(draft)))
            )
        variant = self._variant(draft, unlike=self.named)
        return f"{self.named.name}, {variant}" if self.named and variant and self._is_variant(cells) else ""

    def _variant(self, draft: Draft, unlike: Draft | None = None) -> str:
        """The properties that tell a product from the one above, as words."""
        above = {a.name: a.text for a in unlike.attributes} if unlike else {}
        told = [a for a in draft.attributes if a.name in self.telling and above.get(a.name) != a.text]
        return ", ".join(a.text if number(a.text) is None else f"{a.name} {a.text}" for a in told[:3])

    def _is_variant(self, cells: dict[int, Cell]) -> bool:
        """A further size of the product above has neither a number in the list nor a link of its own."""
        own = {self.places.get(name) for name in ("index", "sku", "url", "photo")}
        return not own & set(cells) and not any(
            isinstance(cell, str) and cell.startswith("http") for cell in cells.values()
        )

    def _price(self, draft: Draft, cells: dict[int, Cell]) -> None:
        place = self.places.get("price")
        cell = cells.get(place) if place is not None else None
        if place is None or is_empty(cell):
            return
        column = next(c for c in self.columns if c.index == place)
        found = price(cell, mark=self.mark)
        shown = written(cell)[:80]
        if found is None:
            self._problem(draft.row, "bad_price", column, value=shown, lost=False)
            draft.attributes.append(Attribute(name=column.title, text=shown))
        elif not found.exact:
            self._problem(draft.row, "price_range", column, value=shown, lost=False)
            draft.attributes.append(Attribute(name=column.title, text=shown))
        elif found.amount is not None and found.amount < 0:
            self._problem(draft.row, "negative_price", column, value=shown, lost=False)
        elif found.amount:  # a price of nought is how price lists write "not known"
            draft.price = found.amount
            own = currency_of(written(cells.get(self.places.get("currency", -1))))
            shown_by_format = self.grid.currencies.get((draft.row, place), "")
            draft.currency = own or found.currency or self.header_currency.get(place, "") or shown_by_format

    def _stock(self, draft: Draft, cells: dict[int, Cell]) -> None:
        """The stock of all warehouses together; a cell that gives no exact count is also kept as it was written."""
        for column in self.stocks:
            cell = cells.get(column.index)
            if is_empty(cell):
                continue
            found = stock(cell)
            if found is not None:
                draft.stock = (draft.stock or Decimal(0)) + found.amount
                draft.stock_about = draft.stock_about or not found.exact
            if found is None or not found.exact or len(self.stocks) > 1:
                draft.attributes.append(Attribute(name=column.title, text=written(cell)[:200]))

    def _properties(self, draft: Draft, cells: dict[int, Cell]) -> None:
        """What a customer may see of a row's further columns, and what stays with the seller."""
        place = self.places.get("attributes")
        if place is not None and place in cells:
            for one in self._json(draft.row, text(cells[place])):
                (draft.inner if is_held_back(one.name) else draft.attributes).append(one)
        draft.attributes += self._read(self.extras, cells)
        draft.inner += self._read(self.held_back, cells)

    def _read(self, columns: list[Column], cells: dict[int, Cell]) -> Iterator[Attribute]:
        for column in columns:
            cell = cells.get(column.index)
            if column.field == "other_price" and (found := price(cell)) and found.exact and found.amount:
                money = found.currency or self.header_currency[column.index] or None
                yield Attribute(name=column.title, text=format(found.amount, "f"), number=found.amount, unit=money)
            elif not is_empty(cell) and (shown := text(cell)):
                yield attribute(column.title, shown, cell, self.units[column.index])

    def _json(self, row: int, written_json: str) -> Iterator[Attribute]:
        try:
            entries = json.loads(written_json)
        except ValueError:
            entries = None
        if not isinstance(entries, dict):
            self._problem(row, "bad_attributes", lost=False)
            yield Attribute(name="attributes", text=written_json[:LONGEST_TEXT])
            return
        for name, value in entries.items():
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            if value is not None and shown.strip():
                yield attribute(str(name), shown.strip(), shown.strip(), unit_of(str(name)))

    def _checked(self, row: int, place: int, cell: Cell) -> Cell:
        if not isinstance(cell, str):
            return cell
        if len(cell) > LONGEST_TEXT:
            self._problem(row, "cell_cut", self._column(place), size=len(cell), limit=LONGEST_TEXT, lost=False)
            return cell[:LONGEST_TEXT]
        if cell.startswith(("'", '="')) and (kept := _AS_TEXT.fullmatch(cell)):
            return kept[1] or kept[2]  # how people keep a spreadsheet program from changing "00123"
        if cell.startswith("#") and cell.strip() in ERRORS:
            self._problem(row, "cell_error", self._column(place), value=cell.strip(), lost=False)
            return None
        return cell

    def _column(self, place: int) -> Column | None:
        return next((column for column in self.table.columns if column.index == place), None)

    def _problem(self, row: int, id: str, column: Column | None = None, *, lost: bool = True, **values: object) -> None:
        self.reading.problems.append(
            Problem(
                message=message(id, self.lang, **values),
                sheet=self.grid.name,
                row=row + 1,
                column=column.title if column else "",
                lost=lost,
            )
        )


def attribute(name: str, shown: str, cell: Cell, unit: Unit | None) -> Attribute:
    """An attribute with its number and canonical unit, taken from the value ("3 кВт") or the name ("Power, kW")."""
    amount = number(cell)
    if amount is not None:
        value, canonical = converted(amount, unit) if unit else (amount, None)
        return Attribute(name=name, text=shown, number=value, unit=canonical)
    if len(shown) <= 40 and (found := quantity(shown)):
        return Attribute(name=name, text=shown, number=found[0], unit=found[1])
    return Attribute(name=name, text=shown)


def _first_link(shown: str) -> str:
    links = re.findall(r"(?:https?:)?//[^\s,;|]+", shown)
    return str(links[0]) if links else shown
