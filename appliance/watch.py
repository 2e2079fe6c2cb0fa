"""Looks at the box every few seconds and tells people when something is wrong: the part that must not fall ill itself.

It runs in the supervisor, or as a role of its own (`appliance watch`) where containers are supervised by others. It
asks the chat's health page like any monitor, hears of the processes from whoever keeps them, and needs no database.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from appliance import availability, causes
from appliance.alert_post import Letter, Person, Post, request
from appliance.alerts import Alerts, News, Quiet, Trouble, part_name, test_news
from appliance.availability import Availability, Sample
from appliance.heartbeat import Heartbeat
from appliance.tasks import Tasks

LOOK = 5.0  # seconds between two looks
PATIENCE = 8.0  # seconds that the chat may take to say how it feels
BEGINS = 120.0  # seconds that the chat may take to answer for the first time
HISTORY = 1_000_000  # bytes of the history before its older half is given up
SHOWN = frozenset({"processes", "logs"})  # on the health page for others; whoever keeps processes knows them itself

log = structlog.get_logger("watch")

Troubles = Mapping[str, Trouble]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Where the watch keeps what it knows; the console and commands read it."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "watch"

    @property
    def people(self) -> Path:
        return self.root / "people.json"

    @property
    def rules(self) -> Path:
        return self.root / "rules.json"

    @property
    def asked(self) -> Path:
        return self.root / "asked"

    @property
    def history(self) -> Path:
        return self.root / "history.jsonl"

    @property
    def availability(self) -> Path:
        return self.root / "availability"

    @property
    def outgoing(self) -> Path:
        return self.root / "outgoing"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the watch knows of the box, as plain values."""

    home: Path
    chat: str  # the chat's address from inside
    name: str  # how people tell this box from others
    console: str
    zone: ZoneInfo
    quiet: str = ""  # hours, until the console says otherwise
    to: tuple[str, ...] = ()  # addresses that are told besides the administrators
    lang: str = "ru"  # in which those are told
    heartbeat: str = ""
    proxy: str = ""


class Watch:
    """One box under watch. `children` tells what is wrong with the processes, where somebody keeps them."""

    def __init__(self, house: House, *, post: Post, children: Callable[[], Troubles] | None = None) -> None:
        self._house, self._post, self._children = house, post, children
        self._folder = Folder(home=house.home)
        self._alerts = Alerts()
        self._availability = Availability(self._folder.availability)
        self._heartbeat = Heartbeat(house.heartbeat, proxy=house.proxy, clock=time.monotonic)
        self._began = time.monotonic()
        self._heard = False  # the chat has answered since we began
        self._sampled = 0.0

    async def run(self) -> None:
        """Watches until cancelled."""
        self._alerts.load(_json(self._folder.root / "incidents.json", []), now=time.monotonic())
        self._availability.begin(time.time())
        try:
            async with Tasks() as tasks:
                tasks.start(self._deliver(), name="alerts")
                while True:
                    began = time.monotonic()
                    try:
                        await self.look()
                    except Exception:
                        log.exception("watch.failed")
                    await asyncio.sleep(max(0.0, LOOK - (time.monotonic() - began)))
        finally:
            self._availability.end(time.time())

    async def look(self) -> None:
        """One look at everything, and what follows from it."""
        parts = await asyncio.to_thread(self._ask)
        self._heard |= parts is not None
        troubles = {**self._of_health(parts), **(self._children() if self._children else {})}
        self._sample(parts)
        silent = parts is None
        told = self._alerts.look(
            troubles, now=time.monotonic(), at=time.time(), quiet=self._quiet(),
            unknown=[part for part in self._alerts.incidents if silent and part != "chat"],
        )  # fmt: skip
        for news in (*told, *self._asked()):
            self._tell(news)
        if told:
            _write(self._folder.root / "incidents.json", self._alerts.dump())
        if not silent:
            await self._heartbeat.beat(troubles)

    def _ask(self) -> list[dict[str, Any]] | None:
        """The chat's parts; None where it does not answer."""
        try:
            status, body = request(f"{self._house.chat}/healthz?format=json", timeout=PATIENCE)
            parts = json.loads(body)["parts"]
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return None
        return list(parts) if status in (200, 503) else None

    def _of_health(self, parts: list[dict[str, Any]] | None) -> dict[str, Trouble]:
        if parts is None:
            begins = not self._heard and time.monotonic() - self._began < BEGINS
            return {} if begins else {"chat": Trouble(part="chat", cause="chat_silent")}
        known = causes.catalogue()
        return {
            part["name"]: Trouble(part=part["name"], cause=part["cause"], values=part.get("values") or {})
            if part.get("cause") in known
            else Trouble(part=part["name"], cause="said", values={"why": str(part.get("why"))})
            for part in parts
            if part["state"] != "OK"
            and not part.get("because")
            and not (self._children and part["name"] in SHOWN)
            and (part.get("cause") not in known or causes.tells(part["cause"]))
        }

    def _sample(self, parts: list[dict[str, Any]] | None) -> None:
        if time.monotonic() - self._sampled < availability.EVERY:
            return
        self._sampled = time.monotonic()
        states = {part["state"] for part in parts} if parts else {"FAIL"}
        how: Sample = "x" if "FAIL" in states else "-" if "DEGRADED" in states else "+"
        self._availability.sample(time.time(), how)

    def _quiet(self) -> bool:
        rules = _json(self._folder.rules, {})
        with suppress(ValueError):
            hours = Quiet.read(str(rules.get("quiet", self._house.quiet)))
            return hours.at(datetime.now(self._house.zone))
        return False

    def _asked(self) -> Iterator[News]:
        """Test alerts that somebody asked for."""
        for wish in sorted(self._folder.asked.glob("*.json")):
            with suppress(OSError):
                wish.unlink()
                yield test_news(time.time())

    def _tell(self, news: News) -> None:
        log.critical(
            "alert", kind=news.kind, part=news.part, why=causes.told(news.cause, **news.values) if news.cause else ""
        )
        people = people_of(self._folder, self._house.to, self._house.lang)
        box, zone, console = self._house.name, self._house.zone, self._house.console
        self._post.put(
            news.id,
            people,
            subjects=[
                causes.told("alert_subject", person.lang, box=box, part=part_name(news.part, person.lang))
                for person in people
            ],
            texts=[news.text(person.lang, box=box, zone=zone, console=console) for person in people],
        )
        ways = self._post.ways
        _append(self._folder.history, {**asdict(news), "to": sum(person.way in ways for person in people)})

    async def _deliver(self) -> None:
        """Delivers for ever, beside the looks: a server that hangs must not blind us."""
        while True:
            try:
                for letter in await self._post.deliver_due():
                    _append(self._folder.history, _outcome(letter))
            except Exception:
                log.exception("watch.post_failed")
            await asyncio.sleep(1.0)


