"""Business reports are made once a period, reach each recipient once, and say what the figures say."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from uuid import uuid4

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import func, select, text, update

from appliance.analytics import Analytics
from appliance.core.figures import Every
from appliance.core.types import Parcel, Role, Staff
from appliance.desk.base import Forbidden, Gone
from appliance.desk.figures import FiguresDesk, NoAddress
from appliance.reports import Reports
from appliance.store.store import Store
from appliance.store.tables import AuditRow, ParcelRow, ReportRow, ReportScheduleRow
from tests.integration.test_mail import PostOffice, office  # noqa: F401 - the fixture
from tests.small_history import Talk, Turn, tell

MONDAY = datetime(2026, 3, 9, 5, 0, tzinfo=UTC)  # 08:00 in Moscow, the morning after a week
LAST_WEEK = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


@pytest.fixture
async def manager(store: Store) -> Staff:
    async with store.transaction() as tx:
        return await tx.employ(name="Анна", role=Role.MANAGER, telegram_id=None, email="anna@firm.example", lang="ru")


def house(store: Store, *, now: datetime = MONDAY, mail: bool = True) -> tuple[FiguresDesk, Reports]:
    analytics = Analytics(store=store, zone="Europe/Moscow", clock=lambda: now)
    reports = Reports(store=store, analytics=analytics, company="ООО «Насос»", console="https://console.example",
                      mail=mail, clock=lambda: now)  # fmt: skip
    return FiguresDesk(store=store, analytics=analytics, reports=reports, mail=mail), reports


async def history(store: Store) -> None:
    lead = {"status": "new", "phone": "+79031112233"}
    sold = [Talk(at=LAST_WEEK, turns=[Turn(text="насос", cards=[("P-1", "Насосы", "3")])], lead=lead) for _ in range(2)]
    vain = [Talk(at=LAST_WEEK, lang="kk", turns=[Turn(text="резеңке қолғап бар ма", none=True)]) for _ in range(4)]
    await tell(store, *sold, *vain)


async def since(store: Store, moment: datetime) -> None:
    """All schedules were made at a moment."""
    async with store.transaction() as tx:
        await tx.connection.execute(update(ReportScheduleRow).values(created_at=moment))


async def parcels(store: Store) -> list[tuple[str, str]]:
    async with store.transaction() as tx:
        rows = await tx.connection.execute(select(ParcelRow.address, ParcelRow.kind).order_by(ParcelRow.place))
        return [(row.address, row.kind) for row in rows]


async def test_each_recipient_gets_a_period_once_however_many_workers_look(store: Store, manager: Staff) -> None:
    desk, reports = house(store)
    await history(store)
    await desk.schedule(manager, email="boss@firm.example", every=Every.WEEK, lang="ru")
    await desk.schedule(manager, email="sales@firm.example", every=Every.WEEK, lang="ru")
    await since(store, MONDAY - timedelta(days=3))
    _, other = house(store)
    posted = await asyncio.gather(reports.post_due(), other.post_due(), reports.post_due())
    assert sum(posted) == 2
    assert await reports.post_due() == 0
    assert sorted(await parcels(store)) == [("boss@firm.example", "report"), ("sales@firm.example", "report")]
    async with store.transaction() as tx:
        assert await tx.connection.scalar(select(func.count()).select_from(ReportRow)) == 1
    _, next_week = house(store, now=MONDAY + timedelta(days=7))
    assert await next_week.post_due() == 2


async def test_nothing_goes_out_before_the_morning_or_to_whoever_came_later(store: Store, manager: Staff) -> None:
    desk, at_eight = house(store)
    _, at_six = house(store, now=MONDAY - timedelta(hours=2))
    await desk.schedule(manager, email="boss@firm.example", every=Every.DAY, lang="en")
    await since(store, MONDAY)
    assert await at_eight.post_due() == 0  # the list had nobody when that day ended
    await since(store, MONDAY - timedelta(days=2))
    assert await at_six.post_due() == 0
    assert await at_eight.post_due() == 1


async def test_what_became_due_without_a_mail_server_goes_out_once_there_is_one(store: Store, manager: Staff) -> None:
    desk, silent = house(store, mail=False)
    await desk.schedule(manager, email="boss@firm.example", every=Every.MONTH, lang="en")
    await since(store, MONDAY - timedelta(days=30))
    assert await silent.post_due() == 0
    _, posting = house(store)
    assert await posting.post_due() == 1


async def test_the_papers_say_what_was_counted(store: Store, manager: Staff) -> None:
    desk, _ = house(store)
    await history(store)
    made = await desk.make(manager, every=Every.WEEK, lang="ru")
    assert (made.starts, made.every) == (date(2026, 3, 2), Every.WEEK)
    name, media, pdf = await desk.file(manager, made.id, "pdf")
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    said = " ".join(text.split())
    assert (name, media) == ("report-week-2026-03-02.pdf", "application/pdf")
    assert "Отчёт за неделю" in said
    assert "2 – 8 марта 2026" in said
    assert "33,3 %" in said  # 2 of 6
    assert "9,7 % – 70 %" in said  # Wilson's interval of 2 of 6
    assert "4 покупателя спросили «резеңке қолғап бар ма» (казахский)" in said
    _, _, xlsx = await desk.file(manager, made.id, "xlsx")
    book = load_workbook(io.BytesIO(xlsx))
    languages = [[cell.value for cell in row] for row in book["По языкам"].iter_rows()]
    assert languages[1][:6] == ["казахский", 4, 0, 0, 0, 0]
    assert languages[2][:6] == ["русский", 2, 2, 2, 2, 1]
    assert [cell.value for cell in book["Спрашивали, и ничего не нашлось"][2]][-1] == 4
    again = await desk.make(manager, every=Every.WEEK, lang="ru")
    assert again == made
    assert (await desk.made(manager))[1] == 1


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_report_arrives_with_its_files_and_its_figures(
    store: Store, manager: Staff, office: PostOffice  # noqa: F811 - the fixture
) -> None:  # fmt: skip
    desk, reports = house(store)
    await history(store)
    made = await desk.make(manager, every=Every.WEEK, lang="ru")
    channel = office.channel()
    channel._papers = reports.letter
    parcel = Parcel(id=uuid4(), channel="mail", address="boss@firm.example", kind="report",
                    body={"report": str(made.id)})  # fmt: skip
    await channel.deliver(parcel)
    gone = Parcel(id=uuid4(), channel="mail", address="b@firm.example", kind="report", body={"report": str(uuid4())})
    await channel.deliver(gone)
    (letter,) = office.letters
    assert letter["Subject"] == "Отчёт за неделю: 2 – 8 марта 2026"
    files = {part.get_filename(): part for part in letter.iter_attachments() if isinstance(part, EmailMessage)}
    assert set(files) == {"report-week-2026-03-02.pdf", "report-week-2026-03-02.xlsx"}
    content = files["report-week-2026-03-02.pdf"].get_content()
    assert isinstance(content, bytes) and content.startswith(b"%PDF")
    body = letter.get_body(("plain",))
    assert body is not None and "Конверсия: 33,3\xa0%" in body.get_content()


async def test_who_gets_reports_is_written_down_and_can_be_ended(store: Store, manager: Staff) -> None:
    desk, _ = house(store)
    with pytest.raises(NoAddress):
        await desk.schedule(manager, email="nobody", every=Every.DAY, lang="ru")
    await desk.schedule(manager, email=" Boss@Firm.example ", every=Every.DAY, lang="ru")
    await desk.schedule(manager, email="boss@firm.example", every=Every.DAY, lang="en")
    (only,) = await desk.schedules(manager)
    assert (only.email, only.lang, only.author) == ("boss@firm.example", "en", "Анна")
    await desk.unschedule(manager, only.id)
    assert await desk.schedules(manager) == []
    with pytest.raises(Gone):
        await desk.unschedule(manager, only.id)
    async with store.transaction() as tx:
        actions = list(await tx.connection.scalars(select(AuditRow.action).order_by(AuditRow.id)))
    assert [action for action in actions if action.startswith("report.")] == [
        "report.schedule", "report.schedule", "report.unschedule",
    ]  # fmt: skip
    with pytest.raises(Gone):
        await desk.file(manager, uuid4(), "pdf")


async def test_customers_have_no_figures(store: Store) -> None:
    desk, _ = house(store)
    nobody = Staff(id=uuid4(), name="?", role=Role.CUSTOMER)
    with pytest.raises(Forbidden):
        await desk.summary(nobody, desk.period(30))
    with pytest.raises(Forbidden):
        await desk.schedules(nobody)


async def test_who_is_erased_is_quoted_in_no_report_and_the_one_on_its_way_is_made_again(
    store: Store, manager: Staff
) -> None:
    desk, reports = house(store)
    await history(store)
    wish = Turn(text="нужен фиолетовый дирижабль", none=True)
    await tell(store, Talk(at=LAST_WEEK, turns=[wish]))
    await desk.schedule(manager, email="boss@firm.example", every=Every.WEEK, lang="ru")
    await since(store, MONDAY - timedelta(days=3))
    await reports.post_due()
    assert "дирижабль" in await printed(store)
    async with store.transaction() as tx:
        said = await tx.connection.scalar(text("SELECT conversation_id FROM messages WHERE text LIKE '%дирижабль%'"))
        await tx.erase_person(await tx.person_behind([said]), how="desk")
        assert await tx.connection.scalar(select(func.count()).select_from(ReportRow)) == 0
        parcel = (await tx.connection.execute(select(ParcelRow).where(ParcelRow.kind == "report"))).one()
    letter = await reports.letter(Parcel(id=parcel.id, channel="mail", address=parcel.address, kind="report",
                                         body=parcel.body, attempts=1))  # fmt: skip
    assert letter is not None and len(letter.files) == 2
    assert "дирижабль" not in await printed(store)


async def printed(store: Store) -> str:
    """All that stands in the workbooks that are kept."""
    async with store.transaction() as tx:
        books = list(await tx.connection.scalars(select(ReportRow.xlsx)))
    cells = (cell.value for book in books for sheet in load_workbook(io.BytesIO(book)) for row in sheet.iter_rows()
             for cell in row)  # fmt: skip
    return "\n".join(str(cell) for cell in cells)
