"""`appliance catalog work`: what the worker starts for an uploaded price list, in a process of its own."""

from __future__ import annotations

import argparse
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

    folder = settings.home / "catalog"
    return work(asked.folder, shelf=shelf(settings), embedder=embedder(settings), catalogue=folder)
