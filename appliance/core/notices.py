"""What a manager reads of a lead, in their language: a heading and labelled lines, for any channel to set."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from appliance.core.leads.talk import international
from appliance.core.types import Lead

FALLBACK = "en"
LONGEST_HEADING = 120  # characters: subjects are cut by mail programs not far beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`lines` are (label, text); `link` opens the lead in the console, empty where that has no address."""

    heading: str
    lines: tuple[tuple[str, str], ...]
    link: str = ""
    link_text: str = ""
    footer: str = ""


def notice(lead: Lead, why: str, *, lang: str, channel: str = "", console: str = "") -> Notice:
    """`why`: new, partial, called, quoted, more, unanswered, call. Raises KeyError for another one."""
    words = _words(lang)
    who = (
        ", ".join(filter(None, (lead.name, lead.company, international(lead.phone) or lead.email))) or words["unknown"]
    )
    lines = (
        (words["name"], lead.name),
        (words["phone"], international(lead.phone)),
        (words["email"], lead.email),
        (words["company"], lead.company),
        (words["need"], lead.need),
        (words["products"], ", ".join(lead.products)),
        (words["quotation"], ", ".join(f"№ {number}" for number in lead.quotes)),
        (words["channel"], words.get(channel, channel)),
        (words["consent"], lead.consent_version or (words["no_consent"] if lead.phone or lead.email else "")),
    )
    heading = " ".join(words[why].format_map({"who": who}).split())
    return Notice(
        heading=heading if len(heading) <= LONGEST_HEADING else heading[: LONGEST_HEADING - 1] + "…",
        lines=tuple((label, text) for label, text in lines if text),
        link=f"{console}/leads/{lead.id}" if console else "",
        link_text=words["open"],
        footer=words["footer"],
    )


def word(id: str, lang: str, **values: object) -> str:
    """A sentence for managers; English where the language has no words. Raises KeyError for an unknown one."""
    return _words(lang)[id].format_map(values).strip()


def written(notice: Notice) -> dict[str, Any]:
    """A notice as a parcel carries it."""
    return {
        "heading": notice.heading, "lines": [list(line) for line in notice.lines], "link": notice.link,
        "link_text": notice.link_text, "footer": notice.footer,
    }  # fmt: skip


def read(body: Mapping[str, Any]) -> Notice:
    """The notice that a parcel carries; an old one has its text in one piece."""
    lines = body.get("lines") or [("", body.get("text", ""))]
    return Notice(
        heading=str(body["heading"]), lines=tuple((str(label), str(text)) for label, text in lines),
        link=str(body.get("link", "")), link_text=str(body.get("link_text", "")), footer=str(body.get("footer", "")),
    )  # fmt: skip


@cache
def _words(lang: str) -> Mapping[str, str]:
    tables = tomllib.loads(resources.files(__package__).joinpath("notices.toml").read_text("utf-8"))
    found: dict[str, str] = tables.get(lang) or tables[FALLBACK]
    return found
