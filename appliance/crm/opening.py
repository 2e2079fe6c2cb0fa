"""Makes the CRM of what the database says about it; made anew when somebody changes that."""

from __future__ import annotations

import httpx

from appliance.crm.base import Crm, CrmClosed
from appliance.crm.webhook import Webhook
from appliance.crm.zoho import Zoho
from appliance.crm.zoho_api import TIMEOUT, ZohoApi
from appliance.crm.zoho_auth import Tokens
from appliance.secrets import SecretLost, Secrets
from appliance.store.crm import Account
from appliance.store.store import Store

KEY = "Request_ID"  # Zoho's field that holds a lead's key, unless the owner has chosen another


class Opening:
    """Holds the connections to the CRM. `proxy`, as httpx takes it, is the way to Zoho; a webhook may be next door."""

    def __init__(
        self, *, store: Store, secrets: Secrets, region: str = "RU", lang: str = "en", proxy: str = ""
    ) -> None:
        self._store, self._secrets, self._region, self._lang = store, secrets, region, lang
        self._http = httpx.AsyncClient(timeout=TIMEOUT, proxy=proxy or None)
        self._near = httpx.AsyncClient(timeout=TIMEOUT)
        self.tokens = Tokens(store=store, secrets=secrets, http=self._http)
        self._made: tuple[object, Crm] | None = None

    async def live(self) -> Crm | None:
        """The CRM that leads go to now, if any."""
        async with self._store.transaction() as tx:
            account = await tx.crm_account()
        return self.of(account) if account else None

    def of(self, account: Account) -> Crm:
        """Raises `CrmClosed` where its secrets cannot be opened."""
        print_ = (account.kind, dict(account.settings), dict(account.secrets), dict(account.mapping))
        if self._made is None or self._made[0] != print_:
            self._made = print_, self._make(account)
        return self._made[1]

    def api(self, account: Account) -> ZohoApi:
        return ZohoApi(
            tokens=self.tokens,
            http=self._http,
            version=str(account.settings.get("version") or "v8"),
            module=str(account.settings.get("module") or "Leads"),
        )

    async def close(self) -> None:
        await self._http.aclose()
        await self._near.aclose()

    def _make(self, account: Account) -> Crm:
        settings = account.settings
        if account.kind == "webhook":
            try:
                secret = self._secrets.open(account.secrets.get("secret", ""))
            except SecretLost as error:
                raise CrmClosed("secret") from error
            return Webhook(url=str(settings.get("url", "")), secret=secret, http=self._near, mapping=account.mapping)
        self.tokens.forget()
        return Zoho(
            api=self.api(account),
            mapping=account.mapping,
            key=str(settings.get("key") or KEY),
            lengths={name: int(length) for name, length in dict(settings.get("lengths") or {}).items()},
            same_person="record" if settings.get("same_person") == "record" else "note",
            region=self._region,
            lang=self._lang,
        )
