"""A manager reads a dialogue in a real browser, takes it over, answers, hands it back; nothing typed is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from appliance.core.leads import Contacts
from appliance.core.types import Card, Inbound, Reply, Role, Route, Rung
from appliance.store.leads import Status
from appliance.store.store import Store
from tests.console_house import CHROMIUM, COOKIE, Console, console

T = TypeVar("T")
EVIL = "<img src=x onerror=\"document.title='pwned'\"><b>насос</b>"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


async def said(database: str, words: str, address: str = "", *, answered: bool = True) -> UUID:
    """A customer's words on the site, and the assistant's answer to them."""
    store = Store(database, pool=1)
    try:
        async with store.transaction() as tx:
            inbound = Inbound(
                channel="widget", address=address or str(uuid4()), external_id=str(uuid4()), text=words, lang_hint="ru"
            )
            got = await tx.remember(inbound)
        if answered:
            async with store.transaction() as tx:
                claim = await tx.claim(got.conversation)
                assert claim is not None
                card = Card(sku="A-1", name=f"Насос {EVIL}")
                reply = Reply(
                    text=f"вот {EVIL}", lang="ru", route=Route.PRODUCT_SEARCH, rung=Rung.PROSE, cards=(card,),
                    sources=("A-1",), prompt_version="p7", model="m7", catalog_version="v7",
                )  # fmt: skip
                await tx.finish(claim, reply, message=uuid4())
        return got.conversation
    finally:
        await store.close()


async def left_contacts(database: str, conversation: UUID) -> None:
    store = Store(database, pool=1)
    try:
        async with store.transaction() as tx:
            contacts = Contacts(name=EVIL, phone="+70005551234", need="насос")
            await tx.keep_lead(conversation, contacts, status=Status.NEW, source="form")
    finally:
        await store.close()


def done(work: Coroutine[Any, Any, T]) -> T:
    """The outcome of the work, done in a thread of its own: Playwright's loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="module")
