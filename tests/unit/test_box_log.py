"""The box's log for people: newest first, through the files set aside, filtered, masked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance import journal
from appliance.desk.box_log import Wanted, newest
from appliance.journal import Journal

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "appliance.log"
    lines = [
        {"at": (NOW - timedelta(minutes=60 - number)).isoformat(), "role": "chat" if number % 2 else "worker",
         "level": "error" if number % 10 == 0 else "info", "event": f"event {number}",
         "conversation": f"c-{number % 3}"}
        for number in range(60)
    ]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, lines)) + "\nno json\n", encoding="utf-8")
    return file


def test_the_newest_come_first_and_what_is_no_line_is_passed_over(file: Path) -> None:
    assert [line.words for line in newest(file, Wanted(), limit=3)] == ["event 59", "event 58", "event 57"]


def test_it_can_be_narrowed_by_process_level_words_dialogue_and_time(file: Path) -> None:
    assert {line.process for line in newest(file, Wanted(process="worker"), limit=50)} == {"worker"}
    assert [line.words for line in newest(file, Wanted(level="warning"), limit=2)] == ["event 50", "event 40"]
    assert [line.words for line in newest(file, Wanted(words="EVENT 59"), limit=9)] == ["event 59"]
    assert len(newest(file, Wanted(conversation="c-1"), limit=50)) == 20
    assert len(newest(file, Wanted(since=NOW - timedelta(minutes=5)), limit=50)) == 5


def test_it_goes_on_into_the_files_that_were_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LIMIT", 2000)
    kept = Journal(tmp_path / "appliance.log", everything=False)
    for number in range(60):
        kept.line("chat", json.dumps({"level": "info", "event": f"line {number}", "at": NOW.isoformat()}))
    kept.close()
    found = newest(tmp_path / "appliance.log", Wanted(), limit=100)
    assert [line.words for line in found] == [f"line {number}" for number in range(59, 59 - len(found), -1)]
    assert 60 >= len(found) > 20


def test_what_a_library_wrote_unmasked_is_masked_before_it_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "appliance.log"
    file.write_text(json.dumps({"at": NOW.isoformat(), "text": "call +7 912 345-67-89", "x": "a@b.example"}) + "\n")
    [line] = newest(file, Wanted(), limit=5)
    assert "345-67" not in line.words and "a@b" not in line.more


def test_a_log_folder_that_cannot_be_written_is_noticed_and_taken_up_again(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "logs" / "appliance.log", everything=False)
    assert kept.trouble() == ""
    (tmp_path / "logs").rename(tmp_path / "away")
    assert kept.trouble() != ""
    kept.close()  # as after a line that could not be written
    kept.line("chat", "lost")
    (tmp_path / "away").rename(tmp_path / "logs")
    kept.line("chat", "found")
    assert kept.trouble() == ""
    assert "found" in (tmp_path / "logs" / "appliance.log").read_text()
    kept.close()
