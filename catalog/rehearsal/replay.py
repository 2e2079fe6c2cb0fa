"""Asks the live version and the new one what customers asked lately, and compares the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean

from catalog.rehearsal.statistics import surely
from catalog.rehearsal.verdict import EXAMPLES, Figure, Finding
from catalog.snapshot import Found, Snapshot
from models.base import Embedder, Vectors

TOP = 5  # hits of an answer that a customer looks at
LEAST = 10  # questions, for their shares to refuse a version
EMPTY_WARN, EMPTY_REFUSE = 0.01, 0.05  # of the questions that found something and find nothing now
KEPT_WARN, KEPT_REFUSE = 0.8, 0.5  # of the top hits are the same goods as before, on average
PRICE_FACTOR = 1.5  # the lowest price among the top hits moved by more, up or down
PRICE_WARN, PRICE_REFUSE = 0.10, 0.25  # of the questions


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One question and what both versions answer: codes of the top hits, and the lowest price among them."""

    question: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    old_price: tuple[Decimal, str] | None = None  # amount, currency
    new_price: tuple[Decimal, str] | None = None

    @property
    def kept(self) -> float:
        """The share of the old top hits that are still there."""
        return len({*self.old} & {*self.new}) / len(self.old) if self.old else 1.0

    @property
    def emptied(self) -> bool:
        return bool(self.old) and not self.new

    @property
    def repriced(self) -> bool:
        """Whether the best price is in other money, or more than PRICE_FACTOR away from what it was."""
        if self.old_price is None or self.new_price is None or not self.old_price[0]:
            return False
        ratio = float(self.new_price[0] / self.old_price[0])
        return self.old_price[1] != self.new_price[1] or not 1 / PRICE_FACTOR <= ratio <= PRICE_FACTOR


async def replay(
    questions: Sequence[str], live: Snapshot, candidate: Snapshot, *, embedders: Mapping[str, Embedder]
) -> list[Replayed]:
    """Searches both versions for each question; some 30 ms each. Raises ModelError when an embedder fails."""
    return [
        _compared(question, await _ask(live, question, embedders), await _ask(candidate, question, embedders))
        for question in dict.fromkeys(questions)
    ]


async def _ask(snapshot: Snapshot, question: str, embedders: Mapping[str, Embedder]) -> Found:
    prepared = await asyncio.to_thread(snapshot.prepare, question)
    vectors: dict[str, Vectors] = {}
    for name in snapshot.meanings.keys() & embedders.keys():
        vectors[name] = await embedders[name].embed(prepared.texts, kind="query")
    return await asyncio.to_thread(lambda: snapshot.search(prepared, vectors, limit=TOP))


def _compared(question: str, old: Found, new: Found) -> Replayed:
    return Replayed(
        question=question,
        old=tuple(hit.product.sku for hit in old.hits),
        new=tuple(hit.product.sku for hit in new.hits),
        old_price=_lowest(old),
        new_price=_lowest(new),
    )


def _lowest(found: Found) -> tuple[Decimal, str] | None:
    """The lowest price in the money of the best hit that has one."""
    priced = [(hit.product.price, hit.product.currency) for hit in found.hits if hit.product.price is not None]
    return min((price for price in priced if price[1] == priced[0][1]), default=None)


def figures(replayed: Sequence[Replayed]) -> dict[str, Figure]:
    """What is told of the questions in any case."""
    answered = [one for one in replayed if one.old]
    if not answered:
        return {"questions": len(replayed)}
    return {
        "questions": len(replayed),
        "questions_kept": round(fmean(one.kept for one in answered), 4),
        "questions_emptied": sum(one.emptied for one in answered),
        "questions_repriced": sum(one.repriced for one in answered),
    }


def changes(replayed: Sequence[Replayed]) -> Iterator[Finding]:
    """What the answers show; too few questions only warn."""
    answered = [one for one in replayed if one.old]
    if not answered:
        return
    enough = len(answered) >= LEAST
    for id, worse, warn, refuse in (
        ("answers_emptied", [one for one in answered if one.emptied], EMPTY_WARN, EMPTY_REFUSE),
        ("answers_repriced", [one for one in answered if one.repriced], PRICE_WARN, PRICE_REFUSE),
    ):
        share = len(worse) / len(answered)
        if share >= warn:
            yield Finding(
                id=id,
                severity="refuse" if enough and surely(len(worse), len(answered)) >= refuse else "warn",
                figures={"count": len(worse), "total": len(answered), "share": share},
                examples=tuple(one.question for one in worse[:EXAMPLES]),
            )
    kept = fmean(one.kept for one in answered)
    if kept < KEPT_WARN:
        least = sorted(answered, key=lambda one: one.kept)
        yield Finding(
            id="answers_changed",
            severity="refuse" if enough and kept < KEPT_REFUSE else "warn",
            figures={"kept": kept, "total": len(answered)},
            examples=tuple(one.question for one in least[:EXAMPLES]),
        )
