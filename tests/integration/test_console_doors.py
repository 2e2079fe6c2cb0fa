"""The console's doors as a browser meets them: who is let in, where they land, and what other sites can do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from appliance.core.types import Role
from appliance.desk.logins import Logins
from appliance.store.store import Store
from tests.console_house import COOKIE, Console, console


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[Console]:
    with console(database_url, tmp_path / "home") as house:
        yield house


def browser(served: Console, **cookies: str) -> httpx.Client:
    return httpx.Client(base_url=served.url, cookies=cookies, trust_env=False, timeout=30)


def first_link(served: Console) -> str:
    async def make() -> str:
        store = Store(served.database, pool=2)
        try:
            return await Logins(store=store).first_invite() or ""
        finally:
            await store.close()

    return f"/join/{asyncio.run(make())}"


def test_the_first_administrator_joins_logs_out_and_in_again_and_strangers_wait_outside(served: Console) -> None:
    own = {"origin": served.url}
    with browser(served) as anna:
        assert anna.get("/livez").text == "alive\n"
        outside = anna.get("/users?q=a")
        assert (outside.status_code, outside.headers["location"]) == (303, "/login?next=/users%3Fq%3Da")
        link = first_link(served)
        assert "Welcome to Counterman" in anna.get(link, headers={"accept-language": "en"}).text
        short = anna.post(link, data={"name": "Анна", "login": "anna", "password": "short"}, headers=own)
        assert short.headers["location"] == f"{link}?why=short", "the link is good still"
        joined = anna.post(link, data={"name": "Анна", "login": "anna", "password": "a good password"}, headers=own)
        assert joined.headers["location"] == "/" and COOKIE in joined.cookies
        assert anna.get("/users").status_code == 200
        assert anna.get(link).status_code == 404

        first = anna.cookies[COOKIE]
        assert anna.post("/logout", headers=own).headers["location"] == "/login"
        with browser(served, **{COOKIE: first}) as thief:
            assert thief.get("/users").status_code == 303, "the session is over, not only forgotten"
        wrong = anna.post("/login/password", data={"login": "anna", "password": "no", "next": "/audit"}, headers=own)
        assert wrong.headers["location"] == "/login?why=wrong&next=%2Faudit"
        right = {"login": "anna", "password": "a good password", "next": "/audit"}
        assert anna.post("/login/password", data=right, headers=own).headers["location"] == "/audit"
        for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
            led = anna.post("/login/password", data={**right, "next": elsewhere}, headers=own)
            assert led.headers["location"] == "/", elsewhere


def test_a_manager_sees_no_administrators_page_and_no_word_of_it_in_the_menu(served: Console) -> None:
    with browser(served, **served.cookie(Role.MANAGER, name="Maria", lang="en")) as maria:
        refused = maria.get("/users")
        assert refused.status_code == 403 and "This is for administrators" in refused.text
        mine = maria.get("/me").text
        assert 'href=\\"/audit\\"' not in mine and "/audit" not in mine
        for origin in ("https://evil.example", "null", None):
            headers = {"origin": origin} if origin else {}
            assert maria.post("/logout", headers=headers).status_code == 403
        assert maria.get("/me").status_code == 200, "no other site has logged her out"


def test_over_https_the_session_is_bound_to_it_and_to_this_host(database_url: str, tmp_path: Path) -> None:
    with (
        console(database_url, tmp_path / "home", APPLIANCE_CONSOLE_URL="https://console.example.com") as served,
        browser(served) as anna,
    ):
        fields = {"name": "Анна", "login": "anna", "password": "a good password"}
        answer = anna.post(first_link(served), data=fields, headers={"origin": served.url})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-counterman=") and "Secure" in cookie and "HttpOnly" in cookie
