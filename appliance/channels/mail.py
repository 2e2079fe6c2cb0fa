"""Mail to managers, through the company's own mail server."""

from __future__ import annotations

import html
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, make_msgid
from typing import Literal
from uuid import UUID

import aiosmtplib
import structlog

from appliance.channels.base import AddressGone, ChannelError, Undeliverable
from appliance.core.notices import Notice, read
from appliance.core.types import Parcel, Progress

log = structlog.get_logger("mail")

TIMEOUT = 30.0  # seconds for each step of the talk with the server
PERSON = timedelta(minutes=10)  # before the next attempt when only a person can mend it: a password, a certificate

Security = Literal["starttls", "tls", "none"]
Find = Callable[[UUID, str, str], Awaitable[Notice | None]]  # lead, why, address -> what to say; None: it is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notice with files: (name, media type, contents) each."""

    notice: Notice
    files: tuple[tuple[str, str, bytes], ...]


Papers = Callable[[Parcel], Awaitable[Letter | None]]  # what a parcel with a paper brings; None: it is gone


class MailChannel:
    """Delivers notices. At least once: a server that took a mail and died before saying so gets it again."""

    name = "mail"
    posted = True

    def __init__(
        self, *, host: str, port: int, user: str, password: str, sender: str, security: Security, find: Find,
        papers: Papers | None = None, trust: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        """`trust` replaces the system's certificates, for a server that signs its own."""
        self._server = {"hostname": host, "port": port, "timeout": TIMEOUT, "tls_context": trust}
        self._login = {"username": user, "password": password} if user else {}
        self._security = security
        self._sender = sender or user
        self._find = find
        self._papers = papers

    async def deliver(self, parcel: Parcel) -> None:
        if "heading" in parcel.body:  # written out by whoever posted it
            await self.send(parcel.address, read(parcel.body), id=str(parcel.id))
            return
        if "report" in parcel.body:
            letter = await self._papers(parcel) if self._papers else None
            if letter is not None:
                await self.send(parcel.address, letter.notice, id=str(parcel.id), files=letter.files)
            return
        notice = await self._find(UUID(str(parcel.body["lead"])), str(parcel.body["why"]), parcel.address)
        if notice is None:
            return  # erased meanwhile: nobody is to hear of it
        await self.send(parcel.address, notice, id=str(parcel.id))

    async def show(self, address: str, progress: Progress) -> None:
        """Mail shows nothing before it is finished."""

    async def send(
        self, address: str, notice: Notice, *, id: str, files: Sequence[tuple[str, str, bytes]] = ()
    ) -> None:  # fmt: skip
        """Sends one mail; `id` is in its Message-ID, so that a mail program sees a double as one."""
        try:
            refused, _ = await aiosmtplib.send(
                self._letter(address, notice, id, files),
                start_tls=self._security == "starttls",
                use_tls=self._security == "tls",
                **self._server,  # type: ignore[arg-type]
                **self._login,  # type: ignore[arg-type]
            )
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise _translated(error) from error
        if address in refused:  # of one recipient this is raised, of several it is only told
            raise AddressGone(f"The mail server refuses {address}: {refused[address].message}")

    def _letter(
        self, address: str, notice: Notice, id: str, files: Sequence[tuple[str, str, bytes]] = ()
    ) -> EmailMessage:  # fmt: skip
        letter = EmailMessage()
        letter["Subject"] = notice.heading
        letter["From"] = formataddr(("Counterman", self._sender))
        letter["To"] = address
        letter["Date"] = format_datetime(datetime.now(UTC))
        letter["Message-ID"] = f"<{id}.counterman@{self._sender.partition('@')[2] or make_msgid().split('@')[1][:-1]}>"
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office robots keep silent
        letter.set_content(_plain(notice))
        letter.add_alternative(_html(notice), subtype="html")
        for name, media, contents in files:
            main, _, sub = media.partition("/")
            letter.add_attachment(contents, maintype=main, subtype=sub, filename=name)
        return letter


def _translated(error: Exception) -> ChannelError:
    """What went wrong, in words that say what to do; whoever can only be mended by a person waits longer."""
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            log.critical("mail.login_refused", why=error.message)
            return ChannelError("The mail server refuses SMTP_USER or SMTP_PASSWORD.", retry_after=PERSON)
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]) if first.code >= 500:
            return AddressGone(f"The mail server refuses {first.recipient}: {first.message}")
        case aiosmtplib.SMTPSenderRefused() if error.code >= 500:
            log.critical("mail.sender_refused", why=error.message)
            return ChannelError(f"The mail server does not let SMTP_FROM send: {error.message}", retry_after=PERSON)
        case aiosmtplib.SMTPResponseException() if error.code >= 500:
            return Undeliverable(f"The mail server refuses the mail: {error.code} {error.message}")
        case ssl.SSLCertVerificationError():
            log.critical("mail.certificate", why=error.verify_message)
            return ChannelError(
                f"The mail server's certificate is not valid: {error.verify_message}", retry_after=PERSON
            )
        case _:
            return ChannelError(f"The mail server cannot be reached now: {error}")


def _plain(notice: Notice) -> str:
    lines = [notice.heading, "", *(f"{label}: {text}" if label else text for label, text in notice.lines)]
    if notice.link:
        lines += ["", f"{notice.link_text}: {notice.link}"]
    return "\n".join([*lines, "", "-- ", notice.footer, ""])


def _html(notice: Notice) -> str:
    """Plain tables with inline styles: what mail programs show alike."""
    rows = "".join(
        f'<tr><td style="padding:4px 16px 4px 0;color:#667085;vertical-align:top">{html.escape(label)}</td>'
        f'<td style="padding:4px 0;white-space:pre-line">{html.escape(text)}</td></tr>'
        for label, text in notice.lines
    )
    button = (
        f'<p><a href="{html.escape(notice.link, quote=True)}" style="display:inline-block;padding:10px 16px;'
        f'background:#175cd3;color:#fff;border-radius:6px;text-decoration:none">{html.escape(notice.link_text)}</a></p>'
        if notice.link
        else ""
    )
    return (
        '<div style="font:15px/1.5 system-ui,sans-serif;color:#101828;max-width:600px">'
        f'<h2 style="font-size:18px">{html.escape(notice.heading)}</h2><table style="border-collapse:collapse">{rows}'
        f'</table>{button}<p style="color:#98a2b3;font-size:13px">{html.escape(notice.footer)}</p></div>'
    )
