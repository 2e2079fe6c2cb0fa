"""The settings in force, for administrators to read: what was set where, and no secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core.types import Role, Staff
from appliance.desk.base import must_be


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting; the value of a secret is not in it. `source`: environment, file, default."""

    name: str
    value: str
    source: str


class InForce:
    """Read at the start, like the settings themselves."""

    def __init__(self, rows: Sequence[Setting] = (), *, sites: Sequence[str] = ()) -> None:
        self._rows, self._sites = tuple(rows), tuple(sites)

    def rows(self, actor: Staff) -> list[Setting]:
        """All of them in their own order. Raises `Forbidden`."""
        must_be(actor, Role.ADMINISTRATOR)
        return list(self._rows)

    def sites(self, actor: Staff) -> list[str]:
        """The sites whose pages may embed the chat. Raises `Forbidden`."""
        must_be(actor, Role.ADMINISTRATOR)
        return list(self._sites)
