"""The company's own texts in the database: every version kept, drafts beside them, one live of each name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy import text as sql

from appliance.core.consent import Consents, ConsentText
from appliance.store.tables import TextRow, UserRow
from appliance.store.turns import Turns


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerText:
    """One version of a text; `lang` empty where it is for all.

    `kind`: company, services, canned, hours, consent, topic.
    """

    id: UUID
    kind: str
    name: str
    lang: str
    version: int
    body: str
    about: Mapping[str, Any] = field(default_factory=dict)
    live: bool = False
    draft: bool = True
    author: str = ""
    published_at: datetime | None = None
    created_at: datetime | None = None


COMPANY, SERVICES, CANNED, HOURS, CONSENT = "company", "services", "canned", "hours", "consent"
TOPIC = "topic"  # a customer's phrase (`name`) and the route that it belongs to (`body`)


class OwnerTexts(Turns):
    """The part of a transaction that knows the owner's texts."""

    async def words_stamp(self) -> str:
        """Changes with every change of what is live: texts, prompts, their shares. Live rows never change."""
        return str(await self.connection.scalar(_STAMP))

    async def live_texts(self, *kinds: str) -> list[OwnerText]:
        rows = await self.connection.execute(
            _SELECT.where(TextRow.live, TextRow.kind.in_(kinds)).order_by(TextRow.kind, TextRow.name, TextRow.lang)
        )
        return [_text(row) for row in rows]

    async def consents(self) -> Consents:
        """What customers agree to, by language."""
        return consents_of(await self.live_texts(CONSENT))

    async def texts(self, kind: str) -> list[OwnerText]:
        """Of each name and language the live version and the draft, if there are such."""
        rows = await self.connection.execute(
            _SELECT.where(TextRow.kind == kind, TextRow.live | TextRow.draft)
            .order_by(TextRow.name, TextRow.lang, TextRow.draft)
            .limit(500)
        )
        return [_text(row) for row in rows]

    async def live_page(self, kind: str, *, offset: int, limit: int) -> tuple[list[OwnerText], int]:
        """What is live of a kind, the newest first, and how many there are."""
        mine = (TextRow.live, TextRow.kind == kind)
        rows = await self.connection.execute(
            _SELECT.where(*mine).order_by(TextRow.published_at.desc(), TextRow.id).offset(offset).limit(limit)
        )
        total = await self.connection.scalar(select(func.count()).select_from(TextRow).where(*mine))
        return [_text(row) for row in rows], int(total or 0)

    async def text(self, id: UUID) -> OwnerText | None:
        row = (await self.connection.execute(_SELECT.where(TextRow.id == id))).first()
        return _text(row) if row else None

    async def versions_of_text(self, kind: str, name: str, lang: str, *, limit: int = 50) -> list[OwnerText]:
        """Newest first."""
        rows = await self.connection.execute(
            _SELECT.where(TextRow.kind == kind, TextRow.name == name, TextRow.lang == lang)
            .order_by(TextRow.version.desc())
            .limit(limit)
        )
        return [_text(row) for row in rows]

    async def draft_text(
        self, *, kind: str, name: str, lang: str, body: str, about: Mapping[str, Any], author: UUID
    ) -> UUID:
        """The draft of this text, changed or made; its id. One draft a text: it is where the next version grows."""
        mine = (TextRow.kind == kind, TextRow.name == name, TextRow.lang == lang)
        await self.alone(f"{kind}|{name}|{lang}")  # two who make the first draft of one text at once
        values = {"body": body, "about": dict(about), "author": author, "created_at": func.clock_timestamp()}
        changed = await self.connection.execute(
            update(TextRow).where(*mine, TextRow.draft).values(values).returning(TextRow.id)
        )
        if (id := changed.scalar()) is not None:
            return UUID(str(id))
        last = select(func.coalesce(func.max(TextRow.version), 0) + 1).where(*mine).scalar_subquery()
        added = await self.connection.execute(
            insert(TextRow).values(kind=kind, name=name, lang=lang, version=last, **values).returning(TextRow.id)
        )
        return UUID(str(added.scalar_one()))

    async def publish_text(self, text: OwnerText) -> None:
        """Makes this version the live one of its name and language."""
        await self.retire_text(text.kind, text.name, text.lang)
        await self.connection.execute(
            update(TextRow)
            .where(TextRow.id == text.id)
            .values(live=True, draft=False, published_at=func.clock_timestamp())
        )

    async def retire_text(self, kind: str, name: str, lang: str) -> bool:
        """No version of it is live any more; all stay in the history."""
        done = await self.connection.execute(
            update(TextRow)
            .where(TextRow.kind == kind, TextRow.name == name, TextRow.lang == lang, TextRow.live)
            .values(live=False)
        )
        return bool(done.rowcount)

    async def drop_text_draft(self, id: UUID) -> bool:
        done = await self.connection.execute(delete(TextRow).where(TextRow.id == id, TextRow.draft))
        return bool(done.rowcount)


def consents_of(texts: Sequence[OwnerText]) -> Consents:
    """The live texts of kind `CONSENT`; the version by which one is recorded says its language and number."""
    own = {one.lang: ConsentText(version=f"{one.lang}-{one.version}", text=one.body, own=True) for one in texts}
    return Consents(own=own)


_STAMP = sql(
    "SELECT md5(concat("
    "(SELECT string_agg(id::text, ',' ORDER BY id) FROM texts WHERE live), ';', "
    "(SELECT string_agg(concat(id, share, live), ',' ORDER BY id) FROM prompts WHERE live OR share > 0)))"
)
_SELECT: Any = select(TextRow, func.coalesce(UserRow.name, "").label("person")).outerjoin(
    UserRow, UserRow.id == TextRow.author
)


def _text(row: Row[Any]) -> OwnerText:
    values = {name: getattr(row, name) for name in OwnerText.__slots__ if name != "author"}
    return OwnerText(**values, author=row.person)
