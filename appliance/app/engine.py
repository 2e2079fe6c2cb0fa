"""The engine process: the language model, where a crash takes nothing else down."""

from __future__ import annotations

from appliance.app.parts import (
    log_as,
    model_files,
)
from appliance.app.watching import shown
from appliance.core.prompt import default_prompt, shared_prefix
from appliance.metrics import EngineMetrics
from appliance.settings import Settings
from appliance.version import version
from models.hardware import detect
from models.qualify import kept


def engine(settings: Settings) -> int:
    """The language model, in a process of its own; its exit code says why it ended."""
    from models.engine import serve

    log_as(settings, "engine")
    shown(settings, EngineMetrics(settings.engine_address, version=version()), "engine")
    files = model_files(settings)
    box = detect(settings.home)
    name = settings.model or files.chosen() or files.default(box)
    found = kept(files.folder, box)
    measured = found if found and found.model == name else None
    path = files.path(name)
    prompt = default_prompt()
    return serve(
        path,
        host=settings.engine_host,
        port=settings.engine_port,
        slots=settings.engine_slots or (measured.slots if measured else 2),
        threads=settings.engine_threads or (measured.threads if measured else None),
        runtime=measured.runtime if measured and settings.engine_runtime == "auto" else settings.engine_runtime,
        context=settings.engine_context or (measured.context if measured else 2048),
        prefix=shared_prefix(prompt.body),
        name=name,
        folder=settings.home / "cache" / "prefixes",
    )
