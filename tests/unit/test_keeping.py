"""What is decided about backups, room and logs before anything is done."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook

from appliance.backup import Backup, Backups, Keep, Verified, kept
from appliance.privacy import archive, blank_lines
from appliance.space import days_left, low
from appliance.store.keeping import Room
from appliance.store.privacy import pattern_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)  # a Sunday
DAY = timedelta(days=1)


def backup(created: datetime, *, id: str = "", proven: bool = False, place: Path = Path()) -> Backup:
    return Backup(
        id=id or f"{created:%Y%m%d-%H}", created=created, kind="schedule", place=place, program="", revision="0008",
        server=18, catalogue="", rows={}, files={}, left_out={}, newest=None, seconds=1.0,
        verified=Verified(at=created, seconds=1.0, rows=0) if proven else None,
    )  # fmt: skip


def test_retention_keeps_days_weeks_months_and_the_last_proven_one() -> None:
    many = [backup(NOW - timedelta(hours=hours), id=str(hours)) for hours in range(0, 24 * 400, 12)]
    stay = kept(many, Keep(daily=7, weekly=4, monthly=6), now=NOW)
    ages = sorted(int(id) // 24 for id in stay)
    assert ages[:8] == [0, 0, 1, 2, 3, 4, 5, 6], "both of the last day, and the newest of each of seven days"
    assert ages[8:] == [7, 14, 21, 22, 53, 83, 114, 145], "the newest of each of four weeks and six months"
    proven = replace(many[-1], verified=Verified(at=NOW, seconds=1.0, rows=0))
    assert kept([*many[:-1], proven], Keep(), now=NOW) - stay == {proven.id}


def test_the_only_backup_stays_however_old_it_is() -> None:
    old = backup(NOW - 4000 * DAY)
    assert kept([old], Keep(daily=1, weekly=0, monthly=0), now=NOW) == {old.id}


@pytest.mark.parametrize(
    ("made", "every", "due"),
    [
        (NOW.replace(hour=2), DAY, True),  # before today's hour
        (NOW.replace(hour=4), DAY, False),
        (NOW.replace(hour=4), timedelta(hours=6), True),  # 03:00, 09:00, …
        (NOW.replace(hour=10), timedelta(hours=6), False),
        (NOW - 3 * DAY, DAY, True),  # the box was off
    ],
)
def test_a_backup_is_due_when_none_was_made_since_its_hour(
    made: datetime, every: timedelta, due: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.backup._read_all", lambda folder: [backup(made)])
    assert Backups(tmp_path).due(NOW, every=every, at=time(3)) is due


def test_the_first_backup_is_due_at_once(tmp_path: Path) -> None:
    assert Backups(tmp_path).due(NOW, every=DAY, at=time(3))


def rooms(*free: int, total: int = 100 << 30) -> list[Room]:
    return [
        Room(day=date(2026, 11, 1) + timedelta(days=at), free=gib << 30, total=total) for at, gib in enumerate(free)
    ]


def test_a_disk_that_fills_is_told_in_days() -> None:
    assert low(100 << 30) == 5 << 30
    assert days_left(rooms(20, 19, 18, 17, 16, 15)) == 10  # one GiB a day, five of them are the last
    assert days_left(rooms(20, 20, 20, 20)) is None
    assert days_left(rooms(10, 20, 30, 40)) is None
    assert days_left(rooms(20, 10)) is None, "two days prove nothing"


def test_one_big_download_is_no_trend() -> None:
    assert days_left(rooms(60, 60, 60, 60, 20, 20, 20, 20)) is None


LINES = (
    {"at": "2026-11-22T10:00:00Z", "role": "chat", "event": "said", "dialogue": "0f8fad5b-d9cb-469f-a165-70867728950e"},
    {"at": "2026-11-22T10:00:01Z", "role": "chat", "event": "sent", "chat": 5550001},
    {"at": "2026-11-22T10:00:02Z", "role": "worker", "event": "pruned", "versions": ["20261122-100000-1"]},
    {"at": "2026-11-22T10:00:03Z", "role": "chat", "text": "Traceback: Анна, 8 (903) 111-22-33"},
    {"at": "2026-11-22T10:00:04Z", "role": "chat", "text": "Anna@Firm.ru asked"},
    {"at": "2026-11-22T10:00:05Z", "role": "chat", "text": "order 79031112234 is another number"},
)  # fmt: skip
NEEDLES = ("0f8fad5b-d9cb-469f-a165-70867728950e", "5550001", "+79031112233", "anna@firm.ru")


def written(file: Path, records: tuple[Mapping[str, object], ...] = LINES) -> bytes:
    file.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    return file.read_bytes()


def test_lines_of_a_person_are_blanked_in_place_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "appliance.log"
    before = written(file)
    with file.open("ab") as appending:  # the supervisor, meanwhile
        assert blank_lines([file], NEEDLES) == 4
        appending.write(b'{"at": "later"}\n')
    after = file.read_bytes()
    assert len(after) == len(before) + len(b'{"at": "later"}\n')
    records = [json.loads(line) for line in after.splitlines()]
    assert [record.get("event") or record["text"] for record in records[:-1]] == [
        "(erased)", "(erased)", "pruned", "(erased)", "(erased)", "order 79031112234 is another number",
    ]  # fmt: skip
    assert records[0]["at"] == LINES[0]["at"] and records[-1] == {"at": "later"}
    assert blank_lines([file], NEEDLES) == 0


def test_a_plain_line_and_a_short_one_are_blanked_too(tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    file.write_text("ERROR: key (address)=(5550001) exists\n5550001\nfine\nhalf a line of 5550001")
    assert blank_lines([file], NEEDLES) == 2
    assert file.read_text().splitlines()[1:] == ["{}     ", "fine", "half a line of 5550001"]


@pytest.mark.parametrize(
    "text", ["89031112233", "+7 903 111-22-33", "8 (903) 111 22 33", "9031112233", "тел:79031112233."]
)
def test_a_telephone_is_found_however_it_is_written(text: str) -> None:
    assert re.search(pattern_of(["+79031112233"]), text)


@pytest.mark.parametrize("text", ["79031112234", "1790311122331", "ab9031112233", "903 111 22"])
def test_another_number_is_not_taken_for_it(text: str) -> None:
    assert not re.search(pattern_of(["+79031112233"]), text)


def test_a_person_is_handed_out_for_machines_and_for_people() -> None:
    record: dict[str, list[dict[str, object]]] = {
        "messages": [{"at": "2026-11-22", "text": "=1+1", "payload": {"a": 1}}, {"at": "2026-11-23", "rating": 1}],
        "consents": [],
    }
    with zipfile.ZipFile(io.BytesIO(archive(record))) as file:
        assert file.namelist() == ["person.json", "messages.xlsx"]
        assert json.loads(file.read("person.json")) == record
        sheet = load_workbook(io.BytesIO(file.read("messages.xlsx"))).active
    assert sheet is not None
    cells = list(sheet.values)
    assert cells == [("at", "text", "payload", "rating"), ("2026-11-22", "=1+1", '{"a": 1}', None),
                     ("2026-11-23", None, None, 1)]  # fmt: skip
    assert sheet["B2"].data_type == "s", "no text is ever a formula"
