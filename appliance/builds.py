"""Sees to the uploads: one at a time, in a process of its own, lowered, and again after the death of a worker."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from appliance.building import BUSY, JOB, LIST
from appliance.processes import end, lines, spawn
from appliance.store.questions import recent_questions
from appliance.store.store import Store
from appliance.store.uploads import Upload
from appliance.tasks import Tasks
from catalog.workbook import message

log = structlog.get_logger("builds")

NICE = 15  # customers come first; somebody waits for this, so it goes before a joining lane
LOOK = 1.0  # seconds between looks for work
BEAT = 1.0  # seconds between words of how far it is
GRACE = 2.0  # seconds it may take to end by itself
ATTEMPTS = 3  # deaths in a row after which a person must look
QUESTIONS = 200  # recent ones asked of both versions; some ten seconds
SHOWN = 5  # lines of its last words that tell why it failed

PROGRAM = (sys.executable, "-m", "appliance", "catalog", "work")


class Builds:
    """The one worker of uploads; whoever leads runs it. `folder` holds a folder for each upload."""

    def __init__(self, *, store: Store, folder: Path, program: tuple[str, ...] = PROGRAM) -> None:
        self._store, self._folder, self._program = store, folder, program

    async def run(self) -> None:
        """Works until cancelled; what a worker before it left half done is queued again first."""
        async with self._store.transaction() as tx:
            if left := await tx.free_uploads():
                log.warning("uploads.left", count=left)
        while True:
            if not await self.work_once():
                await asyncio.sleep(LOOK)

    async def work_once(self) -> bool:
        """Does what is due first; False when nothing is."""
        async with self._store.transaction() as tx:
            upload = await tx.claim_upload()
            questions = await recent_questions(tx, QUESTIONS) if upload and upload.task != "read" else []
        if upload is None:
            return False
        log.info("upload.working", upload=str(upload.id), task=upload.task, attempt=upload.attempts)
        if upload.attempts > ATTEMPTS or not await asyncio.to_thread(self._order, upload, questions):
            await self._end(upload, state="failed", fault=message("missing_file", upload.lang, file=upload.file))
            return True
        code, said = await self._attend(upload)
        await self._settle(upload, code, said)
        return True

    def _order(self, upload: Upload, questions: list[str]) -> bool:
        """Says in the upload's folder what is to be done; False where the list is not there any more."""
        job = {
            "task": upload.task, "file": upload.file, "lang": upload.lang, "how": upload.how, "source": upload.source,
            "options": dict(upload.options), "version": upload.version if upload.task == "rehearse" else "",
            "questions": questions,
        }  # fmt: skip
        folder = self._folder / str(upload.id)
        if not (folder / LIST / upload.file).is_file():
            return False
        (folder / f"{upload.task}.json").unlink(missing_ok=True)
        (folder / JOB).write_text(json.dumps(job, ensure_ascii=False), "utf-8")
        return True

    async def _attend(self, upload: Upload) -> tuple[int | None, str]:
        """Starts the process and passes its progress on; its exit code (None when the lease was lost), last words."""
        process, output = await spawn(
            (*self._program, str(self._folder / str(upload.id))), env=dict(os.environ), nice=NICE
        )
        told = Told()
        try:
            async with Tasks() as tasks:
                reading = tasks.start(told.hear(output), name="upload's words")
                ending = tasks.start(process.wait(), name="upload's end")
                while not ending.done():
                    await asyncio.wait({ending}, timeout=BEAT)
                    async with self._store.transaction() as tx:
                        ours = await tx.beat_upload(upload.id, upload.lease, phase=told.phase, share=told.share)
                    if not ours:
                        return None, ""
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(reading), GRACE)
                return process.returncode, "\n".join(told.last)
        finally:
            await end(process, grace=GRACE)

    async def _settle(self, upload: Upload, code: int | None, said: str) -> None:
        """What came of it, into the database; a fault that a person can mend is told, another death is tried again."""
        match code:
            case None:
                log.info("upload.dropped", upload=str(upload.id))
            case 0:
                await self._done(upload)
            case 1 if said:
                await self._end(upload, state="failed", fault=said.split("appliance: ", 1)[-1][-1000:])
            case _ if code == BUSY:
                await self._end(upload, state="queued", attempts=upload.attempts - 1)
                await asyncio.sleep(LOOK)
            case _ if upload.attempts < ATTEMPTS:
                log.warning("upload.died", upload=str(upload.id), code=code, why=said)
                await self._end(upload, state="queued")
            case _:
                log.error("upload.gave_up", upload=str(upload.id), code=code, why=said)
                await self._end(upload, state="failed", fault=f"exit {code}: {said[-1000:]}")

    async def _done(self, upload: Upload) -> None:
        file = self._folder / str(upload.id) / f"{upload.task}.json"
        result: dict[str, Any] = await asyncio.to_thread(lambda: json.loads(file.read_text("utf-8")))
        kept = result.pop("lines", {})
        async with self._store.transaction() as tx:
            if await tx.end_upload(upload.id, upload.lease, state="done", phase="", share=1.0, attempts=0, **result):
                await tx.keep_lines(upload.id, kept)
        log.info("upload.done", upload=str(upload.id), task=upload.task, version=result.get("version", ""))

    async def _end(self, upload: Upload, **values: Any) -> None:
        async with self._store.transaction() as tx:
            await tx.end_upload(upload.id, upload.lease, **values)

    async def prune(self) -> None:
        """Takes away the files and lines of old uploads; their history stays."""
        async with self._store.transaction() as tx:
            old = await tx.old_uploads()
            await tx.forget_lines(old)
        for id in old:
            await asyncio.to_thread(shutil.rmtree, self._folder / str(id), ignore_errors=True)


class Told:
    """What the working process has said so far."""

    def __init__(self) -> None:
        self.phase, self.share = "", 0.0
        self.last: deque[str] = deque(maxlen=SHOWN)

    async def hear(self, output: int) -> None:
        async for line in lines(output):
            if not self._progress(line):
                self.last.append(line)

    def _progress(self, line: str) -> bool:
        with suppress(ValueError, TypeError, KeyError):
            told = json.loads(line)
            self.phase, self.share = str(told["phase"]), float(told["share"])
            return True
        return False
