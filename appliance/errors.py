"""The one place where errors become words for people."""

from __future__ import annotations

from appliance.channels.base import ChannelError
from appliance.crm.base import CrmError
from appliance.store.embedded import EmbeddedError
from appliance.store.errors import StoreUnavailable
from catalog.product import CatalogError
from models.base import ModelError

FAMILIES = (ModelError, CatalogError, ChannelError, CrmError, StoreUnavailable, EmbeddedError)


class Refused(Exception):
    """A command cannot be carried out; its message says why and what to do."""


def explain(error: BaseException) -> str | None:
    """What happened and what to do, for an error that people can act on; None for a fault of the program."""
    if isinstance(error, (*FAMILIES, Refused)):
        return str(error) or (type(error).__doc__ or "").strip()
    return None
