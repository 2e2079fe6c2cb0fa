"""The sample shop's own words: complete in both languages, the same facts in both, and nobody's real address."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

COMPANY = Path(__file__).parents[2] / "appliance" / "sample" / "company"
TOPICS = ("about", "contacts", "delivery", "documents", "guarantee", "payment", "returns", "services")


def text(topic: str, lang: str) -> str:
    return (COMPANY / f"{topic}.{lang}.md").read_text(encoding="utf-8")


def figures(words: str) -> Counter[str]:
    """Every number, thousands joined and house style set aside."""
    joined = re.sub(r"(?<=\d)[\s ,](?=\d{3}\b)", "", words)
    return Counter(re.findall(r"\d+(?:[.:]\d+)?", joined))


def test_every_topic_is_told_in_russian_and_in_english_and_nothing_else_lies_there() -> None:
    assert {path.name for path in COMPANY.iterdir()} == {
        f"{topic}.{lang}.md" for topic in TOPICS for lang in ("ru", "en")
    }


@pytest.mark.parametrize("topic", TOPICS)
def test_both_languages_have_the_same_sections_and_the_same_figures(topic: str) -> None:
    russian, english = text(topic, "ru"), text(topic, "en")
    assert russian.count("\n## ") == english.count("\n## ") > 2
    if topic != "documents":  # Russian companies have one registration number more
        assert figures(russian) == figures(english)


def test_the_contact_data_can_belong_to_nobody() -> None:
    everything = "".join(path.read_text(encoding="utf-8") for path in COMPANY.iterdir())
    assert set(re.findall(r"\+\d[\d ()-]+\d", everything)) == {"+7 (000) 120-14-14", "+7 (000) 120-14-15"}
    mail = re.findall(r"[\w.]+@([\w.]*\w)", everything)
    assert mail and set(mail) == {"verstakino.example"}
    assert not re.search(r"https?://|www\.", everything)
