"""What has just changed in dialogues, for the pages that are open: hints gathered until a page looks at them."""

from __future__ import annotations

from uuid import UUID

from appliance.store.store import Store

MOST = 500  # changes that a page may miss before it simply looks at everything again


class Watch:
    """The changes since a page looked last. A page that looks twice a second gets each dialogue once."""

    def __init__(self) -> None:
        self._changed: set[UUID] = set()
        self._all = False

    def take(self) -> tuple[set[UUID], bool]:
        """The dialogues that changed since the last call; True where there were too many to name."""
        taken, everything = self._changed, self._all
        self._changed, self._all = set(), False
        return taken, everything

    def put(self, conversation: UUID) -> None:
        if len(self._changed) >= MOST:
            self._all = True
        else:
            self._changed.add(conversation)


class Live:
    """One listener for the whole process; what it hears goes to every page that watches."""

    def __init__(self, *, store: Store) -> None:
        self._store = store
        self._watches: set[Watch] = set()

    async def run(self) -> None:
        """Listens until cancelled. Hints may be lost with a connection: pages look by themselves now and then."""
        async for _, conversation in self._store.hints():
            for watch in self._watches:
                watch.put(conversation)

    def watch(self) -> Watch:
        """Begin here, and `leave` when the page is closed."""
        watch = Watch()
        self._watches.add(watch)
        return watch

    def leave(self, watch: Watch) -> None:
        self._watches.discard(watch)

    @property
    def pages(self) -> int:
        """How many pages watch."""
        return len(self._watches)
