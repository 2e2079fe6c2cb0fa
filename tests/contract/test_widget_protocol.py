"""The widget's protocol v1 as docs/protocol.md states it, spoken over real sockets to the real channel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from appliance.channels.widget import WidgetLimits
from appliance.core.limits import Rate
from appliance.core.types import Card, Inbound, Progress
from tests.e2e.widget_house import Answer, House, open_house

PUMP = Card(
    sku="P-1", name="Pump <b>3 kW</b>", price=Decimal("148900.50"), currency="RUB", stock=Decimal(12), unit="pcs",
    attributes=(("Power", "3 kW"),), photo="p1.webp",
)  # fmt: skip
ROOMY = WidgetLimits(sessions=(Rate(burst=1000, per_second=1),), messages=(Rate(burst=1000, per_second=100),))


class Browser:
    """A client that keeps what it is told."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame, ensure_ascii=False))

    async def hear(self, kind: str = "", within: float = 10.0) -> dict[str, Any]:
        """The next frame, or the next of a type."""
        async with asyncio.timeout(within):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.recv())
                if not kind or frame["type"] == kind:
                    return frame

    async def hello(self, **fields: Any) -> dict[str, Any]:
        await self.say(type="hello", **{"v": 1, "key": "", "last_seq": 0, "lang": "ru", **fields})
        return await self.hear()

    async def ask(self, text: str, cid: str = "") -> str:
        cid = cid or str(uuid4())
        await self.say(type="msg", cid=cid, text=text)
        return cid

    async def closing(self, within: float = 10.0) -> tuple[int, dict[str, Any]]:
        """The close code, and the last frame before it."""
        last: dict[str, Any] = {}
        with suppress(ConnectionClosed):
            async with asyncio.timeout(within):
                while True:
                    last = json.loads(await self.socket.recv())
        return self.socket.close_code or 0, last


@asynccontextmanager
async def browser(url: str, **options: Any) -> AsyncIterator[Browser]:
    options.setdefault("origin", url)
    async with connect(url.replace("http", "ws") + "/ws/v1", **options) as socket:
        yield Browser(socket)


def says(text: str, **more: Any) -> Callable[[Inbound], Answer]:
    return lambda inbound: Answer(text, **more)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_question_is_acknowledged_answered_step_by_step_and_stored() -> None:
    answer = says("Two pumps fit well", cards=[PUMP], quick=["Cheaper?"], form={"form_id": "contact", "fields": []})
    async with open_house(answer, limits=ROOMY) as (_, url), browser(url) as me:
        welcome = await me.hello()
        assert (welcome["type"], welcome["v"], welcome["resumed"], welcome["seq"], welcome["missed"]) == (
            "welcome", 1, False, 0, [],
        )  # fmt: skip
        assert welcome["limits"] == {"frame_bytes": 16384, "text_chars": 4000, "resume_events": 50}
        cid = await me.ask("Need a pump")
        frames = [await me.hear()]
        while frames[-1]["type"] != "form":
            frames.append(await me.hear())
    ack = frames[0]
    assert (ack["type"], ack["cid"], ack["seq"], ack.get("dup")) == ("ack", cid, 1, None)
    start, goods = frames[1:3]
    assert (start["type"], start["role"]) == ("start", "bot")
    assert (goods["type"], goods["mid"], goods.get("seq")) == ("cards", start["mid"], None)
    assert goods["items"][0]["price"] == "148900.50" and goods["items"][0]["stock"] == "12"
    assert goods["items"][0]["name"] == "Pump <b>3 kW</b>" and goods["items"][0]["attributes"] == [["Power", "3 kW"]]
    text = ""
    for delta in (frame for frame in frames if frame["type"] == "delta"):
        assert delta["mid"] == start["mid"] and delta["off"] <= len(text)
        text = text[: delta["off"]] + delta["d"]
    durable = [(frame["type"], frame["seq"]) for frame in frames if frame.get("seq", 0) > 1]
    assert durable == [("cards", 2), ("msg", 3), ("quick", 4), ("form", 5)]
    final = next(frame for frame in frames if frame["type"] == "msg")
    assert (final["mid"], final["role"], final["text"]) == (start["mid"], "bot", "Two pumps fit well")
    assert final["text"].startswith(text)


