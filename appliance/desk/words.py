"""What the house says, at the desk: prompts with drafts, trials and shares; the company's texts; written answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from appliance.core.canned import Canned, shown_to
from appliance.core.company import Passage, Passages
from appliance.core.prompt import Prompt
from appliance.core.prompt_form import Fault, Form, faults, form, next_version, written
from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.documents import Unreadable, text_of
from appliance.hours import Hours
from appliance.store.audit import Act
from appliance.store.owner_texts import CANNED, COMPANY, CONSENT, HOURS, SERVICES, OwnerText
from appliance.store.questions import recent_questions
from appliance.store.store import Store, Transaction
from appliance.store.words import PromptVersion

__all__ = [
    "Act", "Canned", "Fault", "Form", "OwnerText", "Passage", "PromptVersion", "Tried", "Unfit", "Unreadable",
    "WordsDesk",
]  # fmt: skip

PROMPT = "answer"  # the prompt that customers are answered with
MOST_SHARED = 90  # per cent of the dialogues that may be on trial: the live one must be there to compare with
LONGEST = {COMPANY: 200_000, SERVICES: 200_000, CANNED: 4_000, HOURS: 200, CONSENT: 2_000}  # characters
NAME, QUESTIONS, QUESTION = 120, 20, 300
TRIED = 6  # questions that one try-out may ask


class Unfit(Exception):
    """The words cannot be taken like this; `id` says why, in the catalogue of the page."""

    def __init__(self, id: str, **values: object) -> None:
        super().__init__(id)
        self.id, self.values = id, values


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What one prompt made of one question, as a customer would see it."""

    question: str
    version: str
    text: str
    prose: bool  # whether the model's words passed the gate; else our own sentence is shown
    blocked: int
    cards: tuple[tuple[str, str], ...]  # SKU, name
    seconds: float


Try = Callable[[Prompt, str], Awaitable[Tried]]


