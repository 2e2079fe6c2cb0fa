"""Finds the tables on a sheet: their header rows, their columns, and tables that stand side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from catalog.workbook.columns import Column, mapped
from catalog.workbook.grid import Cell, Grid, is_empty, letter, written
from catalog.workbook.layouts import Layouts
from catalog.workbook.units import is_unit
from catalog.workbook.values import number, price
from catalog.workbook.vocabulary import Match, currency_of, field_of, first_letters, is_about_price, simplify

MOST_HEADER_ROWS = 5
FAR_COLUMNS = 20  # empty columns that no screen bridges
_LONGEST = 200  # characters of a cell that may still be a column's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One grid of products (or of something else): 0-based header rows and body rows `first` to `last` inclusive."""

    header: tuple[int, ...]
    first: int
    last: int
    columns: tuple[Column, ...]
    title: str = ""  # the text right above it
    repeated: frozenset[int] = frozenset()  # body rows that are the header again
    known: bool = False  # whether its header was recognised by the words in it
    fingerprint: str = ""  # the name of its layout

    def column(self, field: str) -> Column | None:
        """The column that holds `field`, if there is one."""
        return next((column for column in self.columns if column.field == field), None)

    def place(self, column: str, *, by_letter: bool) -> str:
        """The letter of the column called so (or, where `by_letter`, with that letter); empty where there is none."""
        named = [letter(c.index) for c in self.columns if c.label and simplify(c.label) == simplify(column)]
        lettered = [column.upper()] if by_letter and column.upper() in {letter(c.index) for c in self.columns} else []
        return next(iter([*named, *lettered]), "")

    @property
    def priced(self) -> bool:
        """Whether it has prices, be they for the seller alone."""
        return bool(self.column("price") or self.column("other_price"))


def find_tables(grid: Grid, *, skip: frozenset[int] = frozenset(), layouts: Layouts | None = None) -> list[Table]:
    """All tables of the sheet, top to bottom and left to right; rows in `skip` are not looked at.

    `layouts` holds the columns that people have corrected.
    """
    layouts = layouts or Layouts()
    rows = grid.rows
    if grid.feed:
        return _feed(rows, layouts)
    spread = _spread_labels(grid)
    headers = _headers(rows, spread, skip)
    first = headers[0].rows[0] if headers else len(rows)
    bare = [row for row in range(first) if row not in skip]
    tables = _unlabelled(rows, bare, layouts) if headers else _headerless(rows, bare, layouts)
    for place, header in enumerate(headers):
        last = headers[place + 1].rows[0] - 1 if place + 1 < len(headers) else len(rows) - 1
        body = [row for row in range(header.rows[-1] + 1, last + 1) if row not in skip]
        data = [rows[row] for row in body if row not in header.repeated]
        for labels in _side_by_side(header.labels):
            columns, name = mapped(labels | _nameless(labels, header.labels, data), data, layouts)
            tables.append(
                Table(
                    header=header.rows,
                    first=header.rows[-1] + 1,
                    last=last,
                    columns=columns,
                    fingerprint=name,
                    title=_title(rows, header.rows[0], labels),
                    repeated=header.repeated,
                    known=True,
                )
            )
    return tables


def _feed(rows: list[list[Cell]], layouts: Layouts) -> list[Table]:
    """The one table of a feed: its first row names the columns, whatever they are called."""
    if len(rows) < 2:
        return []
    columns, name = mapped({c: written(cell) for c, cell in enumerate(rows[0])}, rows[1:], layouts)
    return [Table(header=(0,), first=1, last=len(rows) - 1, columns=columns, known=True, fingerprint=name)]


def far_edge(grid: Grid) -> int:
    """The first column that stands FAR_COLUMNS or more empty ones to the right of what is left of it; 0 for none."""
    filled = {c for row in grid.rows for c, cell in enumerate(row) if not is_empty(cell)}
    return next((after for before, after in pairwise(sorted(filled)) if after - before > FAR_COLUMNS), 0)