async def test_passing_and_stored_cards_point_to_the_same_photo() -> None:
    answer = says("Fits", cards=[PUMP])
    async with open_house(answer, photos=lambda card: f"/photo/v7/{card.photo}") as (_, url), browser(url) as me:
        session = await me.hello()
        await me.ask("Pump")
        passing, stored = await me.hear("cards"), await me.hear("cards")
        assert passing["items"] == stored["items"] and stored["items"][0]["photo"] == "/photo/v7/p1.webp"
        async with browser(url) as again:
            missed = (await again.hello(sid=session["sid"], token=session["token"]))["missed"]
            assert missed[1]["items"] == stored["items"]


async def test_one_cid_is_one_message_however_often_it_is_sent() -> None:
    async with open_house(says("Yes")) as (house, url), browser(url) as me:
        await me.hello()
        cid = await me.ask("Delivery?")
        first = await me.hear("ack")
        await me.hear("msg")
        await me.ask("Delivery?", cid)
        await me.ask("Delivery?", cid)
        again = [await me.hear("ack"), await me.hear("ack")]
        assert [len(house.heard), house.heard[0].external_id.endswith(cid)] == [1, True]
    assert all(ack["dup"] and (ack["mid"], ack["seq"]) == (first["mid"], first["seq"]) for ack in again)


async def test_who_comes_back_is_told_what_was_missed_and_the_text_so_far() -> None:
    async with open_house(says("one two three four five", hold_after=4), limits=ROOMY) as (house, url):
        async with browser(url) as me:
            session = await me.hello()
            await me.ask("Count")
            while not (await me.hear("delta"))["d"].endswith("three"):
                pass
        async with browser(url) as me:
            welcome = await me.hello(sid=session["sid"], token=session["token"], last_seq=0)
            assert welcome["resumed"] and welcome["sid"] == session["sid"]
            assert [(event["type"], event["role"], event["text"]) for event in welcome["missed"]] == [
                ("msg", "user", "Count")
            ]
            assert welcome["live"]["text"] == "one two three"
            house.go_on.set()
            text = welcome["live"]["text"]
            while (frame := await me.hear())["type"] == "delta":
                assert frame["off"] == len(text)
                text += frame["d"]
            assert (frame["type"], frame["text"], frame["mid"]) == (
                "msg", "one two three four five", welcome["live"]["mid"],
            )  # fmt: skip
        async with browser(url) as me:
            welcome = await me.hello(sid=session["sid"], token=session["token"], last_seq=1)
            assert [event["seq"] for event in welcome["missed"]] == [2] and "live" not in welcome


async def test_a_second_tab_sees_the_question_and_the_answer_in_order() -> None:
    async with open_house(says("Yes")) as (_, url), browser(url) as one, browser(url) as two:
        session = await one.hello()
        await two.hello(sid=session["sid"], token=session["token"])
        cid = await one.ask("Open on Sunday?")
        seen = [await two.hear("msg"), await two.hear("msg")]
    assert [(event["seq"], event["role"], event["text"]) for event in seen] == [
        (1, "user", "Open on Sunday?"), (2, "bot", "Yes"),
    ]  # fmt: skip
    assert seen[0]["cid"] == cid


async def test_an_acknowledgement_stands_in_its_messages_place_among_the_events() -> None:
    async with open_house() as (house, url), browser(url) as me:
        await me.hello()
        house.add(house.only(), role="agent", kind="text", text="Hello from Anna")
        await me.ask("Hi")
        assert [(await me.hear())["type"], (await me.hear())["type"]] == ["msg", "ack"]
        house.add(house.only(), role="agent", kind="text", text="How can I help?")
        house.channel.hint(house.only())
        event = await me.hear()
        assert (event["type"], event["role"], event["seq"]) == ("msg", "agent", 3)


