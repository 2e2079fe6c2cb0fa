"""The passage of the company's texts that answers a question."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.core.company import LONGEST, Passages

TEXTS = {
    "conditions.md": """# Доставка
Доставляем по всей России и Казахстану транспортными компаниями. Срок от 2 до 7 рабочих дней.

## Самовывоз
Забрать заказ можно со склада на улице Складской, 5, с паспортом.

# Оплата
Оплата картой, наличными или по счёту для юридических лиц. Цены с НДС.

# Гарантия
На всё оборудование действует гарантия 12 месяцев.

## Возврат
Вернуть товар можно в течение 14 дней, если он не был в работе.
""",
    "about.md": """# О компании
Мы поставляем оборудование с 1998 года и представляем 40 производителей.

# Режим работы
Понедельник - пятница с 9 до 18, суббота с 10 до 15, воскресенье выходной.
""",
}


@pytest.fixture(scope="module")
def passages() -> Passages:
    return Passages(TEXTS)


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("сколько идёт доставка в Казань?", "Доставка"),
        ("можно забрать самому?", "Доставка / Самовывоз"),
        ("вы работаете с НДС?", "Оплата"),
        ("какая гарантия на насосы", "Гарантия"),
        ("как вернуть товар", "Гарантия / Возврат"),
        ("вы в субботу открыты?", "Режим работы"),
        ("расскажите о компании", "О компании"),
    ],
)
def test_a_question_finds_its_passage(passages: Passages, question: str, heading: str) -> None:
    assert passages.find(question)[0].heading == heading


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("do you deliver to Kazakhstan?", "Доставка"),
        ("how can I pay?", "Оплата"),
        ("wie lange ist die Garantie?", "Гарантия"),
        ("чи можна повернути товар?", "Гарантия / Возврат"),
        ("жұмыс уақыты қандай", "Режим работы"),
        ("çalışma saatleriniz nedir", "Режим работы"),
        ("怎么付款", "Оплата"),
    ],
)
def test_a_question_in_another_language_finds_it_too(passages: Passages, question: str, heading: str) -> None:
    assert passages.find(question)[0].heading == heading


def test_what_the_texts_do_not_say_is_not_answered(passages: Passages) -> None:
    assert passages.find("сколько лет директору?") == []
    assert passages.find("") == []


def test_a_passage_is_the_companys_own_words(passages: Passages) -> None:
    found = passages.find("гарантия")[0]
    assert found.text in TEXTS[found.source]


def test_no_texts_answer_nothing() -> None:
    assert Passages({}).find("доставка") == []
    assert Passages({"empty.md": "# Заголовок\n"}).find("доставка") == []


def test_a_long_text_is_cut_between_sentences_and_loses_nothing() -> None:
    text = " ".join(f"Это предложение номер {n} о доставке." for n in range(200))
    cut = Passages({"long.md": text}).all
    assert len(cut) > 5
    assert all(len(passage.text) <= LONGEST + 60 for passage in cut)
    assert " ".join(passage.text.replace("\n", " ") for passage in cut) == text


def test_meaning_finds_what_words_do_not() -> None:
    passages = Passages({"a.md": "# Прочее\nМы сажаем деревья.\n# Другое\nУ нас есть кот."})
    passages.vectors = np.eye(2, dtype=np.float32)
    assert passages.find("экология", np.array([1.0, 0.0], np.float32))[0].text == "Мы сажаем деревья."
    assert passages.find("экология") == []
