"""One sealed version of the catalogue: opened read-only and memory-mapped, searched without a lock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.build import FORMAT, checksum
from catalog.emptiness import absent
from catalog.features import Reader
from catalog.fixer import Fixer
from catalog.lanes.codes import CodesLane
from catalog.lanes.grams import GramsLane
from catalog.lanes.meaning import MeaningLane
from catalog.lanes.postings import Rows
from catalog.lanes.words import WordsLane
from catalog.naming import Names
from catalog.normalize import DIMENSIONS, stem, unit_of, words
from catalog.product import CatalogError, Product
from catalog.query import Prepared, prepare
from catalog.ranking import NAMES, Candidates, score
from catalog.ranking import order as ranked
from catalog.records import Records
from catalog.understand import understand
from catalog.wish import Limit, Wish

DEEP = 100  # candidates taken from each lane; more did not raise the figures
MOST_BARE = 2000  # rows ranked when a wish has limits and no words
ALIKE = 0.5  # share of the best row's words from which a row of the brand named is what is asked
FEW = 10  # rows of one code that may all be meant


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One row found. `reasons` are ids for the console: `code`, `words:насос`, `meaning`, `quantity`, `brand`.

    The product is read when it is asked for: of a hundred hits a customer sees a few.
    """

    records: Records = field(repr=False, compare=False)
    row: int
    score: float
    reasons: tuple[str, ...] = ()
    exact: bool = False

    @property
    def product(self) -> Product:
        return self.records[self.row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found, and what it made of the wish."""

    wish: Wish  # as understood (limits, order, stock)
    hits: tuple[Hit, ...] = ()  # best first; empty when `none`
    none: bool = False  # nothing in the catalogue fits, by a calibrated threshold
    near: tuple[Hit, ...] = ()  # near misses, offered as such when `none`, or when limits emptied the result
    corrected: str = ""  # the query as searched, when the fixer changed it
    dropped: tuple[str, ...] = ()  # words or limits of the query that were given up
    version: str = ""


class Snapshot:
    """A version's folder, open. Safe to search from many threads; processes share its pages."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.folder = folder
        self.version: str = manifest["version"]
        self.manifest = manifest
        self.records = Records(folder)
        size = len(self.records)
        self.names = WordsLane(folder, "names", size=size)
        self.words = WordsLane(folder, "words", size=size)
        self.grams = GramsLane(folder, size=size)
        self.codes = CodesLane(folder)
        self.meanings = {name: MeaningLane(folder / f"meaning-{name}") for name in manifest["embedders"]}
        self.fixer = Fixer(folder, frequency=self._frequency)
        self.reader = Reader(folder, names=self.names, words=self.words)
        self.naming = Names(self.reader.brands, self.reader.categories)

    @classmethod
    def open(cls, folder: Path, *, embedders: Sequence[str] | None = None) -> Snapshot:
        """Opens a sealed folder after cheap checks: format, every file there with its size, small files' checksums.

        `embedders`: the names of those that will embed the queries; a version that none of them built is refused.
        Raises CatalogError that says what to do.
        """
        manifest = _manifest(folder)
        if embedders is not None and manifest["embedders"] and not set(embedders) & set(manifest["embedders"]):
            raise CatalogError(
                f"The catalogue version {manifest['version']} was built with another embedding model "
                f"({', '.join(manifest['embedders'])}); import it anew, or set the model back."
            )
        return cls(folder, manifest)

    def __len__(self) -> int:
        return len(self.records)

    def product(self, sku: str) -> Product | None:
        """The product with this very SKU."""
        row = self.records.row(sku)
        return None if row is None else self.records[row]

    def products(self) -> Iterator[Product]:
        """All products in the order of their rows."""
        return (self.records[row] for row in range(len(self.records)))

    def prepare(self, wish_or_text: Wish | str) -> Prepared:
        """Reads and corrects the wish; `texts` of the answer are to be embedded before `search`."""
        wish = understand(wish_or_text) if isinstance(wish_or_text, str) else wish_or_text
        return prepare(wish, fixer=self.fixer, names=self.naming, is_code=self._is_code, version=self.version)

    def search(self, prepared: Prepared, vectors: Mapping[str, NDArray[np.float32]], *, limit: int = 10) -> Found:
        """The best rows for a prepared wish.

        `vectors`: by embedder's name, float32 [len(prepared.texts), dimensions] of `prepared.texts`; an embedder left
        out is a lane left out. Synchronous, thread-safe, reads nothing but the mapped files.
        """
        allowed, dropped = self._allowed(prepared.wish)
        candidates = self.candidates(prepared, vectors, allowed)
        found = Found(wish=prepared.wish, corrected=prepared.corrected, dropped=tuple(dropped), version=self.version)
        if not len(candidates.rows):
            return replace(found, none=True, near=self._near(prepared, vectors, allowed, limit))
        scores = score(candidates)
        order = self._ordered(prepared.wish, candidates, ranked(candidates, scores))
        order, more = self._branded(prepared, candidates, order)
        order = order[:limit]
        if more:  # a brand given up is not asked for by the next remark either
            found = replace(found, wish=replace(found.wish, brand=""), dropped=(*found.dropped, *more))
        hits = tuple(self._hit(candidates, int(at), float(scores[at])) for at in order)
        if prepared.texts[0].strip() and absent(candidates, scores):
            return replace(found, none=True, near=hits)
        return replace(found, hits=hits)

    def candidates(
        self, prepared: Prepared, vectors: Mapping[str, NDArray[np.float32]], allowed: NDArray[np.bool_] | None = None
    ) -> Candidates:
        """The union of what the lanes find, with features for ranking; the training reads the same."""
        scores = {
            "names": self.names.find(prepared.asked, DEEP, allowed),
            "words": self.words.find(prepared.asked, DEEP, allowed),
            "grams": self.grams.find(prepared.sounds, DEEP, allowed),
            "translated": self.names.find(prepared.translated, DEEP // 2, allowed),
        }
        found = [lane.best for lane in scores.values()]
        meanings = [(self.meanings[name], part) for name, part in vectors.items() if name in self.meanings]
        if prepared.texts[0].strip():
            found.extend(lane.search(vector, DEEP // 2) for lane, part in meanings for vector in part)
        codes = self._coded(prepared)
        found.append(np.fromiter(codes, dtype=np.int32, count=len(codes)))
        if not prepared.texts[0].strip() and allowed is not None:
            found.append(np.flatnonzero(allowed)[:MOST_BARE].astype(np.int32))
        rows = np.unique(np.concatenate(found)).astype(np.int32)
        if allowed is not None:
            rows = rows[allowed[rows]]
        features = self.reader.features(prepared, rows, lanes=scores, meanings=meanings, codes=codes)
        return Candidates(rows=rows, features=features)

    def _coded(self, prepared: Prepared) -> dict[int, tuple[float, float, float, float]]:
        """Row -> (exact, its own SKU, begins, share of the wish) for the wish's chunks that are codes here."""
        found: dict[int, tuple[float, float, float, float]] = {}
        for at, whole, rows, own in self.codes.find([code for code, _ in prepared.codes], FEW * 5):
            exact, share = float(whole), prepared.codes[at][1]
            for row, mine in zip(rows.tolist(), own.tolist(), strict=True):
                entry = (exact, exact * mine, (1 - exact) / len(set(rows.tolist())), share)
                found[row] = max(found.get(row, (0.0, 0.0, 0.0, 0.0)), entry)
        return found

    def _frequency(self, word: str) -> int:
        return self.words.frequency(stem(word))

    def _is_code(self, code: str) -> bool:
        return len(self.codes.exact(code)[0]) > 0 or (len(code) >= 6 and len(self.codes.beginning(code)[0]) > 0)

    def _allowed(self, wish: Wish) -> tuple[NDArray[np.bool_] | None, list[str]]:
        """Which rows the sure limits leave, and which limits had to be given up because they left nothing."""
        allowed: NDArray[np.bool_] | None = None
        dropped: list[str] = []
        for name, mask in self._masks(wish):
            both = mask if allowed is None else allowed & mask
            if both.any():
                allowed = both
            else:
                dropped.append(name)
        return allowed, dropped

    def _masks(self, wish: Wish) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        if wish.brand and wish.brand_sure:
            yield "brand", np.isin(self.reader.brand, self.naming.brands(wish.brand))
        if wish.not_brand:
            yield "not_brand", ~np.isin(self.reader.brand, self.naming.brands(wish.not_brand))
        if wish.category:
            yield "category", np.isin(self.reader.category, self.naming.categories(wish.category))
        for limit in wish.limits:
            if limit.sure:
                yield limit.what, self._within(limit)
        if wish.in_stock:
            yield "in_stock", self.reader.in_stock()

    def _within(self, limit: Limit) -> NDArray[np.bool_]:
        low = -np.inf if limit.low is None else float(limit.low)
        high = np.inf if limit.high is None else float(limit.high)
        if limit.what == "price":
            return self.reader.priced(low, high, limit.unit)
        if limit.what not in DIMENSIONS:
            return np.zeros(len(self), dtype=bool)
        return self.reader.measured(limit.what, low, high)

    def _ordered(self, wish: Wish, candidates: Candidates, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """The order by price, among the rows that fit about as well as the best does."""
        if wish.order == "relevance" or not len(order):
            return order
        fit = candidates.column("covered_name") + candidates.column("centred") + candidates.column("quantity_matched")
        good = order[fit[order] >= 0.6 * fit[order].max()] if wish.text.strip() else order
        rows = candidates.rows[good]
        price = self.reader.price[rows]
        key = np.where(np.isnan(price), np.inf, price if wish.order == "price" else -price)
        money = next((limit.unit for limit in wish.limits if limit.what == "price" and limit.unit), "")
        foreign = ~self.reader.in_currency(money or self.reader.house_currency)[rows]
        return good[np.lexsort((key, foreign))]  # prices of other money cannot be compared, so they come last

    def _branded(
        self, prepared: Prepared, candidates: Candidates, order: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Only rows that are of the named brand or name it too, where one has about half of what else the best has."""
        wish = prepared.wish
        if not wish.brand or wish.brand_sure or not len(order):
            return order, ()
        own = np.isin(self.reader.brand[candidates.rows], self.naming.brands(wish.brand))
        own |= self.names.matrix([stem(word) for word in words(wish.brand)], candidates.rows).all(axis=0)
        fit = self._rest(prepared, candidates.rows)
        if own.any() and fit[own].max() >= ALIKE * fit.max():
            return order[own[order]], ()
        return np.concatenate((order[~own[order]], order[own[order]])), ("brand",)  # its other goods are no answer

    def _rest(self, prepared: Prepared, rows: Rows) -> NDArray[np.float32]:
        """How much of the wish's words, less its brand and its figures, stands in each row in any language."""
        named = {stem(word) for word in words(prepared.wish.brand)}
        groups = prepared.groups or [frozenset((term.stem, *term.readings)) for term in prepared.terms]
        fit = np.zeros(len(rows), dtype=np.float32)
        for group in groups:
            if not group & named and all(word.isalpha() and not unit_of(word) for word in group):
                rarity = min(map(self.words.rarity, group))
                fit += rarity * self.words.matrix(sorted(group), rows).any(axis=0)
        return fit

    def _near(
        self,
        prepared: Prepared,
        vectors: Mapping[str, NDArray[np.float32]],
        allowed: NDArray[np.bool_] | None,
        limit: int,
    ) -> tuple[Hit, ...]:
        """What the words alone would have found, when the limits left no row for them."""
        if allowed is None:
            return ()
        candidates = self.candidates(prepared, vectors)
        scores = score(candidates)
        order = np.lexsort((candidates.rows, -scores))[:limit]
        return tuple(self._hit(candidates, int(at), float(scores[at])) for at in order)

    def _hit(self, candidates: Candidates, at: int, score: float) -> Hit:
        reasons = tuple(name for name, least, place in _REASONS if candidates.features[at, place] >= least)
        return Hit(
            records=self.records,
            row=int(candidates.rows[at]),
            score=score,
            reasons=reasons,
            exact=bool(candidates.features[at, NAMES.index("code_exact")] > 0),
        )


_REASONS = tuple(
    (name, least, NAMES.index(feature))
    for name, least, feature in (
        ("code", 1.0, "code_exact"),
        ("code_beginning", 0.01, "code_begins"),
        ("words", 0.3, "covered_name"),
        ("meaning", 0.15, "centred"),
        ("quantity", 0.01, "quantity_matched"),
        ("spelling", 0.4, "grams"),
        ("brand", 1.0, "brand_named"),
    )
)
SMALL = 1 << 16  # bytes up to which a file's checksum is verified at every opening


def _manifest(folder: Path) -> Mapping[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogError(
            f"The catalogue version in {folder.name} is not whole; roll back, or import the file again."
        ) from error
    if manifest.get("format") != FORMAT:
        raise CatalogError(
            f"The catalogue version {folder.name} was written by another release; import the file again."
        )
    for name, about in manifest["files"].items():
        path = folder / name
        if (
            not path.is_file()
            or path.stat().st_size != about["bytes"]
            or (about["bytes"] <= SMALL and checksum(path) != about["sha256"])
        ):
            raise CatalogError(
                f"The catalogue version {folder.name} is damaged ({name}); roll back, or import the file again."
            )
    return manifest
