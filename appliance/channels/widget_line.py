"""One browser on the line: heard in order, told in order what it is owed, and cut off when it does not keep up."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from appliance.channels import widget_frames as frames
from appliance.channels.widget_frames import FrameError, encode
from appliance.core.limits import Limiter, Rate
from appliance.core.types import Message, Received, Visit

log = structlog.get_logger("widget")

FAREWELL_SECONDS = 1.0  # for the last frames to a browser that may not read at all
RETRY_SECONDS = 1.0  # until events that could not be read are asked for again

MESSAGES = Rate(burst=5, per_second=0.7), Rate.hourly(60)  # of a session: faster than anybody types
FRAMES = (Rate(burst=60, per_second=10),)  # of a socket, of any type
HELLOS = (Rate(burst=30, per_second=1),)  # of an address: guessed tokens and reconnect storms
SESSIONS = (Rate.hourly(5),)  # new ones, of an address
HISTORY = (Rate(burst=20, per_second=0.5),)  # pages of older messages, of an address


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetLimits:
    """Bounds of one chat process (protocol v1); raise the per-address ones for offices behind one address."""

    frame_bytes: int = 16 * 1024
    text_chars: int = 4_000
    messages: tuple[Rate, ...] = MESSAGES
    frames: tuple[Rate, ...] = FRAMES
    refusals: int = 30  # refused frames of one socket before it is cut off
    sockets: int = 1_000  # of the process: about 32 kB each
    sockets_per_address: int = 10
    hellos: tuple[Rate, ...] = HELLOS
    sessions: tuple[Rate, ...] = SESSIONS
    history: tuple[Rate, ...] = HISTORY
    queue_frames: int = 256  # waiting for one slow reader
    resume_events: int = 50
    hello_seconds: float = 5.0
    flush_seconds: float = 0.05  # deltas are gathered for so long
    poll_seconds: float = 2.0  # hints may be lost; this finds what they did not tell
    live_seconds: float = 120.0  # an unfinished text is forgotten after so long without progress

    def told(self) -> dict[str, int]:
        """What the browser needs to know."""
        return {"frame_bytes": self.frame_bytes, "text_chars": self.text_chars, "resume_events": self.resume_events}


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Why a line ends: a close code, and the reason as an `err` code. Code 0: the browser has left already."""

    code: int
    why: str = ""
    retry: float = 0.0


class Host(Protocol):
    """Who is on the other end: the channel."""

    async def greet(self, line: Line, hello: frames.Hello) -> Goodbye | None:
        """Welcomes the browser, or says why not."""

    async def hear(self, line: Line, frame: frames.Frame) -> None:
        """Takes one frame of a welcomed browser."""

    async def fetch(self, line: Line) -> list[Message]:
        """The events after `line.seq`, oldest first."""

    def event(self, message: Message) -> Mapping[str, Any]:
        """A stored message as the wire has it."""


