"""Brings words, quantities, codes, layouts and alphabets to the forms in which the catalogue compares them."""

from catalog.normalize.codes import codes_in, fold_code, looks_like_code, spelt_code
from catalog.normalize.keyboard import switched
from catalog.normalize.quantities import DIMENSIONS, UNIT_OF, Quantity, measure, scan, unit_of
from catalog.normalize.text import fold, script, sound, stem, words

__all__ = [
    "DIMENSIONS",
    "UNIT_OF",
    "Quantity",
    "codes_in",
    "fold",
    "fold_code",
    "looks_like_code",
    "measure",
    "scan",
    "script",
    "sound",
    "spelt_code",
    "stem",
    "switched",
    "unit_of",
    "words",
]
