"""What customers ask in Turkish, Uzbek, Kazakh, Chinese, German and Ukrainian is found in a Russian catalogue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from catalog.glossary import spaced, translate
from catalog.normalize import fold, scan
from catalog.normalize.endings import root
from catalog.snapshot import Snapshot
from catalog.understand import understand
from models.packaged import PackagedEmbedder
from tests.eval._own import own_goods
from tests.eval.search import opened

ROWS = 1500  # of the sample: each kind of its goods, and soon built
MISSED, TAKEN = 0.03, 0.04  # shares of errors: the small sample lacks some sizes, and a pram is a kind of cart
EMBEDDER = PackagedEmbedder()
LINES = [
    line.split("\t") for line in (Path(__file__).parents[1] / "sets/search_tongues.tsv").read_text("utf-8").splitlines()
]
SOLD = [(text, wanted.split("|")) for mark, _, text, *rest in LINES if mark == "+" for wanted in rest]
ABSENT = [text for mark, _, text, *_ in LINES if mark == "-"]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    shelf, _ = asyncio.run(opened(own_goods(ROWS), tmp_path_factory.mktemp("shelf")))
    current = shelf.current()
    assert current is not None
    yield current
    shelf.close()


def found(snapshot: Snapshot, text: str) -> str:
    """The folded name of what comes first; empty when nothing is found."""
    prepared = snapshot.prepare(text)
    hits = snapshot.search(prepared, {EMBEDDER.name: EMBEDDER.encode(prepared.texts)}).hits
    return fold(hits[0].product.name) if hits else ""


@pytest.mark.timeout(300)
def test_what_is_sold_is_found_in_each_language_and_its_kind_comes_first(snapshot: Snapshot) -> None:
    firsts = [(text, found(snapshot, text), wanted) for text, wanted in SOLD]
    assert len(SOLD) >= 150
    missed = [(text, first) for text, first, wanted in firsts if not any(word in first for word in wanted)]
    assert len(missed) <= MISSED * len(SOLD), missed


@pytest.mark.timeout(300)
def test_what_is_not_sold_is_refused_in_each_language(snapshot: Snapshot) -> None:
    assert len(ABSENT) >= 50
    taken = [(text, first) for text in ABSENT if (first := found(snapshot, text))]
    assert len(taken) <= TAKEN * len(ABSENT), taken


@pytest.mark.timeout(300)
def test_reading_a_message_takes_a_moment(snapshot: Snapshot) -> None:
    times = []
    for text, _ in SOLD:
        begun = time.thread_time()
        snapshot.prepare(text)
        times.append((time.thread_time() - begun) * 1000)
    assert median(times) < 1.5


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("dalgıç pompa lazım", "dalgic pompa"),
        ("kaynak makinesi var mı?", "kaynak makinesi"),
        ("matkap fiyatları ne kadar", "matkap"),
        ("nasos narxi qancha", "nasos"),
        ("насос керак эди", "насос"),
        ("қозон нархи қанча", "қозон"),
        ("сорғы керек еді", "сорғы"),
        ("我需要一台潜水泵", "潜水泵"),
        ("请问有电焊机吗?", "电焊机"),
        ("Kühlschrank gesucht", "kuhlschrank"),
        ("чи є у вас генератори", "генератори"),
    ],
)
def test_politeness_is_not_searched(text: str, left: str) -> None:
    assert understand(text).text == left


@pytest.mark.parametrize(
    ("language", "word", "stem"),
    [
        ("tr", "kompresorlerimizin", "kompresor"),
        ("tr", "matkabi", "matkap"),
        ("uz", "nasoslarining", "nasos"),
        ("uz", "совутгичлар", "sovutgich"),
        ("kk", "сорғыларының", "сорғы"),
    ],
)
def test_endings_that_pile_up_are_cut(language: str, word: str, stem: str) -> None:
    assert root(word, language) == root(stem, language)


def test_chinese_is_parted_at_the_longest_known_words() -> None:
    assert spaced("100升空压机") == "100 升 空压机"
    assert spaced("不锈钢离心泵dn50") == "不锈钢 离心 泵 dn50"
    assert spaced("насос 5 кВт") == "насос 5 кВт"


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("5千瓦", "power", 5000),
        ("380伏", "voltage", 380),
        ("100升", "volume", 100),
        ("2立方", "volume", 2000),
        ("50毫米", "length", 50),
        ("24 kVt", "power", 24000),
        ("3 kub", "volume", 3000),
        ("2 metreküp", "volume", 2000),
        ("80 litr", "volume", 80),
    ],
)
def test_units_are_read_in_each_language(text: str, dimension: str, value: float) -> None:
    assert [(one.dimension, one.low) for one in scan(text)] == [(dimension, value)]


def test_a_trait_that_goods_have_unnamed_is_not_missed_and_the_goods_are_told_first() -> None:
    glossed = translate("endüstriyel dalgıç pompa")
    assert glossed.language == "tr" and glossed.text.startswith("насос")
    assert "насос" in glossed.groups[0] and len(glossed.groups) == 2
