"""What runs on a box, by its settings: the processes, the first steps, and how the model is changed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from appliance.processes import Role
from appliance.pulse import pulse_file
from appliance.settings import Settings
from appliance.switching import Choice
from appliance.watch import Troubles, Watch
from appliance.watchman import watchman


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Work of the first start that goes on in the background while customers are served already."""

    name: str
    programs: tuple[tuple[str, ...], ...]  # one after the other
    needed: Callable[[], bool] = lambda: True
    first: bool = False  # the address is printed when this has been tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """How the engine's model is changed: where the choice is kept, and the program that tries one by its name."""

    choice: Callable[[], Choice]
    examine: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What runs on this box, as plain values. Roles are started in their order and ended in it: customers first."""

    home: Path
    roles: tuple[Role, ...]
    steps: tuple[Step, ...] = ()
    migrate: tuple[str, ...] = ()
    invite: tuple[str, ...] = ()  # says the first administrator's one-time link while there is no administrator
    watch: Callable[[Callable[[], Troubles]], Watch] | None = None  # made with a view of what is wrong here
    switch: Switch | None = None  # none where the settings name the model, or another server has it
    own_database: bool = True
    env: Mapping[str, str] = field(default_factory=dict)
    chat: str = ""  # addresses for people
    console: str = ""
    program: str = "appliance"  # how people call it
    log_level: str = "info"


def house(settings: Settings) -> House:
    """The processes and first steps that these settings ask for."""
    appliance = (sys.executable, "-m", "appliance")
    own_engine = settings.llm_provider == "engine" and not settings.engine_url
    roles = [
        Role(name="chat", program=(*appliance, "chat"), listens=(settings.chat_host, settings.chat_port),
             livez="/livez"),
        Role(name="console", program=(*appliance, "console"), listens=(settings.console_host, settings.console_port),
             livez="/livez"),
        Role(name="worker", program=(*appliance, "worker"), pulse=pulse_file(settings.home, "worker")),
    ]  # fmt: skip
    if own_engine:
        where = (settings.engine_host, settings.engine_port)
        engine = (*appliance, "engine")
        roles.append(Role(name="engine", program=engine, listens=where, livez="/v1/models", nice=5, after="model"))
    return House(
        home=settings.home,
        roles=tuple(roles),
        steps=tuple(_steps(settings, appliance, own_engine=own_engine)),
        migrate=(*appliance, "migrate"),
        invite=(*appliance, "staff", "link", "--first"),
        watch=lambda children: watchman(settings, children),
        switch=_switch(settings, appliance) if own_engine and not settings.model else None,
        own_database=settings.database_url is None,
        env={"APPLIANCE_HOME": str(settings.home)}
        | ({"APPLIANCE_CONFIG": str(settings.file)} if settings.file else {}),
        chat=settings.chat_address,
        console=settings.console_address,
        program=_as_typed(),
        log_level=settings.log_level,
    )


def _steps(settings: Settings, appliance: tuple[str, ...], *, own_engine: bool) -> list[Step]:
    steps = []
    if settings.sample:
        steps.append(
            Step(
                name="catalogue",
                programs=tuple(_sample(settings.home / "sample", appliance)),
                needed=lambda: not (settings.home / "catalog" / "live.json").exists(),
                first=True,
            )
        )
    if own_engine:
        which = settings.model or "--default"
        # Told not to fetch, we wait until somebody brings a model.
        fetch = ((*appliance, "models", "pull", which),) if settings.pull else ()
        steps.append(Step(name="model", programs=fetch, needed=lambda: not model_is_here(settings)))
    return steps


def _sample(folder: Path, appliance: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield (sys.executable, "-m", "catalog.sample", "--out", str(folder))
    yield (*appliance, "catalog", "import", str(folder / "catalogue.xlsx"), "--publish")


def model_is_here(settings: Settings) -> bool:
    """Whether the own engine has a model file to begin with."""
    from models.base import ModelError
    from models.files import ModelFiles

    files = ModelFiles(settings.home / "models")
    try:
        return files.path(settings.model or files.chosen() or "").is_file()
    except ModelError:
        return False


def _switch(settings: Settings, appliance: tuple[str, ...]) -> Switch:
    def choice() -> Choice:
        from models.files import ModelFiles

        return ModelFiles(settings.home / "models")

    return Switch(choice=choice, examine=(*appliance, "models", "test"))


def _as_typed() -> str:
    """The program as a person in the clone would type it."""
    own = Path(sys.executable).parent / "appliance"
    try:
        return str(own.relative_to(Path.cwd()))
    except ValueError:
        return str(own)
