"""models-4: the model manager withstands a bad network, a full disk and bad models, and customers notice nothing."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from models.base import ModelError
from models.fetch import Step
from models.files import ModelFiles
from models.known import Hub as Address
from models.known import Known
from tests.models_kit import Hub, cached, stand_in_hub, tiny_gguf
from tests.prove_kit import prepared_home
from tests.rig import ROOT, Answer, Appliance, Customer, loopback, percentile, verdict

USEFUL = 2.0  # seconds to the first useful content at p95, with a fault: MISSION 4.9
FIRST, SECOND, POOR = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "smollm2-135m"
QUESTIONS = ("насос дренажный 1500 вт", "submersible pump 3 kW", "подшипник 6205", "компрессор 50 литров")

# A pull as a program of its own: it can be killed, or given a disk of its own.
PULL = """
import json, sys
from pathlib import Path
from models.base import ModelError
from models.files import ModelFiles
from tests.prove.models_4 import known
folder, hub, size, digest = sys.argv[1:5]
try:
    ModelFiles(Path(folder), models=[known(int(size), digest)], hub=hub).pull("m")
except ModelError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def known(size: int, digest: str | None) -> Known:
    return Known(
        name="m", title="m", file="m.gguf", size=size, sha256=digest, memory=1, licence="", languages=(),
        hub=Address(repository="a/b", file="m.gguf"),
    )  # fmt: skip


