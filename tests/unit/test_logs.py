"""Logs: one JSON object a line, ids bound, secrets and personal data masked."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from appliance import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def last(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    value = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert isinstance(value, dict)
    return value


def test_a_line_carries_what_was_bound_where_the_conversation_began(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(form="json", role="chat")
    with structlog.contextvars.bound_contextvars(conversation="c-1"):
        structlog.get_logger("dialogue").info("answered", ms=12)
    line = last(capsys)
    assert (line["event"], line["conversation"], line["role"], line["ms"]) == ("answered", "c-1", "chat", 12)
    assert (line["level"], line["logger"]) == ("info", "dialogue")
    assert str(line["at"]).endswith("Z")


def test_foreign_libraries_log_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # as a server started with a level of its own leaves it
    logs.configure(form="json")
    logging.getLogger("uvicorn.error").warning("slow %s", "socket")
    assert last(capsys)["event"] == "slow socket"


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(form="json", level="warning")
    structlog.get_logger("x").info("hidden")
    logging.getLogger("y").info("hidden")
    assert capsys.readouterr().err == ""


def test_an_exception_is_one_line_and_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(form="json")
    try:
        raise ValueError("no route to postgresql://me:hunter2@db/shop")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    line = last(capsys)
    assert "ValueError" in str(line["exception"])
    assert "hunter2" not in str(line)


def test_a_secret_or_a_person_leaves_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(form="json")
    structlog.get_logger("x").info(
        "lead from +7 (912) 345-67-89, ivan@example.com",
        phone="89123456789", telegram_token="1:a", headers={"Authorization": "Bearer hush"}, name="Иван",
        url="https://api.telegram.org/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1/sendMessage",
        people=["+49 170 1234567"],
    )  # fmt: skip
    text = json.dumps(last(capsys), ensure_ascii=False)
    for hidden in ("345-67-89", "ivan", "89123456789", "hush", "Иван", "AAHdq", "170 1234567"):
        assert hidden not in text


@pytest.mark.parametrize(
    ("planted", "hidden"),
    [
        ("звоните +7 (495) 123-45-67 доб. 12", "123-45-67"),
        ("мой телефон 89031234567", "9031234567"),
        ("+998 90 123 45 67", "123 45"),
        ("anna.petrova+shop@mail.example.ru", "petrova"),
        ("Меня зовут Анна Петрова, нужен насос", "Петрова"),
        ("My name is John Fitzgerald", "Fitzgerald"),
        ("Ich heiße Jürgen Müller", "Müller"),
        ("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc", "eyJhbGci"),
        ("Zoho-oauthtoken 1000.8cb99dxxxxxxxxxxxxx9be93.9b8xxxxxxxxxxxxxxxf", "8cb99d"),
        ("POST /oauth/v2/token?refresh_token=1000.8ecd474019e31d&client_secret=4bcsdjsd", "8ecd474019"),
        ("https://heartbeat.example/m123?key=abcdef123456", "abcdef123456"),
        ("smtp://box:hunter2@mail.example:587", "hunter2"),
    ],
)
def test_what_customers_and_services_let_slip_is_masked_wherever_it_stands(
    planted: str, hidden: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(form="json")
    log = structlog.get_logger("x")
    log.info("heard", words=planted, nested={"deep": [planted]})
    log.info(planted)
    try:
        raise ValueError(planted)
    except ValueError:
        log.exception("failed")
    assert hidden not in capsys.readouterr().err


async def test_every_line_that_a_request_causes_carries_its_id_and_the_answer_tells_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(form="json")

    async def app(scope: object, receive: object, send: Any) -> None:
        structlog.get_logger("x").info("asked")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    for _ in range(2):
        await logs.Requests(app)({"type": "http"}, None, send)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [dict(message["headers"])[b"x-request-id"].decode() for message in sent]
    assert [line["request"] for line in lines] == told and len(set(told)) == 2


def test_whoever_listens_hears_each_line_that_is_written_and_its_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_listeners", heard := [])
    lines: list[tuple[str, object]] = []

    def hear(logger: object, level: str, event: object) -> object:
        lines.append((level, dict(event)["event"]))  # type: ignore[call-overload]
        return event

    heard.append(hear)
    logs.configure(form="json")
    structlog.get_logger("x").info("fine")
    structlog.get_logger("x").critical("not fine")
    logging.getLogger("library").error("broken")
    assert lines == [("info", "fine"), ("critical", "not fine"), ("error", "broken")]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T10:00:00Z",
        "sku 4600-12 price 12990.50",
        "насос 3 кВт 380 В 50 Гц",
        "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
        "took 1234567 us",
        "http://127.0.0.1:8080/chat",
        "next run at: 2026-11-22 17:04:55 UTC",
        "2026-11-22 17:04",
    ],
)
def test_goods_times_and_ids_stay_readable(text: str) -> None:
    assert logs.masked(text) == text


def test_on_a_terminal_it_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(form="console")
    structlog.get_logger("x").warning("careful", phone="+79123456789")
    text = capsys.readouterr().err
    assert "careful" in text
    assert "79123456789" not in text
