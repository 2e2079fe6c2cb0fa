"""The website widget's channel, protocol v1: browsers get the stored events of their conversation and its progress."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

import structlog
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket

from appliance.channels import widget_frames as frames
from appliance.channels.widget_door import Door
from appliance.channels.widget_frames import Photos, encode
from appliance.channels.widget_http import Pages
from appliance.channels.widget_line import Goodbye, Line, WidgetLimits
from appliance.channels.widget_live import Lives
from appliance.core.limits import Limiter
from appliance.core.types import Inbound, Message, Parcel, Progress, Received, Visit
from appliance.store.errors import WrongToken

__all__ = ["Visits", "WidgetChannel", "WidgetLimits"]

HONEYPOT = "website"  # a form field that people do not see and programs fill in

log = structlog.get_logger("widget")

STRANGE = 100  # sites that are told of; whoever makes up more fills no log


class Visits(Protocol):
    """What the widget asks of the store."""

    async def visit(self, *, sid: str, token: str, lang: str, page: Mapping[str, Any]) -> Visit:
        """Opens a session (empty `sid`) or resumes one; raises `WrongToken`."""

    async def events(self, conversation: UUID, *, after: int, limit: int = 50) -> list[Message]:
        """Durable events after a seq, oldest first; of more than `limit`, the newest."""

    async def earlier(self, conversation: UUID, *, before: int, limit: int = 50) -> list[Message]:
        """The `limit` durable events next before a seq, oldest first."""

    async def changed(self, after: Mapping[UUID, int]) -> Collection[UUID]:
        """Those of the conversations that have events after the given seq."""

    async def feedback(self, conversation: UUID, mid: UUID, value: int) -> None:
        """A thumb up (1), down (-1) or taken back (0) for an answer."""

    async def read(self, conversation: UUID, seq: int) -> None:
        """The customer has seen everything up to a seq."""


class WidgetChannel:
    """Serves browsers at `/ws/v1`; `run()` must run beside it."""

    name = "widget"
    posted = False  # browsers read the stored events

    def __init__(
        self,
        *,
        visits: Visits,
        receive: Callable[[Inbound], Awaitable[Received]],
        stop: Callable[[UUID], Awaitable[None]],
        files: Path,
        sites: Callable[[], Collection[str]] = tuple,
        framers: Collection[str] = (),
        own_url: str = "",
        trusted_proxies: Sequence[str] = (),
        photos: Photos = lambda card: card.photo,
        config: Callable[[str], Mapping[str, Any]] = lambda lang: {},
        limits: WidgetLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`files` is the folder with the built widget; `sites`, `own_url` and `trusted_proxies` are as `Door` says;
        `framers` are other origins that may show `/chat` in a frame.

        `receive` stores a message and answers it in the background, `stop` ends the answer in writing, `photos`
        gives a card's photo as a URL path, `config` what a welcome tells of the shop in a language: title,
        subtitle, greeting, quick (starting questions) and privacy_url, all optional.
        """
        self.limits = limits or WidgetLimits()
        self._visits, self._receive, self._stop = visits, receive, stop
        self._photos, self._config, self._clock = photos, config, clock
        self._door = Door(sites=sites, own=own_url, proxies=trusted_proxies)
        self._open = True
        self._strange: set[str] = set()
        self._lines: dict[UUID, set[Line]] = {}
        self._sockets: Counter[str] = Counter()
        self._lives = Lives(self._cast, flush_seconds=self.limits.flush_seconds, clock=clock)
        self._messages = Limiter(*self.limits.messages)
        self._hellos, self._sessions = Limiter(*self.limits.hellos), Limiter(*self.limits.sessions)
        self._pages = Pages(
            files=files, door=self._door, sites=sites, visits=visits, photos=photos, limits=self.limits, clock=clock,
            framers=framers,
        )  # fmt: skip

    def mount(self, app: FastAPI) -> None:
        """Adds `/ws/v1`, `/widget/v1/…` and `/chat`."""
        app.router.add_websocket_route("/ws/v1", self.serve)
        self._pages.mount(app)

    async def run(self) -> None:
        """Looks for events that no hint told of and forgets abandoned texts. Runs until cancelled."""
        while True:
            await asyncio.sleep(self.limits.poll_seconds)
            self._lives.forget(older_than=self.limits.live_seconds)
            self._dismiss_strangers()
            try:
                for conversation in await self._visits.changed(self._positions()):
                    self.hint(conversation)
            except Exception:
                log.exception("no look for new events; the next one is soon")

    @property
    def sockets(self) -> int:
        """Browsers that are connected now."""
        return self._sockets.total()

    def hint(self, conversation: UUID) -> None:
        """There may be new durable events: who listens to them here looks now."""
        for line in self._lines.get(conversation, ()):
            line.look()

    async def deliver(self, parcel: Parcel) -> None:
        """Nothing: browsers read the stored events."""

    async def show(self, address: str, progress: Progress) -> None:
        """Cards and text so far to every open browser of the conversation. Never raises."""
        try:
            self._lives.progress(progress, photos=self._photos)
        except Exception:
            log.exception("progress was not shown", address=address)

    async def close(self) -> None:
        """Takes no new browsers and sends the present ones to another process (or to this one, restarted)."""
        self._open = False
        for line in self._everyone():
            line.hang_up(Goodbye(frames.RESTART, "restart"))

    async def serve(self, socket: WebSocket) -> None:
        """One browser, from handshake to close."""
        refusal = self._refusal(socket)
        if refusal:
            await socket.send_denial_response(refusal)
            return
        await socket.accept()
        line = Line(socket, address=self._door.address(socket), host=self, limits=self.limits)
        self._sockets[line.address] += 1
        try:
            await line.live()
        finally:
            self._leave(line)

    async def greet(self, line: Line, hello: frames.Hello) -> Goodbye | None:
        """Opens or resumes a session for a browser, or says why not."""
        if hello.v != frames.VERSION:
            return Goodbye(frames.BAD_FRAME, "version")
        crowded = self._crowded(line, new=not hello.sid)
        if crowded:
            return crowded
        try:
            visit = await self._visits.visit(
                sid=hello.sid, token=hello.token, lang=hello.lang, page=hello.page.model_dump()
            )
        except WrongToken:
            return Goodbye(frames.WRONG_TOKEN, "token")
        after = hello.last_seq if hello.last_seq <= visit.last_seq else 0  # ahead of us: an older database came back
        missed = await self._visits.events(visit.conversation, after=after, limit=self.limits.resume_events)
        self._welcome(line, visit, missed, after=after, lang=hello.lang)
        return None

    async def hear(self, line: Line, frame: frames.Frame) -> None:
        """Takes one frame of a welcomed browser."""
        match frame:
            case frames.Ping():
                line.send({"type": "pong"})
            case frames.Msg():
                await self._hear_text(line, frame)
            case frames.Action():
                await self._take(line, frame, self._inbound(line, frame, frame.kind, frame.ref, ref=frame.ref))
            case frames.Form():
                await self._hear_form(line, frame)
            case frames.Stop():
                await self._stop(line.conversation)
            case frames.Feedback():
                await self._visits.feedback(line.conversation, frame.mid, frame.value)
            case frames.Read():
                await self._visits.read(line.conversation, frame.seq)

    async def fetch(self, line: Line) -> list[Message]:
        """The events that this browser has not been sent."""
        messages = await self._visits.events(line.conversation, after=line.seq, limit=self.limits.resume_events)
        for message in messages:
            self._settle(message)
        return messages

    def event(self, message: Message) -> Mapping[str, Any]:
        """A stored message as the wire has it."""
        return frames.event(message, self._photos)

    def _refusal(self, socket: WebSocket) -> PlainTextResponse | None:
        if not self._door.admits(socket.headers):
            self._tell_of(socket.headers.get("origin", "")[:200])
            return PlainTextResponse("This site may not use the chat: add its origin to the allowed sites.", 403)
        if not self._open or self._sockets.total() >= self.limits.sockets:
            return PlainTextResponse("The chat is full; try again in a minute.", 503, {"Retry-After": "60"})
        return None

    def _tell_of(self, site: str) -> None:
        """Once for each site: its browsers ask again and again."""
        if site and site not in self._strange and len(self._strange) < STRANGE:
            self._strange.add(site)
            log.warning("the chat was refused to a site that is not among the allowed ones (`sites`)", site=site)

    def _crowded(self, line: Line, *, new: bool) -> Goodbye | None:
        if self._sockets[line.address] > self.limits.sockets_per_address:
            return Goodbye(frames.ABUSE, "sockets", retry=60)
        wait = self._hellos.take(line.address, now=self._clock())
        if wait:
            return Goodbye(frames.ABUSE, "rate", retry=wait)
        wait = self._sessions.take(line.address, now=self._clock()) if new else 0
        return Goodbye(frames.ABUSE, "sessions", retry=wait) if wait else None

    def _welcome(self, line: Line, visit: Visit, missed: list[Message], *, after: int, lang: str) -> None:
        """What was missed, the text so far, and the place in the conversation: with no await between them."""
        for message in missed:
            self._settle(message)
        live = self._lives.now(visit.conversation)
        line.send(
            {
                "type": "welcome",
                "v": frames.VERSION,
                "sid": visit.sid,
                "token": visit.token,
                "resumed": visit.resumed,
                "seq": missed[-1].seq if missed else visit.last_seq,
                "missed": [self.event(message) for message in missed],
                **({"live": live} if live else {}),
                "limits": self.limits.told(),
                "cfg": dict(self._config(lang)),
            }
        )
        line.join(visit, seq=missed[-1].seq if missed else after, lang=lang)
        self._lines.setdefault(visit.conversation, set()).add(line)

    async def _hear_text(self, line: Line, frame: frames.Msg) -> None:
        text = frames.clean(frame.text).strip()
        if not text or len(text) > self.limits.text_chars:
            line.refuse("too_long" if text else "bad", cid=frame.cid)
            return
        await self._take(line, frame, self._inbound(line, frame, "text", text))

    async def _hear_form(self, line: Line, frame: frames.Form) -> None:
        values = {key[:64]: frames.clean(value).strip() for key, value in frame.values.items()}
        if values.pop(HONEYPOT, ""):  # a program: it believes that it was heard
            line.acknowledge(frame.cid, Received(message=uuid4(), conversation=line.conversation, seq=line.seq))
            return
        if not frame.consent or not any(values.values()):
            line.refuse("bad" if frame.consent else "consent", cid=frame.cid)
            return
        text = "\n".join(f"{key}: {value}" for key, value in values.items() if value)
        about = {"form_id": frame.form_id, "values": values, "consent": frame.consent}
        await self._take(line, frame, self._inbound(line, frame, "form", text, **about))

    async def _take(self, line: Line, frame: frames.Said, inbound: Inbound) -> None:
        wait = self._messages.take(line.sid, now=self._clock())
        if wait:
            line.refuse("rate", cid=frame.cid, retry=wait)
            return
        async with line.turn:
            line.acknowledge(frame.cid, await self._receive(inbound))
        self.hint(line.conversation)

    def _inbound(self, line: Line, frame: frames.Said, kind: str, text: str, **about: Any) -> Inbound:
        return Inbound(
            channel=self.name,
            address=line.sid,
            external_id=f"{line.sid}:{frame.cid}",
            text=text,
            lang_hint=line.lang,
            kind=kind,
            payload={"cid": str(frame.cid), **about},
        )

    def _cast(self, conversation: UUID, frame: Mapping[str, Any]) -> None:
        lines = self._lines.get(conversation)
        if lines:
            raw = encode(frame)
            for line in lines:
                line.send_raw(raw)

    def _settle(self, message: Message) -> None:
        """The stored answer ends its text so far; so does whoever takes the conversation from the assistant."""
        taken_over = message.kind == "state" and message.payload.get("mode") != "bot"
        self._lives.end(message.conversation, None if taken_over else message.id)

    def _positions(self) -> dict[UUID, int]:
        return {conversation: min(line.seq for line in lines) for conversation, lines in self._lines.items()}

    def _everyone(self) -> list[Line]:
        return [line for lines in self._lines.values() for line in lines]

    def _leave(self, line: Line) -> None:
        self._sockets[line.address] -= 1
        if not self._sockets[line.address]:
            del self._sockets[line.address]
        lines = self._lines.get(line.conversation, set())
        lines.discard(line)
        if not lines:
            self._lines.pop(line.conversation, None)

    def _dismiss_strangers(self) -> None:
        """A site that the owner took off the list loses its open chats too."""
        for line in self._everyone():
            if not self._door.admits(line.headers):
                line.hang_up(Goodbye(frames.ORIGIN, "origin"))
