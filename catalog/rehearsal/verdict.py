"""What a rehearsal says: findings with their figures, and the verdict that follows from them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

LANGUAGES = ("en", "ru")
EXAMPLES = 10  # SKUs named by a finding

Severity = Literal["warn", "refuse"]
Figure = int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it was, or not as it should be.

    `figures` are counts, shares (0 to 1) and ratios by name; `where` is the group it is about (a sheet, a category, a
    brand, a column), empty for the whole catalogue. `examples` are SKUs, or places in the file where rows have none.
    """

    id: str
    severity: Severity
    figures: Mapping[str, Figure] = field(default_factory=dict)
    where: str = ""
    examples: tuple[str, ...] = ()

    def words(self, lang: str = "en") -> str:
        """A sentence for a person, that says what was found and what to look at."""
        entry = _messages()[self.id]
        said = entry.get(lang, entry["en"]).format_map(dict(self.figures))
        return f"{self.where}: {said}" if self.where else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`refuse` keeps a version from going live unless a person says otherwise; `warn` only speaks."""

    verdict: Literal["pass", "warn", "refuse"]
    version: str = ""
    against: str = ""  # the live version's name; empty where there was none
    figures: Mapping[str, Figure] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()  # refusals first

    @property
    def refused(self) -> bool:
        return self.verdict == "refuse"

    def words(self, lang: str = "en") -> str:
        """The verdict itself in one sentence."""
        entry = _messages()[f"verdict_{self.verdict}" if self.against else f"verdict_first_{self.verdict}"]
        return entry.get(lang, entry["en"]).format(version=self.version, against=self.against)

    def plain(self) -> dict[str, Any]:
        """JSON-ready values, with the sentences in every language."""
        return {
            "verdict": self.verdict,
            "version": self.version,
            "against": self.against,
            "message": {lang: self.words(lang) for lang in LANGUAGES},
            "figures": dict(self.figures),
            "findings": [
                {
                    "id": finding.id,
                    "severity": finding.severity,
                    "where": finding.where,
                    "figures": dict(finding.figures),
                    "examples": list(finding.examples),
                    "message": {lang: finding.words(lang) for lang in LANGUAGES},
                }
                for finding in self.findings
            ],
        }


def judged(findings: Sequence[Finding], *, version: str, against: str, figures: Mapping[str, Figure]) -> Verdict:
    """The verdict of all findings: the gravest of them counts."""
    grave = sorted(findings, key=lambda finding: finding.severity != "refuse")
    return Verdict(
        verdict=grave[0].severity if grave else "pass",
        version=version,
        against=against,
        figures=figures,
        findings=tuple(grave),
    )


@cache
def _messages() -> dict[str, dict[str, str]]:
    return tomllib.loads((files(__package__) / "messages.toml").read_text("utf-8"))
