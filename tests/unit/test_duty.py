"""Who hears of a customer first."""

from __future__ import annotations

from uuid import uuid4

from appliance.core.duty import group, hearers
from appliance.core.types import Role, Staff


def manager(name: str, *, languages: tuple[str, ...] = (), goods: tuple[str, ...] = (), on_duty: bool = True) -> Staff:
    return Staff(id=uuid4(), name=name, role=Role.MANAGER, languages=languages, goods=goods, on_duty=on_duty)


PUMPS = manager("pumps", goods=("Насосы",))
KAZAKH = manager("kazakh", languages=("kk",))
AWAY = manager("away", languages=("de",), on_duty=False)
CREW = [PUMPS, KAZAKH, AWAY]


def test_who_speaks_the_language_and_knows_the_goods_hears_alone() -> None:
    assert hearers(CREW, lang="ru", goods={"Насосы"}) == [PUMPS]
    assert hearers(CREW, lang="kk", goods={"Крепёж"}) == [KAZAKH]
    assert hearers(CREW, lang="kk", goods={"Крепёж", "Насосы"}) == [PUMPS, KAZAKH]


def test_what_is_not_known_of_a_customer_asks_for_nothing() -> None:
    assert hearers(CREW) == [PUMPS, KAZAKH]
    assert hearers(CREW, lang="ru") == [PUMPS]


def test_where_nobody_fits_all_on_duty_hear() -> None:
    assert hearers(CREW, lang="de", goods={"Сварка"}) == [PUMPS, KAZAKH]  # who is away is not asked for


def test_where_nobody_is_on_duty_the_fitting_ones_of_all_hear() -> None:
    assert hearers([AWAY], lang="ru") == [AWAY]
    assert hearers([], lang="ru") == []


def test_the_group_is_the_head_of_a_category() -> None:
    assert (group("Насосы / Мембранные насосы"), group("Насосы"), group("")) == ("Насосы", "Насосы", "")
