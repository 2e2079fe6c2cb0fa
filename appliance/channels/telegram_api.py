"""The bot at Telegram's side of the wire, by aiogram: every call paced, every refusal a word of the house.

Loading aiogram takes seconds of a small processor, so this module is imported by the leader alone, and in a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import SendMessageDraft, TelegramMethod
from aiogram.methods.base import Response, TelegramType
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    LinkPreviewOptions,
    Message,
    MessageEntity,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)
from aiogram.utils.token import TokenValidationError

from appliance.channels.base import AddressGone, ChannelError
from appliance.channels.telegram_cards import Keyboard
from appliance.channels.telegram_faults import BadPhoto, Conflict, Moved, NoSuchPost, Refused, Revoked, Unreachable
from appliance.channels.telegram_fence import begun
from appliance.channels.telegram_pace import Pace
from appliance.channels.telegram_text import Styled

PACED = ("send", "edit")  # methods that Telegram's limits count
FREE = {"sendChatAction"}
IMPATIENT = 5  # seconds of a 429 that are waited for on the spot; a longer one is the outbox's
TRIES = 4
TIMEOUT = 20.0  # seconds for one call
TIMEOUT_UPLOAD = 60.0
# What a message may have brought and a method of that name sends again by its `file_id`.
KEPT = ("photo", "voice", "audio", "video", "video_note", "animation", "document", "sticker")
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
BAD_PHOTO = ("wrong file identifier", "failed to get http url content", "image_process_failed", "photo_invalid",
             "wrong type of the web page content", "wrong remote file", "media_empty", "webpage_")  # fmt: skip
GONE = ("chat not found", "user is deactivated", "peer_id_invalid", "bot can't initiate", "have no rights to send")

Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | None


class RawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates as it comes: an update that this aiogram cannot read yet must not bar the ones after it."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int
    limit: int = 100
    timeout: int
    allowed_updates: list[str]


class Api:
    """What the channel asks of Telegram. Raises `ChannelError`, `AddressGone` and the faults of `telegram_faults`."""

    def __init__(self, *, token: str, base: str, proxy: str = "", pace: Pace) -> None:
        session = AiohttpSession(proxy=proxy or None, api=TelegramAPIServer.from_base(base), timeout=TIMEOUT)
        session.middleware(_Paced(pace))
        try:
            self._bot = Bot(token, session=session)
        except TokenValidationError as error:
            raise Revoked from error
        self.pace = pace

    @property
    def id(self) -> int:
        return self._bot.id

    async def close(self) -> None:
        await self._bot.session.close()

    async def username(self) -> str:
        with _translated():
            return (await self._bot.me()).username or ""

    async def updates(self, offset: int, *, seconds: int, kinds: Sequence[str]) -> list[dict[str, Any]]:
        """Long poll: what came since `offset`, or nothing after so many seconds."""
        method = RawUpdates(offset=offset, timeout=seconds, allowed_updates=list(kinds))
        with _translated():
            return await self._bot(method, request_timeout=seconds + int(TIMEOUT))

    async def listen_at(self, url: str, *, secret: str, kinds: Sequence[str]) -> None:
        with _translated():
            await self._bot.set_webhook(url, secret_token=secret, allowed_updates=list(kinds), max_connections=10)

    async def listen_nowhere(self) -> None:
        """Ends the webhook, and keeps what waits: it comes by polling."""
        with _translated():
            await self._bot.delete_webhook(drop_pending_updates=False)

    async def webhook_trouble(self) -> str:
        """What Telegram last complained of; empty if all is well."""
        with _translated():
            about = await self._bot.get_webhook_info()
        return (about.last_error_message or "") if about.pending_update_count else ""

    async def commands(self, commands: Mapping[str, str], lang: str) -> None:
        menu = [BotCommand(command=name, description=text) for name, text in commands.items()]
        with _translated():
            await self._bot.set_my_commands(menu, language_code=lang or None)

    async def send(self, chat: int, text: Styled, markup: Markup = None) -> int:
        """A message; gives its id."""
        with _translated():
            message = await self._bot.send_message(
                chat, text.text, entities=_entities(text), reply_markup=markup, link_preview_options=NO_PREVIEW
            )
        return message.message_id

    async def edit(self, chat: int, post: int, text: Styled, markup: InlineKeyboardMarkup | None = None) -> None:
        with _translated():
            await self._bot.edit_message_text(
                text=text.text, chat_id=chat, message_id=post, entities=_entities(text), reply_markup=markup,
                link_preview_options=NO_PREVIEW,
            )  # fmt: skip

    async def send_photo(
        self, chat: int, photo: str | bytes, text: Styled, markup: InlineKeyboardMarkup | None
    ) -> tuple[int, str]:
        """A photo by `file_id`, URL or contents; gives the message's id and the photo's `file_id`."""
        with _translated():
            message = await self._bot.send_photo(
                chat, _media(photo), caption=text.text, caption_entities=_entities(text), reply_markup=markup,
                request_timeout=int(TIMEOUT_UPLOAD),
            )  # fmt: skip
        return message.message_id, _file_id(message)

    async def send_file(self, chat: int, name: str, contents: bytes) -> int:
        """A file of ours; gives the message's id."""
        with _translated():
            message = await self._bot.send_document(
                chat, BufferedInputFile(contents, name), request_timeout=int(TIMEOUT_UPLOAD)
            )
        return message.message_id

    async def send_kept(self, chat: int, kind: str, file_id: str) -> int | None:
        """A file that somebody sent to this bot, as what it was sent; None for a kind that no method sends."""
        send: Callable[..., Awaitable[Message]] | None = getattr(self._bot, f"send_{kind}", None)
        if send is None or kind not in KEPT:
            return None
        with _translated():
            return (await send(chat, file_id)).message_id

    async def turn_photo(
        self, chat: int, post: int, photo: str | bytes, text: Styled, markup: InlineKeyboardMarkup | None
    ) -> str:
        """Replaces photo and caption of a message, or its text by them; gives the photo's `file_id`."""
        media = InputMediaPhoto(media=_media(photo), caption=text.text, caption_entities=_entities(text))
        message: Message | bool = True
        with _translated():
            message = await self._bot.edit_message_media(
                media, chat_id=chat, message_id=post, reply_markup=markup, request_timeout=int(TIMEOUT_UPLOAD)
            )
        return _file_id(message) if isinstance(message, Message) else ""

    async def turn_caption(self, chat: int, post: int, text: Styled, markup: InlineKeyboardMarkup | None) -> None:
        with _translated():
            await self._bot.edit_message_caption(
                chat_id=chat, message_id=post, caption=text.text, caption_entities=_entities(text), reply_markup=markup
            )

    async def draft(self, chat: int, id: int, text: Styled) -> None:
        """Shows a text that is still being written, for half a minute; private chats only."""
        with _translated():
            await self._bot(SendMessageDraft(chat_id=chat, draft_id=id, text=text.text, entities=_entities(text)))

    async def typing(self, chat: int) -> None:
        with _translated():
            await self._bot.send_chat_action(chat, "typing")

    async def answer(self, query: str, text: str = "") -> None:
        """Ends the spinning of a pressed button."""
        with _translated():
            await self._bot.answer_callback_query(query, text=text or None)


