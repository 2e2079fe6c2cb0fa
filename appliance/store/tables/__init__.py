"""The tables as typed models, a module for each area; `migrations/` makes the same, and a test compares the two."""

from appliance.store.tables.base import NOW, Base
from appliance.store.tables.dialogue import (
    AnswerRow,
    AuditRow,
    ConsentRow,
    ConversationRow,
    LeadRow,
    LinkRow,
    MessageRow,
    ParcelRow,
    PromptRow,
    QuotationRow,
    TelegramFileRow,
    TelegramPostRow,
    TelegramUpdateRow,
    UserRow,
    VisitorRow,
)

__all__ = [
    "NOW",
    "AnswerRow",
    "AuditRow",
    "Base",
    "ConsentRow",
    "ConversationRow",
    "LeadRow",
    "LinkRow",
    "MessageRow",
    "ParcelRow",
    "PromptRow",
    "QuotationRow",
    "TelegramFileRow",
    "TelegramPostRow",
    "TelegramUpdateRow",
    "UserRow",
    "VisitorRow",
]
