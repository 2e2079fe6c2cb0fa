"""The search finds what people mean, filters where they are sure, and says honestly when there is nothing."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import build
from catalog.lanes import postings
from catalog.lanes.postings import Postings, singles
from catalog.lanes.words import K1, WordsLane
from catalog.product import Attribute, Product
from catalog.ragged import numbered
from catalog.snapshot import Found, Snapshot
from catalog.wish import Limit, Wish
from models.packaged import PackagedEmbedder


def product(sku: str, name: str, price: int | None = None, **more: object) -> Product:
    money = None if price is None else Decimal(price)
    return Product(sku=sku, name=name, price=money, currency="RUB" if price else "", **more)  # type: ignore[arg-type]


GOODS = [
    product("N-100", "Насос дренажный погружной 3 кВт 380 В", 45000, brand="Аквилон", stock=Decimal(2)),
    product("N-101", "Насос дренажный погружной 1,5 кВт 220 В", 25000, brand="Аквилон", stock=Decimal(0)),
    product("N-200", "Насос циркуляционный 0,1 кВт 220 В", 9000, brand="Гидрон", stock=Decimal(5)),
    product("K-7", "Компрессор поршневой 10 бар 2,2 кВт 100 л", 38000, stock=Decimal(1)),
    product("K-8", "Компрессор винтовой 8 бар 15 кВт", 380000),
    product("6205-2RS", "Подшипник шариковый 6205-2RS", 350, brand="Ролла"),
    product("6204-ZZ", "Подшипник шариковый 6204-ZZ", 300, brand="Ролла"),
    product("NKI-20", "Подшипник роликовый игольчатый 20х32 мм", 700),
    product("CB-3C16", "Miniature circuit breaker 3P - C - 16 ampere", 1200, brand="Volta", lang="en"),
    product("CB-1C16", "Miniature circuit breaker 1P - C - 16 ampere", 400, brand="Volta", lang="en"),
    product("CB-3B16", "Miniature circuit breaker 3P - B - 16 ampere", 1250, brand="Volta", lang="en"),
    product("PIPE-50", "Труба стальная, номинальный диаметр 50 мм", 900),
    product("PIPE-80", "Труба стальная, номинальный диаметр 80 мм", 1500),
    product("BOLT-8", "Болт М8х60 оцинкованный", 12),
    product(
        "FAN-1",
        "Вентилятор осевой",
        7000,
        attributes=(Attribute(name="Мощность", text="2,2 кВт", number=Decimal(2200), unit="w"),),
    ),
    *(product(f"X-{number}", f"Кабель силовой ВВГнг {number}х2,5 мм2", 100 + number) for number in range(1, 41)),
]


class Counter:
    """A snapshot with the packaged embedder: asks as the shelf does."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot, self.embedder = snapshot, PackagedEmbedder()

    def ask(self, wish: Wish | str, limit: int = 10) -> Found:
        prepared = self.snapshot.prepare(wish)
        return self.snapshot.search(prepared, {self.embedder.name: self.embedder.encode(prepared.texts)}, limit=limit)

    def first(self, wish: Wish | str) -> str:
        found = self.ask(wish)
        assert found.hits, f"nothing was found, near: {[hit.product.sku for hit in found.near]}"
        return found.hits[0].product.sku


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Counter:
    folder = tmp_path_factory.mktemp("version")
    embedder = PackagedEmbedder()
    vectors = embedder.encode([build.text_to_embed(one) for one in GOODS])
    build.write(folder, GOODS, {embedder.name: vectors}, about={"version": "one", "source": "test"})
    return Counter(Snapshot.open(folder, embedders=[embedder.name]))


@pytest.mark.parametrize(
    ("query", "sku"),
    [
        ("насос 3 квт 380", "N-100"),
        ("насос 3000 вт", "N-100"),
        ("дренажный насос 1500 w", "N-101"),
        ("yfcjc wbhrekzwbjyysq", "N-200"),
        ("nasos tsirkulyatsionny", "N-200"),
        ("насос циркуляцоинный", "N-200"),
        ("подшипник 6205-2RS", "6205-2RS"),
        ("6205 2rs", "6205-2RS"),
        ("подшипник 6205-2рс", "6205-2RS"),
        ("сколько стоит 6204ZZ с ндс", "6204-ZZ"),
        ("needle roller bearing", "NKI-20"),
        ("автомат 3 полюса 16А характеристика С", "CB-3C16"),
        ("автоматический выключатель 3P B16", "CB-3B16"),
        ("circulation pump", "N-200"),
        ("циркуляційний насос", "N-200"),
        ("труба ду50", "PIPE-50"),
        ("труба dn 80", "PIPE-80"),
        ("труба 5 см", "PIPE-50"),
        ("болт м8", "BOLT-8"),
    ],
)
def test_what_is_meant_comes_first(counter: Counter, query: str, sku: str) -> None:
    assert counter.first(query) == sku


