"""How far the first start is, in the words of the person who waits for it."""

from __future__ import annotations

import re

import pytest

from appliance.commands import catalog, models
from appliance.words import catalogue
from models.fetch import Step
from tests.rig import ROOT

NAMED = {
    "fetch": (ROOT / "models", r'Step\(what="(\w+)"'),
    "build": (ROOT / "catalog", r'(?:progress|tell)\("(\w+)", '),
}


@pytest.mark.parametrize("kind", NAMED)
def test_every_long_step_of_the_programs_has_words_for_people(kind: str) -> None:
    folder, pattern = NAMED[kind]
    named = {name for file in folder.rglob("*.py") for name in re.findall(pattern, file.read_text(encoding="utf-8"))}
    assert len(named) > 3
    assert {f"{kind}_{name}" for name in named} == {text for text in catalogue() if text.startswith(f"{kind}_")}


def test_a_download_and_a_build_are_told_in_russian(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    models._Telling()(Step(what="package", done=55_000_000, total=1_117_320_768))
    tell = catalog._teller()
    tell("embedding", 0.041)
    tell("embedding", 0.044)  # the same per cent is told once
    assert capsys.readouterr().err == "55 из 1\u00a0117 МБ, из каталога пакетов\nразбираю смысл товаров (4%)\n"
