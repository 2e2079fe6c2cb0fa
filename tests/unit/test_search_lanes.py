"""The lanes by themselves: what they find must not depend on how little of their files they read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalog.lanes import meaning
from catalog.lanes.meaning import MeaningLane


@pytest.mark.parametrize("many", [1000, 10**9])
def test_the_nearest_rows_are_found_in_cells_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(meaning, "MANY", many)
    dice = np.random.default_rng(1)
    middles = dice.standard_normal((200, 64), dtype=np.float32)
    vectors = middles[dice.integers(0, 200, 6000)] + 0.8 * dice.standard_normal((6000, 64), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    MeaningLane.build(tmp_path, vectors, np.zeros(6000, dtype=np.uint8), embedder="invented")
    lane = MeaningLane(tmp_path)

    shares = []
    for query in vectors[:50]:
        wanted = set(np.argsort(-(vectors @ query))[:20].tolist())
        shares.append(len(wanted & set(lane.search(query, 20).tolist())) / 20)

    assert np.mean(shares) >= 0.95
