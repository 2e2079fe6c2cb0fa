"""Whole dialogues of the sample history: who came when and from where, what they went through, and what came of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from appliance.core.company import Passages
from appliance.history import trade
from appliance.history.goods import Stall
from appliance.history.people import languages, person, words
from appliance.history.rhythm import moments
from appliance.history.rows import Row, Rows
from appliance.history.talk import Spoken, Talk
from catalog.product import Product

DAYS = 90
ZONE = ZoneInfo("Europe/Moscow")
LOOKED = 0.4  # visits of the widget in which nothing is asked, for each dialogue in it
TAKEN_OVER = 0.06
WAITING, SERVED = 5, 3  # of the newest dialogues: those that wait for a manager, those that one has
PAGES = ("", "catalog/pumps", "catalog/compressors", "catalog/welding", "catalog/kitchen", "delivery", "contacts")
CHATS = 4_000_000_000_000_000  # Telegram chats beyond every id that it has given; such a chat is "not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the history is made from."""

    products: Iterable[Product]
    version: str  # of the catalogue
    texts: Passages  # of the company
    prompt: str  # version of the shipped prompt
    now: datetime
    seed: int = 1
    dialogues: int = 5000
    leads: int = 800


class Story:
    """Tells all dialogues of a setting; the same setting gives the same rows."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._dice = random.Random(f"history/{setting.seed}")  # noqa: S311  a story, not a secret
        self._stall = Stall(setting.products, version=setting.version, dice=self._dice)
        self._chats = 0
        self.rows = Rows(setting.seed)
        self.managers = [self._manager(name) for name in words()["managers"]]

    def tell(self) -> Rows:
        begun = self._begun(self._setting.dialogues)
        customers = self._customers(begun)
        for place, (at, lead) in enumerate(zip(begun, customers, strict=True)):
            self._dialogue(at, lead=lead, from_the_end=len(begun) - place - 1)
        for at in self._begun(int(self._setting.dialogues * 0.55 * LOOKED)):
            self._conversation(at, lang=self._lang(), channel="widget")
        return self.rows

    def _begun(self, count: int) -> list[datetime]:
        return moments(count, days=DAYS, now=self._setting.now, zone=ZONE, dice=self._dice)

    def _customers(self, begun: Sequence[datetime]) -> list[bool]:
        """Which dialogues become leads: exactly so many, the newer ones a little more often."""
        drawn = [(self._dice.random() ** (1 / self._quality(at)), place) for place, at in enumerate(begun)]
        chosen = {place for _, place in sorted(drawn, reverse=True)[: self._setting.leads]}
        return [place in chosen for place in range(len(begun))]

    def _dialogue(self, at: datetime, *, lead: bool, from_the_end: int) -> None:
        dice, lang = self._dice, self._lang()
        channel = "telegram" if dice.random() < words()[lang]["telegram"] else "widget"
        served = not lead and WAITING <= from_the_end < WAITING + SERVED
        customer = person(lang, dice)
        row = self._conversation(at, lang=lang, channel="widget" if served else channel, name=customer.name)
        talk = Talk(
            rows=self.rows, row=row, person=customer, spoken=self._spoken(at), stall=self._stall,
            passages=self._setting.texts, version=self._setting.version, dice=dice, at=at,
        )  # fmt: skip
        self._course(talk, buys=lead)
        taken = dice.random() < (0.3 if lead else TAKEN_OVER / 2)
        manager = dice.choices(self.managers, (5, 4, 2, 2))[0]
        if lead:
            trade.lead(talk, now=self._setting.now, manager=manager)
        if served or taken:
            talk.agent(manager, sentences=dice.randint(2, 4), back=not served)
            trade.takeover(talk, manager, back=not served)
        elif from_the_end < WAITING and not lead:
            talk.call_a_person()
            row["owner"] = "queue"
        talk.close()
        self._not_in_the_future(row)

    def _course(self, talk: Talk, *, buys: bool) -> None:
        """A few steps; most dialogues are about goods, some about the company, some about what is not there."""
        dice = self._dice
        if dice.random() < 0.18:
            talk.hello()
        kind = "goods" if buys else dice.choices(("goods", "absent", "company", "stray"), (70, 13, 14, 3))[0]
        match kind:
            case "goods":
                talk.ask()
                self._on(talk)
            case "absent":
                talk.ask_absent()
                if dice.random() < 0.35:
                    talk.ask()
            case "company":
                talk.company()
                if dice.random() < 0.3:
                    talk.company()
            case _:
                talk.stray()
        if not buys and dice.random() < 0.05:
            talk.call_a_person()
        if dice.random() < 0.15:
            talk.thanks()

    def _on(self, talk: Talk) -> None:
        """What comes after goods were shown: a step more with even chances, seldom above eight."""
        dice = self._dice
        while dice.random() < 0.52 and talk.turn < 12:
            match dice.choices(("follow", "ask", "company", "absent"), (55, 22, 17, 6))[0]:
                case "follow":
                    talk.follow_up()
                case "ask":
                    talk.ask()
                case "company":
                    talk.company()
                case _:
                    talk.ask_absent()

    def _conversation(self, at: datetime, *, lang: str, channel: str, name: str = "") -> Row:
        id, user = self.rows.id(), None
        if channel == "telegram":
            self._chats += 1
            user = self.rows.id()
            self.rows.add(
                "users", id=user, role="customer", name=name, lang=lang, created_at=at, telegram_id=None,
            )  # fmt: skip
        address = str(CHATS + self._chats) if channel == "telegram" else f"sample-{id.hex[-16:]}"
        row = self.rows.add(
            "conversations", id=id, user_id=user, channel=channel, address=address, lang=lang, owner="bot",
            agent_id=None, agent_at=None, last_seq=0, read_seq=0, memory={}, created_at=at, updated_at=at,
        )  # fmt: skip
        if channel == "widget":
            page = self._dice.choice(PAGES)
            self.rows.add(
                "visitors", sid=address, token_hash="", conversation_id=id, created_at=at, seen_at=at,
                page={"url": f"https://shop.example/{page}", "title": page.rpartition("/")[2] or "Shop", "ref": ""},
            )  # fmt: skip
        return row

    def _spoken(self, at: datetime) -> Spoken:
        """Two prompts and two models over the time; in the last month two prompts share the customers."""
        age = self._setting.now - at
        model = "qwen2.5-1.5b-instruct" if age > timedelta(days=60) else "qwen2.5-3b-instruct"
        if age > timedelta(days=30):
            return Spoken(model=model, prompt="2026-07-14.2", quality=0.95)
        return Spoken(model=model, prompt=self._dice.choice((self._setting.prompt, "2026-10-02.1")), quality=1.05)

    def _quality(self, at: datetime) -> float:
        return 1.0 if self._setting.now - at > timedelta(days=30) else 1.15

    def _manager(self, name: str) -> Row:
        joined = self._setting.now.astimezone(UTC) - timedelta(days=DAYS + 30)
        return self.rows.add(
            "users", id=self.rows.id(), role="manager", name=name, lang="ru", created_at=joined, telegram_id=None
        )

    def _lang(self) -> str:
        shares = languages()
        return self._dice.choices(list(shares), list(shares.values()))[0]

    def _not_in_the_future(self, row: Row) -> None:
        """A dialogue that has only just begun goes on to this minute and no further."""
        late = row["updated_at"] - self._setting.now
        if late <= timedelta(0):
            return
        for table, column, key in BACK:
            self._earlier(self.rows.tables[table], column, row["id"], key, late)
        row |= {name: row[name] and row[name] - late for name in ("created_at", "updated_at", "agent_at")}

    def _earlier(self, rows: list[Row], column: str, id: Any, key: str, by: timedelta) -> None:
        """The newest rows of one dialogue stand together at the end of their table."""
        for one in reversed(rows):
            if one[key] != id:
                break
            one[column] -= by


BACK = (("messages", "at", "conversation_id"),)
