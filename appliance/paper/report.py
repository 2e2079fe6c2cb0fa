"""A business report as a PDF to read and as a workbook to calculate with."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime

from fpdf.enums import TableBordersLayout, VAlign
from fpdf.fonts import FontFace
from openpyxl import Workbook
from openpyxl.styles import Alignment
from openpyxl.worksheet.worksheet import Worksheet

from appliance.core.report import Bars, Document, Figure, Table, Write
from appliance.paper.pdf import FAINT, INK, MARGIN, RULE, SHADE, Page, printable
from appliance.paper.workbook import BOLD, LARGE, put
from appliance.paper.workbook import RULE as LINE
from appliance.paper.workbook import SHADE as FILL

TEAL, AMBER = (15, 138, 131), (208, 139, 29)  # of the console's charts
PAPER = (255, 255, 255)
CHART = 42.0  # millimetres: the height of the bars
ACROSS = 3  # figures in a row
LONGEST_NAME = 31  # characters of a sheet's name, by the file format
WIDEST = 60  # characters of a column


def pdf(report: Document, *, company: str, made: datetime) -> bytes:
    """The report's pages; the same report of the same moment gives the same ones."""
    page = Page(
        title=f"{report.title}: {report.period}", lang=report.lang, made=made, contact=company,
        number=report.words["page"],
    )  # fmt: skip
    page.add_page()
    if company:
        page.write_in(FAINT, 10)
        page.say(company, 6)
    page.write_in(INK, 18, "B")
    page.say(report.title, 9)
    page.write_in(FAINT, 11)
    page.say(report.period, 7)
    page.ln(3)
    _figures(page, report.figures)
    _bars(page, report.bars)
    _todo(page, report)
    for table in report.tables:
        _table(page, table, Write(report.lang))
    _notes(page, report)
    return bytes(page.output())


def xlsx(report: Document, *, company: str) -> bytes:
    """The report's tables, a sheet each after the summary; counts and shares are numbers."""
    book = Workbook()
    first: Worksheet = book.active
    first.title = report.words["sheet"]
    _summary(first, report, company)
    for table in report.tables:
        _sheet(book.create_sheet(_name(table.heading, book.sheetnames)), table, Write(report.lang))
    book.properties.title = f"{report.title}: {report.period}"
    book.properties.creator = company or "Counterman"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _figures(page: Page, figures: Sequence[Figure]) -> None:
    """Rows of figures with what they mean, in cells of one width."""
    width, height, gap = page.epw / ACROSS, 21.0, 2.5
    for start in range(0, len(figures), ACROSS):
        top = page.get_y()
        for at, figure in enumerate(figures[start : start + ACROSS]):
            left = MARGIN + at * width
            page.set_fill_color(*SHADE)
            page.rect(left, top, width - gap, height, style="F", round_corners=True, corner_radius=1.5)
            for down, (ink, size, style, words) in enumerate(
                ((FAINT, 8, "", figure.label), (INK, 14, "B", figure.value), (FAINT, 6.5, "", figure.note))
            ):
                page.set_xy(left + 2.5, top + (2, 7, 14.5)[down])
                page.write_in(ink, size, style)
                page.cell(width - gap - 5, 4.5, _fitted(page, words, width - gap - 5))
        page.set_xy(MARGIN, top + height + gap)
    page.ln(3)


