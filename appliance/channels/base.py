"""What a channel is to the rest of the house, and how it may fail."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from appliance.core.types import Parcel, Progress


class ChannelError(Exception):
    """The channel could not deliver now; the parcel stays and is tried again after `retry_after`."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Undeliverable(ChannelError):
    """The channel will never take this parcel; it is held with its reason, and those after it go on."""


class AddressGone(Undeliverable):
    """The customer can no longer be reached at this address; the parcel is held and a manager is told."""


class Channel(Protocol):
    """A way to customers. `posted` says whether replies go out as parcels or are read from the stored events."""

    name: str
    posted: bool

    async def deliver(self, parcel: Parcel) -> None:
        """Brings a parcel to its address; raises `ChannelError` or `AddressGone`."""
        ...

    async def show(self, address: str, progress: Progress) -> None:
        """Shows what is known so far; may do nothing, must not raise."""
        ...
