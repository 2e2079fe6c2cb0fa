"""A box that reaches nothing outside says so once; one server that is away is that server's own trouble."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from appliance import way_out
from appliance.health import State
from appliance.way_out import network, place_of


@pytest.fixture(autouse=True)
def _near(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of these tests are on this machine, and patience is short."""
    monkeypatch.setattr(way_out, "_here", lambda host: False)
    monkeypatch.setattr(way_out, "PATIENCE", 0.3)


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


async def state(*places: tuple[str, int]) -> State:
    async def known() -> list[tuple[str, int]]:
        return list(places)

    return (await network(known)()).state


async def test_nothing_that_answers_is_a_cut_line() -> None:
    assert await state(("a.invalid", 443), ("b.invalid", 587)) is State.DEGRADED


async def test_one_that_answers_or_refuses_is_a_line_that_works(open_port: int) -> None:
    assert await state(("a.invalid", 443), ("127.0.0.1", open_port)) is State.OK
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert await state(("a.invalid", 443), ("127.0.0.1", free.getsockname()[1])) is State.OK


async def test_a_single_server_may_be_away_by_itself() -> None:
    assert await state(("a.invalid", 443)) is State.OK


def test_an_address_is_a_place() -> None:
    assert place_of("https://api.telegram.org") == ("api.telegram.org", 443)
    assert place_of("socks5://user:secret@proxy:1081") == ("proxy", 1081)
    assert place_of("nonsense") is None
