"""care-6: the network is taken from a running box: customers on the site are served, one alert, nothing is lost.

The box lives in a network namespace of its own, whose only way out leads to another one. There a Bot API server, Zoho,
a mail server and the names' server live. First the line swallows everything that is sent, then it is unplugged.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import logging
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession

from appliance.crm.opening import KEY
from appliance.store.store import Store
from tests.botapi import BotApi
from tests.botapi import Customer as Person
from tests.prove_kit import prepared_home
from tests.rig import Appliance, Customer, loopback, percentile, verdict
from tests.zoho import ZohoServer
from tests.zoho.shop import enquiry

BOX, WORLD = "198.18.0.1", "198.18.0.2"  # RFC 2544: addresses for tests
NEW_NET, NEW_MOUNTS = 0x40000000, 0x00020000  # of unshare(2)
ADMINISTRATOR, BUYER = 501, 601
SEEN, BACK = 30.0, 300.0  # seconds: until /healthz tells of the cut; until all that waited has gone out
PAUSE = 2.5  # seconds between a customer's questions
SLOWER = 2.0  # seconds that the slowest twentieth of answers may take longer without a network
BUSY = 0.10  # of a core that a process may take more without a network than with it
LINES = 40  # that all processes together may write into the journal in a minute without a network
LINE = "connection to the outside"  # as alerts name what was cut
BEHIND = (LINE, "Telegram bot", "mail server", "CRM", "outgoing messages")  # and what is ill for it
QUESTIONS = ("насос дренажный 1500 вт", "подшипник 6205", "submersible pump 3 kW", "компрессор 50 литров")


class World:
    """Everything outside, in a thread that lives in another network than this process."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.letters: list[EmailMessage] = []
        self.zoho, self.api = ZohoServer(), BotApi()
        self.ports: dict[str, int] = {}
        self._ready = threading.Event()

    def begin(self) -> None:
        threading.Thread(target=self._live, daemon=True).start()
        if not self._ready.wait(20):
            raise TimeoutError("the world outside did not begin")

    def do(self, work: Callable[[], Any]) -> Any:
        """In the world's thread: its servers are nobody else's to touch."""
        done: Future[Any] = Future()

        def doing() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 - told to whoever asked
                done.set_exception(error)

        self.loop.call_soon_threadsafe(doing)
        return done.result(30)

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def _live(self) -> None:
        _unshare(NEW_NET)
        asyncio.set_event_loop(self.loop)
        self.tid = threading.get_native_id()
        _run("ip", "link", "set", "lo", "up")
        self.loop.run_until_complete(self._open())
        self._ready.set()
        self.loop.run_forever()

    async def _open(self) -> None:
        await self.api.start()
        await self.zoho.start()
        for name, url in (("telegram", self.api.url), ("zoho", self.zoho.url)):
            inner = int(url.rpartition(":")[2])
            server = await asyncio.start_server(_through(inner), "0.0.0.0", 0)
            self.ports[name] = server.sockets[0].getsockname()[1]
        self.zoho.url = f"http://zoho.example:{self.ports['zoho']}"  # what it names as its API's address
        mail = Controller(self, hostname="0.0.0.0", port=2525, server_kwargs={"enable_SMTPUTF8": True})
        await self.loop.create_server(mail.factory, "0.0.0.0", 2525)
        self.ports["mail"] = 2525
        await self.loop.create_datagram_endpoint(Names, local_addr=("0.0.0.0", 53))


