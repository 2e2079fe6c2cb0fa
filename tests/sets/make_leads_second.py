"""Makes leads_second.jsonl: 500 dialogues with planted contacts, by one who knows nothing of the extractor's insides.

A dialogue is a template of `leads_second.toml`: `|` parts its messages, a slot in braces is filled by the method of
`Pen` of that name, and the slots that are the customer's own say what is expected. Run: python make_leads_second.py.
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import phonenumbers
from faker import Faker

HERE = Path(__file__).resolve().parent
SEED = 20_417
SHARES = {"ru": 250, "en": 125, "mixed": 45, "uk": 20, "kk": 15, "uz": 15, "tr": 15, "de": 15}
FAKERS = {"ru": "ru_RU", "en": "en_US", "uk": "uk_UA", "uz": "uz_UZ", "tr": "tr_TR", "de": "de_DE", "kk": "ru_RU"}
REGIONS = {
    "ru": ["RU"] * 12 + ["KZ"],
    "en": ["RU"] * 5 + ["US", "US", "GB", "DE", "TR", "KZ"],
    "mixed": ["RU"],
    "uk": ["UA"],
    "kk": ["KZ"],
    "uz": ["UZ"],
    "tr": ["TR"],
    "de": ["DE"],
}
PREFIXES = {  # the digits after the country code that a number of that country may begin with, and how many follow
    "RU": ("903 905 906 909 910 916 921 922 926 937 950 961 978 981 985 999 495 499 812 343 383 846", 7),
    "KZ": ("701 702 705 707 747 771 775 777 778", 7),
    "UA": ("50 63 66 67 68 73 93 95 96 97 98 99", 7),
    "UZ": ("90 91 93 94 95 97 98 99", 7),
    "TR": ("530 532 533 535 536 542 543 544 546 505 506 212 216", 7),
    "DE": ("151 160 170 171 172 175 176 30 89", 8),
    "US": ("212 415 312 617 206 305 713", 7),
    "GB": ("7400 7700 7811 7911 7973", 6),
    "BY": ("29 33 44", 7),
    "AM": ("91 93 94", 6),
    "GE": ("555 577 599", 6),
    "AE": ("50 52 55", 7),
    "CN": ("138 139 186", 8),
    "PL": ("501 602 722", 6),
    "IT": ("335 347 349", 7),
    "IN": ("98 99", 8),
}
ABROAD = ["DE", "BY", "AM", "GE", "AE", "CN", "PL", "IT", "IN", "UZ", "UA", "TR", "GB"]
ALPHABET = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґәғқңөұүһ"
SOUNDS = "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh sch - y - e yu ya i yi ye g a g k n o u u h"
LATIN = dict(zip(ALPHABET, SOUNDS.replace("-", "").split(" "), strict=True))
ASCII = str.maketrans("çğıöşüäßâîé", "cgiosuasaie")
FREE = ["gmail.com", "mail.ru", "yandex.ru", "bk.ru", "inbox.ru", "list.ru", "outlook.com", "icloud.com", "ya.ru"]
FREE_OF = {"de": ["gmx.de", "web.de", "gmail.com"], "uk": ["ukr.net", "gmail.com"], "tr": ["gmail.com", "hotmail.com"]}
MISSPELT = {
    "gmail.com": ["gmial.com", "gamil.com", "gmai.com", "gmail.con", "gmail.cmo", "gmal.com", "gmail,com", "gmailcom"],
    "mail.ru": ["mail,ru", "mailru", "mail .ru", "mail. ru", "mail..ru", "maill.ru"],
    "yandex.ru": ["yadnex.ru", "yandexru", "ynadex.ru", "yandex,ru", "yandx.ru"],
    "hotmail.com": ["hotmial.com", "hotmail,com", "hotmai.com"],
    "outlook.com": ["outlok.com", "outlook.con", "outlook,com"],
}
SAID = {"gmail.com": "джимейл точка ком", "mail.ru": "мэйл точка ру", "yandex.ru": "яндекс точка ру"}
WORDS: dict[str, Any] = tomllib.loads((HERE / "leads_second.toml").read_text(encoding="utf-8"))
CUSTOMERS_OWN = {
    "phone": ("phone", "words", "groups", "partly", "abroad", "ext", "head", "wrong_end"),
    "name": ("name", "first", "full", "reverse", "patronymic", "latin"),
    "email": ("mail", "typo", "said", "shout"),
}


class Pen:
    """Writes one customer's contacts in one language; what was written as the customer's own is the truth."""

    def __init__(self, dice: random.Random, lang: str, fakers: dict[str, Faker]) -> None:
        self.dice, self.lang, self.fakers = dice, lang, fakers
        self.tongue = dice.choice(["ru", "ru", "ru", "en"]) if lang == "mixed" else lang
        self.words = WORDS[self.tongue]
        self.fake = fakers[self.tongue]
        self.region = dice.choice(REGIONS[lang])
        self.country, self.national = self._number(self.region)
        self.names = self._person()
        self.told_name = ""
        self.told_phone = f"+{self._code(self.country)}{self.national}"
        self.address = self._address(dice.choice(FREE_OF.get(self.tongue, FREE)))

    def expected(self, slots: set[str]) -> dict[str, str | None]:
        """The truth of a dialogue whose template used these slots."""
        said = {field: bool(slots & set(own)) for field, own in CUSTOMERS_OWN.items()}
        return {
            "name": self.told_name if said["name"] else None,
            "phone": self.told_phone if said["phone"] else None,
            "email": self.address if said["email"] else None,
        }

    def name(self) -> str:
        return self.dice.choice([self.first, self.first, self.full, self.full, self.reverse, self.patronymic])()

    def first(self) -> str:
        return self._tell(self.names[0])

    def full(self) -> str:
        return self._tell(f"{self.names[0]} {self.names[2]}")

    def reverse(self) -> str:
        middle = f" {self.names[1]}" if self.names[1] and self.dice.random() < 0.5 else ""
        return self._tell(f"{self.names[2]} {self.names[0]}{middle}") if self.tongue in ("ru", "uk") else self.full()

    def patronymic(self) -> str:
        return self._tell(f"{self.names[0]} {self.names[1]}") if self.names[1] else self.full()

    def last(self) -> str:
        """The surname said apart from the first name."""
        self._tell(f"{self.names[0]} {self.names[2]}")
        return self.names[2]

    def latin(self) -> str:
        self.full()
        return self._tell(_latin(self.told_name, capital=True))

    def phone(self) -> str:
        return self._written(self.country, self.national)

    def other(self) -> str:
        """A number of somebody else, or one that is no more in use."""
        return self._written(*self._number(self.region))

    def abroad(self) -> str:
        self.country, self.national = self._number(self.dice.choice([c for c in ABROAD if c != self.region]))
        self.told_phone = f"+{self._code(self.country)}{self.national}"
        return self._grouped(self.dice.choice(["+", "+", "+", "00" if self.region != "RU" else "+"]))

    def ext(self) -> str:
        word = self.dice.choice(self.words["extension"])
        return f"{self.phone()}{word}{self.dice.randint(100, 999)}"

    def words_(self) -> str:
        """The digits one by one, in words."""
        lead, digits = self._lead()
        return " ".join([*lead, *self._by_digit(digits)])

    def groups(self) -> str:
        """As people dictate: three, three, two, two."""
        while int(self.national[3:6]) % 100 == 0:
            self._renumber()
        lead, digits = self._lead()
        parts = [digits[:3], digits[3:6], digits[6:8], digits[8:]]
        gap = self.dice.choice([" ", " ", ", ", " - "])
        return " ".join(lead) + " " + gap.join(self._spell(part) for part in parts if part)

    def partly(self) -> str:
        lead, digits = self._lead()
        cut = self.dice.choice([3, 6])
        start, end = digits[:cut], digits[cut:]
        if self.dice.random() < 0.5:
            return f"{' '.join(lead)} {start} {' '.join(self._by_digit(end))}"
        sign = "+7" if self.country in ("RU", "KZ") else ""  # elsewhere the trunk zero is among the digits
        return f"{sign} {' '.join(self._by_digit(start))} {end[:3]} {end[3:]}".strip()

    def head(self) -> str:
        """The number up to its last four digits, which `tail` writes."""
        whole = self._grouped("+") if self.dice.random() < 0.5 else f"{self._trunk()}{self.national}"
        return re.sub(r"(\D*\d){4}$", "", whole)

    def tail(self) -> str:
        return self.national[-4:]

    def wrong_end(self) -> str:
        wrong = f"{(int(self.national[-2:]) + 37) % 100:02}"
        return f"{self._trunk()}{self.national[:-2]}{wrong}"

    def right_end(self) -> str:
        return self.national[-2:]

    def mail(self) -> str:
        return self.address

    def shout(self) -> str:
        return self.address.upper() if self.dice.random() < 0.5 else self.address.capitalize()

    def othermail(self) -> str:
        return f"{self.dice.choice(['info', 'sales', 'zakaz', 'old', 'tender'])}@{self._domain()}"

    def typo(self) -> str:
        """An address with a slip of the finger that can be read in one way only."""
        domain = self.dice.choice(list(MISSPELT))
        self.address = self._address(domain)
        local = self.address.split("@")[0]
        return self.dice.choice(
            [
                *[f"{local}@{self.dice.choice(MISSPELT[domain])}"] * 6,
                f"{local} @ {domain}",
                f"{local}@ {domain}",
                f"{local} @{domain}",
                f"{local}@@{domain}",
                f"{local}(at){domain}",
                f"{local}[at]{domain}",
            ]
        )

    def said(self) -> str:
        """An address as it is dictated."""
        domain = self.dice.choice(list(SAID))
        self.address = f"{self._plain_local()}@{domain}"
        local = self.address.split("@")[0]
        if self.tongue == "en":
            return f"{local.replace('.', ' dot ').replace('_', ' underscore ')} at {domain.replace('.', ' dot ')}"
        where = self.dice.choice([SAID[domain], domain.replace(".", " точка "), domain])
        return f"{local.replace('.', ' точка ')} собака {where}"

    def co(self) -> str:
        return self.fake.company()

    def addr(self) -> str:
        return f"{self.fake.city()}, {self.fake.street_address()}"

    def pick(self, key: str) -> str:
        return str(self.dice.choice(self.words[key]))

    def digits(self, count: int) -> str:
        """Any number of that many digits: a tax number, an account, an order."""
        return str(self.dice.randint(1, 9)) + "".join(str(self.dice.randint(0, 9)) for _ in range(count - 1))

    def mobile_like(self) -> str:
        """A number of something else that would pass for a phone."""
        _, national = self._number("RU")
        return self.dice.choice(["8", "7", ""]) + national

    def ten_like(self) -> str:
        """A company's tax number: ten digits that would pass for a phone."""
        return self._number("RU")[1]

    def price(self) -> str:
        return f"{self.dice.randint(1, 98)} {self.dice.randint(100, 999)} {self.dice.randint(100, 999)}"

    def date(self) -> str:
        when = date(2026, 1, 1) + timedelta(days=self.dice.randrange(700))
        return when.strftime(self.dice.choice(["%d.%m.%Y", "%Y-%m-%d", "%d.%m.%y", "%d/%m/%Y"]))

    def size(self) -> str:
        n = self.dice.randint
        return self.dice.choice(
            [
                f"{n(2, 9) * 100}x{n(2, 9) * 100}x{n(15, 30) * 10}",
                f"{n(100, 999)}-{n(100, 999)}-{n(10, 99)}-{n(10, 99)}",
            ]
        )

    def _tell(self, name: str) -> str:
        self.told_name = name
        return name

    def _person(self) -> tuple[str, str, str]:
        """First name, patronymic (or none), surname; common first names as often as all that Faker knows."""
        woman = self.dice.random() < 0.45
        sex = "female" if woman else "male"
        first = getattr(self.fake, f"first_name_{sex}")()
        common = self.words.get("women" if woman else "men")
        if common and (self.tongue == "kk" or self.dice.random() < 0.6):
            first = self.dice.choice(common)
        middle = getattr(self.fake, f"middle_name_{sex}")() if self.tongue == "ru" else ""
        surname = self.pick("surnames") if self.tongue == "kk" else getattr(self.fake, f"last_name_{sex}")()
        return first, middle, surname + ("а" if self.tongue == "kk" and woman else "")

    def _number(self, region: str) -> tuple[str, str]:
        """A valid number of the region: the country and the digits after its code."""
        prefixes, count = PREFIXES[region]
        while True:
            national = self.dice.choice(prefixes.split()) + "".join(str(self.dice.randint(0, 9)) for _ in range(count))
            if phonenumbers.is_valid_number(phonenumbers.parse(f"+{self._code(region)}{national}")):
                return region, national

    def _renumber(self) -> None:
        self.country, self.national = self._number(self.region)
        self.told_phone = f"+{self._code(self.country)}{self.national}"

    def _code(self, region: str) -> int:
        return phonenumbers.country_code_for_region(region)

    def _trunk(self) -> str:
        """What is dialled before the national digits at home."""
        return {"RU": "8", "KZ": "8", "US": "", "UZ": ""}.get(self.country, "0")

    def _written(self, country: str, national: str) -> str:
        """One of the ways in which people type a number at home."""
        kept = self.country, self.national
        self.country, self.national = country, national
        trunk = "" if self.country == "RU" and self.dice.random() < 0.1 else self._trunk()
        text = self._grouped(self.dice.choice(["+", "+", trunk, trunk, trunk]))
        self.country, self.national = kept
        return text

    def _grouped(self, lead: str) -> str:
        head = f"{lead}{self._code(self.country)}" if lead in ("+", "00") else lead
        n, cut = self.national, 3 if len(self.national) > 9 else 2
        code, a, b, c = n[:cut], n[cut : cut + 3], n[cut + 3 : cut + 5], n[cut + 5 :]
        forms = [
            f"{head}{n}",
            f"{head} {code} {a} {b} {c}",
            f"{head} ({code}) {a}-{b}-{c}",
            f"{head}-{code}-{a}-{b}-{c}",
            f"{head}({code}){a}{b}{c}",
            f"{head} {code} {a}-{b}{c}",
            f"{head}.{code}.{a}.{b}.{c}",
            f"{head} {code}{a}{b}{c}",
        ]
        text = self.dice.choice(forms).lstrip(" -.")
        if head == "0":
            text = re.sub(r"^0[ .-]?(\(?)", r"\g<1>0", text)
        return text

    def _lead(self) -> tuple[list[str], str]:
        """The words before the national digits, and those digits with the trunk zero where it is said."""
        named = self.words["digits"]
        if self.country in ("RU", "KZ"):
            plus = self.words.get("plus", [])
            return (
                [self.dice.choice(plus), named[7]] if plus and self.dice.random() < 0.5 else [named[8]]
            ), self.national
        return [], self._trunk() + self.national

    def _by_digit(self, digits: str) -> list[str]:
        said: list[str] = []
        pairs = self.words.get("pairs")
        if pairs and self.dice.random() < 0.25:
            named = self.words["digits"]
            runs = re.finditer(r"(\d)\1|\d", digits)
            return [(pairs if len(run[0]) == 2 else named)[int(run[0][0])] for run in runs]
        pattern = r"(\d)\1\1|(\d)\2|\d" if self.words.get("double") and self.dice.random() < 0.6 else r"\d"
        for run in re.finditer(pattern, digits):
            word = self.words["digits"][int(run[0][0])]
            if word == "zero" and self.dice.random() < 0.3:
                word = "oh"
            times = self.words.get("double" if len(run[0]) == 2 else "triple", "")
            said.append(f"{times} {word}" if len(run[0]) > 1 else word)
        return said

    def _spell(self, group: str) -> str:
        """A group of two or three digits as one number, its leading zeros said."""
        if self.tongue == "en":
            return self._spell_english(group)
        named: list[str] = self.words["digits"]
        lead: list[str] = []
        while group.startswith("0"):
            lead, group = [*lead, named[0]], group[1:]
        number = int(group or 0)
        hundreds, rest = divmod(number, 100)
        return " ".join(filter(None, [*lead, self.words["hundreds"][hundreds], self._under_hundred(rest)]))

    def _spell_english(self, group: str) -> str:
        named = self.words["digits"]
        if len(group) == 3:
            return f"{named[int(group[0])]} {self._spell_english(group[1:])}"
        if group[0] == "0":
            return " ".join(named[int(digit)] for digit in group)
        return self._under_hundred(int(group))

    def _under_hundred(self, number: int) -> str:
        if number == 0:
            return ""
        if 10 <= number < 20:
            return str(self.words["teens"][number - 10])
        tens, unit = divmod(number, 10)
        return " ".join(filter(None, [self.words["tens"][tens], self.words["digits"][unit] if unit else ""]))

    def _address(self, free: str) -> str:
        domain = free if self.dice.random() < 0.6 or free in MISSPELT else self._domain()
        return f"{self._plain_local()}@{domain}"

    def _plain_local(self) -> str:
        first, last = (re.sub(r"[^a-z]", "", _latin(self.names[i]).translate(ASCII)) for i in (0, 2))
        year, number, desk = self.dice.randint(70, 99), self.dice.randint(1, 2025), self.dice.randint(1, 9)
        own = [f"{first}.{last}", last, f"{first[0]}.{last}", f"{last}_{first[0]}", f"{first}-{last}"]
        return self.dice.choice([*own, f"{first}{year}", f"{last}{number}", "snab", f"zakup{desk}", "office"])

    def _domain(self) -> str:
        return self.fakers["de" if self.tongue == "de" else "en"].domain_word() + self.dice.choice(
            {
                "de": [".de"],
                "tr": [".com.tr"],
                "uk": [".ua", ".com.ua"],
                "kk": [".kz"],
                "uz": [".uz"],
                "en": [".com"],
            }.get(self.tongue, [".ru", ".ru", ".com", "-stroy.ru", ".pro"])
        )


