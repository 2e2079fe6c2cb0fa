"""Becomes another program: one that ends with its parent, is as nice as asked, and lacks root's rights if told so.

Run as a script between the parent and the program (`python -I -S launch.py ORDERS PROGRAM ...`), because all of this
must happen in the child, after the fork and before the exec; done in a `preexec_fn` it would be unsafe once the parent
has threads. It costs about 20 ms and imports nothing of ours.
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_SECUREBITS = 28
_NO_SETUID_FIXUP = 1 << 2  # <linux/securebits.h>
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CLONE_NEWUSER = 0x10000000  # <linux/sched.h>
_CAP_DAC_OVERRIDE = 1  # <linux/capability.h>
_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An ordinary user as whom a program runs when the parent is root.

    `way` "namespace": the program alone sees itself as that user; outside it stays root's, so files need no new owner.
    `way` "drop": the program really becomes that user. `reach` then lets it keep root's way through closed folders.
    """

    uid: int
    gid: int
    way: str
    reach: bool = False


def command(
    program: Sequence[str | Path], *, dies_with: int = 0, nice: int = 0, account: Account | None = None
) -> list[str]:
    """The argument list that starts `program` so; `dies_with` is the signal it gets when this process ends."""
    orders = {
        "parent": os.getpid(),
        "signal": int(dies_with),
        "nice": nice,
        "account": asdict(account) if account else None,
    }
    return [sys.executable, "-I", "-S", __file__, json.dumps(orders), *map(str, program)]


def ordinary_user() -> tuple[int, int]:
    """An account of this box that is not root: PostgreSQL asks for the name of its user, so it must have one."""
    overflow = 65534  # stands for everybody unmapped inside a user namespace: nobody's identity to take
    users = [user for user in pwd.getpwall() if user.pw_uid not in {0, overflow}]
    chosen = next((user for user in users if user.pw_name == "postgres"), users[0] if users else None)
    if chosen is None:
        raise OSError("/etc/passwd names no user beside root")
    return chosen.pw_uid, chosen.pw_gid


def main(orders_json: str, program: list[str]) -> None:
    orders = json.loads(orders_json)
    if orders["nice"]:
        os.nice(orders["nice"])
    if orders["account"]:
        _become(Account(**orders["account"]))
    if orders["signal"]:
        # Last, because the kernel forgets it when the user changes.
        _call("prctl", _PR_SET_PDEATHSIG, orders["signal"], 0, 0, 0)
        if os.getppid() != orders["parent"]:
            sys.exit(1)  # the parent ended before the kernel was told to watch it
    os.execv(program[0], program)


def _become(account: Account) -> None:
    if account.way == "namespace":
        _enter_namespace(account)
        return
    if account.reach:
        # Keeps the capabilities when the user changes, and lets access(2) heed them: initdb asks it for its programs.
        _call("prctl", _PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    if account.reach:
        _keep_capability(_CAP_DAC_OVERRIDE)


def _enter_namespace(account: Account) -> None:
    """user_namespaces(7): one line a map, written by the process itself, needs no right but to its own id."""
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", _CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{account.uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{account.gid} {gid} 1")


def _keep_capability(capability: int) -> None:
    """capabilities(7): only an ambient capability survives the exec of an ordinary program."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    mask = 1 << capability
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)  # effective, permitted, inheritable; low, then high words
    _call("capset", header, data)
    _call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
