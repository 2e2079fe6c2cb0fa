"""A Bot API server of our own, over real HTTP, driven by Telegram's specification."""

from tests.botapi.customer import Customer, Seen
from tests.botapi.faults import Faults, Limits
from tests.botapi.server import BotApi

__all__ = ["BotApi", "Customer", "Faults", "Limits", "Seen"]
