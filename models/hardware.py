"""What this box has: cores, memory, processor features, free disk, graphics cards."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from models import nvidia

GIB = 1 << 30
# The instruction sets that decide how fast a quantised model runs on a processor.
FEATURES = ("avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp", "i8mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One graphics card; memory in bytes, `busy` in percent of the last moment."""

    name: str
    memory: int
    free: int
    busy: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """Sizes in bytes; `available` is what a new process may take without pushing others out."""

    processor: str
    cores: int
    memory: int
    available: int
    disk_free: int
    features: frozenset[str]
    gpus: tuple[Gpu, ...]


def detect(folder: Path | None = None) -> Hardware:
    """This box as it is now; `folder` names the disk that is asked for its free space."""
    total, available = memory()
    processor, features = _processor()
    return Hardware(
        processor=processor,
        cores=cores(),
        memory=total,
        available=available,
        disk_free=free_disk(folder or Path.cwd()),
        features=features,
        gpus=_nvidia(),
    )


def cores() -> int:
    """Cores that this process may use: its affinity, and below that the quota of its control group."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for group in _control_groups():
        quota, _, period = _read(group / "cpu.max").partition(" ")
        if quota.isdigit() and period.strip().isdigit():
            allowed = min(allowed, max(1, int(quota) // int(period)))
    return allowed


def memory() -> tuple[int, int]:
    """(total, available) bytes, the smaller of the machine's and of the control groups' that hold this process."""
    lines = dict(line.split(":", 1) for line in _read(Path("/proc/meminfo")).splitlines() if ":" in line)
    if "MemTotal" in lines:
        total, available = (int(lines[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    else:  # not Linux: no figure for what is available, so all of it
        total = available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for group in _control_groups():
        limit, used = _read(group / "memory.max").strip(), _read(group / "memory.current").strip()
        if limit.isdigit() and used.isdigit():
            statistics = dict(line.split() for line in _read(group / "memory.stat").splitlines())
            reclaimable = int(statistics.get("inactive_file", 0)) + int(statistics.get("active_file", 0))
            total = min(total, int(limit))
            available = min(available, max(0, int(limit) - int(used) + reclaimable))
    return total, available


def is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64", "i686")


def features() -> frozenset[str]:
    """The instruction sets of `FEATURES` that this processor has."""
    return _processor()[1]


def free_disk(folder: Path) -> int:
    """Bytes free for this user on the disk that holds `folder` (or will, once it is made)."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _control_groups() -> list[Path]:
    """The version 2 control group of this process and its parents; empty where there is none."""
    root = Path("/sys/fs/cgroup")
    own = next((line[3:] for line in _read(Path("/proc/self/cgroup")).splitlines() if line.startswith("0::")), "")
    if not own:
        return []
    group = root / own.strip().lstrip("/")
    return [folder for folder in (group, *group.parents) if folder.is_relative_to(root)]


def _processor() -> tuple[str, frozenset[str]]:
    name, flags = platform.machine(), ""
    for line in _read(Path("/proc/cpuinfo")).splitlines():
        key, _, value = line.partition(":")
        match key.strip():
            case "model name":
                name = value.strip()
            case "flags" | "Features":
                flags = value
                break
    return name, frozenset(flags.split()) & frozenset(FEATURES)


def _nvidia() -> tuple[Gpu, ...]:
    """NVIDIA cards by the driver's library; by its tool where only that can be reached, as in some containers."""
    found = nvidia.cards()
    if found is None:
        return _by_tool()
    return tuple(Gpu(name=name, memory=memory, free=free, busy=busy) for name, memory, free, busy in found)


def _by_tool() -> tuple[Gpu, ...]:
    """None where the tool is absent, fails or hangs."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(gpu for line in answer.splitlines() if (gpu := _card(line)))


def _card(line: str) -> Gpu | None:
    """`NVIDIA GeForce RTX 4090, 24564, 23010` (MiB); some cards answer `[N/A]` for memory and are left out."""
    name, _, rest = line.partition(",")
    total, _, free = (part.strip() for part in rest.partition(","))
    if not (total.isdigit() and free.isdigit()):
        return None
    return Gpu(name=name.strip(), memory=int(total) << 20, free=int(free) << 20)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
