"""Every figure of a small history is what one counts by hand, and opens the dialogues that it counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, update

from appliance.analytics import Analytics
from appliance.core.figures import Dimension, Every, Period, Slice, Troubles
from appliance.core.filters import DialogueFilter, Slot, Stage, Trouble
from appliance.core.types import Role
from appliance.desk.base import Gone
from appliance.desk.held import HeldDesk
from appliance.store.digests import START
from appliance.store.figures import dialogues
from appliance.store.store import Store, Transaction
from appliance.store.tables import ConversationRow, LeadRow, MessageRow, ParcelRow
from tests.small_history import Talk, Turn, tell

ALMATY = ZoneInfo("Asia/Almaty")  # UTC+5: 20:30 in UTC is the next day there
MONDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
PUMP, DRILL = ("P-1", "Pumps", "4"), ("D-1", "Drills", "0")
WEEK = DialogueFilter(since=MONDAY - timedelta(hours=11), until=MONDAY + timedelta(days=6, hours=13))

BOUGHT = Talk(
    at=MONDAY,
    turns=[
        Turn(text="насос 3 кВт", cards=[PUMP, PUMP], prompt="v1", model="qwen"),
        Turn(text="доставка?", route="company", rung="prose", prompt="v2", model="gemma"),
        Turn(text="спасибо", route="smalltalk"),
        Turn(text="до свидания", route="smalltalk"),
    ],
    lead={"status": "new", "phone": "+77011112233", "source": "form"},
)
LATE = Talk(  # 01:30 on Tuesday in Almaty
    at=MONDAY + timedelta(hours=14, minutes=30),
    channel="telegram",
    lang="kk",
    turns=[Turn(text="резеңке қолғап бар ма", none=True, rating=-1)],
    lead={"status": "partial", "email": "", "source": "idle"},
)
SHY = Talk(
    at=MONDAY + timedelta(days=1),
    turns=[Turn(text="резиновые перчатки", none=True), Turn(text="дрель", cards=[DRILL])],
    lead={"status": "draft", "phone": "+77010000000", "source": "talk"},
)
ASKED = Talk(
    at=MONDAY + timedelta(days=2), lang="en", turns=[Turn(text="Do you repair pumps?", route="company", rung="form")]
)
HELLO = Talk(at=MONDAY + timedelta(days=2), channel="telegram", turns=[Turn(text="привет", route="smalltalk")])
BEFORE = Talk(at=MONDAY - timedelta(days=3), turns=[Turn(text="rubber gloves", none=True)], lang="en")
HISTORY = (BOUGHT, LATE, SHY, ASKED, HELLO, BEFORE)


@pytest.fixture
async def told(store: Store) -> Store:
    await tell(store, *HISTORY)
    async with store.transaction() as tx:
        assert await news(tx) == len(HISTORY)
    return store


async def news(tx: Transaction) -> int:
    return (await tx.digest_after(await tx.news_begin(), limit=100))[0]


async def behind(store: Store, which: DialogueFilter) -> set[str]:
    async with store.transaction() as tx:
        ids = set(await tx.connection.scalars(dialogues(which)))
    names = {name: talk.id for name, talk in globals().items() if isinstance(talk, Talk)}
    return {name for name, id in names.items() if id in ids}


async def test_a_week_is_counted_stage_by_stage(told: Store) -> None:
    async with told.transaction() as tx:
        assert await tx.counted(WEEK) == Slice(dialogues=5, shown=2, contacts=2, leads=1)
        assert await tx.counted(DialogueFilter()) == Slice(dialogues=6, shown=2, contacts=2, leads=1)


async def test_dialogues_are_told_apart_by_each_dimension(told: Store) -> None:
    async with told.transaction() as tx:
        by = await tx.counted_by(WEEK)
    counts = {name: {one.value: one.dialogues for one in slices} for name, slices in by.items()}
    assert counts == {
        Dimension.CHANNEL: {"widget": 3, "telegram": 2},
        Dimension.LANG: {"ru": 3, "kk": 1, "en": 1},
        Dimension.TOPIC: {"product_search": 3, "company": 1, "smalltalk": 1},
        Dimension.CATEGORY: {"": 3, "Pumps": 1, "Drills": 1},
        Dimension.PROMPT: {"": 4, "v1": 1},  # the version that began the dialogue
        Dimension.MODEL: {"": 4, "qwen": 1},
    }
    assert by[Dimension.CHANNEL][0] == Slice(value="widget", dialogues=3, shown=2, contacts=2, leads=1)


async def test_days_and_hours_are_those_of_the_owners_zone(told: Store) -> None:
    async with told.transaction() as tx:
        days = await tx.counted_by_day(WEEK, ALMATY.key)
        hours = await tx.counted_by_hour(WEEK, ALMATY.key)
    assert [(day, one.dialogues) for day, one in days] == [
        (date(2026, 3, 2), 1),
        (date(2026, 3, 3), 2),
        (date(2026, 3, 4), 2),
    ]
    assert hours == [(0, 11, 1), (1, 1, 1), (1, 11, 1), (2, 11, 2)]


async def test_an_hour_of_the_week_opens_its_dialogues(told: Store) -> None:
    async with told.transaction() as tx:
        hours = await tx.counted_by_hour(WEEK, ALMATY.key)
    slots = {(day, hour): Slot(weekday=day, hour=hour, zone=ALMATY.key) for day, hour, _ in hours}
    opened = {at: await behind(told, replace(WEEK, slot=str(slot))) for at, slot in slots.items()}
    assert {at: len(found) for at, found in opened.items()} == {(day, hour): count for day, hour, count in hours}
    assert opened[1, 1] == {"LATE"}
    link = dict(parse_qsl(DialogueFilter(slot=str(slots[1, 1])).query()))
    assert DialogueFilter.read(link).slot == "1-1-Asia/Almaty"
    assert not DialogueFilter.read({"slot": "1-1-Asia/Nowhere"})


async def test_troubles_are_counted_in_dialogues(told: Store) -> None:
    async with told.transaction() as tx:
        assert await tx.troubles(WEEK) == Troubles(absent=2, out=1, unanswered=1, bad=1)
        assert await tx.troubles(DialogueFilter(channel="telegram")) == Troubles(absent=1, bad=1)


async def test_one_wish_in_three_languages_is_one_group(told: Store) -> None:
    async with told.transaction() as tx:
        (gloves,) = await tx.unmet(DialogueFilter(), Trouble.ABSENT)
        (repair,) = await tx.unmet(WEEK, Trouble.UNANSWERED)
        (drill,) = await tx.out_of_stock(WEEK)
    assert (gloves.dialogues, gloves.langs) == (3, (("en", 1), ("kk", 1), ("ru", 1)))
    assert gloves.examples == ("резиновые перчатки", "резеңке қолғап бар ма", "rubber gloves")
    assert gloves.last == SHY.at
    assert repair.examples == ("Do you repair pumps?",)
    assert (drill.sku, drill.name, drill.dialogues, drill.leads) == ("D-1", "Name of D-1", 1, 0)


async def test_every_figure_opens_its_dialogues(told: Store) -> None:
    async with told.transaction() as tx:
        (gloves,) = await tx.unmet(DialogueFilter(), Trouble.ABSENT)
    want = "|".join(gloves.keys)
    assert await behind(told, WEEK) == {"BOUGHT", "LATE", "SHY", "ASKED", "HELLO"}
    assert await behind(told, DialogueFilter(stage=Stage.GOODS)) == {"BOUGHT", "SHY"}
    assert await behind(told, DialogueFilter(stage=Stage.CONTACT)) == {"BOUGHT", "SHY"}
    assert await behind(told, DialogueFilter(stage=Stage.LEAD)) == {"BOUGHT"}
    assert await behind(told, DialogueFilter(category="-", channel="telegram")) == {"LATE", "HELLO"}
    assert await behind(told, DialogueFilter(trouble=Trouble.BAD)) == {"LATE"}
    assert await behind(told, DialogueFilter(trouble=Trouble.ABSENT, since=SHY.at)) == {"SHY"}
    assert await behind(told, DialogueFilter(want=want)) == {"LATE", "SHY", "BEFORE"}
    assert await behind(told, DialogueFilter(want=want, lang="kk")) == {"LATE"}


async def test_bad_answers_come_with_their_questions(told: Store) -> None:
    async with told.transaction() as tx:
        (bad,) = await tx.marked_bad(WEEK)
    assert (bad.conversation, bad.question, bad.lang) == (LATE.id, "резеңке қолғап бар ма", "kk")


async def test_a_dialogue_that_goes_on_is_digested_again_and_others_are_not(told: Store) -> None:
    more = Talk(at=MONDAY + timedelta(days=9), turns=[Turn(text="ещё")])
    await tell(told, more)
    async with told.transaction() as tx:
        await tx.connection.execute(
            update(MessageRow).where(MessageRow.conversation_id == HELLO.id).values(role="user")
        )
        assert await news(tx) == 1
        assert await news(tx) == 0
        await tx.connection.execute(update(LeadRow).where(LeadRow.conversation_id == SHY.id).values(status="new"))
        assert (await tx.counted(WEEK)).leads == 2  # leads are counted as they are now


async def test_a_sweep_finds_what_came_with_an_old_date(told: Store) -> None:
    old = Talk(at=MONDAY - timedelta(days=400), turns=[Turn(text="насос", none=True)])
    silent = Talk(at=MONDAY, turns=[])
    await tell(told, old, silent)
    async with told.transaction() as tx:
        assert await news(tx) == 0
        found, place = await tx.digest_after(START, limit=100)
        assert (found, place.id) == (1, old.id)
        assert await tx.digest_after(place, limit=100) == (0, place)
        assert (await tx.counted(DialogueFilter())).dialogues == len(HISTORY) + 1


async def test_what_is_erased_leaves_no_figure_behind(told: Store) -> None:
    async with told.transaction() as tx:
        await tx.connection.execute(delete(ConversationRow).where(ConversationRow.id == SHY.id))
        assert (await tx.counted(WEEK)).dialogues == 4
        assert await tx.troubles(WEEK) == Troubles(absent=1, unanswered=1, bad=1)


def test_a_month_is_compared_with_the_month_before() -> None:
    march = Period.of(Every.MONTH, date(2026, 3, 17), ALMATY)
    assert (march.first, march.last, march.before.first, march.before.last) == (
        date(2026, 3, 1),
        date(2026, 3, 31),
        date(2026, 2, 1),
        date(2026, 2, 28),
    )


async def test_a_summary_says_it_all_and_counts_what_was_said_a_moment_ago(store: Store) -> None:
    await tell(store, *HISTORY)
    analytics = Analytics(store=store, zone=ALMATY.key, clock=lambda: MONDAY + timedelta(days=7))
    march = Period(first=date(2026, 3, 2), last=date(2026, 3, 8), zone=ALMATY)
    week = await analytics.summary(march)
    wanted = await analytics.demand(march)
    assert (week.total.dialogues, week.before.dialogues) == (5, 1)
    assert [one.dialogues for _, one in week.series(Every.DAY)] == [1, 2, 2, 0, 0, 0, 0]
    assert (week.total.conversion.value, round(week.total.conversion.low, 3)) == (0.2, 0.036)
    assert [goods.sku for goods in wanted.out] == ["D-1"]


async def test_today_stands_beside_the_same_weekday_until_the_same_hour(store: Store) -> None:
    now = MONDAY + timedelta(days=7)
    same_hour = Talk(at=MONDAY - timedelta(hours=2), turns=[Turn(text="a", none=True)])
    later_then = Talk(at=MONDAY + timedelta(hours=2), turns=[Turn(text="b")])
    today = [Talk(at=now - timedelta(hours=hours), turns=[Turn(text="c")]) for hours in (1, 2, 20)]
    await tell(store, same_hour, later_then, *today)
    beside = await Analytics(store=store, zone=ALMATY.key, clock=lambda: now).so_far()
    assert (beside.now.dialogues, beside.then.dialogues) == (2, 1)
    assert (beside.troubles.absent, beside.troubles_then.absent) == (0, 1)


async def test_what_waits_for_a_person_is_counted_until_somebody_acts(store: Store) -> None:
    untaken = Talk(at=MONDAY, turns=[Turn(text="a")], lead={"status": "new", "phone": "+7701"})
    taken = Talk(at=MONDAY, turns=[Turn(text="b")], lead={"status": "taken", "phone": "+7702"})
    queue = Talk(at=MONDAY, turns=[Turn(text="c")], owner="queue")
    await tell(store, untaken, taken, queue)
    async with store.transaction() as tx:
        parcel = await tx.post(channel="mail", address="a@firm.example", kind="notice", body={})
        await tx.post(channel="crm", address="lead", kind="push", body={})
        await tx.connection.execute(update(ParcelRow).values(held="no such address", attempts=8))
    waiting = await Analytics(store=store, zone="UTC").waiting()
    assert (waiting.leads, waiting.queue, waiting.held, waiting.pushes) == (1, 1, 1, 1)
    assert waiting.leads_since == MONDAY
    desk = HeldDesk(store=store)
    async with store.transaction() as tx:
        manager = await tx.employ(name="A", role=Role.MANAGER, telegram_id=None, email="", lang="ru")
    (held,), total = await desk.page(manager)
    assert (held.id, held.why, total) == (parcel, "no such address", 1)
    await desk.again(manager, parcel)
    async with store.transaction() as tx:
        (lease,) = await tx.take(["mail"], lease=timedelta(minutes=1))
    assert lease.parcel.attempts == 1
    with pytest.raises(Gone):
        await desk.drop(manager, parcel)  # it is on its way: nobody gives it up from under the deliverer


async def test_dialogues_without_a_word_of_their_customer_hold_nobody_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.analytics.BATCH", 2)
    greeted = [Talk(at=MONDAY + timedelta(seconds=n), turns=[]) for n in range(5)]
    await tell(store, *greeted, HELLO)
    async with store.transaction() as tx:
        ids = [talk.id for talk in greeted]
        await tx.connection.execute(update(ConversationRow).where(ConversationRow.id.in_(ids)).values(last_seq=1))
    analytics = Analytics(store=store, zone="UTC")
    await analytics.catch_up()
    async with store.transaction() as tx:
        assert (await tx.counted(DialogueFilter())).dialogues == 1
