"""The words that are the owner's: the shop's own texts, and the prompt that is live."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from appliance.core.prompt import Prompt, default_prompt
from appliance.core.texts import say
from appliance.store.store import Store

KINDS = {".md", ".txt"}
PROMPT = "answer"


def company_texts(home: Path) -> Mapping[str, str]:
    """Name -> text of what lies in `company/` of the data folder; the sample shop's where nothing does."""
    own = {
        path.stem: path.read_text("utf-8-sig") for path in sorted((home / "company").glob("*")) if path.suffix in KINDS
    }
    if own:
        return own
    sample = resources.files("appliance").joinpath("sample", "company")
    return {
        file.name.removesuffix(".md"): file.read_text("utf-8") for file in sample.iterdir() if file.name.endswith(".md")
    }


async def live_prompt(store: Store | None) -> Prompt:
    """The published prompt; the one that ships is kept and published where there is none yet."""
    shipped = default_prompt()
    if store is None:
        return shipped
    async with store.transaction() as tx:
        if live := await tx.live_prompt(PROMPT):
            return live
        await tx.keep_prompt(shipped)
        await tx.publish_prompt(shipped.name, shipped.version)
    return shipped


def shop(lang: str) -> Mapping[str, Any]:
    """What the widget says of the shop before anything was asked."""
    return {
        "greeting": say("greeting", lang),
        "quick": [say(id, lang) for id in ("quick_delivery", "quick_payment", "quick_manager")],
    }
