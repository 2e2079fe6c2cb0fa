"""Makes leads_third.jsonl, leads_fourth and leads_fifth: contacts, companies and needs of many nations, planted.

A dialogue is a template of the set's word file: `|` parts its messages, a slot in braces is filled by `Writer`.
The word files were written before the extractor had seen what they make. Run: `python make_leads_more.py third 500`.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import phonenumbers

HERE = Path(__file__).resolve().parent
SEEDS = {"third": 73_001, "fourth": 91_117, "fifth": 55_409}

SHARED: dict[str, Any] = tomllib.loads((HERE / "leads_people.toml").read_text(encoding="utf-8"))
COUNTRIES: dict[str, Any] = SHARED["countries"]
AFAR = ["DE", "BY", "KG", "CN", "AM", "GE", "AZ", "TJ", "AE", "IN", "VN", "KR", "PL", "IT", "TR", "UA", "UZ", "GB"]
PLAIN = str.maketrans("çğıöşüäßáéíóúñàèâêîôłżźćńęąşə’'", "cgiosuasaeiounaeaeiolzzcneasa__")
FREE = ["gmail.com", "mail.ru", "yandex.ru", "bk.ru", "list.ru", "outlook.com", "icloud.com", "yandex.kz", "ukr.net",
        "umail.uz", "gmx.de", "qq.com", "orange.fr"]  # fmt: skip
FIRMS = ["stroymontazh-{w}.ru", "{w}-group.kz", "{w}.com.ua", "{w}tech.uz", "{w}-gmbh.de", "tpk-{w}.ru", "{w}.com.tr",
         "{w}.co.uk", "{w}.pro"]  # fmt: skip
LOCAL = ["{f}.{l}", "{f}_{l}", "{l}{n}", "{l}.{i}", "{i}{l}", "{f}{n}", "{l}", "snab-{l}", "info", "zakaz{n}"]
WORDS = ["alfa", "vostok", "ural", "metall", "orion", "delta", "nova", "agro"]
FIELDS = {
    "phone": "phone far dictated",
    "email": "mail mailsaid mailslip",
    "company": "co",
    "name": "name first full formal",
    "need": "item",
}


class Writer:
    """One customer, and the other people and figures of their dialogue; `told` is what was written as their own."""

    def __init__(self, dice: random.Random, words: dict[str, Any], lang: str) -> None:
        self.dice, self.words, self.lang = dice, words, lang
        self.region = dice.choice(SHARED["native"][lang])
        self.person = self._person()
        self.told: dict[str, str] = {}

    def fill(self, slot: str) -> str:
        own = next((field for field, slots in FIELDS.items() if slot in slots.split()), None)
        text, meant = self._own(slot) if own else (self._other(slot), "")
        if own:
            self.told[own] = meant
        return text

    def _own(self, slot: str) -> tuple[str, str]:
        """What is written, and what is meant by it."""
        match slot:
            case "phone":
                return self._phone(self.region)
            case "far":
                return self._phone(self.dice.choice([one for one in AFAR if one != self.region]), abroad=True)
            case "dictated":
                return self._dictated()
            case "mail":
                address = self._address()
                return (address.capitalize() if self.dice.random() < 0.06 else address), address
            case "mailslip":
                domain = self.dice.choice(list(SHARED["slips"]))
                local = self._address().partition("@")[0]
                return f"{local}@{self.dice.choice(SHARED['slips'][domain])}", f"{local}@{domain}"
            case "mailsaid":
                return self._mail_said()
            case "co":
                company = self._pick("companies")
                return company, company
            case "item":
                item = self._pick("items")
                return item, item
            case _:
                name = self._named(slot)
                return name, name

    def _other(self, slot: str) -> str:
        """Other people's contacts, and figures that are none."""
        many = re.fullmatch(r"d(\d+)", slot)
        if many:
            return str(self.dice.randint(1, 9)) + "".join(self.dice.choices("0123456789", k=int(many[1]) - 1))
        n = self.dice.randint
        match slot:
            case "xphone":
                return self._phone(self.region)[0]
            case "xmail":
                return self._address(business=True)
            case "like":  # the figures of a phone that are something else
                return self.dice.choice(["8", "7", ""]) + self._national("RU")
            case "money":
                return f"{n(1, 99)} {n(100, 999)} {self.dice.choice(['000', '500', '250'])}"
            case "date":
                return f"{n(1, 28):02}.{n(1, 12):02}.{self.dice.choice(['2025', '26', '2026'])}"
            case "sku":
                ways = [
                    f"{n(1000, 9999)}-{n(10, 99)}-{n(1000, 9999)}",
                    f"{n(10, 99)}.{n(1000, 9999)}.{n(1000, 9999)}",
                    f"MX-{n(100000, 999999)}/{n(10, 99)}",
                    f"{n(1000000, 9999999)}{n(100, 999)}",
                    f"6ES{n(1000, 9999)}-{n(1, 9)}AB{n(10, 99)}",
                ]
                return str(self.dice.choice(ways))
            case _:
                return self._pick(slot)

    def _pick(self, key: str) -> str:
        return str(self.dice.choice(self.words[self.lang].get(key) or self.words["ru"][key]))

    def _person(self) -> tuple[str, str, str]:
        """First name, surname and patronymic (or none), of a nation that may well write in this language."""
        nations = self.words["people"].get(self.lang) or self.words["people"]["ru"]
        nation = self.dice.choice(nations)
        first, last = self.dice.choice(nation["first"]), self.dice.choice(nation["last"])
        return first, last, self.dice.choice(nation["middle"]) if nation.get("middle") else ""

    def _named(self, slot: str) -> str:
        first, last, middle = self.person
        if self.lang == "zh":
            return last + first
        match slot:
            case "first":
                return first
            case "full":
                return f"{first} {last}"
            case "formal":
                return f"{last} {first} {middle}".strip() if middle else f"{first} {last}"
            case _:
                forms = [first, first, f"{first} {last}", f"{first} {last}"] + ([f"{first} {middle}"] if middle else [])
                return self.dice.choice(forms)

    def _national(self, region: str) -> str:
        country = COUNTRIES[region]
        while True:
            start = self.dice.choice(country["starts"])
            number = start + "".join(self.dice.choices("0123456789", k=country["digits"] - len(start)))
            if phonenumbers.is_valid_number(phonenumbers.parse(_e164(region, number))):
                return str(number)

    def _phone(self, region: str, *, abroad: bool = False) -> tuple[str, str]:
        n = self._national(region)
        cut = 3 if region in ("KG", "GE", "PL", "ES") else max(len(n) - 7, 2)
        parts = {
            "n": n, "a2": n[:2], "a3": n[:3], "a4": n[:4], "b3": n[cut : cut + 3], "c2": n[-4:-2], "d2": n[-2:],
            "rest3": n[-3:], "four": n[-8:-4], "last4": n[-4:], "five": n[:5], "last5": n[5:], "one": n[:1],
            **{f"p{at}": n[2 * at - 1 : 2 * at + 1] for at in range(1, 5)},
            "p2n": n[3:5], "p3n": n[5:7], "p4n": n[7:9],
        }  # fmt: skip
        habits = [way for way in COUNTRIES[region]["habits"] if way.startswith("+") or not abroad]
        way = self.dice.choice(habits)
        used = re.findall(r"\{(\w+)\}", way)
        parts["rest"] = n[4:] if "a4" in used else n[3:] if "a3" in used else n[2:]
        return way.format(**parts), _e164(region, n)

    def _dictated(self) -> tuple[str, str]:
        """Digit by digit in words, or in words and figures, in the groups of the country."""
        region = self.region if self.region in ("RU", "KZ", "UA", "UZ", "TR", "DE", "GB", "US") else "RU"
        n = self._national(region)
        said = self.words[self.lang if "digits" in self.words[self.lang] else "ru"]
        names = said["digits"]
        trunk = {"RU": "8", "KZ": "8", "UA": "0", "TR": "0", "DE": "0", "GB": "0"}.get(region, "")
        if said is self.words["ru"] and region in ("RU", "KZ") and self.dice.random() < 0.5:
            groups = [n[:3], n[3:6], n[6:8], n[8:]]
            if all(int(group) % 100 for group in groups[:2]):
                return ", ".join(["восемь", *(_russian(said, group) for group in groups)]), _e164(region, n)
        gap = self.dice.choice([" ", "-", ", "])
        cut = self.dice.choice([0, 0, 3])
        text = gap.join(names[int(digit)] for digit in (trunk + n)[cut:])
        return ((trunk + n)[:cut] + " " + text).strip(), _e164(region, n)

    def _address(self, *, business: bool = False) -> str:
        first, last, _ = self._person() if business else self.person
        local = self.dice.choice(LOCAL)
        values = {"f": _latin(first), "l": _latin(last), "i": _latin(first)[:1], "n": str(self.dice.randint(1, 99))}
        domain = self.dice.choice(FIRMS).format(w=self.dice.choice(WORDS))
        firm = business or self.dice.random() < 0.5
        return f"{local.format(**values)}@{domain if firm else self.dice.choice(FREE)}"

    def _mail_said(self) -> tuple[str, str]:
        local = _latin(self.person[1]) + self.dice.choice(["", str(self.dice.randint(1, 99))])
        domain = self.dice.choice(["gmail.com", "mail.ru", "yandex.ru"])
        letter = _latin(self.person[0])[:1]
        way = self.dice.choice(self.words[self.lang].get("said_mails") or self.words["ru"]["said_mails"])
        names = self.words["said_domains"]["ru" if "точка" in way else "plain"]
        dotted = "{i}" in way
        text = way.format(
            l=local, i=letter, d=names.get(domain, domain), at=domain.split(".")[0], end=domain.split(".")[1]
        )
        return text, f"{letter}.{local}@{domain}" if dotted else f"{local}@{domain}"


