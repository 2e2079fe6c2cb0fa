"""Logins to the console through the bot: somebody opens a link there, and is asked here whether it was them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from appliance.channels.telegram_cards import Keyboard
from appliance.channels.telegram_text import Styled, bold, joined
from appliance.core.browsers import browser_name
from appliance.core.notices import word
from appliance.core.types import Parcel, Staff
from appliance.desk.logins import Logins, Refusal
from appliance.leads import TELEGRAM
from appliance.store.store import Store, Transaction

if TYPE_CHECKING:
    from appliance.channels.telegram_ears import Caller, Managers
    from appliance.channels.telegram_post import Write

LOGIN, JOIN = "login_", "join_"  # prefixes of the deep links
YES, NO, JOINS = "L1y", "L1n", "L1j"  # of the buttons
ASKS, SAYS, INVITES = "login_asks", "login_says", "login_invites"  # kinds of parcels
TRIES, PAUSE, LONGEST = 5, timedelta(seconds=10), timedelta(hours=1)  # typed codes of one account in a day
CODE = re.compile(r"\d{8}")
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,56}")


class TelegramLogin:
    """Hears before the managers' desk does; what is no login goes on to `then`.

    Nothing of it is a customer's dialogue, so nothing of it is stored as one.
    """

    def __init__(self, *, store: Store, logins: Logins, then: Managers) -> None:
        self._store, self._logins, self._then = store, logins, then
        self.writes: Mapping[str, Write] = {ASKS: self._asking, SAYS: self._saying, INVITES: self._inviting}

    async def hears(self, tx: Transaction, origin: str, caller: Caller, text: str, kind: str) -> bool:
        command, _, rest = text.partition(" ")
        name, rest = command.partition("@")[0].lower(), rest.strip()
        match name:
            case "/start" if rest.startswith(LOGIN):
                await self._opened(tx, caller, token=rest.removeprefix(LOGIN))
            case "/start" if rest.startswith(JOIN):
                await self._invited(tx, caller, rest.removeprefix(JOIN))
            case "/login":
                await self._typed(tx, caller, rest)
            case _:
                return await self._then.hears(tx, origin, caller, text, kind)
        return True

    async def presses(self, tx: Transaction, caller: Caller, data: str) -> str | None:
        match data[:3]:
            case "L1y" | "L1n" if (id := _uuid(data[3:])) is not None:
                return await self._settles(tx, caller, id, agrees=data.startswith(YES))
            case "L1j" if TOKEN.fullmatch(data[3:]):
                return await self._joins(tx, caller, data[3:])
            case _:
                return await self._then.presses(tx, caller, data)

    async def _opened(self, tx: Transaction, caller: Caller, *, token: str = "", code: str = "") -> None:
        """Asks the person whether it was them; whoever is not of the house is told their number, for the list."""
        person = await tx.by_telegram(caller.user)
        if person is None:
            await _say(tx, caller, "login_stranger", number=caller.user)
            return
        found = await tx.open_login(token=token, code=code, telegram_id=caller.user)
        if found is None:
            await _say(tx, caller, "login_over", person=person)
            return
        body = {"login": str(found.id), "lang": person.lang or caller.lang}
        await tx.post(channel=TELEGRAM, address=caller.address, kind=ASKS, body=body)

    async def _typed(self, tx: Transaction, caller: Caller, rest: str) -> None:
        """`/login 1234 5678`, for those who cannot open the link; an account has few tries."""
        code = rest.replace(" ", "").replace("-", "")
        person = await tx.by_telegram(caller.user)
        if person is None or not CODE.fullmatch(code):
            await _say(tx, caller, "login_how" if person else "login_stranger", person=person, number=caller.user)
            return
        if await tx.count_try(f"telegram:{caller.user}", pause=PAUSE, free=TRIES, longest=LONGEST):
            await _say(tx, caller, "login_slow", person=person)
            return
        await self._opened(tx, caller, code=code)

    async def _settles(self, tx: Transaction, caller: Caller, id: UUID, *, agrees: bool) -> str:
        person = await tx.by_telegram(caller.user)
        if person is None:
            return word("no_manager", caller.lang)
        settled = await tx.settle_login(id, telegram_id=caller.user, person=person.id if agrees else None)
        if not settled:
            return word("login_over", person.lang)
        if agrees:
            await tx.forget_tries(f"telegram:{caller.user}")
        else:
            await tx.log_act(user=person.id, action="login.refused", subject=str(id))
        return word("login_done" if agrees else "login_refused", person.lang)

    async def _invited(self, tx: Transaction, caller: Caller, token: str) -> None:
        about = await self._logins.within(tx).invited(token) if TOKEN.fullmatch(token) else None
        if about is None:
            await _say(tx, caller, "login_link_used")
            return
        body = {"token": token, "role": str(about["role"]) if about.get("role") else "", "lang": caller.lang}
        await tx.post(channel=TELEGRAM, address=caller.address, kind=INVITES, body=body)

    async def _joins(self, tx: Transaction, caller: Caller, token: str) -> str:
        try:
            await self._logins.within(tx).join_by_telegram(
                token, telegram_id=caller.user, name=caller.name, lang=caller.lang
            )
        except Refusal as refusal:
            return word("login_taken" if refusal.id == "taken" else "login_link_used", caller.lang)
        return word("login_joined", caller.lang)

    async def _asking(self, parcel: Parcel) -> tuple[Styled, Keyboard] | None:
        """Was it you? With what a person can compare: the code, the address, the browser."""
        id, lang = UUID(parcel.body["login"]), str(parcel.body["lang"])
        async with self._store.transaction() as tx:
            found = await tx.awaited_at(id)
        if found is None or found.state != "asked":
            return Styled(word("login_over", lang)), []
        lines = joined([
            bold(word("login_ask", lang)),
            bold(f"{word('login_address', lang)}: ") + found.address,
            bold(f"{word('login_browser', lang)}: ") + browser_name(found.browser),
        ])  # fmt: skip
        yes, no = (word("login_yes", lang), f"{YES}{id.hex}"), (word("login_no", lang), f"{NO}{id.hex}")
        return joined([lines, word("login_warning", lang)], "\n\n"), [[yes], [no]]

    async def _inviting(self, parcel: Parcel) -> tuple[Styled, Keyboard] | None:
        lang, role = str(parcel.body["lang"]), str(parcel.body["role"])
        asked = word("login_invite", lang, role=word(f"login_role_{role or 'manager'}", lang))
        return Styled(asked), [[(word("login_join", lang), f"{JOINS}{parcel.body['token']}")]]

    async def _saying(self, parcel: Parcel) -> tuple[Styled, Keyboard] | None:
        body = parcel.body
        return Styled(word(str(body["word"]), str(body["lang"]), **body.get("values", {}))), []


async def _say(tx: Transaction, caller: Caller, id: str, *, person: Staff | None = None, **values: object) -> None:
    body = {"word": id, "lang": (person.lang if person else "") or caller.lang, "values": values}
    await tx.post(channel=TELEGRAM, address=caller.address, kind=SAYS, body=body)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(hex=text)
    except ValueError:
        return None