def test_a_code_is_exact_and_says_so(counter: Counter) -> None:
    hit = counter.ask("6205-2RS").hits[0]
    assert hit.exact and "code" in hit.reasons


@pytest.mark.parametrize(("query", "corrected"), [("yfcjc", "насос"), ("насоц", "насос"), ("kompressor", "компрессор")])
def test_a_correction_is_told(counter: Counter, query: str, corrected: str) -> None:
    assert counter.ask(query).corrected == corrected


@pytest.mark.parametrize("query", ["насос", "6205-2RS", "CB-3C16", "насос 3 квт", "N-100"])
def test_what_is_known_is_not_corrected(counter: Counter, query: str) -> None:
    assert counter.ask(query).corrected == ""


@pytest.mark.parametrize(
    ("query", "skus"),
    [
        ("насос до 30000 руб", {"N-101", "N-200"}),
        ("компрессор не менее 10 бар", {"K-7"}),
        ("насос от 1 до 2 квт", {"N-101"}),
        ("насос в наличии", {"N-100", "N-200"}),
        ("вентилятор не менее 2 квт", {"FAN-1"}),
    ],
)
def test_a_sure_limit_filters(counter: Counter, query: str, skus: set[str]) -> None:
    found = {
        hit.product.sku for hit in counter.ask(query).hits if hit.product.name.split()[0].lower() == query.split()[0]
    }
    assert found == skus


def test_every_hit_keeps_every_limit(counter: Counter) -> None:
    hits = counter.ask("насос до 30000 руб в наличии", limit=50).hits
    assert hits
    assert all(hit.product.price and hit.product.price <= 30000 and hit.product.stock for hit in hits)


def test_a_limit_that_leaves_nothing_is_given_up_and_told(counter: Counter) -> None:
    found = counter.ask("насос не менее 900 бар")
    assert found.dropped == ("pressure",)
    assert [hit.product.sku for hit in (*found.hits, *found.near)]


def test_money_of_another_currency_is_not_compared(counter: Counter) -> None:
    assert counter.ask("насос до 500 usd").dropped == ("price",)


def test_limits_alone_find_the_rows_that_keep_them(counter: Counter) -> None:
    found = counter.ask(Wish(text="", limits=(Limit(what="pressure", unit="bar", low=Decimal(9)),)))
    assert [hit.product.sku for hit in found.hits] == ["K-7"]


def test_the_cheapest_comes_first_when_asked(counter: Counter) -> None:
    prices = [hit.product.price for hit in counter.ask("насос подешевле").hits]
    assert prices == sorted(prices, key=lambda price: price or 0) and prices[0] == 9000


def test_brands_are_chosen_and_left_out(counter: Counter) -> None:
    assert {hit.product.brand for hit in counter.ask(Wish(text="насос", brand="гидрон")).hits} == {"Гидрон"}
    assert "Аквилон" not in {hit.product.brand for hit in counter.ask(Wish(text="насос", not_brand="Аквилон")).hits}


@pytest.mark.parametrize(
    "query", ["билет на самолёт", "пицца", "iPhone 15", "pizza", "свадебное платье", "асдфг йцукен"]
)
def test_what_is_not_sold_is_not_found(counter: Counter, query: str) -> None:
    found = counter.ask(query)
    assert found.none and not found.hits


@pytest.mark.parametrize(
    "query", ["насос для дачи", "подшипник для стиральной машины", "какой-нибудь компрессор", "bearing"]
)
def test_what_fits_in_part_is_not_refused(counter: Counter, query: str) -> None:
    assert not counter.ask(query).none


@pytest.mark.parametrize(
    "query", ["", " ", "?!", "\x00\u202e", "9" * 10_000, "насос " * 2000, "3 кВт " * 1000, "-" * 10_000]
)
def test_strange_queries_are_answered(counter: Counter, query: str) -> None:
    counter.ask(query)


