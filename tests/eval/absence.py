"""Calibrates "nothing found": fits when to say it on catalogues whose lacks are known, and tells how often it errs.

    scripts/eval absence --data FOLDER --shelf FOLDER

Catalogues of different goods are cut from the judged one (tests/sets/search_absence.toml); the sample catalogue is one
more. Each is asked for what it has (its own names in whole and in part, with slips; the judged queries and suppliers'
names whose rows it kept) and for what it lacks (names of goods of other shops, things that no such shop sells). How
customers of the sample shop ask was judged by hand. Every catalogue is judged by a fit that saw only the others; the
sample's questions by hand are tuned on and checked in turns. Ends with the weights for catalog/emptiness.py.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import gzip
import random
import re
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog import build
from catalog.emptiness import CONSTANT, LEAST, SIGNS, WEIGHTS, signs
from catalog.normalize import fold, stem, words
from catalog.product import Product
from catalog.ranking import score
from catalog.snapshot import Snapshot
from models.packaged import PackagedEmbedder
from tests.eval._judged import GRADES, read_products, read_queries
from tests.eval._own import own_goods
from tests.eval.search import opened

SETS = Path(__file__).parents[1] / "sets"
SAMPLE = 3000  # rows of the sample catalogue
BY_HAND = "natural"
HARD = {BY_HAND: 5.0, "cross-lingual": 5.0}  # kinds in which the words of question and row seldom agree
RIDGE, MASS = 0.3, 200.0  # of the fit: what a catalogue weighs
MOST = 0.10  # errors of either kind up to which the calibration stands
MANY = 50  # questions of each kind to each catalogue
WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, whether the catalogue has what it asks for, and where the question comes from."""

    text: str
    sold: bool
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A shop whose lacks are known: its goods with their vectors, and the questions."""

    name: str
    products: list[Product]
    vectors: NDArray[np.float32]
    questions: list[Asked]


def catalogues(data: Path, whole: Snapshot) -> Iterator[Catalogue]:
    """The catalogues cut from the judged one, and the sample."""
    with gzip.open(data / "catalog.csv.gz", "rt", encoding="utf-8", newline="") as file:
        sources = [row["src"] for row in csv.DictReader(file)]
    products = list(read_products(data / "catalog.csv.gz"))
    vectors = whole.meanings[PackagedEmbedder().name].vectors
    for about in tomllib.loads((SETS / "search_absence.toml").read_text("utf-8"))["catalogue"]:
        dice = random.Random(about["name"])
        without = re.compile("|".join(rf"\b{stem}" for stem in about.get("without", ["$^"])))
        kept, lacking = [], []
        for at, (product, source) in enumerate(zip(products, sources, strict=True)):
            named = f"{product.name} {product.category}".lower()
            own = source in about["sources"]
            if without.search(named):
                lacking += [product] if without.match(named) else []
            elif source == "cpv" and product.sku[:2] in about.get("foreign", ()):
                lacking.append(product)
            elif own and dice.random() < about["sources"][source]:
                kept.append(at)
            elif not own and named.split()[0] in about.get("foreign_heads", ()):
                lacking.append(product)
        goods = [products[at] for at in kept]
        heads = {stem(words(fold(product.name))[0]) for product in goods if words(fold(product.name))}
        lacking = [product for product in lacking if stem((words(fold(product.name)) or [""])[0]) not in heads]
        questions = [*_of_rows(goods, True, dice), *_of_rows(lacking, False, dice), *_judged(data, goods, dice)]
        if "foreign" in about:
            questions += _by_hand(about["name"])
        part = np.asarray(vectors[kept], dtype=np.float32)
        yield Catalogue(name=about["name"], products=goods, vectors=part, questions=questions)
    yield _sample()


def _sample() -> Catalogue:
    goods = own_goods(SAMPLE)
    embedder = PackagedEmbedder()
    vectors = embedder.encode([build.text_to_embed(product) for product in goods])
    questions = [*_of_rows(goods, True, random.Random("sample")), *_by_hand("sample"), *_natural()]
    return Catalogue(name="sample", products=goods, vectors=vectors, questions=questions)


def _of_rows(rows: Sequence[Product], sold: bool, dice: random.Random) -> list[Asked]:
    """Names as customers give them: the first words, some of the words, all of them, with a slip."""
    found: dict[str, Asked] = {}
    heads: Counter[str] = Counter()
    for product in dice.sample(list(rows), len(rows)):
        named = WORD.findall(product.name)
        if not named or heads[named[0].lower()] >= 6:  # no kind of goods speaks for all
            continue
        heads[named[0].lower()] += 1
        short = " ".join(named[: dice.choice((1, 2, 2, 3))])
        chosen = sorted(dice.sample(range(1, len(named)), min(len(named) - 1, dice.choice((1, 2, 3)))))
        partial = " ".join([named[0], *(named[at] for at in chosen)])
        slipped = re.sub(named[0], _slip(named[0], dice), partial, count=1) if len(named[0]) > 5 else partial
        ways = [("short", short), ("short", short), ("partial", partial), ("slip", slipped)]
        kind, text = dice.choice([*ways, ("name", product.name)] if sold else ways)
        found.setdefault(text.lower(), Asked(text.lower(), sold, kind))
        if len(found) == MANY * 3:
            break
    return list(found.values())


def _slip(word: str, dice: random.Random) -> str:
    at = dice.randrange(2, len(word) - 1)
    return word[:at] + word[at + 1 :]


def _judged(data: Path, goods: Sequence[Product], dice: random.Random) -> Iterator[Asked]:
    """Judged queries and suppliers' names; asked of a catalogue that kept a wanted row. What it did not keep may still
    be there by another name, so nothing is said of the others."""
    here = {product.sku for product in goods}
    for one in read_queries(data / "queries_dev.csv.gz"):
        if any(grade == GRADES and sku in here for sku, grade in one.grades.items()):
            yield Asked(one.query, True, one.family)
    with gzip.open(data / "pairs_ksr.csv.gz", "rt", encoding="utf-8", newline="") as file:
        pairs = [row["query"] for row in csv.DictReader(file) if row["sku"] in here]
    yield from (Asked(text, True, "supplier's name") for text in dice.sample(pairs, min(MANY, len(pairs))))


def _by_hand(name: str) -> Iterator[Asked]:
    for line in (SETS / "search_absent.txt").read_text("utf-8").splitlines():
        line, _, elsewhere = line.partition("\t")  # after a tab: the catalogues that do sell it
        if name not in elsewhere:
            yield Asked(line, False, "by hand")


def _natural() -> Iterator[Asked]:
    """How customers of the sample shop ask, judged by hand."""
    for line in (SETS / "search_natural.tsv").read_text("utf-8").splitlines():
        mark, _, text = line.partition("\t")
        if mark in "+-":
            yield Asked(text, mark == "+", BY_HAND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What each question of one catalogue showed: float64 [questions, signs + 1], the last column of ones."""

    name: str
    questions: list[Asked]
    table: NDArray[np.float64]
    decided: NDArray[np.bool_]  # whether there was nothing to weigh: a code was found, or no row at all
    answers: NDArray[np.bool_]  # of the decided ones: whether something was found

    @property
    def sold(self) -> NDArray[np.bool_]:
        return np.array([one.sold for one in self.questions])

    def only(self, chosen: NDArray[np.bool_], name: str) -> Part:
        questions = [one for one, taken in zip(self.questions, chosen, strict=True) if taken]
        rest = self.table[chosen], self.decided[chosen], self.answers[chosen]
        return Part(name=name, questions=questions, table=rest[0], decided=rest[1], answers=rest[2])

    def accepted(self, weights: NDArray[np.float64]) -> NDArray[np.bool_]:
        chances = 1 / (1 + np.exp(-np.clip(self.table @ weights, -50, 50)))
        return np.where(self.decided, self.answers, chances >= LEAST)


