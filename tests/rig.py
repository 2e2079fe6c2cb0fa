"""A whole appliance in a folder of its own, and customers who talk to it: what proofs and benchmarks share."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import websockets

ROOT = Path(__file__).resolve().parents[1]
ROLES = ("chat", "console", "engine")  # those that listen


class Appliance:
    """`appliance run` on free ports; ended, with all that it started, when the block ends."""

    def __init__(self, home: Path, **env: str) -> None:
        self.home = home
        self.ports = {role: free_port() for role in ROLES}
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("APPLIANCE_", "PYTEST_"))},
            "APPLIANCE_HOME": str(home),
            **{f"APPLIANCE_{role.upper()}_PORT": str(port) for role, port in self.ports.items()},
            **env,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.log = home / "rig.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['chat']}"

    def command(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Another `appliance` command with the same settings."""
        program = [sys.executable, "-m", "appliance", *arguments]
        return subprocess.run(program, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False, **more)

    def told(self, *arguments: str) -> dict[str, Any]:
        """What such a command says in JSON. Raises RuntimeError, with all that it said, where it fails."""
        done = self.command(*arguments, "--json")
        if done.returncode:
            raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")
        value: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return value

    def start(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance", "run"], cwd=ROOT, env=self.env, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        return self

    def wait(self, *, seconds: float = 120, path: str = "/readyz") -> float:
        """Seconds until the chat is ready (or any of its pages answers 200)."""
        began = time.monotonic()
        while self.get(path)[0] != 200:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"The appliance ended.\n{self.log.read_text(errors='replace')[-3000:]}")
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"{path} after {seconds:.0f} s: {self.get(path)}\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)
        return time.monotonic() - began

    def wait_for_engine(self, *, seconds: float = 300) -> float:
        """Seconds until the model answers."""
        began = time.monotonic()
        while "engine=OK" not in self.get("/healthz")[1]:
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"the engine: {self.get('/healthz')}")
            time.sleep(0.5)
        return time.monotonic() - began

    def get(self, path: str, *, role: str = "chat") -> tuple[int, str]:
        """Status and body; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[role]}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, ""

    def state(self) -> Mapping[str, Any]:
        """What the supervisor says of its processes."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.home / "run" / "state.json").read_text())  # type: ignore[no-any-return]
        return {}

    def pid(self, name: str) -> int:
        return int((self.state().get("processes", {}).get(name) or {}).get("pid") or 0)

    def kill(self, name: str) -> bool:
        """kill -9; False when the process is not there just now."""
        pid = self.pid(name)
        if not pid:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def database_url(self) -> str:
        """As libpq reads it."""
        from appliance.store.embedded import Embedded

        return Embedded(self.home / "postgres").url

    def left_behind(self) -> list[str]:
        """Processes that still belong to this home."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                with contextlib.suppress(OSError):
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    if str(self.home) in words or f"APPLIANCE_HOME={self.home}".encode() in (
                        folder / "environ"
                    ).read_bytes().split(b"\0"):
                        found.append(f"{folder.name} {words.strip()}")
        return found

    def stop(self, *, seconds: float = 60) -> float:
        """ctrl-C, as a person would; gives the seconds that the end took."""
        began = time.monotonic()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - began

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@dataclass(kw_only=True)
class Answer:
    """One question and what came back, in seconds since it was sent."""

    question: str
    cid: str
    mid: str = ""
    sent: float = 0.0
    ack: float | None = None
    cards: float | None = None
    first_text: float | None = None
    done: float | None = None
    text: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)
    form: bool = False
    error: str = ""


class Customer:
    """A browser with the widget, without the browser. Speaks protocol v1 and resumes after any fault."""

    def __init__(self, appliance: Appliance, *, lang: str = "ru", address: str = "127.0.0.1") -> None:
        self._url = f"ws://127.0.0.1:{appliance.ports['chat']}/ws/v1"
        self._origin = appliance.url
        self._lang, self._address = lang, address
        self.sid = self.token = ""
        self.seq = 0
        self.events: dict[int, dict[str, Any]] = {}
        self._socket: websockets.ClientConnection | None = None

    async def connect(self, *, patience: float = 60.0) -> None:
        """Opens or resumes the session, trying again until `patience` runs out."""
        deadline = time.monotonic() + patience
        while True:
            try:
                self._socket = await websockets.connect(
                    self._url, origin=self._origin, compression=None, local_addr=(self._address, 0),  # type: ignore[arg-type]
                    open_timeout=10, max_size=1 << 20, proxy=None,
                )  # fmt: skip
                await self._send(
                    {"type": "hello", "v": 1, "key": "", "sid": self.sid, "token": self.token, "last_seq": self.seq,
                     "lang": self._lang, "page": {"url": "https://shop.example/", "title": "Shop", "ref": ""}}
                )  # fmt: skip
                async with asyncio.timeout(10):
                    while (frame := await self._frame())["type"] != "welcome":
                        pass
                self.sid, self.token = frame["sid"], frame["token"]
                for event in frame.get("missed", ()):
                    self._keep(event)
                return
            except (OSError, TimeoutError, websockets.WebSocketException):
                await self.close()
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.3)

    async def ask(self, text: str, *, patience: float = 60.0) -> Answer:
        """Sends a question, again after each fault under the same id, until its stored answer is here."""
        answer = Answer(question=text, cid=str(uuid4()), sent=time.monotonic())
        deadline = answer.sent + patience
        while answer.done is None:
            try:
                if self._socket is None:
                    await self.connect(patience=max(deadline - time.monotonic(), 1))
                await self._send({"type": "msg", "cid": answer.cid, "text": text})
                async with asyncio.timeout(max(deadline - time.monotonic(), 0.1)):
                    await self._listen(answer)
            except websockets.WebSocketException:
                await self.close()
            except TimeoutError:
                answer.error = answer.error or "no answer in time"
                return answer
        return answer

    async def echo(self) -> float:
        """Seconds from a `ping` to its `pong`: how long the chat takes when there is nothing to think about."""
        began = time.perf_counter()
        await self._send({"type": "ping"})
        while (frame := await self._frame())["type"] != "pong":
            self._keep(frame)
        return time.perf_counter() - began

    async def close(self) -> None:
        if self._socket is not None:
            socket, self._socket = self._socket, None
            with contextlib.suppress(Exception):
                async with asyncio.timeout(2):
                    await socket.close()
            socket.transport.abort()

    async def _listen(self, answer: Answer) -> None:
        asked = next((seq for seq, event in self.events.items() if event.get("cid") == answer.cid), None)
        self._answered(answer, asked)
        while answer.done is None:
            frame = await self._frame()
            now = time.monotonic() - answer.sent
            match frame["type"]:
                case "ack" if frame.get("cid") == answer.cid:
                    asked, answer.ack = frame["seq"], answer.ack or now
                case "err":
                    answer.error = frame.get("code", "")
                    if not frame.get("fatal") and frame.get("retry_ms"):
                        await asyncio.sleep(frame["retry_ms"] / 1000)
                        await self._send({"type": "msg", "cid": answer.cid, "text": answer.question})
                case "cards":
                    answer.cards = answer.cards or now
                    answer.items = frame.get("items", [])
                case "delta" if frame.get("d"):
                    answer.first_text = answer.first_text or now
                case "form":
                    answer.form = True
            self._keep(frame)
            self._answered(answer, asked)

    def _answered(self, answer: Answer, asked: int | None) -> None:
        """The first of the assistant's messages after the question is its answer."""
        if asked is None:
            return
        for seq in sorted(self.events):
            event = self.events[seq]
            if seq > asked and event["type"] == "msg" and event.get("role") in ("bot", "agent"):
                answer.done = time.monotonic() - answer.sent
                answer.first_text = answer.first_text or answer.done
                answer.text, answer.mid = event["text"], event["mid"]
                return

    def _keep(self, frame: dict[str, Any]) -> None:
        if "seq" in frame and frame["type"] in ("msg", "cards", "quick", "form", "state"):
            self.events[frame["seq"]] = frame
            self.seq = max(self.seq, frame["seq"])

    async def _send(self, frame: Mapping[str, Any]) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps(frame, ensure_ascii=False))

    async def _frame(self) -> dict[str, Any]:
        assert self._socket is not None
        return json.loads(await self._socket.recv())  # type: ignore[no-any-return]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def loopback(number: int) -> str:
    """One of the many addresses of this machine that nobody else reaches."""
    return f"127.{1 + number // 62500 % 250}.{number // 250 % 250}.{2 + number % 250}"


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile; NaN for no values."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] if ranked else float("nan")


@contextlib.contextmanager
def verdict(name: str) -> Iterator[list[str]]:
    """Collects what does not hold; says so and exits with 1, or exits with 0."""
    wrong: list[str] = []
    yield wrong
    for line in wrong:
        print(f"NOT SO: {line}")
    print(f"{name}: {'does not hold' if wrong else 'holds'}")
    sys.exit(bool(wrong))
