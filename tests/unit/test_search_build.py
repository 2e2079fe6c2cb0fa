"""A version is built from what earlier ones know, equal to one built from nothing; heavier lanes join it later."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from catalog import build, digest
from catalog.normalize import Quantity
from catalog.product import Attribute, Product
from catalog.ranking import NAMES, PAIRED
from catalog.shelf import Shelf
from catalog.vectors import Spool
from models.base import ModelUnavailable, Vectors


class Letters:
    """An embedder that counts letters: real vectors, the same for a text whatever it is embedded with."""

    dimensions = 32

    def __init__(self, name: str = "letters", *, fails_after: int = 1 << 30) -> None:
        self.name, self.count, self._fails_after = name, 0, fails_after

    async def embed(self, texts: Sequence[str], *, kind: Literal["query", "passage"]) -> Vectors:
        if self.count + len(texts) > self._fails_after:
            raise ModelUnavailable("It was switched off.")
        self.count += len(texts)
        vectors = np.ones((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                vectors[row, ord(letter) % self.dimensions] += 1
        normalised: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised


def goods(count: int = 300) -> list[Product]:
    kinds = ("Насос дренажный", "Компрессор винтовой", "Circuit breaker 3P", "Подшипник шариковый", "Труба ⌀")
    return [
        Product(
            sku=f"A-{number}/{number % 7}",
            name=f"{kinds[number % 5]} {number % 40 / 10} кВт 6205-{number % 11}RS",
            names=(("en", f"Pump {number}"),) if number % 3 == 0 else (),
            brand=("Аквилон", "Volta", "")[number % 3],
            category="Насосы" if number % 2 else "",
            price=Decimal(100 + number),
            currency="RUB",
            attributes=(Attribute(name="Напряжение, В", text=str(200 + number % 20)),) if number % 4 == 0 else (),
            row=number + 2,
        )
        for number in range(count)
    ]


def edited(products: list[Product]) -> list[Product]:
    """Some rows gone, some new, one renamed, prices changed, all in another order."""
    changed = [replace(product, price=Decimal(7), row=product.row + 1) for product in products[5:]]
    changed[10] = replace(changed[10], name="Ёмкость 3 м³ Ду50")
    new = [Product(sku=f"NEW-{number}", name=f"Тепловая завеса {number} кВт") for number in range(4)]
    return [*new, *reversed(changed)]


def files(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    del found["manifest.json"]  # names the version and the moment
    return found


def unfinished(root: Path) -> list[Path]:
    return [*root.glob(".joining-*"), *root.glob(".building-*")]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "versions", embedders=[Letters()])


async def test_a_build_that_takes_over_equals_one_from_nothing_to_the_byte(shelf: Shelf, tmp_path: Path) -> None:
    await shelf.add(goods(), source="before")
    after = await shelf.add(edited(goods()), source="after")
    alone = await Shelf(tmp_path / "alone", embedders=[Letters()]).add(edited(goods()), source="after")
    ours, theirs = files(tmp_path / "versions" / after.name), files(tmp_path / "alone" / alone.name)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


async def test_only_what_changed_is_worked_out_again(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    await shelf.add(goods(), source="before")
    worked: list[str] = []
    strings = digest._strings

    def noted(product: Product, own: list[Quantity]) -> object:
        worked.append(product.sku)
        return strings(product, own)

    monkeypatch.setattr(digest, "_strings", noted)
    await shelf.add(edited(goods()), source="after")
    assert sorted(worked) == ["A-15/1", "NEW-0", "NEW-1", "NEW-2", "NEW-3"]


async def test_what_another_release_worked_out_is_not_taken_over(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await shelf.add(goods(20), source="before")
    assert digest.Digest.read(tmp_path / "versions" / before.name) is not None
    monkeypatch.setattr(digest, "rules", lambda: "another release's")
    assert digest.Digest.read(tmp_path / "versions" / before.name) is None


async def test_a_damaged_digest_only_costs_time(shelf: Shelf, tmp_path: Path) -> None:
    before = await shelf.add(goods(20), source="before")
    (tmp_path / "versions" / before.name / "digest" / "names.npy").write_bytes(b"torn")
    assert (await shelf.add(goods(20), source="after")).products == 20


async def test_equal_texts_are_embedded_once(tmp_path: Path) -> None:
    letters = Letters()
    same = [Product(sku=str(number), name="Болт М8") for number in range(9)]
    await Shelf(tmp_path, embedders=[letters]).add(same, source="one")
    assert letters.count == 1


async def test_a_heavier_lane_joins_the_live_version_by_itself(tmp_path: Path) -> None:
    light, heavy = Letters(), Letters("heavy")
    shelf = Shelf(tmp_path, embedders=[light], later=[heavy])
    first, second = [await shelf.add(goods(), source=source) for source in ("first", "second")]
    shelf.publish(first.name)
    shelf.publish(second.name)
    assert heavy.count == 0 and shelf.lacking() == ["heavy"]
    joined = await shelf.enrich()
    assert joined is not None and joined.live
    assert (joined.embedders, joined.origin) == (("letters", "heavy"), second.name)
    assert shelf.lacking() == [] and await shelf.enrich() is None
    found = await shelf.search("насос")
    assert found.version == joined.name and found.hits
    assert shelf.rollback() == first.name, "the way back leads to other goods, not to the same with a lane less"


async def test_a_lane_that_joined_adds_its_features_and_changes_no_other(tmp_path: Path) -> None:
    light, heavy = Letters(), Letters("heavy")
    shelf = Shelf(tmp_path, embedders=[light], later=[heavy])
    shelf.publish((await shelf.add(goods(), source="one")).name)
    await shelf.enrich()
    snapshot = shelf.current()
    assert snapshot is not None
    prepared = snapshot.prepare("насос дренажный")
    vectors = {one.name: await one.embed(prepared.texts, kind="query") for one in (light, heavy)}
    one, both = snapshot.candidates(prepared, {"letters": vectors["letters"]}), snapshot.candidates(prepared, vectors)
    assert one.names == NAMES and both.names == PAIRED
    assert one.rows.tolist() == both.rows.tolist(), "the two embedders are alike, so they bring the same rows"
    np.testing.assert_array_equal(both.features[:, : len(NAMES)], one.features)
    np.testing.assert_allclose(both.column("beside_z"), both.column("centred_z"), atol=1e-5)
    np.testing.assert_allclose(both.column("both_z"), 2 * both.column("centred_z"), atol=1e-5)


@pytest.mark.parametrize("fault", ["busy", "failing"])
async def test_a_customer_does_not_wait_for_a_lane_that_joined_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    class Fickle(Letters):
        fault = ""

        async def embed(self, texts: Sequence[str], *, kind: Literal["query", "passage"]) -> Vectors:
            if self.fault == "busy":
                await asyncio.sleep(60)
            if self.fault == "failing":
                raise ModelUnavailable("It was switched off.")
            return await super().embed(texts, kind=kind)

    monkeypatch.setattr("catalog.shelf.PATIENCE", 0.05)
    heavy = Fickle("heavy")
    shelf = Shelf(tmp_path, embedders=[Letters()], later=[heavy])
    shelf.publish((await shelf.add(goods(), source="one")).name)
    await shelf.enrich()
    heavy.fault = fault
    without = await shelf.search("насос")
    heavy.fault = ""
    both = await shelf.search("насос")
    assert without.hits and both.hits
    assert both is not without, "what lacked a lane is not remembered"
    assert (await shelf.search("насос")) is both


async def test_a_lane_that_was_joined_costs_the_next_version_only_its_new_texts(tmp_path: Path) -> None:
    heavy = Letters("heavy")
    shelf = Shelf(tmp_path, embedders=[Letters()], later=[heavy])
    shelf.publish((await shelf.add(goods(), source="first")).name)
    await shelf.enrich()
    before = heavy.count
    shelf.publish((await shelf.add(edited(goods()), source="second")).name)
    await shelf.enrich()
    assert heavy.count - before == 5


async def test_a_join_that_was_killed_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.vectors.CHUNK", 50)
    failing = Shelf(tmp_path, embedders=[Letters()], later=[Letters("heavy", fails_after=120)])
    failing.publish((await failing.add(goods(), source="first")).name)
    with pytest.raises(ModelUnavailable):
        await failing.enrich()
    heavy = Letters("heavy")
    shelf = Shelf(tmp_path, embedders=[Letters()], later=[heavy])
    joined = await shelf.enrich()
    assert joined is not None and heavy.count == len({build.text_to_embed(one) for one in goods()}) - 100
    assert unfinished(tmp_path) == []


async def test_a_join_does_not_undo_a_version_that_went_live_meanwhile(tmp_path: Path) -> None:
    class Slow(Letters):
        async def embed(self, texts: Sequence[str], *, kind: Literal["query", "passage"]) -> Vectors:
            shelf.publish(second.name)
            return await super().embed(texts, kind=kind)

    shelf = Shelf(tmp_path, embedders=[Letters()], later=[Slow("heavy")])
    first, second = [await shelf.add(goods(), source=source) for source in ("first", "second")]
    shelf.publish(first.name)
    assert await shelf.enrich() is None
    assert [one.name for one in shelf.versions() if one.live] == [second.name]
    assert len(shelf.versions()) == 2


async def test_only_one_process_joins(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, embedders=[Letters()], later=[Letters("heavy")])
    shelf.publish((await shelf.add(goods(), source="first")).name)
    assert sum(one is not None for one in await asyncio.gather(shelf.enrich(), shelf.enrich())) == 1


async def test_a_search_goes_on_when_the_heavier_embedder_does_not_answer(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, embedders=[Letters()], later=[Letters("heavy")])
    shelf.publish((await shelf.add(goods(), source="first")).name)
    await shelf.enrich()
    broken = Shelf(tmp_path, embedders=[Letters()], later=[Letters("heavy", fails_after=0)])
    assert (await broken.search("насос дренажный")).hits


def test_a_torn_record_of_a_spool_is_cut_off(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", dimensions=4)
    spool.append(np.array([1, 2], dtype=np.uint64), np.ones((2, 4), dtype=np.float16))
    (tmp_path / "spool").write_bytes((tmp_path / "spool").read_bytes()[:-3])
    spool.read()
    spool.append(np.array([3], dtype=np.uint64), np.zeros((1, 4), dtype=np.float16))
    keys, vectors = spool.read()
    assert keys.tolist() == [1, 3] and vectors.sum(axis=1).tolist() == [4, 0]
