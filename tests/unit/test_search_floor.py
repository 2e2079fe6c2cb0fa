"""The search keeps the quality that it once had on our own judged set."""

from pathlib import Path
from statistics import fmean

import pytest

from tests.eval._own import own_absent, own_goods, own_queries
from tests.eval.search import OWN, REFUSED, SLACK, opened, run


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_three_hundred_questions_about_the_sample_are_answered_as_well_as_ever(tmp_path: Path) -> None:
    shelf, _ = await opened(own_goods(), tmp_path)
    queries = own_queries()
    assert len(queries) >= 270 and len({one.kind for one in queries}) == 15
    scores, _, refused = await run(shelf, queries)
    assert fmean(scores.values()) >= OWN - SLACK
    assert refused <= 0.02 * len(queries)
    absent = own_absent()
    refusals = [line for line in absent if (await shelf.search(line)).none]
    assert len(refusals) >= REFUSED * len(absent)
    shelf.close()