def _e164(region: str, national: str) -> str:
    return f"+{phonenumbers.country_code_for_region(region)}{national}"


def _latin(name: str) -> str:
    word = "".join(SHARED["letters"].get(letter, letter) for letter in name.lower().replace(" ", "").translate(PLAIN))
    return re.sub(r"[^a-z]", "", word) or "client"


def _russian(said: dict[str, Any], group: str) -> str:
    """A group of two or three digits as one number."""
    number, words = int(group), []
    if len(group) == 3 and group[0] == "0":
        words.append(said["digits"][0])
    if number >= 100:
        words.append(said["hundreds"][number // 100 - 1])
        number %= 100
    elif len(group) == 2 and number < 10:
        return f"{said['digits'][0]} {said['digits'][number]}"
    if number >= 20:
        words.append(said["tens"][number // 10 - 2])
        number %= 10
        words += [said["digits"][number]] if number else []
    elif number:
        words.append(said["teens"][number - 10] if number >= 10 else said["digits"][number])
    return " ".join(words)


def dialogue(words: dict[str, Any], dice: random.Random, at: int, name: str) -> dict[str, Any]:
    """One dialogue with what is to be found in it; now and then in small letters or without its commas."""
    langs = [lang for lang in SHARED["native"] if lang in words]
    lang = dice.choices(langs, weights=[words[one]["share"] for one in langs])[0]
    kind = dice.choice(list(words[lang]["dialogues"]))
    writer = Writer(dice, words, lang)
    template = dice.choice(words[lang]["dialogues"][kind])
    text = re.sub(r"\{(\w+)\}", lambda slot: writer.fill(slot[1]), template)
    expected = {field: writer.told.get(field) for field in FIELDS}
    return {
        "id": f"{name}-{at:03}",
        "region": writer.region,
        "kind": f"{lang}: {kind}",
        "messages": text.split("|"),
        "expected": expected,
    }


def main(name: str, count: int) -> None:
    words = tomllib.loads((HERE / f"leads_{name}.toml").read_text(encoding="utf-8"))
    dice = random.Random(SEEDS[name])
    rows = [dialogue(SHARED | words, dice, at, name) for at in range(1, count + 1)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (HERE / f"leads_{name}.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