@settings(max_examples=60, deadline=5000)
@given(query=st.text(max_size=200))
def test_no_query_breaks_the_search(counter: Counter, query: str) -> None:
    counter.ask(query)


def test_a_thousand_limits_are_answered(counter: Counter) -> None:
    limits = tuple(Limit(what="length", unit="mm", low=Decimal(at)) for at in range(1000))
    counter.ask(Wish(text="труба", limits=limits))


def test_many_threads_get_the_answers_of_one(counter: Counter) -> None:
    queries = ["насос 3 квт", "подшипник", "труба ду50", "автомат 3 полюса 16А"] * 10
    prepared = [(one, counter.embedder.encode(one.texts)) for one in map(counter.snapshot.prepare, queries)]

    def ask(one: tuple[object, object]) -> list[str]:
        found = counter.snapshot.search(one[0], {counter.embedder.name: one[1]})  # type: ignore[arg-type, dict-item]
        return [hit.product.sku for hit in found.hits]

    alone = [ask(one) for one in prepared]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, prepared)) == alone


def test_the_words_lane_is_bm25_as_its_reference_has_it(tmp_path: Path) -> None:
    bm25s = pytest.importorskip("bm25s")
    documents = [
        f"{a} {b} {c}".split() for a in ("pump", "fan") for b in ("big", "big small") for c in ("red", "blue blue", "")
    ]
    WordsLane.build(tmp_path, "words", *numbered(documents))
    ours = WordsLane(tmp_path, "words", size=len(documents)).find({"pump": 1.0, "blue": 1.0}, 5)
    reference = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
    reference.index(documents, show_progress=False)
    every = ours.of(np.arange(len(documents), dtype=np.int32))
    assert np.allclose(every / (K1 + 1), reference.get_scores(["pump", "blue"]), rtol=2e-3)  # Lucene leaves k1 + 1 out


def test_the_best_rows_come_in_order_and_ties_by_row(tmp_path: Path) -> None:
    weights = np.array([0, 2, 5, 2, 0, 1], dtype=np.float32)
    Postings.write(tmp_path, "lane", np.zeros(6, dtype=np.int64), np.arange(6, dtype=np.int32), weights, 1)
    lane = Postings(tmp_path, "lane")
    assert lane.find({0: 1.0}, 3, size=6, budget=100, allowed=None).best.tolist() == [2, 1, 3]
    few = np.array([True, True, False, True, True, True])
    assert lane.find({0: 1.0}, 3, size=6, budget=100, allowed=few).best.tolist() == [1, 3, 5]


@pytest.mark.parametrize("terms", [1, 3, 12])
@pytest.mark.parametrize("filtered", [False, True])
def test_long_lists_are_left_unread_and_the_best_rows_and_their_scores_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terms: int, filtered: bool
) -> None:
    monkeypatch.setattr(postings, "LONG", 50)
    size, dice = 1000, np.random.default_rng(terms)
    shares = dice.permutation(np.geomspace(0.02, 0.9, terms))
    rows = [np.flatnonzero(dice.random(size) < share).astype(np.int32) for share in shares]
    weights = [(dice.random(len(part)) / len(part)).astype(np.float32) for part in rows]
    numbers = np.repeat(np.arange(terms), [len(part) for part in rows])
    Postings.write(tmp_path, "lane", numbers, np.concatenate(rows), np.concatenate(weights), terms)
    allowed = dice.random(size) < 0.5 if filtered else None

    found = Postings(tmp_path, "lane").find(
        dict.fromkeys(range(terms), 2.0), 20, size=size, budget=10**9, allowed=allowed
    )

    plain = np.zeros(size, dtype=np.float32)
    for part, values in zip(rows, weights, strict=True):
        plain[part] += 2 * values.astype(np.float16).astype(np.float32)
    if allowed is not None:
        plain[~allowed] = 0
    expected = np.lexsort((np.arange(size), -plain))[: min(20, np.count_nonzero(plain))]
    assert np.allclose(plain[found.best], plain[expected], rtol=1e-5)
    some = np.sort(found.best)
    assert np.allclose(found.of(some), plain[some], rtol=1e-5)
    assert terms < 12 or found.rest, "with rare words first, the commonest need not be read"


def test_half_precision_becomes_single_precision_bit_by_bit() -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    assert np.array_equal(singles(finite), finite.astype(np.float32))
