"""Telegram's own proofs of who somebody is: the Login Widget's fields and a Mini App's init data, signed by the bot.

Signatures as in core.telegram.org/widgets/login#checking-authorization and
core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app. Freshness is ours to check: the signature
alone stays good for ever.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

FRESH = timedelta(minutes=5)  # between Telegram's signature and its use
AHEAD = timedelta(minutes=1)  # that Telegram's clock may be ahead of ours


def widget_account(fields: Mapping[str, str], *, token: str, now: datetime) -> int | None:
    """The Telegram account that the Login Widget's fields speak for; None when they are not signed, old or broken."""
    secret = hashlib.sha256(token.encode()).digest()
    if not token or not _signed(fields, secret) or not _fresh(fields, now):
        return None
    return _number(fields.get("id"))


def app_account(init_data: str, *, token: str, now: datetime) -> int | None:
    """The Telegram account in which a Mini App was opened; None when the data are not signed, old or broken."""
    fields = dict(parse_qsl(init_data, keep_blank_values=True))
    secret = hmac.digest(b"WebAppData", token.encode(), "sha256")
    if not token or not _signed(fields, secret) or not _fresh(fields, now):
        return None
    try:
        user = json.loads(fields.get("user", ""))
    except ValueError:
        return None
    return _number(user.get("id")) if isinstance(user, dict) else None


def _signed(fields: Mapping[str, str], secret: bytes) -> bool:
    lines = "\n".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "hash")
    made = hmac.new(secret, lines.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(made.encode(), fields.get("hash", "").encode())


def _fresh(fields: Mapping[str, str], now: datetime) -> bool:
    signed = _number(fields.get("auth_date"))
    if signed is None:
        return False
    age = now.timestamp() - signed
    return -AHEAD.total_seconds() <= age <= FRESH.total_seconds()


def _number(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None