def inline(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    """Buttons under a message: (text, callback data), or an URL in its place."""
    if not keyboard:
        return None
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [
                InlineKeyboardButton(text=text, url=deed)
                if deed.startswith(("https://", "http://"))
                else InlineKeyboardButton(text=text, callback_data=deed)
                for text, deed in row
            ]
            for row in keyboard
        ]
    )


def phone_key(text: str) -> ReplyKeyboardMarkup:
    """A key under the text field that shares one's own telephone number."""
    return ReplyKeyboardMarkup(
        keyboard=[[KeyboardButton(text=text, request_contact=True)]], resize_keyboard=True, one_time_keyboard=True
    )


class _Paced(BaseRequestMiddleware):
    """Waits for the turn of everything that Telegram counts, and as long as a 429 says."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        chat = getattr(method, "chat_id", None)
        name = method.__api_method__
        paced = isinstance(chat, int) and name.startswith(PACED) and name not in FREE
        for attempt in range(1, TRIES + 1):
            if paced:
                await self._pace.turn(
                    int(chat or 0), len(getattr(method, "media", None) or [0]) if "Group" in name else 1
                )
            try:
                async with begun() if paced else nullcontext():
                    return await make_request(bot, method)
            except TelegramRetryAfter as error:
                if not paced or attempt == TRIES:
                    raise
                self._pace.hold(int(chat or 0), error.retry_after)
                if error.retry_after > IMPATIENT:
                    raise
        raise AssertionError("unreachable")


@contextmanager
def _translated() -> Iterator[None]:
    """Telegram's refusals in the words of the house."""
    try:
        yield
    except TelegramRetryAfter as error:
        wait = timedelta(seconds=error.retry_after)
        raise ChannelError("Telegram asks to wait.", retry_after=wait) from error
    except TelegramMigrateToChat as error:
        raise Moved(error.migrate_to_chat_id) from error
    except TelegramForbiddenError as error:
        raise AddressGone(f"Telegram: {error.message}") from error
    except TelegramUnauthorizedError as error:
        raise Revoked from error
    except TelegramNotFound as error:
        raise (Revoked if error.message == "Not Found" else Refused(error.message)) from error
    except TelegramConflictError as error:
        raise Conflict from error
    except TelegramBadRequest as error:
        if "message is not modified" in error.message:
            return
        raise _refusal(error.message) from error
    except (TelegramNetworkError, TelegramServerError, AiogramError, OSError) as error:
        raise Unreachable(f"Telegram cannot be reached: {error}") from error


def _refusal(why: str) -> ChannelError:
    said = why.lower()
    if any(word in said for word in GONE):
        return AddressGone(f"Telegram: {why}")
    if any(word in said for word in BAD_PHOTO):
        return BadPhoto(f"Telegram: {why}")
    if "message to edit not found" in said or "message can't be edited" in said or "there is no" in said:
        return NoSuchPost(f"Telegram: {why}")
    return Refused(f"Telegram: {why}")


def _entities(text: Styled) -> list[MessageEntity] | None:
    return [
        MessageEntity(type=mark.type, offset=mark.offset, length=mark.length, url=mark.url or None)
        for mark in text.marks
    ] or None


def _media(photo: str | bytes) -> str | BufferedInputFile:
    return photo if isinstance(photo, str) else BufferedInputFile(photo, "photo.jpg")


def _file_id(message: Message) -> str:
    return message.photo[-1].file_id if message.photo else ""
