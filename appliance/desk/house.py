"""The whole desk as one value: what the console's pages are given."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.desk import Desk
from appliance.desk.audit import Audit
from appliance.desk.backups import BackupDesk
from appliance.desk.box import BoxDesk
from appliance.desk.bulletins import BulletinsDesk
from appliance.desk.catalogue import CatalogueDesk
from appliance.desk.crm import CrmDesk
from appliance.desk.figures import FiguresDesk
from appliance.desk.files import Files
from appliance.desk.held import HeldDesk
from appliance.desk.inbox import Inbox
from appliance.desk.live import Live
from appliance.desk.logins import Logins
from appliance.desk.privacy import PrivacyDesk
from appliance.desk.sessions import Sessions
from appliance.desk.settings import InForce
from appliance.desk.topics import TopicsDesk
from appliance.desk.words import WordsDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Parts of the desk by what they are about, with a few plain values that every page may need."""

    desk: Desk  # dialogues, leads and the people of the house
    sessions: Sessions
    logins: Logins
    audit: Audit
    settings: InForce
    inbox: Inbox  # dialogues as managers read them
    figures: FiguresDesk
    held: HeldDesk  # what could not be delivered
    files: Files
    live: Live
    crm: CrmDesk
    catalogue: CatalogueDesk  # price lists on their way to customers
    words: WordsDesk  # prompts and the company's texts
    topics: TopicsDesk  # what messages are about
    backups: BackupDesk
    privacy: PrivacyDesk
    box: BoxDesk  # the box itself: health, alerts, log, models
    bulletins: BulletinsDesk  # what managers hear on schedule of the box and the CRM
    zone: str = "UTC"  # IANA name of the time zone in which people read times
    chat: str = ""  # the chat's address for people
