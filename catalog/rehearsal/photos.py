"""Whether the goods still have pictures: files that came with the version, links that answer, and not one for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from catalog.product import Product
from catalog.rehearsal.goods import Goods, Pairs
from catalog.rehearsal.statistics import surely
from catalog.rehearsal.verdict import EXAMPLES, Finding

ASKED = 40  # links asked of each version: half of them dead is told from a tenth with them
LEAST = 10  # goods with a photo
DEAD_WARN, DEAD_REFUSE = 0.02, 0.10  # of the photos that were shown
SAME = 0.9  # of the goods with one picture, where they had many

Ask = Callable[[Iterable[str]], Mapping[str, bool]]


def changes(pairs: Pairs, ask: Ask | None) -> Iterator[Finding]:
    """Photos that were shown and are not; a field that is empty is told of elsewhere. `ask` looks at links."""
    rows = [(old, new) for old, new in pairs.both if old.photo and new.photo]
    shown = _shown(rows, pairs.live, pairs.candidate, ask)
    dead = [new for new, was, now in shown if was and not now]
    alive = sum(was for _, was, _ in shown)
    share = surely(len(dead), alive)
    if alive >= LEAST and share >= DEAD_WARN:
        yield Finding(
            id="photos_dead",
            severity="refuse" if share >= DEAD_REFUSE else "warn",
            figures={"count": len(dead), "total": alive},
            examples=tuple(product.sku for product in dead[:EXAMPLES]),
        )
    old_share, new_share = _commonest(old.photo for old, _ in rows), _commonest(new.photo for _, new in rows)
    if len(rows) >= LEAST and new_share >= SAME > 2 * old_share:
        yield Finding(id="photos_same", severity="refuse", figures={"share": new_share, "total": len(rows)})


def _shown(
    rows: list[tuple[Product, Product]], live: Goods, candidate: Goods, ask: Ask | None
) -> list[tuple[Product, bool, bool]]:
    """(product, shown before, shown now) of rows whose photo changed; links of a sample, files of all.

    Without `ask` a link counts as shown: nothing speaks against it.
    """
    changed = [(old, new) for old, new in rows if old.photo != new.photo]
    linked = [pair for pair in changed if _is_link(pair[0].photo) or _is_link(pair[1].photo)]
    chosen = linked[:: max(1, len(linked) // ASKED)]
    links = {photo for old, new in chosen for photo in (old.photo, new.photo) if _is_link(photo)}
    answers = ask(sorted(links)) if ask and links else {}

    def is_shown(goods: Goods, photo: str) -> bool:
        return answers.get(photo, True) if _is_link(photo) else goods.has_photo(photo)

    files = [pair for pair in changed if not (_is_link(pair[0].photo) or _is_link(pair[1].photo))]
    same = [pair for pair in rows if pair[0].photo == pair[1].photo and not _is_link(pair[0].photo)]
    return [(new, is_shown(live, old.photo), is_shown(candidate, new.photo)) for old, new in [*chosen, *files, *same]]


def _is_link(photo: str) -> bool:
    return "://" in photo


def _commonest(photos: Iterable[str]) -> float:
    counts = Counter(photos)
    return counts.most_common(1)[0][1] / counts.total() if counts else 0.0
