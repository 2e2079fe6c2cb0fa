"""The tables as typed models, a module for each area; `migrations/` makes the same, and a test compares the two."""

from appliance.store.tables.base import NOW, Base
from appliance.store.tables.crm import CrmAccountRow, CrmAttemptRow, CrmLeadRow
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
from appliance.store.tables.people import CredentialRow, LoginRow, LoginTryRow, SessionRow

__all__ = [
    "NOW",
    "AnswerRow",
    "AuditRow",
    "Base",
    "ConsentRow",
    "ConversationRow",
    "CredentialRow",
    "CrmAccountRow",
    "CrmAttemptRow",
    "CrmLeadRow",
    "LeadRow",
    "LinkRow",
    "LoginRow",
    "LoginTryRow",
    "MessageRow",
    "ParcelRow",
    "PromptRow",
    "QuotationRow",
    "SessionRow",
    "TelegramFileRow",
    "TelegramPostRow",
    "TelegramUpdateRow",
    "UserRow",
    "VisitorRow",
]
