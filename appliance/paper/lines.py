"""Any table as a CSV file: opened in a spreadsheet, no text of it runs as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection"): also the full-width forms of the signs.
SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BOM = "\ufeff"  # by which Excel knows UTF-8


def rows_csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """The contents of a .csv: UTF-8, commas, every cell in quotes."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([harmless(heading) for heading in headings])
    for row in rows:
        writer.writerow([harmless(value) if isinstance(value, str) else value for value in row])
    return (BOM + stream.getvalue()).encode()


def harmless(text: str) -> str:
    """The text, with an apostrophe before it where it would begin a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(SIGNS) or text.startswith(SIGNS) else text
