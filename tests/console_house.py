"""A console in a process of its own over a real store, and people who are logged in to it: what tests share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from appliance.core.types import Role, Staff
from appliance.desk import Desk
from appliance.desk.sessions import Sessions, Visitor
from appliance.store.store import Store
from tests.rig import ROOT, free_port

STARTS = 180  # seconds that a console may take to start on a busy box
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
COOKIE = "counterman"


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """A console that runs; `cookie(role)` is a new person's session."""

    url: str
    database: str
    home: Path
    pid: int = 0

    def cookie(self, role: Role = Role.ADMINISTRATOR, *, name: str = "Анна", lang: str = "ru") -> dict[str, str]:
        return {COOKIE: self.person(role, name=name, lang=lang)[1]}

    def person(self, role: Role = Role.ADMINISTRATOR, *, name: str = "Анна", lang: str = "ru") -> tuple[Staff, str]:
        """Somebody of that role, and the token of their session."""
        return asyncio.run(someone(self.database, role, name=name, lang=lang))


async def someone(database: str, role: Role, *, name: str = "Анна", lang: str = "ru") -> tuple[Staff, str]:
    """Somebody of that role, and the token of a session of theirs."""
    store = Store(database, pool=2)
    try:
        person = await Desk(store=store).employ(None, name=name, role=role, lang=lang)
        visitor = Visitor(address="127.0.0.1", browser="test")
        return person, await Sessions(store=store).admit(person.id, visitor, how="link")
    finally:
        await store.close()


@contextlib.contextmanager
def console(database: str, home: Path, **env: str) -> Iterator[Console]:
    """`appliance console` on a free port over that (migrated) database, until the block ends."""
    port = free_port()
    settings = {
        "APPLIANCE_HOME": str(home), "APPLIANCE_CONSOLE_PORT": str(port), "DATABASE_URL": database,
        "APPLIANCE_CHAT_PORT": str(free_port()), **env,
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("APPLIANCE_", "PYTEST_"))}
    home.mkdir(parents=True, exist_ok=True)
    with (home / "console.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "appliance", "console"], cwd=ROOT, env=kept | settings, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + STARTS
        while True:
            try:
                httpx.get(f"{url}/livez", trust_env=False)
                break
            except httpx.HTTPError:
                said = (home / "console.log").read_text(errors="replace")[-3000:]
                assert process.poll() is None, f"the console ended: {said}"
                assert time.monotonic() < deadline, f"the console did not start: {said}"
                time.sleep(0.1)
        yield Console(url=url, database=database, home=home, pid=process.pid)
    finally:
        process.terminate()
        process.wait(20)
