"""What Telegram knows: bots, people, chats, messages and files; in memory, the same for every client."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tests.botapi.spec import check_update


@dataclass(kw_only=True)
class File:
    """The contents behind a `file_id`, which is good for one bot only."""

    id: str
    bot: int
    data: bytes
    name: str
    mime: str = "application/octet-stream"

    @property
    def unique(self) -> str:
        return hashlib.sha256(self.data).hexdigest()[:16]


@dataclass(kw_only=True)
class Chat:
    """One chat of one bot: everything in it, in order. `shown` keeps every state that a message went through."""

    id: int
    kind: str
    about: dict[str, Any]
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    shown: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)  # when, sent/edited/deleted, message
    drafts: dict[int, str] = field(default_factory=dict)
    actions: list[tuple[float, str]] = field(default_factory=list)
    keyboard: dict[str, Any] | None = None  # the reply keyboard that stands under the text field
    blocked: bool = False
    migrated_to: int | None = None
    instance: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, what: str, message: dict[str, Any]) -> None:
        self.shown.append((time.time(), what, dict(message)))
        self.changed.set()


@dataclass(kw_only=True)
class Bot:
    """A bot and the updates that wait for it."""

    token: str
    username: str
    name: str = "Counterman"
    queue: deque[dict[str, Any]] = field(default_factory=deque)
    doubled: list[dict[str, Any]] = field(default_factory=list)  # confirmed updates that come once more
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    poll: int = 0  # number of the poll that is answered; an older one gets 409
    webhook: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)  # commands, descriptions, by method, scope and language
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)  # of callback queries
    chats: dict[int, Chat] = field(default_factory=dict)
    revoked: bool = False
    calls: list[tuple[float, str, Any]] = field(default_factory=list)

    @property
    def id(self) -> int:
        return int(self.token.partition(":")[0])

    async def joined(self, *, seconds: float = 120) -> None:
        """Returns once the bot's program has begun to listen."""
        async with asyncio.timeout(seconds):
            while not any(method in ("getUpdates", "setWebhook") for _, method, _ in self.calls):
                await asyncio.sleep(0.05)

    @property
    def user(self) -> dict[str, Any]:
        return {"id": self.id, "is_bot": True, "first_name": self.name, "username": self.username}

    def chat(self, id: object) -> Chat | None:
        if isinstance(id, str) and id.startswith("@"):
            return next((chat for chat in self.chats.values() if "@" + chat.about.get("username", "") == id), None)
        return self.chats.get(id) if isinstance(id, int) else None


class World:
    """All bots of the server and what passes between them and people."""

    def __init__(self) -> None:
        self.bots: dict[str, Bot] = {}
        self.files: dict[str, File] = {}
        self._updates = itertools.count(700_000_001)
        self._messages = itertools.count(1)
        self._queries = itertools.count(1)

    def add_bot(self, token: str, username: str) -> Bot:
        return self.bots.setdefault(token, Bot(token=token, username=username))

    def open_chat(self, bot: Bot, id: int, *, kind: str, about: dict[str, Any]) -> Chat:
        if id not in bot.chats:
            instance = hashlib.sha256(f"{bot.id}:{id}".encode()).hexdigest()[:19]
            bot.chats[id] = Chat(id=id, kind=kind, about={"id": id, "type": kind, **about}, instance=instance)
        return bot.chats[id]

    def tell(self, bot: Bot, **update: Any) -> dict[str, Any]:
        """One more update for the bot."""
        whole = {"update_id": next(self._updates), **update}
        check_update(whole)
        bot.queue.append(whole)
        bot.arrived.set()
        return whole

    def next_query(self) -> str:
        return str(4_000_000_000 + next(self._queries))

    def message(self, chat: Chat, sender: dict[str, Any], **content: Any) -> dict[str, Any]:
        """A new message of a chat, not yet shown."""
        return {
            "message_id": next(self._messages), "date": int(time.time()), "chat": chat.about, "from": sender, **content,
        }  # fmt: skip

    def keep(self, bot: Bot, data: bytes, *, name: str, mime: str) -> File:
        id = f"AgAC{hashlib.sha256(f'{bot.id}:{name}'.encode() + data).hexdigest()[:40]}"
        return self.files.setdefault(id, File(id=id, bot=bot.id, data=data, name=name, mime=mime))
