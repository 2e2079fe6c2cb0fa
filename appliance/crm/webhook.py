"""Leads to any other CRM: a signed webhook by the Standard Webhooks specification (https://www.standardwebhooks.com).

`webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. `webhook-id` is the same for each
attempt at the same news, so a receiver that remembers ids takes nothing twice; `Idempotency-Key` repeats it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from appliance.crm.base import Case, CrmAway, CrmBusy, CrmClosed, CrmRefused, Receipt
from appliance.crm.mapping import OURS, filled

TIMEOUT = httpx.Timeout(20, connect=10)
SEEN = 409  # what a receiver may answer to an id that it has taken before


class Webhook:
    """`secret`: any text; `whsec_` and base64 as the specification has it are read as such."""

    kind = "webhook"

    def __init__(
        self, *, url: str, secret: str, http: httpx.AsyncClient, mapping: Mapping[str, str] | None = None
    ) -> None:
        """Without a mapping all our fields go under our names."""
        self._url, self._secret, self._http = url, _key(secret), http
        self._mapping = dict(mapping or {name: name for name in OURS})

    async def push(self, case: Case) -> Receipt:
        fields = filled(self._mapping, case.values, {})
        news = {"title": case.note.title, "text": case.note.text} if case.note else None
        if case.known.remote and not case.note and dict(case.known.sent) == dict(case.values):
            return Receipt(remote=case.known.remote, outcome="same")
        kind = "lead.updated" if case.known.remote else "lead.created"
        id = f"{case.key}-{_print(kind, fields, news)}"
        answer = await self._send(id, event(kind, case.key, fields, record=case.known.remote, note=news))
        outcome = "updated" if case.known.remote else "created"
        return Receipt(remote=case.known.remote or _given(answer) or case.key, outcome=outcome)

    async def erase(self, remote: str, key: str) -> None:
        """Sends the event `lead.erased`."""
        await self._send(f"{key}-erased", {"type": "lead.erased", "id": key, "record": remote})

    async def test(self) -> str:
        """Sends the event `ping`."""
        await self._send(f"ping-{int(time.time())}", {"type": "ping"})
        return self._url

    async def close(self) -> None:
        """The connections belong to whoever made them."""

    async def _send(self, id: str, body: Mapping[str, Any]) -> httpx.Response:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        at = str(int(time.time()))
        headers = {
            "content-type": "application/json", "webhook-id": id, "webhook-timestamp": at,
            "webhook-signature": signature(self._secret, id, at, content), "Idempotency-Key": id,
        }  # fmt: skip
        try:
            answer = await self._http.post(self._url, content=content, headers=headers, timeout=TIMEOUT)
        except httpx.HTTPError as error:
            raise CrmAway("away", crm="CRM", what=str(error) or type(error).__name__) from error
        if answer.is_success or answer.status_code == SEEN:
            return answer
        raise _refusal(answer)


def event(
    kind: str, key: str, fields: Mapping[str, str], *, record: str = "", note: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What the receiver reads. `key` names the lead for ever, `record` is what the receiver once called it."""
    return {"type": kind, "id": key, "record": record, "lead": dict(fields), "note": note}


def signature(secret: bytes, id: str, at: str, content: bytes) -> str:
    signed = hmac.new(secret, f"{id}.{at}.".encode() + content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()


def _print(*parts: object) -> str:
    """The same news have the same print."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def _given(answer: httpx.Response) -> str:
    """The id that the receiver gave the record, where it says one."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    return str(body.get("id") or "") if isinstance(body, dict) else ""


def _refusal(answer: httpx.Response) -> CrmAway | CrmBusy | CrmClosed | CrmRefused:
    status = answer.status_code
    after = answer.headers.get("Retry-After", "")
    wait = timedelta(seconds=min(int(after), 3600)) if after.isdigit() else None
    match status:
        case 429:
            return CrmBusy("busy", crm="CRM", retry_after=wait)
        case 401 | 403:
            return CrmClosed("signature", status=status)
        case 404 | 405 | 410 | 301 | 302 | 307 | 308:
            return CrmClosed("address", status=status)
        case status if status >= 500 or status in (408, 425):
            return CrmAway("broken", crm="CRM", status=status, retry_after=wait)
        case _:
            return CrmRefused("refused", crm="CRM", what=f"{status} {answer.text[:200]}".strip())
