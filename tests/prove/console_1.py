"""console-1: a manager's week in a real browser: price list, prompt, dialogue, lead and report, and no developer.

Prints each step as it goes. `--shots DIR` keeps a picture of each.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from appliance.core.types import Role
from appliance.desk import Desk
from appliance.store.store import Store
from catalog.shelf import Shelf
from tests.botapi import BotApi, Limits
from tests.botapi import Customer as Phone
from tests.botapi.world import Bot
from tests.console_house import CHROMIUM
from tests.price_lists import DATA
from tests.prove_kit import prepared_home
from tests.rig import Appliance, Customer, free_port, verdict
from ui.i18n import texts_in

TELEGRAM_ID = 900
LIST = "Excel__price.xlsx"  # a real price list: headers below a letterhead, prices as text
BUILT = 240_000  # milliseconds that reading, building and rehearsing a list may take
SOON = 20_000


@dataclass(kw_only=True)
class Week:
    """What the manager has at hand: the appliance, a browser, a phone with Telegram."""

    appliance: Appliance
    context: BrowserContext
    page: Page
    phone: Phone
    book: Path
    shots: Path | None
    upload: str = ""
    article: str = ""
    done: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.appliance.ports['console']}"

    async def press(self, file: str, text: str) -> None:
        """A button by its text in the console's own catalogue of words."""
        await self.page.get_by_role("button", name=words(file, text), exact=True).first.click()


async def logs_in_through_the_bot(week: Week) -> None:
    page, say = week.page, texts_in("ru", "login")
    await page.goto(f"{week.url}/login")
    await page.get_by_role("button", name=say("by_telegram")).click()
    link = await page.locator('a[href^="https://t.me/"]').get_attribute("href")
    assert link, "the page shows no link to the bot"
    week.phone.start(link.partition("start=")[2])
    await week.phone.sees("консоль")
    week.phone.press("Да")
    await expect(page.locator("main h1")).to_be_visible(timeout=SOON)
    await expect(page).to_have_url(re.compile(r"/$"), timeout=SOON)


async def uploads_a_price_list(week: Week) -> None:
    page = week.page
    await page.goto(f"{week.url}/catalogue")
    await page.locator("input.c-drop-file").set_input_files(str(week.book))
    await expect(page).to_have_url(re.compile(r"/catalogue/[0-9a-f-]{36}"), timeout=SOON)
    week.upload = page.url
    await expect(page.get_by_text(words("catalogue_upload", "report"), exact=True)).to_be_visible(timeout=BUILT)


async def corrects_one_mapping(week: Week) -> None:
    """The last column is what nobody needs: it is left out, and the list read again."""
    page = week.page
    choices = page.locator("table select")
    await choices.last.select_option("")
    await week.press("catalogue_upload", "save_mapping")
    await expect(page.get_by_text(words("catalogue_upload", "leave"))).to_be_visible(timeout=SOON)
    await expect(page.get_by_text(words("catalogue_upload", "report"), exact=True)).to_be_visible(timeout=BUILT)


async def reads_the_report_and_rehearses(week: Week) -> None:
    await expect(week.page.get_by_text(words("catalogue_upload", "rows"), exact=True)).to_be_visible()
    await week.press("catalogue_upload", "build")
    either = week.page.get_by_role("button", name=words("catalogue_upload", "activate"), exact=True).or_(
        week.page.get_by_role("button", name=words("catalogue_upload", "force"), exact=True)
    )
    await expect(either.first).to_be_visible(timeout=BUILT)


async def activates_it(week: Week) -> None:
    """A list that takes the place of 40,000 goods is refused at first, and rightly: an administrator insists."""
    page = week.page
    plain = page.get_by_role("button", name=words("catalogue_upload", "activate"), exact=True)
    if await plain.count():
        await plain.click()
    else:
        await week.press("catalogue_upload", "force")
        await page.locator(".c-dialog").get_by_role("button", name=words("catalogue_upload", "force")).click()
    await expect(page).to_have_url(re.compile(r"/catalogue$"), timeout=SOON)
    await expect(page.locator("main .c-facts").first).to_contain_text(week.book.name)


async def sees_the_chat_answer_from_it(week: Week) -> None:
    week.article = await asyncio.to_thread(_article, week.appliance.home)
    shown = await _shown(week)
    assert week.article in shown, f"a customer who asks for {week.article} is shown {shown}"


async def rolls_back(week: Week) -> None:
    await week.page.goto(f"{week.url}/catalogue")
    await week.press("catalogue", "roll_back")
    await week.page.locator(".c-dialog").get_by_role("button", name=words("catalogue", "roll_back")).click()
    await expect(week.page.locator("main .c-facts").first).not_to_contain_text(week.book.name, timeout=SOON)
    assert week.article not in await _shown(week), "the chat still answers from the list"