class WordsDesk(Part):
    """The part of the desk that decides what the assistant says. Nothing goes live by being saved."""

    def __init__(
        self, *, store: Store, shipped: Callable[[], Mapping[str, str]], try_: Try | None = None, hours: str = "",
        zone: str = "UTC",
    ) -> None:  # fmt: skip
        """`shipped` gives the company's texts that are used while the owner has written none."""
        super().__init__(store=store)
        self._shipped, self._try, self._hours, self._zone = shipped, try_, hours, zone

    async def prompts(self, actor: Staff) -> list[PromptVersion]:
        """Drafts, the live one, then the newest first."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.prompts(PROMPT)

    async def prompt(self, actor: Staff, version: str) -> tuple[PromptVersion, Form]:
        """Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            found = await _prompt(tx, version)
        return found, form(found.body)

    async def save_draft(self, actor: Staff, filled: Form, *, version: str = "", note: str = "") -> str:
        """Keeps a draft and gives its version; with no `version`, or that of a published one, a new draft is made."""
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            await tx.alone(f"prompt {PROMPT}")
            known = {one.version: one for one in await tx.prompts(PROMPT, limit=1000)}
            if version not in known or not known[version].draft:
                version = next_version(datetime.now(UTC).strftime("%Y-%m-%d"), list(known))
            await tx.keep_draft(written(filled, version=version), author=actor.id, note=note.strip()[:300])
            await self._logged(tx, actor, "prompt.draft", version, after={"note": note.strip()[:300]})
        return version

    async def drop_draft(self, actor: Staff, version: str) -> None:
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            if not await tx.drop_draft_prompt(PROMPT, version):
                raise Gone("This draft is published by now, or somebody dropped it.")
            await self._logged(tx, actor, "prompt.drop", version)

    def faults(self, filled: Form) -> list[Fault]:
        """What is wrong with these words; pure, for the page to show while somebody writes."""
        return faults(filled)

    async def publish(self, actor: Staff, version: str) -> None:
        """Answers customers with this version from now on. Raises `Unfit` for words that would not work, `Gone`."""
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            await tx.alone(f"prompt {PROMPT}")
            found = await _prompt(tx, version)
            _refuse_faulty(found)
            before = await tx.live_prompt(PROMPT)
            if before and before.version == version:
                return
            await tx.publish_prompt(PROMPT, version)
            await self._logged(tx, actor, "prompt.publish", version, before=_named(before), after={"version": version})

    async def roll_back(self, actor: Staff, *, expected: str) -> str:
        """Publishes the version that was live before; gives it. `expected` is the one that the person saw live."""
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            await tx.alone(f"prompt {PROMPT}")
            live, before = await tx.live_prompt(PROMPT), await tx.prompt_before(PROMPT)
            if live is None or live.version != expected:
                raise Gone("Another version is live by now; look at it first.")
            if before is None:
                raise Unfit("nothing_before")
            await tx.publish_prompt(PROMPT, before)
            await self._logged(tx, actor, "prompt.roll_back", before, before=_named(live), after={"version": before})
        return before

    async def share(self, actor: Staff, shares: Mapping[str, int]) -> None:
        """Gives versions their shares, per cent of the dialogues; those not named get none. Raises `Unfit`, `Gone`."""
        must_be(actor, Role.ADMINISTRATOR)
        wanted = {version: share for version, share in shares.items() if share > 0}
        if any(share > 100 for share in wanted.values()) or sum(wanted.values()) > MOST_SHARED:
            raise Unfit("too_much_shared", most=MOST_SHARED)
        async with self._store.transaction() as tx:
            await tx.alone(f"prompt {PROMPT}")
            before = {one.version: one.share for one in await tx.prompts(PROMPT, limit=1000) if one.share}
            for version in wanted:
                found = await _prompt(tx, version)
                if found.live:
                    raise Unfit("live_has_the_rest")
                _refuse_faulty(found)
            await tx.share_prompts(PROMPT, wanted)
            await self._logged(tx, actor, "prompt.share", PROMPT, before=before, after=wanted)

    async def try_out(
        self, actor: Staff, prompts: Sequence[tuple[str, Form]], questions: Sequence[str]
    ) -> AsyncGenerator[Tried, None]:
        """Asks each question of each prompt (name, words), one after the other, with the model that customers have.

        Closing the iterator stops the model. Nothing is stored. Raises `Unfit` where there is no model to ask.
        """
        must_be(actor, Role.MANAGER)
        if self._try is None:
            raise Unfit("no_model")
        for question in [" ".join(one.split())[:QUESTION] for one in questions if one.strip()][:TRIED]:
            for name, filled in prompts:
                if any(fault.grave for fault in faults(filled)):
                    raise Unfit("faulty")
                yield await self._try(written(filled, version=name), question)

    async def recent_questions(self, actor: Staff, limit: int = 20) -> list[str]:
        """What customers asked lately, to try a prompt on."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await recent_questions(tx, limit)

    async def texts(self, actor: Staff, kind: str) -> list[OwnerText]:
        """Of each name and language what is live and what is drafted."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.texts(kind)

    async def text(self, actor: Staff, id: UUID) -> OwnerText:
        """Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await _text(tx, id)

    async def versions(self, actor: Staff, text: OwnerText) -> list[OwnerText]:
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.versions_of_text(text.kind, text.name, text.lang)

    async def save_text(
        self, actor: Staff, *, kind: str, name: str = "", lang: str = "", body: str,
        about: Mapping[str, Any] | None = None,
    ) -> UUID:  # fmt: skip
        """Keeps the draft of a text; its id. Raises `Unfit`."""
        must_be(actor, Role.MANAGER)
        name, body = " ".join(name.split()), body.strip()
        extra = _fitting(kind, name, lang, body, dict(about or {}))
        async with self._store.transaction() as tx:
            return await tx.draft_text(kind=kind, name=name, lang=lang, body=body, about=extra, author=actor.id)

    async def publish_text(self, actor: Staff, id: UUID) -> None:
        """Makes this version the one that is said; an older one as well as a draft. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            found = await _text(tx, id)
            if found.live:
                return
            await tx.alone(f"text {found.kind}|{found.name}|{found.lang}")
            await tx.publish_text(found)
            await self._told(tx, actor, "text.publish", found)

    async def retire_text(self, actor: Staff, id: UUID) -> None:
        """Takes a text back: it is said no more, and stays in the history."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            found = await _text(tx, id)
            if await tx.retire_text(found.kind, found.name, found.lang):
                await self._told(tx, actor, "text.retire", found)

    async def drop_text(self, actor: Staff, id: UUID) -> None:
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            found = await _text(tx, id)
            if await tx.drop_text_draft(id):
                await self._told(tx, actor, "text.drop", found)

    async def read_document(self, actor: Staff, name: str, contents: bytes) -> str:
        """The text of a docx, pdf, md or txt, as markdown. Raises `documents.Unreadable`."""
        must_be(actor, Role.MANAGER)
        return await text_of(name, contents)

    async def shipped(self, actor: Staff) -> Mapping[str, str]:
        """The company's texts that are said while the owner has published none."""
        must_be(actor, Role.MANAGER)
        return self._shipped()

    async def take_over(self, actor: Staff) -> None:
        """Makes the texts that are said without the owner's into the owner's own, to change them one by one."""
        must_be(actor, Role.MANAGER)
        for name, body in self._shipped().items():
            title = next((line.strip("# ") for line in body.splitlines() if line.startswith("# ")), name)
            await self.publish_text(actor, await self.save_text(actor, kind=COMPANY, name=title[:NAME], body=body))

    async def answers(self, actor: Staff, question: str) -> list[Passage]:
        """What customers would be told from the company's texts, with the drafts in the place of what is live."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            texts = [*await tx.texts(COMPANY), *await tx.texts(SERVICES)]
        return Passages({text.name: text.body for text in texts} or self._shipped()).find(question)

    async def canned(self, actor: Staff, lang: str = "") -> list[Canned]:
        """The live written answers for a manager to insert, those in the customer's language first."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            texts = await tx.live_texts(CANNED)
        return shown_to([Canned(name=one.name, lang=one.lang, text=one.body) for one in texts], lang)

    @property
    def hours(self) -> tuple[str, str]:
        """The working hours and the time zone that hold while the owner has written none."""
        return self._hours, self._zone

    async def history(self, actor: Staff, area: str = "prompt") -> list[Act]:
        """Who did what with the prompts ("prompt") or the texts ("text") within a year, newest first."""
        must_be(actor, Role.MANAGER)
        since = datetime.now(UTC) - timedelta(days=365)
        async with self._store.transaction() as tx:
            return (await tx.acts(offset=0, limit=50, area=area, since=since))[0]

    async def _told(self, tx: Transaction, actor: Staff, action: str, text: OwnerText) -> None:
        about = {"kind": text.kind, "name": text.name, "lang": text.lang, "version": text.version}
        await self._logged(tx, actor, action, str(text.id), after=about)

    async def _logged(
        self, tx: Transaction, actor: Staff, action: str, subject: str, *, before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        await tx.log_act(user=actor.id, action=action, subject=subject, before=before, after=after)


async def _prompt(tx: Transaction, version: str) -> PromptVersion:
    found = await tx.prompt(PROMPT, version)
    if found is None:
        raise Gone("There is no such version; somebody may have dropped the draft.")
    return found


async def _text(tx: Transaction, id: UUID) -> OwnerText:
    found = await tx.text(id)
    if found is None:
        raise Gone("There is no such text; somebody may have dropped the draft.")
    return found


def _refuse_faulty(version: PromptVersion) -> None:
    if any(fault.grave for fault in faults(form(version.body))):
        raise Unfit("faulty")


def _named(prompt: Prompt | None) -> dict[str, str]:
    return {"version": prompt.version} if prompt else {}


def _fitting(kind: str, name: str, lang: str, body: str, about: dict[str, Any]) -> dict[str, Any]:
    """What is kept beside the body; raises `Unfit` for what could not be used."""
    if kind not in LONGEST:
        raise Unfit("no_such_kind")
    if not body:
        raise Unfit("no_body")
    if len(body) > LONGEST[kind]:
        raise Unfit("too_long", most=LONGEST[kind])
    if kind in (COMPANY, SERVICES, CANNED) and not name:
        raise Unfit("no_name")
    if len(name) > NAME:
        raise Unfit("long_name", most=NAME)
    if kind in (CANNED, CONSENT) and not (len(lang) == 2 and lang.isascii() and lang.isalpha() and lang.islower()):
        raise Unfit("no_language")
    match kind:
        case "hours":
            return {"zone": _zone(body, str(about.get("zone") or "UTC"))}
        case "canned":
            asked = [" ".join(str(one).split())[:QUESTION] for one in about.get("questions", ()) if str(one).strip()]
            return {"questions": asked[:QUESTIONS]}
        case _:
            return {"file": str(about["file"])[:NAME]} if about.get("file") else {}


def _zone(hours: str, zone: str) -> str:
    try:
        Hours.read(hours, zone)
        return ZoneInfo(zone).key
    except KeyError as error:
        raise Unfit("no_such_zone", zone=zone) from error
    except ValueError as error:
        raise Unfit("bad_hours") from error
