"""The status page in a real browser, its server a real process: what a person sees, on a desk and on a phone."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.console_house import CHROMIUM, console

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="SKIPPED: no Chromium on this machine (apt install chromium)")

HEALTH = {
    "status": "DEGRADED",
    "parts": [
        {"name": "database", "state": "OK", "why": ""},
        {"name": "catalogue", "state": "OK", "why": "version 20261122-1, 40,000 products"},
        {"name": "engine", "state": "DEGRADED", "why": "<b>no answer</b>"},
    ],
}


class Chat(http.server.BaseHTTPRequestHandler):
    """The chat's health as it would tell it."""

    told: Any = HEALTH

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(Chat.told).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def chat() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    Chat.told = HEALTH
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def served(chat: str, database_url: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    state = tmp_path / "home" / "run" / "state.json"
    state.parent.mkdir(parents=True)
    with console(database_url, tmp_path / "home", APPLIANCE_CHAT_PORT=chat.rpartition(":")[2]) as house:
        yield f"{house.url}/status", state


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(browser: Browser, address: str, *, width: int = 1280, locale: str = "ru-RU") -> tuple[Page, list[str]]:
    page = browser.new_context(viewport={"width": width, "height": 844}, locale=locale).new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    ours = address.removesuffix("/status")
    page.on("request", lambda asked: troubles.append(asked.url) if not asked.url.startswith((ours, "data:")) else None)
    page.goto(address)
    return page, troubles


def test_a_person_sees_how_the_box_feels_in_their_language_and_as_it_changes(
    browser: Browser, served: tuple[str, Path]
) -> None:
    address, state = served
    page, troubles = open_page(browser, address)
    page.get_by_role("heading", name="Покупатели обслуживаются, но работает не всё").wait_for()
    assert "Товаров: 40\u202f000, версия 20261122-1" in page.inner_text("main")
    assert "<b>no answer</b>" in page.inner_text("main")  # words from elsewhere are never markup
    state.write_text(json.dumps({"processes": {}, "steps": {"model": {"state": "running", "line": "model 7 %"}}}))
    page.get_by_text("model 7 %").wait_for()
    Chat.told = {"status": "OK", "parts": []}
    state.unlink()
    page.get_by_role("heading", name="Ассистент работает").wait_for()
    assert page.get_by_text("model 7 %").is_hidden()
    assert troubles == []


def test_it_fits_a_phone_and_changes_language_and_light(browser: Browser, served: tuple[str, Path]) -> None:
    page, troubles = open_page(browser, served[0], width=390, locale="en-US")
    page.get_by_role("link", name="Open the chat").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function("document.body.classList.contains('body--dark')")
    page.get_by_role("link", name="Русский язык").click()
    page.get_by_role("link", name="Открыть чат").wait_for()
    page.wait_for_function("document.body.classList.contains('body--dark')")  # the choice is kept
    assert page.evaluate("document.documentElement.lang") == "ru"
    assert troubles == []


def test_nobody_may_frame_it_and_nothing_foreign_is_loaded(served: tuple[str, Path]) -> None:
    headers = httpx.get(served[0], trust_env=False).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