async def takes_a_dialogue_over_and_hands_it_back(week: Week) -> None:
    """A customer writes on the site; the manager answers there; then the assistant does again."""
    page, customer = week.page, Customer(week.appliance)
    await customer.connect()
    try:
        first = await customer.ask("нужен насос скважинный")
        assert first.done is not None, first.error
        await page.goto(f"{week.url}/conversations")
        await page.locator(".c-dlg").first.click()
        await week.press("conversations", "take")
        box = page.locator(".c-composer textarea")
        await expect(box).to_be_enabled(timeout=SOON)
        await box.fill("Здравствуйте, подберу сам.")
        await box.press("Enter")
        await expect(page.locator(".c-say-agent .c-said").last).to_have_text("Здравствуйте, подберу сам.", timeout=SOON)
        reply = await customer.ask("жду", patience=6)
        assert reply.text in ("", "Здравствуйте, подберу сам."), f"the assistant spoke: {reply.text}"
        said = [event.get("text") for event in customer.events.values() if event.get("role") == "agent"]
        assert said == ["Здравствуйте, подберу сам."], f"the customer sees {said}"
        await week.press("conversations", "hand_back")
        await expect(page.locator(".c-inbox-head .c-chip")).to_have_text(words("frame", "owner_bot"), timeout=SOON)
        after = await customer.ask("покажите насос подешевле")
        assert after.done is not None and after.text, "the assistant did not come back"
    finally:
        await customer.close()


async def closes_a_lead(week: Week) -> None:
    """The dialogue of before became a lead by its form; it is taken and closed with how it came out."""
    page = week.page
    await _lead(week.appliance)
    await page.goto(f"{week.url}/leads")
    await page.locator(".c-pipe-lead:visible").first.click()
    await week.press("leads", "take")
    await expect(page.locator(".c-dialog .c-facts")).to_contain_text(words("leads", "status_taken"), timeout=SOON)
    await week.press("leads", "close_lead")
    await page.get_by_label(words("leads", "outcome")).last.select_option("won")
    await page.locator(".c-dialog").last.get_by_role("button", name=words("leads", "close_lead")).click()
    await expect(page.locator(".c-dialog .c-facts")).to_contain_text(words("leads", "outcome_won"), timeout=SOON)
    async with page.expect_download() as started:
        await page.goto(f"{week.url}/leads")
        await page.locator('a[href^="/leads.xlsx"]').click()
    assert _bytes(str(await (await started.value).path())) > 2000, "the table of leads is empty"


async def downloads_a_report(week: Week) -> None:
    page = week.page
    await page.goto(f"{week.url}/reports")
    await week.press("reports", "make_week")
    link = page.locator('a[href^="/reports/"]').first
    await expect(link).to_be_visible(timeout=60_000)
    async with page.expect_download() as started:
        await link.click()
    assert _bytes(str(await (await started.value).path())) > 2000, "the report is empty"


async def edits_tries_and_publishes_a_prompt(week: Week) -> None:
    page = week.page
    await page.goto(f"{week.url}/prompts")
    await week.press("words_prompts", "new")
    await expect(page).to_have_url(re.compile(r"/prompts/.+"), timeout=SOON)
    system = page.get_by_label(words("words_prompt", "system"), exact=True).first
    await system.fill(f"{await system.input_value()}\nBe brief.")
    await week.press("words_prompt", "save_draft")
    await page.get_by_label(words("words_prompt", "questions"), exact=True).fill("нужен насос скважинный")
    await week.press("words_prompt", "try_now")
    await expect(page.locator(".c-tried-sides > *").first).to_be_visible(timeout=180_000)
    await week.press("words_prompt", "publish")
    await expect(page).to_have_url(re.compile(r"/prompts$"), timeout=SOON)


async def retries_a_lead_that_the_crm_refused(week: Week) -> None:
    """A CRM of the customer's own, by webhook: it refuses a lead, is mended, and gets it at the press of a button."""
    page, crm = week.page, Crm()
    await crm.start()
    try:
        setup = ("crm", "setup", "--webhook", crm.url, "--secret", "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")
        connected = await asyncio.to_thread(week.appliance.command, *setup)
        assert connected.returncode == 0, connected.stdout + connected.stderr
        crm.refuses = True
        await _lead(week.appliance)
        await page.goto(f"{week.url}/crm")
        again = page.get_by_role("button", name=words("frame", "retry"), exact=True)
        await expect(again.first).to_be_visible(timeout=BUILT)
        crm.refuses, crm.taken = False, 0
        await again.first.click()
        async with asyncio.timeout(60):
            while not crm.taken:
                await asyncio.sleep(0.5)
    finally:
        await crm.stop()


class Crm:
    """A server that takes events, or refuses them as long as it is told to."""

    def __init__(self) -> None:
        self.refuses, self.taken, self.url = False, 0, ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/leads", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        port = free_port()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{port}/leads"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        if self.refuses:
            return web.Response(status=422, text="the field Industry is required")
        self.taken += 1
        return web.json_response({})


