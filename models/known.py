"""The models that the appliance knows by name (`known.toml`), and which of them suits a box."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from models.hardware import GIB, Hardware

Fit: TypeAlias = Literal["good", "slow", "too large"]
# Prompt tokens a second and core, times the bytes read for each: 31 tok/s x 1.1 GB measured with the AVX2 wheel.
_PROMPT_WORK = 34e9
_PATIENT = 25.0  # prompt tokens a second below which a customer waits too long for the first word


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A file in a model hub's repository."""

    repository: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A file cut into Python packages; `{part}` in the name counts from one, `member` is a glob inside the wheel."""

    name: str
    version: str
    member: str
    parts: int = 1

    def requirements(self) -> list[str]:
        return [f"{self.name.format(part=part)}=={self.version}" for part in range(1, self.parts + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """The least box on which a model is chosen by itself: GiB of free memory with cores, or GiB of one card."""

    memory: float = float("inf")
    cores: int = 1
    card: float = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A model by name; sizes in bytes. Without `sha256` the size is about, and the hub's own digest must match."""

    name: str
    title: str
    file: str
    size: int
    memory: int
    licence: str
    languages: tuple[str, ...]
    sha256: str | None = None
    active: int = 0
    hub: Hub | None = None
    package: Package | None = None
    default: Default | None = None

    def fit(self, hardware: Hardware) -> Fit:
        """Whether this box holds the model, and is fast enough for a chat."""
        return judge(hardware, memory=self.memory, work=self.active or self.size)


def judge(hardware: Hardware, *, memory: int, work: int) -> Fit:
    """The same of any model: bytes that it holds, and bytes that it reads for each token."""
    if any(card.memory >= memory for card in hardware.gpus):
        return "good"
    if memory > hardware.available:
        return "too large"
    speed = _PROMPT_WORK * max(1, hardware.cores - 1) / work
    return "good" if speed >= _PATIENT else "slow"


@cache
def known() -> tuple[Known, ...]:
    """All of them, smallest first."""
    with Path(__file__).with_name("known.toml").open("rb") as file:
        return tuple(_known(row) for row in tomllib.load(file)["model"])


def default(hardware: Hardware, models: Sequence[Known] | None = None) -> Known:
    """The largest model that is meant for a box like this one."""
    fitting = [model for model in models or known() if model.default and _meant(model.default, hardware)]
    return fitting[-1]


def _meant(least: Default, hardware: Hardware) -> bool:
    if any(card.memory >= least.card * GIB for card in hardware.gpus):
        return True
    return hardware.available >= least.memory * GIB and hardware.cores >= least.cores


def _known(row: Mapping[str, Any]) -> Known:
    made = {**row, "languages": tuple(row["languages"])}
    for key, kind in (("hub", Hub), ("package", Package), ("default", Default)):
        if key in row:
            made[key] = kind(**row[key])
    return Known(**made)