async def test_events_without_a_hint_are_found_by_looking() -> None:
    async with open_house(limits=WidgetLimits(poll_seconds=0.1)) as (house, url), browser(url) as me:
        await me.hello()
        house.add(house.only(), role="agent", kind="state", payload={"mode": "agent", "agent": {"name": "Anna"}})
        event = await me.hear("state")
    assert (event["seq"], event["mode"], event["agent"]) == (1, "agent", {"name": "Anna"})


async def test_only_the_newest_fifty_events_are_resumed_and_older_ones_come_page_by_page() -> None:
    async with open_house() as (house, url), httpx.AsyncClient(base_url=url) as http:
        async with browser(url) as me:
            session = await me.hello()
        for number in range(120):
            house.add(house.only(), role="bot", kind="text", text=f"message {number}")
        async with browser(url) as me:
            welcome = await me.hello(sid=session["sid"], token=session["token"])
        assert [welcome["missed"][0]["seq"], welcome["missed"][-1]["seq"], welcome["seq"]] == [71, 120, 120]
        who = {"sid": session["sid"], "token": session["token"]}
        page = await http.post("/widget/v1/history", content=json.dumps({**who, "before": 71}), headers={"Origin": url})
        assert [event["seq"] for event in page.json()["events"]] == list(range(21, 71))
        wrong = await http.post(
            "/widget/v1/history", content=json.dumps({**who, "token": "x", "before": 71}), headers={"Origin": url}
        )
        foreign = await http.post(
            "/widget/v1/history", content=json.dumps({**who, "before": 71}), headers={"Origin": "https://evil.example"}
        )
        assert [wrong.status_code, foreign.status_code] == [401, 403]


async def test_a_browser_that_knows_more_than_the_database_starts_afresh() -> None:
    async with open_house(says("Yes")) as (_, url):
        async with browser(url) as me:
            session = await me.hello()
            await me.ask("Hi")
            await me.hear("msg")
        async with browser(url) as me:
            welcome = await me.hello(sid=session["sid"], token=session["token"], last_seq=99)
            assert welcome["seq"] == 2 and [event["seq"] for event in welcome["missed"]] == [1, 2]


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "https://shop.example.evil.com", "file://"])
async def test_a_page_of_a_foreign_site_gets_403(origin: str | None) -> None:
    async with open_house(sites=lambda: ["https://shop.example"]) as (_, url):
        with pytest.raises(InvalidStatus) as refused:
            async with browser(url, origin=origin):
                pass
    assert refused.value.response.status_code == 403


async def test_the_log_tells_once_of_a_site_that_is_not_allowed() -> None:
    async with open_house(sites=lambda: ["https://shop.example"]) as (_, url):
        with capture_logs() as logs:
            for _ in range(3):
                with pytest.raises(InvalidStatus):
                    async with browser(url, origin="https://new-shop.example"):
                        pass
    assert [line["site"] for line in logs if line["log_level"] == "warning"] == ["https://new-shop.example"]


@pytest.mark.parametrize("origin", ["https://shop.example", "https://SHOP.example:443", "https://a.b.bazaar.example"])
async def test_a_page_of_an_allowed_site_is_welcome(origin: str) -> None:
    async with (
        open_house(sites=lambda: ["https://shop.example", "https://*.bazaar.example"]) as (_, url),
        browser(url, origin=origin) as me,
    ):
        assert (await me.hello())["type"] == "welcome"


async def test_a_site_taken_off_the_list_loses_its_open_chats() -> None:
    sites = ["https://shop.example"]
    async with (
        open_house(sites=lambda: sites, limits=WidgetLimits(poll_seconds=0.1)) as (_, url),
        browser(url, origin="https://shop.example") as me,
    ):
        await me.hello()
        sites.clear()
        assert (await me.closing())[0] == 4403


async def test_a_wrong_token_is_4401_and_opens_nothing() -> None:
    async with open_house() as (house, url), browser(url) as me:
        async with browser(url) as other:
            session = await other.hello()
        await me.say(type="hello", v=1, sid=session["sid"], token="guessed", last_seq=0, lang="en")
        assert await me.closing() == (4401, {"type": "err", "code": "token", "fatal": True})
        assert len(house.sessions) == 1