def gathered(one: Catalogue) -> Part:
    """Builds the catalogue and asks it every question."""
    embedder = PackagedEmbedder()
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside) / "version"
        folder.mkdir()
        build.write(folder, one.products, {embedder.name: one.vectors}, about={"version": "one", "source": "cut"})
        snapshot = Snapshot.open(folder)
        rows, decided, answers = [], [], []
        for asked in one.questions:
            prepared = snapshot.prepare(asked.text)
            candidates = snapshot.candidates(prepared, {embedder.name: embedder.encode(prepared.texts)})
            found = signs(candidates, score(candidates)) if len(candidates.rows) else None
            decided.append(found is None)
            answers.append(found is None and len(candidates.rows) > 0)
            rows.append([0.0] * len(SIGNS) + [1.0] if found is None else [*(found[name] for name in SIGNS), 1.0])
    return Part(
        name=one.name,
        questions=one.questions,
        table=np.array(rows, dtype=np.float64),
        decided=np.array(decided),
        answers=np.array(answers),
    )


def fit(parts: Iterable[Part]) -> NDArray[np.float64]:
    """Weights of the signs, the constant last: logistic regression by Newton's method with a small ridge.

    In each catalogue both answers weigh the same, and in each answer every kind of question but the hard ones, which
    weigh more; the sample weighs thrice, because its questions are asked as people really ask.
    """
    tables, sold, weights = [], [], []
    for part in parts:
        free = ~part.decided
        tables.append(part.table[free])
        sold.append(part.sold[free])
        weights.append(_weights([one for one, taken in zip(part.questions, free, strict=True) if taken]))
    x, y, w = np.concatenate(tables), np.concatenate(sold).astype(np.float64), np.concatenate(weights)
    ridge = np.diag([RIDGE] * (x.shape[1] - 1) + [1e-6])
    beta = np.zeros(x.shape[1])
    for _ in range(40):
        chances = 1 / (1 + np.exp(-x @ beta))
        slope = (x * (w * chances * (1 - chances))[:, None]).T @ x + ridge
        step = np.linalg.solve(slope, x.T @ (w * (y - chances)) - ridge @ beta)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    return beta


