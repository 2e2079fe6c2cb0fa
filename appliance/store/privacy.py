"""Everything that is kept of one person: found, handed out, erased; and what is dropped when its time has passed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

EMPTY_VISIT = timedelta(days=30)  # a browser that opened the chat and never wrote; as long as its token lives
SHORTEST_PHONE = 7  # digits; fewer are found in any price
BETWEEN = "[ \u00a0().–—‑-]{0,3}"  # what stands between a telephone's digits
BATCH = 500  # conversations that go in one transaction
CRM, ERASE = "crm", "erase"  # channel and kind of the parcel that asks the CRM to erase what it was given
# What the owner wrote or staff are known by is nobody's trace, also where it names the same telephone.
OWNERS = frozenset(
    {"alembic_version", "credentials", "crm_accounts", "erasures", "logins", "login_tries", "prompts", "sessions",
     "texts", "upload_lines", "uploads", "users"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody by all that is kept of them. Contacts are as they were given with leads or in the talk."""

    conversations: tuple[UUID, ...] = ()
    leads: tuple[UUID, ...] = ()
    users: tuple[UUID, ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()  # channel, address
    names: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    messages: int = 0
    quotations: int = 0
    first: datetime | None = None
    last: datetime | None = None

    @property
    def known(self) -> bool:
        return bool(self.conversations or self.leads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A person who was erased. `id` is the receipt's number; `needles` are kept until the logs are clean."""

    id: UUID
    at: datetime
    how: str
    ids: Mapping[str, Sequence[str]]
    counts: Mapping[str, int]
    consents: Sequence[str]
    needles: Sequence[str] = field(default=())


class Privacy:
    """The part of a transaction that knows persons."""

    connection: AsyncConnection

    async def persons(self, wanted: str, *, phone: str = "", limit: int = 20) -> list[Person]:
        """Who may be meant by a telephone (`phone`: the same as E.164), an address, a Telegram id, an id or a name."""
        wanted = wanted.strip()
        if not wanted:
            return []
        found: list[Person] = []
        for conversation, lead in await self._hits(wanted, phone, limit):
            if any(conversation in one.conversations or lead in one.leads for one in found):
                continue
            person = await self.person_behind([conversation] if conversation else [], [lead] if lead else [])
            if person.known:
                found.append(person)
        return found

    async def person_behind(
        self, conversations: Iterable[UUID] = (), leads: Iterable[UUID] = (), *, by_contacts: bool = True
    ) -> Person:
        """All that belongs to whoever had these dialogues and leads.

        Dialogues of one customer belong together, also those at other addresses; `by_contacts` joins leads with the
        same telephone or mail address. Leave it out where the person says themself who they are: anybody can type
        anybody's telephone.
        """
        mine, theirs = set(conversations), set(leads)
        while True:
            before = len(mine) + len(theirs)
            mine |= set(await self._ids(_SAME_CUSTOMER, ids=list(mine)))
            theirs |= set(await self._ids("SELECT id FROM leads WHERE conversation_id = ANY(:ids)", ids=list(mine)))
            if by_contacts:
                theirs |= set(await self._ids(_SAME_CONTACTS, ids=list(theirs)))
                mine |= set(await self._ids(_DIALOGUES_OF, ids=list(theirs)))
            if len(mine) + len(theirs) == before:
                return await self._described(sorted(mine), sorted(theirs))

    async def person_at(self, channel: str, address: str) -> Person:
        """Who writes from an address, by that alone."""
        here = await self._ids(_AT_ADDRESS, channel=channel, address=address)
        return await self.person_behind(here, by_contacts=False)

    async def record(self, person: Person) -> dict[str, list[dict[str, Any]]]:
        """Everything that is kept of a person, by area, as plain JSON; no secret is in it."""
        values = {"conversations": list(person.conversations), "leads": list(person.leads), "users": list(person.users)}
        found = {}
        for area, query in _RECORD.items():
            rows = await self.connection.execute(text(query), values)
            found[area] = [dict(row[0]) for row in rows]
        return found

    async def erase_person(self, person: Person, *, how: str) -> Erasure:
        """Erases all of a person in this transaction but for proofs of consent, which lose whose they were.

        What the CRM was given is asked back by a parcel. Then `clean_traces` in the other tables, and the logs.
        """
        said = await self._ids("SELECT id FROM messages WHERE conversation_id = ANY(:ids)", ids=person.conversations)
        quotes = await self._ids(_QUOTES_OF, conversations=person.conversations, leads=person.leads)
        consents = await self._ids(
            "SELECT id FROM consents WHERE conversation_id = ANY(:ids)", ids=person.conversations
        )
        marks = [str(id) for id in (*person.conversations, *person.leads, *said, *quotes)]
        chats = [address.partition("/")[0] for _, address in person.addresses]
        counts = {
            "parcels": await self._run(_PARCELS_OF, known=marks, names=person.names, addresses=chats),
            "crm": await self._run(_CRM_ERASE, ids=person.leads, channel=CRM, kind=ERASE),
            "links": await self._run(_LINKS_OF, known=marks),
            "posts": await self._run("DELETE FROM telegram_posts WHERE message = ANY(:ids)", ids=said),
            "audit": await self._run(_AUDIT_OF, known=marks),
            "updates": 0 if how == "bot" else await self._run(_UPDATES_OF, ids=_numbers(person.addresses)),
            "reports": await self._run(_REPORTS_OF, ids=person.conversations),
            "quotations": await self._run("DELETE FROM quotations WHERE id = ANY(:ids)", ids=quotes),
            "leads": await self._run("DELETE FROM leads WHERE id = ANY(:ids)", ids=person.leads),
            "conversations": await self._run(
                "DELETE FROM conversations WHERE id = ANY(:ids)", ids=person.conversations
            ),
            "messages": len(said),
            "users": await self._run(_USERS_OF, ids=person.users),
        }
        ids = {"conversations": person.conversations, "leads": person.leads, "users": person.users}
        return await self._keep_erasure(
            how=how,
            ids={name: [str(id) for id in some] for name, some in ids.items()},
            counts=counts,
            consents=[str(id) for id in consents],
            needles=[*marks, *(str(id) for id in person.users), *known_values(person, by_contacts=how != "bot")],
        )

    async def forget_person(self, channel: str, address: str) -> int:
        """Erases who writes from an address, in their own update's transaction; gives the number of their dialogues.

        The worker cleans the logs afterwards. Other people's requests with the same telephone stay.
        """
        person = await self.person_at(channel, address)
        if person.known:
            await self.erase_person(person, how="bot")
        return len(person.conversations)

    async def erase_again(self, ids: Mapping[str, Sequence[str]]) -> int:
        """Erases who was erased before this database was brought back to an older state; gives their dialogues."""
        some = {name: [UUID(id) for id in ids.get(name, ())] for name in ("conversations", "leads", "users")}
        leads = await self._ids("SELECT id FROM leads WHERE conversation_id = ANY(:ids)", ids=some["conversations"])
        leads += [id for id in some["leads"] if id not in leads]
        person = await self._described(some["conversations"], leads)
        there = await self._ids("SELECT id FROM conversations WHERE id = ANY(:ids)", ids=some["conversations"])
        if there or person.messages or await self._ids("SELECT id FROM leads WHERE id = ANY(:ids)", ids=leads):
            erasure = await self.erase_person(person, how="restore")
            await self.clean_traces(erasure)
            await self.erasure_finished(erasure.id)
        return len(there)

    async def erasures(self, *, unfinished: bool = False, limit: int = 50) -> list[Erasure]:
        """The newest first, or those whose traces elsewhere are still to be cleaned."""
        where = "WHERE finished_at IS NULL" if unfinished else ""
        rows = await self.connection.execute(
            text(f"SELECT * FROM erasures {where} ORDER BY at DESC LIMIT :limit"),  # noqa: S608 - put together here
            {"limit": limit},
        )
        return [_erasure(row) for row in rows]

    async def clean_traces(self, erasure: Erasure) -> int:
        """Masks the person's telephones, addresses and ids wherever else they stand; gives the rows."""
        pattern = pattern_of(values_among(erasure.needles))
        addresses = [needle for needle in erasure.needles if needle.isdigit()]
        changed = await self._run(_DELIVERED_TO, addresses=addresses)
        if not pattern:
            return changed
        columns = await self.connection.execute(text(_TEXT_COLUMNS), {"owners": sorted(OWNERS)})
        for table, column, kind in columns.all():
            value, back = (f'"{column}"::text', "::jsonb") if kind == "jsonb" else (f'"{column}"', "")
            masked = "0" if kind == "jsonb" else "***"  # also where it stands as a number, it stays JSON
            changed += await self._run(
                f"""UPDATE "{table}" SET "{column}" = regexp_replace({value}, :pattern, '{masked}', 'gi'){back}
                    WHERE {value} ~* :pattern""",  # noqa: S608 - names are the catalogue's own
                pattern=pattern,
            )
        return changed

    async def erasure_finished(self, erasure: UUID) -> None:
        """Nothing of the person is left to be cleaned: also what it was found by goes."""
        await self._run(
            "UPDATE erasures SET finished_at = clock_timestamp(), needles = '[]'::jsonb WHERE id = :id", id=erasure
        )

    async def drop_old(self, limits: Mapping[str, int]) -> dict[str, int]:
        """Drops or blanks what is past its time. `limits` are days by name, 0 for ever; a batch, so call it again."""
        done = {}
        for name, query in _AGED.items():
            if days := limits.get(name, 0):
                done[name] = await self._run(query, days=days, batch=BATCH)
        done["visits"] = await self._run(_EMPTY_VISITS, seconds=EMPTY_VISIT.total_seconds(), batch=BATCH)
        done["customers"] = await self._run(_NOBODYS, batch=BATCH)
        return {name: count for name, count in done.items() if count}

    async def _hits(self, wanted: str, phone: str, limit: int) -> list[tuple[UUID | None, UUID | None]]:
        rows = await self.connection.execute(
            text(_HITS),
            {"wanted": wanted, "phone": phone, "name": f"%{_literal(wanted)}%", "limit": limit,
             "pattern": pattern_of([phone or wanted]) if phone or "@" in wanted else "^$"},
        )  # fmt: skip
        return [(row.conversation, row.lead) for row in rows]

    async def _described(self, conversations: Sequence[UUID], leads: Sequence[UUID]) -> Person:
        values = {"conversations": list(conversations), "leads": list(leads)}
        row = (await self.connection.execute(text(_DESCRIBED), values)).one()
        return Person(
            conversations=tuple(conversations),
            leads=tuple(leads),
            users=tuple(row.users),
            addresses=tuple((channel, address) for channel, address in row.addresses),
            **{name: tuple(getattr(row, name)) for name in ("names", "phones", "emails", "companies")},
            messages=row.messages,
            quotations=row.quotations,
            first=row.first,
            last=row.last,
        )

    async def _keep_erasure(self, **values: Any) -> Erasure:
        row = await self.connection.execute(text(_ERASURE), {name: _json(value) for name, value in values.items()})
        return _erasure(row.one())

    async def _ids(self, query: str, **values: Any) -> list[UUID]:
        return list(await self.connection.scalars(text(query), _listed(values)))

    async def _run(self, query: str, **values: Any) -> int:
        return int((await self.connection.execute(text(query), _listed(values))).rowcount)


def known_values(person: Person, *, by_contacts: bool = True) -> list[str]:
    """What a person may be recognised by where no id of ours stands: messenger addresses, telephones, mail."""
    chats = [str(number) for number in _numbers(person.addresses)]
    return [*chats, *person.phones, *person.emails] if by_contacts else chats


def values_among(needles: Iterable[str]) -> list[str]:
    """The telephones and mail addresses of them; ids are too many to look for in every column, and name nobody."""
    return [needle for needle in needles if "@" in needle or needle.startswith("+")]


def pattern_of(values: Iterable[str]) -> str:
    """A regular expression, of PostgreSQL and Python alike, that finds the values however they are written.

    A telephone is found by its last ten digits (E.164 has a country code of one to three before them) with whatever
    stands between: 8 (903) 111-22-33 is +79031112233.
    """
    found = []
    for value in values:
        digits = re.sub(r"\D", "", value)
        if "@" in value:
            found.append(re.sub(r"([^0-9a-zA-Z_])", r"\\\1", value))
        elif len(digits) >= SHORTEST_PHONE:
            found.append(r"[+]?[0-9]{0,3}" + BETWEEN + BETWEEN.join(digits[-10:]))
    return "|".join(f"(?<![0-9a-zA-Z]){one}(?![0-9a-zA-Z])" for one in found)


def _erasure(row: Any) -> Erasure:
    return Erasure(
        id=row.id, at=row.at, how=row.how, ids=row.ids, counts=row.counts, consents=row.consents, needles=row.needles
    )


def _numbers(addresses: Iterable[tuple[str, str]]) -> list[int]:
    """Chat numbers of a messenger; a browser's session is none."""
    chats = {address.partition("/")[0] for _, address in addresses}
    return sorted(int(chat) for chat in chats if chat.isdigit())


def _literal(text: str) -> str:
    """For LIKE."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _listed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple | set) else value for name, value in values.items()}


def _json(value: Any) -> Any:
    return value if isinstance(value, str) else json.dumps(value)


# Reports that may quote the person; a day is added at both ends for the time zone. They are made again when asked for.
_REPORTS_OF = """
    DELETE FROM reports USING wants
    WHERE wants.conversation_id = ANY(:ids)
      AND wants.at >= reports.starts - interval '1 day'
      AND wants.at < reports.starts + ('1 ' || reports.every)::interval + interval '1 day'"""
# A dialogue that went on in another channel left its earlier one aside, at "chat/conversation".
_SAME_CUSTOMER = """
    SELECT other.id FROM conversations AS mine
    JOIN conversations AS other ON other.user_id = mine.user_id
      OR (other.channel = mine.channel AND split_part(other.address, '/', 1) = split_part(mine.address, '/', 1))
    LEFT JOIN users ON users.id = mine.user_id
    WHERE mine.id = ANY(:ids) AND (users.id IS NULL OR users.role = 'customer' OR other.id = mine.id)"""
_AT_ADDRESS = """
    SELECT id FROM conversations
    WHERE channel = :channel AND split_part(address, '/', 1) = split_part(:address, '/', 1)"""
_SAME_CONTACTS = """
    SELECT other.id FROM leads AS mine JOIN leads AS other
      ON (mine.phone <> '' AND other.phone = mine.phone)
      OR (mine.email <> '' AND lower(other.email) = lower(mine.email))
    WHERE mine.id = ANY(:ids)"""
_DIALOGUES_OF = "SELECT conversation_id FROM leads WHERE id = ANY(:ids) AND conversation_id IS NOT NULL"
# Who only wrote the number may have meant somebody else's, and counts where nobody has left it as their own.
_HITS = """
    WITH direct AS (
      SELECT conversation_id AS conversation, id AS lead, updated_at AS at FROM leads
      WHERE id::text = :wanted OR conversation_id::text = :wanted OR lower(email) = lower(:wanted)
         OR phone IN (:wanted, NULLIF(:phone, '')) OR name ILIKE :name OR company ILIKE :name
      UNION ALL
      SELECT c.id, NULL, c.updated_at FROM conversations AS c LEFT JOIN users ON users.id = c.user_id
      WHERE c.id::text = :wanted OR split_part(c.address, '/', 1) = :wanted
         OR (users.role = 'customer' AND users.name ILIKE :name)
         OR c.memory->'lead'->>'phone' = NULLIF(:phone, '') OR lower(c.memory->'lead'->>'email') = lower(:wanted))
    SELECT conversation, lead FROM (
      SELECT * FROM direct
      UNION ALL
      SELECT conversation_id, NULL, max(at) FROM messages
      WHERE role = 'user' AND NOT EXISTS (SELECT 1 FROM direct) AND (text ~* :pattern OR payload::text ~* :pattern)
      GROUP BY conversation_id
    ) AS hits ORDER BY at DESC LIMIT :limit"""
_DESCRIBED = """
    WITH talks AS (SELECT * FROM conversations WHERE id = ANY(:conversations)),
         wishes AS (SELECT * FROM leads WHERE id = ANY(:leads)),
         forms AS (SELECT payload->'values' AS given FROM messages
                   WHERE conversation_id = ANY(:conversations) AND role = 'user' AND payload ? 'values'),
         customers AS (SELECT * FROM users WHERE id IN (SELECT user_id FROM talks) AND role = 'customer'),
         given AS (SELECT name, phone, email, company FROM wishes
                   UNION ALL SELECT memory->'lead'->>'name', memory->'lead'->>'phone', memory->'lead'->>'email',
                                    memory->'lead'->>'company' FROM talks
                   UNION ALL SELECT given->>'name', given->>'phone', given->>'email', given->>'company' FROM forms
                   UNION ALL SELECT name, NULL, email, NULL FROM customers)
    SELECT
      ARRAY(SELECT id FROM customers) AS users,
      ARRAY(SELECT ARRAY[channel, address] FROM talks) AS addresses,
      ARRAY(SELECT DISTINCT name FROM given WHERE name <> '') AS names,
      ARRAY(SELECT DISTINCT phone FROM given WHERE phone <> '') AS phones,
      ARRAY(SELECT DISTINCT email FROM given WHERE email <> '') AS emails,
      ARRAY(SELECT DISTINCT company FROM given WHERE company <> '') AS companies,
      (SELECT count(*) FROM messages WHERE conversation_id = ANY(:conversations) AND role = 'user') AS messages,
      (SELECT count(*) FROM quotations WHERE conversation_id = ANY(:conversations) OR lead_id = ANY(:leads))
        AS quotations,
      LEAST((SELECT min(created_at) FROM talks), (SELECT min(created_at) FROM wishes)) AS first,
      GREATEST((SELECT max(updated_at) FROM talks), (SELECT max(updated_at) FROM wishes)) AS last"""

_QUOTES_OF = "SELECT id FROM quotations WHERE conversation_id = ANY(:conversations) OR lead_id = ANY(:leads)"
_PARCELS_OF = """
    DELETE FROM parcels WHERE split_part(address, '/', 1) = ANY(:addresses) OR address = ANY(:known)
      OR (kind = 'aside' AND body->'values'->>'name' = ANY(:names))
      OR EXISTS (SELECT 1 FROM jsonb_path_query(body, '$.** ? (@.type() == "string")') AS said(value)
                 WHERE said.value #>> '{}' = ANY(:known))"""
_DELIVERED_TO = "DELETE FROM parcels WHERE delivered_at IS NOT NULL AND split_part(address, '/', 1) = ANY(:addresses)"
_CRM_ERASE = """
    INSERT INTO parcels (id, channel, address, kind, body)
    SELECT gen_random_uuid(), :channel, lead_id::text, :kind, jsonb_build_object('crm', kind, 'remote', remote)
    FROM crm_leads WHERE lead_id = ANY(:ids) AND remote <> ''"""
_LINKS_OF = "DELETE FROM links WHERE payload->>'conversation' = ANY(:known) OR payload->>'quote' = ANY(:known)"
_AUDIT_OF = "UPDATE audit SET before = '{}'::jsonb, after = '{}'::jsonb WHERE subject = ANY(:known)"
_UPDATES_OF = """
    UPDATE telegram_updates SET raw = '{}'::jsonb, done_at = COALESCE(done_at, now())
    WHERE raw <> '{}'::jsonb
      AND EXISTS (SELECT 1 FROM jsonb_path_query(raw, '$.**.id ? (@.type() == "number")') AS numbers(id)
                  WHERE numbers.id::numeric = ANY(:ids))"""
_USERS_OF = """
    DELETE FROM users WHERE id = ANY(:ids) AND role = 'customer'
      AND NOT EXISTS (SELECT 1 FROM conversations WHERE conversations.user_id = users.id)"""
_ERASURE = """
    INSERT INTO erasures (id, how, ids, counts, consents, needles)
    VALUES (gen_random_uuid(), :how, CAST(:ids AS jsonb), CAST(:counts AS jsonb), CAST(:consents AS jsonb),
            CAST(:needles AS jsonb)) RETURNING *"""
_TEXT_COLUMNS = """
    SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns AS c
    JOIN information_schema.tables AS t USING (table_schema, table_name)
    WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND NOT c.table_name = ANY(:owners)
      AND c.data_type IN ('text', 'character varying', 'jsonb') ORDER BY 1, 2"""

_RECORD = {
    "dialogues": """SELECT to_jsonb(t) - 'memory' - 'fence' - 'claimed_by' - 'claimed_at' - 'attempts' - 'retry_at'
                           || jsonb_build_object('contacts_in_mind', memory->'lead')
                    FROM conversations AS t WHERE id = ANY(:conversations) ORDER BY created_at""",
    "messages": """SELECT to_jsonb(t) - 'pending' - 'origin' FROM messages AS t
                   WHERE conversation_id = ANY(:conversations) ORDER BY at, seq""",
    "requests": """SELECT to_jsonb(t) - 'assigned_to' FROM leads AS t WHERE id = ANY(:leads) ORDER BY created_at""",
    "consents": """SELECT to_jsonb(t) FROM consents AS t WHERE conversation_id = ANY(:conversations) ORDER BY at""",
    "quotations": """SELECT to_jsonb(t) FROM quotations AS t
                     WHERE conversation_id = ANY(:conversations) OR lead_id = ANY(:leads) ORDER BY number""",
    "visits": """SELECT to_jsonb(t) - 'token_hash' FROM visitors AS t
                 WHERE conversation_id = ANY(:conversations) ORDER BY created_at""",
    "person": "SELECT to_jsonb(t) FROM users AS t WHERE id = ANY(:users)",
    "crm": """SELECT jsonb_build_object('crm', kind, 'record', remote, 'sent', sent, 'sent_at', sent_at)
              FROM crm_leads WHERE lead_id = ANY(:leads)""",
}

_AGED = {
    "dialogues": """DELETE FROM conversations WHERE id IN
                      (SELECT id FROM conversations WHERE updated_at < now() - make_interval(days => :days)
                       ORDER BY updated_at LIMIT :batch)""",
    "leads": """UPDATE leads SET name = '', phone = '', email = '', company = '', need = '', products = '[]'::jsonb,
                  closed_at = COALESCE(closed_at, now()) WHERE id IN
                  (SELECT id FROM leads WHERE updated_at < now() - make_interval(days => :days)
                     AND (name, phone, email, company, need) <> ('', '', '', '', '')
                   ORDER BY updated_at LIMIT :batch)""",
    "parcels": """DELETE FROM parcels WHERE id IN
                    (SELECT id FROM parcels WHERE delivered_at < now() - make_interval(days => :days)
                     ORDER BY place LIMIT :batch * 10)""",
    "audit": """DELETE FROM audit WHERE id IN
                  (SELECT id FROM audit WHERE at < now() - make_interval(days => :days)
                   ORDER BY id LIMIT :batch * 10)""",
    "links": "DELETE FROM links WHERE expires_at < now() - make_interval(days => :days) AND :batch > 0",
}
_EMPTY_VISITS = """
    DELETE FROM conversations WHERE id IN
      (SELECT c.id FROM conversations AS c JOIN visitors AS v ON v.conversation_id = c.id
       WHERE c.last_seq = 0 AND v.seen_at < now() - make_interval(secs => :seconds) LIMIT :batch)"""
_NOBODYS = """
    DELETE FROM users WHERE id IN
      (SELECT id FROM users WHERE role = 'customer' AND created_at < now() - interval '1 day'
         AND NOT EXISTS (SELECT 1 FROM conversations WHERE conversations.user_id = users.id) LIMIT :batch)"""
