"""A running engine gets another model: it alone is started anew, and the old one returns where the new one fails."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.journal import Journal
from appliance.processes import Child, Phase, Role
from appliance.switching import Switching
from appliance.tasks import Tasks
from models.files import ModelFiles
from tests.models_kit import free_port, tiny_gguf

# An engine by its face: it serves the chosen model, unless that is one that crashes or never becomes healthy.
ENGINE = """
import http.server, sys
from pathlib import Path
model = Path(sys.argv[2], "chosen").read_text().strip()
if model == "crashes":
    sys.exit("engine: crashes.gguf is not a model")
class Face(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if model == "mute" else 200); self.end_headers(); self.wfile.write(model.encode())
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Face).serve_forever()
"""


class Box:
    """An engine under its child, the models folder, and what was said to the operator."""

    def __init__(self, home: Path, tasks: Tasks) -> None:
        self.files = ModelFiles(home / "models")
        for name in ("one", "two", "crashes", "mute"):
            path = home / f"{name}.gguf"
            path.write_bytes(tiny_gguf())
            self.files.import_file(path)
        self.files.use("one")
        self.port, self.said, self.wrong = free_port(), list[str](), ""
        self.heard = list[str]()  # the model that customers hear while another is examined
        role = Role(
            name="engine",
            program=(sys.executable, "-c", ENGINE, str(self.port), str(home / "models")),
            listens=("127.0.0.1", self.port),
            grace=2,
        )
        self.journal = Journal(home / "log", screen=None)
        self.engine = Child(role, env={}, journal=self.journal, changed=lambda: None, say=self._say)
        self.switching = Switching(self.engine, self.files, examine=self._examine, say=self._say)
        tasks.start(self.engine.run(), name="engine")

    def _say(self, text: str, /, **_: object) -> None:
        self.said.append(text)

    async def _examine(self, model: str) -> str:
        self.heard.append(await self._model())
        return self.wrong

    async def answers(self, model: str) -> None:
        """Returns once the engine serves this model."""
        async with asyncio.timeout(20):
            while await self._model() != model:
                await asyncio.sleep(0.05)

    async def _model(self) -> str:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return ""
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        text = (await reader.read()).decode()
        writer.close()
        return text.rpartition("\r\n\r\n")[2]


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with Tasks() as tasks:
        box = Box(tmp_path, tasks)
        await box.answers("one")
        yield box
        await box.engine.stop()
    box.journal.close()


async def test_another_choice_starts_the_engine_alone_with_it_and_is_no_crash(box: Box) -> None:
    before = box.engine.pid
    box.files.use("two")

    await box.switching.look()

    await box.answers("two")
    assert box.engine.pid != before and box.engine.restarts == 0
    assert box.said[-1] == "model_switched"
    assert box.files.switches()[-1].kept is True


@pytest.mark.parametrize("bad", ["crashes", "mute"])
async def test_a_model_that_does_not_come_up_gives_its_place_back(
    box: Box, bad: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.switching.LOADS", 2.0)
    box.files.use(bad)
    began = time.monotonic()

    await box.switching.look()

    await box.answers("one")
    assert time.monotonic() - began < 15
    assert box.files.chosen() == "one"
    last = box.files.switches()[-1]
    assert (last.model, last.kept) == (bad, False) and last.why
    assert box.said[-1] == "model_returned"


async def test_a_model_that_answers_wrongly_gives_its_place_back(box: Box) -> None:
    box.wrong = "1 of 4 right"
    box.files.use("two")

    await box.switching.look()

    await box.answers("one")
    assert box.files.switches()[-1].why == "1 of 4 right"
    assert box.heard == [""] and box.engine.restarts == 0  # nobody heard it


async def test_a_model_that_passed_its_trial_beforehand_is_not_asked_again(box: Box) -> None:
    box.wrong = "nobody should ask"
    box.files.use("two", tested=True)

    await box.switching.look()

    await box.answers("two")
    assert box.files.chosen() == "two"


async def test_nothing_is_touched_while_the_choice_stays(box: Box) -> None:
    before = box.engine.pid

    await box.switching.look()

    assert box.engine.pid == before and box.said == []


async def test_an_engine_that_waits_after_a_crash_is_started_at_once(box: Box) -> None:
    box.files.use("crashes")
    box.engine._last.clear()
    await box.engine.again()
    async with asyncio.timeout(10):
        while box.engine.restarts < 3:  # its pauses have grown to two seconds and more
            await asyncio.sleep(0.05)
    box.files.use("one")

    await box.engine.again()

    async with asyncio.timeout(1.5):
        await box.answers("one")


async def test_an_engine_that_rests_can_be_ended(box: Box) -> None:
    await box.engine.rest()
    assert box.engine.pid is None

    await box.engine.stop()

    assert box.engine.phase is Phase.STOPPED
