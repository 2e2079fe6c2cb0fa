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


def engine(settings: Settings) -> int:
    """The language model, in a process of its own; its exit code says why it ended."""
    from models.engine import serve

    log_as(settings, "engine")
    shown(settings, EngineMetrics(settings.engine_address, version=version()), "engine")
    files = model_files(settings)
    name = settings.model or files.chosen() or files.default(detect(settings.home))
    path = files.path(name)
    prompt = default_prompt()
    return serve(
        path,
        host=settings.engine_host,
        port=settings.engine_port,
        slots=settings.engine_slots or 2,
        threads=settings.engine_threads,
        runtime=settings.engine_runtime,
        context=settings.engine_context or 2048,
        prefix=shared_prefix(prompt.body),
        name=name,
        folder=settings.home / "cache" / "prefixes",
    )
