"""`appliance catalog work`: what the worker starts for an uploaded price list, in a process of its own."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Any

from appliance.settings import Settings


def add_to(verbs: Any) -> None:
    verb = verbs.add_parser("work", help="do the job in an upload's folder (the worker starts this)")
    verb.add_argument("folder", type=Path)
    verb.set_defaults(run=_work)


def _work(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import embedder, shelf
    from appliance.building import work

    _go_first()
    folder = settings.home / "catalog"
    return work(asked.folder, shelf=shelf(settings), embedder=embedder(settings), catalogue=folder)


def _go_first() -> None:
    """Where memory runs out the kernel ends this process before the database or the chat (proc_pid_oom_score_adj(5)).

    A price list comes from strangers; what it makes a reader do is their doing.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