class Line:
    """A socket and its place in the conversation: everything up to `seq` has been sent."""

    def __init__(self, socket: WebSocket, *, address: str, host: Host, limits: WidgetLimits) -> None:
        self.address, self.headers = address, socket.headers
        self.sid = self.lang = ""
        self.conversation = UUID(int=0)
        self.seq = 0
        self.turn = asyncio.Lock()  # held while a message is stored, so that its event is not read before its ack
        self._socket, self._host, self._limits = socket, host, limits
        self._rate = Limiter(*limits.frames, keep=1)
        self._refused = 0
        self._queue: deque[str] = deque()
        self._acks: dict[int, str] = {}
        self._behind = False
        self._wake = asyncio.Event()
        self._goodbye: asyncio.Future[Goodbye] = asyncio.get_running_loop().create_future()

    async def live(self) -> None:
        """Greets, listens and tells until somebody says goodbye."""
        try:
            async with asyncio.TaskGroup() as tasks:
                pair = tasks.create_task(self._listen()), tasks.create_task(self._tell())
                goodbye = await self._goodbye
                for task in pair:
                    task.cancel()
        except* (WebSocketDisconnect, OSError):  # the socket went away under our hands
            goodbye = Goodbye(0)
        await self._part(goodbye)

    def join(self, visit: Visit, *, seq: int, lang: str) -> None:
        """Takes a place in the conversation."""
        self.sid, self.conversation, self.seq, self.lang = visit.sid, visit.conversation, seq, lang
        self.look()

    def hang_up(self, goodbye: Goodbye) -> None:
        """Ends the line soon; the first reason counts."""
        if not self._goodbye.done():
            self._goodbye.set_result(goodbye)

    def look(self) -> None:
        """There may be new events."""
        self._behind = True
        self._wake.set()

    def send(self, frame: Mapping[str, Any]) -> None:
        self.send_raw(encode(frame))

    def send_raw(self, raw: str) -> None:
        """Queues a frame; a reader too slow for its queue is cut off, and may resume."""
        if len(self._queue) >= self._limits.queue_frames:
            self.hang_up(Goodbye(frames.SLOW_READER, "slow"))
            return
        self._queue.append(raw)
        self._wake.set()

    def acknowledge(self, cid: UUID, received: Received) -> None:
        """Queues an ack; that of a new message waits for its place among the events and stands for its own."""
        ack = {"type": "ack", "cid": str(cid), "mid": str(received.message), "seq": received.seq}
        if received.duplicate:
            self.send({**ack, "dup": True})
        elif received.seq <= self.seq + 1:
            self.seq = max(self.seq, received.seq)
            self.send(ack)
        else:
            self._acks[received.seq] = encode(ack)
            self.look()

    def refuse(self, code: str, *, cid: object = None, retry: float = 0.0, why: str = "") -> None:
        """Says no to one frame; who does not listen to that is cut off."""
        self._refused += 1
        if self._refused > self._limits.refusals:
            self.hang_up(Goodbye(frames.ABUSE, "abuse", retry=60))
            return
        about = {"cid": str(cid)} if cid else {}
        self.send({"type": "err", "code": code, **about, **_retry(retry), **({"why": why} if why else {})})

    async def _listen(self) -> None:
        try:
            async with asyncio.timeout(self._limits.hello_seconds):
                raw = await self._next()
        except TimeoutError:
            self.hang_up(Goodbye(frames.NO_HELLO, "hello"))
            return
        if await self._begin(raw):
            while await self._hear(await self._next()):
                pass

    async def _begin(self, raw: str | None) -> bool:
        try:
            hello = None if raw is None else frames.parse(frames.decode(raw))
        except FrameError:
            self.hang_up(Goodbye(frames.BAD_FRAME, "bad"))
            return False
        if not isinstance(hello, frames.Hello):
            self.hang_up(Goodbye(frames.NO_HELLO, "hello"))
            return False
        try:
            goodbye = await self._host.greet(self, hello)
        except Exception:
            log.exception("a browser could not be welcomed")
            goodbye = Goodbye(frames.FAULT, "unavailable", retry=3)
        if goodbye:
            self.hang_up(goodbye)
        return not goodbye

    async def _hear(self, raw: str | None) -> bool:
        """One frame, to the end; says whether to go on listening."""
        if raw is None:
            return False
        wait = self._rate.take(0, now=time.monotonic())
        if wait:
            self.refuse("rate", retry=wait)
            return True
        try:
            said = frames.decode(raw)
        except FrameError:
            self.hang_up(Goodbye(frames.BAD_FRAME, "bad"))
            return False
        try:
            frame = frames.parse(said)
            if frame and not isinstance(frame, frames.Hello):
                await self._host.hear(self, frame)
        except FrameError as error:
            self.refuse("bad", cid=said.get("cid"), why=str(error))
        except Exception:
            log.exception("a frame was not dealt with", type=said["type"])
            self.refuse("unavailable", cid=said.get("cid"), retry=3)
        return True

    async def _next(self) -> str | None:
        """The next frame; None when there is none to come."""
        said = await self._socket.receive()
        if said["type"] == "websocket.disconnect":
            self.hang_up(Goodbye(0))
            return None
        raw = said.get("text")
        if raw is None:
            self.hang_up(Goodbye(frames.BAD_FRAME, "bad"))
            return None
        if len(raw) > self._limits.frame_bytes or len(raw.encode()) > self._limits.frame_bytes:
            self.hang_up(Goodbye(frames.TOO_LARGE, "too_large"))
            return None
        return str(raw)

    async def _tell(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._drain()
            if self._behind:
                self._behind = False
                await self._catch_up()

    async def _drain(self) -> None:
        while self._queue:
            await self._socket.send_text(self._queue.popleft())

    async def _catch_up(self) -> None:
        try:
            async with self.turn:
                messages = await self._host.fetch(self)
        except Exception:
            log.exception("events could not be read; trying again")
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self.look)
            return
        await self._drain()  # an ack that was queued meanwhile comes before the events after it
        for message in messages:
            self.seq = message.seq
            await self._socket.send_text(self._acks.pop(message.seq, "") or encode(self._host.event(message)))
        for seq in sorted(seq for seq in self._acks if seq <= self.seq):
            await self._socket.send_text(self._acks.pop(seq))

    async def _part(self, goodbye: Goodbye) -> None:
        if not goodbye.code:
            return
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                if goodbye.code != frames.SLOW_READER:
                    await self._drain()
                last = {"type": "err", "code": goodbye.why, "fatal": True, **_retry(goodbye.retry)}
                await self._socket.send_text(encode(last))
                await self._socket.close(goodbye.code, goodbye.why)
        except (WebSocketDisconnect, OSError):  # TimeoutError is one
            return


def _retry(seconds: float) -> dict[str, int]:
    return {"retry_ms": int(seconds * 1000) + 1} if seconds else {}
