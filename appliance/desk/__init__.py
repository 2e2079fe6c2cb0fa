"""All that a manager or an administrator may see or do: the only door for those who run the place."""

from __future__ import annotations

from appliance.desk.base import Forbidden, Gone
from appliance.desk.leads import Leads
from appliance.desk.people import People

__all__ = ["Desk", "Forbidden", "Gone"]


class Desk(People, Leads):
    """Checks the role, does it, writes the audit log: in one transaction each."""
