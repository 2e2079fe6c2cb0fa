"""Zoho's access token: one for all processes, kept sealed in the database and renewed by one of them at a time.

Facts: https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html. A token lives an hour, ten may be asked for
in ten minutes, and errors come with status 200: it worked if there is a token in the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import structlog

from appliance.crm.base import CrmAway, CrmBusy, CrmClosed
from appliance.secrets import SecretLost, Secrets
from appliance.store.crm import Account
from appliance.store.store import Store

log = structlog.get_logger("zoho")

KIND = "zoho"
EARLY = timedelta(seconds=60)  # before its end a token is renewed
LEASE = timedelta(seconds=30)  # that a renewal may take; then another process tries
WINDOW, MOST = 600.0, 10  # seconds, and tokens that Zoho gives in them
LOOK = 0.2  # seconds between looks whether another process has renewed the token

# By data centre: where its accounts are. The API's address comes with the token.
CENTRES: Mapping[str, str] = {
    "com": "https://accounts.zoho.com",
    "eu": "https://accounts.zoho.eu",
    "in": "https://accounts.zoho.in",
    "com.au": "https://accounts.zoho.com.au",
    "jp": "https://accounts.zoho.jp",
    "sa": "https://accounts.zoho.sa",
    "ca": "https://accounts.zohocloud.ca",
    "com.cn": "https://accounts.zoho.com.cn",
    "uk": "https://accounts.zoho.uk",
}
SCOPES = (
    "ZohoCRM.modules.leads.ALL", "ZohoCRM.modules.notes.ALL", "ZohoSearch.securesearch.READ", "ZohoCRM.coql.READ",
    "ZohoCRM.settings.fields.ALL", "ZohoCRM.org.READ",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token; `number` tells it from the ones before."""

    number: int
    value: str
    api_url: str
    until: datetime


class Tokens:
    """Gives the token in force, and a new one for whom it was refused."""

    def __init__(self, *, store: Store, secrets: Secrets, http: httpx.AsyncClient) -> None:
        self._store, self._secrets, self._http = store, secrets, http
        self._token: Token | None = None

    async def current(self) -> Token:
        """Raises `CrmAway`, `CrmBusy`, `CrmClosed`."""
        if self._token and self._token.until > datetime.now(UTC) + EARLY:
            return self._token
        account = await self._account()
        return await self.renewed(account.token_number) if _old(account) else self._opened(account)

    async def renewed(self, after: int) -> Token:
        """A token later than number `after`: another process's, or a new one from Zoho."""
        self._token = None
        deadline = asyncio.get_running_loop().time() + LEASE.total_seconds()
        while asyncio.get_running_loop().time() < deadline:
            account = await self._account()
            if account.token_number > after and not _old(account):
                return self._opened(account)
            after = account.token_number
            async with self._store.transaction() as tx:
                mine = await tx.crm_take_renewal(KIND, after=after, lease=LEASE)
            if mine:
                return await self._renew(account)
            await asyncio.sleep(LOOK)
        raise CrmAway("concurrent")

    def forget(self) -> None:
        """The account was changed: the token in hand may be another's."""
        self._token = None

    async def exchange(self, code: str) -> str:
        """The refresh token for a grant code, which is good once and for minutes."""
        account = await self._account()
        body = await self._ask(account, {"grant_type": "authorization_code", "code": code.strip()})
        if not body.get("refresh_token"):
            raise CrmClosed("code")
        return str(body["refresh_token"])

    async def _renew(self, account: Account) -> Token:
        try:
            refresh = self._open(account.secrets.get("refresh_token", ""))
            if not refresh:
                raise CrmClosed("revoked")
            body = await self._ask(account, {"grant_type": "refresh_token", "refresh_token": refresh})
        except BaseException:
            async with self._store.transaction() as tx:
                await tx.crm_drop_renewal(KIND)
            raise
        now = datetime.now(UTC)
        until = now + timedelta(seconds=float(body.get("expires_in") or 3600))
        recent = [at for at in account.renewals if at > now.timestamp() - WINDOW]
        async with self._store.transaction() as tx:
            await tx.crm_keep_token(
                KIND, after=account.token_number, token=self._secrets.seal(str(body["access_token"])), until=until,
                api_url=str(body.get("api_domain") or ""), renewals=[*recent, now.timestamp()][-MOST:],
            )  # fmt: skip
        log.info("zoho.token_renewed", number=account.token_number + 1)
        return self._opened(await self._account())

    async def _ask(self, account: Account, form: Mapping[str, str]) -> dict[str, Any]:
        known = {
            "client_id": str(account.settings.get("client_id", "")),
            "client_secret": self._open(account.secrets.get("client_secret", "")),
        }
        url = f"{account.settings.get('accounts_url') or CENTRES['com']}/oauth/v2/token"
        try:
            answer = await self._http.post(url, data={**known, **form})
        except httpx.HTTPError as error:
            raise CrmAway("away", crm="Zoho", what=str(error) or type(error).__name__) from error
        try:
            body = answer.json()
        except ValueError:
            body = {}
        if isinstance(body, dict) and body.get("access_token"):
            return body
        raise _refusal(answer.status_code, body if isinstance(body, dict) else {}, form, account.renewals)

    async def _account(self) -> Account:
        async with self._store.transaction() as tx:
            account = await tx.crm_account(KIND)
        if account is None or not account.settings.get("client_id"):
            raise CrmClosed("unset")
        return account

    def _opened(self, account: Account) -> Token:
        assert account.token_until is not None
        self._token = Token(
            number=account.token_number,
            value=self._open(account.token),
            api_url=str(account.settings.get("api_url") or account.api_url),
            until=account.token_until,
        )
        return self._token

    def _open(self, sealed: str) -> str:
        try:
            return self._secrets.open(sealed)
        except SecretLost as error:
            raise CrmClosed("secret") from error


def _old(account: Account) -> bool:
    return not account.token or account.token_until is None or account.token_until <= datetime.now(UTC) + EARLY


def _refusal(
    status: int, body: Mapping[str, Any], form: Mapping[str, str], renewals: tuple[float, ...]
) -> CrmAway | CrmBusy | CrmClosed:
    match str(body.get("error", "")):
        case "invalid_code":
            return CrmClosed("code" if "code" in form else "revoked")
        case "invalid_client" | "invalid_client_secret":
            return CrmClosed("client")
        case "Access Denied":  # the oldest of the last ten must be ten minutes old
            now = datetime.now(UTC).timestamp()
            wait = (renewals[0] + WINDOW - now) if len(renewals) >= MOST else 60.0
            return CrmBusy("throttled", retry_after=timedelta(seconds=min(max(wait, 30.0), WINDOW)))
        case "" if status >= 500:
            return CrmAway("broken", crm="Zoho", status=status)
        case other:
            return CrmClosed("odd", crm="Zoho", status=status, what=other or "no token")
