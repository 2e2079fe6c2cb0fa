"""The widget's interface texts are complete in its eight languages, and the built files are those of the sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.core.texts import languages

WIDGET = Path(__file__).parents[2] / "ui" / "widget"
LANGUAGES = ["de", "en", "kk", "ru", "tr", "uk", "uz", "zh"]


def texts(lang: str) -> dict[str, str]:
    return dict(json.loads((WIDGET / "src" / "texts" / f"{lang}.json").read_text("utf-8")))


def test_there_are_as_many_languages_as_the_house_has_texts_in() -> None:
    assert sorted(path.stem for path in (WIDGET / "src" / "texts").glob("*.json")) == LANGUAGES == list(languages())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_is_there_in_the_same_order_and_no_two_languages_say_the_same(lang: str) -> None:
    own, english = texts(lang), texts("en")
    assert list(own) == list(english) and all(text.strip() == text and text for text in own.values())
    if lang != "en":
        assert sum(own[key] == english[key] for key in own) == 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_built_texts_are_those_of_the_source(lang: str) -> None:
    (built,) = (WIDGET / "static").glob(f"{lang}-*.json")
    assert json.loads(built.read_text("utf-8")) == list(texts(lang).values())


def test_the_built_loader_names_the_built_panel() -> None:
    (panel,) = (WIDGET / "static").glob("panel-*.js")
    version = panel.stem.removeprefix("panel-")
    loader = (WIDGET / "static" / "loader.js").read_text("utf-8")
    assert f"panel-{version}.js" in loader and f"-{version}.json" in loader


def test_the_lock_file_names_no_registry_but_has_every_hash() -> None:
    lock = json.loads((WIDGET / "package-lock.json").read_text("utf-8"))
    packages = {name: about for name, about in lock["packages"].items() if name}
    assert packages and all("resolved" not in about and about["integrity"] for about in packages.values())
    assert not json.loads((WIDGET / "package.json").read_text("utf-8")).get("dependencies")
