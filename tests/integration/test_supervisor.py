"""The supervisor with real processes: what starts, what comes back, what is left when it ends or is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from appliance.store.embedded import Embedded

ROOT = Path(__file__).parents[2]

# A server that says who it is, and starts a child of its own that outlives it unless somebody cares.
SERVER = """
import http.server, json, os, signal, subprocess, sys
subprocess.Popen(["sleep", "300"])
def leave(*_):
    open(sys.argv[2], "a").write("%s\\n" % sys.argv[3]); sys.exit(0)
signal.signal(signal.SIGTERM, leave)
class Face(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
print(json.dumps({"level": "info", "event": "up", "url": os.environ.get("DATABASE_URL", "")[:13]}), flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Face).serve_forever()
"""

# A process without a port: it lives as long as it touches its file.
WORKER = """
import pathlib, sys, time
while True:
    pathlib.Path(sys.argv[1]).touch(); time.sleep(0.1)
"""

DRIVER = """
import asyncio, sys, json
from pathlib import Path
from appliance.household import House, Step
from appliance.processes import Role
from appliance.supervisor import Supervisor
given = json.loads(sys.argv[1])
roles = tuple(Role(name=r["name"], program=tuple(r["program"]), after=r.get("after", ""), grace=3,
                   livez=r.get("livez", ""), wedged=r.get("wedged", 60),
                   pulse=Path(r["pulse"]) if r.get("pulse") else None,
                   listens=tuple(r["listens"]) if r.get("listens") else None) for r in given["roles"])
steps = tuple(Step(name=s["name"], programs=tuple(map(tuple, s["programs"])), first=s.get("first", False))
              for s in given["steps"])
house = House(home=Path(given["home"]), roles=roles, steps=steps, migrate=tuple(given["migrate"]),
              own_database=given["own_database"], chat="http://127.0.0.1", console="http://127.0.0.1")
sys.exit(asyncio.run(Supervisor(house).run()))
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def eventually(true: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return value


class Box:
    """A supervisor in a process of its own, seen from outside."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.shown = home.with_name("screen")
        self.goodbyes = home.with_name("goodbyes")
        self.roles: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.migrate: list[str] = []
        self.own_database = False
        self.process: subprocess.Popen[str] | None = None

    def server(self, name: str, **more: Any) -> int:
        port = free_port()
        program = [sys.executable, "-c", SERVER, str(port), str(self.goodbyes), name]
        self.roles.append({"name": name, "program": program, "listens": ["127.0.0.1", port], **more})
        return port

    def start(self) -> None:
        given = {
            "home": str(self.home), "roles": self.roles, "steps": self.steps, "migrate": self.migrate,
            "own_database": self.own_database,
        }  # fmt: skip
        env = {**os.environ, "PYTHONPATH": str(ROOT), "LANG": "C", "LC_ALL": "C"}
        with self.shown.open("a") as screen:
            self.process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, json.dumps(given)], env=env, stdout=screen, stderr=screen, text=True
            )

    def refused(self) -> str:
        """What is said by a supervisor that does not start."""
        self.start()
        assert self.process
        assert self.process.wait(60) == 1
        return self.screen

    @property
    def screen(self) -> str:
        return self.shown.read_text()

    def said(self, text: str) -> None:
        eventually(lambda: text in self.screen)

    def processes(self) -> Mapping[str, Any]:
        return {name: value for name, value in self.state()["processes"].items() if value["phase"] == "up"}

    def state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self.home / "run" / "state.json").read_text())
        except FileNotFoundError:
            return {"processes": {}, "steps": {}}
        return state

    def pid(self, name: str) -> int:
        return int(eventually(lambda: self.processes().get(name))["pid"])

    def end(self, order: signal.Signals = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(order)
        return self.process.wait(20)

    def left(self) -> list[int]:
        """Processes of this home that still run, by the mark in their environment."""
        found = []
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if process.name.isdigit() and f":{self.home}".encode() in (process / "environ").read_bytes():
                    found.append(int(process.name))
        return [pid for pid in found if alive(pid)]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path / "home")
    yield box
    if box.process and box.process.poll() is None:
        box.process.kill()
        box.process.wait()
    for pid in box.left():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_all_in_order_and_leaves_nothing(box: Box, order: signal.Signals) -> None:
    for name in ("chat", "console", "worker"):
        box.server(name)
    box.start()
    box.said("Counterman is ready")
    assert len(box.left()) >= 6
    assert box.end(order) == 0
    assert box.left() == []
    assert box.goodbyes.read_text().split() == ["chat", "console", "worker"]
    assert "All has ended." in box.screen


def test_a_process_that_is_killed_comes_back_and_its_children_go(box: Box) -> None:
    box.server("chat")
    box.start()
    first = box.pid("chat")
    before = set(box.left())
    os.kill(first, signal.SIGKILL)
    second = eventually(lambda: (pid := box.processes().get("chat", {}).get("pid")) != first and pid)
    assert alive(second)
    assert not before & set(box.left())
    assert "chat ended (SIGKILL" in box.screen
    assert box.end() == 0


def test_a_stuck_process_is_killed_and_started_anew_with_its_reason(box: Box) -> None:
    box.server("chat", livez="/livez", wedged=1.5)
    pulse = box.home.with_name("worker.pulse")
    program = [sys.executable, "-c", WORKER, str(pulse)]
    box.roles.append({"name": "worker", "program": program, "pulse": str(pulse), "wedged": 1.5})
    box.start()
    for name in ("chat", "worker"):
        stuck = box.pid(name)
        os.kill(stuck, signal.SIGSTOP)
        eventually(partial(lambda pid: not alive(pid), stuck))
        box.said(f"{name} ended (SIGKILL: no sign of life")
        assert box.pid(name) != stuck
    assert box.state()["processes"]["worker"]["restarts"] == 1


def test_a_process_that_cannot_start_is_told_with_its_last_words_and_ever_rarer(box: Box) -> None:
    box.server("chat")
    box.roles.append({"name": "worker", "program": [sys.executable, "-c", "raise SystemExit('the disk is on fire')"]})
    box.start()
    box.said("worker ended (exit code 1: the disk is on fire). It starts again in 1 s.")
    box.said("It starts again in 2 s.")
    box.said("Counterman is ready")
    assert box.end() == 0


def test_killed_without_mercy_it_takes_its_children_along_and_the_next_start_works(box: Box) -> None:
    box.own_database = True
    box.server("chat")
    box.start()
    box.said("Counterman is ready")
    chat, database = box.pid("chat"), box.pid("database")
    box.end(signal.SIGKILL)
    eventually(lambda: not alive(chat))
    eventually(lambda: not alive(database))
    assert box.left() != []  # what the chat had started, which nobody told
    box.start()
    box.said("that an earlier run left behind")
    eventually(lambda: box.screen.count("Counterman is ready") == 2)
    assert box.end() == 0
    assert box.left() == []
    assert not Embedded(box.home / "postgres").running()


def test_the_database_comes_back_when_it_is_killed(box: Box) -> None:
    box.own_database = True
    box.server("chat")
    box.start()
    first = box.pid("database")
    os.kill(first, signal.SIGKILL)
    second = eventually(lambda: (pid := box.processes().get("database", {}).get("pid")) != first and pid)
    assert alive(second)
    assert '"url": "postgresql://"' in (box.home / "logs" / "appliance.log").read_text()
    assert box.end() == 0
    assert not alive(second)


def test_a_second_supervisor_of_the_same_home_is_refused(box: Box) -> None:
    box.server("chat")
    box.start()
    box.said("Counterman is ready")
    first = box.process
    box.start()
    assert box.process
    assert first
    assert box.process.wait(20) == 1
    assert f"already runs in {box.home} (process {first.pid})" in box.screen
    box.process = first
    assert box.end() == 0


def test_a_taken_port_is_told_with_its_holder_before_anything_starts(box: Box) -> None:
    port = box.server("chat")
    with socket.create_server(("127.0.0.1", port)):
        box.refused()
    assert f"Port {port} is taken by" in box.screen
    assert f"(process {os.getpid()})" in box.screen
    assert "APPLIANCE_CHAT_PORT" in box.screen
    assert not box.goodbyes.exists()


def test_a_migration_that_fails_stops_the_start_with_its_reason(box: Box) -> None:
    box.server("chat")
    box.migrate = [sys.executable, "-c", "raise SystemExit('revision 0007 is unknown')"]
    box.refused()
    assert "revision 0007 is unknown" in box.screen
    assert box.left() == []


def test_the_chat_answers_while_the_model_is_on_its_way_and_the_engine_follows_it(box: Box) -> None:
    go = box.home.with_name("go")
    wait = f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)"
    fetch = f"import pathlib, time\nprint('model.gguf 41 %', flush=True)\n{wait}"
    box.server("chat")
    box.server("engine", after="model")
    box.steps = [
        {"name": "catalogue", "programs": [[sys.executable, "-c", "print('40,000 rows')"]], "first": True},
        {"name": "model", "programs": [[sys.executable, "-c", fetch]]},
    ]
    box.start()
    box.said("Counterman is ready")
    assert "40,000 rows" in box.screen.split("Counterman is ready")[0]
    assert "still on its way" in box.screen
    eventually(lambda: box.state()["steps"]["model"]["line"] == "model.gguf 41 %")
    assert "engine" not in box.processes()
    go.touch()
    assert box.pid("engine")
    assert box.end() == 0


def test_a_step_that_fails_does_not_hold_up_the_chat(box: Box) -> None:
    box.server("chat")
    box.steps = [
        {"name": "catalogue", "programs": [[sys.executable, "-c", "raise SystemExit('no paper')"]], "first": True}
    ]
    box.start()
    box.said("Catalogue: did not work (no paper). Tried again in 15 s")
    box.said("Counterman is ready")
    assert box.end() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
@pytest.mark.parametrize("megabytes", [0, 10])
def test_a_full_disk_is_told_before_anything_starts(box: Box, megabytes: int) -> None:
    box.home.mkdir()
    size = f"size={megabytes * 1024 + 64}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(box.home)], check=True)
    try:
        if not megabytes:
            with contextlib.suppress(OSError), (box.home / "fill").open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
        told = box.refused()
    finally:
        subprocess.run(["umount", "--lazy", str(box.home)], check=True)
    assert f"has only {megabytes} MB free; 300 MB are needed" in told
    assert "Traceback" not in told


def test_told_to_end_in_the_middle_of_a_start_it_ends_at_once(box: Box) -> None:
    box.own_database = True
    box.migrate = [sys.executable, "-c", "import time; time.sleep(100)"]
    box.server("chat")
    box.start()
    box.said("bringing it to this version")
    began = time.monotonic()
    assert box.end(signal.SIGINT) == 0
    assert time.monotonic() - began < 10
    assert box.left() == []
    assert not Embedded(box.home / "postgres").running()
