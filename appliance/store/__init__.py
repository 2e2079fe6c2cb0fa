"""The database: rows never leave it, and `Store.transaction()` is the only commit."""

from appliance.store.conversations import ClaimLost
from appliance.store.outgoing import Lease
from appliance.store.store import EVENTS, WAITING, Store, StoreUnavailable, Transaction
from appliance.store.visitors import WrongToken
from appliance.store.visits import Visits

__all__ = [
    "EVENTS",
    "WAITING",
    "ClaimLost",
    "Lease",
    "Store",
    "StoreUnavailable",
    "Transaction",
    "Visits",
    "WrongToken",
]
