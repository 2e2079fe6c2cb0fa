"""The built widget in Chromium: on a foreign shop's page with a strict policy, through cuts, offline, on a phone."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from appliance.channels.widget import WidgetLimits
from appliance.core.limits import Rate
from appliance.core.types import Card, Inbound
from tests.console_house import CHROMIUM
from tests.e2e.widget_house import Answer, House, open_house

QUIET = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ROOMY = WidgetLimits(sessions=(Rate(burst=1000, per_second=1),), messages=(Rate(burst=1000, per_second=100),))
FOCUSED = "() => document.querySelector('counterman-chat').shadowRoot.activeElement?.matches('textarea, [role=dialog]')"
expect.set_options(timeout=15_000)  # milliseconds; a busy box draws late
DEMO = Path(__file__).parents[2] / "ui" / "widget" / "demo" / "serve.py"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="NOT TESTED IN A BROWSER: install chromium"),
    pytest.mark.asyncio(loop_scope="module"),
]

PUMP = Card(
    sku="ЦН-50", name="Насос ЦН 50-200", price=Decimal("148900.50"), currency="RUB", stock=Decimal(12), unit="шт",
    brand="Норвент", photo="/photo/a", attributes=(("Мощность", "3 кВт"), ("Напор", "32 м")),
)  # fmt: skip
FORM = {
    "form_id": "contact",
    "title": "Связаться с менеджером",
    "submit": "Отправить заявку",
    "fields": [
        {"name": "name", "label": "Имя", "type": "text", "required": False},
        {"name": "phone", "label": "Телефон", "type": "tel", "required": True},
        {"name": "need", "label": "Что нужно", "type": "textarea", "required": False},
    ],
    "consent": {"version": "2026-11", "text": "Согласен на обработку данных", "url": "https://shop.example/privacy"},
}


@dataclass
class Visitor:
    """A customer's browser on a page with the chat, and what went wrong in it."""

    page: Page
    house: House
    url: str
    troubles: list[str] = field(default_factory=list)

    @property
    def chat(self) -> Locator:
        return self.page.locator("counterman-chat [data-link]")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    @property
    def composer(self) -> Locator:
        return self.page.locator("counterman-chat textarea").last

    async def open(self) -> None:
        await self.page.get_by_role("button", name="Чат", exact=True).click()
        await expect(self.composer).to_be_visible()
        await self.page.wait_for_function(FOCUSED)  # it comes a moment after; a key pressed before would be lost

    async def ask(self, text: str) -> None:
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def sees(self, text: str | re.Pattern[str]) -> None:
        await expect(self.log.get_by_text(text).first).to_be_visible()


@asynccontextmanager
async def shop_page(chat: str, options: str = "") -> AsyncIterator[str]:
    """The demo page of a foreign shop, on an origin of its own."""
    spec = importlib.util.spec_from_file_location("widget_demo", DEMO)
    assert spec and spec.loader
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    with demo.server(chat, options=options) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()


@asynccontextmanager
async def visiting(
    chromium: Browser, answer: Callable[[Inbound], Answer | None], *, path: str = "", options: str = "",
    context: dict[str, Any] | None = None, **given: Any,
) -> AsyncIterator[Visitor]:  # fmt: skip
    """A visitor on the shop's page, or on the chat's own with a `path`; the chat must stay without page errors."""
    given.setdefault("limits", ROOMY)
    async with open_house(answer, sites=lambda: ["*"], **given) as (house, url), shop_page(url, options) as shop:
        tab = await chromium.new_context(**{"locale": "ru-RU", **(context or {})})
        visitor = Visitor(await tab.new_page(), house, url)
        visitor.page.on("pageerror", lambda error: visitor.troubles.append(str(error)))
        visitor.page.on(
            "console", lambda message: visitor.troubles.append(message.text) if "Policy" in message.text else None
        )
        await visitor.page.goto(url + path if path else shop)
        yield visitor
        await tab.close()
        assert visitor.troubles == []


def says(text: str, **more: Any) -> Callable[[Inbound], Answer]:
    return lambda inbound: Answer(text, **more)


