"""Who writes in the sample history: invented people at numbers and addresses that reach nobody."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

# +44 7700 900000 to 900999: Ofcom, "Numbers for drama". +1 NPA 555 0100 to 0199: NANPA, fictitious use.
# +49 171 39200 00 to 99: Bundesnetzagentur, "Drama Numbers". +7 000 …: zone 7 has no codes that begin with 0.
# example.com, .org, .net: RFC 2606.
PHONES = {
    "ru": "+7000555{:04d}", "kk": "+7000777{:04d}", "uz": "+7000998{:04d}", "uk": "+4477009{:05d}",
    "en": "+4477009{:05d}", "de": "+49171392{:04d}", "tr": "+1212555{:04d}", "zh": "+1415555{:04d}",
}  # fmt: skip
RANGES = {"en": (0, 999), "uk": (0, 999), "de": (0, 99), "tr": (100, 199), "zh": (100, 199)}
MAILS = ("example.com", "example.org", "example.net")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    lang: str
    name: str
    phone: str
    email: str
    company: str


@cache
def words() -> Mapping[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("words.toml").read_text("utf-8"))


@cache
def languages() -> Mapping[str, int]:
    """The languages with their shares of all dialogues, in per cent."""
    return {lang: table["share"] for lang, table in words().items() if isinstance(table, Mapping)}


def person(lang: str, dice: random.Random) -> Person:
    of = words()[lang]
    first, last = dice.choice(of["first"]), dice.choice(of["last"])
    low, high = RANGES.get(lang, (0, 9999))
    return Person(
        lang=lang,
        name=last + first if lang == "zh" else f"{first} {last}",
        phone=PHONES[lang].format(dice.randint(low, high)),
        email=f"customer{dice.randrange(10_000)}@{dice.choice(MAILS)}",
        company=dice.choice(words()["companies"]) if dice.random() < 0.45 else "",
    )