async def test_a_silent_browser_is_sent_away_with_4408() -> None:
    async with open_house(limits=WidgetLimits(hello_seconds=0.2)) as (_, url), browser(url) as me:
        assert (await me.closing())[0] == 4408


async def test_who_does_not_say_hello_first_is_4408() -> None:
    async with open_house() as (_, url), browser(url) as me:
        await me.say(type="msg", cid=str(uuid4()), text="hi")
        assert (await me.closing())[0] == 4408


@pytest.mark.parametrize("raw", ["no json", "[1]", '{"text":"no type"}', "[" * 8000, '{"type":' + "9" * 5000, "NaN"])
async def test_what_is_no_frame_is_4400(raw: str) -> None:
    async with open_house() as (_, url), browser(url) as me:
        await me.hello()
        await me.socket.send(raw)
        assert (await me.closing())[0] == 4400


async def test_bytes_and_another_version_are_4400() -> None:
    async with open_house() as (_, url), browser(url) as one, browser(url) as two:
        await one.hello()
        await one.socket.send(b"\x00\x01")
        await two.say(type="hello", v=2, last_seq=0, lang="en")
        assert [(await one.closing())[0], (await two.closing())[0]] == [4400, 4400]


async def test_a_frame_of_40_kilobytes_is_4413() -> None:
    async with open_house() as (house, url), browser(url) as me:
        await me.hello()
        await me.ask("x" * 40_000)
        assert await me.closing() == (4413, {"type": "err", "code": "too_large", "fatal": True})
        assert house.heard == []


async def test_a_text_of_4001_characters_is_refused_and_the_line_stays() -> None:
    async with open_house(says("Yes"), limits=ROOMY) as (house, url), browser(url) as me:
        await me.hello()
        cid = await me.ask("ы" * 4001)
        assert await me.hear() == {"type": "err", "code": "too_long", "cid": cid}
        await me.ask("ы" * 4000)
        assert (await me.hear("ack"))["seq"] == 1 and len(house.heard[0].text) == 4000


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "msg", "text": "no cid"},
        {"type": "msg", "cid": "not a uuid", "text": "hi"},
        {"type": "msg", "cid": str(uuid4()), "text": "   \n"},
        {"type": "msg", "cid": str(uuid4()), "text": 5},
        {"type": "action", "cid": str(uuid4()), "kind": "dance", "ref": "x"},
        {"type": "feedback", "mid": str(uuid4()), "value": 7},
        {"type": "read", "seq": -1},
        {"type": "form", "cid": str(uuid4()), "form_id": "f", "values": {"a": {"b": 1}}, "consent": True},
    ],
)
async def test_a_field_that_does_not_fit_is_refused_by_name_and_the_line_stays(frame: dict[str, Any]) -> None:
    async with open_house() as (house, url), browser(url) as me:
        await me.hello()
        await me.say(**frame)
        refusal = await me.hear()
        assert (refusal["type"], refusal["code"], refusal.get("cid")) == ("err", "bad", frame.get("cid"))
        await me.say(type="ping")
        assert (await me.hear())["type"] == "pong"
        assert house.heard == []


async def test_null_is_the_same_as_nothing() -> None:
    async with open_house() as (_, url), browser(url) as me:
        assert (await me.hello(sid=None, token=None, key=None, page=None, last_seq=None))["type"] == "welcome"


async def test_types_of_a_later_protocol_are_ignored() -> None:
    async with open_house() as (_, url), browser(url) as me:
        await me.hello()
        await me.say(type="hologram", size=3)
        await me.say(type="ping", extra="field")
        assert (await me.hear())["type"] == "pong"


async def test_text_that_no_database_takes_is_cleaned() -> None:
    async with open_house() as (house, url), browser(url) as me:
        await me.hello()
        await me.socket.send(json.dumps({"type": "msg", "cid": str(uuid4()), "text": "a\0b\ud800c"}))
        await me.hear("ack")
        assert house.heard[0].text == "ab?c"


