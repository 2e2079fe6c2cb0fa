"""The console's texts are whole in both languages, are used as they are written, and stand nowhere else."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ui.i18n import LANGS, NARROW, Writing, catalogue, known, number, reader, texts_in

UI = Path(__file__).parents[2] / "ui"
PAGES = sorted((UI / "pages").glob("*.py"))
SAID = re.compile(r"""\bsay\(\s*["']([\w.]+)["']""")


def fields(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


def test_every_text_is_there_in_both_languages_with_the_same_values() -> None:
    for name, entry in catalogue().items():
        assert set(entry) == set(LANGS), name
        forms = {
            lang: [said] if isinstance(said := entry[lang], str) else list(said.values()) for lang in LANGS
        }  # fmt: skip
        assert all(form.strip() for lang in LANGS for form in forms[lang]), name
        assert len({frozenset(set().union(*map(fields, forms[lang])) - {"n"}) for lang in LANGS}) == 1, name


def test_plural_forms_are_all_there() -> None:
    for name, entry in catalogue().items():
        for lang, needed in (("en", {"one", "other"}), ("ru", {"one", "few", "many", "other"})):
            if not isinstance(entry[lang], str):
                assert set(entry[lang]) == needed, f"{name} in {lang}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_text_that_a_page_says_is_there(page: Path) -> None:
    missing = {id for id in SAID.findall(page.read_text(encoding="utf-8")) if not known(id, page.stem)}
    assert not missing


def test_no_text_for_people_stands_in_the_code() -> None:
    for file in [*UI.glob("*.py"), *PAGES]:
        assert not re.search("[а-яёА-ЯЁ]", file.read_text(encoding="utf-8")), file.name


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("", "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en", "ru", "en"),
        ("", "de-DE,de", "en"),
        ("", "", "en"),
        ("ru", "", "ru"),
    ],
)
def test_people_read_the_language_they_asked_for_or_their_browser_does(
    asked: str, accepted: str, language: str
) -> None:
    assert reader(asked, accepted) == language


def test_numbers_money_and_times_are_written_as_each_language_writes_them() -> None:
    ru, en = Writing("ru", "Europe/Moscow"), Writing("en", "Europe/Moscow")
    assert number(40000, "ru") == f"40{NARROW}000" and number(40000, "en") == "40,000"
    assert (ru.number(1234.5), en.number(1234.5)) == (f"1{NARROW}234,5", "1,234.5")
    assert ru.money(Decimal("1234.5"), "RUB") == f"1{NARROW}234,50{NARROW}₽"
    assert (ru.percent(0.1234), en.percent(0.5, 0)) == (f"12,3{NARROW}%", "50%")
    assert (en.percent(0.16), en.percent(0.16, exact=True)) == ("16%", "16.0%")
    assert en.time(datetime(2026, 11, 20, 9, 0, tzinfo=UTC)) == "12:00"
    assert en.ago(datetime.now(UTC) - timedelta(minutes=3)) == "3 minutes ago"
    assert (en.size(999), en.size(1_234_000)) == (f"999{NARROW}B", f"1.2{NARROW}MB")


def test_a_page_says_its_own_words_first_then_the_shared_ones_and_braces_of_values_stay() -> None:
    say = texts_in("en", "login")
    assert say("title") == catalogue()["login.title"]["en"] and say("save") == "Save"
    assert "{n}" in say("too_early", n="{n}")
    with pytest.raises(KeyError):
        say("nobody_says_this")


def test_every_act_that_the_desk_logs_has_its_words() -> None:
    desk = Path(__file__).parents[2] / "appliance" / "desk"
    logs = re.compile(r'(?:_note|_logged|_told|log_act)\([^"]*?"([a-z]+\.[a-z_]+)"')
    acts = {act for file in sorted(desk.rglob("*.py")) for act in logs.findall(file.read_text(encoding="utf-8"))}
    assert {"lead.assign", "staff.interests", "prompt.publish"} <= acts
    assert [act for act in sorted(acts) if not known(f"audit.act_{act.replace('.', '_')}")] == []
    assert [act for act in sorted(acts) if not known(f"audit.area_{act.partition('.')[0]}")] == []
