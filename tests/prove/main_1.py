"""main-1: from a fresh clone, an empty home and empty caches to a chat that sells; and the second start."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

from tests.rig import ROOT, Appliance, Customer, verdict

FIRST, SECOND = 600.0, 15.0  # seconds: MISSION 1.1
QUESTION = "насос дренажный 1500 вт"
PREREQUISITES = ("git", "python3", "python3-venv", "libgomp1")  # those that the README names
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
ABOUT_US = ("сколько стоит доставка?", "What is your delivery time?", "как оплатить заказ?")


class Clone(Appliance):
    """The README's command in a clone, with nothing of this user's home."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "counterman"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(self.clone)], check=True)
        super().__init__(self.clone / "data")
        (folder / "home").mkdir()
        self.log = folder / "start.log"
        self.env = {
            **{name: value for name, value in self.env.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")},
            "HOME": str(folder / "home"),
            "XDG_CACHE_HOME": str(folder / "home" / ".cache"),
            "PIP_NO_CACHE_DIR": "1",
        }
        del self.env["APPLIANCE_HOME"]

    def start(self) -> Clone:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.order(str(self.clone / "scripts" / "start")), cwd=self.clone, env=self.env, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        return self

    def order(self, program: str) -> list[str]:
        return [program]


class BareDebian(Clone):
    """The same inside a Debian that has nothing but the prerequisites. Needs root and debootstrap.

    The folder of temporary files is the same inside and outside, so that paths mean the same to this proof.
    """

    def __init__(self, folder: Path, debian: Path) -> None:
        super().__init__(folder)
        self.debian = debian
        if not (debian / "usr" / "bin" / "python3").exists():
            _bootstrap(debian)
        self.env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            **{name: self.env[name] for name in self.env if name.startswith(("APPLIANCE_", "HTTPS_", "HTTP_"))},
            **{name: self.env[name] for name in ("HOME", "XDG_CACHE_HOME", "PIP_NO_CACHE_DIR")},
        }
        if Path(CERTIFICATES).exists():  # a network that opens TLS has its own root; Debian's package knows it not
            (debian / CERTIFICATES[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CERTIFICATES, debian / CERTIFICATES[1:])
            self.env |= {"PIP_CERT": CERTIFICATES, "SSL_CERT_FILE": CERTIFICATES}

    def order(self, program: str) -> list[str]:
        """Mounts that end with the process: its /proc and /dev, and the folder of temporary files."""
        root, shared = str(self.debian), tempfile.gettempdir()
        steps = [
            f"mount -t proc proc {root}/proc",
            f"mount --rbind /dev {root}/dev",
            f"mount --bind {shared} {root}{shared}",
            f"exec /usr/sbin/chroot {root} {program}",
        ]
        return ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", " && ".join(steps)]


def _bootstrap(debian: Path) -> None:
    print(f"a bare Debian in {debian}", flush=True)
    where = [str(debian), "http://deb.debian.org/debian"]
    subprocess.run(["/usr/sbin/debootstrap", "--variant=minbase", "bookworm", *where], check=True, capture_output=True)
    shutil.copy("/etc/resolv.conf", debian / "etc" / "resolv.conf")
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PREREQUISITES]
    subprocess.run(["/usr/sbin/chroot", str(debian), *install], check=True, capture_output=True)


async def main(*, quick: bool, debian: Path | None) -> int:
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("main-1") as wrong:
        clone = BareDebian(Path(folder), debian) if debian else Clone(Path(folder))
        if quick:
            clone.env |= {"APPLIANCE_PULL": "false"}
        began = time.monotonic()
        try:
            clone.start()
            clone.wait(seconds=FIRST)
            cards = await _cards(clone, began, deadline=FIRST)
            print(f"cards in the chat after {cards:.0f} s", flush=True)
            if not quick:
                prose, text = await _prose(clone, began, deadline=2 * FIRST)
                print(f"first prose after {prose:.0f} s: {text}", flush=True)
                if prose > FIRST:
                    wrong.append(f"the first prose came after {prose:.0f} s, not {FIRST:.0f}")
            _show_progress(clone)
            ended = clone.stop()
            again = time.monotonic()
            clone.start()
            clone.wait(seconds=60)
            second = await _cards(clone, again, deadline=60)
        finally:
            if clone.process and clone.process.poll() is None:
                os.killpg(clone.process.pid, signal.SIGINT)
                clone.process.wait(60)
        left = clone.left_behind()
        print(f"ctrl-C ended all in {ended:.1f} s; left behind: {left or 'nothing'}")
        if cards > FIRST:
            wrong.append(f"cards after {cards:.0f} s, not {FIRST:.0f}")
        if second > SECOND:
            wrong.append(f"the second start took {second:.1f} s, not {SECOND:.0f}")
        if left:
            wrong.append(f"left behind: {left}")
        print(f"first start to cards {cards:.0f} s, second start {second:.1f} s")
    return 0


async def _cards(clone: Clone, began: float, *, deadline: float) -> float:
    """Seconds until a question is answered with cards. The catalogue may still be on its way."""
    customer = Customer(clone)
    while time.monotonic() - began < deadline:
        answer = await customer.ask(QUESTION)
        if answer.items:
            await customer.close()
            return time.monotonic() - began
        await asyncio.sleep(2)
    raise TimeoutError(f"no cards within {deadline:.0f} s\n{clone.log.read_text()[-3000:]}")


async def _prose(clone: Clone, began: float, *, deadline: float) -> tuple[float, str]:
    """Seconds until the model's own sentences are stored as an answer, with their source."""
    import psycopg

    clone.wait_for_engine(seconds=deadline)
    customer = Customer(clone)
    questions = cycle(ABOUT_US)  # the model answers alike each time, so one that the gate stops is not asked for ever
    while time.monotonic() - began < deadline:
        answer = await customer.ask(next(questions))
        with psycopg.connect(clone.database_url()) as connection:
            row = connection.execute(
                "SELECT rung, sources FROM answers WHERE message_id = %s", (answer.mid,)
            ).fetchone()
        if row and row[0] == "prose" and row[1]:
            await customer.close()
            return time.monotonic() - began, f"{answer.text} (source: {row[1]})"
        await asyncio.sleep(3)
    raise TimeoutError(f"no prose within {deadline:.0f} s\n{clone.log.read_text()[-3000:]}")


def _show_progress(clone: Clone) -> None:
    lines = clone.log.read_text(errors="replace").splitlines()
    print("\n".join(f"  | {line}" for line in lines if line.strip())[:4000])


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--debian", type=Path, metavar="FOLDER", help="in a bare Debian, made there if there is none")
    given = options.parse_args()
    sys.exit(asyncio.run(main(quick=given.quick, debian=given.debian)))
