"""The owner's words: prompts as a form, trials, written answers, consent, documents."""

from __future__ import annotations

import io
import zipfile
from uuid import UUID, uuid4

import docx
import pytest

from appliance.core.canned import Canned, CannedAnswers, shown_to
from appliance.core.consent import ALL_SHIPPED, Consents, ConsentText
from appliance.core.leads import Contacts, talk
from appliance.core.prompt import Prompt, default_prompt, shared_prefix
from appliance.core.prompt_form import Form, faults, form, next_version, written
from appliance.core.texts import languages
from appliance.core.trial import Trial
from appliance.documents import Unreadable, text_of

RIGHT = '{"skus": ["A"], "answer": "[A] fits."}'


def prompt(version: str) -> Prompt:
    return Prompt(name="answer", version=version, body="")


def test_the_form_of_the_prompt_that_ships_makes_the_same_turns_again() -> None:
    shipped = default_prompt()
    again = written(form(shipped.body), version="mine")
    assert shared_prefix(again.body) == shared_prefix(shipped.body)
    assert faults(form(shipped.body)) == []


def test_any_text_survives_the_form() -> None:
    wild = Form(system='a "quoted" \\ back\tslash\n[[examples]]\x7f «ё» 🛠', examples=(("<<<x>>>\n'''", RIGHT),))
    assert form(written(wild, version="1").body) == wild


@pytest.mark.parametrize(
    ("filled", "wrong"),
    [
        (Form(system=" "), ("empty", True, 0)),
        (Form(system="x" * 6001), ("too_long", True, 0)),
        (Form(system="x" * 3001), ("slow", False, 0)),
        (Form(system="x", examples=(("q", RIGHT), ("q", "no json"))), ("no_json", True, 2)),
        (Form(system="x", examples=(("q", '{"skus": [], "answer": 5}'),)), ("no_json", True, 1)),
        (Form(system="x", examples=((" ", RIGHT),)), ("no_words", True, 1)),
        (Form(system="x", examples=(("q", '{"skus": [], "answer": "9 000"}'),)), ("digits", False, 1)),
    ],
)
def test_words_that_would_not_work_are_told_with_their_place(filled: Form, wrong: tuple[str, bool, int]) -> None:
    assert [(fault.id, fault.grave, fault.place) for fault in faults(filled)] == [wrong]


def test_a_version_is_numbered_after_the_last_of_its_day() -> None:
    assert next_version("2026-11-22", ["2026-11-22.3", "2026-11-21.9", "own"]) == "2026-11-22.4"


def test_dialogues_are_dealt_by_share_and_keep_what_they_were_dealt() -> None:
    trial = Trial(live=prompt("a"), others=((prompt("b"), 20), (prompt("c"), 10)))
    dealt = [trial.prompt(UUID(int=number * 7919)).version for number in range(5000)]
    assert [round(dealt.count(version) / 50) for version in "abc"] == pytest.approx([70, 20, 10], abs=2)

    conversation = next(id for id in (uuid4() for _ in range(1000)) if trial.prompt(id).version == "a")
    more = Trial(live=prompt("a"), others=((prompt("b"), 90),))
    assert more.prompt(conversation, before="a").version == "a"
    assert more.prompt(conversation, before="gone").version in ("a", "b")
    assert Trial(live=prompt("b")).prompt(conversation, before="a").version == "b"


def test_two_trials_deal_independently() -> None:
    ids = [uuid4() for _ in range(2000)]
    first, second = (Trial(live=prompt("a"), others=((prompt(name), 50),)) for name in ("b", "c"))
    both = sum(first.prompt(id).version == "b" and second.prompt(id).version == "c" for id in ids)
    assert both / len(ids) == pytest.approx(0.25, abs=0.05)