async def test_a_foreign_page_with_a_strict_policy_gets_goods_prose_and_photos(chromium: Browser) -> None:
    answer = says("Подходит **ЦН 50-200**, он есть на складе", cards=[PUMP], quick=["А подешевле?"])
    async with visiting(chromium, answer) as me:
        await me.open()
        await me.ask("Нужен насос 3 кВт")
        await me.sees("Насос ЦН 50-200")
        await me.sees(re.compile(r"148\s900,50\s₽"))
        await me.sees("В наличии: 12 шт")
        await me.sees("он есть на складе")
        await expect(me.log.locator("strong, b").get_by_text("ЦН 50-200", exact=True)).to_be_visible()
        photo = me.log.locator("img")
        await expect(photo).to_be_visible()
        assert await photo.evaluate("image => image.naturalWidth") > 0
        details = me.log.get_by_role("button", name="Подробнее")
        await expect(me.log.get_by_text("Мощность")).to_be_hidden()
        await details.click()
        await expect(me.log.get_by_text("Мощность")).to_be_visible()
        assert await details.get_attribute("aria-expanded") == "true"
        await me.log.get_by_role("button", name="А подешевле?").click()
        await expect(me.log.get_by_role("button", name="А подешевле?")).to_have_count(1)
        assert (me.house.heard[1].kind, me.house.heard[1].text) == ("quick", "А подешевле?")


async def test_the_shops_own_styles_do_not_reach_the_chat_nor_the_chats_the_shop(chromium: Browser) -> None:
    async with visiting(chromium, says("Да")) as me:
        heading = me.page.locator("h1")
        before = await heading.evaluate("h => getComputedStyle(h).font")
        await me.open()
        seen = await me.composer.evaluate("t => [getComputedStyle(t).borderStyle, getComputedStyle(t).letterSpacing]")
        assert seen == ["none", "normal"]
        assert await heading.evaluate("h => getComputedStyle(h).font") == before


async def test_a_cut_in_mid_answer_loses_and_doubles_nothing(chromium: Browser) -> None:
    text = " ".join(f"слово{number}" for number in range(40))
    async with visiting(chromium, says(text, hold_after=20, pace=0.005)) as me:
        await me.open()
        await me.ask("Считай")
        await me.sees(re.compile("слово18"))
        await me.page.evaluate("() => window.dispatchEvent(new Event('offline'))")  # the widget drops its socket
        await expect(me.chat).to_have_attribute("data-link", "online")
        me.house.go_on.set()
        await me.sees(re.compile("слово39"))
        await expect(me.log.get_by_text("слово0 ")).to_have_count(1)
        assert text in await me.log.inner_text()
        assert len(me.house.heard) == 1


async def test_what_is_written_offline_is_kept_through_a_reload_and_sent_once(chromium: Browser) -> None:
    async with visiting(chromium, says("Доставим завтра"), path="/chat") as me:
        await me.ask("Первый вопрос")
        await me.sees("Доставим завтра")
        me.house.down = True
        await me.page.evaluate("() => window.dispatchEvent(new Event('offline'))")
        await me.ask("Второй вопрос")
        await me.sees("Второй вопрос")
        await expect(me.log.get_by_text("Отправляется…")).to_be_visible()
        await me.page.reload()
        await me.sees("Второй вопрос")
        await expect(me.page.get_by_role("status").get_by_text("Нет связи")).to_be_visible()
        me.house.down = False
        await expect(me.log.get_by_text("Отправляется…")).to_have_count(0, timeout=15_000)
        await expect(me.log.get_by_text("Второй вопрос")).to_have_count(1)
        await expect(me.log.get_by_text("Первый вопрос")).to_have_count(1)
        await expect(me.log.get_by_text("Доставим завтра")).to_have_count(2)
        assert [inbound.text for inbound in me.house.heard] == ["Первый вопрос", "Второй вопрос"]


async def test_a_reload_brings_the_conversation_back(chromium: Browser) -> None:
    answer = says("Подходит", cards=[PUMP], quick=["Ещё"], form=FORM)
    async with visiting(chromium, answer, path="/chat") as me:
        await me.ask("Насос")
        await me.sees("Связаться с менеджером")
        before = await me.log.inner_text()
        await me.page.reload()
        await me.sees("Связаться с менеджером")
        shown = [line for line in (await me.log.inner_text()).splitlines() if ":" not in line]
        assert shown == [line for line in before.splitlines() if ":" not in line]
        assert len(me.house.sessions) == 1


