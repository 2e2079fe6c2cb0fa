"""The engine process: one language model behind an OpenAI-compatible face on a local port."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from models import gguf, hardware
from models.base import ModelError, ModelMissing, ModelRejected, ModelTooLarge, Turn
from models.engine.runtime import RuntimeMissing

CONTEXT = 2048  # tokens of one chat: a shared beginning, some products, twenty short messages, the answer
# Exit codes by sysexits.h: with any of these, starting again will not help until somebody acts.
EXIT_BROKEN, EXIT_MISSING, EXIT_PORT, EXIT_MEMORY = 65, 66, 69, 71


class PortTaken(ModelError):
    """The engine's port is in use; end the program that holds it, or set another port."""


def serve(
    model_path: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    slots: int = 2,
    threads: int | None = None,
    context: int = CONTEXT,
    queue: int = 8,
    prefix: Sequence[Turn] = (),
    name: str = "",
    folder: Path | None = None,
    nice: int = 10,
    gpu_layers: int = -1,
    runtime: str = "auto",
) -> int:
    """Serves the model until the process is told to end, and returns its exit code.

    `slots` chats of `context` tokens each are decoded together, `queue` more may wait. `threads` are cores - 1 at most.
    `folder` keeps computed prefixes from one start to the next; `runtime` is "auto" or one of `runtime.RUNTIMES`.
    A failure is told in one line on standard error.
    """
    try:
        _serve(
            model_path,
            listener=(host, port),
            slots=slots,
            threads=_threads(threads),
            context=context,
            queue=queue,
            prefix=prefix,
            name=name or model_path.stem,
            folder=folder,
            nice=nice,
            gpu_layers=gpu_layers,
            runtime=runtime,
        )
    except ModelError as error:
        print(f"engine: {error}", file=sys.stderr, flush=True)  # noqa: T201  the supervisor's log takes it from there
        return _exit_code(error)
    return 0


def check_fit(model_path: Path, *, slots: int = 2, context: int = CONTEXT, available: int | None = None) -> gguf.Gguf:
    """The model's header, if this box can serve it; else `ModelMissing`, `ModelRejected` or `ModelTooLarge`."""
    if not model_path.is_file():
        raise ModelMissing(
            f"There is no model file {model_path.name}; "
            "`appliance models pull NAME` or `appliance models import FILE` brings one."
        )
    header = gguf.read(model_path)
    if not header.has_chat:
        raise ModelRejected(f"{model_path.name} is a base model without a chat template; choose an instruct model.")
    need, free = header.memory(slots=slots, context=context), hardware.memory()[1] if available is None else available
    if need > free:
        raise ModelTooLarge(
            f"{model_path.name} needs about {need / hardware.GIB:.1f} GiB of memory for {slots} chats of {context} "
            f"tokens, and {free / hardware.GIB:.1f} GiB are free; choose a smaller model with "
            "`appliance models use NAME`, or fewer or shorter chats."
        )
    return header


def _serve(
    model_path: Path,
    *,
    listener: tuple[str, int],
    slots: int,
    threads: int,
    context: int,
    queue: int,
    prefix: Sequence[Turn],
    name: str,
    folder: Path | None,
    nice: int,
    gpu_layers: int,
    runtime: str,
) -> None:
    header = check_fit(model_path, slots=slots, context=context)
    context = min(context, header.trained_context or context)
    with _bound(*listener) as bound, _workplace() as workplace:
        _quiet_numerics()
        os.setpriority(os.PRIO_PROCESS, 0, max(nice, os.getpriority(os.PRIO_PROCESS, 0)))

        import uvicorn

        from models.engine.engine import Engine
        from models.engine.face import face
        from models.engine.prefixes import Prefixes
        from models.engine.runtime import load

        # Bound, but not listening yet: while the model loads, a client is refused at once instead of kept waiting.
        loaded = load(
            runtime, model_path, workplace, slots=slots, context=context, threads=threads, gpu_layers=gpu_layers
        )
        state = model_path.stat()
        identity = f"{model_path.name} {state.st_size} {state.st_mtime_ns} {context} {loaded.name}"
        kept = Prefixes(folder or workplace / "prefixes", identity=identity)
        engine = Engine(loaded, name=name, queue=queue, prefixes=kept)
        bound.listen(128)
        config = uvicorn.Config(
            face(engine, prefix=prefix),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,  # answers in progress are given up: the chat asks again or uses a template
            lifespan="on",
            ws="none",
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            # uvicorn ends in good order and then raises the signal once more; that must not cut our own good order off
            signal.signal(number, lambda *_: None)
        uvicorn.Server(config).run(sockets=[bound])


@contextmanager
def _workplace() -> Iterator[Path]:
    """A private folder for this process (0700, a short path: it holds a socket), and no trace of killed ones."""
    for left in Path(tempfile.gettempdir()).glob("counterman-engine-*"):
        pid = left.name.split("-")[2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"counterman-engine-{os.getpid()}-") as folder:
        yield Path(folder)


def _threads(wanted: int | None) -> int:
    """At most cores - 1: a runtime whose threads wait for a core shared with others falls to a tenth of its speed."""
    most = max(1, hardware.cores() - 1)
    return min(wanted or most, most)


def _quiet_numerics() -> None:
    """Idle threads of the numeric library sleep instead of spinning; read when the runtime is first loaded."""
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ["GOMP_SPINCOUNT"] = "0"


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if error.errno != errno.EADDRINUSE:
            raise PortTaken(f"The engine cannot listen on {host}:{port}: {error.strerror}.") from error
        raise PortTaken(
            f"Port {port} is taken by another program; end it, or set another port for the engine."
        ) from error
    return bound


def _exit_code(error: ModelError) -> int:
    match error:
        case ModelMissing() | RuntimeMissing():
            return EXIT_MISSING
        case ModelTooLarge():
            return EXIT_MEMORY
        case PortTaken():
            return EXIT_PORT
        case ModelRejected():
            return EXIT_BROKEN
        case _:
            return 1
