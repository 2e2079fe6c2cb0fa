"""main-6: bad input gets a clear message, and nothing is lost."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import openpyxl
import websockets
from PIL import Image

from tests.prove_kit import prepared_home
from tests.rig import ROOT, Appliance, Customer, free_port, loopback, verdict

Rows: TypeAlias = list[tuple[object, ...]]
PATIENCE = 300  # seconds of a command; what is proven is what it says, not how fast a busy box says it
GOOD: Rows = [("Артикул", "Наименование", "Цена, руб"), ("A-1", "Насос", 100), ("A-2", "Вентиль", 200)]


def _book(rows: Rows) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(out, "PNG")
    return out.getvalue()


def _locked() -> bytes:
    from msoffcrypto.format.ooxml import OOXMLFile

    out = io.BytesIO()
    OOXMLFile(io.BytesIO(_book(GOOD))).encrypt("secret", out)
    return out.getvalue()


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_book(GOOD))) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bad:
        for name in good.namelist():
            if not name.endswith("sheet1.xml"):
                bad.writestr(name, good.read(name))
        with bad.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(3000):
                sheet.write(b" " * (1 << 20))
    return out.getvalue()


REFUSED: dict[str, Callable[[], bytes]] = {
    "an empty file": lambda: b"",
    "a picture renamed .xlsx": _picture,
    "a password-protected book": _locked,
    "a zip bomb": _bomb,
}


def files(appliance: Appliance, folder: Path, wrong: list[str]) -> None:
    """What an importer must refuse or report; the live catalogue stays as it was."""
    before = appliance.command("catalog", "versions", "--json").stdout
    for what, make in REFUSED.items():
        path = folder / "prices.xlsx"
        path.write_bytes(make())
        done = appliance.command("catalog", "import", str(path), "--publish", timeout=PATIENCE)
        said = done.stderr.strip().splitlines()[-1:] or [""]
        _tell(what, said[0])
        if done.returncode != 1 or not said[0].startswith("appliance: ") or "Traceback" in done.stderr:
            wrong.append(f"{what}: exit code {done.returncode}, {done.stderr[-300:]}")
    if appliance.command("catalog", "versions", "--json").stdout != before:
        wrong.append("a refused file has changed the catalogue")
    for what, rows, products in (
        ("two products with one SKU", [*GOOD, ("A-1", "Другой насос", 300)], 3),
        ("a 3 MB cell", [*GOOD, ("A-3", "x" * 32_000, 1), ("A-4", "Кран", 5)], 4),
    ):
        path = folder / "prices.csv"
        text = "\n".join(";".join(str(cell) for cell in row) for row in rows)
        path.write_text(text.replace("x" * 32_000, "x" * (3 << 20)), encoding="utf-8")
        done = appliance.command("catalog", "import", str(path), "--dry-run", "--json", timeout=PATIENCE)
        report = json.loads(done.stdout) if done.returncode == 0 else {}
        problems = [problem["message"] for problem in report.get("problems", ())]
        _tell(what, "; ".join(problems)[:200])
        if not problems or not 0 < report["products"] <= products:
            wrong.append(f"{what}: {done.stdout[-300:]} {done.stderr[-300:]}")


async def frames(appliance: Appliance, wrong: list[str]) -> None:
    """What a browser, or somebody who poses as one, may send."""
    customer = Customer(appliance, address=loopback(1))
    await customer.connect()
    assert customer._socket is not None
    await customer._send({"type": "msg", "cid": str(uuid4()), "text": "н" * 20_000})
    code = await _closed(customer._socket)
    _tell("a frame of 40 KB", f"closed with {code}")
    if code != 4413:
        wrong.append(f"a frame of 40 KB: close code {code}, not 4413")

    customer._socket = None
    await customer.connect()
    await customer._send({"type": "msg", "cid": str(uuid4()), "text": "n" * 10_000})
    frame = await customer._frame()
    _tell("a message too long", json.dumps(frame))
    if frame["type"] != "err" or frame["code"] != "too_long":
        wrong.append(f"a message of 10,000 characters: {frame}")
    answer = await customer.ask("привет")
    if answer.done is None:
        wrong.append("after a message that was too long the customer gets no answer")

    stranger = Customer(appliance, address=loopback(2))
    stranger.sid, stranger.token = customer.sid, "guessed"
    try:
        await stranger.connect(patience=3)
        said = "a new session" if stranger.sid != customer.sid else "the customer's own session"
    except (OSError, TimeoutError, websockets.WebSocketException) as error:
        said = f"refused: {error}"
    _tell("a wrong token", said)
    if stranger.sid == customer.sid and not said.startswith("refused"):
        wrong.append("a wrong token opens the customer's session")
    await customer.close()


async def _closed(socket_: websockets.ClientConnection) -> int:
    try:
        async with asyncio.timeout(10):
            while True:
                await socket_.recv()
    except websockets.ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0


def ports(home: Path, wrong: list[str]) -> None:
    """A port that is already taken is told before anything is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        other = Appliance(home)
        other.env["APPLIANCE_CHAT_PORT"] = str(taken.getsockname()[1])
        done = other.command("run", timeout=PATIENCE)
    said = (done.stdout + done.stderr).strip().splitlines()[-1]
    _tell("a port already taken", said)
    if done.returncode == 0 or str(taken) in said or "APPLIANCE_CHAT_PORT" not in done.stdout + done.stderr:
        wrong.append(f"a port already taken: {done.stdout[-300:]} {done.stderr[-300:]}")


