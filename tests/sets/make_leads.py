"""Writes `leads.jsonl`: 500 dialogues with planted contacts, and what a careful person would have written down.

`python -m tests.sets.make_leads` gives the same bytes each time. A line is what `leads extract` reads, with `expected`
(name, phone, email) and `kind` beside it. A phone is expected only where it is the customer's own way to be reached:
not a colleague's that was merely mentioned, not a tax number, not an order.
"""

# ruff: noqa: E501, SIM905 (phrases read best in a row)
from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse

HERE = Path(__file__).parent
COUNT = 500

MEN = {
    "ru": "Алексей Сергей Дмитрий Андрей Павел Игорь Максим Роман Виктор Тимур Рустам Георгий Степан Ярослав Захар".split(),
    "en": "James Oliver Daniel Thomas Brian Stephen Marcus Trevor Patrick Gareth Kevin Nathan Colin Derek Elliot".split(),
}
WOMEN = {
    "ru": "Ольга Елена Марина Светлана Наталья Юлия Ирина Гульнара Вероника Зоя Лариса Алина Надежда Тамара".split(),
    "en": "Emma Sarah Charlotte Hannah Rachel Monica Fiona Beatrice Nicole Grace Amanda Judith Heather".split(),
}
MALE_SURNAMES = (
    "Соколов Морозов Волков Лебедев Кузьмин Гаврилов Тарасов Белов Ахметов Хасанов Шевченко Ким Зимин".split()
)
SURNAMES = "Whitaker Bennett Hughes Palmer Doyle Fraser Norton Keating Osborne Pritchard Lawson Mercer".split()
PATRONYMICS = ["Иванович", "Петрович", "Алексеевич", "Сергеевич", "Николаевич", "Маратович"]
UNUSUAL = {
    "ru": ["Рахматулло", "Ээро", "Айтен", "Бекзод", "Нурсултан", "Лаймдота"],
    "en": ["Oluwaseun", "Xiomara", "Siddharth", "Ngozi"],
}
COMPANIES = {
    "ru": [
        "ООО «Северный ветер»",
        "ИП Гаврилов",
        "АО «Промтехника»",
        "ООО Альфа-Строй",
        "ТОО «Бирлик»",
        "завод «Маяк»",
    ],
    "en": ["Hartwell Ltd", "Northgate Engineering", "Blue Anchor GmbH", "Pine Ridge LLC", "Kestrel Foods Inc."],
}
GOODS = {
    "ru": ["насос дренажный 1500 вт", "компрессор на 10 бар", "подшипник 6205-2RS 4 шт", "кабель ВВГ 3х2,5 100 м", "фритюрницу на 8 литров",
           "электродвигатель 3 кВт 1500 об", "масло И-20А 200 л", "сварочный аппарат до 50000 руб", "автомат C16 3P"],
    "en": ["a drain pump 1.5 kW", "an air compressor, 10 bar", "bearing 6205-2RS x 4", "a deep fryer, 8 litres", "a 3 kW motor, 1500 rpm",
           "a welding machine under 500 EUR", "100 m of cable 3x2.5", "a C16 3P breaker"],
}  # fmt: skip
MAIL_NAMES = [
    "a.sokolov",
    "office",
    "zakaz2024",
    "m_belova",
    "brian.doyle",
    "purchasing",
    "k-77",
    "snab",
    "info.north",
    "tender_8",
]
DOMAINS = [
    "mail.ru",
    "yandex.ru",
    "gmail.com",
    "promtech.kz",
    "hartwell.co.uk",
    "outlook.com",
    "bk.ru",
    "zavod-mayak.ru",
]
ONES = "ноль один два три четыре пять шесть семь восемь девять".split()
TEENS = "десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать".split()
TENS = "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто".split()
HUNDREDS = "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот".split()
DIGITS = "zero one two three four five six seven eight nine".split()

Dialogue = dict[str, Any]
Made = tuple[list[str], dict[str, Any]]
chance = random.Random(51)


def pick(items: Any) -> Any:
    return chance.choice(items)


# the parts


