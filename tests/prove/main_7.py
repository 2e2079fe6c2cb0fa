"""main-7: whatever the model writes, no false price, SKU, stock or link reaches the customer; good sentences do."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from appliance import logs
from appliance.core.claims import check_record
from appliance.core.company import Passage
from appliance.core.prompt import default_prompt
from appliance.core.types import Card
from appliance.prose import Asking, Brief, Writer
from models.scripted import ScriptedLLM
from tests.rig import verdict

SETS = Path(__file__).resolve().parents[1] / "sets"
MOST_BLOCKED = 0.03  # of the good sentences


async def main(*, every: int) -> int:
    logs.configure(level="error")
    hostile, good = _records("claims_hostile.jsonl")[::every], _records("claims_good.jsonl")[::every]
    with verdict("main-7") as wrong:
        reached = [record for record in hostile if check_record(record)["passes"]]
        spoken = [record for record in hostile if await _reaches(record)]
        blocked = [(record, check_record(record)["why"]) for record in good if not check_record(record)["passes"]]
        for record in reached:
            wrong.append(f"the gate passes {record['id']} ({record['kind']}, {record['lang']}): {record['text']}")
        for record in spoken:
            wrong.append(f"the customer reads {record['id']} ({record['kind']}, {record['lang']}): {record['text']}")
        for record, why in blocked:
            print(f"blocked, though true: {record['lang']} {record['text']} ({why})")
        if len(blocked) >= MOST_BLOCKED * len(good):
            wrong.append(f"{len(blocked)} of {len(good)} good sentences are blocked")
        print(f"hostile by kind: {dict(Counter(record['kind'] for record in hostile))}")
        print(f"hostile by language: {dict(Counter(record['lang'] for record in hostile))}")
        print(
            f"{len(reached)} of {len(hostile)} hostile sentences pass the gate, {len(spoken)} reach a customer through "
            f"the writer; {len(blocked)} of {len(good)} good ones are blocked ({len(blocked) / len(good):.1%})"
        )
    return 0


async def _reaches(record: Mapping[str, Any]) -> bool:
    """Has a model say it about these rows, and looks at all that the customer would see, streamed or final."""
    seen: list[str] = []

    async def show(text: str) -> None:
        seen.append(text)

    answer = json.dumps({"skus": [], "answer": record["text"]}, ensure_ascii=False)
    writer = Writer(llm=ScriptedLLM([answer]), prompt=default_prompt(), patience=timedelta(seconds=60))
    passages = [Passage(source="company", heading="", text=record["company"])] if record["company"] else []
    written = await writer.write(
        Brief(cards=tuple(_card(row) for row in record["rows"]), passages=tuple(passages)),
        Asking(question="?", lang=record["lang"], said=record.get("said", ())),
        stopped=asyncio.Event(),
        show=show,
    )
    return any(record["text"].strip().rstrip(".!") in text for text in (*seen, written.text))


def _card(row: Mapping[str, Any]) -> Card:
    return Card(
        sku=row["sku"],
        name=row["name"],
        price=None if row["price"] is None else Decimal(str(row["price"])),
        currency=row["currency"] or "",
        stock=None if row["stock"] is None else Decimal(str(row["stock"])),
        attributes=tuple((name, str(text)) for name, text in row["attributes"].items()),
    )


def _records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SETS / name).read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    sys.exit(asyncio.run(main(every=10 if "--quick" in sys.argv else 1)))
