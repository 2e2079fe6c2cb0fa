"""The CRM at the desk: set up in four steps, tested, mapped; what it has, what waits, what is held and why."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from appliance.core.types import Role, Staff
from appliance.crm.base import CrmClosed, CrmError
from appliance.crm.mapping import FIXED, KEY, OURS, ZOHO, CrmField, filled, problems, read_field
from appliance.crm.opening import KEY as KEY_FIELD
from appliance.crm.opening import Opening
from appliance.crm.webhook import event
from appliance.crm.words import reason, words
from appliance.crm.zoho import checked_key
from appliance.crm.zoho_api import NoRecord, ZohoApi
from appliance.crm.zoho_auth import CENTRES, SCOPES
from appliance.desk.base import Part, must_be
from appliance.secrets import Secrets
from appliance.store.crm import Account
from appliance.store.crm_report import Held, LeadState, Tally
from appliance.store.store import Store, Transaction

__all__ = [
    "CENTRES", "FIXED", "OURS", "SCOPES", "Check", "CrmDesk", "CrmError", "CrmField", "CrmStatus", "Held", "LeadState",
    "Tally", "WrongMapping", "filled", "reason",
]  # fmt: skip

NOBODY = "0" * 32  # a key that no lead has, for trying searches
LENGTH = 64  # characters of the key's field; a key has 32
LABEL = "Request ID"  # of which Zoho makes the API name `Request_ID`


class WrongMapping(Exception):
    """The mapping does not fit the CRM's fields; `wrong`: (field, unknown|unwritable|required|ours|empty)."""

    def __init__(self, wrong: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {what}" for field, what in wrong))
        self.wrong = tuple(wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that pushes need. `why` is empty where it is well; `reason(why, lang)` says it."""

    name: str  # token, organisation, fields, key, mapping, search, query
    ok: bool
    why: Mapping[str, Any]
    found: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmStatus:
    """How the CRM stands. `done` are the steps of the set-up that are: client, grant, fields, live."""

    kind: str = "zoho"
    live: bool = False
    done: tuple[str, ...] = ()
    accounts_url: str = CENTRES["com"]
    api_url: str = ""
    version: str = "v8"
    client_id: str = ""
    key: str = KEY_FIELD
    same_person: str = "note"
    url: str = ""  # of a webhook
    organisation: str = ""
    trouble: Mapping[str, Any] | None = None
    paused_until: datetime | None = None
    tested_at: datetime | None = None


class CrmDesk(Part):
    """`actor` is None for the operator at the box."""

    def __init__(self, *, store: Store, opening: Opening, secrets: Secrets) -> None:
        super().__init__(store=store)
        self._opening, self._secrets = opening, secrets

    async def status(self, actor: Staff | None, kind: str = "") -> CrmStatus:
        """Of the live CRM, or of this kind; without any, of a Zoho that nothing is known of."""
        _manager(actor)
        async with self._store.transaction() as tx:
            account = await tx.crm_account(kind) or (None if kind else await tx.crm_account("zoho"))
        return _status(account) if account else CrmStatus(kind=kind or "zoho")

    async def tally(self, actor: Staff | None, *, days: int = 7) -> Tally:
        """The figures of a sync report over so many days."""
        _manager(actor)
        async with self._store.transaction() as tx:
            return await tx.crm_tally(since=datetime.now(UTC) - timedelta(days=days))

    async def held(self, actor: Staff | None, *, limit: int = 50, offset: int = 0) -> list[Held]:
        _manager(actor)
        async with self._store.transaction() as tx:
            return await tx.crm_held(limit=limit, offset=offset)

    async def states(self, actor: Staff, leads: Sequence[UUID]) -> dict[UUID, LeadState]:
        """How leads stand with the CRM; empty where there is none."""
        _manager(actor)
        async with self._store.transaction() as tx:
            return await tx.crm_states(leads)

    async def retry(self, actor: Staff | None, lead: UUID) -> bool:
        """Another run for a lead that is held, at once; False when it is not held any more."""
        _manager(actor)
        async with self._store.transaction() as tx:
            resumed = await tx.crm_resume([lead])
            await self._log(tx, actor, "crm.retry", str(lead))
            await self._unpause(tx)
        return bool(resumed)

    async def retry_all(self, actor: Staff | None) -> int:
        """Another run for all that are held; gives how many."""
        _manager(actor)
        async with self._store.transaction() as tx:
            resumed = await tx.crm_resume()
            await self._log(tx, actor, "crm.retry_all", "crm", after={"leads": len(resumed)})
            await self._unpause(tx)
        return len(resumed)

    async def client(
        self, actor: Staff | None, *, accounts_url: str, client_id: str, client_secret: str, version: str = "v8",
        api_url: str = "", same_person: str = "note",
    ) -> None:  # fmt: skip
        """Step 1: which client of which data centre. An empty secret leaves the one that is kept."""
        _administrator(actor)
        settings = {
            "accounts_url": accounts_url.strip().rstrip("/"), "client_id": client_id.strip(), "version": version,
            "api_url": api_url.strip().rstrip("/"), "same_person": same_person,
        }  # fmt: skip
        secrets = {"client_secret": self._secrets.seal(client_secret.strip())} if client_secret.strip() else {}
        async with self._store.transaction() as tx:
            before = await tx.crm_account("zoho")
            if before and any(before.settings.get(name) != settings[name] for name in ("accounts_url", "client_id")):
                secrets = {**before.secrets, **secrets}  # another client's token is worth nothing
            mapping = None if before and before.mapping else {**ZOHO, KEY_FIELD: KEY}
            await tx.crm_configure("zoho", settings=settings, secrets=secrets, mapping=mapping)
            await self._log(tx, actor, "crm.client", "zoho", after=settings)

    async def grant(self, actor: Staff | None, code: str) -> None:
        """Step 2: the code of Zoho's API console, changed into a permission that lasts. Raises `CrmError`."""
        _administrator(actor)
        refresh = await self._opening.tokens.exchange(code)
        async with self._store.transaction() as tx:
            await tx.crm_configure("zoho", secrets={"refresh_token": self._secrets.seal(refresh)})
            await self._log(tx, actor, "crm.grant", "zoho")
        self._opening.tokens.forget()

    async def prepare(self, actor: Staff | None) -> dict[str, CrmField]:
        """Step 3: reads Zoho's fields and makes the one that holds a lead's key, where it is missing.

        Gives the fields by name. Raises `CrmError`.
        """
        _administrator(actor)
        account = await self._account("zoho")
        api, key = self._opening.api(account), str(account.settings.get("key") or KEY_FIELD)
        fields = await _fields(api)
        if key not in fields and key == KEY_FIELD:
            await api.add_unique_field(LABEL, LENGTH)
            fields = await _fields(api)
        checked_key(fields, key)
        lengths = {name: field.length for name, field in fields.items() if field.length}
        async with self._store.transaction() as tx:
            await tx.crm_configure(
                "zoho", settings={"key": key, "lengths": lengths}, mapping={**account.mapping, key: KEY}
            )
            await self._log(tx, actor, "crm.prepare", "zoho", after={"key": key})
        return fields

    async def go_live(self, actor: Staff | None, kind: str = "zoho") -> list[Check]:
        """Step 4: tests all, and has leads go there from now on where all is well."""
        _administrator(actor)
        checks = await self.test(actor, kind)
        if all(check.ok for check in checks):
            async with self._store.transaction() as tx:
                await tx.crm_go_live(kind)
                await self._log(tx, actor, "crm.live", kind)
        return checks

    async def stop(self, actor: Staff | None, kind: str) -> None:
        """Leads go there no longer. What is owed stays and goes when it is live again."""
        _administrator(actor)
        async with self._store.transaction() as tx:
            await tx.crm_go_live(kind, live=False)
            await self._log(tx, actor, "crm.stop", kind)

    async def hook(self, actor: Staff | None, *, url: str, secret: str) -> list[Check]:
        """Another CRM by a signed webhook: sends it a trial event, and has leads go there where that is well."""
        _administrator(actor)
        secrets = {"secret": self._secrets.seal(secret.strip())} if secret.strip() else {}
        async with self._store.transaction() as tx:
            await tx.crm_configure("webhook", settings={"url": url.strip()}, secrets=secrets)
            await self._log(tx, actor, "crm.hook", "webhook", after={"url": url})
        return await self.go_live(actor, "webhook")

    async def test(self, actor: Staff | None, kind: str = "") -> list[Check]:
        """Tries what pushes need, and writes nothing into the CRM. The first that fails ends it."""
        _administrator(actor)
        account = await self._account(kind)
        checks: list[Check] = []
        for name, ask in self._asks(account).items():
            try:
                checks.append(Check(name=name, ok=True, why={}, found=await ask()))
            except CrmError as error:
                checks.append(Check(name=name, ok=False, why=error.why))
                break
        async with self._store.transaction() as tx:
            if all(check.ok for check in checks):
                await tx.crm_mark(account.kind, "tested_at", datetime.now(UTC))
                await tx.crm_unpause(account.kind)
        return checks

    async def mapping(
        self, actor: Staff | None, kind: str = "zoho"
    ) -> tuple[dict[str, str], dict[str, CrmField]]:  # fmt: skip
        """The CRM's field -> ours, and its fields; of a webhook nobody knows those, of Zoho none while it is away."""
        _administrator(actor)
        account = await self._account(kind)
        if kind != "zoho":
            return dict(account.mapping) or {name: name for name in OURS}, {}
        try:
            fields = await _fields(self._opening.api(account))
        except CrmError:
            fields = {}
        return dict(account.mapping), fields

    async def remap(self, actor: Staff | None, mapping: Mapping[str, str], kind: str = "zoho") -> None:
        """Raises `WrongMapping`, or `CrmError` while Zoho's fields cannot be read."""
        _administrator(actor)
        account = await self._account(kind)
        if kind != "zoho":
            await self._remap_freely(actor, account, mapping)
            return
        fields = await _fields(self._opening.api(account))
        new = {**mapping, str(account.settings.get("key") or KEY_FIELD): KEY}
        if wrong := problems(new, fields):
            raise WrongMapping(wrong)
        lengths = {name: field.length for name, field in fields.items() if field.length}
        async with self._store.transaction() as tx:
            await tx.crm_configure("zoho", settings={"lengths": lengths}, mapping=new)
            await self._log(tx, actor, "crm.mapping", "zoho", before=account.mapping, after=new)

    async def example(self, actor: Staff | None, mapping: Mapping[str, str], lang: str) -> str:
        """The event by which a webhook's receiver would read of a lead, as JSON."""
        _administrator(actor)
        values = {name: words(lang).get(f"example_{name}", name) for name in OURS}
        return json.dumps(event("lead.created", NOBODY, filled(mapping, values, {})), ensure_ascii=False, indent=2)

    async def _remap_freely(self, actor: Staff | None, account: Account, mapping: Mapping[str, str]) -> None:
        """The fields are whatever the receiver calls them; a key of ours needs no place, each event has it."""
        new = {name.strip(): ours for name, ours in mapping.items()}
        wrong = problems(new, {}) + [(name, "empty") for name in new if not name]
        if wrong or not new:
            raise WrongMapping(wrong or [("", "empty")])
        async with self._store.transaction() as tx:
            await tx.crm_configure(account.kind, mapping=new)
            await self._log(tx, actor, "crm.mapping", account.kind, before=account.mapping, after=new)

    async def close(self) -> None:
        """Ends the connections to the CRM."""
        await self._opening.close()

    def _asks(self, account: Account) -> dict[str, Callable[[], Awaitable[str]]]:
        """What is tried, in order."""
        crm = self._opening.of(account)
        if account.kind != "zoho":
            return {"organisation": crm.test}
        api, key = self._opening.api(account), str(account.settings.get("key") or KEY_FIELD)
        known: dict[str, CrmField] = {}

        async def token() -> str:
            return (await self._opening.tokens.current()).api_url

        async def fields() -> str:
            known.update(await _fields(api))
            return str(len(known))

        async def unique() -> str:
            checked_key(known, key)
            return key

        async def mapped() -> str:
            _check_mapping(account.mapping, known)
            return str(len(account.mapping))

        async def search() -> str:
            await api.search({key: NOBODY}, [key])
            return ""

        async def query() -> str:
            await api.query({key: NOBODY}, [key])
            return ""

        return {"token": token, "organisation": crm.test, "fields": fields, "key": unique, "mapping": mapped,
                "search": search, "query": query}  # fmt: skip

    async def _account(self, kind: str) -> Account:
        async with self._store.transaction() as tx:
            account = await tx.crm_account(kind) or (None if kind else await tx.crm_account("zoho"))
        if account is None:
            raise CrmClosed("unset")
        return account

    async def _unpause(self, tx: Transaction) -> None:
        """Somebody wants to see now whether it works."""
        if account := await tx.crm_account():
            await tx.crm_unpause(account.kind)

    async def _log(
        self, tx: Transaction, actor: Staff | None, action: str, subject: str, *,
        before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        await tx.log_act(user=actor.id if actor else None, action=action, subject=subject, before=before, after=after)


async def _fields(api: ZohoApi) -> dict[str, CrmField]:
    try:
        found = [read_field(raw) for raw in await api.fields()]
    except NoRecord as error:
        raise CrmClosed("api", what="settings/fields") from error
    return {field.name: field for field in found}


def _check_mapping(mapping: Mapping[str, str], fields: Mapping[str, CrmField]) -> None:
    wrong = problems(mapping, fields)
    if missing := [name for name, what in wrong if what == "required"]:
        raise CrmClosed("required", field=missing[0])
    if wrong:
        raise CrmClosed("fields", fields=", ".join(name for name, _ in wrong))


def _status(account: Account) -> CrmStatus:
    settings, secrets = account.settings, account.secrets
    done = {
        "client": bool(settings.get("client_id") and secrets.get("client_secret")),
        "grant": bool(secrets.get("refresh_token")),
        "fields": bool(settings.get("lengths")),
        "live": account.live,
    }
    return CrmStatus(
        kind=account.kind, live=account.live, done=tuple(name for name, is_ in done.items() if is_),
        accounts_url=str(settings.get("accounts_url") or CENTRES["com"]), api_url=str(settings.get("api_url") or ""),
        version=str(settings.get("version") or "v8"), client_id=str(settings.get("client_id") or ""),
        key=str(settings.get("key") or KEY_FIELD), same_person=str(settings.get("same_person") or "note"),
        url=str(settings.get("url") or ""), trouble=account.trouble or None, paused_until=account.paused_until,
        tested_at=account.tested_at,
    )  # fmt: skip


def _manager(actor: Staff | None) -> None:
    if actor is not None:
        must_be(actor, Role.MANAGER)


def _administrator(actor: Staff | None) -> None:
    if actor is not None:
        must_be(actor, Role.ADMINISTRATOR)
