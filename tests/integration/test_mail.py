"""Notices reach managers through a real mail server with STARTTLS and a login; refusals are said in plain words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from appliance.channels.base import AddressGone, ChannelError, Undeliverable
from appliance.channels.mail import MailChannel
from appliance.core.notices import Notice, notice
from appliance.core.types import Lead, Parcel
from tests.rig import free_port

pytestmark = pytest.mark.filterwarnings(  # the test's mail server leaves its sockets to the garbage collector
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
LEAD = Lead(
    id=UUID(int=1),
    conversation=None,
    name="Анна <b>",
    phone="+79031112233",
    need="насос 3 кВт",
    products=("A-1", "B-2"),
)


@dataclass
class PostOffice:
    """A mail server that keeps what it gets, and refuses what it is told to."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    answer: str = "250 OK"
    recipients: str = "250 OK"
    authority: trustme.CA = field(default_factory=trustme.CA)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipients.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipients

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        if self.answer.startswith("250"):
            self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        return self.answer

    def login(self, server: SMTP, session: Session, envelope: Envelope, way: str, given: object) -> AuthResult:
        assert isinstance(given, LoginPassword)
        right = given.login == b"shop" and given.password == b"secret"
        return AuthResult(success=right, handled=right)

    def channel(self, *, password: str = "secret", trusted: bool = True) -> MailChannel:
        trust = ssl.create_default_context()
        if trusted:
            self.authority.configure_trust(trust)

        async def find(lead: UUID, why: str, address: str) -> Notice | None:
            return notice(LEAD, why, lang="ru", console="http://box:8081") if lead == LEAD.id else None

        return MailChannel(
            host="localhost", port=self.port, user="shop", password=password, sender="shop@firm.example",
            security="starttls", find=find, trust=trust,
        )  # fmt: skip


@pytest.fixture
def office() -> Iterator[PostOffice]:
    office = PostOffice(port=free_port())
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    office.authority.issue_cert("localhost").configure_cert(served)
    controller = Controller(
        office, hostname="127.0.0.1", port=office.port, tls_context=served, require_starttls=True,
        authenticator=office.login, auth_required=True,
    )  # fmt: skip
    controller.start()
    yield office
    controller.stop()


def parcel(lead: UUID = LEAD.id, why: str = "new") -> Parcel:
    return Parcel(
        id=uuid4(), channel="mail", address="m@firm.example", kind="notice", body={"lead": str(lead), "why": why}
    )


async def test_a_notice_arrives_as_text_and_as_a_page(office: PostOffice) -> None:
    await office.channel().deliver(parcel())
    (letter,) = office.letters
    assert letter["Subject"] == "Новая заявка: Анна <b>, +7 903 111-22-33"
    text, page = (part.get_content() for part in letter.iter_parts())
    assert "Что нужно: насос 3 кВт" in text and "http://box:8081/leads/" in text
    assert "Анна &lt;b&gt;" in page and "<b>" not in page


async def test_the_same_parcel_has_the_same_message_id(office: PostOffice) -> None:
    one = parcel()
    await office.channel().deliver(one)
    await office.channel().deliver(one)
    first, second = office.letters
    assert first["Message-ID"] == second["Message-ID"]


async def test_nobody_hears_of_what_was_erased(office: PostOffice) -> None:
    await office.channel().deliver(parcel(lead=uuid4()))
    assert office.letters == []


async def test_a_wrong_password_says_which_setting_and_waits_for_a_person(office: PostOffice) -> None:
    with pytest.raises(ChannelError, match="SMTP_PASSWORD") as caught:
        await office.channel(password="wrong").deliver(parcel())
    assert caught.value.retry_after is not None and caught.value.retry_after >= timedelta(minutes=5)
    assert not isinstance(caught.value, Undeliverable)


async def test_an_unknown_certificate_is_not_trusted(office: PostOffice) -> None:
    with pytest.raises(ChannelError, match="certificate"):
        await office.channel(trusted=False).deliver(parcel())
    assert office.letters == []


@pytest.mark.parametrize(
    ("answer", "kind"), [("550 5.1.1 no such user", AddressGone), ("451 4.7.1 greylisted", ChannelError)]
)
async def test_a_refused_address_is_told_from_one_that_has_to_wait(
    office: PostOffice, answer: str, kind: type[ChannelError]
) -> None:
    office.recipients = answer
    with pytest.raises(kind) as caught:
        await office.channel().deliver(parcel())
    assert type(caught.value) is kind


@pytest.mark.parametrize(("answer", "kind"), [("554 spam", Undeliverable), ("451 try later", ChannelError)])
async def test_a_refused_letter_is_told_from_one_that_has_to_wait(
    office: PostOffice, answer: str, kind: type[ChannelError]
) -> None:
    office.answer = answer
    with pytest.raises(kind) as caught:
        await office.channel().deliver(parcel())
    assert type(caught.value) is kind


async def test_a_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(ChannelError, match="cannot be reached"):
        await PostOffice(port=free_port()).channel().deliver(parcel())


@pytest.mark.parametrize("why", ["new", "partial", "more", "unanswered", "call"])
@pytest.mark.parametrize("lang", ["ru", "en", "kk"])
def test_every_notice_has_its_words(why: str, lang: str) -> None:
    assert notice(LEAD, why, lang=lang).heading
