"""The fixer reads an unknown word in the same way each time, whatever the process."""

from pathlib import Path

from catalog.fixer import Fixer


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