def person(lang: str) -> str:
    """A first name, a full one or one with patronymic."""
    if chance.random() < 0.1:
        return str(pick(UNUSUAL[lang]))
    man = chance.random() < 0.55
    first = pick((MEN if man else WOMEN)[lang])
    if chance.random() < 0.55:
        return str(first)
    if lang == "en":
        return f"{first} {pick(SURNAMES)}"
    surname = pick(MALE_SURNAMES)
    if not man:
        return f"{first} {surname + 'а' if surname.endswith(('ов', 'ев', 'ин')) else surname}"
    return f"{first} {pick(PATRONYMICS)}" if chance.random() < 0.4 else f"{first} {surname}"


def mobile(region: str = "RU") -> str:
    """A valid national number, E.164."""
    while True:
        number = {
            "RU": lambda: f"+79{pick('0126')}{chance.randrange(10**8):08d}",
            "KZ": lambda: f"+770{pick('1257')}{chance.randrange(10**7):07d}",
            "UZ": lambda: f"+9989{pick('0134')}{chance.randrange(10**7):07d}",
            "DE": lambda: f"+4915{pick('12')}{chance.randrange(10**8):08d}",
            "GB": lambda: f"+4474{chance.randrange(10**8):08d}",
            "US": lambda: f"+1415{pick('23456789')}{chance.randrange(10**6):06d}",
            "TR": lambda: f"+9053{pick('2345')}{chance.randrange(10**7):07d}",
        }[region]()
        if valid(number):
            return number


def valid(number: str) -> bool:
    from phonenumbers import is_valid_number

    try:
        return is_valid_number(parse(number))
    except NumberParseException:
        return False


def written(number: str) -> str:
    """A Russian mobile as people type it."""
    d = number[2:]
    return str(
        pick(
            [
                f"8{d}", f"+7{d}", f"8-{d[:3]}-{d[3:6]}-{d[6:8]}-{d[8:]}", f"8 ({d[:3]}) {d[3:6]}-{d[6:8]}-{d[8:]}", d,
                f"+7 {d[:3]} {d[3:6]} {d[6:8]} {d[8:]}", f"8 {d[:3]} {d[3:6]}{d[6:]}", f"7{d}", f"+7({d[:3]}){d[3:]}",
                f"8.{d[:3]}.{d[3:6]}.{d[6:8]}.{d[8:]}", f"8 {d[:3]} {d[3:6]} {d[6:8]}  {d[8:]}", f"8–{d[:3]}–{d[3:6]}–{d[6:]}",
            ]
        )
    )  # fmt: skip


def abroad(number: str) -> str:
    d = parse(number)
    return str(
        pick(
            [
                format_number(d, PhoneNumberFormat.INTERNATIONAL), number, number.replace("+", "00"),
                format_number(d, PhoneNumberFormat.INTERNATIONAL).replace(" ", "-"), f"{number[:3]} {number[3:]}",
            ]
        )
    )  # fmt: skip


def below_thousand(n: str) -> str:
    """Digits of a group as a Russian says them: "045" is "ноль сорок пять"."""
    if n.startswith("0") or len(n) == 1:
        return " ".join([ONES[int(n[0])], below_thousand(n[1:])] if len(n) > 1 else [ONES[int(n)]])
    if len(n) == 3:
        rest = n[1:]
        return f"{HUNDREDS[int(n[0]) - 1]} {'' if rest == '00' else below_thousand(rest.lstrip('0') or '0')}".strip()
    if n[0] == "1":
        return TEENS[int(n[1])]
    return f"{TENS[int(n[0]) - 2]} {'' if n[1] == '0' else ONES[int(n[1])]}".strip()


def spoken(number: str, lang: str) -> str:
    d = number[2:]
    if lang == "en":
        return f"plus seven {' '.join(pick(['oh', 'zero']) if c == '0' else DIGITS[int(c)] for c in d)}"
    groups = [d[:3], d[3:6], d[6:8], d[8:]]
    if any(group[0] != "0" and len(group) == 3 and group[1] == "0" and group[2] != "0" for group in groups):
        pass  # "девятьсот пять" is 905, never 900 5: people say it so
    start = pick(["восемь", "плюс семь", "8", "+7"])
    return " ".join([start, *(below_thousand(group) for group in groups)])


def mail() -> str:
    return f"{pick(MAIL_NAMES)}@{pick(DOMAINS)}"