def _bars(page: Page, bars: Bars) -> None:
    if not any(bars.values):
        return
    _heading(page, bars.heading, CHART + 12)
    top, peak = page.get_y(), max(bars.values)
    step = page.epw / len(bars.values)
    for at, value in enumerate(bars.values):
        left = MARGIN + at * step
        for count, colour in ((value, TEAL), (bars.more[at] if bars.more else 0, AMBER)):
            tall = CHART * count / peak
            page.set_fill_color(*colour)
            page.rect(left + step * 0.15, top + CHART - tall, step * 0.7, tall, style="F")
    page.set_draw_color(*RULE)
    page.line(MARGIN, top + CHART, MARGIN + page.epw, top + CHART)
    page.write_in(FAINT, 6.5)
    every = max(1, -(-len(bars.labels) // 16))  # labels that have room
    for at in range(0, len(bars.labels), every):
        page.set_xy(MARGIN + at * step, top + CHART + 1)
        page.cell(step * every, 3.5, bars.labels[at], align="C" if every == 1 else "L")
    page.set_xy(MARGIN, top + CHART + 5.5)
    for words, colour in zip(bars.legend, (TEAL, AMBER), strict=True):
        if words:
            page.set_fill_color(*colour)
            page.rect(page.get_x(), page.get_y() + 1, 2.5, 2.5, style="F")
            page.set_x(page.get_x() + 3.5)
            page.cell(page.get_string_width(words) + 6, 4.5, words)
    page.set_xy(MARGIN, top + CHART + 13)


def _todo(page: Page, report: Document) -> None:
    _heading(page, report.words["todo"], 20)
    page.write_in(INK, 9)
    for line in report.todo or (report.words["todo_none"],):
        page.say(f"•  {line}" if report.todo else line, 5)
        page.ln(1)
    page.ln(3)


def _table(page: Page, table: Table, write: Write) -> None:
    _heading(page, table.heading, 30)
    if table.why:
        page.write_in(FAINT, 8)
        page.say(table.why, 4.6)
        page.ln(1)
    page.write_in(INK, 8)
    page.set_draw_color(*RULE)
    page.set_fill_color(*PAPER)
    numbers = _numeric(table)
    with page.table(
        col_widths=_widths(table, numbers, write),
        text_align=tuple("RIGHT" if number else "LEFT" for number in numbers),
        width=page.epw, align="LEFT", line_height=4.4, padding=(1.1, 1), v_align=VAlign.T,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", color=INK, fill_color=SHADE, size_pt=7.5),
    ) as rows:  # fmt: skip
        rows.row([printable(column) for column in table.columns])
        for row in table.rows:
            rows.row([printable(_said(cell, write)) for cell in row])
    page.ln(6)


def _notes(page: Page, report: Document) -> None:
    _heading(page, report.words["definitions"], 30)
    page.write_in(FAINT, 8)
    for note in report.notes:
        page.say(note, 4.6)
        page.ln(0.8)


def _heading(page: Page, words: str, room: float) -> None:
    """A heading that is not left alone at a page's foot."""
    if page.will_page_break(room):
        page.add_page()
    page.write_in(INK, 11.5, "B")
    page.say(words, 7)
    page.ln(1)


def _fitted(page: Page, words: str, width: float) -> str:
    words = printable(words)
    while page.get_string_width(words) > width and len(words) > 2:
        words = words[:-2].rstrip() + "…"
    return words


def _widths(table: Table, numbers: Sequence[bool], write: Write) -> tuple[float, ...]:
    """In letters, by what stands in them: a heading may wrap between its words but not within one."""
    widths = []
    for at, column in enumerate(table.columns):
        word = max(map(len, column.split()), default=0) * (1.3 if numbers[at] else 1.1) + 2.5
        widths.append(max([word, *(min(len(_said(row[at], write)), WIDEST) + 2.0 for row in table.rows)]))
    return tuple(widths)


def _numeric(table: Table) -> list[bool]:
    return [bool(table.rows) and not isinstance(table.rows[0][at], str) for at in range(len(table.columns))]


def _said(cell: str | int | float, write: Write) -> str:
    match cell:
        case float():
            return write.percent(cell)
        case int():
            return write.number(cell)
        case _:
            return cell


def _summary(page: Worksheet, report: Document, company: str) -> None:
    row = 1
    if company:
        put(page, row, 1, company, font=BOLD)
        row += 1
    put(page, row, 1, report.title, font=LARGE)
    put(page, row + 1, 1, report.period)
    row += 3
    for figure in report.figures:
        put(page, row, 1, figure.label)
        put(page, row, 2, figure.value, font=BOLD)
        put(page, row, 3, figure.note)
        row += 1
    row += 1
    put(page, row, 1, report.words["todo"], font=BOLD)
    for line in report.todo:
        row += 1
        put(page, row, 1, line)
    row += 1
    row += 1
    put(page, row, 1, report.bars.heading, font=BOLD)
    for at, label in enumerate(report.bars.labels, 1):
        more = (report.bars.more[at - 1],) if report.bars.more else ()
        counts: tuple[str | int, ...] = (label, report.bars.values[at - 1], *more)
        for column, count in enumerate(counts, 1):
            put(page, row + at, column, count)
    row += len(report.bars.labels) + 2
    for note in report.notes:
        put(page, row, 1, note)
        row += 1
    for letter, width in zip("ABC", (34, 16, 40), strict=True):
        page.column_dimensions[letter].width = width


def _sheet(page: Worksheet, table: Table, write: Write) -> None:
    for at, column in enumerate(table.columns, 1):
        cell = put(page, 1, at, column, font=BOLD)
        cell.fill, cell.alignment = FILL, Alignment(wrap_text=True, vertical="top")
        longest = max([len(column), *(len(_said(row[at - 1], write)) for row in table.rows)])
        page.column_dimensions[cell.column_letter].width = min(longest, WIDEST) + 3
    for down, row in enumerate(table.rows, 2):
        for at, value in enumerate(row, 1):
            cell = put(page, down, at, value)
            cell.border = LINE
            if isinstance(value, float):
                cell.number_format = "0.0%"
    page.freeze_panes = "A2"
    if table.rows:
        page.auto_filter.ref = page.dimensions


def _name(heading: str, taken: Sequence[str]) -> str:
    """A sheet's name: short, without what the format forbids, and none twice."""
    plain = "".join(letter for letter in heading if letter not in r"[]:*?/\'")[:LONGEST_NAME]
    count, name = 1, plain
    while name in taken:
        count += 1
        name = f"{plain[: LONGEST_NAME - 3]} {count}"
    return name
