"""A quotation as a PDF: one page of a company's paper, or as many as its lines need."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, VAlign, XPos, YPos
from fpdf.fonts import FontFace

from appliance.core.quote import Quote
from appliance.paper.sheet import Letterhead, Sheet

FONT = "DejaVu"  # its figures are all of one width, so that columns of them can be compared at a glance
MARGIN = 18.0  # millimetres
WIDTHS = (8, 28, 64, 16, 13, 22, 23)  # of the columns, millimetres; together the width of A4 within its margins
INK, FAINT, RULE, SHADE = (28, 33, 40), (104, 112, 122), (196, 202, 210), (238, 241, 245)
SPELLED = str.maketrans({"Ω": "Ohm", "\u202f": "\xa0", "℃": "°C"})


def pdf(quote: Quote, head: Letterhead) -> bytes:
    """The document's contents; the same quotation gives the same pages."""
    sheet = Sheet(quote, head)
    page = Page(
        title=sheet.title, lang=sheet.lang, made=quote.made, contact=sheet.contact,
        number=sheet.say("page", page="{page}", pages="{pages}"),
    )  # fmt: skip
    page.add_page()
    _above(page, sheet)
    _lines(page, sheet)
    _totals(page, sheet)
    _below(page, sheet)
    return bytes(page.output())


class Page(FPDF):
    """A4 with the house's fonts and a foot on each page: `contact` to the left, the page's number to the right."""

    def __init__(self, *, title: str, lang: str, made: datetime, number: str, contact: str = "") -> None:
        """`number` has places for {page} and {pages}; the same `made` gives the same bytes."""
        super().__init__(format="A4", unit="mm")
        self._number, self._contact = number, contact
        fonts = Path(str(resources.files(__package__).joinpath("fonts")))
        self.add_font(FONT, fname=fonts / "DejaVuSans.ttf")
        self.add_font(FONT, "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(True, MARGIN + 8)
        self.set_title(title)
        self.set_lang(lang)
        self.set_creator("Counterman")
        self.set_creation_date(made)

    def footer(self) -> None:
        self.set_y(-MARGIN)
        self.write_in(FAINT, 7.5)
        self.cell(self.epw * 0.8, 5, printable(self._contact))
        self.cell(0, 5, self._number.format(page=self.page_no(), pages=r"{nb}"), align="R")

    def write_in(self, ink: tuple[int, int, int], size: float, style: str = "") -> None:
        self.set_font(FONT, style, size)
        self.set_text_color(*ink)

    def say(self, text: str, height: float, *, align: str = "L") -> None:
        """A paragraph, and the line below it."""
        self.multi_cell(0, height, printable(text), align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def printable(text: str) -> str:
    """The text in letters that the fonts have; others are a square, so that nobody takes them for what they are not."""
    return "".join(letter if ord(letter) in _letters() else "□" for letter in text.translate(SPELLED))


def _above(page: Page, sheet: Sheet) -> None:
    if sheet.head.company:
        page.write_in(FAINT, 10)
        page.say(sheet.head.company, 6)
    page.write_in(INK, 18, "B")
    page.say(sheet.title, 10)
    page.ln(2)
    for label, text in sheet.facts:
        page.write_in(FAINT, 9)
        page.cell(42, 5.5, label)
        page.write_in(INK, 9)
        page.say(text, 5.5)
    page.ln(5)


def _lines(page: Page, sheet: Sheet) -> None:
    page.write_in(INK, 8.5)
    page.set_draw_color(*RULE)
    aligned = ("LEFT", "LEFT", "LEFT", "RIGHT", "LEFT", "RIGHT", "RIGHT")
    with page.table(
        col_widths=WIDTHS, text_align=aligned, width=sum(WIDTHS), align="LEFT", line_height=4.6, padding=(1.4, 1),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES, v_align=VAlign.T,
        headings_style=FontFace(emphasis="BOLD", color=INK, fill_color=SHADE, size_pt=8),
    ) as table:  # fmt: skip
        table.row(sheet.headings)
        for place, line in enumerate(sheet.quote.lines, 1):
            texts = (line.sku, line.name, sheet.quantity(line.quantity), line.unit, sheet.price(line), sheet.sum(line))
            table.row([str(place), *map(printable, texts)])


def _totals(page: Page, sheet: Sheet) -> None:
    page.ln(3)
    for currency, total in sheet.quote.totals:
        page.write_in(INK, 11, "B")
        page.say(f"{sheet.say('total')}:  {sheet.amount(total, currency, signed=True)}", 7, align="R")


def _below(page: Page, sheet: Sheet) -> None:
    page.ln(4)
    page.write_in(FAINT, 8)
    for note in sheet.notes:
        page.say(note, 4.6)


@cache
def _letters() -> frozenset[int]:
    fonts = resources.files(__package__).joinpath("fonts")
    with resources.as_file(fonts.joinpath("DejaVuSans.ttf")) as path, TTFont(path) as font:
        return frozenset(font.getBestCmap())
