"""Texts for Telegram keep their marks, their limits and their letters."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.channels.telegram_cards import Button, Do, caption, keyboard, quick_keyboard, read_button
from appliance.channels.telegram_pace import Pace
from appliance.channels.telegram_text import CAPTION, Styled, bold, from_markdown, joined, label, units
from appliance.core.texts import languages
from appliance.core.types import Card
from tests.botapi.markup import _check_entities

LETTERS = some.text(alphabet="aя😀 \n.*`[]()🇷🇺<&", max_size=60)


def _fits_telegram(styled: Styled) -> None:
    """What the server checks: inside the text, not through a pair of surrogates, no white space at the ends."""
    _check_entities(
        styled.text, [{"type": m.type, "offset": m.offset, "length": m.length, "url": m.url} for m in styled.marks]
    )


@given(LETTERS, LETTERS, LETTERS, some.integers(min_value=1, max_value=40))
def test_a_cut_text_has_the_length_and_whole_marks(before: str, strong: str, after: str, limit: int) -> None:
    whole = Styled(before) + bold(strong) + after
    cut = whole.cut(limit)
    assert units(cut.text) <= limit
    _fits_telegram(cut)
    if units(whole.text) <= limit:
        assert cut == whole


@given(LETTERS, LETTERS, some.integers(min_value=4, max_value=30))
def test_a_divided_text_loses_no_letter(before: str, strong: str, limit: int) -> None:
    whole = Styled(before) + bold(strong)
    pieces = whole.split(limit)
    assert all(units(piece.text) <= limit for piece in pieces)
    assert "".join("".join(piece.text.split()) for piece in pieces) == "".join(whole.text.split())
    for piece in pieces:
        _fits_telegram(piece)


def test_markdown_becomes_marks_and_nothing_else_is_touched() -> None:
    styled = from_markdown("😀 **жирный** <b>не тег</b> [сайт](https://example.com/a_b) `M10` 2*2*2")
    assert styled.text == "😀 жирный <b>не тег</b> сайт M10 2*2*2"
    assert [(mark.type, mark.offset, mark.length) for mark in styled.marks] == [
        ("bold", 3, 6), ("text_link", 24, 4), ("code", 29, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "   \n ", "😀" * 50, "a\nb"])
def test_a_label_is_one_line_and_never_empty(text: str) -> None:
    assert label(text).strip() and "\n" not in label(text) and len(label(text)) <= 40


@given(some.sampled_from(Do), some.uuids(), some.integers(min_value=0, max_value=999))
def test_a_button_says_what_it_was_made_for(do: Do, message: object, number: int) -> None:
    button = Button(do=do, message=message, number=number)  # type: ignore[arg-type]
    assert read_button(button.data()) == button
    assert len(button.data().encode()) <= 64


@given(some.text(max_size=70) | some.from_regex(r"2[a-z][A-Za-z0-9_-]{22}.{0,4}"))
def test_forged_data_is_nothing_or_a_button_but_never_a_fault(data: str) -> None:
    read_button(data)


def _card(**more: object) -> Card:
    values = {"sku": "N-1", "name": "Насос", "price": Decimal(100), "currency": "RUB", **more}
    return Card(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("view", [Do.CARD, Do.DETAILS, Do.LIST])
def test_the_longest_card_fits_under_a_photo(lang: str, view: Do) -> None:
    cards = [_card(name="Насос 😀 " * 60, attributes=tuple((f"свойство {at}", "х" * 80) for at in range(40)))] * 10
    shown = caption(cards, view, 0, lang)
    assert 0 < units(shown.text) <= CAPTION
    _fits_telegram(shown)
    for row in keyboard(uuid4(), cards, view, 0, lang, basket=True):
        assert all(text.strip() and len(data.encode()) <= 64 for text, data in row)


def test_a_price_that_is_not_known_is_not_nought() -> None:
    text = caption([_card(price=None, stock=None)], Do.CARD, 0, "ru").text
    assert "цена по запросу" in text and "0" not in text


def test_short_quick_replies_share_a_row_and_long_ones_do_not() -> None:
    rows = quick_keyboard(uuid4(), ["Подешевле", "Ещё варианты", "Позвать менеджера прямо сейчас"])
    assert [len(row) for row in rows] == [2, 1]


def test_parts_that_say_nothing_leave_no_gap() -> None:
    assert joined(["a", "", Styled(), bold("b")]).text == "a\nb"


async def test_a_chat_gets_one_message_a_second_and_others_do_not_wait_for_it() -> None:
    pace = Pace(per_chat=0.2, overall=0.01)
    loop = asyncio.get_running_loop()
    began, at = loop.time(), []

    async def send(chat: int) -> None:
        await pace.turn(chat)
        at.append((chat, loop.time() - began))

    await asyncio.gather(*(send(1) for _ in range(3)), *(send(2) for _ in range(1)))
    first = [when for chat, when in at if chat == 1]
    assert first[1] - first[0] >= 0.19 and first[2] - first[1] >= 0.19
    assert next(when for chat, when in at if chat == 2) < 0.15


async def test_a_chat_that_telegram_holds_is_left_alone_so_long() -> None:
    pace = Pace(per_chat=0.01, overall=0.001)
    pace.hold(1, 0.3)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert not pace.idle(1)
    await pace.turn(1)
    assert loop.time() - began >= 0.29
