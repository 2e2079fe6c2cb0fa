"""What the customer asked for, in their words: the messages less who they are and how to reach them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from appliance.core.leads import firms
from appliance.core.leads.words import pattern, table

LONGEST = 300  # characters
SENTENCE = re.compile(
    r"(?<=[!?])\s+|(?<!\d)(?<![A-ZА-Я])\.\s+|(?<=\d\s[A-Za-zА-Яа-я])\.\s+|(?<=\d)\.\s+(?=[^\W\da-zа-яё])|\n+"
    r"|\s(?=\d[.)]\s)|[;；。！？]"
)
CLAUSE = re.compile(r"(?:,(?=\s)|，|\s[—–-]\s)\s*|:\s+|[()]")
MARK = "\0"  # where a contact, a name or a company stood
WORDS = re.compile(r"[^\W_]+(?:[-.,/×хx'’*][^\W_]+)*")
CHINESE = re.compile(
    r"^(?:你好|您好|我|需要|想买|想要|请问|请|发邮件|到|电话|手机|邮箱|姓名|叫|是|,|，|\s)+|(?:请?发邮件到|请?联系我?|的)+$"
)
LETTER_END = re.compile(r"^\s*(?:--+|—+)\s*$")

Places = Sequence[tuple[int, int]]


def need(messages: Sequence[str], contacts: Sequence[Places], *, name: str) -> str:
    """`contacts` are the places of phones and addresses, message by message; `name` is the customer's."""
    asked = [
        line
        for text, places in zip(messages, contacts, strict=True)
        for line in _asked(_masked(text, places, name))
        if line
    ]
    return "\n".join(dict.fromkeys(asked))[:LONGEST].strip()


def _asked(text: str) -> list[str]:
    """The sentences of a message that tell of goods; of a letter, those above its signature."""
    plain = MARK not in text and not pattern("needs", "registered").search(text)
    if plain and (said := _letter(text).strip()) and not pattern("names", "greeting").search(said):
        return [said] if _tells(said, least=2) else []
    return [_sentence(one) for one in SENTENCE.split(_letter(text)) if one and one.strip()]


def _letter(text: str) -> str:
    """The letter above its signature, if anything stands there."""
    for match in pattern("names", "regards").finditer(text):
        closing = len(match[0].split()) > 1 and match[0].lower() != match[0]  # "С уважением, Анна" on one line
        if "\n" in text[match.end() - 1 :] or closing:
            return text[: match.start()]
    lines = text.split("\n")
    ends = [at for at, line in enumerate(lines) if LETTER_END.match(line)]
    return "\n".join(lines[: ends[0]]) if ends and ends[0] else text


def _sentence(text: str) -> str:
    """The sentence; of one with contacts in it, the clauses that tell of something else."""
    if pattern("needs", "registered").search(text):
        text = ", ".join(_before(pattern("needs", "registered"), text))
    if MARK not in text:
        kept = _trimmed(text) if pattern("names", "greeting").search(text) else text.strip(" .,-–—>")
        return kept if _tells(kept, least=2) else ""
    return ", ".join(goods for run in text.split(MARK) if (goods := _goods(run)))


def _goods(run: str) -> str:
    """The clauses between two marks that tell of goods, and with them their neighbours: "погрузчик, 1,5 т"."""
    clauses = [_trimmed(clause) for clause in CLAUSE.split(run)]
    sure = [bool(clause) and _is_of_goods(clause) for clause in clauses]
    near = [any(sure[max(0, at - 1) : at + 2]) and _tells(clause, least=1) for at, clause in enumerate(clauses)]
    quantity = [at and sure[at - 1] and clause[:1].isdigit() for at, clause in enumerate(clauses)]
    kept = zip(clauses, sure, near, quantity, strict=True)
    return ", ".join(clause for clause, *reasons in kept if any(reasons) and not _is_about(clause))


def _is_of_goods(clause: str) -> bool:
    """Beside a contact most words speak of it: goods are figures, words that ask, or more than a word."""
    if pattern("needs", "asking").search(clause):
        return _tells(pattern("needs", "asking").sub("", clause), least=1)
    if re.search(r"\d", clause):
        return _tells(clause, least=1)
    return not _is_about(clause) and _tells(clause, least=2)


def _is_about(clause: str) -> bool:
    """Whether it tells of the contact beside it: "это рабочий", "там бухгалтерия"."""
    words = ("dead", "fixed", "better", "spare", "other", "ours")
    return not re.search(r"\d", clause) and any(pattern("whose", name).search(clause) for name in words)


def _before(find: re.Pattern[str], text: str) -> list[str]:
    """What stands in the clauses before the one that is found."""
    clauses = re.split(r",\s+|\s—\s|:\s", text)
    return [clause for clause in clauses if not find.search(clause) and not re.search(r"\d{8}", clause)]


def _tells(text: str, *, least: int) -> bool:
    """Whether enough words speak of goods: one that is not idle, and two of them in a sentence of its own."""
    words = [word for word in WORDS.findall(text) if not _idle().fullmatch(word)]
    return (len(words) >= least and any(len(word) > 2 or word.isupper() for word in words)) or len(
        re.findall(r"[\u4e00-\u9fff]", text)
    ) > 1


def _trimmed(text: str) -> str:
    """The clause without the idle words at its edges."""
    if re.search(r"[\u4e00-\u9fff]", text):
        return CHINESE.sub("", text.strip(" .,?!"))
    found = list(WORDS.finditer(text))
    telling = [
        match
        for at, match in enumerate(found)
        if not _idle().fullmatch(match[0]) or (at and found[at - 1][0].isdigit() and len(match[0]) < 3)  # "380 В"
    ]
    if not telling:
        return ""
    start = telling[0].start()
    article = re.search(rf"(?<!\w)(?:{table('needs')['article']})$", text[:start], re.IGNORECASE)
    return text[article.start() if article else start : telling[-1].end()]


def _masked(text: str, places: Places, name: str) -> str:
    """The text with a mark where contacts, the company and the name stand."""
    gone = [*places]
    if firm := firms.place(text):
        gone.append(firm)
    if parts := "|".join(re.escape(part) for part in name.split() if len(part) > 1):
        gone += [match.span() for match in re.finditer(rf"(?<!\w)(?:{parts})(?!\w)", text, re.IGNORECASE)]
    for start, end in sorted(gone, reverse=True):
        text = text[:start] + MARK + text[end:]
    return text


@cache
def _idle() -> re.Pattern[str]:
    return re.compile(table("needs")["idle"], re.IGNORECASE)
