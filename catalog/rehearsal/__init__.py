"""Looks a new version over before customers see it: what changed against the live one, and whether it may go live."""

from catalog.rehearsal.goods import Goods, import_report
from catalog.rehearsal.links import reachable
from catalog.rehearsal.rehearse import rehearse
from catalog.rehearsal.replay import Replayed, replay
from catalog.rehearsal.verdict import Finding, Verdict

__all__ = ["Finding", "Goods", "Replayed", "Verdict", "import_report", "reachable", "rehearse", "replay"]