async def test_hostile_words_stay_words(chromium: Browser) -> None:
    attack = '<img src=x onerror="window.hacked=1"> [нажми](javascript:window.hacked=1) [https](https://ok.example/a)'
    card = Card(
        sku="<script>window.hacked=1</script>", name='"><img src=x onerror=window.hacked=1>', brand="<b>b</b>",
        price=Decimal(1), currency='"><img src=x onerror=window.hacked=1>', stock=Decimal(1), unit="<i>",
        photo="javascript:window.hacked=1", attributes=(("<img src=x onerror=window.hacked=1>", "javascript:1"),),
    )  # fmt: skip
    async with visiting(chromium, says(attack, cards=[card], quick=["<img src=x onerror=window.hacked=1>"])) as me:
        await me.open()
        await me.ask('<img src=x onerror="window.hacked=1"> **not bold**')
        await me.sees("[нажми](javascript:window.hacked=1)")
        await me.sees('<img src=x onerror="window.hacked=1"> **not bold**')
        await me.log.get_by_role("button", name="Подробнее").click()
        links = await me.page.locator("counterman-chat a").evaluate_all("links => links.map(link => link.href)")
        assert links == ["https://ok.example/a"]
        assert await me.page.locator("counterman-chat img").count() == 0
        assert await me.page.evaluate("() => window.hacked") is None


async def test_escape_closes_and_gives_the_focus_back(chromium: Browser) -> None:
    async with visiting(chromium, says("Да")) as me:
        await me.page.get_by_role("button", name="Чат", exact=True).focus()
        await me.page.keyboard.press("Enter")
        await expect(me.composer).to_be_focused()
        await me.page.keyboard.press("Escape")
        await expect(me.composer).to_be_hidden()
        await expect(me.page.get_by_role("button", name="Чат", exact=True)).to_be_focused()


async def test_on_a_phone_the_chat_fills_the_screen_and_keeps_the_focus(chromium: Browser) -> None:
    async with visiting(chromium, says("Да", cards=[PUMP] * 4, quick=["Ещё"], form=FORM), context=PHONE) as me:
        await me.open()
        await me.ask("Есть?")
        await me.sees("Связаться с менеджером")
        assert await me.chat.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
        assert await me.composer.evaluate("t => parseFloat(getComputedStyle(t).fontSize)") >= 16
        for button in await me.chat.get_by_role("button").all():
            box = await button.bounding_box()
            assert box and min(box["height"], box["width"]) >= 44, await button.inner_text()
        for _ in range(30):
            await me.page.keyboard.press("Tab")
            assert await me.page.evaluate("() => document.activeElement.localName") == "counterman-chat"
        assert await me.page.evaluate("() => getComputedStyle(document.documentElement).overflow") == "hidden"
        await me.page.keyboard.press("Escape")
        assert await me.page.evaluate("() => getComputedStyle(document.documentElement).overflow") == "visible"


async def test_a_closed_chat_counts_what_it_was_told(chromium: Browser) -> None:
    async with visiting(chromium, says("Да")) as me:
        await me.open()
        await me.ask("Есть?")
        await me.sees("Да")
        await me.page.keyboard.press("Escape")
        for text in ("Здравствуйте, я Анна", "Чем помочь?"):
            me.house.add(me.house.only(), role="agent", kind="text", text=text)
        me.house.channel.hint(me.house.only())
        launcher = me.page.get_by_role("button", name="Чат", exact=True)
        await expect(launcher.get_by_text("2")).to_be_visible()
        await me.page.reload()
        await expect(launcher.get_by_text("2")).to_be_visible()  # on the next page, too, before it is opened
        await launcher.click()
        await me.sees("Чем помочь?")
        await me.page.keyboard.press("Escape")
        await expect(launcher.get_by_text("2")).to_be_hidden()
        assert me.house.reads[-1] == 4


