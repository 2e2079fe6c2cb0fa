"""The pages with figures in a real browser: every number opens the dialogues that it counts, reports come as files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import create_engine, text

from appliance.core.types import Role
from appliance.store.store import Store, driver_url
from appliance.store.tables import Base
from tests.console_house import CHROMIUM, COOKIE, Console, console
from tests.small_history import Talk, Turn, tell

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

PUMP = ("P-1", "Насосы", "4")


def talks() -> list[Talk]:
    """Nine dialogues of the last days: two leads, four people who ask for gloves in vain, a bad answer."""
    day = datetime.now(UTC) - timedelta(days=2)
    lead = {"status": "new", "phone": "+77011112233"}
    bought = [Talk(at=day, turns=[Turn(text="насос", cards=[PUMP])], lead=lead) for _ in range(2)]
    looked = [Talk(at=day, channel="telegram", turns=[Turn(text="насос", cards=[PUMP], rating=-1)])]
    gloves = [Talk(at=day, lang="kk", turns=[Turn(text="резеңке қолғап бар ма", none=True)]) for _ in range(3)]
    gloves += [Talk(at=day, lang="en", turns=[Turn(text="rubber <b>gloves</b>", none=True)])]
    asked = [Talk(at=day, turns=[Turn(text="доставка?", route="company", rung="form")]) for _ in range(2)]
    return [*bought, *looked, *gloves, *asked]


async def told(database: str) -> None:
    store = Store(database, pool=1)
    try:
        await tell(store, *talks())
    finally:
        await store.close()


@pytest.fixture(scope="module")
def house(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    engine = create_engine(driver_url(server))
    with engine.begin() as connection:
        names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {names} CASCADE"))
    engine.dispose()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, told(server)).result()
    with console(server, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def page(house: Console) -> Iterator[Page]:
    token = house.person(Role.MANAGER)[1]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=house.url)
        context.set_default_timeout(15_000)
        context.add_cookies([
            {"name": COOKIE, "value": token, "url": house.url}, {"name": "lang", "value": "ru", "url": house.url},
        ])  # fmt: skip
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith((house.url, "data:")) else wrong.append(
            request.url))  # fmt: skip
        yield page
        assert not [line for line in wrong if not line.startswith("ws")]
        chromium.close()


def test_the_overview_says_what_waits_and_leads_there(page: Page) -> None:
    page.goto("/")
    waiting = page.locator("a.c-need", has_text="2 заявки никто не взял")
    expect(waiting).to_have_attribute("href", "/leads?view=table&status=untaken")
    expect(page.locator(".c-advice").first).to_contain_text("4 покупателя спросили")
    expect(page.locator("canvas, .c-chart svg").first).to_be_visible()


def test_a_row_of_the_analytics_opens_just_its_dialogues(page: Page) -> None:
    page.goto("/analytics?by=lang")
    expect(page.locator(".c-tile", has_text="Диалоги")).to_contain_text("9")
    expect(page.locator(".c-tile", has_text="Конверсия")).to_contain_text("22,2")
    page.locator("tr", has_text="казахский").click()
    page.wait_for_url("**/conversations?*lang=kk*")
    expect(page.locator(".c-dlg")).to_have_count(3)


def test_a_tile_and_a_step_of_the_funnel_open_just_theirs(page: Page) -> None:
    page.goto("/analytics")
    page.locator("a.c-funnel-step", has_text="Заявки").click()
    page.wait_for_url("**/conversations?*stage=lead*")
    expect(page.locator(".c-dlg")).to_have_count(2)
    page.goto("/analytics?channel=telegram")
    page.locator("a.c-tile", has_text="Видели товары").click()
    page.wait_for_url("**/conversations?*stage=goods*")
    expect(page.locator(".c-dlg")).to_have_count(1)


def test_one_wish_of_two_languages_is_one_line_that_opens_its_dialogues(page: Page) -> None:
    page.goto("/demand")
    row = page.locator("tr", has_text="резеңке қолғап бар ма")
    expect(row).to_contain_text("rubber <b>gloves</b>")  # what customers write is text, whatever it looks like
    expect(row).to_contain_text("казахский 3, английский 1")
    row.click()
    page.wait_for_url("**/conversations?*want=*")
    expect(page.locator(".c-dlg")).to_have_count(4)


def test_without_a_trial_the_page_says_the_next_step(page: Page) -> None:
    page.goto("/experiments")
    expect(page.get_by_text("Сейчас ничего не сравнивается")).to_be_visible()


def test_a_report_is_made_and_comes_as_files(page: Page, tmp_path: Path) -> None:
    page.goto("/reports")
    page.get_by_role("button", name="Сделать за прошлый месяц").click()
    with page.expect_download() as pdf:
        page.get_by_role("link", name="PDF").click()
    pdf.value.save_as(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    with page.expect_download() as book:
        page.get_by_role("link", name="XLSX").click()
    assert book.value.suggested_filename.endswith(".xlsx")


def test_a_recipient_is_added_once_the_address_is_one_and_taken_off_again(page: Page) -> None:
    page.goto("/reports")
    page.get_by_role("button", name="Добавить получателя").click()
    dialog = page.locator(".c-dialog")
    dialog.get_by_label("Почта").fill("nobody")
    dialog.get_by_role("button", name="Добавить", exact=True).click()
    expect(dialog).to_contain_text("Напишите как имя@компания.ru")
    dialog.get_by_label("Почта").fill("boss@firm.example")
    dialog.get_by_role("button", name="Добавить", exact=True).click()
    row = page.locator("tr", has_text="boss@firm.example")
    expect(row).to_contain_text("каждую неделю")
    row.get_by_role("button", name="Прекратить").click()
    expect(page.get_by_text("Отчёты пока никто не получает")).to_be_visible()
