"""Scores the judged dialogues: routes, languages, follow-ups and "nothing found", from a play's output or in place.

    python tests/eval/dialogue.py tests/sets/dialogue.jsonl --played OUT.jsonl
    python tests/eval/dialogue.py tests/sets/dialogue.jsonl

With `--played` it judges what `appliance dialogue play` wrote. Without it, it asks the pure rules themselves, with
the packaged embedder and stand-in cards: quick, and blind to the catalogue (so "nothing found" is not scored).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

from appliance.core.followup import FollowUp, resolve
from appliance.core.language import detect, readable
from appliance.core.routing import Prototypes, examples, route
from appliance.core.types import Card, Message, Route
from catalog.understand import understand
from catalog.wish import Wish
from models.packaged import PackagedEmbedder

Judged = tuple[str, str, bool, str]  # what is judged, the language, right or wrong, what to show when wrong
_FLOORS = {"route": 0.95, "lang_ru_en": 0.99, "lang_rest": 0.95, "follow_up": 0.90, "none": 0.95}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("set", type=Path)
    arguments.add_argument("--played", type=Path, help="output of `appliance dialogue play` for this set")
    arguments.add_argument("--json", action="store_true", help="figures as one JSON object, nothing else")
    arguments.add_argument("--no-vectors", action="store_true", help="word lists alone, without the embedder")
    chosen = arguments.parse_args()
    dialogues = [json.loads(line) for line in chosen.set.read_text("utf-8").splitlines()]
    if chosen.played:
        played = {row["id"]: row["turns"] for row in map(json.loads, chosen.played.read_text("utf-8").splitlines())}
        judged = [one for dialogue in dialogues for one in _judge_played(dialogue, played.get(dialogue["id"], []))]
        figures = _figures(judged)
    else:
        asked = _Rules(vectors=not chosen.no_vectors)
        judged = [one for dialogue in dialogues for one in asked.judge(dialogue)]
        figures = {**_figures(judged), "ms_median": round(median(asked.milliseconds), 3)}
    if chosen.json:
        print(json.dumps(figures, ensure_ascii=False))
    else:
        _show(judged, figures)
    return 0 if all(figures[name] >= floor for name, floor in _FLOORS.items() if name in figures) else 1


def _judge_played(dialogue: dict[str, Any], played: Sequence[dict[str, Any]]) -> Iterator[Judged]:
    """What the program answered, against what was expected."""
    for place, (text, expected) in enumerate(zip(dialogue["turns"], dialogue["expect"], strict=True)):
        answer = played[place] if place < len(played) else {}
        before = played[place - 1] if 0 < place <= len(played) else {}
        lang, got = expected["lang"], f"{dialogue['id']} {text!r}: {answer.get('route')}/{answer.get('lang')}"
        yield "route", lang, answer.get("route") == expected["route"], got
        yield "lang", lang, answer.get("lang") == lang, got
        sold = expected.get("none", False) is not None  # null: cannot be said
        if expected["route"] == Route.PRODUCT_SEARCH and sold:
            none = bool(answer.get("none"))
            yield "none", lang, none == bool(expected.get("none")) or "follow_up" in expected, f"{got} none={none}"
        if "follow_up" in expected:
            yield "follow_up", lang, _followed(expected, answer, before), f"{got} {answer.get('skus', [])[:3]}"


def _followed(expected: dict[str, Any], answer: dict[str, Any], before: dict[str, Any]) -> bool:
    """A remark on n-th cards shows those; one that changes the search shows other goods, or says honestly none."""
    if answer.get("route") != expected["route"]:
        return False
    kind, *numbers = expected["follow_up"].split()
    shown, earlier = answer.get("skus", []), before.get("skus", [])
    if numbers:
        return list(shown[: len(numbers)]) == [
            earlier[int(number) - 1] for number in numbers if int(number) <= len(earlier)
        ]
    if kind in ("stock", "compare"):
        return bool(shown) or bool(answer.get("text"))
    return bool(shown != earlier or answer.get("none"))


class _Rules:
    """The pure rules asked directly, turn by turn, with stand-in cards after every search."""

    def __init__(self, *, vectors: bool) -> None:
        self.milliseconds: list[float] = []
        self._encoder = PackagedEmbedder() if vectors else None
        self._prototypes: Prototypes | None = None
        if self._encoder:
            known = examples()
            self._prototypes = Prototypes.build(known, self._encoder.encode([example.text for example in known]))

    def judge(self, dialogue: dict[str, Any]) -> Iterator[Judged]:
        before, wish, shown = "", None, tuple[Card, ...]()
        history: list[Message] = []
        for text, expected in zip(dialogue["turns"], dialogue["expect"], strict=True):
            start = perf_counter()
            before = detect(text, before=before)
            vector = self._encoder.encode([readable(text, before)])[0] if self._encoder else None
            remark = resolve(text, wish=wish, shown=shown, lang=before)
            decision = route(text, lang=before, history=history, vector=vector, prototypes=self._prototypes)
            if remark:  # as the dialogue does: a remark on the goods shown is not routed anew
                taken = Route.CONTACT if remark.kind == "order" else Route.PRODUCT_SEARCH
                decision = replace(decision, route=taken, why=f"follow-up: {remark.why}")
            self.milliseconds.append(1000 * (perf_counter() - start))
            lang, got = expected["lang"], f"{dialogue['id']} {text!r}"
            yield "route", lang, decision.route == expected["route"], f"{got}: {decision.route} ({decision.why})"
            yield "lang", lang, before == lang, f"{got}: {before}"
            if expected["route"] == Route.PRODUCT_SEARCH and (wish or shown):
                wanted = expected.get("follow_up", "")
                yield "follow_up", lang, _resolved(remark, wanted), f"{got}: wanted {wanted or None}, got {remark}"
            if expected["route"] == Route.PRODUCT_SEARCH:
                wish = (remark.wish if remark else None) or (wish if "follow_up" in expected else understand(text))
                shown = shown if "follow_up" in expected else _cards(text)
            history += [_message(len(history) + 1, "user", text), _message(len(history) + 2, "bot", "")]


def _resolved(remark: FollowUp | None, wanted: str) -> bool:
    if remark is None or not wanted:
        return remark is None and not wanted
    kind, *numbers = wanted.split()
    wish = remark.wish or Wish(text="")
    if numbers:
        return remark.kind == kind and remark.cards == tuple(int(number) - 1 for number in numbers)
    if volts := re.fullmatch(r"voltage=(\d+)", kind):
        return any(limit.what == "voltage" and limit.low == Decimal(volts[1]) for limit in wish.limits)
    match kind:
        case "cheaper":
            return wish.order == "price" and any(limit.what == "price" and limit.high for limit in wish.limits)
        case "dearer":
            return wish.order == "-price" and any(limit.what == "price" and limit.low for limit in wish.limits)
        case "brand":
            return bool(wish.not_brand)
        case "stock":
            return remark.kind == "stock" or wish.in_stock
        case "words" | "bigger" | "smaller":
            return remark.kind == "refine" and remark.why in ("further words", kind, "other limits")
        case _:
            return remark.kind == kind


def _cards(text: str) -> tuple[Card, ...]:
    prices = (Decimal(30_000), Decimal(20_000), Decimal(40_000))
    return tuple(
        Card(
            sku=f"QX-{place}",
            name=text,
            price=price,
            currency="RUB",
            brand="Borea",
            attributes=(("Мощность", "3 кВт"),),
        )
        for place, price in enumerate(prices)
    )


def _message(seq: int, role: str, text: str) -> Message:
    return Message(
        id=UUID(int=seq), conversation=UUID(int=0), seq=seq, role=role, kind="text", text=text, payload={},
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def _figures(judged: Sequence[Judged]) -> dict[str, float]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for what, lang, right, _ in judged:
        main = "ru_en" if lang in ("ru", "en") else "rest"
        groups[what].append(right)
        groups[f"{what}_{main}"].append(right)
        groups[f"{what}_{lang}"].append(right)
    return {name: round(sum(group) / len(group), 4) for name, group in sorted(groups.items())}


def _show(judged: Sequence[Judged], figures: dict[str, float]) -> None:
    for what, _, right, got in judged:
        if not right:
            print(f"{what:9} {got}")
    print(" ".join(f"{name}={figure:.3f}" for name, figure in figures.items()))


if __name__ == "__main__":
    sys.exit(main())
