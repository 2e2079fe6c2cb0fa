"""What a CRM is to the rest of the house, and how it may fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from appliance.core.types import Known, Lead
from appliance.crm.words import reason


class CrmError(Exception):
    """The CRM did not take the lead. It stays here and is tried again; see the CRM page for the reason."""

    passing = True  # it may well work later, without anybody's doing

    def __init__(self, id: str, *, retry_after: timedelta | None = None, **values: Any) -> None:
        """`id` names the reason in `words.toml`; `values` fill it."""
        self.why: Mapping[str, Any] = {"id": id, **values}
        self.retry_after = retry_after
        super().__init__(reason(self.why, "en"))


class CrmAway(CrmError):
    """The CRM cannot be reached now, or did not answer. Nothing is to be done: leads wait and are tried again."""


class CrmBusy(CrmError):
    """The CRM asks for patience: too many requests, or the day's credits are used up. Leads wait until then."""


class CrmClosed(CrmError):
    """The CRM does not let us in. Run `appliance crm setup`, or the console's CRM page: it says what is missing."""

    passing = False


class CrmRefused(CrmError):
    """The CRM refuses this lead. Correct the lead, the mapping or the CRM's rules, then press "Try again"."""

    passing = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is told of a lead after it was sent. `mark` is in the title and names the note for ever."""

    title: str
    text: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A lead with all that goes to the CRM with it.

    `values` are our fields by name, those that a mapping may draw on. `again`: an attempt before this one may have
    had its effect. `lately`: another lead of the same person went there so recently that a search may not find it.
    """

    lead: Lead
    values: Mapping[str, str]
    known: Known = field(default_factory=Known)
    note: Note | None = None
    again: bool = False
    lately: bool = False

    @property
    def key(self) -> str:
        """What makes two pushes of one lead the same."""
        return self.lead.id.hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What came of a push. `outcome`: created, joined (to a record of the same person), updated, same."""

    remote: str
    outcome: str


class Crm(Protocol):
    """A CRM."""

    kind: str

    async def push(self, case: Case) -> Receipt:
        """Has the lead in the CRM, once, whatever happened before. Raises `CrmError`."""
        ...

    async def erase(self, remote: str, key: str) -> None:
        """Takes the lead `key` out of the CRM: its record, or what was written onto another's. Raises `CrmError`."""
        ...

    async def test(self) -> str:
        """Asks for what pushes need; gives the name of the organisation there. Raises `CrmError`."""
        ...

    async def close(self) -> None: ...