async def test_a_burst_of_eight_gets_five_through_and_says_when_to_come_again() -> None:
    async with open_house() as (house, url), browser(url) as me:
        await me.hello()
        for number in range(8):
            await me.ask(f"question {number}")
        frames = [await me.hear() for _ in range(8)]
    assert [frame["type"] for frame in frames].count("ack") == 5 == len(house.heard)
    refused = [frame for frame in frames if frame["type"] == "err"]
    assert all(frame["code"] == "rate" and 0 < frame["retry_ms"] <= 1500 and frame["cid"] for frame in refused)


async def test_an_hours_messages_are_bounded_whatever_their_pace() -> None:
    limits = WidgetLimits(messages=(Rate(burst=1000, per_second=1000), Rate.hourly(60)))
    async with open_house(limits=limits) as (house, url), browser(url) as me:
        await me.hello()
        for number in range(80):
            await me.ask(f"question {number}")
        kinds = [(await me.hear())["type"] for _ in range(80)]
        assert (kinds.count("ack"), kinds.count("err"), len(house.heard)) == (60, 20, 60)


async def test_who_goes_on_in_spite_of_refusals_is_4429() -> None:
    async with open_house() as (_, url), browser(url) as me:
        await me.hello()
        for number in range(60):
            await me.ask(f"flood {number}")
        code, last = await me.closing()
    assert (code, last["code"], last["fatal"]) == (4429, "abuse", True)


async def test_an_address_may_open_five_sessions_an_hour_and_resume_any_time() -> None:
    async with open_house() as (house, url):
        sessions = []
        for _ in range(5):
            async with browser(url) as me:
                sessions.append(await me.hello())
        async with browser(url) as me:
            refusal = await me.hello()
            assert (refusal["code"], (await me.closing())[0]) == ("sessions", 4429)
            assert 0 < refusal["retry_ms"] <= 720_001
        async with browser(url) as me:
            assert (await me.hello(sid=sessions[0]["sid"], token=sessions[0]["token"]))["resumed"]
        assert len(house.sessions) == 5


async def test_an_address_may_hold_ten_sockets() -> None:
    async with open_house(limits=ROOMY) as (_, url):
        held = [await connect(url.replace("http", "ws") + "/ws/v1", origin=Origin(url)) for _ in range(10)]
        async with browser(url) as me:
            await me.say(type="hello", v=1, last_seq=0, lang="en")
            assert (await me.closing())[1]["code"] == "sockets"
        await held.pop().close()
        async with browser(url) as me:
            assert (await me.hello())["type"] == "welcome"
        for socket in held:
            await socket.close()


async def test_addresses_behind_a_trusted_proxy_are_told_apart_and_others_are_not_believed() -> None:
    tight = WidgetLimits(sessions=(Rate.hourly(1),))
    for proxies, expected in ((["127.0.0.0/8"], ["welcome", "welcome", "err"]), ([], ["welcome", "err", "err"])):
        async with open_house(limits=tight, trusted_proxies=proxies) as (_, url):
            kinds = []
            for customer in ("198.51.100.1", "198.51.100.2", "198.51.100.2"):
                header = {"X-Forwarded-For": f"6.6.6.6, {customer}"}
                async with browser(url, additional_headers=header) as me:
                    kinds.append((await me.hello())["type"])
        assert kinds == expected


async def test_a_full_process_answers_503_before_the_handshake() -> None:
    async with open_house(limits=WidgetLimits(sockets=1)) as (_, url), browser(url):
        with pytest.raises(InvalidStatus) as refused:
            async with browser(url):
                pass
    assert refused.value.response.status_code == 503 and refused.value.response.headers["Retry-After"]