Step = Callable[[Week], Awaitable[None]]
STEPS: tuple[Step, ...] = (
    logs_in_through_the_bot, uploads_a_price_list, corrects_one_mapping, reads_the_report_and_rehearses, activates_it,
    sees_the_chat_answer_from_it, rolls_back, edits_tries_and_publishes_a_prompt,
    takes_a_dialogue_over_and_hands_it_back, retries_a_lead_that_the_crm_refused, closes_a_lead, downloads_a_report,
)  # fmt: skip
QUICK: tuple[Step, ...] = (logs_in_through_the_bot, takes_a_dialogue_over_and_hands_it_back, closes_a_lead)


async def main(*, quick: bool, shots: Path | None) -> None:
    folder = Path(tempfile.mkdtemp(prefix="console-1-"))
    try:
        home = prepared_home(folder / "home", rows=2000 if quick else 40_000, model=not quick)
        # The smoke test has no model: what it tries needs none.
        engine = {"APPLIANCE_ENGINE_URL": "http://127.0.0.1:1"} if quick else {}
        async with BotApi(limits=Limits()) as api:
            bot = api.add_bot("923456:" + "A" * 35)
            with Appliance(home, TELEGRAM_TOKEN=bot.token, TELEGRAM_API_URL=api.url, **engine) as appliance:
                await asyncio.to_thread(appliance.wait, path="/livez")
                await bot.joined(seconds=300)  # a busy box loads its models one after the other
                await _employ(appliance)
                with verdict("console-1") as wrong:
                    await _live(appliance, api, bot, wrong, quick=quick, shots=shots)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _live(
    appliance: Appliance, api: BotApi, bot: Bot, wrong: list[str], *, quick: bool, shots: Path | None
) -> None:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await chromium.new_context(viewport={"width": 1440, "height": 900}, locale="ru-RU")
        phone = Phone(api, bot, id=TELEGRAM_ID, name="Анна", lang="ru")
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"an error in the browser: {error}"))
        week = Week(
            appliance=appliance, context=context, page=page, phone=phone, book=_book(), shots=shots
        )  # fmt: skip
        steps = QUICK if quick else STEPS
        for number, step in enumerate(steps, 1):
            if not await _step(week, number, step, wrong) and number == 1:
                break  # nobody is logged in; what comes after any other step is tried all the same
        await chromium.close()
    print(f"{len(week.done)} of {len(steps)} steps of the week done")


async def _step(week: Week, number: int, step: Step, wrong: list[str]) -> bool:
    name = step.__name__.replace("_", " ")
    try:
        await step(week)
    except Exception as error:  # noqa: BLE001 - told as what does not hold
        wrong.append(f"{name}: {str(error).splitlines()[0][:300]}")
    else:
        week.done.append(name)
        print(f"done: {name}", flush=True)
    if week.shots:
        week.shots.mkdir(parents=True, exist_ok=True)
        await week.page.screenshot(path=str(week.shots / f"{number:02}-{step.__name__}.png"))
    return name in week.done


def words(file: str, text: str) -> str:
    return texts_in("ru", file)(text)


def _book() -> Path:
    found = DATA / "xlsx" / LIST
    if not found.is_file():
        raise SystemExit(
            f"console-1 needs the real price lists: {found} is not there (COUNTERMAN_DATA names the folder)"
        )
    return found


async def _employ(appliance: Appliance) -> None:
    store = Store(appliance.database_url(), pool=1)
    try:
        desk = Desk(store=store)
        await desk.employ(None, name="Анна", role=Role.ADMINISTRATOR, telegram_id=TELEGRAM_ID, lang="ru")
    finally:
        await store.close()


async def _lead(appliance: Appliance) -> None:
    from appliance.core.leads import Contacts
    from appliance.store.inbox import Wanted
    from appliance.store.leads import Status

    store = Store(appliance.database_url(), pool=1)
    try:
        async with store.transaction() as tx:
            anna = await tx.by_telegram(TELEGRAM_ID)
            assert anna is not None
            (newest, *_) = await tx.dialogues(anna.id, Wanted())
            contacts = Contacts(name="Пётр", phone="+70005551234", need="насос")
            await tx.keep_lead(newest.id, contacts, status=Status.NEW, source="form")
    finally:
        await store.close()


async def _shown(week: Week) -> list[str]:
    """The articles that the chat shows to a customer who asks for the new list's product."""
    customer = Customer(week.appliance)
    await customer.connect()
    try:
        answer = await customer.ask(week.article)
        return [str(item["sku"]) for item in answer.items]
    finally:
        await customer.close()


def _article(home: Path) -> str:
    """One that the live catalogue has."""
    snapshot = Shelf(home / "catalog").current()
    assert snapshot is not None
    return next(product.sku for product in snapshot.products() if len(product.sku) > 3)


def _bytes(path: str) -> int:
    return Path(path).stat().st_size


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--shots", type=Path)
    asked = parser.parse_args()
    if asked.quick:
        print("QUICK: a smoke test, not the proof")
    asyncio.run(main(quick=asked.quick, shots=asked.shots))