class Case:
    """One fault of the hub, and a folder that begins empty."""

    def __init__(self, folder: Path, hub: Hub, size: int) -> None:
        self.hub, self.folder = hub, folder
        hub.content = tiny_gguf(padding=size)
        self.digest = hashlib.sha256(hub.content).hexdigest()
        self.steps: list[Step] = []

    def files(self, digest: str | None = None) -> ModelFiles:
        return ModelFiles(self.folder, models=[known(len(self.hub.content), digest or self.digest)], hub=self.hub.url)

    def pull(self, digest: str | None = None) -> str:
        """The error's text; empty where the model is here, whole."""
        try:
            path = self.files(digest).pull("m", self.steps.append)
        except ModelError as error:
            return f"{type(error).__name__}: {error}"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == self.digest
        return ""

    def program(self, *before: str) -> subprocess.Popen[str]:
        arguments = [str(self.folder), self.hub.url, str(len(self.hub.content)), self.digest]
        return subprocess.Popen(
            [*before, sys.executable, "-c", PULL, *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )

    @property
    def here(self) -> bool:
        return any(self.folder.glob("*.gguf"))


def cut(case: Case) -> str:
    case.hub.cut_after = [300_000, 300_000]
    if told := case.pull():
        return told
    resumed = [wanted for wanted in case.hub.downloads if wanted]
    return "" if len(resumed) == 2 else f"it did not go on where it was cut: {case.hub.downloads}"


def killed(case: Case) -> str:
    """The program is killed in the middle; the next one fetches only the rest."""
    case.hub.pause = 0.02
    program = case.program()
    while not list(case.folder.glob(".*.part")) or next(case.folder.glob(".*.part")).stat().st_size < 200_000:
        time.sleep(0.02)
    program.send_signal(signal.SIGKILL)
    program.communicate()
    case.hub.pause = 0.0
    if case.here:
        return "half a model counts as here"
    told = case.pull()
    return told or ("" if case.hub.downloads[-1] else "it began anew")


def corrupted(case: Case) -> str:
    case.hub.corrupt = True
    told = case.pull()
    return "" if "checksum" in told and not case.here else f"it was taken: {told}"


def slow(case: Case) -> str:
    """It takes its time and says how far it is."""
    case.hub.pause = 0.01
    told = case.pull()
    shares = [step.done for step in case.steps if step.what == "hub"]
    return told or ("" if len(shares) > 1 and shares == sorted(shares) else "no progress was told")


def oversized(case: Case) -> str:
    case.hub.oversized = True
    told = case.pull()
    return "" if told and not case.here else "more than the size was taken"


def wrong_checksum(case: Case) -> str:
    """The hub has another file under the name than the one that is known: not a byte of it is fetched."""
    told = case.pull("0" * 64)
    return "" if told and not case.here and not case.hub.downloads else f"{told}, {case.hub.downloads}"


def full_disk(case: Case) -> str:
    """On a disk of two megabytes: told before a byte is fetched."""
    told = _on_a_disk_of(case, "2m")
    return "" if "NoSpace" in told and not case.hub.downloads else f"{told}, {case.hub.downloads}"


def filling_disk(case: Case) -> str:
    """Somebody else fills the disk while the model comes."""
    case.hub.pause = 0.01
    filler = f"head -c 95m /dev/zero > {case.folder}/filler"
    told = _on_a_disk_of(
        case, "90m", meanwhile=f"(until ls -A {case.folder} | grep -q part; do sleep 0.1; done; {filler}) & "
    )
    return "" if "NoSpace" in told and case.hub.downloads else f"{told}, {case.hub.downloads}"


def _on_a_disk_of(case: Case, size: str, meanwhile: str = "") -> str:
    """The last line of a pull into a small disk, which a namespace of its own can mount without rights."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return "no unshare, so there is no small disk to try this on"
    script = (
        f'mount -t tmpfs -o size={size} none {case.folder} && {{ {meanwhile}"$@" 2>&1 >/dev/null | tail -n 1 >&2; }}'
    )
    _, told = case.program(unshare, "-rm", "sh", "-c", script, "sh").communicate()
    return (told.strip().splitlines() or ["nothing was said"])[-1]


def damaged_on_disk(case: Case) -> str:
    """Bits that rot after the download are found by `check`, and the model can come back."""
    case.pull()
    path = case.files().path("m")
    with path.open("r+b") as file:
        file.seek(100_000)
        file.write(b"rot")
    try:
        case.files().check("m")
    except ModelError:
        case.files().delete("m")
        return case.pull()
    return "it was not found"


FAULTS: tuple[Callable[[Case], str], ...] = (
    cut, killed, corrupted, slow, oversized, wrong_checksum, full_disk, filling_disk, damaged_on_disk,
)  # fmt: skip


def hub_faults(folder: Path, wrong: list[str]) -> None:
    for fault in FAULTS:
        place = folder / fault.__name__
        place.mkdir()
        with stand_in_hub() as hub:
            told = fault(Case(place, hub, size=2_500_000 if fault in (full_disk, filling_disk) else 1_000_000))
        print(f"{fault.__name__:16} {told or 'as it should be'}", flush=True)
        if told:
            wrong.append(f"{fault.__name__}: {told}")


def home_with_models(folder: Path) -> Path:
    """The sample home, answering with the small model; beside it a good one, a poor one, a broken and a huge one."""
    home = prepared_home(folder / "home", rows=2000, model=False)
    files = ModelFiles(home / "models")
    for name in (FIRST, SECOND, POOR):
        files.import_file(cached(name))
    for name, content in (("broken", tiny_gguf()), ("huge", tiny_gguf(blocks=1 << 30))):
        (folder / f"{name}.gguf").write_bytes(content)
        files.import_file(folder / f"{name}.gguf")
    files.use(FIRST)
    return home


class Crowd:
    """Customers who ask all the time, while models come and go."""

    def __init__(self, appliance: Appliance, size: int) -> None:
        self._over = asyncio.Event()
        self._tasks = [asyncio.get_running_loop().create_task(self._one(appliance, number)) for number in range(size)]

    async def _one(self, appliance: Appliance, number: int) -> list[Answer]:
        customer = Customer(appliance, address=loopback(number))
        answers: list[Answer] = []
        while not self._over.is_set():
            question = QUESTIONS[(number + len(answers)) % len(QUESTIONS)]
            answers.append(await customer.ask(question, patience=90))
            await asyncio.sleep(3)
        await customer.close()
        return answers

    async def leave(self) -> list[Answer]:
        self._over.set()
        return [answer for part in await asyncio.gather(*self._tasks) for answer in part]


async def switching(folder: Path, wrong: list[str], *, quick: bool) -> None:
    home = home_with_models(folder)
    with Appliance(home, APPLIANCE_PATIENCE="40") as appliance:
        appliance.wait()
        appliance.wait_for_engine()
        chat = appliance.pid("chat")
        await _warm(appliance)
        crowd = Crowd(appliance, 2)
        await asyncio.sleep(10)
        await _refused(appliance, "huge", "needs about", wrong)
        await _refused(appliance, POOR, "failed the test", wrong)
        for bad in ("broken", POOR):
            await _returned(appliance, bad, wrong)
        if not quick:
            await _kept(appliance, SECOND, wrong)
        await asyncio.sleep(10)
        answers = await crowd.leave()
        if appliance.pid("chat") != chat:
            wrong.append("the chat was restarted")
        _judge(answers, wrong)
        _recorded(appliance.database_url(), {FIRST} if quick else {FIRST, SECOND}, wrong)
        print((await _models(appliance, "switches")).stdout)
    if left := appliance.left_behind():
        wrong.append(f"left behind: {left}")


async def _warm(appliance: Appliance) -> None:
    """The first question of a chat that has just started also pays for its start, which is another proof's matter."""
    customer = Customer(appliance, address=loopback(900))
    await customer.ask(QUESTIONS[0], patience=120)
    await customer.close()


async def _refused(appliance: Appliance, name: str, why: str, wrong: list[str]) -> None:
    """Before anything changes for anybody."""
    engine, began = appliance.pid("engine"), time.monotonic()
    done = await _models(appliance, "use", name)
    said = done.stdout + done.stderr
    if done.returncode == 0 or why not in said or appliance.pid("engine") != engine or _chosen(appliance) != FIRST:
        wrong.append(f"{name} should have been refused ({why}): {said[-300:]}")
    last = (done.stdout or said).strip().splitlines()[-1]
    print(f"{name:20} refused after {time.monotonic() - began:.0f} s: {last[:100]}", flush=True)


async def _returned(appliance: Appliance, name: str, wrong: list[str]) -> None:
    """Chosen without a trial, it fails where it runs, and the model before it answers again by itself."""
    began = time.monotonic()
    await _models(appliance, "use", name, "--untested")
    if not await _comes_true(lambda: _chosen(appliance) == FIRST and "engine=OK" in appliance.get("/healthz")[1], 240):
        wrong.append(f"{name} was not replaced by {FIRST}: {appliance.log.read_text()[-1500:]}")
        return
    last = ModelFiles(appliance.home / "models").switches()[-1]
    if (last.model, last.kept) != (name, False):
        wrong.append(f"the return from {name} is not recorded: {last}")
    print(f"{name:20} gave its place back after {time.monotonic() - began:.0f} s: {last.why[:100]}", flush=True)


async def _kept(appliance: Appliance, name: str, wrong: list[str]) -> None:
    began = time.monotonic()
    done = await _models(appliance, "use", name)
    kept = await _comes_true(lambda: ModelFiles(appliance.home / "models").switches()[-1].kept is True, 240)
    if done.returncode or not kept or _chosen(appliance) != name:
        wrong.append(f"{name} should answer now: {done.stdout}{done.stderr}")
    url = appliance.database_url()
    await _comes_true(lambda: name in [row[0] for row in _writers(url)], 180)  # on a busy box, prose is rare
    print(f"{name:20} tried, chosen and answering after {time.monotonic() - began:.0f} s", flush=True)


def _judge(answers: list[Answer], wrong: list[str]) -> None:
    useful = [min(filter(None, (answer.cards, answer.first_text)), default=float("inf")) for answer in answers]
    silent = [answer for answer in answers if answer.done is None or answer.error]
    p95 = percentile(useful, 0.95)
    print(f"customers: {len(answers)} questions, {len(silent)} without an answer, first useful content p95 {p95:.2f} s")
    if silent:
        wrong.append(f"{len(silent)} questions had no answer, such as {silent[0]}")
    if p95 > USEFUL:
        wrong.append(f"customers waited {p95:.2f} s at p95")


def _recorded(url: str, models: set[str], wrong: list[str]) -> None:
    """Which model and which prompt wrote an answer stands with it."""
    rows = _writers(url)
    print("answers written by", ", ".join(f"{model} with prompt {prompt} ({count})" for model, prompt, count in rows))
    if not {row[0] for row in rows} >= models or not all(row[1] for row in rows):
        wrong.append(f"answers should name {models} and their prompts: {rows}")


def _writers(url: str) -> list[tuple[str, str, int]]:
    """(model, version of the prompt, answers)."""
    with psycopg.connect(url) as connection:
        query = "SELECT model, prompt_version, count(*) FROM answers WHERE model <> '' GROUP BY 1, 2"
        return connection.execute(query).fetchall()


def _chosen(appliance: Appliance) -> str | None:
    return ModelFiles(appliance.home / "models").chosen()


async def _models(appliance: Appliance, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(appliance.command, "models", *arguments)


async def _comes_true(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(true):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.5)
    return True


def main(*, quick: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("models-4") as wrong:
        if quick:
            print("QUICK: the switch to a second good model is left out")
        hub_faults(Path(folder), wrong)
        asyncio.run(switching(Path(folder), wrong, quick=quick))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