async def test_the_form_asks_for_what_is_missing_and_thanks(chromium: Browser) -> None:
    async with visiting(chromium, lambda i: Answer("Оставьте телефон", form=FORM) if i.kind == "text" else None) as me:
        await me.open()
        await me.ask("Позвать менеджера")
        send = me.log.get_by_role("button", name="Отправить заявку")
        await send.click()
        await me.sees("Заполните это поле")
        await me.sees("Отметьте согласие")
        await expect(me.log.get_by_label("Телефон")).to_be_focused()
        await me.log.get_by_label("Телефон").fill("+7 701 000 00 00")
        await me.log.get_by_role("checkbox").check()
        await send.click()
        await me.sees("Спасибо!")
        form = me.house.heard[1]
        assert (form.kind, form.payload["consent"]) == ("form", "2026-11")
        assert form.payload["values"] == {"name": "", "phone": "+7 701 000 00 00", "need": ""}
        await me.page.reload()
        await me.open()
        await me.sees("Спасибо!")
        await expect(me.log.get_by_role("checkbox")).to_have_count(0)


async def test_thumbs_and_stop_are_heard(chromium: Browser) -> None:
    async with visiting(chromium, says("раз два три четыре", hold_after=3)) as me:
        await me.open()
        await me.ask("Считай")
        await me.sees("раз два")
        await me.chat.get_by_role("button", name="Остановить ответ").click()
        await me.sees("раз два три четыре")
        good = me.log.get_by_role("button", name="Полезный ответ", exact=True)
        await good.click()
        assert await good.get_attribute("aria-pressed") == "true"
        await me.log.get_by_role("button", name="Бесполезный ответ").click()
        assert await good.get_attribute("aria-pressed") == "false"
        await expect(me.chat.get_by_role("button", name="Отправить")).to_be_disabled()
        assert [value for _, value in me.house.feedbacks] == [1, -1] and me.house.stopped == [me.house.only()]


async def test_a_manager_takes_over_in_sight(chromium: Browser) -> None:
    async with visiting(chromium, says("раз два три", hold_after=3)) as me:
        await me.open()
        await me.ask("Считай")
        await me.sees("раз два")
        add = me.house.add
        add(me.house.only(), role="system", kind="state", payload={"mode": "agent", "agent": {"name": "Анна"}})
        add(me.house.only(), role="agent", kind="text", text="Здравствуйте, это Анна")
        me.house.channel.hint(me.house.only())
        await me.sees("Здравствуйте, это Анна")
        await expect(me.log.get_by_text("раз два")).to_have_count(0)
        await expect(me.chat.locator("header").get_by_text("Анна")).to_be_visible()


async def test_a_text_too_long_stays_in_the_composer(chromium: Browser) -> None:
    async with visiting(chromium, says("Да")) as me:
        await me.open()
        await expect(me.chat).to_have_attribute("data-link", "online")
        await me.ask("ы" * 4001)
        await expect(me.page.get_by_role("status").get_by_text("Слишком длинно")).to_be_visible()
        assert len(await me.composer.input_value()) == 4001 and me.house.heard == []
        await me.ask("ы" * 4000)
        await me.sees("Да")


async def test_who_types_faster_than_the_limits_is_served_a_little_later(chromium: Browser) -> None:
    limits = WidgetLimits(messages=(Rate(burst=3, per_second=2),))
    async with visiting(chromium, lambda inbound: None, limits=limits) as me:
        await me.open()
        for number in range(7):
            await me.ask(f"вопрос {number}")
        await expect(me.log.get_by_text("Отправляется…")).to_have_count(0, timeout=10_000)
        assert [inbound.text for inbound in me.house.heard] == [f"вопрос {number}" for number in range(7)]


async def test_a_session_that_expired_begins_anew_and_loses_no_word(chromium: Browser) -> None:
    async with visiting(chromium, says("Да"), path="/chat") as me:
        await me.ask("Первый")
        await me.sees("Да")
        me.house.sessions.clear()
        me.house.rows.clear()
        await me.page.evaluate("() => window.dispatchEvent(new Event('offline'))")
        await me.ask("Второй")
        await expect(me.log.get_by_text("Второй")).to_be_visible()
        await expect(me.log.get_by_text("Первый")).to_have_count(0, timeout=10_000)
        await me.sees("Да")


