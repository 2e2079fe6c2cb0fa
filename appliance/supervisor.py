"""`appliance run`: one command that brings up everything, keeps it up, and ends it with nothing left behind.

Light on purpose: it opens no database connection and loads no catalogue, so that nothing of that kind can take it down.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping
from itertools import chain, repeat
from typing import IO, Any

from appliance import logs, ports
from appliance.alerts import Trouble
from appliance.household import House, Step, Switch, house
from appliance.journal import Journal, Own
from appliance.leftovers import StartError, check_room, end_leftovers, mark, only_one
from appliance.processes import Child, Database, Kept, Phase, Role, end, lines, spawn
from appliance.settings import FILE, Settings, variable
from appliance.store.embedded import Embedded, EmbeddedError
from appliance.switching import Switching
from appliance.tasks import Tasks
from appliance.version import version
from appliance.watch import Troubles
from appliance.words import words

STEP_PAUSES = (15, 60, 300)  # seconds before a failed step is tried again; the last one repeats
LOGS_LOOK = 10.0  # seconds between looks whether the log folder can be written
STANDS = 20.0  # seconds that a process must have been up after an unexpected end to count as well
LOOPS, WITHIN = 3, 180.0  # so many ends in so many seconds are a loop
STEP_LOOK = 5.0  # seconds between looks whether somebody has brought what we were told not to fetch
INVITE = 60.0  # seconds that the first administrator's link may take: the start does not wait for it longer
GIVE_WAY = 3.0  # seconds that the children of a killed supervisor may take to end before a port counts as taken


def run(settings: Settings) -> int:
    """Brings up the house of these settings and stays until it is told to end; gives the exit code."""
    logs.configure(level=settings.log_level, form=settings.log_format, role="supervisor")
    return asyncio.run(Supervisor(house(settings)).run())


class Supervisor:
    """Runs one house; `run` may be called once."""

    def __init__(self, house: House, *, screen: IO[str] | None = None) -> None:
        self._house = house
        self._screen = screen
        self._began = time.monotonic()
        self._steps: dict[str, dict[str, Any]] = {}
        self._done: dict[str, asyncio.Event] = {step.name: asyncio.Event() for step in house.steps}
        self._tried: dict[str, asyncio.Event] = {step.name: asyncio.Event() for step in house.steps}
        self._database: Database | None = None
        self._children: list[Child] = []
        self._background: list[asyncio.Task[None]] = []
        self._logs = ""  # why the journal cannot be written
        self._soon: asyncio.TimerHandle | None = None  # the next writing of the state, where one is due

    async def run(self) -> int:
        home = self._house.home
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            (home / "run").mkdir(exist_ok=True)
            self._journal = Journal(home / "logs" / "appliance.log", screen=self._screen)
            logs.configure(level=self._house.log_level, form="json", to=Own(self._journal, "watch"))
            check_room(home)
        except StartError as error:
            self._journal.say(str(error))
            return 1
        except OSError as error:
            sys.stderr.write(words("home_not_writable", home=home, why=error.strerror) + "\n")
            return 1
        try:
            with only_one(home):
                return await self._run()
        except StartError as error:
            self._journal.say(str(error))
            return 1
        finally:
            self._journal.close()

    async def _run(self) -> int:
        told = asyncio.Event()
        for order in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(order, told.set)
        async with Tasks() as tasks:
            opening = tasks.start(self._trouble(tasks), name="open")
            ending = tasks.start(told.wait(), name="told")
            try:
                await asyncio.wait({opening, ending}, return_when=asyncio.FIRST_COMPLETED)
                if opening.done():
                    if trouble := opening.result():
                        raise StartError(trouble)
                    await ending
                self._say("ending")
            finally:
                await _cancel(opening, *self._background)
                await self._close()
        self._say("ended")
        return 0

    async def _trouble(self, tasks: Tasks) -> str:
        """Opens the house; gives why it cannot be opened, or nothing."""
        try:
            await self._open(tasks)
        except (StartError, EmbeddedError) as error:
            return str(error)
        return ""

    async def _open(self, tasks: Tasks) -> None:
        """From nothing to a chat that answers; the long steps go on behind it."""
        house = self._house
        self._say("starting", version=version(), home=house.home)
        if left := end_leftovers(house.home):
            self._say("leftovers", count=left)
        await self._check_ports()
        env = self._environment()
        if house.own_database:
            env["DATABASE_URL"] = await self._open_database(tasks)
        if house.migrate:
            self._say("migrating")
            code, last = await self._work("migrate", house.migrate, env, nice=0)
            if code:
                raise StartError(words("migration_failed", why="\n".join(last)))
        self._children = [
            Child(role, env=env, journal=self._journal, changed=self._changed, say=self._say) for role in house.roles
        ]
        self._say("roles_starting", names=", ".join(child.name for child in self._children))
        for child in self._children:
            tasks.start(self._keep(child), name=child.name)
        if house.watch is not None:
            self._background.append(tasks.start(house.watch(self._troubles).run(), name="watch"))
            self._background.append(tasks.start(self._look_at_logs(), name="logs"))
        if house.switch is not None:
            self._background.append(tasks.start(self._switching(house.switch, env).run(), name="switching"))
        for step in house.steps:
            self._background.append(tasks.start(self._step(step, env), name=step.name))
        await self._until_ready(await self._first_link(env))

    async def _open_database(self, tasks: Tasks) -> str:
        server = Embedded(self._house.home / "postgres")
        self._say("database_starting" if server.data.exists() else "database_new")
        self._database = Database(server, changed=self._changed, say=self._say)
        try:
            url = await self._database.open()
        except EmbeddedError as error:
            raise StartError(words("database_failed", why=error)) from error
        self._background.append(tasks.start(self._database.run(), name="database"))
        return url

    async def _keep(self, child: Child) -> None:
        if child.role.after in self._done:
            await self._done[child.role.after].wait()
        await child.run()

    async def _look_at_logs(self) -> None:
        while True:
            if (why := await asyncio.to_thread(self._journal.trouble)) != self._logs:
                self._logs = why
                self._changed()
            await asyncio.sleep(LOGS_LOOK)

    def _troubles(self) -> Troubles:
        """What is wrong with what is kept here, for the watch."""
        found = {each.name: trouble for each in self._kept() if (trouble := _trouble(each))}
        if self._logs:
            values = {"folder": str(self._house.home / "logs"), "why": self._logs}
            found["logs"] = Trouble(part="logs", cause="logs_unwritable", values=values)
        return found

    def _kept(self) -> list[Kept]:
        return [*([self._database] if self._database else []), *self._children]

    def _switching(self, switch: Switch, env: Mapping[str, str]) -> Switching:
        async def examine(model: str) -> str:
            code, last = await self._work("examine", (*switch.examine, model), env, nice=0)
            if not code:
                return ""
            why = last[-1] if last else f"exit code {code}"
            return why.removeprefix(f"{model} failed the test. ")

        engine = next(child for child in self._children if child.name == "engine")
        return Switching(engine, switch.choice(), examine=examine, say=self._say)

    async def _first_link(self, env: Mapping[str, str]) -> str:
        """The first administrator's one-time link; empty where there is an administrator. It goes into no log."""
        if not self._house.invite:
            return ""
        process, output = await spawn(self._house.invite, env=env)
        try:
            async with asyncio.timeout(INVITE), contextlib.aclosing(lines(output)) as said:
                links = [line async for line in said if line.startswith(("http://", "https://"))]
                return links[-1] if not await process.wait() and links else ""
        except TimeoutError:
            return ""
        finally:
            await end(process, grace=2)

    async def _until_ready(self, link: str) -> None:
        for step in self._house.steps:
            if step.first:
                await self._tried[step.name].wait()
        while not all(_settled(child) for child in self._children):
            await asyncio.sleep(0.1)
        took = time.monotonic() - self._began
        seconds = round(took, 1) if took < 10 else round(took)
        self._say("ready", chat=self._house.chat, console=self._house.console, seconds=seconds)
        if "model" in self._done and not self._done["model"].is_set():
            fetched = any(step.programs for step in self._house.steps if step.name == "model")
            self._say("ready_model_later" if fetched else "ready_model_none")
        if link:
            self._journal.whisper(words("first_administrator", link=link, program=self._house.program))
        self._say("next_steps", program=self._house.program, file=self._house.home / FILE)

    async def _step(self, step: Step, env: Mapping[str, str]) -> None:
        """Does a step, again and again until it is done: a download may wait for the network for days."""
        title = words(f"step_{step.name}")
        state = self._steps[step.name] = {"state": "running", "line": ""}
        began, pauses = time.monotonic(), chain(STEP_PAUSES, repeat(STEP_PAUSES[-1]))
        if step.programs and step.needed():
            self._say("step_begins", step=title)
        while step.needed():
            if not step.programs:
                await asyncio.sleep(STEP_LOOK)
                continue
            reason = await self._attempt(step, env)
            self._tried[step.name].set()
            if not reason:
                self._say("step_done", step=title, seconds=round(time.monotonic() - began))
                break
            pause = next(pauses)
            state.update(state="failed", line=reason)
            self._say("step_failed", step=title, reason=reason, seconds=pause)
            self._changed()
            await asyncio.sleep(pause)
            state.update(state="running")
        state.update(state="done", line="")
        self._tried[step.name].set()
        self._done[step.name].set()
        self._changed()

    async def _attempt(self, step: Step, env: Mapping[str, str]) -> str:
        """Empty when all programs of the step ended well, else the last words of the one that did not."""
        for program in step.programs:
            code, last = await self._work(step.name, program, env, nice=10)
            if code:
                return last[-1] if last else f"exit code {code}"
        return ""

    async def _work(
        self, name: str, program: tuple[str, ...], env: Mapping[str, str], *, nice: int
    ) -> tuple[int, deque[str]]:
        """Runs a program to its end; gives its exit code and its last lines, which people see as its progress."""
        title = words(f"step_{name}")
        process, output = await spawn(program, env=env, nice=nice)
        last: deque[str] = deque(maxlen=12)
        try:
            async with contextlib.aclosing(lines(output)) as said:
                async for line in said:
                    last.append(line)
                    self._journal.progress(name, line, shown=words("step_progress", step=title, line=line))
                    self._progress(name, line)
            return await process.wait(), last
        finally:
            await end(process, grace=2)

    def _progress(self, name: str, line: str) -> None:
        if name in self._steps:
            self._steps[name]["line"] = line
            if self._soon is None:  # a download says more than anybody reads
                self._soon = asyncio.get_running_loop().call_later(0.5, self._changed)

    async def _check_ports(self) -> None:
        """All at once, before anything is started. Children of a killed supervisor may be in their last breath."""
        deadline = time.monotonic() + GIVE_WAY
        while troubles := [trouble for role in self._house.roles if (trouble := _port_trouble(role))]:
            if time.monotonic() > deadline:
                raise StartError("\n".join(troubles))
            await asyncio.sleep(0.2)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self._house.env,
            "APPLIANCE_LOG_FORMAT": "json",
            "APPLIANCE_RUN": mark(self._house.home, os.getpid()),
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "2",  # glibc keeps an arena a thread otherwise, and gives none back
        }

    async def _close(self) -> None:
        """Customers first, the database last. A second ctrl-C does not hurry it: every wait here is bounded."""
        for child in self._children:
            await child.stop()
        if self._database:
            await self._database.stop()
        end_leftovers(self._house.home, of=os.getpid())
        self._changed()

    def _say(self, text: str, /, **values: object) -> None:
        self._journal.say(words(text, **values))

    def _changed(self) -> None:
        """Writes `run/state.json`, which the console and /healthz show."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        state = {
            "supervisor": os.getpid(),
            "at": time.time(),
            "chat": self._house.chat,
            "console": self._house.console,
            "processes": {
                each.name: {
                    "phase": each.phase.value,
                    "pid": each.pid,
                    "restarts": each.restarts,
                    "reason": each.reason,
                    "ends": [round(at, 1) for at in each.ends],
                    "last_reason": each.last_reason,
                }
                for each in self._kept()
            },
            "logs": self._logs,
            "steps": self._steps,
        }
        path = self._house.home / "run" / "state.json"
        aside = path.with_suffix(".new")
        try:
            aside.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
            aside.replace(path)
        except OSError as error:
            self._journal.line("appliance", f"{path}: {error.strerror}")


def _trouble(each: Kept) -> Trouble | None:
    """Of a process that does not stay up; one that is told to end, or waits, is well."""
    now = time.time()
    lately = [at for at in each.ends if abs(now - at) < WITHIN]
    down = each.phase is Phase.RESTARTING or bool(lately and now - lately[-1] < STANDS)
    if not lately or not down:
        return None
    values = {"name": each.name, "reason": each.last_reason, "times": str(len(lately))}
    cause = "process_loops" if len(lately) >= LOOPS else "process_ended"
    return Trouble(part=each.name, cause=cause, values=values)


def _settled(child: Child) -> bool:
    """Whether the ready message need not wait for it: customers need the chat, the rest may be in trouble."""
    tried = child.restarts > 0 and child.name != "chat"
    return child.phase is Phase.UP or bool(child.role.after) or tried


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _port_trouble(role: Role) -> str:
    if role.listens is None or not (reason := ports.why_not(*role.listens)):
        return ""
    host, port = role.listens
    by = ""
    if reason == "port_taken" and (holder := ports.holder(port)):
        by = words("port_taken_by", name=holder.name, pid=holder.pid)
    return words(reason, host=host, port=port, by=by, variable=variable(f"{role.name}_port"))