class Names(asyncio.DatagramProtocol):
    """Every name there is leads to the world."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        end = data.index(b"\0", 12) + 5  # the question: a name, its kind, its class
        (kind,) = struct.unpack("!H", data[end - 4 : end - 2])
        found = kind == 1
        head = data[:2] + struct.pack("!HHHHH", 0x8180, 1, int(found), 0, 0)
        record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4) + socket.inet_aton(WORLD) if found else b""
        self._transport.sendto(head + data[12:end] + record, address)


@dataclass(kw_only=True)
class Line:
    """The cable between the box and the world."""

    world: World

    def lay(self) -> None:
        theirs = f"/proc/{os.getpid()}/task/{self.world.tid}/ns/net"
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "out0", "type", "veth", "peer", "name", "in0")
        _run("ip", "link", "set", "in0", "netns", theirs)
        _run("ip", "addr", "add", f"{BOX}/30", "dev", "out0")
        self._in_world("ip", "addr", "add", f"{WORLD}/30", "dev", "in0")
        self._in_world("ip", "link", "set", "in0", "up")
        self.plug()

    def plug(self) -> None:
        _run("ip", "link", "set", "out0", "up")
        _run("ip", "route", "replace", "default", "via", WORLD)

    def unplug(self) -> None:
        _run("ip", "link", "set", "out0", "down")

    def swallow(self) -> None:
        """The box can send, and nothing ever comes back."""
        self._in_world("ip", "route", "add", "blackhole", f"{BOX}/32")

    def spit_out(self) -> None:
        self._in_world("ip", "route", "del", "blackhole", f"{BOX}/32")

    def _in_world(self, *program: str) -> None:
        self.world.do(lambda: _run(*program))


@dataclass(kw_only=True)
class Talk:
    """Customers on the site who never stop asking, and what they felt."""

    answers: list[tuple[float, float | None]] = field(default_factory=list)  # when, seconds until the answer
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def customer(self, box: Appliance, number: int) -> None:
        customer = Customer(box, address=loopback(number))
        try:
            for turn in range(10_000):
                if self.over.is_set():
                    return
                asked = time.monotonic()
                answer = await customer.ask(QUESTIONS[(number + turn) % len(QUESTIONS)])
                self.answers.append((asked, answer.done))
                await asyncio.sleep(PAUSE)
        finally:
            await customer.close()

    def between(self, since: float, until: float) -> tuple[int, int, float]:
        """Asked, unanswered, and the slow twentieth's seconds."""
        some = [took for at, took in self.answers if since <= at < until]
        done = [took for took in some if took is not None]
        return len(some), len(some) - len(done), percentile(done, 0.95)


@dataclass(kw_only=True)
class Span:
    """A stretch of time with what it cost: seconds of CPU by process, lines of the journal."""

    began: float
    ended: float
    cpu: dict[str, float]
    lines: int

    def share(self, name: str) -> float:
        return self.cpu.get(name, 0.0) / (self.ended - self.began)


