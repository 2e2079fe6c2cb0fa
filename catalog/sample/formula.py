"""Arithmetic written in the sample's data files: `snap(motor, flow * head / 220)`, and nothing beyond arithmetic."""

from __future__ import annotations

import ast
import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence

Value = float | int | str
Formula = Callable[[Mapping[str, Value]], Value]

_ALLOWED = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.IfExp, ast.Call, ast.Name, ast.Constant,
    ast.Load, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.And, ast.Or,
    ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.Tuple,
)  # fmt: skip


def formula(text: str, rows: Mapping[str, Sequence[float]]) -> Formula:
    """Compile `text`; its names are a product's attributes and the standard `rows` that `snap` climbs to.

    Raises ValueError for anything that is not plain arithmetic.
    """
    tree = ast.parse(text.strip(), mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise ValueError(f"{text!r}: {type(node).__name__} is not arithmetic")
    code = compile(tree, text, "eval")
    known = {"__builtins__": {}, "snap": snap, "min": min, "max": max, "sqrt": math.sqrt, **rows}

    def evaluate(values: Mapping[str, Value]) -> Value:
        result = eval(code, known, dict(values))  # noqa: S307  the tree above holds arithmetic alone
        return result if isinstance(result, str) else tidy(result)

    return evaluate


def snap(row: Sequence[float], wanted: float) -> float:
    """The first standard size that is enough, or the largest there is."""
    return row[min(bisect_left(row, wanted), len(row) - 1)]


def tidy(number: float) -> float | int:
    """Three significant digits, as a data sheet prints them; whole numbers come back as int."""
    if number == 0:
        return 0
    digits = 2 - math.floor(math.log10(abs(number)))
    rounded = round(number, max(digits, 0)) if abs(number) < 1000 else round(number / 10) * 10
    return int(rounded) if rounded == int(rounded) else rounded