def people_of(folder: Folder, more: tuple[str, ...], lang: str = "ru") -> list[Person]:
    """Who is told: the administrators as the worker wrote them down, and the addresses of the settings."""
    found = [Person(way="mail" if "@" in address else "telegram", address=address, lang=lang) for address in more]
    for person in _json(folder.people, []):
        with suppress(KeyError, TypeError):
            found.append(Person(way=person["way"], address=str(person["address"]), lang=str(person["lang"])))
    return list({(person.way, person.address): person for person in found}.values())


def keep_people(folder: Folder, people: Iterable[Person]) -> None:
    """Writes down who is told, for the hour in which the database cannot be asked."""
    found = [asdict(person) for person in people]
    if found != _json(folder.people, None):
        _write(folder.people, found)


def ask_for_test(folder: Folder) -> None:
    """Has the watch that runs send a test alert at its next look."""
    _write(folder.asked / f"{time.time_ns()}.json", {})


def history(folder: Folder, limit: int = 200) -> list[dict[str, Any]]:
    """The latest alerts first, each with how many it reached and why it did not reach others."""
    told: dict[str, dict[str, Any]] = {}
    with suppress(OSError):
        for line in folder.history.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, KeyError):
                one = json.loads(line)
                if "kind" in one:
                    told[one["id"]] = {**one, "reached": 0, "failed": ""}
                elif one["letter"].rpartition("-")[0] in told:
                    alert = told[one["letter"].rpartition("-")[0]]
                    alert["reached"] += not one["why"]
                    alert["failed"] = one["why"]
    return list(told.values())[: -limit - 1 : -1]


def rules(folder: Folder, default: str = "") -> str:
    """The quiet hours that hold."""
    return str(_json(folder.rules, {}).get("quiet", default))


def set_rules(folder: Folder, quiet: str) -> None:
    """Raises ValueError that says how hours are written."""
    Quiet.read(quiet)
    _write(folder.rules, {"quiet": quiet.strip()})


def _outcome(letter: Letter) -> dict[str, Any]:
    return {"letter": letter.id, "way": letter.way, "at": time.time(), "attempts": letter.attempts, "why": letter.why}


def _append(file: Path, record: Mapping[str, Any]) -> None:
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if file.exists() and file.stat().st_size > HISTORY:
            lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
            file.write_text("".join(lines[len(lines) // 2 :]), encoding="utf-8")
        with file.open("a", encoding="utf-8") as history:
            history.write(json.dumps(record, ensure_ascii=False) + "\n")


def _json(file: Path, default: Any) -> Any:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return default
    return found if default is None or isinstance(found, type(default)) else default


def _write(file: Path, value: object) -> None:
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = file.with_name(f".{file.name}")
        aside.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        aside.replace(file)
