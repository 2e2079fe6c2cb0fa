"""The assistant's own sentences: complete, filled, and with the right plural."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from appliance.core import texts
from appliance.core.texts import ids, languages, plural, say

FOLDER = Path(texts.__file__).parent / "texts"
PLACE = re.compile(r"\{(\w+)\}")


def entries(lang: str) -> dict[str, object]:
    return tomllib.loads((FOLDER / f"{lang}.toml").read_text("utf-8"))


def phrasings(entry: object) -> list[str]:
    match entry:
        case str():
            return [entry]
        case list():
            return entry
        case dict():
            return list(entry.values())
    raise AssertionError(entry)


def test_eight_languages_speak() -> None:
    assert set(languages()) == {"ru", "en", "kk", "uz", "tr", "de", "uk", "zh"}


@pytest.mark.parametrize("lang", languages())
def test_every_language_has_every_sentence(lang: str) -> None:
    assert ids(lang) == ids("en")


@pytest.mark.parametrize("lang", languages())
def test_sentences_have_the_same_places_in_every_language(lang: str) -> None:
    for id, entry in entries(lang).items():
        wanted = {place for text in phrasings(entries("en")[id]) for place in PLACE.findall(text)}
        for text in phrasings(entry):
            assert text.strip() and set(PLACE.findall(text)) == wanted, (lang, id, text)


@pytest.mark.parametrize("lang", languages())
def test_plural_forms_cover_the_languages_numbers(lang: str) -> None:
    needed = {plural(n, lang) for n in range(200)}
    for id, entry in entries(lang).items():
        if isinstance(entry, dict):
            assert needed | {"other"} <= entry.keys(), (lang, id)


@pytest.mark.parametrize(
    ("n", "sentence"),
    [
        (1, "Нашёлся 1 товар:"),
        (2, "Нашлось 2 товара:"),
        (5, "Нашлось 5 товаров:"),
        (11, "Нашлось 11 товаров:"),
        (21, "Нашёлся 21 товар:"),
        (112, "Нашлось 112 товаров:"),
        ("1.5", "Нашлось 1.5 товара:"),
    ],
)
def test_russian_counts_as_russians_do(n: object, sentence: str) -> None:
    assert say("found", "ru", n=n) == sentence


def test_other_languages_count_by_their_own_rules() -> None:
    assert (say("found", "en", n=1), say("found", "en", n=2)) == ("I found 1 product:", "I found 2 products:")
    assert [plural(n, "pl") for n in (1, 2, 5, 22, 12)] == ["one", "few", "many", "few", "many"]
    assert [plural(n, "uk") for n in (1, 3, 11, 21)] == ["one", "few", "many", "one"]
    assert plural(1, "zh") == "other"


def test_phrasings_take_turns() -> None:
    said = {say("greeting", "ru", turn=turn) for turn in range(6)}
    assert len(said) == 3


def test_an_unknown_language_is_answered_in_english() -> None:
    assert say("bye", "xx") == say("bye", "en")
    assert say("bye", "../../secret") == say("bye", "en")


def test_a_value_with_braces_is_left_alone() -> None:
    assert say("asked", "en", words="{price} {0.__class__}") == "You asked for: {price} {0.__class__}"


def test_a_missing_value_or_sentence_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("asked", "en")
    with pytest.raises(KeyError):
        say("no such sentence", "en")