def house(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with console(server, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(house: Console) -> Iterator[BrowserContext]:
    token = house.person(Role.MANAGER)[1]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(15_000)
        context.add_cookies([
            {"name": COOKIE, "value": token, "url": house.url},
            {"name": "lang", "value": "ru", "url": house.url},
        ])  # fmt: skip
        yield context
        chromium.close()


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    title = page.title()
    page.close()
    assert faults == [] and "pwned" not in title


def test_a_dialogue_is_taken_over_answered_and_handed_back(house: Console, page: Page) -> None:
    here = done(said(house.database, f"нужен {EVIL}"))
    page.goto(f"{house.url}/conversations")
    page.locator(".c-dlg").first.click()
    expect(page.locator(".c-say-user .c-said")).to_have_text(f"нужен {EVIL}")  # as it was written, not as markup
    expect(page.locator(".c-goods-one b")).to_have_text(f"Насос {EVIL}")
    expect(page.locator(".c-composer textarea")).to_be_disabled()

    page.locator(".c-why summary").click()
    for known in ("m7", "p7", "v7", "A-1"):
        expect(page.locator(".c-why .c-facts")).to_contain_text(known)

    page.get_by_role("button", name="Перехватить").click()
    box = page.locator(".c-composer textarea")
    expect(box).to_be_enabled()
    box.fill("Здравствуйте, это Анна")
    page.reload()
    expect(box).to_have_value("Здравствуйте, это Анна")  # the draft is kept by the browser

    box.press("Enter")
    expect(page.locator(".c-say-agent .c-said")).to_have_text("Здравствуйте, это Анна")
    expect(box).to_have_value("")
    page.get_by_role("button", name="Вернуть").click()
    expect(box).to_be_disabled()
    expect(page.locator(".c-inbox-head .c-chip")).to_have_text("ассистент")
    assert str(here) in page.url


def test_what_a_customer_writes_appears_while_the_page_is_open(house: Console, page: Page) -> None:
    here = done(said(house.database, "первый", "same"))
    page.goto(f"{house.url}/conversations?c={here}")
    expect(page.locator(".c-say-user")).to_have_count(1)
    done(said(house.database, "второй", "same", answered=False))
    expect(page.locator(".c-say-user .c-said").last).to_have_text("второй")
    expect(page.locator(".c-dlg").first.locator(".c-dlg-said")).to_have_text("второй")


def test_a_text_typed_while_the_connection_is_lost_goes_out_once(
    house: Console, page: Page, browser: BrowserContext
) -> None:
    here = done(said(house.database, "связь"))
    page.goto(f"{house.url}/conversations?c={here}")
    page.get_by_role("button", name="Перехватить").click()
    box = page.locator(".c-composer textarea")
    expect(box).to_be_enabled()
    browser.set_offline(True)
    page.evaluate("window.socket.io.engine.close()")
    box.fill("не потеряйте")
    box.press("Enter")
    expect(page.locator(".c-composer-away")).to_be_visible()
    expect(box).to_have_value("не потеряйте")
    browser.set_offline(False)
    said_by_us = page.locator(".c-say-agent .c-said")
    expect(said_by_us).to_have_text("не потеряйте", timeout=40_000)  # tries to connect come up to 7 s apart
    expect(box).to_have_value("")
    expect(page.locator(".c-say-agent")).to_have_count(1)


def test_a_text_that_nobody_answered_is_said_again_and_stands_there_once(house: Console, page: Page) -> None:
    here = done(said(house.database, "глухо"))
    page.goto(f"{house.url}/conversations?c={here}")
    page.get_by_role("button", name="Перехватить").click()
    box = page.locator(".c-composer textarea")
    expect(box).to_be_enabled()
    page.evaluate(
        """() => {
            const emit = window.socket.emit
            window.unheard = 0
            window.socket.emit = function (name, told, ...rest) {
                const says = name === "event" && JSON.stringify(told).includes("услышьте")
                return says && !window.unheard++ ? this : emit.call(this, name, told, ...rest)
            }
        }"""
    )
    box.fill("услышьте")
    box.press("Enter")
    expect(page.locator(".c-say-agent .c-said")).to_have_text("услышьте")
    expect(box).to_have_value("")
    assert page.evaluate("window.unheard") > 1
    expect(page.locator(".c-say-agent")).to_have_count(1)


def test_a_bad_answer_goes_to_review_and_is_ticked_off(house: Console, page: Page) -> None:
    here = done(said(house.database, "плохой ответ"))
    page.goto(f"{house.url}/conversations?c={here}")
    page.get_by_role("button", name="Отметить ответ как плохой").click()
    page.get_by_label("Причина").select_option("wrong_fact")
    page.get_by_role("button", name="Отправить на разбор").click()
    expect(page.locator(".c-say .c-chip.c-bad")).to_have_text("Неверный факт или цена")
    page.goto(f"{house.url}/review")
    one = page.locator(".c-review-one", has_text="плохой ответ")
    expect(one).to_contain_text("p7")
    one.get_by_role("button", name="Разобрано").click()
    expect(one).to_have_count(0)


def test_a_lead_is_taken_and_closed_with_its_outcome(house: Console, page: Page) -> None:
    here = done(said(house.database, "заявка"))
    done(left_contacts(house.database, here))
    page.goto(f"{house.url}/leads")
    page.locator(".c-pipe-lead:visible", has_text="onerror").first.click()
    page.get_by_role("button", name="Взять").click()
    expect(page.locator(".c-dialog .c-facts")).to_contain_text("в работе")
    page.get_by_role("button", name="Закрыть").click()
    page.locator(".c-dialog").last.get_by_label("Итог").select_option("price")  # the list has a filter of that name
    page.locator(".c-dialog").last.get_by_role("button", name="Закрыть").click()
    expect(page.locator(".c-dialog .c-facts")).to_contain_text("закрыта: дорого")
    expect(page.locator(".c-dialog .c-acts-list")).to_contain_text("Закрыта: дорого")


def test_on_a_phone_one_pane_is_shown_at_a_time(house: Console, page: Page, tmp_path: Path) -> None:
    done(said(house.database, "телефон"))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{house.url}/conversations")
    expect(page.locator(".c-inbox-talk")).to_be_hidden()
    page.locator(".c-dlg").first.click()
    expect(page.locator(".c-inbox-talk")).to_be_visible()
    expect(page.locator(".c-inbox-list")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Назад").first.click()
    expect(page.locator(".c-inbox-list")).to_be_visible()
