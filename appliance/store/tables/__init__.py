"""The tables as typed models, a module for each area; `migrations/` makes the same, and a test compares the two."""

from appliance.store.tables.base import NOW, Base
from appliance.store.tables.bulletins import BulletinRow
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
    QuotationRow,
    TelegramFileRow,
    TelegramPostRow,
    TelegramUpdateRow,
    UserRow,
    VisitorRow,
)
from appliance.store.tables.figures import DigestRow, WantRow
from appliance.store.tables.keeping import ChoreRow, ErasureRow, RoomRow
from appliance.store.tables.notes import MarkRow, NoteRow, ReadRow
from appliance.store.tables.people import CredentialRow, LoginRow, LoginTryRow, SessionRow
from appliance.store.tables.reports import ReportPostRow, ReportRow, ReportScheduleRow
from appliance.store.tables.uploads import UploadLineRow, UploadRow
from appliance.store.tables.watching import BeatRow
from appliance.store.tables.words import PromptRow, TextRow

__all__ = [
    "NOW",
    "AnswerRow",
    "AuditRow",
    "Base",
    "BeatRow",
    "BulletinRow",
    "ChoreRow",
    "ConsentRow",
    "ConversationRow",
    "CredentialRow",
    "CrmAccountRow",
    "CrmAttemptRow",
    "CrmLeadRow",
    "DigestRow",
    "ErasureRow",
    "LeadRow",
    "LinkRow",
    "LoginRow",
    "LoginTryRow",
    "MarkRow",
    "MessageRow",
    "NoteRow",
    "ParcelRow",
    "PromptRow",
    "QuotationRow",
    "ReadRow",
    "ReportPostRow",
    "ReportRow",
    "ReportScheduleRow",
    "RoomRow",
    "SessionRow",
    "TelegramFileRow",
    "TelegramPostRow",
    "TelegramUpdateRow",
    "TextRow",
    "UploadLineRow",
    "UploadRow",
    "UserRow",
    "VisitorRow",
    "WantRow",
]
