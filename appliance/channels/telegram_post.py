"""Brings replies into a chat, part by part: each part is sent once, and edited where it stands already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from appliance import leads
from appliance.channels import telegram_cards as cards
from appliance.channels.base import Undeliverable
from appliance.channels.telegram_api import Api, inline, phone_key
from appliance.channels.telegram_cards import Do, Keyboard
from appliance.channels.telegram_faults import BadPhoto, Moved, NoSuchPost, Refused
from appliance.channels.telegram_fence import assistants
from appliance.channels.telegram_photos import Photo, Photos
from appliance.channels.telegram_text import TEXT, Styled, from_markdown
from appliance.core.texts import say
from appliance.core.types import Card, Conversation, Message, Parcel
from appliance.store.fence import Fence
from appliance.store.plain import cards_from
from appliance.store.store import Store
from appliance.store.telegram import PUT_ASIDE

CHANNEL = "telegram"

Written = tuple[str | Styled, Keyboard]  # words and buttons
Write = Callable[[Parcel], Awaitable[Written | None]]  # how a parcel reads; None: no more needed


class File(Protocol):
    """What a parcel brings, whole."""

    @property
    def name(self) -> str: ...

    @property
    def contents(self) -> bytes: ...


Fetch = Callable[[Parcel], Awaitable[File | None]]  # the file of a parcel; None: it was erased meanwhile


def chat_of(address: str) -> int:
    """The chat of an address, also of one that was put aside."""
    return int(address.partition(PUT_ASIDE)[0])


class Poster:
    """Writes to chats. Remembers every part that was sent, so that a second attempt goes on where the first ended."""

    def __init__(
        self, *, api: Api, store: Store, fence: Fence, photos: Photos, basket: bool,
        writes: Mapping[str, Write] | None = None, files: Mapping[str, Fetch] | None = None,
    ) -> None:  # fmt: skip
        """`writes` says by kind how parcels of others, such as managers' notices, read; `files` what they bring."""
        self._api, self._store, self._fence, self._photos, self._basket = api, store, fence, photos, basket
        self._writes = {"say": _said, **(writes or {})}
        self._files = files or {}

    async def deliver(self, parcel: Parcel) -> None:
        """One parcel: a `reply` (message), a `turn` (message, view, number), or one of `writes`."""
        chat = chat_of(parcel.address)
        try:
            match parcel.kind:
                case "reply":
                    await self.reply(chat, UUID(parcel.body["message"]))
                case "turn":
                    body = parcel.body
                    await self.turn(chat, UUID(body["message"]), Do(body["view"]), int(body["number"]))
                case leads.CHANGED:
                    await self._rewrite(chat, parcel)
                case kind if kind in self._files:
                    await self._file(chat, parcel)
                case kind if kind in self._writes:
                    await self._write(chat, parcel)
                case kind:
                    raise Undeliverable(f"Telegram knows no parcel of the kind {kind}.")
        except Moved as moved:
            async with self._store.transaction() as tx:
                await tx.move_address(CHANNEL, parcel.address, str(moved.chat))
            raise

    async def reply(self, chat: int, message: UUID) -> None:
        """A stored message with its cards, buttons and form; nothing if it has been erased meanwhile."""
        async with self._store.transaction() as tx:
            events = {event.kind: event for event in await tx.said(message)}
            posts = await tx.posts(self._api.id, message)
            about = next(iter(events.values()), None)
            conversation = await tx.conversation(about.conversation) if about else None
        if conversation is None or about is None:
            return
        answer = about.role == "bot" and about.kind != "notice"  # a notice is what the customer's command asked for
        with assistants(self._fence, conversation.id, since=about.seq) if answer else nullcontext():
            await self._reply(chat, message, events, posts, conversation)

    async def _reply(
        self, chat: int, message: UUID, events: dict[str, Message], posts: dict[str, int], conversation: Conversation
    ) -> None:
        if (shown := events.pop("cards", None)) and "cards" not in posts:
            await self.cards(chat, message, cards_from(shown.payload["items"]), conversation.lang)
        quick, form = events.pop("quick", None), events.pop("form", None)
        for text in events.values():
            keys = cards.quick_keyboard(message, quick.payload["items"]) if quick else _keys(text)
            await self._text(chat, message, text, keys, posts, phone=_phone(text, form, conversation.lang))

    async def cards(self, chat: int, message: UUID, items: Sequence[Card], lang: str) -> None:
        """The cards of an answer: one message, turned by its buttons."""
        text = cards.caption(items, Do.CARD, 0, lang)
        markup = inline(cards.keyboard(message, items, Do.CARD, 0, lang, basket=self._basket))
        if not self._any_photo(items):
            await self._note(message, "cards", await self._api.send(chat, text, markup))
            return

        async def send(photo: Photo) -> str:
            post, file_id = await self._api.send_photo(chat, photo.given, text, markup)
            await self._note(message, "cards", post)
            return file_id

        await self._with_photo(items[0], send)

    async def turn(self, chat: int, message: UUID, view: Do, number: int) -> None:
        """Another card, its details, or the list of all, in the place of what is shown."""
        async with self._store.transaction() as tx:
            events = await tx.said(message)
            post = (await tx.posts(self._api.id, message)).get("cards")
            conversation = await tx.conversation(events[0].conversation) if events else None
        shown = next((event for event in events if event.kind == "cards"), None)
        items = cards_from(shown.payload["items"]) if shown else ()
        if post is None or conversation is None or number >= len(items):
            return
        text = cards.caption(items, view, number, conversation.lang)
        markup = inline(cards.keyboard(message, items, view, number, conversation.lang, basket=self._basket))
        try:
            if not self._any_photo(items):
                await self._api.edit(chat, post, text, markup)
            elif view is not Do.CARD:
                await self._api.turn_caption(chat, post, text, markup)
            else:
                await self._with_photo(
                    items[number], lambda photo: self._api.turn_photo(chat, post, photo.given, text, markup)
                )
        except NoSuchPost:
            return  # the customer has deleted it

    async def words(self, chat: int, message: UUID, text: Styled, post: int | None) -> int:
        """The text so far of an answer in writing, as a message of its own; gives where it stands."""
        if post is not None:
            await self._api.edit(chat, post, text)
            return post
        post = await self._api.send(chat, text)
        await self._note(message, "text", post)
        return post

    async def _text(
        self, chat: int, message: UUID, event: Message, keys: Keyboard, posts: dict[str, int], *, phone: str
    ) -> None:
        *first, last = from_markdown(event.text).split(TEXT)
        for at, piece in enumerate([*first, last]):
            part = f"text{at + 1}" if at else "text"
            final = at == len(first)
            if at == 0 and part in posts and await self._edited(chat, posts[part], piece, keys if final else []):
                continue
            if at and part in posts:
                continue
            markup = (inline(keys) or (phone_key(phone) if phone else None)) if final else None
            if piece:
                await self._note(message, part, await self._api.send(chat, piece, markup))
                phone = "" if final and not keys else phone
        if phone and "form" not in posts:
            await self._note(message, "form", await self._api.send(chat, Styled(f"{phone} ⬇"), phone_key(phone)))

    async def _edited(self, chat: int, post: int, text: Styled, keys: Keyboard) -> bool:
        try:
            await self._api.edit(chat, post, text, inline(keys))
        except NoSuchPost:
            return False
        return True

    async def _write(self, chat: int, parcel: Parcel) -> None:
        """A parcel that is one message, sent once."""
        async with self._store.transaction() as tx:
            said = await tx.posts(self._api.id, parcel.id)
        written = None if said else await self._writes[parcel.kind](parcel)
        if written is None:
            return
        text, keys = _set(written)
        post = await self._api.send(chat, text, inline(keys))
        await self._note(parcel.id, "text", post)
        if parcel.kind == leads.RELAY:
            await self._show(chat, UUID(parcel.body["message"]))
        if parcel.kind == leads.NOTICE:
            await self._note(UUID(parcel.body["lead"]), f"{chat} {parcel.body['why']}", post)

    async def _show(self, chat: int, message: UUID) -> None:
        """The photo, voice or file that a customer sent, below the words about it; one that is gone is not shown."""
        async with self._store.transaction() as tx:
            said = next(iter(await tx.said(message)), None)
        if said and (file := said.payload.get("file_id")):
            with suppress(Refused, BadPhoto):
                await self._api.send_kept(chat, str(said.payload.get("file", "")), str(file))

    async def _rewrite(self, chat: int, parcel: Parcel) -> None:
        """The notices of a lead that stand in the chat are set right."""
        async with self._store.transaction() as tx:
            posts = await tx.posts(self._api.id, UUID(parcel.body["lead"]))
        for part, post in posts.items():
            where, _, why = part.partition(" ")
            if where != str(chat):
                continue
            written = await self._writes[leads.CHANGED](replace(parcel, body={**parcel.body, "why": why}))
            if written:
                text, keys = _set(written)
                with suppress(NoSuchPost):
                    await self._api.edit(chat, post, text, inline(keys))

    async def _file(self, chat: int, parcel: Parcel) -> None:
        """A parcel that is one file, sent once, below the answer that it belongs to; never after a takeover."""
        async with self._store.transaction() as tx:
            sent = await tx.posts(self._api.id, parcel.id)
            events = await tx.said(UUID(parcel.body["message"]))
        if sent or not events or (file := await self._files[parcel.kind](parcel)) is None:
            return
        with assistants(self._fence, events[0].conversation, since=events[0].seq):
            await self._note(parcel.id, "file", await self._api.send_file(chat, file.name, file.contents))

    async def _with_photo(self, card: Card, put: Callable[[Photo], Awaitable[str]]) -> None:
        """Tries the photo as it is known, then as it is, then a blank sheet."""
        bot = self._api.id
        photo = await self._photos.of(card, bot)
        for _ in range(2):
            if photo is None:
                break
            try:
                await self._photos.keep(bot, photo, await put(photo))
                return
            except BadPhoto:
                await self._photos.forget(bot, photo)
                photo = await self._photos.of(card, bot) if photo.known else None
        blank = await self._photos.blank(bot)
        await self._photos.keep(bot, blank, await put(blank))

    def _any_photo(self, items: Sequence[Card]) -> bool:
        return any(self._photos.has(card) for card in items)

    async def _note(self, message: UUID, part: str, post: int) -> None:
        async with self._store.transaction() as tx:
            await tx.note_post(self._api.id, message, part, post)


async def _said(parcel: Parcel) -> Written:
    return str(parcel.body["text"]), []


def _set(written: Written) -> tuple[Styled, Keyboard]:
    text, keys = written
    return (text if isinstance(text, Styled) else from_markdown(text)).cut(TEXT), keys


def _keys(event: Message) -> Keyboard:
    """The buttons that a notice brings with it."""
    return [[(str(text), str(data)) for text, data in row] for row in event.payload.get("keys", ())]


def _phone(event: Message, form: Message | None, lang: str) -> str:
    """The key that shares the telephone number, where the form or the notice asks for it."""
    return say("bot_share_phone", lang) if form is not None or event.payload.get("phone") else ""