def full_disk(home: Path, folder: Path, wrong: list[str]) -> None:
    """A home on a disk of 40 MB: the import says so, and the version that was live stays."""
    small = folder / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(small)], check=False).returncode
    if mounted:
        print("a full disk: cannot be shown here, mounting is not allowed")
        wrong.append("a full disk: not shown")
        return
    try:
        subprocess.run(["cp", "-r", f"{home}/catalog", str(small)], check=True)
        ballast = small / "ballast"
        free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
        ballast.write_bytes(b"\0" * max(0, free - 200_000))
        appliance = Appliance(small)
        book = folder / "more.csv"
        lines = "\n".join(f"B-{number};Насос номер {number};{number}" for number in range(3_000))
        book.write_text("Артикул;Наименование;Цена\n" + lines, encoding="utf-8")
        before = sorted(path.name for path in (small / "catalog").iterdir())
        done = appliance.command("catalog", "import", str(book), "--publish", timeout=PATIENCE)
        after = sorted(path.name for path in (small / "catalog").iterdir())
        said = done.stderr.strip().splitlines()[-1]
        _tell("a full disk", said)
        found = appliance.command("catalog", "search", "насос", "--json")
        if done.returncode != 1 or "Traceback" in done.stderr or before != after or found.returncode:
            wrong.append(f"a full disk: {done.returncode} {done.stderr[-500:]} {before} {after} {found.stderr[-200:]}")
    finally:
        subprocess.run(["umount", str(small)], check=True)


def no_memory(home: Path, folder: Path, wrong: list[str]) -> None:
    """A model that does not fit is refused before it is loaded, with what to do."""
    large = folder / "large-model.gguf"
    _pose_as_large_model(home, large)
    program = [sys.executable, "-c", f"""
from pathlib import Path
from typing import TypeAlias
from models.engine import serve
raise SystemExit(serve(Path({str(large)!r}), port={free_port()}, context=131072, slots=64))
"""]  # fmt: skip
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    said = done.stderr.strip().splitlines()[-1:] or [""]
    _tell("no memory for the model", said[0])
    if done.returncode == 0 or "memory" not in said[0] or "appliance models use" not in said[0]:
        wrong.append(f"no memory for the model: {done.returncode} {done.stderr[-300:]}")


def _pose_as_large_model(home: Path, target: Path) -> None:
    """The real model, asked for 64 chats of 131,072 tokens: hundreds of gigabytes."""
    os.link(next((home / "models").glob("*.gguf")), target)


def _tell(what: str, said: str) -> None:
    print(f"{what}: {said}", flush=True)


async def main() -> int:
    with tempfile.TemporaryDirectory(prefix="counterman-") as name, verdict("main-6") as wrong:
        folder = Path(name)
        home = prepared_home(folder / "home", rows=2_000)
        full_disk(home, folder, wrong)
        no_memory(home, folder, wrong)
        with Appliance(home, APPLIANCE_PULL="false") as appliance:
            appliance.wait()
            files(appliance, folder, wrong)
            await frames(appliance, wrong)
            ports(folder / "other", wrong)
        print(f"{len(wrong)} of 12 kinds of bad input were met badly")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