def slip(address: str) -> str:
    """The address with a slip that has one reading."""
    name, domain = address.split("@")
    known = {"gmail.com": ["gmial.com", "gmail.con", "gmail,com", "gmai.com"], "mail.ru": ["mail,ru", "mial.ru", "mail.ry"],
             "yandex.ru": ["yandex,ru", "yndex.ru", "yandex.ri"], "outlook.com": ["outlok.com", "outlook,com"]}  # fmt: skip
    if domain in known:
        return f"{name}@{pick(known[domain])}"
    return pick([f"{name} @{domain}", f"{name}@ {domain}", f"{name}@{domain.replace('.', ',')}", f"{name}(at){domain}"])  # type: ignore[no-any-return]


def expected(*, name: str | None = None, phone: str | None = None, email: str | None = None) -> dict[str, Any]:
    return {"name": name, "phone": phone, "email": email}


def ask(lang: str) -> str:
    goods = pick(GOODS[lang])
    words = {
        "ru": ["Здравствуйте! Нужен {}", "ищу {}", "добрый день, подскажите {}", "сколько стоит {}?", "Нужно {}, есть в наличии?"],
        "en": ["Hi, I need {}", "Hello! Do you have {}?", "looking for {}", "How much is {}?"],
    }  # fmt: skip
    return str(pick(words[lang])).format(goods)


# the scenes; each takes a language and gives messages and what is expected


def plain(lang: str) -> Made:
    name, phone = person(lang), mobile()
    said = {
        "ru": ["Меня зовут {n}, телефон {p}", "{n}, {p}", "Мой номер {p}, {n}", "Перезвоните мне: {p}. Зовут {n}", "Это {n}. Тел. {p}",
               "мой телефон {p}\nС уважением, {n}", "я {n}, звоните {p}", "Контакт: {n} {p}"],
        "en": ["My name is {n}, phone {p}", "I'm {n}, call me at {p}", "{n}, {p}", "This is {n}. My number is {p}",
               "Please call {p}.\nBest regards,\n{n}", "It's {n} here, tel {p}"],
    }  # fmt: skip
    return [ask(lang), pick(said[lang]).format(n=name, p=written(phone))], expected(name=name, phone=phone)


def apart(lang: str) -> Made:
    """Name, phone and address in messages of their own, as a person answers questions."""
    name, phone, address = person(lang), mobile(), mail()
    first = {"ru": ["да, давайте", "ок", "хорошо, запишите"], "en": ["ok", "sure", "yes please"]}[lang]
    name_said = pick(
        {"ru": ["Меня зовут {}", "{}", "Имя: {}"], "en": ["My name is {}", "{}", "Name: {}"]}[lang]
    ).format(name)
    if name in UNUSUAL[lang]:  # alone, it cannot be told from a word
        name_said = {"ru": f"Меня зовут {name}", "en": f"My name is {name}"}[lang]
    return [ask(lang), pick(first), name_said, written(phone), address], expected(name=name, phone=phone, email=address)


def mail_only(lang: str) -> Made:
    address = mail()
    said = {"ru": ["пришлите счёт на {}", "почта {}", "Отправьте КП на {} пожалуйста", "e-mail: {}"],
            "en": ["send the quote to {}", "my email is {}", "email: {}", "You can reach me at {}."]}[lang]  # fmt: skip
    return [ask(lang), pick(said).format(address)], expected(email=address)


def mail_slip(lang: str) -> Made:
    address = mail()
    said = {"ru": ["моя почта {}", "пишите на {}", "эл. адрес {}"], "en": ["my email is {}", "write to {}"]}[lang]
    return [ask(lang), pick(said).format(slip(address))], expected(email=address)


def mail_spoken(lang: str) -> Made:
    address = mail()
    name, domain = address.split("@")
    said = {"ru": f"почта {name} собака {domain}", "en": f"my email is {name} at {domain.replace('.', ' dot ')}"}[lang]
    return [ask(lang), said], expected(email=address)


