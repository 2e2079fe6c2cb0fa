"""Takes every page of the console over a sample history, at three widths and in two languages, to be looked at."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from playwright.async_api import Browser, async_playwright
from sqlalchemy import text

from appliance.app.parts import shelf
from appliance.app.reporting import analytics
from appliance.core.prompt import default_prompt
from tests.console_house import CHROMIUM
from tests.prove._console import Rig, console, database, read_list
from tests.prove_kit import prepared_home
from tests.rig import ROOT

WIDTHS = (1440, 1024, 390)
HEIGHTS = {1440: 900, 1024: 768, 390: 844}
SETTLED = 1500  # milliseconds in which a page gets its content and its charts are drawn
ACROSS, EDGE, LABEL = 4, 16, 26  # of the contact sheet: shots in a row, pixels between them, pixels of a caption
THUMB = (480, 300)
PRICED = 400  # goods of the price list that is shown
FONT = ROOT / "appliance" / "paper" / "fonts" / "DejaVuSans.ttf"


@dataclass(frozen=True)
class Shot:
    """One picture, and what is wrong with the page as far as a machine sees."""

    file: Path
    name: str
    width: int
    lang: str
    dark: bool
    troubles: tuple[str, ...]
    shown: bool  # the page itself, and not a word that there is none


async def main(
    *, out: Path, sheet: Path | None, dialogues: int, leads: int, rows: int, only: str, themes: list[str],
    widths: list[int], langs: list[str],
) -> int:  # fmt: skip
    with database() as (url, home):
        home.rmdir()
        prepared_home(home, rows=rows, model=False)
        _history(url, home, dialogues, leads)
        async with console(url, home) as rig, async_playwright() as playwright:
            await _learn(rig)
            await analytics(rig.settings, rig.store).catch_up()  # the worker's part of a box
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            shots = []
            for theme, width, lang in itertools.product(themes, widths, langs):
                shots += await take(rig, browser, out, width=width, lang=lang, only=only, dark=theme == "dark")
            await browser.close()
    for shot in shots:
        for trouble in shot.troubles:
            print(f"{shot.name} at {shot.width} px, {shot.lang}: {trouble}")
    for theme in themes if sheet else ():
        assert sheet is not None
        small = [one for one in shots if (one.width, one.lang, one.dark) == (1440, "en", theme == "dark") and one.shown]
        whole = sheet.with_stem(f"{sheet.stem}-dark") if theme == "dark" else sheet
        contact_sheet(small, whole)
        print(f"{whole} shows {len(small)} pages")
    print(f"{len(shots)} pictures in {out}, {sum(bool(shot.troubles) for shot in shots)} with trouble")
    return 0


async def take(
    rig: Rig, browser: Browser, out: Path, *, width: int, lang: str, only: str = "", dark: bool = False
) -> list[Shot]:
    """Every registered page as an administrator sees it."""
    context = await browser.new_context(
        viewport={"width": width, "height": HEIGHTS[width]}, color_scheme="dark" if dark else "light",
        locale="ru-RU" if lang == "ru" else "en-GB",
    )  # fmt: skip
    await context.add_cookies(
        [
            {"name": rig.site.cookie, "value": rig.cookies["administrator"], "url": rig.url},
            {"name": "lang", "value": lang, "url": rig.url},
        ]
    )
    page = await context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
    page.on("request", lambda asked: None if asked.url.startswith((rig.url, "data:", "blob:", rig.house.chat))
            else troubles.append(f"asks {asked.url}"))  # fmt: skip
    shots = []
    for place in rig.pages():
        if only and only not in place.path:
            continue
        troubles.clear()
        for address in rig.addresses(place):
            more = f"?c={rig.conversations[0]}" if address == "/conversations" and width > 390 else ""
            answer = await page.goto(rig.url + address + more)
            if answer is not None and answer.status == 200:
                break
        await page.wait_for_timeout(SETTLED)
        if (wide := await page.evaluate("document.documentElement.scrollWidth")) > width:
            troubles.append(f"is {wide} px wide")
        name = place.path.strip("/").replace("/", "-").replace("{", "").replace("}", "") or "start"
        file = out / f"{name}-{width}-{lang}{'-dark' if dark else ''}.png"
        await page.screenshot(path=str(file))
        shown = answer is not None and answer.status == 200 and not answer.request.redirected_from
        shots.append(Shot(file, place.path, width, lang, dark, tuple(troubles), shown))
    await context.close()
    return shots


def contact_sheet(shots: list[Shot], sheet: Path) -> None:
    """All pictures small, side by side, each with its name."""
    rows = -(-len(shots) // ACROSS)
    size = (ACROSS * (THUMB[0] + EDGE) + EDGE, rows * (THUMB[1] + LABEL + EDGE) + EDGE)
    whole = Image.new("RGB", size, "#e9ecea")
    draw, font = ImageDraw.Draw(whole), ImageFont.truetype(str(FONT), 14)
    for number, shot in enumerate(shots):
        left = EDGE + number % ACROSS * (THUMB[0] + EDGE)
        top = EDGE + number // ACROSS * (THUMB[1] + LABEL + EDGE)
        with Image.open(shot.file) as picture:
            whole.paste(picture.convert("RGB").resize(THUMB, Image.Resampling.LANCZOS), (left, top))
        draw.text((left, top + THUMB[1] + 4), shot.name, fill="#17201f", font=font)
    sheet.parent.mkdir(parents=True, exist_ok=True)
    whole.quantize(128).save(sheet, optimize=True)


async def _learn(rig: Rig) -> None:
    """Presentable people, and the ids that pages of one thing need."""
    names = {"administrator": "Анна Смирнова", "manager": "Пётр Ким", "disabled": "Олег Иванов"}
    async with rig.store.transaction() as tx:
        for kind, person in rig.people.items():
            await tx.change_person(person.id, name=names.get(kind, "Мария Орлова"))
        await tx.connection.execute(text("UPDATE sessions SET browser = 'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0'"))
        found = await tx.connection.scalars(text("SELECT id FROM conversations ORDER BY updated_at DESC LIMIT 1"))
        rig.conversations += list(found)
        rig.leads += list(await tx.connection.scalars(text("SELECT id FROM leads ORDER BY created_at DESC LIMIT 1")))
    await _words(rig)
    await _list(rig)


async def _words(rig: Rig) -> None:
    """The shipped prompt with a draft beside it, and a text about the company, as a house has them."""
    anna, shipped = rig.people["administrator"], default_prompt()
    async with rig.store.transaction() as tx:
        await tx.keep_prompt(shipped)
        await tx.publish_prompt(shipped.name, shipped.version)
    _, words = await rig.house.words.prompt(anna, shipped.version)
    rig.prompts.append(await rig.house.words.save_draft(anna, words, note="Короче и с ценой в первой фразе"))
    body = "# Доставка\n\nПо городу на следующий день, 900 ₽. От 50 000 ₽ бесплатно.\n\n# Оплата\n\nСчёт, карта."
    rig.texts.append(await rig.house.words.save_text(anna, kind="company", name="Доставка и оплата", body=body))
    hello = {"questions": ["Когда вы работаете?"]}
    answer = "Мы на связи по будням с 9 до 18."
    await rig.house.words.save_text(anna, kind="canned", name="Часы работы", lang="ru", body=answer, about=hello)


async def _list(rig: Rig) -> None:
    """New prices of some goods, with two rows to put right."""
    shelf_ = shelf(rig.settings)
    live = shelf_.current()
    goods = list(itertools.islice(live.products(), PRICED)) if live else []
    rows = [f"{one.sku};{one.name};{float(one.price) * 1.04:.2f}".replace(".", ",") for one in goods if one.price]
    rows += ["NEW-1;Насос без цены;по запросу у менеджера", ";Строка без артикула;1 200"]
    shelf_.close()
    await read_list(rig, "Цены декабрь.csv", "Артикул;Наименование;Цена, руб.\n" + "\n".join(rows))


def _history(url: str, home: Path, dialogues: int, leads: int) -> None:
    env = {**os.environ, "APPLIANCE_HOME": str(home), "DATABASE_URL": url}
    program = [sys.executable, "-m", "appliance.history", "--dialogues", str(dialogues), "--leads", str(leads)]
    subprocess.run(program, cwd=ROOT, env=env, check=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "console-screenshots")
    options.add_argument("--sheet", type=Path)
    options.add_argument("--dialogues", type=int, default=5000)
    options.add_argument("--leads", type=int, default=800)
    options.add_argument("--rows", type=int, default=40_000)
    options.add_argument("--only", default="", help="pages whose path has this")
    options.add_argument("--themes", nargs="+", choices=("light", "dark"), default=["light"])
    options.add_argument("--widths", nargs="+", type=int, choices=WIDTHS, default=list(WIDTHS))
    options.add_argument("--langs", nargs="+", choices=("ru", "en"), default=["ru", "en"])
    asked = options.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    logging.disable(logging.ERROR)
    sys.exit(asyncio.run(main(**vars(asked))))