def test_a_written_answer_is_given_to_its_question_and_to_no_other() -> None:
    answers = CannedAnswers((
        Canned(name="Self", lang="ru", text="Да, со склада.", questions=("Можно ли забрать заказ самому со склада?",)),
        Canned(name="Only for managers", lang="ru", text="…"),
    ))  # fmt: skip
    for asked in ("можно забрать заказ самому со склада", "Заказ со склада можно ли самому забрать?!"):
        found = answers.answer(asked, "ru")
        assert found is not None and found.text == "Да, со склада."
    for asked in ("забрать", "сколько стоит доставка заказа со склада в Казань", "", "можно ли"):
        assert answers.answer(asked, "ru") is None
    assert answers.answer("Можно ли забрать заказ самому со склада?", "en") is None


def test_managers_find_answers_in_the_customers_language_first() -> None:
    named = [Canned(name=name, lang=lang, text="") for name, lang in (("b", "en"), ("a", "en"), ("c", "ru"))]
    assert [one.name for one in shown_to(named, "ru")] == ["c", "a", "b"]


def test_the_owners_consent_is_asked_word_for_word_and_its_version_is_what_is_agreed_to() -> None:
    own = Consents(own={"ru": ConsentText(version="ru-3", text="Согласен с политикой.", own=True)})
    asked = talk.State(contacts=Contacts(phone="+79031112233"), asked=talk.Asked.RIGHT)
    step = talk.step(asked, ["да"], lang="ru", region="RU", consents=own)
    assert step.said.startswith("Можно передать ваши контакты менеджеру?\n\nСогласен с политикой.")

    later = talk.from_plain(talk.plain(step.state))  # meanwhile the owner publishes another version
    newer = Consents(own={"ru": ConsentText(version="ru-4", text="Иначе.", own=True)})
    agreed = talk.step(later, ["согласен"], lang="ru", region="RU", consents=newer)
    assert (agreed.passed, agreed.consent) == (True, "ru-3")
    assert talk.step(asked, ["yes"], lang="en", region="RU", consents=own).said == ALL_SHIPPED.asked("en")


@pytest.mark.parametrize("lang", languages())
def test_the_question_before_the_owners_consent_is_whole_in_every_language(lang: str) -> None:
    own = Consents(own={lang: ConsentText(version="1", text="TEXT")})
    question, _, text = own.asked(lang).partition("\n\n")
    assert text == "TEXT"
    assert question[-1] in "?？؟." and len(question) < len(ALL_SHIPPED.asked(lang))


async def test_a_word_document_becomes_headings_paragraphs_and_rows() -> None:
    document = docx.Document()
    document.add_heading("Доставка", 1)
    document.add_paragraph("По городу за 2 дня.")
    document.add_heading("За город", 2)
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "До 50 км", "900 ₽"
    stream = io.BytesIO()
    document.save(stream)
    assert await text_of("О доставке.docx", stream.getvalue()) == (
        "# Доставка\n\nПо городу за 2 дня.\n\n## За город\n\nДо 50 км | 900 ₽"
    )


async def test_plain_text_of_any_windows_is_read() -> None:
    for encoding in ("utf-8", "utf-8-sig", "cp1251", "utf-16"):
        assert await text_of("a.txt", "Гарантия\r\n12 месяцев".encode(encoding)) == "Гарантия\n12 месяцев"


def bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", b"0" * (70 << 20))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "contents", "why"),
    [
        ("a.exe", b"MZ", "kind"),
        ("a.txt", b"  \n", "empty"),
        ("a.md", b"x" * 200_001, "too_long"),
        ("a.txt", b"x" * (10 << 20) + b"x", "too_large"),
        ("a.docx", b"PK no document", "damaged"),
        ("a.pdf", b"%PDF-1.7 nothing", "damaged"),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_its_reason(name: str, contents: bytes, why: str) -> None:
    with pytest.raises(Unreadable) as refused:
        await text_of(name, contents)
    assert refused.value.id == why


async def test_a_document_that_unpacks_to_fill_the_memory_is_refused() -> None:
    with pytest.raises(Unreadable) as refused:
        await text_of("bomb.docx", bomb())
    assert refused.value.id == "too_large"
