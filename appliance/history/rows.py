"""The rows of the sample history before they are written, and the ids by which they are known as its own."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any
from uuid import UUID

from appliance.store.sample import FIRST

Row = dict[str, Any]


class Rows:
    """Rows by table, in the order in which the tables refer to each other."""

    def __init__(self, seed: int) -> None:
        self.tables: defaultdict[str, list[Row]] = defaultdict(list)
        self._dice = random.Random(f"ids/{seed}")  # noqa: S311  names of rows, not secrets

    def id(self) -> UUID:
        """The next id: of the range that only the sample history uses."""
        return UUID(int=FIRST.int | self._dice.getrandbits(62))

    def add(self, table: str, **values: Any) -> Row:
        self.tables[table].append(values)
        return values
