"""How a process logs: JSON lines for the house, readable lines on a terminal; ids bound, personal data masked.

Bind ids once where a request or a conversation begins (`structlog.contextvars.bound_contextvars(conversation=...)`) and
every line inside carries them. What must wake somebody is logged with `critical`.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

# 10 to 15 digits, as E.164 allows; a date with an hour is none.
_PHONE = re.compile(r"(?<![\w.-])(?!\d{4}-\d\d-\d\d[ T]\d\d)\+?\d(?:[\s().-]{0,2}\d){9,14}(?![\w-])")
# What people say before their own name, in the languages that most of them write; the name is what follows.
_CAPITALISED = r"[A-ZА-ЯЁІЇЄҒҚҢӨҰҮҺÄÖÜÇŞİ][\w’'-]+"
_NAME = re.compile(
    r"(?i:\b(меня зовут|мо[её] имя|моё им'я|мене звати|my name is|i am|i'm|mein name ist|ich hei(?:ß|ss)e|"
    rf"менің атым|mening ismim|ismim|benim adım|adım))(\s*[:,-]?\s*)({_CAPITALISED}(?:\s+{_CAPITALISED}){{0,2}})"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_BEARER = re.compile(r"(?i:\b(bearer|zoho-oauthtoken|basic)) +[\w.~+/=-]{8,}")  # as they stand in headers
_SECRET_PARAMETER = re.compile(
    r"(?i:\b((?:access_|refresh_|api_?)?(?:token|key|secret|code)|password|client_secret))=[^&\s\"']{6,}"
)
_BOT_TOKEN = re.compile(r"(?<!\d)(\d{6,12}):[\w-]{30,}")  # Telegram's, which stands in its URLs
_URL_PASSWORD = re.compile(r"(://[^\s:/@]*):[^\s@/]+@")
_SECRET_KEYS = re.compile(r"token|secret|password|passwd|authorization|api_?key|cookie", re.IGNORECASE)
_PERSONAL_KEYS = frozenset({"phone", "email", "name", "first_name", "last_name", "username", "company", "contact"})

Hear = Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]
_listeners: list[Hear] = []

_NOISY = dict.fromkeys(("httpx", "httpcore", "apscheduler"), logging.WARNING)


def configure(*, level: str = "info", form: str = "auto", role: str = "", to: TextIO | None = None) -> None:
    """Sets up logging of the whole process, foreign libraries included; lines go to standard error, or `to`.

    `form`: "json", "console", or "auto" for console on a terminal and json elsewhere.
    """
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        _heard,
    ]
    end: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, mask, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if as_json
        else [mask, structlog.dev.ConsoleRenderer(timestamp_key="at", colors=sys.stderr.isatty())]
    )
    handler = logging.StreamHandler(to or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), _without_colours],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _NOISY.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        theirs = logging.getLogger(name)
        theirs.handlers.clear()
        theirs.propagate = True
        theirs.setLevel(logging.NOTSET)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    if role:
        structlog.contextvars.bind_contextvars(role=role)


class Requests:
    """ASGI middleware: every line that a request or a socket causes carries its id, which the answer tells, too."""

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        id = secrets.token_hex(6)

        async def told(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request=id):
            await self._app(scope, receive, told)


def listen(hear: Hear) -> None:
    """Has each line that is written heard by one more, for example who counts errors."""
    _listeners.append(hear)


def _heard(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for hear in _listeners:
        hear(logger, str(event.get("level", method)), event)
    return event


def _without_colours(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """uvicorn repeats its message with terminal colours."""
    event.pop("color_message", None)
    return event


def mask(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: secrets and personal data leave no trace, wherever they stand in the event."""
    for key, value in event.items():
        event[key] = _masked(key, value)
    return event


def masked(text: str) -> str:
    """`text` without telephone numbers, mail addresses, names that introduce themselves, tokens, passwords in URLs."""
    text = _BOT_TOKEN.sub(r"\1:***", text)
    text = _BEARER.sub(r"\1 ***", text)
    text = _SECRET_PARAMETER.sub(r"\1=***", text)
    text = _URL_PASSWORD.sub(r"\1:***@", text)
    text = _EMAIL.sub("***@***", text)
    text = _NAME.sub(r"\1\2***", text)
    return _PHONE.sub("+***", text)


def _masked(key: str, value: Any) -> Any:
    match value:
        case _ if value and (_SECRET_KEYS.search(key) or key.lower() in _PERSONAL_KEYS):
            return "***"
        case str() if key not in {"at", "level", "logger"}:
            return masked(value)
        case Mapping():
            return {name: _masked(str(name), each) for name, each in value.items()}
        case list() | tuple() | set():
            return [_masked(key, each) for each in value]
        case _:
            return value
