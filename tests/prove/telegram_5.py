"""telegram-5: ten chats as customers see them, in Russian and English, put down for people to look at critically."""

from __future__ import annotations

import asyncio
import io
import json
import re
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

from PIL import Image
from playwright.async_api import async_playwright

from tests.botapi import BotApi, Customer, Limits
from tests.botapi.render import page
from tests.prove_kit import prepared_home
from tests.rig import ROOT, Appliance, verdict
from tests.rig import Customer as Browser

OUT = ROOT / "artefacts" / "telegram-5"
SIGNS_OF_CARELESSNESS = re.compile(r"\*\*|\{\w+\}|\bNone\b|\bnull\b|\bDecimal\b|<b>|&amp;|  +\S")
CYRILLIC = re.compile(r"[А-Яа-яЁё]")
OWN_WORDS = ("Язык", "язык", "Русский", "Українська", "Қазақша")  # the choice of languages names each in its own

Scene = Callable[[Customer, dict[str, str], Appliance], Awaitable[None]]
RU = {"goods": "насос 3 кВт", "found": "Наш", "details": "Подробнее", "ask": "Спросить", "similar": "Похожие",
      "price": "сколько стоит?", "cheaper": "подешевле", "agree": "Согласен", "phone": "мой номер", "lang": "язык",
      "thanks": "отправлена", "delivery": "сколько стоит доставка?", "about": "Что хотите",
      "site": "сайте"}  # fmt: skip
EN = {"goods": "pump 3 kW", "found": "found", "details": "Details", "ask": "Ask about", "similar": "Similar",
      "price": "how much is it?", "cheaper": "something cheaper", "agree": "I agree", "phone": "my number",
      "lang": "anguage", "thanks": "is sent", "delivery": "how much is delivery?", "about": "would you like",
      "site": "website"}  # fmt: skip


async def _greeting(one: Customer, words: dict[str, str], shop: Appliance) -> None:
    one.start("autumn_fair")
    await one.sees("/search")
    one.write("/language")
    await one.sees(words["lang"])


async def _goods(one: Customer, words: dict[str, str], shop: Appliance) -> None:
    one.write(words["goods"])
    await one.sees(lambda seen: bool(seen.photo))
    await one.sees(words["found"])
    one.press(words["details"])
    await one.sees(lambda seen: bool(seen.photo) and seen.text.count("\n") > 6)
    one.write(words["cheaper"])
    await one.sees(lambda seen: bool(seen.photo) and "1 / " in "".join(seen.buttons))


async def _question(one: Customer, words: dict[str, str], shop: Appliance) -> None:
    one.write(words["goods"])
    await one.sees(words["found"])
    one.press("☰")
    await one.sees(lambda seen: "2" in seen.buttons)
    one.press("2")
    await one.sees(lambda seen: any("2 / " in button for button in seen.buttons))
    one.press(words["ask"])
    asked = await one.sees(words["about"])
    one.write(words["price"])
    await one.sees(lambda seen: bool(seen.text) and not seen.photo, after=asked.id)
    after = one.write(words["delivery"])
    await one.sees(lambda seen: bool(seen.text), after=after)


async def _contact(one: Customer, words: dict[str, str], shop: Appliance) -> None:
    one.write("/contact")
    await one.sees(lambda seen: bool(one.chat.keyboard))
    one.tap(words["phone"])
    await one.sees("+79161234567")
    one.press(words["agree"])
    await one.sees(words["thanks"])
    out = io.BytesIO()
    Image.new("RGB", (320, 200), "slategray").save(out, "JPEG")
    after = one.send_photo(out.getvalue())
    one.send_voice()
    await one.sees(lambda seen: bool(seen.text), after=after)


async def _from_the_site(one: Customer, words: dict[str, str], shop: Appliance) -> None:
    browser = Browser(shop, lang=one.user["language_code"])  # type: ignore[arg-type]
    await browser.ask(words["goods"])
    body = json.dumps({"sid": browser.sid, "token": browser.token}).encode()

    def link() -> str:
        asked = urllib.request.Request(shop.url + "/telegram/link", body)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return str(json.loads(answer.read())["url"])

    one.start((await asyncio.to_thread(link)).partition("start=")[2])
    await one.sees(words["site"])
    after = one.write(words["cheaper"])
    await one.sees(lambda seen: bool(seen.text), after=after)
    await browser.close()


SCENES: dict[str, Scene] = {
    "greeting": _greeting, "goods": _goods, "question": _question, "contact": _contact, "site": _from_the_site,
}  # fmt: skip


async def main(*, quick: bool) -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("telegram-5") as wrong:
        home = prepared_home(Path(folder) / "home", rows=1_500, model=False)
        async with BotApi(limits=Limits()) as api:
            bot = api.add_bot()
            with Appliance(home, APPLIANCE_PULL="false", APPLIANCE_SAMPLE="false", TELEGRAM_TOKEN=bot.token,
                           TELEGRAM_API_URL=api.url) as shop:  # fmt: skip
                await asyncio.to_thread(shop.wait, seconds=300)
                await bot.joined()
                made = 0
                for at, (name, scene) in enumerate(SCENES.items()):
                    for lang, words in (("ru", RU), ("en", EN)):
                        one = Customer(api, bot, id=7000 + 10 * at + (lang == "en"), lang=lang,
                                       name="Анна" if lang == "ru" else "John")  # fmt: skip
                        try:
                            await scene(one, words, shop)
                        except AssertionError as error:
                            wrong.append(f"{name} in {lang}: {error}")
                        await asyncio.sleep(2)
                        made += _keep(one, f"{name}-{lang}", lang, wrong)
        pictures = await _pictures()
        print(f"{made} chats and {pictures} pictures of them are in {OUT.relative_to(ROOT)}: look at them critically")
    return 0


def _keep(one: Customer, name: str, lang: str, wrong: list[str]) -> int:
    (OUT / f"{name}.txt").write_text(one.transcript() + "\n", encoding="utf-8")
    (OUT / f"{name}.html").write_text(page(one, f"Counterman: {name}"), encoding="utf-8")
    for seen in one.seen():
        if careless := SIGNS_OF_CARELESSNESS.search(seen.text):
            wrong.append(f"{name}: {careless[0]!r} in {seen.text[:80]!r}")
        said = " ".join([seen.text if not seen.photo else "", *seen.buttons])
        for own in OWN_WORDS:
            said = said.replace(own, "")
        if lang == "en" and CYRILLIC.search(said):
            wrong.append(f"{name}: Russian in an English chat: {said[:100]!r}")
    return 1


async def _pictures() -> int:
    """Each chat as a picture; without a browser the pages themselves have to do."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        print("No pictures: there is no Chromium on this machine (apt install chromium)")
        return 0
    files = sorted(OUT.glob("*.html"))
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for file in files:
            sheet = await browser.new_page(viewport={"width": 420, "height": 600})
            await sheet.goto(file.as_uri())
            await sheet.screenshot(path=file.with_suffix(".png"), full_page=True)
            await sheet.close()
        await browser.close()
    return len(files)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(quick="--quick" in sys.argv)))