def said_aloud(lang: str) -> Made:
    name, phone = person(lang), mobile()
    said = {"ru": ["запишите номер {p}, меня зовут {n}", "мой телефон {p}. {n}", "{n}, {p}"],
            "en": ["my number is {p}, my name is {n}", "call me on {p}. I am {n}"]}[lang]  # fmt: skip
    if name in UNUSUAL[lang]:
        said = said[:1]
    return [ask(lang), pick(said).format(n=name, p=spoken(phone, lang))], expected(name=name, phone=phone)


def two_phones(lang: str) -> Made:
    main, other = mobile(), mobile()
    said = {
        "ru": ["телефоны: {m}, {o}", "{o} - рабочий, но лучше звоните на {m}", "мой {m}, рабочий {o}", "{m} или {o}",
               "основной {m}, запасной {o}"],
        "en": ["my numbers: {m}, {o}", "office {o}, but better call my mobile {m}", "{m} or {o}", "main {m}, backup {o}"],
    }[lang]  # fmt: skip
    return [ask(lang), pick(said).format(m=written(main), o=written(other))], expected(phone=main)


def corrected(lang: str) -> Made:
    right, wrong = mobile(), mobile()
    first = {"ru": "мой номер {}", "en": "my number is {}"}[lang].format(written(wrong))
    then = {"ru": ["ой, ошибся, правильный {}", "извините, опечатка: {}", "точнее {}", "номер неверный, вот верный: {}"],
            "en": ["sorry, wrong number, it's {}", "correction: {}", "oops, I meant {}"]}[lang]  # fmt: skip
    return [ask(lang), first, pick(then).format(written(right))], expected(phone=right)


def foreign(lang: str) -> Made:
    phone = mobile(pick(["KZ", "UZ", "DE", "GB", "US", "TR"]))
    said = {"ru": ["мой номер {}", "звоните {}", "вотсап {}"], "en": ["my number is {}", "WhatsApp {}", "call {}"]}[
        lang
    ]
    return [ask(lang), pick(said).format(abroad(phone))], expected(phone=phone)


def tax_number(lang: str) -> Made:
    """Digits that look like a phone and are none; half of the time a real one stands beside."""
    digits = f"{pick('579')}{chance.randrange(10**9):09d}"
    long = f"{pick('579')}{chance.randrange(10**11):011d}"
    said = {
        "ru": [f"ИНН {digits}", f"наш инн: {digits}, кпп {digits[:9]}", f"ИНН {long}", f"ОГРН 1{long}", f"заказ № {digits}",
               f"р/с 40702810{long}", f"БИН {long}", f"артикул {digits}", f"счёт {digits} от 12.03.2026", f"договор {digits}"],
        "en": [f"our tax id is {digits}", f"VAT {digits}", f"order number {digits}", f"invoice {digits}", f"part number {digits}",
               f"account 40702810{long}", f"serial no {digits}"],
    }[lang]  # fmt: skip
    messages, phone = [ask(lang), pick(said)], None
    if chance.random() < 0.5:
        phone = mobile()
        messages.append({"ru": "телефон {}", "en": "phone {}"}[lang].format(written(phone)))
    return messages, expected(phone=phone)


def colleague(lang: str) -> Made:
    """Somebody else's number: only mentioned, so not the customer's; their own is, where they give it."""
    other, other_name = mobile(), person(lang)
    said = {
        "ru": [f"номер моего коллеги {written(other)}", f"у коллеги номер {written(other)}, он занимается оплатой",
               f"телефон моего начальника {written(other)}", f"мой коллега {other_name}, его номер {written(other)}"],
        "en": [f"my colleague's number is {written(other)}", f"my boss {other_name} has the number {written(other)}",
               f"his number is {written(other)}, he is my colleague"],
    }[lang]  # fmt: skip
    if chance.random() < 0.4:
        return [ask(lang), pick(said)], expected()
    name, phone = person(lang), mobile()
    own = {"ru": [f"а мой {written(phone)}, меня зовут {name}", f"мой номер {written(phone)}, я {name}"],
           "en": [f"and mine is {written(phone)}, I'm {name}", f"my number is {written(phone)}, my name is {name}"]}[lang]  # fmt: skip
    parts = [pick(said), pick(own)]
    messages = [ask(lang), *parts] if chance.random() < 0.5 else [ask(lang), ", ".join(parts)]
    return messages, expected(name=name, phone=phone)


