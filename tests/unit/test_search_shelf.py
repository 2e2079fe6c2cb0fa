"""The shelf: versions are built aside, switched in one step, taken back in one, and pruned."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from catalog.product import CatalogError, Product
from catalog.shelf import Shelf
from models.base import Vectors
from models.packaged import PackagedEmbedder

GOODS = [
    Product(
        sku="N-100",
        name="Насос дренажный 3 кВт 380 В",
        brand="Аквилон",
        price=Decimal(45000),
        currency="RUB",
        stock=Decimal(2),
    ),
    Product(
        sku="N-200",
        name="Насос циркуляционный 0,1 кВт 220 В",
        brand="Аквилон",
        price=Decimal(9000),
        currency="RUB",
        stock=Decimal(0),
    ),
    Product(
        sku="K-7", name="Компрессор поршневой 10 бар 2,2 кВт", price=Decimal(38000), currency="RUB", stock=Decimal(1)
    ),
    Product(sku="6205-2RS", name="Подшипник шариковый 6205-2RS", price=Decimal(350), currency="RUB"),
    Product(
        sku="CB-3C16",
        name="Miniature circuit breaker 3P C16",
        brand="Volta",
        price=Decimal(12),
        currency="EUR",
        lang="en",
    ),
]


class CountingEmbedder(PackagedEmbedder):
    """The packaged embedder, which also counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    async def embed(self, texts: Sequence[str], *, kind: Literal["query", "passage"]) -> Vectors:
        self.count += len(texts)
        return await super().embed(texts, kind=kind)


class OtherEmbedder:
    name, dimensions = "other", 4

    async def embed(self, texts: Sequence[str], *, kind: Literal["query", "passage"]) -> Vectors:
        return np.full((len(texts), 4), 0.5, dtype=np.float32)


@pytest.fixture(scope="module")
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def shelf(tmp_path: Path, embedder: CountingEmbedder) -> Shelf:
    return Shelf(tmp_path / "versions", embedders=[embedder])


async def test_a_version_is_seen_only_after_it_is_published(shelf: Shelf) -> None:
    version = await shelf.add(GOODS, source="price.xlsx", problems_count=2)
    assert shelf.current() is None
    with pytest.raises(CatalogError, match="import one"):
        await shelf.search("насос")
    shelf.publish(version.name)
    found = await shelf.search("насос 3 квт")
    assert found.version == version.name
    assert found.hits[0].product == GOODS[0]
    assert [(one.products, one.problems, one.source, one.live) for one in shelf.versions()] == [
        (5, 2, "price.xlsx", True)
    ]


async def test_a_roll_back_brings_the_version_before_to_every_reader(
    shelf: Shelf, tmp_path: Path, embedder: CountingEmbedder
) -> None:
    first = await shelf.add(GOODS, source="one")
    second = await shelf.add(GOODS[1:], source="two")
    shelf.publish(first.name)
    reader = Shelf(tmp_path / "versions", embedders=[embedder])
    assert (await reader.search("насос дренажный")).hits[0].product.sku == "N-100"
    shelf.publish(second.name)
    found = await reader.search("насос дренажный")
    assert found.version == second.name and "N-100" not in [hit.product.sku for hit in found.hits]
    assert shelf.rollback() == first.name
    assert (await reader.search("насос дренажный")).version == first.name
    with pytest.raises(CatalogError, match="no earlier version"):
        shelf.rollback()


async def test_only_changed_texts_are_embedded_again(shelf: Shelf, embedder: CountingEmbedder) -> None:
    await shelf.add(GOODS, source="one")
    before = embedder.count
    await shelf.add([*GOODS[:-1], Product(sku="NEW", name="Тепловая завеса 6 кВт")], source="two")
    assert embedder.count - before == 1


async def test_pruning_keeps_the_live_version_and_the_one_to_go_back_to(shelf: Shelf) -> None:
    names = [(await shelf.add(GOODS, source=str(number))).name for number in range(5)]
    shelf.publish(names[0])
    shelf.publish(names[1])
    assert shelf.prune(keep=1) == [names[2], names[3]]
    assert [one.name for one in shelf.versions()] == [names[0], names[1], names[4]]
    assert shelf.rollback() == names[0]


async def test_a_damaged_version_is_refused_and_the_live_one_stays(shelf: Shelf, tmp_path: Path) -> None:
    first, second = await shelf.add(GOODS, source="one"), await shelf.add(GOODS, source="two")
    shelf.publish(first.name)
    (tmp_path / "versions" / second.name / "names.json").write_text("[]")
    with pytest.raises(CatalogError, match="damaged"):
        shelf.publish(second.name)
    assert (await shelf.search("насос")).version == first.name


async def test_a_version_of_another_embedder_is_refused_with_what_to_do(shelf: Shelf, tmp_path: Path) -> None:
    version = await shelf.add(GOODS, source="one")
    shelf.publish(version.name)
    with pytest.raises(CatalogError, match="another embedding model"):
        Shelf(tmp_path / "versions", embedders=[OtherEmbedder()]).current()


async def test_a_build_that_fails_leaves_nothing_behind(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no products"):
        await shelf.add([], source="empty")
    assert list((tmp_path / "versions").iterdir()) == []


async def test_a_picture_is_stored_once_and_named_by_its_product(shelf: Shelf, tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(40)
    version = await shelf.add(GOODS, source="one", pictures={"N-100": picture, "N-200": picture, "K-7": b"no picture"})
    snapshot = shelf.open(version.name)
    first, second, third = (snapshot.product(sku) for sku in ("N-100", "N-200", "K-7"))
    assert first and second and third
    assert first.photo == second.photo and third.photo == ""
    assert (tmp_path / "versions" / version.name / first.photo).read_bytes() == picture


async def test_frequent_searches_are_remembered_until_the_version_changes(shelf: Shelf) -> None:
    first = await shelf.add(GOODS, source="one")
    shelf.publish(first.name)
    one = await shelf.search("насос")
    assert await shelf.search("насос") is one
    assert (shelf.cache.hits, shelf.cache.misses, shelf.cache.rate) == (1, 1, 0.5)
    second = await shelf.add(GOODS, source="two")
    shelf.publish(second.name)
    assert (await shelf.search("насос")).version == second.name


async def test_the_pointer_is_never_half_written(shelf: Shelf, tmp_path: Path) -> None:
    version = await shelf.add(GOODS, source="one")
    shelf.publish(version.name)
    assert json.loads((tmp_path / "versions" / "live.json").read_text()) == {"versions": [version.name]}
    assert [path.name for path in (tmp_path / "versions").glob("*.new")] == []
