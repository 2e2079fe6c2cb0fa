"""console-4: axe-core finds nothing serious on any page of the console, in light and dark, nor in the widget."""

from __future__ import annotations

import argparse
import asyncio
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from tests.console_house import CHROMIUM
from tests.prove._console import Rig, console, database, fill
from tests.rig import ROOT, Appliance, verdict

# WCAG 2.2 up to AA; the rest of axe's rules are advice.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
GRAVE = ("serious", "critical")
SETTLED = 900  # milliseconds in which a page gets its content


async def main(*, quick: bool) -> None:
    with verdict("console-4") as wrong:
        seen = 0
        with database() as (url, home):
            async with console(url, home) as rig, async_playwright() as playwright:
                await fill(rig, dialogues=6)
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                for width, dark in (
                    ((1440, False), (390, True)) if quick else ((1440, False), (1440, True), (390, False), (390, True))
                ):
                    seen += await every_page(rig, browser, wrong, width=width, dark=dark)
                await browser.close()
        if not quick:
            seen += await widget(wrong)
        print(f"{seen} looks, {len(wrong)} serious findings{' (QUICK: without the widget)' if quick else ''}")


async def every_page(rig: Rig, browser: Browser, wrong: list[str], *, width: int, dark: bool) -> int:
    """Looks at each registered page; gives how many were seen."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", locale="ru-RU"
    )
    await context.add_cookies([{"name": rig.site.cookie, "value": rig.cookies["administrator"], "url": rig.url}])
    page = await context.new_page()
    seen = 0
    for place in rig.pages():
        for address in rig.addresses(place):
            answer = await page.goto(rig.url + address)
            if answer is not None and answer.status == 200:
                break
        await page.wait_for_timeout(SETTLED)
        where = f"{place.path} at {width} px, {'dark' if dark else 'light'}"
        wrong += [f"{where}: {finding}" for finding in await findings(page)]
        seen += 1
    await context.close()
    return seen


async def findings(page: Page) -> list[str]:
    """The serious findings on a page, with the first place of each."""
    results = await Axe().run(page, options=RULES)
    return [
        f"{one['id']} ({one['impact']}), {len(one['nodes'])} times, such as {one['nodes'][0]['html'][:160]}"
        for one in results.response["violations"] if one["impact"] in GRAVE
    ]  # fmt: skip


async def widget(wrong: list[str]) -> int:
    """The chat as customers see it: open, after a question, in the light and the dark."""
    with tempfile.TemporaryDirectory(prefix="console-4-") as folder:
        home = Path(folder) / "home"
        book = home / "sample" / "catalogue.xlsx"
        _run(sys.executable, "-m", "catalog.sample", "--out", str(book.parent), "--rows", "1500")
        appliance = Appliance(home, APPLIANCE_PULL="false", APPLIANCE_SAMPLE="false")
        done = appliance.command("catalog", "import", str(book), "--publish")
        assert done.returncode == 0, done.stderr
        with appliance:
            await asyncio.to_thread(appliance.wait)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                for theme in ("light", "dark"):
                    page = await browser.new_page(viewport={"width": 420, "height": 800}, locale="ru-RU")
                    await page.goto(f"{appliance.url}/chat?theme={theme}&lang=ru")
                    await page.locator("textarea").wait_for()
                    wrong += [f"widget, {theme}, at its opening: {finding}" for finding in await findings(page)]
                    await page.locator("textarea").fill("насос")
                    await page.keyboard.press("Enter")
                    await page.wait_for_timeout(4000)
                    wrong += [f"widget, {theme}, with goods: {finding}" for finding in await findings(page)]
                    await page.close()
                await browser.close()
    return 4


def _run(*program: str) -> None:
    subprocess.run(program, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    asked = options.parse_args()
    logging.disable(logging.ERROR)
    sys.exit(asyncio.run(main(quick=asked.quick)))
