"""The dress rehearsal: what a slip does to a price list is refused, what a month does to it is not."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import catalog.rehearsal
from catalog.product import Attribute, Product
from catalog.rehearsal import Goods, Verdict, import_report, rehearse
from catalog.rehearsal.statistics import power_of_ten, surely
from catalog.workbook import read

FOLDER = Path(catalog.rehearsal.__file__).parent
KINDS = ("Насос центробежный", "Клапан шаровой", "Подшипник роликовый", "Реле тепловое", "Шланг напорный")
MAKERS = ("Аквилон", "Тавринд", "Volta")


def product(number: int) -> Product:
    kind, maker = KINDS[number % 5], MAKERS[number % 3]
    power = Decimal(number % 7 + 1)
    return Product(
        sku=f"{kind[0]}-{1000 + number}",
        name=f"{kind} {maker} серии {number % 11}, {number} мм",
        names=(("en", f"Part {number}"),),
        description=f"{kind} для систем отопления и водоснабжения, исполнение {number % 4}.",
        category=kind.split()[0],
        brand=maker,
        price=Decimal(100 + (number * 7919) % 9000) + Decimal("0.50") * (number % 2),
        currency="RUB",
        stock=Decimal(number % 6),
        unit="м" if number % 5 == 4 else "шт",
        attributes=(
            Attribute(name="Мощность, кВт", text=str(power), number=power * 1000, unit="w"),
            Attribute(name="Материал", text=("сталь", "латунь")[number % 2]),
        ),
        photo=f"photos/{number % 50}.webp",
        source="price.xlsx",
        row=number + 2,
    )


GOODS = [product(number) for number in range(600)]
LIVE = Goods(products=GOODS, version="live")


def verdict(products: list[Product], **more: object) -> Verdict:
    return rehearse(Goods(products=products, version="new", **more), LIVE)  # type: ignore[arg-type]


def each(**change: Callable[[Product], object]) -> list[Product]:
    return [replace(one, **{name: make(one) for name, make in change.items()}) for one in GOODS]  # type: ignore[arg-type]


def refusals(said: Verdict) -> set[str]:
    return {finding.id for finding in said.findings if finding.severity == "refuse"}


def test_the_same_goods_again_pass() -> None:
    said = verdict(list(GOODS))
    assert (said.verdict, said.findings) == ("pass", ())
    assert said.figures["price_ratio_median"] == 1.0


@pytest.mark.parametrize("percent", [1, 5, 10])
def test_a_rise_of_prices_passes(percent: int) -> None:
    said = verdict(each(price=lambda one: round(one.price * (100 + percent) / 100, 2)))  # type: ignore[operator]
    assert said.verdict == "pass"


def test_spaces_and_case_make_no_other_goods() -> None:
    said = verdict(each(sku=lambda one: f" {one.sku.lower()} ", name=lambda one: one.name.upper()))
    assert said.verdict == "pass"
    assert said.figures["vanished"] == 0


def test_a_sale_of_one_group_only_warns() -> None:
    pumps = [replace(p, price=p.price * Decimal("0.8")) if p.category == "Насос" else p for p in GOODS if p.price]
    assert verdict(pumps).verdict == "warn"


@pytest.mark.parametrize(
    ("finding", "change"),
    [
        ("vat_dropped", {"price": lambda one: round(one.price / Decimal("1.2"), 2)}),
        ("vat_dropped", {"price": lambda one: round(one.price / Decimal("1.1"), 2)}),
        ("vat_added", {"price": lambda one: round(one.price * Decimal("1.22"), 2)}),
        ("prices_tens", {"price": lambda one: one.price * 100}),
        ("prices_up", {"price": lambda one: one.price * Decimal("1.3")}),
        ("prices_down", {"price": lambda one: one.price * Decimal("0.7")}),
        ("prices_equal", {"price": lambda one: Decimal(1000)}),
        ("prices_zero", {"price": lambda one: Decimal(0)}),
        ("prices_lost", {"price": lambda one: None}),
        ("currency_changed", {"currency": lambda one: "USD"}),
        ("sold_out", {"stock": lambda one: Decimal(0)}),
        ("lost_stock", {"stock": lambda one: None}),
        ("lost_category", {"category": lambda one: ""}),
        ("lost_names", {"names": lambda one: ()}),
        ("lost_photo", {"photo": lambda one: ""}),
        ("photos_same", {"photo": lambda one: "photos/none.webp"}),
        ("lost_attributes", {"attributes": lambda one: ()}),
        ("attribute_lost", {"attributes": lambda one: one.attributes[:1]}),
        ("sale_units", {"unit": lambda one: "мм" if one.unit == "м" else one.unit}),
        ("named_units", {"name": lambda one: one.name.replace(" мм", " м")}),
        ("encoding_broken", {"name": lambda one: one.name.encode().decode("cp1251", "replace")}),
        ("encoding_broken", {"name": lambda one: one.name.encode("cp1251").decode("latin-1")}),
        ("encoding_broken", {"name": lambda one: one.name.encode("cp1251").decode("cp866")}),
        ("encoding_broken", {"name": lambda one: one.name.encode("cp866").decode("cp1251", "replace")}),
        ("encoding_broken", {"name": lambda one: one.name.encode("koi8-r").decode("cp1251")}),
        ("encoding_broken", {"name": lambda one: one.name.encode("ascii", "replace").decode()}),
        ("language_switched", {"name": lambda one: f"Centrifugal part {one.brand[:0]}{one.row}"}),
        ("names_and_codes_swapped", {"name": lambda one: one.sku, "sku": lambda one: one.name}),
        ("renumbered", {"sku": lambda one: f"{one.row:08}"}),
    ],
)
def test_a_slip_is_refused_by_its_name(finding: str, change: dict[str, Callable[[Product], object]]) -> None:
    assert finding in refusals(verdict(each(**change)))


def test_a_unit_changed_in_a_columns_name_is_refused() -> None:
    def thousandth(one: Product) -> tuple[Attribute, ...]:
        power, material = one.attributes
        return replace(power, name="Мощность, Вт", number=Decimal(power.text)), material

    assert refusals(verdict(each(attributes=thousandth))) == {"attribute_units"}


def test_an_attribute_under_another_name_is_not_lost() -> None:
    def renamed(one: Product) -> tuple[Attribute, ...]:
        return one.attributes[0], replace(one.attributes[1], name="Из чего сделано")

    assert verdict(each(attributes=renamed)).verdict == "pass"


def test_another_language_in_the_same_letters_is_seen() -> None:
    ukrainian = dict(
        zip(
            KINDS,
            ("Помпа відцентрова", "Засувка кульова", "Вальниця роликова", "Реле теплове", "Рукав напірний"),
            strict=True,
        )
    )

    def translated(one: Product) -> str:
        kind = next(kind for kind in KINDS if one.name.startswith(kind))
        return one.name.replace(kind, ukrainian[kind]).replace("серии", "серії")

    assert "words_lost" in refusals(verdict(each(name=translated)))
    assert verdict(each(name=lambda one: " ".join(reversed(one.name.split())) + " со склада")).verdict == "pass"


def test_some_hundredth_of_the_goods_may_go() -> None:
    assert verdict(GOODS[:200] + GOODS[207:]).verdict == "warn"
    assert "vanished" in refusals(verdict([one for one in GOODS if one.row % 10]))


def test_a_category_without_goods_is_refused_and_named() -> None:
    said = verdict([one for one in GOODS if one.category != "Реле"])
    assert {finding.where for finding in said.findings if finding.id == "group_emptied"} == {"Реле"}


def test_a_cut_end_is_told_from_goods_gone_here_and_there() -> None:
    assert "cut" in refusals(verdict(GOODS[:480]))
    assert "cut" not in refusals(verdict([one for one in GOODS if one.row % 5]))


def test_a_missing_sheet_is_found_by_its_rows() -> None:
    two = [replace(one, row=number % 500) for number, one in enumerate(GOODS)]
    report = {
        "rows": 602,
        "parity": True,
        "sheets": [{"name": "Июнь", "products": 500}, {"name": "Б", "products": 100}],
    }
    live = Goods(products=two, version="live", report=report)
    said = rehearse(Goods(products=two[:500], version="new", report=report), live)
    assert ("group_emptied", "Б") in {(finding.id, finding.where) for finding in said.findings}


def test_prices_of_the_neighbouring_row_are_seen() -> None:
    moved = [replace(one, price=GOODS[number - 1].price) for number, one in enumerate(GOODS)]
    assert "prices_shifted" in refusals(verdict(moved))


def test_codes_of_the_neighbouring_row_are_seen() -> None:
    moved = [replace(one, sku=GOODS[number - 1].sku) for number, one in enumerate(GOODS)]
    assert "codes_moved" in refusals(verdict(moved))


def test_a_header_among_the_goods_is_seen_with_and_without_a_live_version() -> None:
    header = Product(sku="Артикул", name="Наименование товара", category="Категория")
    assert refusals(verdict([header, *GOODS])) == {"header_as_goods"}
    assert refusals(rehearse(Goods(products=[header, *GOODS]))) == {"header_as_goods"}


def test_dealer_prices_never_come_before_customers() -> None:
    def dealer(one: Product) -> Attribute:
        price = round((one.price or Decimal(0)) * Decimal("0.7") + one.row % 9)
        return Attribute(name="Дилерская цена", text=str(price), number=Decimal(price))

    kept = [replace(one, inner=(dealer(one),)) for one in GOODS]
    live = Goods(products=kept, version="live")
    shown = [replace(one, price=dealer(one).number) for one in GOODS]
    told = [replace(one, attributes=(*one.attributes, dealer(one))) for one in GOODS]
    assert "inner_as_price" in refusals(rehearse(Goods(products=shown), live))
    assert refusals(rehearse(Goods(products=told), live)) == {"inner_told"}
    assert rehearse(Goods(products=kept), live).verdict == "pass"


def test_goods_with_two_prices_are_named() -> None:
    again = [replace(one, price=one.price * 2) for one in GOODS[:9] if one.price]
    said = verdict([*GOODS, *again])
    assert refusals(said) == {"two_prices"}
    assert GOODS[0].sku in said.findings[0].examples


def test_the_import_report_tells_of_rows_with_two_prices(tmp_path: Path) -> None:
    lines = [f"N-{number};Насос {number};{1000 + number}" for number in range(300)]
    file = tmp_path / "price.csv"

    def goods(*more: str) -> Goods:
        file.write_text("\n".join(["Артикул;Наименование;Цена, руб", *lines, *more]), encoding="utf-8")
        book = read(file)
        return Goods(products=book.products, report=json.loads(json.dumps(import_report(book))))

    said = rehearse(goods("N-1;Насос 1;5", "N-2;Насос 2;6", "N-3;Насос 3;7"), goods())
    assert refusals(said) == {"two_prices"}
    assert any(place.endswith("!302") for place in said.findings[0].examples)
    assert rehearse(goods(), goods()).verdict == "pass"


def test_rows_that_became_nothing_are_compared_with_the_last_time() -> None:
    def report(lost: int) -> dict[str, object]:
        return {"rows": 700, "parity": True, "counts": {"problem": lost}}

    live = Goods(products=GOODS, version="live", report=report(40))
    assert rehearse(Goods(products=GOODS, report=report(45)), live).verdict == "pass"
    assert "rows_lost" in refusals(rehearse(Goods(products=GOODS, report=report(120)), live))
    broken = {"rows": 700, "parity": False, "counts": {}}
    assert "parity" in refusals(rehearse(Goods(products=GOODS, report=broken), live))


def test_photos_whose_files_are_missing_are_dead() -> None:
    said = verdict(list(GOODS), has_photo=lambda path: path.endswith("/1.webp"))
    assert refusals(said) == {"photos_dead"}


def test_a_first_import_is_judged_by_itself_alone() -> None:
    assert rehearse(Goods(products=GOODS)).verdict == "pass"
    assert rehearse(Goods(products=each(price=lambda one: None))).verdict == "warn"
    assert refusals(rehearse(Goods(products=each(price=lambda one: Decimal(1))))) == {"prices_equal"}
    dotted = each(sku=lambda one: f"68.{one.row}.CP92", name=lambda one: f"{one.name} СР-92/4")
    assert rehearse(Goods(products=dotted)).verdict == "pass"
    swapped = each(name=lambda one: one.sku, sku=lambda one: one.name)
    assert refusals(rehearse(Goods(products=swapped))) == {"names_and_codes_swapped"}
    broken = each(name=lambda one: one.name.encode().decode("cp1251", "replace"))
    assert refusals(rehearse(Goods(products=broken))) == {"encoding_broken"}


def test_a_verdict_is_json_with_a_sentence_in_both_languages() -> None:
    plain = json.loads(json.dumps(verdict(GOODS[:300]).plain(), ensure_ascii=False))
    assert plain["verdict"] == "refuse"
    for finding in plain["findings"]:
        assert re.search("[а-я]", finding["message"]["ru"])
        assert not re.search(r"[{}]", finding["message"]["ru"] + finding["message"]["en"])
    assert plain["findings"][0]["examples"]


def test_every_finding_has_its_sentence_and_every_sentence_its_finding() -> None:
    messages = tomllib.loads((FOLDER / "messages.toml").read_text("utf-8"))
    code = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.py"))
    fields = set(re.findall(r'^    "(\w+)": lambda product', code, re.MULTILINE))
    named = set(re.findall(r'"([a-z]+(?:_[a-z]+)*)"', code)) | {f"lost_{field}" for field in fields}
    for id, entry in messages.items():
        assert set(entry) == {"en", "ru"}, id
        assert sorted(re.findall(r"\{(\w+)", entry["en"])) == sorted(re.findall(r"\{(\w+)", entry["ru"])), id
        assert id in named or id.startswith(("verdict_", "letters_")), id
    for id in re.findall(r'\bid="(\w+)"', code):
        assert id in messages


def test_a_few_goods_prove_little_and_many_prove_much() -> None:
    assert surely(1, 10) < 0.05 < surely(100, 1000)
    assert surely(0, 0) == surely(0, 50) == 0.0
    assert round(surely(10, 100), 4) == 0.0552  # Wilson's interval as the textbooks have it


def test_powers_of_ten_are_told_from_other_ratios() -> None:
    import numpy as np

    assert power_of_ten(np.array([100.0, 0.1, 1.0, 2.0, 9.8, 50.0])).tolist() == [True, True, False, False, True, False]
