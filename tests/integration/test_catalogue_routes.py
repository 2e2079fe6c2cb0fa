"""The doors by which files come into the console: for those who are logged in, from its own pages, bounded."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from appliance.core.types import Role
from tests.console_house import Console, console


@pytest.fixture(scope="module")
def house(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with console(server, tmp_path_factory.mktemp("home"), APPLIANCE_UPLOAD_LIMIT="1") as running:
        yield running


@pytest.fixture
def manager(house: Console, database_url: str) -> Iterator[httpx.Client]:
    """A manager's browser; `database_url` has emptied the tables first."""
    cookies, headers = house.cookie(Role.MANAGER, lang="en"), {"Origin": house.url}
    with httpx.Client(base_url=house.url, cookies=cookies, headers=headers, trust_env=False, timeout=30) as browser:
        yield browser


def test_a_list_comes_in_once_however_often_it_is_sent(house: Console, manager: httpx.Client) -> None:
    id = uuid4()
    for _ in range(2):
        answer = manager.put(
            f"/catalogue/uploads/{id}", params={"name": "../../<b>list</b>.csv"}, content=b"a;b\n1;2\n"
        )
        assert answer.status_code == 200
    stored = [file for file in (house.home / "uploads").rglob("*") if file.is_file()]
    assert [file.read_bytes() for file in stored] == [b"a;b\n1;2\n"]
    assert stored[0].is_relative_to(house.home / "uploads" / str(id))
    page = manager.get("/catalogue").text
    assert "list" in page and "<b>list" not in page


def test_what_is_too_large_is_refused_in_words_and_leaves_nothing(house: Console, manager: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:  # without a length that could be looked at beforehand
        for _ in range(40):
            yield b"x" * (64 << 10)

    id = uuid4()
    for content in (b"x" * ((1 << 20) + 1), endless()):
        answer = manager.put(f"/catalogue/uploads/{id}", params={"name": "big.csv"}, content=content)
        assert (answer.status_code, "larger than" in answer.text) == (413, True)
    assert not (house.home / "uploads" / str(id)).exists()


def test_nobody_else_brings_files_or_takes_them(house: Console, manager: httpx.Client) -> None:
    id, cookies = uuid4(), dict(manager.cookies)
    put = f"{house.url}/catalogue/uploads/{id}?name=a.csv"
    own, foreign = {"Origin": house.url}, {"Origin": "https://evil.example"}
    assert httpx.put(put, content=b"a;b", headers=own, trust_env=False).status_code == 401
    assert httpx.put(put, content=b"a;b", headers=foreign, cookies=cookies, trust_env=False).status_code == 403
    assert httpx.put(put, content=b"a;b", cookies=cookies, trust_env=False).status_code == 403  # no page of ours
    for path in (f"/catalogue/{id}/bad-rows.xlsx", "/catalogue/photo/v/p.png"):
        assert httpx.get(f"{house.url}{path}", trust_env=False).status_code == 401
        assert manager.get(path).status_code == 404
    assert manager.get("/catalogue/photo/..%2F..%2Fpostgres/PG_VERSION").status_code == 404
    assert not (house.home / "uploads" / str(id)).exists()


def test_a_document_becomes_a_draft_or_is_refused_with_what_to_do(house: Console, manager: httpx.Client) -> None:
    def bring(kind: str, name: str, contents: bytes) -> httpx.Response:
        return manager.put(f"/company/documents/{kind}/{uuid4()}", params={"name": name}, content=contents)

    answer = bring("company", "Delivery.md", b"# Delivery\n\nTwo days.")
    assert answer.status_code == 200
    page = manager.get(f"/texts/{answer.text}").text
    assert "Two days." in page
    assert "password" not in bring("company", "a.exe", b"MZ").text
    assert bring("company", "a.exe", b"MZ").status_code == 422
    assert "no text" in bring("services", "a.txt", b" ").text
    assert bring("nonsense", "a.txt", b"words").status_code == 422


@pytest.mark.parametrize("path", ["/catalogue", "/prompts", "/company", "/canned", "/hours", "/texts/new/consent"])
def test_every_page_is_for_managers_in_both_languages(house: Console, manager: httpx.Client, path: str) -> None:
    for lang in ("en", "ru"):
        assert manager.get(path, params={"lang": lang}).status_code == 200
    assert httpx.get(f"{house.url}{path}", trust_env=False, follow_redirects=False).status_code == 303


def test_a_page_of_what_is_not_there_says_so(manager: httpx.Client) -> None:
    for path in (f"/catalogue/{uuid4()}", f"/texts/{uuid4()}", "/prompts/none", "/texts/new/nonsense"):
        assert manager.get(path).status_code == 404, path
