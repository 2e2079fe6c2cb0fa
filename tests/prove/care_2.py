"""care-2: fifteen faults in turn: each seen on /healthz within 30 s, alerted once within 60 s, and its end told.

Against a box that really runs, PostgreSQL, a Bot API server and a mail server that really answer. The quiet hours last
all day, so whatever arrives has ignored them. A fault that this machine cannot plant is skipped loudly and fails the
proof.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

import psycopg
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from appliance.store.embedded import Embedded
from appliance.store.schema import migrate
from tests.botapi import BotApi, Customer
from tests.prove_kit import prepared_home
from tests.rig import Appliance, free_port, verdict

SEEN, TOLD, OVER = (
    30.0,
    60.0,
    150.0,
)  # seconds: to be seen on /healthz, alerted, and announced as over once it is mended
ADMINISTRATOR = 501
LEADER = 0x434D0002  # the advisory lock of whoever keeps the schedule
# Sets the time of day of our processes alone, by the seconds in a file. libfaketime 0.9.10 does more than that: with
# the monotonic clock left alone its clock_nanosleep fails, and its locks starve Python's threads.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
static volatile long *shift;
static int (*real)(clockid_t, struct timespec *);
__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("CLOCK_SHIFT");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *page = file < 0 ? MAP_FAILED : mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    shift = page == MAP_FAILED ? 0 : page;
    real = dlsym(RTLD_NEXT, "clock_gettime");
}
int clock_gettime(clockid_t id, struct timespec *at) {
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(id, at);
    if (!done && shift && id == CLOCK_REALTIME) at->tv_sec += *shift;
    return done;
}
"""
Way = Literal["telegram", "mail"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is planted and, written down before, what must come of it."""

    name: str
    plant: str  # the method of `Stage` that brings it about, and leaves in `undo` what mends it
    shown: tuple[str, ...]  # parts of /healthz, one of which must be ill
    told: str  # how the alert names the part
    recovers: Literal["itself", "when mended"]
    status: int = 200  # 503 where customers cannot be served
    way: Way = "telegram"  # by which the alert is looked for; the other must be in order
    needs: str = ""  # what this machine must allow


# The expectations. `recovers`: who brings the box back; in every case it says by itself that all is well again.
FAULTS = [
    Fault(
        name="database stopped",
        plant="stop_database",
        shown=("database",),
        told="database",
        recovers="when mended",
        status=503,
    ),
    Fault(name="engine hung", plant="hang_engine", shown=("engine",), told="language model", recovers="itself"),
    Fault(
        name="bot token revoked",
        plant="revoke_token",
        shown=("bot",),
        told="Telegram bot",
        recovers="when mended",
        way="mail",
    ),
    Fault(
        name="disk 95 % full", plant="fill_disk", shown=("disk",), told="disk", recovers="when mended", needs="mount"
    ),
    Fault(
        name="outbox stuck", plant="stick_parcel", shown=("outbox",), told="outgoing messages", recovers="when mended"
    ),
    Fault(name="CRM down", plant="hold_lead", shown=("crm",), told="CRM", recovers="when mended"),
    Fault(name="clock jump", plant="set_clock", shown=("clock",), told="clock", recovers="when mended", needs="cc"),
    Fault(
        name="leader's connection cut",
        plant="cut_leader",
        shown=("leader",),
        told="leader's connection",
        recovers="itself",
    ),
    Fault(
        name="corrupted index file",
        plant="damage_index",
        shown=("catalogue",),
        told="catalogue and search",
        recovers="when mended",
    ),
    Fault(
        name="migration missing",
        plant="lose_migration",
        shown=("schema",),
        told="database schema",
        recovers="when mended",
    ),
    Fault(name="SMTP down", plant="stop_mail", shown=("mail",), told="mail server", recovers="when mended"),
    Fault(name="port taken", plant="take_port", shown=("processes",), told="console", recovers="when mended"),
    Fault(
        name="out of memory killed",
        plant="kill_worker",
        shown=("processes", "worker"),
        told="scheduled work",
        recovers="itself",
    ),
    Fault(
        name="log folder read-only",
        plant="lock_logs",
        shown=("logs",),
        told="log folder",
        recovers="when mended",
        needs="mount",
    ),
    Fault(
        name="expired certificate of SMTP",
        plant="expire_certificate",
        shown=("mail",),
        told="mail server",
        recovers="when mended",
    ),
]
QUICK = ("database stopped", "CRM down", "port taken")


@dataclass(kw_only=True)
class Outcome:
    """What came of a fault, in seconds since it was planted (the end: since it was mended, or planted)."""

    fault: Fault
    seen: float | None = None
    status: int = 0
    told: float | None = None
    times: int = 0
    over: float | None = None
    besides: list[str] = field(default_factory=list)  # alerts of other parts meanwhile

    def wrong(self) -> Iterator[str]:
        name = self.fault.name
        if self.seen is None or self.seen > SEEN:
            yield f"{name}: on /healthz after {_seconds(self.seen)}"
        if self.seen is not None and self.status != self.fault.status:
            yield f"{name}: /healthz answered {self.status}, expected {self.fault.status}"
        if self.told is None or self.told > TOLD:
            yield f"{name}: alerted after {_seconds(self.told)}"
        if self.times > 1:
            yield f"{name}: alerted {self.times} times"
        if self.over is None:
            yield f"{name}: its end was never told"
        for other in self.besides:
            yield f"{name}: alerted besides: {other}"

    def line(self) -> str:
        since = "it was mended" if self.fault.recovers == "when mended" else "it was planted"
        return (
            f"{self.fault.name:28} on /healthz {_seconds(self.seen):>6} ({self.status}), "
            f"alerted {_seconds(self.told):>6} × {self.times} by {self.fault.way:8}  "
            f"over, and told so, {_seconds(self.over):>6} after {since}"
        )


class PostOffice:
    """The company's mail server, whose certificate and life are ours to take."""

    def __init__(self) -> None:
        self.port = free_port()
        self.letters: list[tuple[float, EmailMessage]] = []
        self.authority = trustme.CA()
        self._running: Controller | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.letters.append((time.monotonic(), message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"

    def open(self, *, expired: bool = False) -> None:
        ends = datetime.now(UTC) + (timedelta(days=-1) if expired else timedelta(days=90))
        leaf = self.authority.issue_cert("localhost", not_before=ends - timedelta(days=180), not_after=ends)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        self._running = Controller(
            self, hostname="127.0.0.1", port=self.port, tls_context=context, server_kwargs={"enable_SMTPUTF8": True}
        )
        self._running.start()

    def close(self) -> None:
        if self._running:
            self._running.stop()
            self._running = None


class Stage:
    """The box, and all that it depends on."""

    def __init__(self, folder: Path, api: BotApi, *, quick: bool) -> None:
        self.folder, self.api, self.quick = folder, api, quick
        self.mail = PostOffice()
        self.postgres = Embedded(folder / "postgres")
        self.bot = api.add_bot()
        self.person = Customer(api, self.bot, id=ADMINISTRATOR, name="Olga", lang="en")
        self.undo: Callable[[], None] = lambda: None
        self.taken: socket.socket | None = None
        self.clock = folder / "clock"  # seconds by which the time of day of the box is shifted
        self.home = folder / "box"

    def prepare(self) -> None:
        trust = self.folder / "authority.pem"
        self.mail.authority.cert_pem.write_to_path(str(trust))
        self.mail.open()
        self.postgres.start()
        migrate(self.postgres.url)
        rows, model = (1500, False) if self.quick else (2000, True)
        made = prepared_home(self.folder / "made", rows=rows, model=model)
        self.home.mkdir()
        if "mount" in abilities() and not self.quick:  # a small disk of its own, so that it can be filled
            _mount("-t", "tmpfs", "-o", "size=400m", "tmpfs", str(self.home))
        shutil.copytree(made / "catalog", self.home / "catalog")  # copied, not linked: one file will be damaged
        if model:
            (self.home / "models").symlink_to(made / "models")
        self.shift_clock(0)
        env = {
            "DATABASE_URL": self.postgres.url, "TELEGRAM_TOKEN": self.bot.token, "TELEGRAM_API_URL": self.api.url,
            "SMTP_HOST": "localhost", "SMTP_PORT": str(self.mail.port), "SMTP_FROM": "box@shop.example",
            "SSL_CERT_FILE": str(trust), "APPLIANCE_SAMPLE": "false",
            "APPLIANCE_PULL": "false", "APPLIANCE_QUIET_HOURS": "00:00-23:59", "PUBLIC_URL": "",
        }  # fmt: skip
        if "cc" in abilities() and not self.quick:
            env |= {"LD_PRELOAD": str(self._compiled_clock()), "CLOCK_SHIFT": str(self.clock)}
        self.box = Appliance(self.home, **env)
        olga = ("Olga", "--administrator", "--telegram", str(ADMINISTRATOR), "--email", "olga@shop.example",
                "--lang", "en")  # fmt: skip
        added = self.box.command("staff", "add", *olga)
        if added.returncode:
            raise RuntimeError(added.stderr)

    def health(self) -> tuple[int, dict[str, str]]:
        """Status, and each part's state with its words."""
        status, text = self.box.get("/healthz")
        parts = dict(re.findall(r"(?m)^(\w+)=(.+)$", text))
        parts.pop("status", None)
        return status, parts

    def alerts(self, since: float, way: Way) -> list[tuple[float, str]]:
        """When and what, of all alerts since a moment of the monotonic clock."""
        if way == "mail":
            return [
                (at - since, str(letter.get_content()).replace("\r\n", "\n"))
                for at, letter in self.mail.letters
                if at >= since
            ]
        apart = time.time() - time.monotonic()
        shown = [(at - apart - since, str(message.get("text", ""))) for at, what, message in self.person.chat.shown]
        return [(at, text) for at, text in shown if at >= 0 and text[:1] in "🔴🟢🔵"]

    def sql(self, query: str, *values: Any) -> Any:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            done = connection.execute(query, values)
            return done.fetchone() if done.description else None

    def well(self) -> bool:
        """A quick box has no model: that is its one complaint."""
        ill = {name for name, state in self.health()[1].items() if not state.startswith("OK")}
        return bool(self.health()[0]) and ill <= ({"engine"} if self.quick else set())

    def stop_database(self) -> None:
        self.postgres.stop()
        self.undo = self.postgres.begin

    def hang_engine(self) -> None:
        os.kill(self.box.pid("engine"), signal.SIGSTOP)

    def revoke_token(self) -> None:
        self.bot.revoked = True
        self.undo = lambda: setattr(self.bot, "revoked", False)

    def stick_parcel(self) -> None:
        """A deliverer has taken a mail and hangs."""
        self.sql("INSERT INTO parcels (id, channel, address, kind, body, due_at, leased_until)"
                 " VALUES (gen_random_uuid(), 'mail', 'm@shop.example', 'lead',"
                 " jsonb_build_object('lead', gen_random_uuid(), 'why', 'new'), now() - interval '10 minutes',"
                 " now() + interval '1 hour')")  # fmt: skip
        self.undo = lambda: self.sql("UPDATE parcels SET leased_until = NULL WHERE delivered_at IS NULL")

    def hold_lead(self) -> None:
        """The CRM was down for both attempts at a lead."""
        self.sql("INSERT INTO parcels (id, channel, address, kind, body, attempts, held)"
                 " VALUES (gen_random_uuid(), 'crm', 'zoho', 'lead', '{}', 2, '503 from Zoho')")  # fmt: skip
        self.undo = lambda: self.sql("DELETE FROM parcels WHERE channel = 'crm'")

    def set_clock(self) -> None:
        self.shift_clock(3600)
        self.undo = lambda: self.shift_clock(0)

    def shift_clock(self, seconds: int) -> None:
        with self.clock.open("r+b" if self.clock.exists() else "wb") as file:  # in place: it is mapped
            file.write(struct.pack("@l", seconds))

    def _compiled_clock(self) -> Path:
        source, library = self.folder / "clock.c", self.folder / "clock.so"
        source.write_text(CLOCK)
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
        return library

    def cut_leader(self) -> None:
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                 " AND classid = 0 AND objid = %s AND objsubid = 1", LEADER)  # fmt: skip

    def lose_migration(self) -> None:
        [revision] = self.sql("SELECT version_num FROM alembic_version")
        self.sql("UPDATE alembic_version SET version_num = '0001'")
        self.undo = lambda: self.sql("UPDATE alembic_version SET version_num = %s", revision)

    def stop_mail(self) -> None:
        self.mail.close()
        self.undo = self.mail.open

    def kill_worker(self) -> None:
        """As the kernel does it when memory runs out: SIGKILL, without a word."""
        self.box.kill("worker")

    def lock_logs(self) -> None:
        logs = str(self.home / "logs")
        _mount("--bind", logs, logs)
        _mount("-o", "remount,ro,bind", logs)
        self.undo = lambda: (subprocess.run(["umount", "--lazy", logs], check=True), None)[1]

    def expire_certificate(self) -> None:
        self.mail.close()
        self.mail.open(expired=True)

        def renew() -> None:
            self.mail.close()
            self.mail.open()

        self.undo = renew

    def fill_disk(self) -> None:
        filler = self.home / "filler"
        usage = shutil.disk_usage(self.home)
        with filler.open("wb") as file:
            for _ in range(max(0, usage.free - usage.total // 25) >> 20):
                file.write(b"\xff" * (1 << 20))
        self.undo = filler.unlink

    def damage_index(self) -> None:
        index = max(self.home.glob("catalog/*/meaning-*/*.faiss"), key=lambda file: file.stat().st_size)
        whole = index.read_bytes()

        def write(content: bytes) -> None:
            with index.open("r+b") as file:  # in place: it is mapped
                file.write(content)

        write(whole[: len(whole) // 2] + bytes(64) + whole[len(whole) // 2 + 64 :])
        self.undo = lambda: write(whole)

    def take_port(self) -> None:
        self.box.kill("console")
        self.taken = taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for _ in range(500):
            with contextlib.suppress(OSError):
                taken.bind(("127.0.0.1", self.box.ports["console"]))
                taken.listen(1)
                break
            time.sleep(0.01)
        else:
            raise RuntimeError("the console's port was not to be had")
        self.undo = taken.close

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.undo()
        self.box.stop()
        self.postgres.stop()
        self.mail.close()
        subprocess.run(["umount", "--lazy", str(self.home)], check=False, capture_output=True)


async def _until(true: Callable[[], Any], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(true):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.5)
    return True


async def endure(stage: Stage, fault: Fault) -> Outcome:
    """Plants one fault, watches what the box says of it, mends it, and waits until the box says that all is well."""
    outcome, began = Outcome(fault=fault), time.monotonic()
    stage.undo = lambda: None
    await asyncio.to_thread(getattr(stage, fault.plant))

    def look() -> bool:
        status, parts = stage.health()
        if outcome.seen is None and any(not parts.get(name, "OK").startswith("OK") for name in fault.shown):
            outcome.seen, outcome.status = time.monotonic() - began, status
        told = [
            at for at, text in stage.alerts(began, fault.way) if text.startswith("🔴") and f": {fault.told}\n" in text
        ]
        outcome.told = told[0] if told else None
        return outcome.seen is not None and outcome.told is not None

    await _until(look, TOLD + 5)
    mended = time.monotonic()
    await asyncio.to_thread(stage.undo)

    def is_over() -> bool:
        told = [
            at for at, text in stage.alerts(began, fault.way) if text.startswith("🟢") and f": {fault.told} " in text
        ]
        outcome.over = began + told[0] - (mended if fault.recovers == "when mended" else began) if told else None
        return bool(told) and stage.well()

    if not await _until(is_over, OVER) and outcome.over is not None:
        outcome.besides.append(f"/healthz is still not well: {stage.health()}")
    for _, text in stage.alerts(began, fault.way):
        if text.startswith("🔴") and f": {fault.told}\n" in text:
            outcome.times += 1
        elif text.startswith("🔴"):
            outcome.besides.append(" ".join(text.splitlines()[:2]))
    return outcome


def abilities() -> set[str]:
    """What this machine lets us plant."""
    found = {"cc"} if shutil.which("cc") else set()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False
        )
        if not done.returncode:
            subprocess.run(["umount", folder], check=True)
            found.add("mount")
    return found


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} s"


async def main(names: list[str], *, quick: bool) -> int:
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the mail server's word on a certificate refused
    faults = [fault for fault in FAULTS if not names or fault.name in names]
    can = abilities()
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("care-2") as wrong:
        async with BotApi() as api:
            stage = Stage(Path(folder), api, quick=quick)
            await asyncio.to_thread(stage.prepare)
            try:
                await _play(stage, faults, can, wrong)
            finally:
                await asyncio.to_thread(stage.close)
        if quick:
            print("QUICK: a smoke test, not the proof")
    return 0


async def _play(stage: Stage, faults: list[Fault], can: set[str], wrong: list[str]) -> None:
    stage.box.start()
    await asyncio.to_thread(stage.box.wait)
    if not await _until(stage.well, 120):
        raise RuntimeError(f"The box is not well before anything was planted: {stage.health()}")
    await asyncio.sleep(20)  # the administrators are written down, the first looks are done
    outcomes = []
    for fault in faults:
        if fault.needs and fault.needs not in can:
            print(f"SKIPPED, needs {fault.needs}: {fault.name}", flush=True)
            wrong.append(f"{fault.name} could not be planted on this machine")
            continue
        outcome = await endure(stage, fault)
        outcomes.append(outcome)
        wrong += outcome.wrong()
        print(outcome.line(), flush=True)
    seen = max((outcome.seen or 999 for outcome in outcomes), default=999)
    told = max((outcome.told or 999 for outcome in outcomes), default=999)
    print(f"{len(outcomes)} faults: on /healthz after {seen:.0f} s at most, alerted once after {told:.0f} s at most")


if __name__ == "__main__":
    quick_ = "--quick" in sys.argv
    only = [word.partition("=")[2] for word in sys.argv if word.startswith("--only=")]
    sys.exit(asyncio.run(main(only or (list(QUICK) if quick_ else []), quick=quick_)))
