"""The fixer reads an unknown word in the same way each time, whatever the process."""

from pathlib import Path

import pytest

from catalog.fixer import Fixer
from catalog.naming import Names
from catalog.query import prepare
from catalog.wish import Wish


def test_equally_likely_words_keep_one_order(tmp_path: Path) -> None:
    counts = dict.fromkeys(("насос", "насец", "наооц", "ннсоц"), 7)  # each shares another form with the slip
    Fixer.build(tmp_path, counts)
    fixed = Fixer(tmp_path, frequency=lambda word: counts.get(word, 0)).fix("насоц")
    assert fixed.text == "наооц"
    assert [other for _, other in fixed.readings] == ["наооц", "насец", "насос", "ннсоц"]


def test_the_more_frequent_word_is_likelier(tmp_path: Path) -> None:
    counts = {"насец": 7, "насос": 8}
    Fixer.build(tmp_path, counts)
    assert Fixer(tmp_path, frequency=lambda word: counts.get(word, 0)).fix("насоц").text == "насос"


KNOWN = """
насос дренажный принадлежности чернила щитовой шуруп противопожарное наружный комплект электропривод влажные
гидрокостюмы мото блок wall paper цилиндр cleaning tank для
"""
WORDS = dict.fromkeys(KNOWN.split(), 20)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("насосдренажный", "насос дренажный"),  # a space forgotten
        ("мотоблок wallpaper", "мотоблок wallpaper"),  # whole words of their languages
        ("насосдля", "насосдля"),  # too short
        ("принадлежн ости для", "принадлежности для"),  # a space too many
        ("tank cle aning", "tank cleaning"),
        ("4ernila", "чернила"),  # the habits of telephones
        ("6urup", "шуруп"),
        ("wit", "wit"),  # too short to be read by them
        ("naruschnyj zilindr", "наружный цилиндр"),  # of Germans
        ("proitvopozharnoe", "противопожарное"),  # Latin letters and a slip
        ("элехзктропривод", "электропривод"),  # two letters too many, in one place
        ('DKF:YST UBLHJRJCN>VS', "влажные гидрокостюмы"),  # the other layout, with Caps Lock
        ("компл. насос", "комплект насос"),  # an abbreviation
        ("компл насос", "компл насос"),  # without its dot it may be anything
        ("компл. насос цилиндр шуруп для", "компл. насос цилиндр шуруп для"),  # enough other words
        ("насос для 6ed1055", "насос для 6ed1055"),  # a code is not read
    ],
)  # fmt: skip
def test_what_customers_write_is_read_as_they_meant_it(tmp_path: Path, written: str, meant: str) -> None:
    Fixer.build(tmp_path, WORDS)
    assert Fixer(tmp_path, frequency=lambda word: WORDS.get(word, 0)).fix(written).text == meant


def test_a_space_is_no_guess_and_a_slip_is_one(tmp_path: Path) -> None:
    Fixer.build(tmp_path, WORDS)
    fixer = Fixer(tmp_path, frequency=lambda word: WORDS.get(word, 0))
    assert fixer.fix("насосдренажный").guessed == 0
    assert fixer.fix("дренаржный").guessed == 1


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("есть VT15O13810?", "vt15013810"),  # a letter for the figure that looks like it
        ("CP138l6O1", "cp1381601"),
        ("2свы284001к0201", "2cds284001r0201"),  # the other layout
    ],
)
def test_a_code_is_known_by_its_look(tmp_path: Path, written: str, meant: str) -> None:
    assert meant in codes(tmp_path, written, known={meant})


def test_a_code_that_is_known_as_it_stands_is_not_misread(tmp_path: Path) -> None:
    assert "vt15013810" not in codes(tmp_path, "VT15O13810", known={"vt15o13810", "vt15013810"})


def test_a_short_code_is_no_other_by_chance(tmp_path: Path) -> None:
    assert "v200" not in codes(tmp_path, "бетон м200", known={"v200"})


def codes(folder: Path, text: str, *, known: set[str]) -> set[str]:
    """What is looked up as an article number."""
    Fixer.build(folder, WORDS)
    fixer = Fixer(folder, frequency=lambda word: WORDS.get(word, 0))
    wish = Wish(text=text)
    prepared = prepare(wish, fixer=fixer, names=Names([], []), is_code=lambda code: code in known, version="")
    return {code for code, _ in prepared.codes}
