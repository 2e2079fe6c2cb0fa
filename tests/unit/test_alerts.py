"""Alerts: one for a trouble that stays, one for its end, none for what only follows from another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from appliance.alerts import AFTER, CALM, SETTLE, Alerts, News, Quiet, Trouble, length

WHEN = 1_795_000_000.0  # some day in November 2026


def trouble(part: str, cause: str = "engine_silent", **values: str) -> Trouble:
    return Trouble(part=part, cause=cause, values=values)


class Clock:
    """Looks of five seconds each at one box."""

    def __init__(self) -> None:
        self.alerts, self.now = Alerts(), 1000.0

    def looks(self, seconds: float, *parts: str, **more: object) -> list[News]:
        told: list[News] = []
        troubles: Mapping[str, Trouble] = {part: trouble(part) for part in parts}
        for _ in range(round(seconds / 5)):
            told += self.alerts.look(troubles, now=self.now, at=WHEN + self.now, **more)  # type: ignore[arg-type]
            self.now += 5
        return told

    def told(self, seconds: float, *parts: str, **more: object) -> list[tuple[str, str]]:
        return [(news.kind, news.part) for news in self.looks(seconds, *parts, **more)]


@pytest.fixture
def box() -> Clock:
    return Clock()


def test_a_trouble_is_told_once_and_its_end_once_with_how_long_it_lasted(box: Clock) -> None:
    assert box.told(60) == []
    [begun] = box.looks(120, "engine")
    assert begun.kind == "trouble" and begun.at - begun.since <= SETTLE + 5
    [over] = box.looks(120)
    assert over.kind == "over" and 120 <= over.at - over.since <= 120 + CALM + 10


def test_what_heals_itself_at_once_is_not_told(box: Clock) -> None:
    assert box.told(5, "engine") + box.told(60) == []


def test_what_follows_from_another_trouble_is_not_told_nor_right_after_it(box: Clock) -> None:
    assert box.told(60, "outbox", "leader", "database") == [("trouble", "database")]
    assert box.told(30, "leader") == [("over", "database")]


def test_a_new_fault_soon_after_another_one_is_not_hidden_by_it(box: Clock) -> None:
    box.looks(60, "database")
    box.looks(CALM + 10)
    assert ("trouble", "crm") in box.told(AFTER + SETTLE + 10, "crm")


def test_one_that_was_told_before_its_cause_is_still_announced_as_over(box: Clock) -> None:
    assert box.told(30, "outbox") == [("trouble", "outbox")]
    assert box.told(30, "outbox", "database") == [("trouble", "database")]
    assert sorted(box.told(60)) == [("over", "database"), ("over", "outbox")]


def test_what_comes_and_goes_is_not_told_each_time(box: Clock) -> None:
    told = []
    for _ in range(30):
        told += box.told(30, "mail")
        told += box.told(25)
    assert len(told) <= 8, "each return makes it wait twice as long before it counts as over"


def test_while_the_chat_is_silent_nothing_else_counts_as_mended(box: Clock) -> None:
    assert box.told(30, "engine") == [("trouble", "engine")]
    assert box.told(60, "chat", unknown=["engine"]) == [("trouble", "chat")]
    assert box.told(60, "engine") == [("over", "chat")]


def test_quiet_hours_keep_back_what_may_wait_and_nothing_else(box: Clock) -> None:
    soon = {"mail": trouble("mail", "certificate_soon", host="mail.example", days="9")}
    for _ in range(10):
        assert box.alerts.look(soon, now=box.now, at=WHEN, quiet=True) == []
        box.now += 5
    assert box.told(30, "engine", quiet=True, unknown=["mail"]) == [("trouble", "engine")]
    [news] = box.alerts.look(soon, now=box.now, at=WHEN)
    assert news.part == "mail", "in the morning it is told"


def test_a_restart_of_the_watch_tells_nothing_twice(box: Clock) -> None:
    box.looks(30, "engine")
    again = Clock()
    again.alerts.load(box.alerts.dump(), now=again.now)
    assert again.told(60, "engine") == []
    assert again.told(60) == [("over", "engine")]


@pytest.mark.parametrize(("hours", "at", "quiet"), [
    ("22:00-07:00", "23:30", True), ("22:00-07:00", "06:59", True), ("22:00-07:00", "07:00", False),
    ("13:00-14:00", "13:30", True), ("13:00-14:00", "22:30", False), ("", "03:00", False),
])  # fmt: skip
def test_quiet_hours_may_go_over_midnight(hours: str, at: str, quiet: bool) -> None:
    assert Quiet.read(hours).at(datetime.fromisoformat(f"2026-11-22T{at}")) is quiet


def test_quiet_hours_that_cannot_be_read_say_how_they_are_written() -> None:
    with pytest.raises(ValueError, match="22:00-07:00"):
        Quiet.read("at night")


def test_an_alert_reads_well_in_both_languages() -> None:
    news = News(id="1", kind="trouble", part="disk", cause="disk_low", at=WHEN, since=WHEN,
                values={"free": "512", "used": "97", "folder": "/srv"})  # fmt: skip
    english = news.text("en", box="shop.example", zone=ZoneInfo("Europe/Moscow"), console="http://box:8081")
    russian = news.text("ru", box="shop.example", zone=ZoneInfo("Europe/Moscow"))
    assert "shop.example: disk" in english and "512 MB" in english and "http://box:8081" in english
    assert "диск" in russian and "512 МБ" in russian


@pytest.mark.parametrize(("seconds", "words"), [(12, "12 s"), (125, "2 min 5 s"), (7500, "2 h 5 min")])
def test_how_long_it_lasted_is_said_in_words(seconds: float, words: str) -> None:
    assert length(seconds, "en") == words


def test_a_line_that_is_cut_is_one_alert_and_so_is_its_end() -> None:
    alerts, told = Alerts(), []
    cut = {part: Trouble(part=part, cause="said") for part in ("network", "bot", "mail", "crm")}
    late = {"crm": cut["crm"]}  # held leads go on in their own time
    for second in range(0, 600, 5):
        seen = cut if second < 120 else late if second < 400 else {}
        told += [(news.kind, news.part) for news in alerts.look(seen, now=float(second), at=float(second))]
    assert told == [("trouble", "network"), ("over", "network")]
