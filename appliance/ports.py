"""Whether an address is free to listen on, and who has it if not."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that listens on a port, as far as this user may see."""

    pid: int
    name: str


def why_not(host: str, port: int) -> str:
    """Empty if one can listen there; else the id of the reason: port_taken, port_forbidden, host_unknown."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        return "host_unknown"
    with socket.socket(family, kind, protocol) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(address)
            trial.listen(1)
        except OSError as error:
            reasons = {errno.EADDRINUSE: "port_taken", errno.EACCES: "port_forbidden"}
            return reasons.get(error.errno or 0, "host_unknown")
    return ""


def holder(port: int) -> Holder | None:
    """Who listens on `port`: /proc/net/tcp names the socket, /proc/PID/fd its owner (proc(5))."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").iterdir() if sockets else ():
        if process.name.isdigit() and _has(process, sockets):
            return Holder(pid=int(process.name), name=(process / "comm").read_text().strip())
    return None


def _listening(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A: listening
                found.add(fields[9])
    return found


def _has(process: Path, sockets: set[str]) -> bool:
    try:
        return any(str(descriptor.readlink()) in sockets for descriptor in (process / "fd").iterdir())
    except OSError:
        return False
