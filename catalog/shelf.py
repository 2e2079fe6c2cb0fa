"""Holds the versions: builds one aside, seals it, puts it before the customers in one step and takes it back in one."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from catalog import build
from catalog.product import CatalogError, Product
from catalog.snapshot import Found, Snapshot
from catalog.understand import understand
from catalog.wish import Wish
from models.base import Embedder, Vectors

CHUNK = 256  # texts embedded at once: half a second of work, after which progress is told and others may run
REMEMBERED = 2000  # frequent searches kept; some 20 MB
SEARCHES = 4  # searches that run at once in a process; more only queue for the cores
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


class Shelf:
    """The versions under one folder, and which of them is live.

    `live.json` names the live version and those that were live before it; it is replaced in one step, so a reader in
    any process sees the old version or the new one. Searches already under way end on the version they began with.
    """

    def __init__(self, root: Path, *, embedders: Sequence[Embedder] = ()) -> None:
        self._root = root
        self._embedders = {embedder.name: embedder for embedder in embedders}
        self._pointer = root / "live.json"
        self._seen: tuple[int, int] = (0, 0)
        self._live: Snapshot | None = None
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(max_workers=SEARCHES, thread_name_prefix="search")
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
        vectors: dict[str, Vectors] = {}
        for name in snapshot.meanings.keys() & self._embedders.keys():
            vectors[name] = await self._embedders[name].embed(prepared.texts, kind="query")
        found = await loop.run_in_executor(self._threads, lambda: snapshot.search(prepared, vectors, limit=limit))
        self.cache.put(snapshot.version, understood, limit, found)
        return found

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
        tell = progress or (lambda step, share: None)
        goods = await asyncio.to_thread(list, products)
        name = self._new_name()
        folder = self._root / f"{UNFINISHED}{name}"
        try:
            await asyncio.to_thread(folder.mkdir, parents=True)
            if pictures:
                goods = await asyncio.to_thread(_hang, folder, goods, pictures)
            vectors = {key: await self._embed(one, goods, tell) for key, one in self._embedders.items()}
            about = {"version": name, "source": source, "problems": problems_count, "import": dict(report or {})}
            await asyncio.to_thread(
                build.write, folder, goods, vectors, about=about, progress=lambda step, share: tell(step, share)
            )
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

    async def _embed(
        self, embedder: Embedder, products: Sequence[Product], tell: Callable[[str, float], None]
    ) -> Vectors:
        texts = [build.text_to_embed(product) for product in products]
        keys = np.array([build.text_key(text) for text in texts], dtype=np.uint64)
        vectors = np.zeros((len(texts), embedder.dimensions), dtype=np.float32)
        missing = await asyncio.to_thread(self._reuse, embedder.name, keys, vectors)
        for start in range(0, len(missing), CHUNK):
            tell("embedding", start / len(missing))
            part = missing[start : start + CHUNK]
            vectors[part] = await embedder.embed([texts[row] for row in part], kind="passage")
        return vectors

    def _reuse(self, embedder: str, keys: Any, vectors: Vectors) -> list[int]:
        """Fills in what the newest versions have embedded; returns the rows that none of them has."""
        missing = np.arange(len(keys))
        for name in reversed(self._names()[-3:]):
            folder = self._root / name / f"meaning-{embedder}"
            if not len(missing) or not (folder / "keys.npy").exists():
                continue
            old, old_keys = np.load(folder / "vectors.npy", mmap_mode="r"), np.load(folder / "keys.npy")
            if old.shape[1] != vectors.shape[1]:
                continue
            order = np.argsort(old_keys)
            at = np.minimum(np.searchsorted(old_keys[order], keys[missing]), len(order) - 1)
            same = old_keys[order[at]] == keys[missing]
            vectors[missing[same]] = old[order[at[same]]]
            missing = missing[~same]
        return [int(row) for row in missing]

    def publish(self, version: str) -> None:
        """Makes a version live, in one step and for all processes; the one before stays for `rollback`."""
        self.open(version)
        history = self._history()
        if history[:1] != [version]:
            self._point([version, *(name for name in history if name != version)])

    def rollback(self) -> str:
        """Takes the live version back and returns the name of the one before, now live."""
        before = [name for name in self._history()[1:] if (self._root / name).is_dir()]
        if not before:
            raise CatalogError("There is no earlier version to go back to.")
        self.open(before[0])
        self._point(before)
        return before[0]

    def prune(self, keep: int = 3) -> list[str]:
        """Removes all but the newest `keep` versions, the live one and the one before it; returns what went.

        Also removes what an interrupted build left behind, when it is older than a day.
        """
        kept = {*self._names()[-keep:], *self._history()[:2]}
        gone = [name for name in self._names() if name not in kept]
        for name in gone:
            shutil.rmtree(self._root / name)
        yesterday = datetime.now(UTC).timestamp() - 86400
        for folder in self._root.glob(f"{UNFINISHED}*"):
            if folder.stat().st_mtime < yesterday:
                shutil.rmtree(folder, ignore_errors=True)
        self._point([name for name in self._history() if name not in gone]) if gone else None
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
            bytes=sum(one["bytes"] for one in about["files"].values()),
            live=self._history()[:1] == [name],
        )

    def _folder(self, version: str) -> Path:
        folder = self._root / version
        if not version or "/" in version or not (folder / "manifest.json").is_file():
            raise CatalogError(f"There is no catalogue version {version!r}; `appliance catalog versions` lists them.")
        return folder

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
