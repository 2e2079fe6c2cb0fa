"""Shares, periods, filters, wishes and advice: what figures are made of, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from appliance.core.advice import advice
from appliance.core.demand import Group, Wanted, groups, key
from appliance.core.figures import Demand, Dimension, Every, Out, Period, Slice, Summary, Troubles, most
from appliance.core.filters import DialogueFilter, Stage, Trouble
from appliance.core.report import Write, document
from appliance.core.statistics import share

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


# Reference values: R's prop.test(x, n, correct = FALSE) and Brown, Cai, DasGupta (2001).
@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(15, 100, 0.0931, 0.2328), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (750, 5000, 0.1404, 0.1602)],
)
def test_wilsons_interval_is_the_textbooks(count: int, total: int, low: float, high: float) -> None:
    found = share(count, total)
    assert [found.low, found.high] == pytest.approx([low, high], abs=2e-4)
    assert found.low <= found.value <= found.high


def test_of_nothing_no_share_is_known() -> None:
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="is no share"):
        share(3, 2)


def test_a_filter_survives_its_link() -> None:
    which = DialogueFilter(
        since=datetime(2026, 11, 1, tzinfo=MOSCOW), until=AT, channel="telegram", lang="kk", category="Насосы & К",
        stage=Stage.LEAD, trouble=Trouble.ABSENT, want="glove rubber|glove",
    )  # fmt: skip
    assert DialogueFilter.read(dict(parse_qsl(which.query()))) == which
    assert DialogueFilter.read({"since": "yesterday", "stage": "x", "lang": "ru"}) == DialogueFilter(lang="ru")
    assert not DialogueFilter() and which
    with pytest.raises(KeyError):
        which.having("since", "1")


def test_a_day_of_a_clock_change_is_whole() -> None:
    spring = Period.of(Every.DAY, date(2026, 3, 29), BERLIN)
    assert spring.until.astimezone(UTC) - spring.since.astimezone(UTC) == timedelta(hours=23)


def test_periods_know_their_parts_and_what_was_before() -> None:
    week = Period.of(Every.WEEK, date(2026, 11, 22), MOSCOW)
    assert (week.first, week.last, week.before.first) == (date(2026, 11, 16), date(2026, 11, 22), date(2026, 11, 9))
    last30 = Period.ending(date(2026, 11, 22), 30, MOSCOW)
    assert (last30.days, last30.before.last) == (30, date(2026, 10, 23))
    weeks = last30.parts(Every.WEEK)
    assert sum(part.days for part in weeks) == 30
    assert (weeks[0].first, weeks[0].last) == (date(2026, 10, 24), date(2026, 10, 25))
    assert (last30.step, Period.ending(date(2026, 11, 22), 365, MOSCOW).step) == (Every.DAY, Every.WEEK)


def test_the_rest_of_many_slices_is_one() -> None:
    slices = [Slice(value=str(n), dialogues=10 - n, leads=1) for n in range(6)]
    shown = most(slices, 3)
    assert [one.value for one in shown] == ["0", "1", "*"]
    assert (shown[-1].dialogues, shown[-1].leads) == (8 + 7 + 6 + 5, 4)


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("есть ли у вас перчатки?", "do you have gloves"),
        ("резеңке қолғап бар ма", "нужны резиновые перчатки"),
        ("haben sie Handschuhe?", "有没有手套"),
        ("нужен насос 3 кВт до 50 000 руб", "насос"),
    ],
)
def test_a_wish_has_one_key_in_any_language(said: str, same: str) -> None:
    assert key(said) == key(same) != ""


def test_other_goods_and_other_codes_stay_apart() -> None:
    keys = [key(text) for text in ("подшипник 6205", "подшипник 6206", "перчатки", "насос")]
    assert len(set(keys)) == 4
    assert len(groups([Wanted(key=one, dialogues=1) for one in keys])) == 4


def test_slips_of_the_finger_join_the_larger_group() -> None:
    wanted = [Wanted(key="швейн машинк", dialogues=9, langs=(("ru", 9),)),
              Wanted(key="швейн мащинк", dialogues=2, langs=(("ru", 2),)),
              Wanted(key="батут", dialogues=1, langs=(("kk", 1),))]  # fmt: skip
    first, second = groups(wanted)
    assert (first.key, first.keys, first.dialogues) == ("швейн машинк", ("швейн машинк", "швейн мащинк"), 11)
    assert second.key == "батут"


def summary(**changes: object) -> Summary:
    period = Period(first=date(2026, 11, 1), last=date(2026, 11, 30), zone=MOSCOW)
    by = dict.fromkeys(Dimension, ()) | {
        Dimension.LANG: (
            Slice(value="ru", dialogues=900, shown=800, contacts=150, leads=140),
            Slice(value="kk", dialogues=200, shown=150, contacts=8, leads=6),
            Slice(value="en", dialogues=20, shown=15, contacts=1, leads=1),
        ),
        Dimension.CHANNEL: (Slice(value="widget", dialogues=1120, shown=965, contacts=159, leads=147),),
    }
    made = Summary(
        period=period, filter=DialogueFilter(), total=Slice(dialogues=1120, shown=965, contacts=159, leads=147),
        before=Slice(dialogues=1000), troubles=Troubles(absent=40, bad=7), troubles_before=Troubles(), days=(),
        hours=(), by=tuple(by.items()),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


GLOVES = Group(key="glove", keys=("glove", "glove rubber"), dialogues=37, langs=(("kk", 30), ("ru", 7)), last=AT,
               examples=("резеңке қолғап",))  # fmt: skip
ONCE = Group(key="boat", keys=("boat",), dialogues=1, langs=(("ru", 1),), last=AT, examples=("лодка",))
DEMAND = Demand(absent=(GLOVES, ONCE), out=(Out(sku="P-1", name="Насос", dialogues=5, leads=1, last=AT),))


def test_advice_names_the_number_the_words_and_the_deed() -> None:
    told = [one.told("ru") for one in advice(summary(), DEMAND)]
    assert any(text.startswith("37 покупателей спросили «резеңке қолғап» (казахский, русский)") for text in told)
    assert any("«Насос» (P-1) лучше всего подходил 5 покупателям" in text for text in told)
    assert not any("лодка" in text for text in told)  # one customer is no demand
    english = [one.told("de") for one in advice(summary(), DEMAND)]  # who has no words of their own reads English
    assert any(text.startswith("37 customers asked for “резеңке қолғап” (Kazakh, Russian)") for text in english)


def test_advice_opens_the_dialogues_that_it_is_about() -> None:
    by_kind = {one.kind: one for one in advice(summary(), DEMAND)}
    assert by_kind["absent"].which.want == "glove|glove rubber"
    assert by_kind["absent"].which.since == summary().period.since
    assert by_kind["out"].which == replace(summary().which, trouble=Trouble.OUT, want="P-1")
    assert by_kind["weak_lang"].which.lang == "kk"
    assert by_kind["bad"].which.trouble is Trouble.BAD


def test_a_difference_that_chance_explains_is_no_advice() -> None:
    kinds = [one.kind for one in advice(summary(), Demand()) if one.which.lang == "en"]
    assert kinds == []
    assert "target" not in [one.kind for one in advice(summary(), Demand())]  # 13.1 %, but perhaps 15.2 %
    sure = summary(total=Slice(dialogues=2000, shown=1500, contacts=250, leads=200))
    assert "target" in [one.kind for one in advice(sure, Demand())]


def test_a_report_reads_in_both_languages() -> None:
    for lang, title, none in (("ru", "Отчёт за месяц", "русский"), ("en", "Monthly report", "Russian")):
        report = document(summary(), DEMAND, every=Every.MONTH, lang=lang)
        assert report.title == title
        languages = next(table for table in report.tables if table.columns[0] in ("Язык", "Language"))
        assert languages.rows[0][:2] == (none, 900)
        assert report.figures[0].value == ("1\xa0120" if lang == "ru" else "1,120")


def test_change_is_said_in_words() -> None:
    write = Write("en")
    assert write.change(120, 100) == "20% more than 100 before"
    assert write.change(80, 100) == "20% less than 100 before"
    assert (write.change(100, 100), write.change(3, 0), write.change(0, 0)) == (
        "as many as before", "none before", "none before either",
    )  # fmt: skip
