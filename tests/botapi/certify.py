"""Has two other clients, python-telegram-bot and grammY, run a bot against the tests' Bot API server."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from PIL import Image

from tests.botapi import BotApi, Customer
from tests.rig import free_port

CLIENTS = Path(__file__).with_name("clients")
PTB, GRAMMY = "python-telegram-bot[webhooks]==22.8", "grammy@1.46.0"


async def main() -> int:
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="certify-") as folder:
        for name, command in (("python-telegram-bot", _ptb(Path(folder))), ("grammY", _grammy(Path(folder)))):
            for hook in (False, True):
                failures = await _certify(command, Path(folder), hook=hook)
                way = "webhook" if hook else "polling"
                print(f"{name} by {way}: {'agrees' if not failures else '; '.join(failures)}", flush=True)
                wrong += len(failures)
    return bool(wrong)


def _ptb(folder: Path) -> list[str]:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = str(folder / "venv" / "bin" / "python")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([str(uv), "pip", "install", "-q", "--python", python, PTB], check=True)
    return [python, str(CLIENTS / "echo_ptb.py")]


def _grammy(folder: Path) -> list[str]:
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        raise SystemExit("grammY needs Node.js with npm: install nodejs and npm, then run this again.")
    subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), GRAMMY], check=True)
    return [node, str(CLIENTS / "echo_grammy.mjs")]


async def _certify(command: list[str], folder: Path, *, hook: bool) -> list[str]:
    failures: list[str] = []
    async with BotApi() as api:
        bot = api.add_bot()
        env = {**os.environ, "API_URL": api.url, "TOKEN": bot.token, "FOLDER": str(folder)}
        if hook:
            env["HOOK_PORT"] = str(free_port())
        process = await asyncio.create_subprocess_exec(*command, env=env, stderr=asyncio.subprocess.PIPE)
        anna = Customer(api, bot, id=1001)
        try:
            for step in (_commands, _texts, _buttons, _contacts, _photos):
                await _tried(step, anna, failures)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            _, said = await process.communicate()
        if failures:
            failures.append(said.decode(errors="replace")[-1500:])
    return failures


async def _tried(step: Callable[[Customer], Awaitable[None]], anna: Customer, failures: list[str]) -> None:
    try:
        await step(anna)
    except AssertionError as error:
        failures.append(f"{step.__name__.strip('_')}: {error}")


async def _commands(anna: Customer) -> None:
    anna.start("spring_7")
    await anna.sees("started with spring_7")


async def _texts(anna: Customer) -> None:
    anna.write("насос 😀")
    seen = await anna.sees("echo насос 😀")
    assert seen.raw["entities"][0]["type"] == "bold", "the entity was lost"
    assert anna.chat.actions, "no typing"


async def _buttons(anna: Customer) -> None:
    query = anna.press("turn")
    assert await anna.answered(query) == "turned"
    await anna.sees("now page:2")


async def _contacts(anna: Customer) -> None:
    anna.share_contact("+79161234567")
    await anna.sees("call +79161234567")


async def _photos(anna: Customer) -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "navy").save(out, "JPEG")
    anna.send_photo(out.getvalue())
    await anna.sees(f"{len(out.getvalue())} bytes")
    await anna.sees(lambda seen: "media_group_id" in seen.raw)
    album = [seen for seen in anna.seen() if "media_group_id" in seen.raw]
    assert len(album) == 2, f"an album of {len(album)}"


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