async def test_a_reader_too_slow_for_its_queue_is_cut_off_and_others_do_not_notice() -> None:
    limits = WidgetLimits(queue_frames=20, flush_seconds=0.0)
    async with open_house(limits=limits) as (house, url), browser(url) as quick:
        session = await quick.hello()
        async with browser(url, max_queue=1, compression=None) as slow:
            who = {"sid": session["sid"], "token": session["token"]}
            await slow.hello(**who)
            about = Progress(conversation=house.only(), message=uuid4())
            for _ in range(400):  # 8 MB in all: more than the kernel keeps for who does not read
                await house.channel.show(session["sid"], replace(about, text=uuid4().hex * 640))
                await quick.hear("delta")
            code, _ = await slow.closing(within=10)
            assert code in (4008, 1006)  # the close frame itself may not get through
            await until(lambda: house.channel._sockets.total() == 1)
        await quick.say(type="ping")
        assert (await quick.hear("pong"))["type"] == "pong"


async def test_a_message_that_cannot_be_stored_is_to_be_sent_again() -> None:
    async with open_house(says("Yes")) as (house, url), browser(url) as me:
        await me.hello()
        house.down = True
        cid = await me.ask("Hello?")
        refusal = await me.hear()
        assert (refusal["code"], refusal["cid"], refusal["retry_ms"]) == ("unavailable", cid, 3001)
        house.down = False
        await me.ask("Hello?", cid)
        assert (await me.hear("ack"))["seq"] == 1 and (await me.hear("msg"))["text"] == "Yes"


async def test_a_database_that_is_away_refuses_hello_without_losing_the_session() -> None:
    async with open_house() as (house, url):
        async with browser(url) as me:
            session = await me.hello()
        house.down = True
        async with browser(url) as me:
            await me.say(type="hello", v=1, sid=session["sid"], token=session["token"], lang="en")
            code, last = await me.closing()
            assert (code, last["code"], last["retry_ms"]) == (1011, "unavailable", 3001)
        house.down = False
        async with browser(url) as me:
            assert (await me.hello(sid=session["sid"], token=session["token"]))["resumed"]


async def test_a_restart_says_1012() -> None:
    async with open_house() as (house, url), browser(url) as me:
        await me.hello()
        await house.channel.close()
        assert (await me.closing())[0] == 1012
        with pytest.raises(InvalidStatus) as refused:
            async with browser(url):
                pass
        assert refused.value.response.status_code == 503


async def test_stop_feedback_and_read_reach_the_shop() -> None:
    async with open_house(says("one two three", hold_after=2)) as (house, url), browser(url) as me:
        await me.hello()
        await me.ask("Count")
        start = await me.hear("start")
        await me.say(type="stop", mid=start["mid"])
        final = await me.hear("msg")
        await me.say(type="feedback", mid=final["mid"], value=-1)
        await me.say(type="read", seq=2)
        await until(lambda: house.reads)
        assert [house.stopped, [str(house.feedbacks[0][0]), house.feedbacks[0][1]], house.reads] == [
            [house.only()], [final["mid"], -1], [2],
        ]  # fmt: skip


async def test_quick_replies_and_forms_arrive_as_messages_with_what_they_carry() -> None:
    async with open_house() as (house, url), browser(url) as me:
        await me.hello()
        await me.say(type="action", cid=str(uuid4()), kind="quick", ref="Cheaper?")
        await me.hear("ack")
        values = {"name": "Ann", "phone": "+7 701 000 00 00", "website": ""}
        await me.say(type="form", cid=str(uuid4()), form_id="contact", values=values, consent="2026-11")
        await me.hear("ack")
        quick, form = house.heard
        assert (quick.kind, quick.text, quick.payload["ref"]) == ("quick", "Cheaper?", "Cheaper?")
        assert (form.kind, form.text) == ("form", "name: Ann\nphone: +7 701 000 00 00")
        assert (form.payload["form_id"], form.payload["values"]["name"], form.payload["consent"]) == (
            "contact", "Ann", "2026-11",
        )  # fmt: skip


