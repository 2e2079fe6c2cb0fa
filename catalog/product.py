"""What the shop sells: one product, its typed attributes, and a problem met while reading one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


class CatalogError(Exception):
    """The catalogue could not be read, built or opened; the message says what to do. The live version stays live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One property of a product: as it was written, and as a number in its canonical unit where it is one.

    `number` and `unit` are canonical (3 kW is 3000 "w", 2.5 MPa is 25 "bar", 5 cm is 50 "mm"); None for plain text.
    """

    name: str
    text: str
    number: Decimal | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One sellable row. `price` None means "on request", `stock` None means "not known"."""

    sku: str
    name: str
    names: tuple[tuple[str, str], ...] = ()  # further names by language code, such as (("en", "Pump"),)
    description: str = ""
    category: str = ""
    brand: str = ""
    price: Decimal | None = None
    currency: str = ""  # ISO 4217; empty only where price is None
    stock: Decimal | None = None
    stock_about: bool = False  # the source says "есть" or ">10": there is some, and `stock` is no count
    unit: str = ""  # the unit of sale as written: "шт", "m"
    attributes: tuple[Attribute, ...] = ()
    inner: tuple[Attribute, ...] = ()  # dealer and purchase prices, margins: for no customer, no model and no search
    photo: str = ""  # URL, or a path inside the version's folder
    url: str = ""
    lang: str = ""  # language code of `name`, empty when unknown
    source: str = ""  # supplier or file it came from
    row: int = 0  # 1-based row in the source, 0 when it has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A row or cell that could not become (part of) a product. A value, never an exception.

    `lost` says whether the whole row was left out (True) or only the cell's value (False).
    """

    message: str
    sheet: str = ""
    row: int = 0  # 1-based as the spreadsheet shows it; 0 for the whole sheet or file
    column: str = ""
    lost: bool = True