async def test_older_messages_come_on_request(chromium: Browser) -> None:
    async with visiting(chromium, lambda inbound: None, path="/chat") as me:
        await me.ask("Начало")
        await expect(me.log.get_by_text("Отправляется…")).to_have_count(0)
        for number in range(70):
            me.house.add(me.house.only(), role="bot", kind="text", text=f"ответ {number}.")
        await me.page.reload()
        await me.sees("ответ 69.")
        await expect(me.log.get_by_text("ответ 19.")).to_have_count(0)
        await me.log.get_by_role("button", name="Показать раньше").click()
        await expect(me.log.get_by_text("ответ 19.")).to_have_count(1)
        texts = re.findall(r"ответ (\d+)\.", await me.log.inner_text())
        assert texts == [str(number) for number in range(70)]
        await expect(me.log.get_by_role("button", name="Показать раньше")).to_be_hidden()


@pytest.mark.parametrize(
    ("lang", "placeholder"),
    [
        ("ru", "Что вы ищете?"),
        ("en", "What are you looking for?"),
        ("kk", "Не іздейсіз?"),
        ("uz", "Nima qidiryapsiz?"),
        ("tr", "Ne arıyorsunuz?"),
        ("de", "Was suchen Sie?"),
        ("ja", "What are you looking for?"),
    ],
)
async def test_the_chat_speaks_the_language_of_the_page(chromium: Browser, lang: str, placeholder: str) -> None:
    context = {"locale": "en-US"}
    async with visiting(chromium, says("Да"), path=f"/chat?lang={lang}", context=context) as me:
        await expect(me.composer).to_have_attribute("placeholder", placeholder)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
async def test_axe_finds_nothing_serious(chromium: Browser, theme: str, size: str) -> None:
    answer = says(
        "Подходит [этот](https://ok.example), есть:\n- один\n- два", cards=[PUMP, PUMP], quick=["Ещё"], form=FORM
    )
    context: dict[str, Any] = {"bypass_csp": True, "color_scheme": theme, "reduced_motion": "reduce"}
    async with visiting(chromium, answer, context=context | (PHONE if size == "phone" else {})) as me:
        await me.open()
        await me.ask("Насос")
        await me.sees("Связаться с менеджером")
        await me.log.get_by_role("button", name="Отправить заявку").click()
        await me.log.get_by_role("button", name="Подробнее").first.click()
        await me.page.add_script_tag(path=AXE_FILE_PATH)
        found = await me.page.evaluate("() => axe.run('counterman-chat')")
        grave = [
            (violation["id"], violation["nodes"][0]["target"], violation["nodes"][0]["failureSummary"])
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert grave == [] and len(found["passes"]) > 10


async def test_data_attributes_dress_the_chat(chromium: Browser) -> None:
    options = (
        'data-accent="#ffd400" data-radius="4px" data-position="left" data-theme="dark" data-title="Насосный двор"'
    )
    async with visiting(chromium, says("Да"), options=options) as me:
        launcher = me.page.get_by_role("button", name="Чат", exact=True)
        style = await launcher.evaluate("b => [getComputedStyle(b).backgroundColor, getComputedStyle(b).color]")
        assert style[0] == "rgb(255, 212, 0)" and await _is_dark(launcher)
        box = await launcher.bounding_box()
        assert box and box["x"] < 100
        await me.open()
        await expect(me.chat.get_by_role("heading", name="Насосный двор")).to_be_visible()
        background = await me.chat.evaluate("c => getComputedStyle(c).backgroundColor")
        assert background == "rgb(15, 18, 24)"


async def test_the_widget_is_less_than_ten_kilobytes_for_who_opens_it(chromium: Browser) -> None:
    async with visiting(chromium, says("Да")) as me:
        sizes: dict[str, int] = {}
        me.page.on("response", lambda answer: sizes.update({answer.url: int(answer.headers.get("content-length", 0))}))
        await me.page.reload()
        await me.open()
        await asyncio.sleep(0.3)
        code = {url: size for url, size in sizes.items() if "/widget/v1/" in url and url.endswith(".js")}
        assert len(code) == 2 and sum(code.values()) < 10_000
        assert sum(size for url, size in sizes.items() if "/widget/v1/" in url) < 11_000


async def _is_dark(element: Locator) -> bool:
    """Whether an element's letters are dark, whatever colour space the browser names them in."""
    lightness: float = await element.evaluate(
        """element => {
            const pen = document.createElement('canvas').getContext('2d')
            pen.fillStyle = getComputedStyle(element).color
            pen.fillRect(0, 0, 1, 1)
            return pen.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((a, b) => a + b) / 765
        }"""
    )
    return lightness < 0.3
