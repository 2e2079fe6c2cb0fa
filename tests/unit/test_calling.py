"""A customer who asks for a person is heard; one who asks for a number, or only mentions a manager, is not."""

from __future__ import annotations

import pytest

from appliance.core.calling import calls
from appliance.core.lexicon import LANGUAGES
from appliance.core.texts import say


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_quick_reply_calls_in_every_language(lang: str) -> None:
    assert calls(say("quick_manager", lang), lang=lang)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("позови оператора пожалуйста", "ru"),
        ("соедините с менеджером", "ru"),
        ("хочу поговорить с живым человеком", "ru"),
        ("оператор", "ru"),
        ("pozovite menedzhera", "ru"),
        ("I want to talk to a human", "en"),
        ("can I speak with your sales manager?", "en"),
        ("get me a real person", "en"),
        ("human please", "en"),
        ("Ich möchte mit einem Mitarbeiter sprechen", "de"),
        ("покличте менеджера", "uk"),
        ("менеджерді шақырыңызшы", "kk"),
        ("bir yetkiliyle görüşmek istiyorum", "tr"),
        ("operator bilan gaplashmoqchiman", "uz"),
        ("我要找真人", "zh"),
    ],
)
def test_a_person_is_asked_for(text: str, lang: str) -> None:
    assert calls(text, lang=lang)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("дайте номер менеджера", "ru"),
        ("не надо менеджера", "ru"),
        ("не зовите менеджера", "ru"),
        ("как связаться с менеджером?", "ru"),
        ("ваш менеджер вчера обещал скидку", "ru"),
        ("соедините трубы муфтой", "ru"),
        ("пульт оператора", "ru"),
        ("are you a human?", "en"),
        ("what is your manager's phone number", "en"),
        ("don't call a manager", "en"),
        ("operator panel 24v", "en"),
        ("I need a person lift", "en"),
        ("ich brauche keinen Mitarbeiter", "de"),
        ("不需要人工客服", "zh"),
        ("", "ru"),
    ],
)
def test_other_words_of_persons_call_nobody(text: str, lang: str) -> None:
    assert not calls(text, lang=lang)