def dialogues() -> list[dict[str, Any]]:
    """All 500, in a fixed shuffled order, numbered."""
    dice = random.Random(SEED)
    fakers = {lang: Faker(locale) for lang, locale in FAKERS.items()}
    for order, fake in enumerate(fakers.values()):
        fake.seed_instance(SEED + order)
    made: dict[str, dict[str, Any]] = {}
    for lang, count in SHARES.items():
        deck: list[tuple[str, str]] = []
        wanted = len(made) + count
        while len(made) < wanted:
            if not deck:
                deck = [(kind, text) for kind, texts in WORDS[lang]["dialogues"].items() for text in texts]
                dice.shuffle(deck)
            kind, text = deck.pop()
            dialogue = _written_out(dice, Pen(dice, lang, fakers), f"{lang}: {kind}", text)
            made.setdefault(json.dumps(dialogue["messages"]), dialogue)
    mixed = list(made.values())
    dice.shuffle(mixed)
    return [{"id": f"second-{number:03}", **dialogue} for number, dialogue in enumerate(mixed, 1)]


def _written_out(dice: random.Random, pen: Pen, kind: str, template: str) -> dict[str, Any]:
    slots: set[str] = set()

    def fill(slot: re.Match[str]) -> str:
        name, _, argument = slot[1].partition(":")
        slots.add(name)
        if argument:
            return pen.digits(int(argument))
        if name in pen.words and name not in ("words", "digits", "plus"):
            return pen.pick(name)
        return str(getattr(pen, "words_" if name == "words" else name)())

    messages = [re.sub(r"\{([\w:]+)\}", fill, part).strip() for part in template.split("|")]
    if "ask" not in slots and dice.random() < 0.35:
        messages.insert(0, pen.pick("ask"))
    if dice.random() < 0.1:
        messages[-1] += dice.choice([" 🙏", " 👍", " 😊", "!!", " ☎️", " )))"])
    if dice.random() < 0.12 and pen.tongue != "tr":  # Turkish has its own small letters
        messages = [message.lower() for message in messages]
    return {"region": pen.region, "kind": kind, "messages": messages, "expected": pen.expected(slots)}


def _latin(text: str, *, capital: bool = False) -> str:
    plain = "".join(LATIN.get(letter, letter) for letter in text.lower())
    return " ".join(part.capitalize() for part in plain.split()) if capital else plain


if __name__ == "__main__":
    lines = [json.dumps(dialogue, ensure_ascii=False) for dialogue in dialogues()]
    (HERE / "leads_second.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
