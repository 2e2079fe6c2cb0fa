"""Decides whether a finished sentence may reach a customer: it may when rows or the company's text show all it says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.core.claims import clean
from appliance.core.claims.company import company_of, is_quote
from appliance.core.claims.compare import comparisons
from appliance.core.claims.figures import figures
from appliance.core.claims.goods import Row, Shown, goods_of
from appliance.core.claims.promises import promises, vague_amounts
from appliance.core.claims.sentence import Blocked, take_apart
from appliance.core.claims.strangers import codes, strangers

LONGEST = 600  # characters; what is longer is no sentence for a customer, and costs more time than it is worth
MOST_FIGURES = 40
RECENT = 10  # of the customer's messages whose figures may be repeated


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence passes; `why` names the claim that nothing shows, for the log."""

    passes: bool
    why: str = ""


def check(
    sentence: str,
    *,
    lang: str,
    rows: Sequence[Shown],
    company: str = "",
    said: Sequence[str] = (),
) -> Verdict:
    """Judges `sentence` as a finished one about `rows`.

    `company` is the company's own text (addresses, terms), `said` the customer's messages, whose measures may be
    repeated as wishes but never as prices or stock. Pure; raises nothing for any text.
    """
    try:
        _examine(sentence, lang, rows, company, said)
    except Blocked as reason:
        return Verdict(False, str(reason))
    return Verdict(True)


def check_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """The judging door: `{"id", "lang", "rows", "company", "text"}` in, `{"id", "passes", "why"}` out."""
    said = record.get("said") or ()
    verdict = check(
        str(record.get("text") or ""),
        lang=str(record.get("lang") or ""),
        rows=[Row.of(row) for row in record.get("rows") or ()],
        company=str(record.get("company") or ""),
        said=[said] if isinstance(said, str) else list(said),
    )
    return {"id": record.get("id"), "passes": verdict.passes, "why": verdict.why}


def _examine(raw: str, lang: str, rows: Sequence[Shown], company_text: str, said: Sequence[str]) -> None:
    lang = lang.split("-")[0].lower()
    text, why = clean.plain(raw)
    if len(text) > LONGEST or len(re.findall(r"\d+", text)) > MOST_FIGURES:
        why = "too long for a sentence"
    _refuse(why or clean.forbidden(text))
    goods = goods_of(rows)
    company = company_of(clean.plain(company_text)[0], lang)
    if is_quote(text, company):
        return
    _refuse(clean.strange_script(text, list(goods), company))
    open_text, why = clean.without_contacts(text, company)
    _refuse(why)
    sentence = take_apart(open_text, lang, goods, company, [message[:LONGEST] for message in said[-RECENT:]])
    _refuse(clean.unknown_phone(sentence.bare))
    for examine in (codes, strangers, promises, vague_amounts, comparisons, figures):
        examine(sentence)


def _refuse(why: str) -> None:
    if why:
        raise Blocked(why)
