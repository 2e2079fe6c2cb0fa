"""Runs all checks of a new version against the live one, or against what any price list must keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog.rehearsal import content, identity, money, photos, replay, texts
from catalog.rehearsal.goods import Goods, Pairs
from catalog.rehearsal.photos import Ask
from catalog.rehearsal.replay import Replayed
from catalog.rehearsal.verdict import Figure, Finding, Verdict, judged


def rehearse(
    candidate: Goods, live: Goods | None = None, *, replayed: Sequence[Replayed] = (), ask: Ask | None = None
) -> Verdict:
    """Judges `candidate`; without a `live` version only by what it shows alone.

    `replayed`: recent questions with both versions' answers. `ask`: tells which photo links answer (`reachable`);
    without it links are not looked at. Pure but for `ask`; two versions of 40,000 goods take some ten seconds.
    """
    live = live if live is not None and len(live) else None
    findings = list(_alone(candidate, live))
    figures: dict[str, Figure] = {"products": len(candidate)}
    if live is not None:
        pairs = Pairs(live=live, candidate=candidate)
        ratios = money.ratios_of(pairs)
        findings += _together(pairs, ratios, ask)
        figures |= {
            "products_live": len(live),
            "in_both": len(pairs.both),
            "vanished": len(pairs.gone),
            "added": len(pairs.added),
            **money.figures(ratios),
        }
    if replayed:
        findings += replay.changes(replayed)
        figures |= replay.figures(replayed)
    return judged(findings, version=candidate.version, against=live.version if live else "", figures=figures)


def _alone(candidate: Goods, live: Goods | None) -> Iterator[Finding]:
    yield from identity.alone(candidate, live)
    yield from money.alone(candidate, live)
    yield from texts.alone(candidate, live)
    if live is None:
        yield from content.alone(candidate)


def _together(pairs: Pairs, ratios: money.Ratios, ask: Ask | None) -> Iterator[Finding]:
    yield from identity.changes(pairs)
    yield from money.changes(pairs, ratios)
    yield from content.changes(pairs)
    yield from texts.changes(pairs)
    yield from photos.changes(pairs, ask)
