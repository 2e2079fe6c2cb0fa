"""A small shop in memory that speaks to the widget's channel: keeps conversations and answers by a script."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response

from appliance.channels.widget import WidgetChannel, WidgetLimits
from appliance.core.types import Card, Inbound, Message, Progress, Received, Visit
from appliance.store.errors import WrongToken
from appliance.store.plain import cards_plain

BUILT = Path(__file__).parents[2] / "ui" / "widget" / "static"


@dataclass
class Answer:
    """What the scripted assistant says to one message."""

    text: str = ""
    cards: Sequence[Card] = ()
    quick: Sequence[str] = ()
    form: Mapping[str, Any] = field(default_factory=dict)
    pace: float = 0.02  # seconds between words
    hold_after: int = -1  # words after which it waits for `House.go_on`


class House:
    """Conversations in memory, with the store's promises: seqs without gaps, one row an external id."""

    def __init__(self, answer: Callable[[Inbound], Answer | None]) -> None:
        self.answer = answer
        self.channel: WidgetChannel
        self.go_on = asyncio.Event()
        self.down = False  # the database cannot be reached
        self.heard: list[Inbound] = []
        self.feedbacks: list[tuple[UUID, int]] = []
        self.reads: list[int] = []
        self.stopped: list[UUID] = []
        self.sessions: dict[str, tuple[str, UUID]] = {}
        self.rows: dict[UUID, list[Message]] = {}
        self._known: dict[str, Received] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def visit(self, *, sid: str, token: str, lang: str, page: Mapping[str, Any]) -> Visit:
        self._reachable()
        if not sid:
            sid, token, conversation = uuid4().hex, uuid4().hex, uuid4()
            self.sessions[sid] = token, conversation
            self.rows[conversation] = []
            return Visit(sid=sid, token=token, conversation=conversation, resumed=False, last_seq=0)
        known, conversation = self.sessions.get(sid, ("", UUID(int=0)))
        if not known or known != token:
            raise WrongToken
        last = len(self.rows[conversation])
        return Visit(sid=sid, token=token, conversation=conversation, resumed=True, last_seq=last)

    async def events(self, conversation: UUID, *, after: int, limit: int = 50) -> list[Message]:
        self._reachable()
        return [row for row in self.rows[conversation] if row.seq > after][-limit:]

    async def earlier(self, conversation: UUID, *, before: int, limit: int = 50) -> list[Message]:
        return [row for row in self.rows[conversation] if row.seq < before][-limit:]

    async def changed(self, after: Mapping[UUID, int]) -> Collection[UUID]:
        self._reachable()
        return [conversation for conversation, seq in after.items() if len(self.rows[conversation]) > seq]

    async def feedback(self, conversation: UUID, mid: UUID, value: int) -> None:
        self.feedbacks.append((mid, value))

    async def read(self, conversation: UUID, seq: int) -> None:
        self.reads.append(seq)

    async def stop(self, conversation: UUID) -> None:
        self.stopped.append(conversation)
        self.go_on.set()

    async def receive(self, inbound: Inbound) -> Received:
        self._reachable()
        if inbound.external_id in self._known:
            first = self._known[inbound.external_id]
            return Received(message=first.message, conversation=first.conversation, seq=first.seq, duplicate=True)
        self.heard.append(inbound)
        conversation = self.sessions[inbound.address][1]
        row = self.add(conversation, role="user", kind=inbound.kind, text=inbound.text, payload=inbound.payload)
        received = Received(message=row.id, conversation=conversation, seq=row.seq)
        self._known[inbound.external_id] = received
        answer = self.answer(inbound)
        if answer:
            task = asyncio.get_running_loop().create_task(self.say(inbound.address, conversation, answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return received

    async def say(self, address: str, conversation: UUID, answer: Answer) -> None:
        """Shows the answer's progress and stores it: cards, text, quick replies, form."""
        mid = uuid4()
        progress = Progress(conversation=conversation, message=mid, state="thinking")
        await self.channel.show(address, progress)
        if answer.cards:
            await self.channel.show(
                address, Progress(conversation=conversation, message=mid, cards=tuple(answer.cards))
            )
        words = answer.text.split(" ")
        for count in range(1, len(words) + 1):
            await asyncio.sleep(answer.pace)
            if count == answer.hold_after:
                await self.go_on.wait()
            text = " ".join(words[:count])
            await self.channel.show(address, replace(progress, state="writing", text=text))
        self.store(conversation, mid, answer)
        self.channel.hint(conversation)

    def store(self, conversation: UUID, mid: UUID, answer: Answer) -> None:
        about = {"mid": str(mid)}
        if answer.cards:
            self.add(conversation, role="bot", kind="cards", payload={**about, "items": cards_plain(answer.cards)})
        self.add(conversation, role="bot", kind="text", text=answer.text, id=mid, payload=about)
        if answer.quick:
            self.add(conversation, role="bot", kind="quick", payload={**about, "items": list(answer.quick)})
        if answer.form:
            self.add(conversation, role="bot", kind="form", payload={**about, **answer.form})

    def add(
        self, conversation: UUID, *, role: str, kind: str, text: str = "", payload: Mapping[str, Any] | None = None,
        id: UUID | None = None,
    ) -> Message:  # fmt: skip
        rows = self.rows[conversation]
        row = Message(
            id=id or uuid5(conversation, f"{len(rows)}"), conversation=conversation, seq=len(rows) + 1, role=role,
            kind=kind, text=text, payload=payload or {}, at=datetime(2026, 5, 4, 9, len(rows) % 60, tzinfo=UTC),
        )  # fmt: skip
        rows.append(row)
        return row

    def only(self) -> UUID:
        """The one conversation that there is."""
        (conversation,) = self.rows
        return conversation

    def _reachable(self) -> None:
        if self.down:
            raise ConnectionError("the database is away")


class Deaf(uvicorn.Server):
    """A server that leaves the signals to the test run."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Any, port: int = 0) -> AsyncIterator[str]:
    """Runs an ASGI app on a loopback port and gives its base URL."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        app, log_level="error", lifespan="off", ws="websockets-sansio", ws_per_message_deflate=False,
        ws_max_size=1 << 20, proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = Deaf(config)
    task = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def open_house(
    answer: Callable[[Inbound], Answer | None] = lambda inbound: None, *, port: int = 0,
    sites: Callable[[], Collection[str]] = tuple, limits: WidgetLimits | None = None, **given: Any,
) -> AsyncIterator[tuple[House, str]]:  # fmt: skip
    """A house with its channel on a loopback port: (house, base URL)."""
    house = given.pop("house", None) or House(answer)
    house.channel = WidgetChannel(
        visits=house, receive=house.receive, stop=house.stop, files=BUILT, sites=sites, limits=limits, **given
    )
    app = FastAPI()
    house.channel.mount(app)
    app.router.add_route("/photo/{name}", _photo)
    async with serving(app, port) as url:
        poll = asyncio.get_running_loop().create_task(house.channel.run())
        try:
            yield house, url
        finally:
            poll.cancel()
            await house.channel.close()


async def _photo(request: Any) -> Response:
    """A drawn pump, in the place of the catalogue's photos."""
    hue = sum(request.path_params["name"].encode()) % 360
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80"><rect width="80" height="80" fill="#fff"/>'
        f'<g fill="hsl({hue},45%,45%)"><rect x="14" y="30" width="34" height="24" rx="5"/>'
        f'<circle cx="56" cy="42" r="15"/>'
        f'<rect x="50" y="14" width="12" height="18" rx="2"/><rect x="12" y="56" width="56" height="6" rx="2"/></g>'
        f'<circle cx="56" cy="42" r="7" fill="#fff"/></svg>'
    )
    return Response(drawing, media_type="image/svg+xml")
