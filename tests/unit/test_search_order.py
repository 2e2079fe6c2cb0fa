"""A code that makes up much of a wish decides the order alone, unless it is somebody's code only by chance."""

from collections.abc import Mapping

import numpy as np
import pytest

from catalog.ranking import NAMES, Candidates, order

CODE = {"code_exact": 1.0, "code_share": 0.5}
WHOLE = {"whole": 1.0}


def first(*rows: tuple[Mapping[str, float], float]) -> int:
    """Which of the rows, each with its features and its score, is placed first."""
    features = np.array([[signs.get(name, 0.0) for name in NAMES] for signs, _ in rows], dtype=np.float32)
    candidates = Candidates(rows=np.arange(len(rows), dtype=np.int32), features=features)
    return int(order(candidates, np.array([score for _, score in rows], dtype=np.float32))[0])


@pytest.mark.parametrize(
    ("coded", "other"),
    [
        (CODE, {}),
        (CODE, {"whole": 0.9}),
        (CODE | WHOLE, WHOLE),
        (CODE | {"code_own": 1.0}, WHOLE),
    ],
)
def test_a_code_goes_before_likelier_rows(coded: Mapping[str, float], other: Mapping[str, float]) -> None:
    assert first((other, 9.0), (coded, -9.0)) == 1


def test_a_code_by_chance_gives_way_to_a_name_that_holds_every_word() -> None:
    assert first((CODE, -9.0), (WHOLE, 9.0)) == 1


def test_a_code_in_a_long_wish_only_counts_among_the_rest() -> None:
    assert first((CODE | {"code_share": 0.2}, -9.0), ({}, 9.0)) == 1


def test_equal_rows_keep_the_order_of_the_catalogue() -> None:
    assert first(({}, 1.0), ({}, 1.0)) == 0