async def test_a_form_without_consent_is_refused_and_a_programs_form_goes_nowhere() -> None:
    async with open_house() as (house, url), browser(url) as me:
        await me.hello()
        await me.say(type="form", cid=str(uuid4()), form_id="contact", values={"phone": "1"}, consent=False)
        assert (await me.hear())["code"] == "consent"
        values = {"phone": "1", "website": "https://spam.example"}
        await me.say(type="form", cid=str(uuid4()), form_id="contact", values=values, consent="1")
        assert (await me.hear())["type"] == "ack" and house.heard == []


async def test_a_text_that_changes_is_told_from_where_it_changed_in_utf16_units() -> None:
    async with open_house() as (house, url), browser(url) as me:
        session = await me.hello()
        mid = uuid4()
        for text in ("🙂 Pump costs", "🙂 Pump fits"):
            progress = Progress(conversation=house.only(), message=mid, text=text)
            await house.channel.show(session["sid"], progress)
            delta = await me.hear("delta")
        assert (delta["off"], delta["d"]) == (8, "fits")


async def test_an_interrupted_answer_is_taken_back() -> None:
    async with open_house() as (house, url), browser(url) as me:
        session = await me.hello()
        about = Progress(conversation=house.only(), message=uuid4())
        await house.channel.show(session["sid"], replace(about, text="Half an ans"))
        await house.channel.show(session["sid"], replace(about, state="interrupted"))
        assert await me.hear("err") == {"type": "err", "code": "interrupted", "mid": str(about.message)}
        async with browser(url) as again:
            assert "live" not in await again.hello(sid=session["sid"], token=session["token"])


async def test_a_manager_who_takes_over_ends_the_text_so_far() -> None:
    async with open_house() as (house, url), browser(url) as me:
        session = await me.hello()
        await house.channel.show(
            session["sid"], Progress(conversation=house.only(), message=uuid4(), text="The assistant was just say")
        )
        house.add(house.only(), role="system", kind="state", payload={"mode": "agent", "agent": {"name": "Anna"}})
        house.channel.hint(house.only())
        await me.hear("state")
        async with browser(url) as again:
            assert "live" not in await again.hello(sid=session["sid"], token=session["token"])


async def test_progress_never_raises_even_for_nobody() -> None:
    async with open_house(photos=lambda card: 1 / 0) as (house, _):
        await house.channel.show("nobody", Progress(conversation=uuid4(), message=uuid4(), cards=(PUMP,)))
        await house.channel.show("nobody", Progress(conversation=uuid4(), message=uuid4(), text="text"))


async def test_files_are_for_any_site_and_hashed_ones_for_ever() -> None:
    async with open_house(sites=lambda: ["https://shop.example"]) as (_, url), httpx.AsyncClient(base_url=url) as http:
        loader = await http.get("/widget/v1/loader.js")
        version = loader.text.split("panel-")[1][:8]
        panel = await http.get(f"/widget/v1/panel-{version}.js")
        texts = await http.get(f"/widget/v1/ru-{version}.json")
        older = await http.get("/widget/v1/panel-00000000.js")
        page = await http.get("/chat")
        missing = await http.get("/widget/v1/nothing.js")
        again = await http.get("/widget/v1/loader.js", headers={"If-None-Match": loader.headers["ETag"]})
        head = await http.head("/chat")
    assert loader.headers["Cache-Control"] == "public, max-age=300"
    assert panel.headers["Cache-Control"] == texts.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for answer in (loader, panel, texts):
        assert answer.headers["Access-Control-Allow-Origin"] == "*" and answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert (older.content, older.headers["Cache-Control"]) == (panel.content, "no-store")
    assert "frame-ancestors 'self' https://shop.example" in page.headers["Content-Security-Policy"]
    assert [missing.status_code, again.status_code, head.status_code, len(texts.json()) > 20] == [404, 304, 200, True]


def test_a_house_without_the_built_widget_says_how_to_build_it(tmp_path: Any) -> None:
    from appliance.channels.widget import WidgetChannel

    house = House(lambda inbound: None)
    with pytest.raises(FileNotFoundError, match="npm run build"):
        WidgetChannel(visits=house, receive=house.receive, stop=house.stop, files=tmp_path)
