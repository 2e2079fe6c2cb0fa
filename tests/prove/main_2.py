"""main-2: a customer's talk in headless Chromium at desktop and phone widths, with screenshots to look at."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from playwright.async_api import Error, Page, async_playwright

from tests.prove_kit import prepared_home
from tests.rig import ROOT, Appliance, verdict

ARTEFACTS = ROOT / "artefacts" / "main-2"
BROWSER = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
# The build shortens class names, so things are found by what they are.
GOODS = "counterman-chat [role=log] ul"
ANSWERS = "counterman-chat [role=log] div:has(> div > span > button[aria-pressed])"  # thumbs: it is stored
WIDTHS = {1280: 860, 390: 844}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the customer writes and what must be seen: cards, a language, words of which one must occur."""

    name: str
    text: str
    cards: bool
    words: tuple[str, ...] = ()
    latin: bool = False


SCENES = (
    Scene(name="question", text="насос дренажный 1500 вт", cards=True),
    Scene(name="cheaper", text="а подешевле?", cards=True),
    Scene(name="english", text="Do you have a submersible borehole pump?", cards=True, latin=True),
    Scene(name="delivery", text="сколько стоит доставка?", cards=False, words=("₽", "достав")),
    Scene(
        name="absent", text="есть ли у вас пианино?", cards=False, words=("нет", "не продаём", "не нашл", "не держим")
    ),
)


async def main(*, quick: bool) -> int:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("main-2") as wrong:
        home = prepared_home(Path(folder) / "home")
        with Appliance(home, APPLIANCE_PATIENCE="40") as appliance:  # the pictures are to show prose on any machine
            appliance.wait()
            if not quick:
                appliance.wait_for_engine()
            async with async_playwright() as play:
                browser = await play.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER)
                for width, height in WIDTHS.items():
                    page = await browser.new_page(viewport={"width": width, "height": height}, locale="ru-RU")
                    errors: list[str] = []
                    page.on("pageerror", partial(_note, errors))
                    await page.goto(f"{appliance.url}/chat")
                    await page.wait_for_timeout(1500)
                    await page.screenshot(path=ARTEFACTS / f"{width}-0-open.png")
                    for number, scene in enumerate(SCENES, 1):
                        await _play(page, scene, ARTEFACTS / f"{width}-{number}-{scene.name}", wrong)
                    wrong += [f"{width}: {error}" for error in errors]
                await browser.close()
            rungs = _rungs(appliance)
            print(f"answers by rung: {rungs}")
            if not quick and not rungs.get("prose"):
                wrong.append("the model's prose was never seen")
        print(f"{len(SCENES) * len(WIDTHS)} scenes, {len(wrong)} wrong; pictures in artefacts/main-2")
    return 0


def _note(seen: list[str], error: Error) -> None:
    seen.append(str(error))


async def _play(page: Page, scene: Scene, picture: Path, wrong: list[str]) -> None:
    goods, answers = await page.locator(GOODS).count(), await page.locator(ANSWERS).count()
    box = page.locator("textarea").first
    await box.fill(scene.text)
    began = time.monotonic()
    await box.press("Enter")
    if scene.cards:
        seconds = await _until_more(page, GOODS, goods, began, 20)
        await page.screenshot(path=picture.with_name(picture.name + "-at-once.png"))
        print(f"{picture.name}: cards after {seconds:.2f} s", flush=True)
        if seconds > 20:
            wrong.append(f"{picture.name}: no cards")
    seconds = await _until_more(page, ANSWERS, answers, began, 90)
    await page.wait_for_timeout(500)
    await page.screenshot(path=picture.with_suffix(".png"))
    text = " ".join((await page.locator(ANSWERS).last.locator("> div").first.inner_text()).split())
    print(f"{picture.name}: answer after {seconds:.1f} s: {text}", flush=True)
    if seconds > 90:
        wrong.append(f"{picture.name}: no answer")
    if scene.words and not any(word in text.casefold() for word in scene.words):
        wrong.append(f"{picture.name}: says none of {scene.words}: {text}")
    if scene.latin and not text.replace("...", "")[:12].isascii():
        wrong.append(f"{picture.name}: not in English: {text}")


async def _until_more(page: Page, what: str, than: int, began: float, patience: float) -> float:
    """Seconds since `began` until there is more of something on the page than before; over `patience` if never.

    An answer's thumbs stand beneath it only when it is stored.
    """
    while (seconds := time.monotonic() - began) <= patience and await page.locator(what).count() <= than:
        await page.wait_for_timeout(30)
    return seconds


def _rungs(appliance: Appliance) -> dict[str, int]:
    import psycopg

    with psycopg.connect(appliance.database_url()) as connection:
        return dict(connection.execute("SELECT rung, count(*) FROM answers GROUP BY rung").fetchall())


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    sys.exit(asyncio.run(main(quick=options.parse_args().quick)))
