"""Holds the versions: builds one aside, seals it, puts it before the customers in one step and takes it back in one."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from catalog import build
from catalog.digest import digest
from catalog.lanes.meaning import one_thread
from catalog.product import CatalogError, Product
from catalog.snapshot import Found, Snapshot
from catalog.understand import understand
from catalog.vectors import Known, Spool, embed, kept
from catalog.wish import Wish
from models.base import Embedder, ModelError, Vectors

NEWEST = 3  # versions from which the next takes over what it can
REMEMBERED = 2000  # frequent searches kept; some 20 MB
SEARCHES = 4  # searches that run at once in a process; more only queue for the cores
PATIENCE = 0.25  # seconds that a customer waits for an embedder that joined later: five times what e5 takes
UNFINISHED = ".building-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One sealed version, as its manifest describes it."""

    name: str
    created: datetime
    products: int
    problems: int
    source: str
    embedders: tuple[str, ...]
    bytes: int
    origin: str = ""  # the version to which this one only added lanes
    live: bool = False


class Cache:
    """Answers to frequent searches of the live version; forgets all of them when the version changes."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size, self._version = size, ""
        self._answers: OrderedDict[tuple[Wish, int], Found] = OrderedDict()
        self._lock = Lock()
        self.hits = self.misses = 0

    def get(self, version: str, wish: Wish, limit: int) -> Found | None:
        with self._lock:
            if version != self._version:
                self._answers.clear()
                self._version = version
            found = self._answers.get((wish, limit))
            if found is None:
                self.misses += 1
                return None
            self.hits += 1
            self._answers.move_to_end((wish, limit))
            return found

    def put(self, version: str, wish: Wish, limit: int, found: Found) -> None:
        with self._lock:
            if version == self._version:
                self._answers[wish, limit] = found
                if len(self._answers) > self._size:
                    self._answers.popitem(last=False)

    @property
    def rate(self) -> float:
        """The share of searches answered from memory, from 0 to 1."""
        return self.hits / max(self.hits + self.misses, 1)

    def summary(self) -> dict[str, float]:
        """What is shown of it: answers from memory, all others, and the share of the first."""
        return {"hits": self.hits, "misses": self.misses, "rate": round(self.rate, 4)}


class Shelf:
    """The versions under one folder, and which of them is live.

    `live.json` names the live version and those that were live before it; it is replaced in one step, so a reader in
    any process sees the old version or the new one. Searches already under way end on the version they began with.

    `embedders` build every version; those in `later` take longer, so their lanes join a live version by `enrich`.
    """

    def __init__(self, root: Path, *, embedders: Sequence[Embedder] = (), later: Sequence[Embedder] = ()) -> None:
        self._root = root
        self._embedders = {embedder.name: embedder for embedder in (*embedders, *later)}
        self._later = {embedder.name for embedder in later} - {embedder.name for embedder in embedders}
        self._pointer = root / "live.json"
        self._seen: tuple[int, int] = (0, 0)
        self._live: Snapshot | None = None
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(SEARCHES, thread_name_prefix="search", initializer=one_thread)
        self.cache = Cache()

    def current(self) -> Snapshot | None:
        """The live version, opened; None before the first is published. Costs one look at the pointer file."""
        try:
            about = self._pointer.stat()
        except FileNotFoundError:
            return None
        seen = (about.st_mtime_ns, about.st_ino)
        if seen != self._seen:
            with self._lock:
                if seen != self._seen:
                    self._live = self.open(self._history()[0])
                    self._seen = seen
        return self._live

    def open(self, version: str) -> Snapshot:
        """Any version, live or not; raises CatalogError when it is missing, damaged or of another embedder."""
        return Snapshot.open(self._folder(version), embedders=list(self._embedders) or None)

    def photo(self, version: str, name: str) -> Path | None:
        """The file of a version's photo; None where there is none, or where the names try to leave the shelf."""
        if {version, name} & {"", ".", ".."} or any(sign in version + name for sign in "/\\\0"):
            return None
        file = self._root / version / "photos" / name
        return file if file.is_file() else None

    async def search(self, wish: Wish | str, *, limit: int = 10) -> Found:
        """Searches the live version. Raises CatalogError when there is none, ModelError when no embedder answers."""
        snapshot = await asyncio.to_thread(self.current) if self._live is None else self.current()
        if snapshot is None:
            raise CatalogError("There is no catalogue yet; import one with `appliance catalog import FILE --publish`.")
        understood = understand(wish) if isinstance(wish, str) else wish
        remembered = self.cache.get(snapshot.version, understood, limit)
        if remembered is not None:
            return remembered
        loop = asyncio.get_running_loop()
        prepared = await loop.run_in_executor(self._threads, snapshot.prepare, understood)
        vectors = await self._asked(snapshot, prepared.texts)
        found = await loop.run_in_executor(self._threads, lambda: snapshot.search(prepared, vectors, limit=limit))
        if all(name in vectors for name in snapshot.meanings if name in self._embedders):
            self.cache.put(snapshot.version, understood, limit, found)
        return found

    async def _asked(self, snapshot: Snapshot, texts: Sequence[str]) -> dict[str, Vectors]:
        """The query by each embedder that the version has, in its order.

        One that joined later is left out where it fails, or is busy for longer than a customer should wait.
        """
        names = [name for name in snapshot.meanings if name in self._embedders]
        patience = {name: PATIENCE if name in self._later else None for name in names}
        waits = [asyncio.wait_for(self._embedders[name].embed(texts, kind="query"), patience[name]) for name in names]
        vectors: dict[str, Vectors] = {}
        for name, answer in zip(names, await asyncio.gather(*waits, return_exceptions=True), strict=True):
            if not isinstance(answer, BaseException):
                vectors[name] = answer
            elif name not in self._later or not isinstance(answer, ModelError | TimeoutError):
                raise answer
        return vectors

    async def add(
        self,
        products: Iterable[Product],
        *,
        source: str,
        problems_count: int = 0,
        report: Mapping[str, Any] | None = None,
        pictures: Mapping[str, bytes] | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> Version:
        """Builds a version aside and seals it by one rename; it is live only after `publish`.

        `report`: what became of the file's rows, kept in the manifest (`rehearsal.import_report`).
        `pictures`: by SKU, bytes of a picture that becomes the product's photo. Texts that an earlier version has
        embedded are not embedded again. Raises CatalogError or ModelError; then nothing is left behind.
        """
        tell = progress or _silent
        goods = await asyncio.to_thread(list, products)
        name = self._new_name()
        folder = self._aside(name)
        try:
            await asyncio.to_thread(folder.mkdir, parents=True)
            if pictures:
                goods = await asyncio.to_thread(_hang, folder, goods, pictures)
            about = {"version": name, "source": source, "problems": problems_count, "import": dict(report or {})}
            known, vectors = await asyncio.gather(  # the one in Python, the other mostly outside of it
                asyncio.to_thread(digest, goods, self._newest()), self._embed(goods, tell)
            )
            await asyncio.to_thread(build.write, folder, goods, vectors, about=about, known=known, progress=tell)
            await asyncio.to_thread(os.rename, folder, self._root / name)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise CatalogError(
                f"The new version could not be written: {error.strerror}. Nothing has changed; make room in "
                f"{self._root} or mend the disk, and import the file again."
            ) from error
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        build.flush(self._root)
        return self._version(name)

    async def _embed(self, products: Sequence[Product], tell: Callable[[str, float], None]) -> dict[str, Vectors]:
        texts = [build.text_to_embed(product) for product in products]
        return {
            name: await embed(one, texts, known=self._known(name), tell=tell)
            for name, one in self._embedders.items()
            if name not in self._later
        }

    def lacking(self) -> list[str]:
        """Which of the later embedders the live version does not have yet; costs a look at two files."""
        live = self._history()[:1]
        return [name for name in self._later if live and name not in self._version(live[0]).embedders]

    async def enrich(self, *, progress: Callable[[str, float], None] | None = None) -> Version | None:
        """Joins what `lacking` names to the live version, as a further sealed version that takes its place.

        Minutes to an hour of work for a heavy embedder; what a killed run has embedded is not embedded again. The
        further version goes live only if the one that it was made from still is; it then stands in its place also
        for `rollback`, which goes back to other goods. None when there is nothing to join, when another process is
        at it, or when the live version changed meanwhile. Raises CatalogError or ModelError; nothing is changed then.
        """
        with _only_one(self._root / ".joining.lock") as alone:
            missing = self.lacking() if alone else []
            if not missing:
                return None
            origin = self._history()[0]
            products = await asyncio.to_thread(lambda: list(self.open(origin).products()))
            texts = [build.text_to_embed(product) for product in products]
            vectors = {name: await self._joining(name, texts, progress) for name in missing}
            name = self._new_name()
            try:
                await asyncio.to_thread(build.extend, self._root / origin, self._aside(name), name, vectors, texts)
                if not await asyncio.to_thread(self._succeed, origin, name):
                    return None
            except OSError as error:
                raise CatalogError(
                    f"The further lanes could not be written: {error.strerror}. The live version stays as it is; make "
                    f"room in {self._root} and run `appliance catalog enrich`."
                ) from error
            finally:
                shutil.rmtree(self._aside(name), ignore_errors=True)
            for one in missing:
                self._spool(one).remove()
            return self._version(name)

    async def _joining(self, name: str, texts: Sequence[str], progress: Callable[[str, float], None] | None) -> Vectors:
        spool = self._spool(name)
        known = [await asyncio.to_thread(spool.read), *self._known(name)]
        return await embed(self._embedders[name], texts, known=known, spool=spool, tell=progress or _silent)

    def _succeed(self, origin: str, name: str) -> bool:
        """Seals the further version and puts it in its origin's place, unless another version has gone live."""
        with self._pointing():
            history = self._history()
            if history[:1] != [origin]:
                return False
            Snapshot.open(self._aside(name))
            self._aside(name).rename(self._root / name)
            build.flush(self._root)
            self._point([name, *history[1:]])
        return True

    def _known(self, embedder: str) -> list[Known]:
        found = (kept(folder, embedder) for folder in self._newest())
        return [one for one in found if one is not None]

    def _newest(self) -> list[Path]:
        """The versions whose work is taken over by the next."""
        return [self._root / name for name in reversed(self._names()[-NEWEST:])]

    def _spool(self, embedder: str) -> Spool:
        return Spool(self._root / f".joining-{embedder}", dimensions=self._embedders[embedder].dimensions)

    def publish(self, version: str) -> None:
        """Makes a version live, in one step and for all processes; the one before stays for `rollback`."""
        self.open(version)
        with self._pointing():
            history = self._history()
            if history[:1] != [version]:
                self._point([version, *(name for name in history if name != version)])

    def rollback(self) -> str:
        """Takes the live version back and returns the name of the one before, now live."""
        with self._pointing():
            before = [name for name in self._history()[1:] if (self._root / name).is_dir()]
            if not before:
                raise CatalogError("There is no earlier version to go back to.")
            self.open(before[0])
            self._point(before)
            return before[0]

    def before(self) -> str:
        """The version that `rollback` would bring back; empty where there is none."""
        return next((name for name in self._history()[1:] if (self._root / name).is_dir()), "")

    def prune(self, keep: int = 3) -> list[str]:
        """Removes all but the newest `keep` versions, the live one and the one before it; returns what went.

        Also removes what an interrupted build left behind, when it is older than a day.
        """
        with self._pointing():
            stays = {*self._names()[-keep:], *self._history()[:2]}
            gone = [name for name in self._names() if name not in stays]
            if gone:
                self._point([name for name in self._history() if name not in gone])
        for name in gone:
            shutil.rmtree(self._root / name)
        yesterday = datetime.now(UTC).timestamp() - 86400
        for folder in self._root.glob(f"{UNFINISHED}*"):
            if folder.stat().st_mtime < yesterday:
                shutil.rmtree(folder, ignore_errors=True)
        return gone

    def versions(self) -> list[Version]:
        """All sealed versions, oldest first."""
        return [self._version(name) for name in self._names()]

    def close(self) -> None:
        """Ends the search threads; safe twice."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _names(self) -> list[str]:
        if not self._root.is_dir():
            return []
        return sorted(
            path.parent.name for path in self._root.glob("*/manifest.json") if not path.parent.name.startswith(".")
        )

    def _version(self, name: str) -> Version:
        try:
            about = json.loads((self._folder(name) / "manifest.json").read_text("utf-8"))
        except ValueError as error:
            raise CatalogError(
                f"The manifest of version {name} is damaged; remove its folder and import the file again."
            ) from error
        return Version(
            name=name,
            created=datetime.fromisoformat(about["created"]),
            products=about["products"],
            problems=about.get("problems", 0),
            source=about.get("source", ""),
            embedders=tuple(about["embedders"]),
            origin=about.get("origin", ""),
            bytes=sum(one["bytes"] for one in about["files"].values()),
            live=self._history()[:1] == [name],
        )

    def _folder(self, version: str) -> Path:
        folder = self._root / version
        if not version or "/" in version or not (folder / "manifest.json").is_file():
            raise CatalogError(f"There is no catalogue version {version!r}; `appliance catalog versions` lists them.")
        return folder

    def _aside(self, name: str) -> Path:
        return self._root / f"{UNFINISHED}{name}"

    @contextmanager
    def _pointing(self) -> Iterator[None]:
        """Between reading the pointer and replacing it no other process does either."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / ".pointing.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _new_name(self) -> str:
        now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        taken = {path.name for path in self._root.iterdir()} if self._root.is_dir() else set()
        return next(name for name in (f"{now}-{number}" for number in range(1, 1000)) if name not in taken)

    def _history(self) -> list[str]:
        """The live version's name, then those that were live before it."""
        try:
            return [str(name) for name in json.loads(self._pointer.read_text("utf-8"))["versions"]]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError) as error:
            raise CatalogError(
                "live.json is damaged; publish a version anew with `appliance catalog publish VERSION`."
            ) from error

    def _point(self, history: list[str]) -> None:
        aside = self._pointer.with_suffix(f".{os.getpid()}.new")
        aside.write_text(json.dumps({"versions": history}), "utf-8")
        build.flush(aside)
        aside.replace(self._pointer)
        build.flush(self._root)


@contextmanager
def _only_one(file: Path) -> Iterator[bool]:
    """Whether no other process holds this file's lock; it is held for the block, and freed by any end."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _silent(step: str, share: float) -> None:
    """Nobody watches."""


_KINDS = ((b"\x89PNG", "png"), (b"\xff\xd8", "jpg"), (b"GIF8", "gif"), (b"RIFF", "webp"))


def _hang(folder: Path, products: Sequence[Product], pictures: Mapping[str, bytes]) -> list[Product]:
    """Stores the pictures, equal ones once, and gives the products their paths inside the version."""
    (folder / "photos").mkdir()
    hung = []
    for product in products:
        picture = pictures.get(product.sku)
        kind = next((kind for head, kind in _KINDS if picture and picture.startswith(head)), None)
        if picture and kind:
            path = f"photos/{hashlib.sha256(picture).hexdigest()[:24]}.{kind}"
            if not (folder / path).exists():
                (folder / path).write_bytes(picture)
            product = replace(product, photo=path)
        hung.append(product)
    return hung