def _nameless(labels: Mapping[int, str], all_labels: Mapping[int, str], data: list[list[Cell]]) -> dict[int, str]:
    """Columns within the table, or left of the first one, that hold data under no name."""
    start = min(labels, default=0)
    left = 0 if start == min(all_labels, default=0) else start
    places = [c for c in range(left, max(labels, default=0)) if c not in labels]
    held = {c: sum(c < len(row) and not is_empty(row[c]) for row in data) for c in places}
    return {c: "" for c, count in held.items() if count * 4 >= len(data) and count > 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    rows: tuple[int, ...]
    labels: dict[int, str]
    repeated: frozenset[int] = frozenset()


def _headers(rows: list[list[Cell]], spread: Mapping[tuple[int, int], str], skip: frozenset[int]) -> list[_Header]:
    headers: list[_Header] = []
    row = 0
    prices: list[int] = []
    while row < len(rows):
        if (
            row in skip
            or _has_number(rows[row], prices)
            or not (hits := _hits(rows[row]))
            or not _is_header(rows[row], hits)
        ):
            row += 1
            continue
        if _is_title_of_next(rows, row, hits, skip):
            row += 1
            continue
        block = _block(rows, row, spread, skip, floor=headers[-1].rows[-1] + 1 if headers else 0)
        labels = _labels(rows, block, spread)
        if block[-1] + 1 not in skip and _counts_columns(rows, block[-1] + 1, len(labels)):
            block = (*block, block[-1] + 1)
        if headers and _same(labels, headers[-1].labels):
            headers[-1] = replace(headers[-1], repeated=headers[-1].repeated | set(block))
        else:
            headers.append(_Header(rows=block, labels=labels))
            prices = [c for c, label in labels.items() if (match := _best(label)) and match.field in {"price", "stock"}]
        row = block[-1] + 1
    return headers


def _has_number(row: Sequence[Cell], places: Sequence[int]) -> bool:
    """Whether a number stands where the last header promised one: a quick way to see that a row is data."""
    for c in places:
        cell = row[c] if c < len(row) else None
        if isinstance(cell, (float, int)) or (isinstance(cell, str) and cell[:1].isdigit()):
            return True
    return any(isinstance(cell, str) and cell.startswith(("{", "http")) for cell in row)


def _is_title_of_next(rows: list[list[Cell]], row: int, hits: Mapping[int, Match], skip: frozenset[int]) -> bool:
    """Whether a line with known words ("Hoses | GOST 18698 | Price without VAT") only heads the header."""
    if row + 1 >= len(rows) or row + 1 in skip:
        return False
    if any(match.field in {"name", "sku", "index"} for match in hits.values()):
        return False
    below = _hits(rows[row + 1])
    clearer = sum(match.confidence > 0.9 for match in below.values()) > sum(
        match.confidence > 0.9 for match in hits.values()
    )
    return clearer and len(below) > len(hits) and _is_header(rows[row + 1], below)


def _hits(row: Sequence[Cell]) -> dict[int, Match]:
    """The columns whose cell is a known column name. Almost every row of data is sent away after a glance."""
    likely = [c for c, cell in enumerate(row) if isinstance(cell, str) and _may_be_label(cell)]
    if len(likely) < 2:
        return {}
    found = {c: match for c in likely if isinstance(text := row[c], str) and (match := field_of(text))}
    return found if len(found) > 1 else {}


def _may_be_label(text: str) -> bool:
    """Whether one of its first two words begins like a known column name."""
    if not text or len(text) > _LONGEST:
        return False
    letters = first_letters()
    return any(word.lstrip("(\"'«")[:2].rstrip(".,)").lower() in letters for word in text.split(None, 2)[:2])


def _is_header(row: Sequence[Cell], hits: Mapping[int, Match]) -> bool:
    filled = [cell for cell in row if not is_empty(cell)]
    numbers = sum(number(cell) is not None for cell in filled)
    fields = {match.field for match in hits.values()}
    sure = sum(match.confidence >= 0.8 for match in hits.values())
    named = sure >= 2 and len(fields) >= 2  # beside sure names there may be numbers: discounts, coefficients
    if numbers * (2 if named else 3) > len(filled) or (sure < 2 and not (sure == 1 and len(hits) > 2)):
        return False
    if not fields & {"name", "sku", "price", "description", "stock"}:
        return len(hits) >= 3 and len(hits) * 2 > len(filled)
    if fields == {"price"}:
        return len(hits) >= 2 and numbers == 0 and len(hits) * 2 > len(filled)
    long = sum(isinstance(cell, str) and len(cell) > 60 for cell in filled)
    return long * 2 <= len(filled) and (len(hits) * 3 >= len(filled) - numbers or len(hits) >= 4)


def _block(
    rows: list[list[Cell]], row: int, spread: Mapping[tuple[int, int], str], skip: frozenset[int], floor: int
) -> tuple[int, ...]:
    """The header rows around `row`: a line of groups above ("Prices: retail, wholesale"), lines of details below."""
    top = row
    while (
        top > floor
        and row - top < 2
        and top - 1 not in skip
        and _groups_above(rows[top - 1], rows[row], top - 1, spread)
    ):
        top -= 1
    bottom = row
    while bottom + 1 < len(rows) and bottom - top + 1 < MOST_HEADER_ROWS and bottom + 1 not in skip:
        if not _continues(rows, bottom + 1, row, spread):
            break
        bottom += 1
    return tuple(r for r in range(top, bottom + 1) if r not in skip)


def _groups_above(
    row: Sequence[Cell], below: Sequence[Cell], index: int, spread: Mapping[tuple[int, int], str]
) -> bool:
    """Whether a line names groups of the columns below it: short known names, none over the whole page."""
    filled = [c for c, cell in enumerate(row) if not is_empty(cell)]
    if not filled or any(
        not isinstance(row[c], str) or len(str(row[c])) > 40 or number(row[c]) is not None for c in filled
    ):
        return False
    wide = sum(not is_empty(cell) for cell in below)
    for c in filled:
        match = field_of(str(row[c]))
        group = next((n for n in range(wide + 1) if (index, c + n) not in spread), wide + 1)
        if not match or match.confidence < 0.8 or (group <= 1 and not _is_bare(below, c)) or group >= wide:
            return False
    return filled != [0]


def _is_bare(row: Sequence[Cell], column: int) -> bool:
    return column >= len(row) or is_empty(row[column])


def _continues(rows: list[list[Cell]], index: int, header: int, spread: Mapping[tuple[int, int], str]) -> bool:
    """Whether a row below the header belongs to it: short texts, no data, and not the heading of a first section."""
    row = rows[index]
    filled = [c for c, cell in enumerate(row) if not is_empty(cell)]
    texts = [c for c in filled if isinstance(row[c], str) and number(row[c]) is None]
    hits = [c for c in texts if (match := field_of(str(row[c]))) and match.confidence >= 0.8]
    stray = len(filled) - len(texts)
    if stray * 3 > len(hits) or not texts or any(len(str(row[c])) > 60 for c in texts):
        return False
    first = next((c for c, cell in enumerate(rows[header]) if not is_empty(cell)), 0)
    if texts == [first] or (len(texts) == 1 and not hits and not str(row[texts[0]]).lstrip().startswith("(")):
        return False
    if all((index, c + 1) in spread and not _is_bare(rows[header], c + 1) for c in texts):
        return False  # one cell below several column names is the heading of a section
    if any(price(row[c]) is not None for c in texts if c not in hits):
        return False
    if len(hits) * 2 >= len(texts):
        return True
    rest = [c for c in texts if c not in hits]
    return all(_is_detail(str(row[c])) for c in rest) and any(not _is_bare(rows[header], c) for c in rest)


def _counts_columns(rows: list[list[Cell]], index: int, columns: int) -> bool:
    """Whether a row below a header only numbers the columns: 1, 2, 3, 4."""
    counted = [number(cell) for cell in rows[index] if not is_empty(cell)] if index < len(rows) else []
    return len(counted) >= max(3, columns - 1) and counted == [*range(1, len(counted) + 1)]


def _is_detail(text: str) -> bool:
    """Units and remarks that stand under a column's name: "(м)", "кгс/см", "руб.", "без НДС"."""
    text = text.strip()
    return text.startswith("(") or is_unit(text) or bool(currency_of(text)) or is_about_price(text)


def _spread_labels(grid: Grid) -> dict[tuple[int, int], str]:
    """The text of each merged range at each of its places but the first; ranges as high as a page are not labels."""
    spread: dict[tuple[int, int], str] = {}
    for top, left, bottom, right in grid.merged:
        if (
            bottom - top >= MOST_HEADER_ROWS
            or right - left > 300
            or top >= len(grid.rows)
            or left >= len(grid.rows[top])
        ):
            continue
        text = written(grid.rows[top][left])
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                spread[row, column] = text
    return spread


def _labels(rows: list[list[Cell]], block: Iterable[int], spread: Mapping[tuple[int, int], str]) -> dict[int, str]:
    """Each column's name: what its header cells say from top to bottom, each thing once."""
    block = tuple(block)
    width = max(len(rows[row]) for row in block)
    labels: dict[int, str] = {}
    for column in range(width):
        parts: list[str] = []
        for row in block:
            cell = rows[row][column] if column < len(rows[row]) else None
            text = written(cell) if not is_empty(cell) else spread.get((row, column), "")
            if text and simplify(text) not in map(simplify, parts):
                parts.append(text)
        if parts:
            labels[column] = "\n".join(parts)
    return labels


def _same(labels: Mapping[int, str], others: Mapping[int, str]) -> bool:
    """Whether a header is the previous one again: most of its names in the same columns, none different."""
    shared = sum(simplify(labels[c]) == simplify(others[c]) for c in labels.keys() & others.keys())
    return shared >= 2 and shared >= 0.7 * max(len(labels), len(others))


def _side_by_side(labels: dict[int, str]) -> list[dict[int, str]]:
    """Cuts the columns where the names begin again: "Size | Price | Size | Price" is two tables."""
    priced = [column for column in sorted(labels) if (match := _best(labels[column])) and match.field == "price"]
    runs = [column for place, column in enumerate(priced) if place == 0 or column - priced[place - 1] > 1]
    cuts: list[int] = []
    for before, after in pairwise(runs):
        start = cuts[-1] if cuts else min(labels)
        earlier = [labels[c] for c in sorted(labels) if start <= c <= before]
        between = [c for c in sorted(labels) if before < c < after and c not in priced]
        again = [c for c in between if any(_alike(labels[c], label) for label in earlier)]
        named = any(_is_name(labels[c]) for c in between) and any(map(_is_name, earlier))
        if again or named:
            opening = [c for c in between if _alike(labels[c], earlier[0])]
            cuts.append(min(opening or between))
    edges = [min(labels, default=0), *cuts, max(labels, default=0) + 1]
    return [{c: labels[c] for c in labels if a <= c < b} for a, b in pairwise(edges)]


def _is_name(label: str) -> bool:
    return (match := _best(label)) is not None and match.field == "name"


def _alike(one: str, other: str) -> bool:
    """Whether two column names share a line, or one is the other with more words."""
    lines, others = ({simplify(line) for line in label.split("\n")} for label in (one, other))
    first, second = simplify(one).split(), simplify(other).split()
    longer = bool(first and second) and first[0] == second[0] and len(first[0]) > 1
    return bool(lines & others) or (longer and set(first) & set(second) == {*min((first, second), key=len)})


def _best(label: str) -> Match | None:
    found = [match for part in (*label.split("\n"), label) if (match := field_of(part))]
    return max(found, key=lambda match: (match.confidence, match.length), default=None)


def _title(rows: list[list[Cell]], header: int, labels: Mapping[int, str]) -> str:
    """The nearest text above the header within the table's columns, if it is right above."""
    for row in range(header - 1, max(header - 3, -1), -1):
        texts = [written(rows[row][c]) for c in labels if c < len(rows[row]) and isinstance(rows[row][c], str)]
        texts = [text for text in texts if text]
        if texts:
            return texts[0] if len(texts[0]) <= 80 else ""
    return ""


def _headerless(rows: list[list[Cell]], body: list[int], layouts: Layouts) -> list[Table]:
    """A sheet without known column names: tables under lines of unknown names, or the whole sheet as one table."""
    found = _unlabelled(rows, body, layouts)
    if found:
        return found
    width = max((len(rows[row]) for row in body), default=0)
    if not width or width > 500:
        return []
    columns, name = mapped({}, [rows[row] for row in body], layouts, width=width)
    table = Table(header=(), first=body[0], last=body[-1], columns=columns, fingerprint=name)
    return [table] if table.column("name") and table.column("price") else []


def _unlabelled(rows: list[list[Cell]], body: list[int], layouts: Layouts) -> list[Table]:
    """Tables whose column names are in no vocabulary: a line of texts above lines of a text and numbers."""
    starts = [row for place, row in enumerate(body) if _heads_numbers(rows, body, place)]
    tables = []
    for place, start in enumerate(starts):
        end = starts[place + 1] - 1 if place + 1 < len(starts) else body[-1]
        data = [rows[row] for row in body if start < row <= end]
        labels = {c: written(cell) for c, cell in enumerate(rows[start]) if not is_empty(cell)}
        columns, name = mapped(labels, data, layouts)
        table = Table(
            header=(start,),
            first=start + 1,
            last=end,
            columns=columns,
            fingerprint=name,
            title=_title(rows, start, labels),
        )
        if table.column("name") and table.column("price"):
            tables.append(table)
    return tables


def _heads_numbers(rows: list[list[Cell]], body: list[int], place: int) -> bool:
    """Whether a row of two or more texts stands above rows with a text in its first column and numbers in another."""
    row = rows[body[place]]
    filled = [c for c, cell in enumerate(row) if not is_empty(cell)]
    if len(filled) < 2 or any(
        not isinstance(row[c], str) or len(str(row[c])) > _LONGEST or price(row[c]) is not None for c in filled
    ):
        return False
    below = [rows[index] for index in body[place + 1 : place + 10] if not all(map(is_empty, rows[index]))][:6]
    telling = [line for line in below if not _is_bare(line, filled[0]) and number(line[filled[0]]) is None]
    if len(below) < 3 or len(telling) < 3:
        return False
    return any(sum(not _is_bare(line, c) and price(line[c]) is not None for line in telling) >= 3 for c in filled[1:])
