"""An administrator connects Zoho in a real browser in four steps, and a manager sends what was held again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from appliance.core.types import Role
from appliance.store.store import Store
from tests.console_house import CHROMIUM, COOKIE, console, someone
from tests.zoho import ZohoServer
from tests.zoho.shop import Shop, enquiry

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"), pytest.mark.timeout(240)]


async def test_four_steps_connect_zoho_and_what_was_held_goes_again(
    database_url: str, store: Store, tmp_path: Path
) -> None:
    house = console(database_url, tmp_path)
    running = await asyncio.to_thread(house.__enter__)
    shop = Shop(store, tmp_path)
    try:
        async with ZohoServer() as zoho, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            context = await browser.new_context(locale="ru")
            _, token = await someone(database_url, Role.ADMINISTRATOR, name="Ольга", lang="ru")
            await context.add_cookies([{"name": COOKIE, "value": token, "url": running.url}])
            page = await context.new_page()
            await page.goto(f"{running.url}/crm")
            await expect(page.get_by_text("CRM ещё не подключена")).to_be_visible()
            await page.goto(f"{running.url}/crm/setup")
            await _four_steps(page, zoho)

            zoho.world.fields.append({**zoho.world.fields[0], "api_name": "Region"})  # required from now on
            await enquiry(store)
            await shop.work()
            await page.goto(f"{running.url}/crm")
            await expect(page.get_by_text("Zoho требует поле Region")).to_be_visible()
            zoho.world.fields.pop()
            await page.get_by_role("button", name="Повторить все").click()
            await expect(page.get_by_text("Задержанных заявок нет")).to_be_visible()
            await shop.work()
            assert len(zoho.world.records) == 1

            _, manager = await someone(database_url, Role.MANAGER, name="Мария", lang="ru")
            await context.add_cookies([{"name": COOKIE, "value": manager, "url": running.url}])
            refused = await page.goto(f"{running.url}/crm/setup")
            assert refused is not None and refused.status == 403
            await browser.close()
    finally:
        await shop.close()
        await asyncio.to_thread(house.__exit__, None, None, None)


async def _four_steps(page: Page, zoho: ZohoServer) -> None:
    grant = zoho.world.add_grant(code="1000.code")
    await page.get_by_label("Дата-центр").select_option("other")
    await page.get_by_label("Сервер авторизации").fill(zoho.url)
    await page.get_by_label("Client ID").fill(grant.client_id)
    await page.get_by_label("Client Secret").fill("wrong")
    await page.get_by_role("button", name="Сохранить").first.click()
    await expect(page.get_by_text("готово")).to_have_count(1)
    await page.get_by_label("Код", exact=True).fill("1000.code")
    await page.get_by_role("button", name="Получить разрешение").click()
    await expect(page.get_by_text("Zoho не знает этого клиента")).to_be_visible()
    await page.get_by_label("Client Secret").fill(grant.client_secret)
    await page.get_by_role("button", name="Сохранить").first.click()
    await expect(page.get_by_text("Сохранено").first).to_be_visible()
    await page.get_by_role("button", name="Получить разрешение").click()
    await expect(page.get_by_text("готово")).to_have_count(2)
    await page.get_by_role("button", name="Прочитать и подготовить").click()
    await expect(page.get_by_text("готово")).to_have_count(3)
    await expect(page.get_by_text("Last Name")).to_be_visible()  # the mapping has come with the fields
    await page.get_by_role("button", name="Проверить и запустить").click()
    await expect(page.get_by_text("готово")).to_have_count(4)
    await expect(page.get_by_text("Организация: Romashka LLC")).to_be_visible()
