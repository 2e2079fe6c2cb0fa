"""console-2: ten people at work in the console are not felt in the chat, and their pages are there within a second."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from playwright.async_api import Page, async_playwright

from appliance.tasks import Tasks
from tests.console_house import CHROMIUM, COOKIE
from tests.console_session import Session, menu, tokens
from tests.prove_kit import prepared_home
from tests.rig import ROOT, Appliance, Customer, loopback, percentile, verdict

SESSIONS = 10  # one of them is a real Chromium
THINKS = (1.0, 3.0)  # seconds that a person looks at a page
ECHO, GAP, CONTENT = 0.100, 0.250, 1.0  # seconds: the chat's p99 and its longest, the pages' p95
PROBES = 6  # browsers that ask for an echo
PROBE = 0.12  # seconds between two of one browser: the chat takes ten frames a second of one
FEWEST = 15  # echoes a second, below which nothing was measured
ROUNDS, QUICK_PAGES = 3, 4
DRAWN = "![...document.querySelectorAll('.c-grid-box[aria-busy=true]')].some((grid) => grid.offsetParent)"


async def main(*, quick: bool) -> None:
    folder = Path(tempfile.mkdtemp(prefix="console-2-"))
    try:
        home = prepared_home(folder / "home", model=False)
        # No model: what is measured is the console beside the chat, and a model would take the cores for its own.
        with Appliance(home, APPLIANCE_ENGINE_URL="http://127.0.0.1:1") as appliance:
            appliance.wait(path="/livez")
            _history(appliance, 300 if quick else 5000)
            with verdict("console-2") as wrong:
                try:
                    await _measure(appliance, wrong, quick=quick)
                except* Exception:
                    print(
                        "\n".join(line for line in appliance.log.read_text().splitlines() if '"error"' in line)[-4000:]
                    )
                    raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _history(appliance: Appliance, dialogues: int) -> None:
    program = [sys.executable, "-m", "appliance.history", "--dialogues", str(dialogues)]
    subprocess.run([*program, "--leads", str(dialogues * 16 // 100)], cwd=ROOT, env=appliance.env, check=True)


async def _measure(appliance: Appliance, wrong: list[str], *, quick: bool) -> None:
    url = f"http://127.0.0.1:{appliance.ports['console']}"
    keys = await tokens(appliance.database_url(), SESSIONS)
    first = Session(url, keys[0])
    pages = await _pages(first)
    await first.close()
    dice = random.Random(1)
    rounds = [dice.sample(pages, min(len(pages), QUICK_PAGES if quick else len(pages))) for _ in range(SESSIONS)]
    took: dict[str, list[float]] = defaultdict(list)
    echoes: list[float] = []
    async with Tasks() as tasks:
        for number in range(PROBES):
            tasks.start(_probe(appliance, echoes, loopback(number)), name="probe")
        await asyncio.sleep(2)
        echoes.clear()
        began = time.monotonic()
        for _ in range(1 if quick else ROUNDS):
            async with asyncio.TaskGroup() as people:
                people.create_task(_in_chromium(url, keys[0], rounds[0], took))
                for key, way in zip(keys[1:], rounds[1:], strict=True):
                    people.create_task(_without_browser(url, key, way, took))
        if len(echoes) < FEWEST * (time.monotonic() - began):
            wrong.append(f"the chat gave {len(echoes)} echoes in {time.monotonic() - began:.0f} s: too few to judge by")
    _judge(took, echoes, wrong)


async def _pages(session: Session) -> list[str]:
    """Every page of the menu, and the pages behind a click."""
    found = await menu(session)
    return [*found, "/leads?view=table", "/conversations?owner=needs", "/conversations?q=насос"]


async def _without_browser(url: str, key: str, way: list[str], took: dict[str, list[float]]) -> None:
    session = Session(url, key)
    try:
        await asyncio.sleep(random.uniform(0, THINKS[1]))
        for path in way:
            took[path].append(await session.visit(path))
            await asyncio.sleep(random.uniform(*THINKS))
            await session.acknowledge()
    finally:
        await session.close()


async def _in_chromium(url: str, key: str, way: list[str], took: dict[str, list[float]]) -> None:
    """The same in a real browser: the content is there once the page's heading and its rows are drawn."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await chromium.new_context(viewport={"width": 1440, "height": 900})
        await context.add_cookies([{"name": COOKIE, "value": key, "url": url}])
        page = await context.new_page()
        await _drawn(page, f"{url}/")  # fills the browser's cache, as on the day before
        for path in way:
            seconds = await _drawn(page, f"{url}{path}")
            took[path].append(seconds)
            took["in Chromium"].append(seconds)
            await asyncio.sleep(random.uniform(*THINKS))
        await chromium.close()


async def _drawn(page: Page, address: str) -> float:
    began = time.perf_counter()
    await page.goto(address, wait_until="commit")
    await page.wait_for_selector("main h1", timeout=30_000)
    await page.wait_for_function(DRAWN, timeout=30_000)
    return time.perf_counter() - began


async def _probe(appliance: Appliance, echoes: list[float], address: str) -> None:
    customer = Customer(appliance, address=address)
    await customer.connect()
    try:
        while True:
            echoes.append(await customer.echo())
            await asyncio.sleep(PROBE)
    finally:
        await customer.close()


def _judge(took: dict[str, list[float]], echoes: list[float], wrong: list[str]) -> None:
    drawn = took.pop("in Chromium", [])
    for path, seconds in sorted(took.items()):
        print(f"{path:40} {len(seconds):4} visits, p95 {percentile(seconds, 0.95) * 1000:6.0f} ms")
    visits = [one for seconds in took.values() for one in seconds]
    p99, longest, content = percentile(echoes, 0.99), max(echoes), percentile(visits, 0.95)
    if p99 >= ECHO:
        wrong.append(f"the chat's echo takes {p99 * 1000:.0f} ms at p99")
    if longest > GAP:
        wrong.append(f"the chat was silent for {longest * 1000:.0f} ms")
    if content >= CONTENT:
        wrong.append(f"pages take {content:.2f} s at p95")
    print(
        f"in Chromium: p50 {percentile(drawn, 0.5):.2f} s, p95 {percentile(drawn, 0.95):.2f} s of {len(drawn)} visits"
    )
    print(
        f"{len(visits)} visits of {len(took)} pages: content p95 {content * 1000:.0f} ms; {len(echoes)} echoes of the "
        f"chat: p50 {percentile(echoes, 0.5) * 1000:.1f}, p99 {p99 * 1000:.1f}, longest {longest * 1000:.0f} ms"
    )


if __name__ == "__main__":
    if "--quick" in sys.argv:
        print("QUICK: a smoke test, not the proof")
    asyncio.run(main(quick="--quick" in sys.argv))
