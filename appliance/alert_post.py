"""Brings alerts to people by Telegram and mail: straight from here, spooled in files, with patience.

Plain sockets and the standard library: the box may be short of everything else when this is needed.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import smtplib
import ssl
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.utils import formataddr, formatdate
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

FIRST, MOST = 4.0, 300.0  # seconds of back-off, doubled
KEPT = 24 * 3600.0  # seconds after which an alert that reached nobody is old news
TIMEOUT = 10.0  # seconds for each step of a delivery
AT_ONCE = 4  # deliveries at the same time: a server that hangs must not hold up the other

Way = Literal["telegram", "mail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is to be told, by one way."""

    way: Way
    address: str
    lang: str = "ru"


@dataclass(slots=True, kw_only=True)
class Letter:
    """One alert to one person by one way."""

    id: str
    way: Way
    address: str
    subject: str
    text: str
    at: float
    attempts: int = 0
    again: float = 0.0  # not before, in seconds since the epoch
    why: str = ""  # of the last failure


class NotSent(Exception):
    """An alert did not get through; the message says why. `wait` is in seconds, where the other side named a time."""

    def __init__(self, why: str, *, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """The company's bot, asked directly; secrets are kept out of what is printed."""

    token: str
    base: str = "https://api.telegram.org"
    proxy: str = ""

    def __repr__(self) -> str:
        return f"Bot(base={self.base!r})"

    def send(self, letter: Letter) -> None:
        """Raises `NotSent`."""
        body = {"chat_id": letter.address, "text": letter.text, "link_preview_options": {"is_disabled": True}}
        try:
            status, answer = request(f"{self.base}/bot{self.token}/sendMessage", body=body, proxy=self.proxy)
            said = json.loads(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotSent(f"Telegram cannot be reached: {type(error).__name__}") from None  # its text holds the token
        if status != 200:
            wait = float((said.get("parameters") or {}).get("retry_after") or 0)
            raise NotSent(f"Telegram refuses: {said.get('description', status)}", wait=wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """The company's mail server."""

    host: str
    port: int = 587
    user: str = ""
    password: str = ""
    sender: str = ""
    security: str = "starttls"

    def __repr__(self) -> str:
        return f"Mailer(host={self.host!r})"

    def send(self, letter: Letter) -> None:
        """Raises `NotSent`."""
        mail = EmailMessage()
        sender = self.sender or self.user
        mail["Subject"], mail["To"], mail["From"] = letter.subject, letter.address, formataddr(("Counterman", sender))
        mail["Date"], mail["Message-ID"] = (
            formatdate(letter.at),
            f"<{letter.id}.alert@{sender.partition('@')[2] or 'box'}>",
        )
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office robots keep silent
        mail.set_content(letter.text)
        try:
            with self._server() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(mail)
        except OSError as error:  # smtplib's and ssl's errors are of this kind, too
            raise NotSent(f"The mail server does not take it: {error}") from error

    def _server(self) -> smtplib.SMTP:
        trust = ssl.create_default_context()
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=trust)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        if self.security == "starttls":
            try:
                server.starttls(context=trust)
            except BaseException:
                server.close()
                raise
        return server


class Post:
    """Letters on their way. They lie in `folder` until they are delivered; where it cannot be written, in memory."""

    def __init__(self, folder: Path, *, bot: Bot | None = None, mailer: Mailer | None = None) -> None:
        self._folder = folder
        self._ways: dict[str, Bot | Mailer] = {}
        if bot:
            self._ways["telegram"] = bot
        if mailer:
            self._ways["mail"] = mailer
        self.letters: list[Letter] = sorted(_read(folder), key=lambda letter: letter.at)

    @property
    def ways(self) -> frozenset[str]:
        return frozenset(self._ways)

    def put(self, id: str, people: Iterable[Person], *, subjects: Sequence[str], texts: Sequence[str]) -> None:
        """Owes an alert to each person; `subjects` and `texts` go with them in their order."""
        for number, (person, subject, text) in enumerate(zip(people, subjects, texts, strict=True)):
            if person.way in self._ways:
                letter = Letter(
                    id=f"{id}-{number}", way=person.way, address=person.address, subject=subject, text=text,
                    at=time.time(),
                )  # fmt: skip
                self.letters.append(letter)
                self._save(letter)

    def send(self, letter: Letter) -> None:
        """At once, with no second attempt; raises `NotSent`."""
        self._ways[letter.way].send(letter)

    async def deliver_due(self) -> list[Letter]:
        """Delivers what is due, the oldest of each address first; gives what was tried, with its outcome in `why`."""
        now, first = time.time(), dict[tuple[str, str], Letter]()
        for letter in [*self.letters]:
            if now - letter.at > KEPT or letter.way not in self._ways:
                self._forget(letter)
            else:
                first.setdefault((letter.way, letter.address), letter)
        due = [letter for letter in first.values() if letter.again <= now or letter.again > now + MOST]
        room = asyncio.Semaphore(AT_ONCE)

        async def one(letter: Letter) -> None:
            async with room:
                await asyncio.to_thread(self._attempt, letter)
            self._save(letter) if letter.why else self._forget(letter)

        await asyncio.gather(*(one(letter) for letter in due))
        return due

    def _attempt(self, letter: Letter) -> None:
        letter.attempts += 1
        try:
            self.send(letter)
            letter.why = ""
        except NotSent as error:
            letter.why = str(error)
            letter.again = time.time() + max(error.wait, min(FIRST * 2 ** min(letter.attempts - 1, 10), MOST))

    def _save(self, letter: Letter) -> None:
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            aside = self._folder / f".{letter.id}"
            aside.write_text(json.dumps(asdict(letter), ensure_ascii=False), encoding="utf-8")
            aside.replace(self._folder / f"{letter.id}.json")

    def _forget(self, letter: Letter) -> None:
        self.letters.remove(letter)
        with suppress(OSError):
            (self._folder / f"{letter.id}.json").unlink(missing_ok=True)


def request(url: str, *, body: object = None, proxy: str = "", timeout: float = TIMEOUT) -> tuple[int, bytes]:
    """Status and body of one GET, or POST of JSON; through `proxy` (http or socks5) where one is given."""
    parts = urlsplit(url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    port = parts.port or (443 if secure else 80)
    made = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = made(host, port, timeout=timeout)
    if proxy:
        from python_socks.sync import Proxy

        plain = Proxy.from_url(proxy).connect(host, port, timeout=timeout)
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if body is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(1 << 20)
    finally:
        connection.close()


def _read(folder: Path) -> Iterable[Letter]:
    for file in sorted(folder.glob("*.json")):
        with suppress(OSError, ValueError, TypeError):
            yield Letter(**json.loads(file.read_text(encoding="utf-8")))