def _weights(questions: Sequence[Asked]) -> NDArray[np.float64]:
    counts = Counter((one.sold, one.kind) for one in questions)
    shares = {sold: sum(HARD.get(kind, 1.0) for mark, kind in counts if mark == sold) for sold in (True, False)}
    many = 3 * MASS if any(one.kind == BY_HAND for one in questions) else MASS
    return np.array(
        [many * HARD.get(one.kind, 1.0) / shares[one.sold] / counts[one.sold, one.kind] for one in questions]
    )


def judge(part: Part, weights: NDArray[np.float64]) -> tuple[float, float]:
    """Prints, and returns, the shares wrongly refused and wrongly accepted."""
    accepted, sold = part.accepted(weights), part.sold
    refused, taken = float((~accepted[sold]).mean()), float(accepted[~sold].mean())
    print(f"{part.name:32}{sold.sum():6}{refused:8.3f}{(~sold).sum():8}{taken:8.3f}")
    return refused, taken


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/eval absence", description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with catalog.csv.gz and its judged queries")
    parser.add_argument(
        "--shelf", type=Path, required=True, help="where a version of the whole catalogue is, or will be"
    )
    asked = parser.parse_args()
    shelf, _ = asyncio.run(opened(read_products(asked.data / "catalog.csv.gz"), asked.shelf))
    whole = shelf.current()
    assert whole is not None
    parts = [gathered(one) for one in catalogues(asked.data, whole)]
    shelf.close()
    *cut, sample = parts
    by_hand = np.array([one.kind == BY_HAND for one in sample.questions])
    turns = np.arange(len(by_hand)) % 2 == 1
    tuned, checked = (
        sample.only(~(by_hand & turns), "sample, tuned on"),
        sample.only(by_hand & turns, "sample, by hand"),
    )
    print(f"{'':32}{'sold':>6}{'refused':>8}{'absent':>8}{'accepted':>8}")
    errors = [judge(part, fit([*(other for other in cut if other is not part), tuned])) for part in cut]
    errors.append(judge(checked, fit([*cut, tuned])))
    shipped = np.array([*WEIGHTS.values(), CONSTANT])
    print("as shipped:")
    for part in parts:
        judge(part, shipped)
    print("to ship:", {name: round(float(one), 2) for name, one in zip((*SIGNS, "constant"), fit(parts), strict=True)})
    refused, accepted = np.mean(errors, axis=0)
    print(f"never seen before: {refused:.3f} of what is sold refused, {accepted:.3f} of what is absent accepted")
    return 0 if max(refused, accepted) <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
