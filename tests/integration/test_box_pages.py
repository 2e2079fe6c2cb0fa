"""The console's pages about the box: for administrators alone, whole in both languages, also while the chat is away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from appliance.core.types import Role
from tests.console_house import Console, console


@pytest.fixture
def open_console(database_url: str, tmp_path: Path) -> Iterator[Console]:
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    line = {"at": "2026-11-22T12:00:00Z", "role": "chat", "level": "error", "event": "pump.burst", "who": "a@b.example"}
    (home / "logs" / "appliance.log").write_text(json.dumps(line) + "\n")
    with console(database_url, home) as running:
        yield running


def test_the_pages_say_what_is_and_managers_do_not_see_them(open_console: Console) -> None:
    russian, english = open_console.cookie(), open_console.cookie(name="Ann", lang="en")
    manager = open_console.cookie(Role.MANAGER, name="Max")
    told = {
        "/health": ("Чат не отвечает", "The chat does not answer"),
        "/logs": ("pump.burst", "pump.burst"),
        "/models": ("По силам ли машине", "Fit for this box"),
    }
    for page, (ru, en) in told.items():
        assert asked(open_console, page, manager).status_code == 403
        assert asked(open_console, page, {}).status_code in (303, 307)
        for cookie, words in ((russian, ru), (english, en)):
            shown = asked(open_console, page, cookie)
            assert shown.status_code == 200 and words in shown.text, page
            assert "a@b.example" not in shown.text


def asked(running: Console, page: str, cookie: dict[str, str]) -> httpx.Response:
    told = "; ".join(f"{name}={value}" for name, value in cookie.items())
    return httpx.get(f"{running.url}{page}", headers={"Cookie": told} if told else {}, trust_env=False, timeout=30)