def company(lang: str) -> Made:
    name, phone, address, firm = person(lang), mobile(), mail(), pick(COMPANIES[lang])
    said = {
        "ru": ["{n}, {c}, {p}, {m}", "Это {n} из {c}. {p} {m}", "С уважением,\n{n}\n{c}\nтел. {p}\n{m}", "{c}, контактное лицо {n}, {p}, почта {m}"],
        "en": ["{n}, {c}, {p}, {m}", "This is {n} from {c}. {p}, {m}", "Kind regards,\n{n}\n{c}\nTel: {p}\n{m}",
               "We are {c}, contact person {n}, {p}, {m}"],
    }[lang]  # fmt: skip
    if name in UNUSUAL[lang]:
        said = said[1:]
    text = pick(said).format(n=name, c=firm, p=written(phone), m=address)
    return [ask(lang), text], {**expected(name=name, phone=phone, email=address), "company": firm}


def nothing(lang: str) -> Made:
    """Numbers and names all over, and no contact."""
    said = {
        "ru": [["нужно 1500 шт по 79 руб", "срок до 25.12.2026?"], ["Здравствуйте, Анна!", "спасибо, Анна"], ["размер 100х200х300 мм, 220 В"],
               ["гост 8732-78 труба 108х4"], ["есть насос Grundfos UPS 25-40 180?"], ["а Иванов у вас ещё работает?"],
               ["бюджет 9 500 000 рублей"], ["артикул 8-912-345"], ["какой у вас телефон?"], ["на какую почту писать?"],
               ["меня интересует доставка", "я из Казани"], ["я директор", "я не робот"]],
        "en": [["I need 1500 pcs at 79 EUR", "by 25.12.2026?"], ["Hello Anna!", "thanks, Anna"], ["size 100x200x300 mm, 220 V"],
               ["do you have Grundfos UPS 25-40 180?"], ["what is your phone number?"], ["is Peter still working there?"],
               ["budget 9 500 000"], ["part 8912-345-67"], ["I am interested in delivery", "I'm from Leeds"], ["I am looking for a pump"]],
    }[lang]  # fmt: skip
    return [ask(lang), *pick(said)], expected()


def lower_case(lang: str) -> Made:
    name, phone = pick((MEN if chance.random() < 0.5 else WOMEN)[lang]), mobile()
    said = {
        "ru": ["меня зовут {n} тел {p}", "{n} {p}", "это {n}, перезвоните {p}"],
        "en": ["my name is {n} call {p}", "this is {n} {p}"],
    }[lang]
    return [ask(lang), pick(said).format(n=name.lower(), p=written(phone))], expected(name=name, phone=phone)


def mixed(lang: str) -> Made:
    """Two languages or alphabets in one dialogue."""
    name, phone, address = person("ru"), mobile(), mail()
    said = [f"Hi, меня зовут {name}, my phone is {written(phone)}", f"my email {address}, звоните {written(phone)}. {name}",
            f"Name: {name}, Телефон: {written(phone)}, Email: {address}"]  # fmt: skip
    text = pick(said if name not in UNUSUAL["ru"] else said[::2])
    return [ask(pick(["ru", "en"])), text], expected(name=name, phone=phone, email=address if address in text else None)


SCENES: list[tuple[Callable[[str], Made], int]] = [
    (plain, 14), (apart, 8), (mail_only, 6), (mail_slip, 6), (mail_spoken, 3), (said_aloud, 7), (two_phones, 6), (corrected, 5),
    (foreign, 7), (tax_number, 9), (colleague, 8), (company, 8), (nothing, 7), (lower_case, 4), (mixed, 5),
]  # fmt: skip


def dialogues() -> list[Dialogue]:
    scenes = [scene for scene, share in SCENES for _ in range(share)]
    made = []
    for at in range(COUNT):
        scene = scenes[at % len(scenes)]
        lang = "ru" if chance.random() < 0.62 else "en"
        messages, wanted = scene(lang)
        made.append(
            {
                "id": f"lead-{at + 1:03d}",
                "region": "RU",
                "kind": scene.__name__,
                "messages": messages,
                "expected": wanted,
            }
        )
    return made


if __name__ == "__main__":
    lines = [json.dumps(one, ensure_ascii=False) for one in dialogues()]
    (HERE / "leads.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