class Stage:
    def __init__(self, folder: Path, world: World, *, quick: bool) -> None:
        self.world, self.line = world, Line(world=world)
        self.line.lay()
        _resolve(folder)
        self.bot = world.api.add_bot()
        self.boss = Person(world.api, self.bot, id=ADMINISTRATOR, name="Olga", lang="en")
        self.buyer = Person(world.api, self.bot, id=BUYER, name="Boris", lang="ru")
        world.zoho.world.add_unique(KEY, "Request ID")
        grant = world.zoho.world.add_grant()
        home = prepared_home(folder / "box", rows=1500 if quick else 2000, model=not quick)
        self.box = Appliance(
            home, TELEGRAM_TOKEN=self.bot.token, TELEGRAM_API_URL=f"http://telegram.example:{world.ports['telegram']}",
            SMTP_HOST="mail.example", SMTP_PORT=str(world.ports["mail"]), SMTP_FROM="box@shop.example",
            SMTP_SECURITY="none", ZOHO_CLIENT_ID=grant.client_id, ZOHO_CLIENT_SECRET=grant.client_secret,
            ZOHO_REFRESH_TOKEN=grant.refresh, ZOHO_ACCOUNTS_URL=f"http://zoho.example:{world.ports['zoho']}",
            APPLIANCE_CRM_WAIT="0.2", APPLIANCE_SAMPLE="false", APPLIANCE_PULL="false", PUBLIC_URL="",
        )  # fmt: skip
        self.leads = 0

    def employ(self) -> None:
        olga = ("Olga", "--administrator", "--telegram", str(ADMINISTRATOR), "--email", "olga@shop.example")
        if (added := self.box.command("staff", "add", *olga, "--lang", "en")).returncode:
            raise RuntimeError(added.stderr)

    def health(self) -> dict[str, str]:
        return dict(re.findall(r"(?m)^(\w+)=(.+)$", self.box.get("/healthz")[1]))

    async def well(self, *, quick: bool, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ill = {name for name, state in self.health().items() if name != "status" and not state.startswith("OK")}
            if self.health() and ill <= ({"engine"} if quick else set()):
                return True
            await asyncio.sleep(1)
        return False

    async def lead(self) -> None:
        self.leads += 1
        store = Store(self.box.database_url(), pool=1)
        try:
            await enquiry(store, f"Customer {self.leads}", f"+7903{self.leads:07}", words=f"pump {self.leads}")
        finally:
            await store.close()

    def alerts(self) -> list[str]:
        """First lines of what the administrator was told in Telegram of the box."""
        shown = self.world.do(lambda: [str(message.get("text", "")) for _, _, message in self.boss.chat.shown])
        return [text.splitlines()[0] for text in shown if text[:1] in "🔴🟢🔵"]

    def alert_letters(self) -> list[str]:
        return [
            line
            for letter in self.world.letters
            if (line := str(letter.get_content() if not letter.is_multipart() else "").strip().partition("\n")[0])[:1]
            in ("🔴", "🟢")
        ]

    def told_of(self, number: int) -> tuple[int, int]:
        """How often the administrator was told of a lead: in Telegram, by mail."""
        who = f"Customer {number},"
        shown = self.world.do(lambda: [str(m.get("text", "")) for _, what, m in self.boss.chat.shown if what == "sent"])
        mails = [str(letter["Subject"]) for letter in self.world.letters]
        return sum(who in text.partition("\n")[0] for text in shown), sum(who in subject for subject in mails)

    async def spend(self, seconds: float) -> Span:
        """Lets the box be, and gives what it did meanwhile."""
        before, lines, began = self._cpu(), self._lines(), time.monotonic()
        await asyncio.sleep(seconds)
        after = self._cpu()
        spent = {name: after.get(name, 0.0) - cpu for name, cpu in before.items()}
        return Span(began=began, ended=time.monotonic(), cpu=spent, lines=self._lines() - lines)

    def _cpu(self) -> dict[str, float]:
        """Seconds of CPU that each process has taken, the supervisor's among them."""
        pids = {name: self.box.pid(name) for name in self.box.state().get("processes", {})}
        pids["supervisor"] = self.box.process.pid if self.box.process else 0
        found = {}
        for name, pid in pids.items():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                found[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return found

    def _lines(self) -> int:
        files = (self.box.home / "logs").glob("*.log")
        return sum(file.read_bytes().count(b"\n") for file in files)


async def main(*, quick: bool) -> int:
    if os.geteuid() != 0:
        print("care-6 needs root: it makes networks of its own.")
        return 1
    logging.disable(logging.ERROR)
    _unshare(NEW_NET | NEW_MOUNTS)
    _run("mount", "--make-rprivate", "/")
    world = World()
    world.begin()
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("care-6") as wrong:
        stage = Stage(Path(folder), world, quick=quick)
        with stage.box:
            stage.box.wait(seconds=240)
            stage.employ()
            if not await stage.well(quick=quick, seconds=240):
                raise RuntimeError(f"The box is not well before anything was cut: {stage.health()}")
            await _play(stage, wrong, quick=quick)
    return 0


async def _play(stage: Stage, wrong: list[str], *, quick: bool) -> None:
    talk = Talk()
    talking = (talk.customer(stage.box, number) for number in range(3 if quick else 6))
    await asyncio.gather(_cuts(stage, talk, wrong, quick=quick), *talking)


async def _cuts(stage: Stage, talk: Talk, wrong: list[str], *, quick: bool) -> None:
    await stage.lead()
    calm = await stage.spend(20 if quick else 60)
    cuts: list[tuple[str, Callable[[], None], Callable[[], None], float]] = [
        ("swallowed", stage.line.swallow, stage.line.spit_out, 45 if quick else 180),
        ("unplugged", stage.line.unplug, stage.line.plug, 120),
    ]
    for number, (name, cut, mend, seconds) in enumerate(cuts[: 1 if quick else 2]):
        wrong += [f"{name}: {what}" async for what in _cut(stage, talk, calm, name, cut, mend, seconds, number, quick)]
    talk.over.set()


async def _cut(
    stage: Stage, talk: Talk, calm: Span, name: str, cut: Callable[[], None], mend: Callable[[], None],
    seconds: float, number: int, quick: bool,
) -> Any:  # fmt: skip
    first = stage.leads
    cut()
    began = time.monotonic()
    stage.world.do(lambda: stage.buyer.write(f"нужен насос {number + 1}"))
    for _ in range(3):
        await stage.lead()
    seen = await _until(lambda: stage.health().get("network", "").startswith("DEGRADED"), SEEN)
    span = await stage.spend(max(seconds - (time.monotonic() - began), 10))
    if not stage.health().get("status", "").startswith("DEGRADED"):
        yield f"/healthz says {stage.health().get('status')}, not DEGRADED"
    mend()
    mended = time.monotonic()
    back = await _until(lambda: not list(_owed(stage, first, number)), BACK)
    owed = list(_owed(stage, first, number))
    asked, lost, slow = talk.between(span.began, span.ended)
    usual = max(talk.between(calm.began, calm.ended)[2], talk.between(mended, time.monotonic())[2])
    a_minute = span.lines * 60 / (span.ended - span.began)
    cpu = ", ".join(f"{each} {calm.share(each):.0%} → {span.share(each):.0%}" for each in sorted(span.cpu))
    print(
        f"{name}: on /healthz after {_seconds(seen)}; {asked} questions on the site, {lost} unanswered, p95 "
        f"{slow:.2f} s (with a network {usual:.2f} s); {a_minute:.0f} lines a minute; "
        f"what waited was out {_seconds(back)} after"
        f"\n  CPU of a core, before → without a network: {cpu}"
        f"\n  alerts so far: {stage.alerts()}",
        flush=True,
    )
    if seen is None:
        yield f"not on /healthz within {SEEN:.0f} s"
    if lost or not asked:
        yield f"{lost} of {asked} questions on the site had no answer"
    if slow > usual + SLOWER:
        yield f"answers on the site were slow: p95 {slow:.2f} s, with a network {usual:.2f} s"
    for each in span.cpu:
        if span.share(each) > calm.share(each) + BUSY:
            yield f"{each} is busy without a network: {span.share(each):.0%} of a core, before {calm.share(each):.0%}"
    if a_minute > LINES:
        yield f"{a_minute:.0f} lines a minute in the journal"
    for each in owed:
        yield f"{each} {time.monotonic() - mended:.0f} s after"
    await stage.well(quick=quick, seconds=60)


def _owed(stage: Stage, first: int, number: int) -> Iterator[str]:
    """What is still to come after a cut, or came otherwise than once."""
    records = Counter(str(one.data.get(KEY)) for one in stage.world.zoho.world.records.values())
    if len(records) != stage.leads or max(records.values(), default=0) > 1:
        yield f"{sum(records.values())} records of {stage.leads} leads in Zoho"
    for lead in range(first + 1, stage.leads + 1):
        for way, times in zip(("Telegram", "mail"), stage.told_of(lead), strict=True):
            if times != 1:
                yield f"managers were told {times} times of lead {lead} by {way}"
    answers = stage.world.do(lambda: [one.text for one in stage.buyer.seen()])
    if len([text for text in answers if text]) <= number:
        yield "who wrote in Telegram meanwhile has no answer"
    wanted = [f"🔴 {LINE}", f"🟢 {LINE}"] * (number + 1)
    for way, alerts in (("Telegram", stage.alerts()), ("mail", stage.alert_letters())):
        told = [f"{text[0]} {part}" for text in alerts if (part := next((one for one in BEHIND if one in text), ""))]
        if told != wanted:
            yield f"alerts by {way}: {alerts}"


async def _until(true: Callable[[], bool], seconds: float) -> float | None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if true():
            return time.monotonic() - began
        await asyncio.sleep(0.5)
    return None


def _through(port: int) -> Any:
    """What hands each connection on to a server that listens on the world's own loopback."""

    async def flow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(flow(reader, back), flow(there, writer))

    return taken


def _resolve(folder: Path) -> None:
    """Names are asked for in the world; seen by this process and its children alone."""
    ours = folder / "resolv.conf"
    ours.write_text(f"nameserver {WORLD}\n")
    _run("mount", "--bind", str(ours), str(Path("/etc/resolv.conf").resolve()))


def _unshare(what: int) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(what):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _run(*program: str) -> None:
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(program)}: {done.stderr.strip()}")


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} s"


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    sys.exit(asyncio.run(main(quick=options.parse_args().quick)))
