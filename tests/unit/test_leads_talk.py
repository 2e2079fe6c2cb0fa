"""Contacts mentioned in the talk are read back, consent is asked apart, and only then they are a lead."""

from __future__ import annotations

import pytest

from appliance.core.leads.talk import Asked, State, Step, from_plain, plain, step
from appliance.core.texts import languages, say


def told(*messages: str, lang: str = "ru") -> list[Step]:
    steps, state = [], State()
    for message in messages:
        steps.append(step(state, [message], lang=lang, region="RU"))
        state = from_plain(plain(steps[-1].state))
    return steps


def test_contacts_are_confirmed_then_agreed_to_then_passed_on() -> None:
    noted, right, agreed = told("Меня зовут Иван, 8 903 111-22-33", "да", "согласен")
    assert noted.noted and "+7 903 111-22-33" in noted.said and "Иван" in noted.said and noted.handled
    assert right.state.asked is Asked.CONSENT and not right.passed
    assert agreed.passed and agreed.state.contacts.phone == "+79031112233"


@pytest.mark.parametrize("lang", languages())
def test_the_quick_replies_of_every_language_are_understood(lang: str) -> None:
    noted = step(State(), ["+7 903 111-22-33"], lang=lang, region="RU")
    assert noted.quick == (say("quick_right", lang), say("quick_wrong", lang))
    asked = step(noted.state, [noted.quick[0]], lang=lang, region="RU")
    assert step(asked.state, [asked.quick[0]], lang=lang, region="RU").passed
    assert step(asked.state, [asked.quick[1]], lang=lang, region="RU").erased
    assert not step(noted.state, [noted.quick[1]], lang=lang, region="RU").state.contacts.reachable


def test_a_question_beside_the_phone_is_answered_too() -> None:
    noted = told("мой телефон 8 903 111 22 33, а доставка есть?")[0]
    assert noted.noted and not noted.handled


def test_a_name_said_earlier_is_read_back_with_the_phone() -> None:
    assert "Ольга" in told("Здравствуйте, меня зовут Ольга", "нужен насос", "89031112233")[-1].said


def test_a_wrong_phone_is_replaced() -> None:
    *_, wrong, again, right = told("89031112233", "нет", "89041112233", "да")
    assert not wrong.state.contacts.phone and "904" in again.said
    assert right.state.asked is Asked.CONSENT


def test_who_refuses_consent_leaves_nothing_behind() -> None:
    refused = told("Иван, 89031112233", "да", "нет")[-1]
    assert refused.erased and refused.state == State()


def test_a_customer_who_moves_on_is_not_asked_again_by_itself() -> None:
    moved = told("89031112233, Иван", "а есть насос на 3 квт?")[-1]
    assert not moved.said and moved.state.contacts.phone == "+79031112233"


def test_yes_to_something_else_is_left_to_the_dialogue() -> None:
    assert not told("да")[0].handled


@pytest.mark.parametrize("said", ["отмена", "Cancel.", "bekor qilish", "取消"])
def test_who_cancels_with_nothing_asked_gets_no_search(said: str) -> None:
    step = told(said)[0]
    assert step.handled and step.said and not step.erased
