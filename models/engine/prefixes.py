"""Beginnings that many chats share, computed once and kept on disk for every slot and every restart.

A slot that lacks a beginning reads it back in milliseconds where computing it takes seconds (600 tokens of a 1.5B
model: 4 ms against 20 s on one core). Beginnings are announced, or noticed: turns that were followed by three
different ones are no customer's own history but a prompt.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from models.base import Turn

KEPT = 6  # beginnings at once: 10 to 20 MB each for small models
_WORTH = 48  # tokens; a shorter beginning is computed in the time that keeping it costs
_FOLLOWERS = 3
_REMEMBERED = 1024  # beginnings seen lately, among which a shared one is noticed


@dataclass(frozen=True, slots=True)
class Prefix:
    """Tokens, and the file with what the model computed from them."""

    tokens: tuple[int, ...]
    file: Path


class Prefixes:
    """Those kept for one model; `identity` says what the files depend on (model, context, runtime version)."""

    def __init__(self, folder: Path, *, identity: str) -> None:
        self._folder = folder / hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._kept: OrderedDict[tuple[int, ...], Prefix] = OrderedDict()
        self._followers: OrderedDict[bytes, set[bytes]] = OrderedDict()
        self._open()

    def best(self, prompt: Sequence[int]) -> Prefix | None:
        """The longest one with which `prompt` begins."""
        fitting = [tokens for tokens in self._kept if tuple(prompt[: len(tokens)]) == tokens]
        if not fitting:
            return None
        self._kept.move_to_end(longest := max(fitting, key=len))
        return self._kept[longest]

    def place(self, tokens: Sequence[int]) -> Prefix | None:
        """Where to keep a new beginning; None if it is kept already or not worth it."""
        key = tuple(tokens)
        if key in self._kept or len(key) < _WORTH:
            return None
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return Prefix(key, self._folder / f"{digest}.state")

    def add(self, prefix: Prefix) -> None:
        """Its file has been written; the one unused for longest gives way."""
        self._kept[prefix.tokens] = prefix
        prefix.file.with_suffix(".json").write_text(json.dumps(prefix.tokens))
        while len(self._kept) > KEPT:
            self.drop(next(iter(self._kept.values())))

    def drop(self, prefix: Prefix) -> None:
        """For a file that cannot be read back."""
        self._kept.pop(prefix.tokens, None)
        prefix.file.with_suffix(".json").unlink(missing_ok=True)
        prefix.file.unlink(missing_ok=True)

    def notice(self, turns: Sequence[Turn]) -> int:
        """How many turns at the beginning of this chat have just shown themselves to be shared; 0 if none."""
        shared = 0
        for count, (beginning, follower) in enumerate(_beginnings(turns), start=1):
            seen = self._followers.setdefault(beginning, set())
            self._followers.move_to_end(beginning)
            if len(seen) < _FOLLOWERS:
                seen.add(follower)
            if len(seen) == _FOLLOWERS:
                shared = count
        while len(self._followers) > _REMEMBERED:
            self._followers.popitem(last=False)
        return shared

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime)[-KEPT:]:
            state = file.with_suffix(".state")
            try:
                tokens = tuple(int(token) for token in json.loads(file.read_text()))
            except (ValueError, TypeError):
                tokens = ()
            if tokens and state.exists():
                self._kept[tokens] = Prefix(tokens, state)


def _beginnings(turns: Sequence[Turn]) -> Iterator[tuple[bytes, bytes]]:
    """Each beginning that leaves at least the last turn out, with the turn that follows it, as digests."""
    running = hashlib.sha256()
    for turn, following in pairwise(turns):
        running.update(f"{turn.role}\0{turn.text}\0".encode())
        yield running.digest()[:16], hashlib.sha256(following.text.encode()).digest()[:8]
