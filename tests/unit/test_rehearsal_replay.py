"""The dress rehearsal on real versions: questions asked of both, links looked at, and the command that says it all."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from appliance.__main__ import main
from catalog.product import Product
from catalog.rehearsal import Goods, Replayed, reachable, rehearse, replay
from catalog.rehearsal.links import is_public
from catalog.shelf import Shelf
from catalog.snapshot import Snapshot

KINDS = ("Насос дренажный", "Клапан шаровой", "Подшипник роликовый", "Реле тепловое")
QUESTIONS = [f"{kind} {size}" for kind in ("насос", "клапан", "подшипник", "реле") for size in (3, 7, 11)]


def goods(price: int = 100, without: str = "нет такого") -> list[Product]:
    made = (
        Product(sku=f"G-{number}", name=f"{KINDS[number % 4]} модель {number}", price=Decimal(price), currency="RUB")
        for number in range(80)
    )
    return [one for one in made if without not in one.name]


async def version(root: Path, products: list[Product]) -> Snapshot:
    shelf = Shelf(root)
    try:
        return shelf.open((await shelf.add(products, source="price.xlsx")).name)
    finally:
        shelf.close()


async def test_the_same_version_gives_the_same_answers(tmp_path: Path) -> None:
    live = await version(tmp_path, goods())
    replayed = await replay(QUESTIONS, live, live, embedders={})
    assert len(replayed) == len(QUESTIONS) and all(one.old and one.kept == 1.0 for one in replayed)
    said = rehearse(Goods.of(live), Goods.of(live), replayed=replayed)
    assert said.verdict == "pass"
    assert said.figures["questions_kept"] == 1.0


async def test_questions_that_find_nothing_any_more_are_named(tmp_path: Path) -> None:
    live = await version(tmp_path / "a", goods())
    fresh = await version(tmp_path / "b", goods(without="Подшипник"))
    said = rehearse(Goods.of(fresh), Goods.of(live), replayed=await replay(QUESTIONS, live, fresh, embedders={}))
    emptied = next(finding for finding in said.findings if finding.id in ("answers_emptied", "answers_changed"))
    assert any("подшипник" in question for question in emptied.examples)


async def test_a_best_price_that_leaps_is_refused(tmp_path: Path) -> None:
    live, fresh = await version(tmp_path / "a", goods()), await version(tmp_path / "b", goods(price=250))
    said = rehearse(Goods.of(fresh), Goods.of(live), replayed=await replay(QUESTIONS, live, fresh, embedders={}))
    assert "answers_repriced" in {finding.id for finding in said.findings if finding.severity == "refuse"}


def test_few_questions_only_warn() -> None:
    empty = [Replayed(question=f"вопрос {number}", old=("A",), new=()) for number in range(3)]
    products = Goods(products=goods())
    assert rehearse(products, products, replayed=empty).verdict == "warn"
    assert rehearse(products, products, replayed=empty * 5).verdict == "refuse"


def test_another_currency_is_another_price() -> None:
    one = Replayed(
        question="насос", old=("A",), new=("A",), old_price=(Decimal(5), "RUB"), new_price=(Decimal(5), "USD")
    )
    assert one.repriced and not one.emptied


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:1/a.jpg", "http://10.0.0.1/a.jpg", "http://[::1]/a", "file:///etc", "x"]
)
def test_links_into_the_own_network_are_not_asked(link: str) -> None:
    assert reachable([link]) == {link: False}


def test_a_host_is_public_only_where_all_its_addresses_are() -> None:
    assert is_public("93.184.216.34")
    assert not is_public("192.168.1.1") and not is_public("localhost") and not is_public("a..b")


def table(path: Path, factor: int = 1, rows: int = 60) -> Path:
    lines = [f"A-{n};Насос {n} кВт;{(1000 + 13 * n) * factor};{n % 5}" for n in range(rows)]
    path.write_text("\n".join(["Артикул;Наименование;Цена, руб;Остаток", *lines]), encoding="utf-8")
    return path


def test_an_import_goes_live_only_when_the_rehearsal_lets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APPLIANCE_HOME", str(tmp_path / "home"))

    def run(*command: str) -> tuple[int, dict[str, object]]:
        capsys.readouterr()
        code = main(["catalog", *command, "--json"])
        return code, json.loads(capsys.readouterr().out)

    file = str(table(tmp_path / "price.csv"))
    code, first = run("import", file, "--publish")
    assert (code, first["published"]) == (0, True)

    table(tmp_path / "price.csv", factor=100)
    code, second = run("import", file, "--publish")
    assert (code, second["published"]) == (1, False)
    assert isinstance(second["rehearsal"], dict)
    assert "prices_tens" in {finding["id"] for finding in second["rehearsal"]["findings"]}

    asked = tmp_path / "asked.jsonl"
    asked.write_text('{"question": "насос 5 кВт"}\n{"query": "насос 7 кВт"}\n', encoding="utf-8")
    code, said = run("rehearse", str(second["version"]), "--questions", str(asked))
    assert (code, said["verdict"], said["against"]) == (1, "refuse", first["version"])
    assert isinstance(said["figures"], dict) and said["figures"]["questions"] == 2

    code, again = run("rehearse", str(second["version"]), "--against", str(second["version"]))
    assert (code, again["verdict"]) == (0, "pass")

    code, third = run("import", file, "--publish", "--force")
    assert (code, third["published"]) == (0, True)
