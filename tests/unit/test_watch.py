"""The watch with real sockets: what is asked, what is sent to whom, what survives, and when the heartbeat is posted."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from appliance import watch
from appliance.alert_post import Bot, Letter, Mailer, NotSent, Person, Post
from appliance.alerts import SETTLE, Trouble
from appliance.heartbeat import EVERY, Heartbeat
from appliance.watch import Folder, House, Watch, ask_for_test, history, keep_people, people_of, rules, set_rules


@dataclass
class World:
    """Everything outside of the box behind one port: its chat, Telegram, the monitor."""

    url: str = ""
    parts: list[dict[str, Any]] | None = field(default_factory=list)  # None: the chat does not answer
    sent: list[dict[str, Any]] = field(default_factory=list)
    beats: int = 0
    refuse: list[tuple[int, dict[str, Any]]] = field(default_factory=list)  # Telegram's next answers

    def say(self, name: str, state: str, cause: str = "", **more: Any) -> None:
        self.parts = [{"name": name, "state": state, "cause": cause, "why": "w", "values": {}, "because": "", **more}]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()

    class Face(BaseHTTPRequestHandler):
        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            if self.path.startswith("/beat"):
                world.beats += 1
                self._answer(200, {})
            elif world.parts is None:
                self._answer(500, {})
            else:
                bad = any(part["state"] == "FAIL" for part in world.parts)
                self._answer(503 if bad else 200, {"parts": world.parts})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if world.refuse:
                return self._answer(*world.refuse.pop(0))
            world.sent.append(body)
            return self._answer(200, {"ok": True})

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Face)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    world.url = f"http://127.0.0.1:{server.server_port}"
    yield world
    server.shutdown()
    thread.join()
    server.server_close()


def post(home: Path, world: World) -> Post:
    return Post(Folder(home=home).outgoing, bot=Bot(token="1:a", base=world.url))


def over(home: Path, world: World, **more: Any) -> Watch:
    house = House(
        home=home, chat=world.url, name="box", console="http://box:8081", zone=ZoneInfo("UTC"), to=("7",), **more
    )
    return Watch(house, post=post(home, world))


async def looks(one: Watch, world: World, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """As many looks as in that time, without waiting for it."""
    now = time.monotonic()
    for number in range(round(seconds / watch.LOOK)):
        monkeypatch.setattr(time, "monotonic", lambda at=now + (number + 1) * watch.LOOK: at)
        await one.look()
        await one._post.deliver_due()


async def test_a_trouble_of_the_health_page_reaches_people_and_the_history(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = over(tmp_path, world)
    world.say("disk", "DEGRADED", "disk_low", values={"free": "5", "used": "99", "folder": "/srv"})
    await looks(one, world, monkeypatch, SETTLE + 15)
    [letter] = world.sent
    assert letter["chat_id"] == "7" and "5 МБ" in letter["text"] and "http://box:8081" in letter["text"]
    world.parts = []
    await looks(one, world, monkeypatch, 60)
    assert len(world.sent) == 2 and "снова в порядке" in world.sent[1]["text"]
    assert [told["kind"] for told in history(Folder(home=tmp_path))] == ["over", "trouble"]


async def test_what_is_down_because_of_another_part_and_what_the_keeper_knows_better_is_left_out(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.parts = [
        {"name": "outbox", "state": "DEGRADED", "cause": "not_known", "because": "database", "values": {"part": "d"}},
        {"name": "catalogue", "state": "DEGRADED", "cause": "catalogue_none", "values": {}},
    ]
    await looks(over(tmp_path, world), world, monkeypatch, 60)
    assert world.sent == []


async def test_a_chat_that_is_still_starting_is_not_alerted_but_one_that_falls_silent_is(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = over(tmp_path, world)
    world.parts = None
    await looks(one, world, monkeypatch, 60)
    assert world.sent == []
    world.parts = []
    await looks(one, world, monkeypatch, 10)
    world.parts = None
    await looks(one, world, monkeypatch, 30)
    assert len(world.sent) == 1 and "Чат не отвечает" in world.sent[0]["text"]


async def test_an_alert_that_telegram_did_not_take_survives_a_restart_and_goes_out_in_order(
    tmp_path: Path, world: World
) -> None:
    world.refuse = [(429, {"description": "Too Many Requests", "parameters": {"retry_after": 1}}), (502, {})]
    before = post(tmp_path, world)
    for word in ("first", "second"):
        before.put(word, [Person(way="telegram", address="7")], subjects=["s"], texts=[word])
    [tried] = await before.deliver_due()
    assert "Too Many Requests" in tried.why
    after = post(tmp_path, world)
    assert [letter.text for letter in after.letters] == ["first", "second"]
    for letter in after.letters:
        letter.again = 0
    await after.deliver_due()
    after.letters[0].again = 0
    for _ in range(2):
        await after.deliver_due()
    assert [sent["text"] for sent in world.sent] == ["first", "second"]
    assert not list(Folder(home=tmp_path).outgoing.glob("*.json"))


async def test_a_folder_that_cannot_be_written_keeps_no_alert_back(tmp_path: Path, world: World) -> None:
    (tmp_path / "watch").write_text("a file where the folder should be")
    letters = post(tmp_path, world)
    letters.put("1", [Person(way="telegram", address="7")], subjects=["s"], texts=["the disk is full"])
    await letters.deliver_due()
    assert [sent["text"] for sent in world.sent] == ["the disk is full"]


async def test_no_failure_tells_the_token(world: World) -> None:
    letter = Letter(id="1", way="telegram", address="7", subject="s", text="t", at=time.time())
    for bot in (Bot(token="1:secret", base="http://127.0.0.1:9"), Bot(token="1:secret", base=world.url)):
        world.refuse = [(401, {"description": "Unauthorized"})]
        with pytest.raises(NotSent) as refused:
            bot.send(letter)
        assert "secret" not in f"{refused.value} {bot!r}"
    with pytest.raises(NotSent) as refused:
        Mailer(host="127.0.0.1", port=9, user="u", password="secret").send(letter)
    assert "secret" not in str(refused.value)


async def test_a_test_that_the_console_asked_for_is_sent_once(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = over(tmp_path, world)
    ask_for_test(Folder(home=tmp_path))
    await looks(one, world, monkeypatch, 20)
    [letter] = world.sent
    assert "пробное оповещение" in letter["text"]


def test_those_who_are_told_are_the_administrators_and_the_addresses_of_the_settings_each_once(tmp_path: Path) -> None:
    folder = Folder(home=tmp_path)
    keep_people(folder, [Person(way="telegram", address="501", lang="en"), Person(way="mail", address="a@b.example")])
    found = people_of(folder, ("501", "ops@b.example"), "ru")
    assert {(one.way, one.address, one.lang) for one in found} == {
        ("telegram", "501", "en"), ("mail", "a@b.example", "ru"), ("mail", "ops@b.example", "ru"),
    }  # fmt: skip


def test_quiet_hours_of_the_console_go_before_those_of_the_settings(tmp_path: Path) -> None:
    folder = Folder(home=tmp_path)
    assert rules(folder, "22:00-07:00") == "22:00-07:00"
    set_rules(folder, "")
    assert rules(folder, "22:00-07:00") == ""
    with pytest.raises(ValueError, match="22:00-07:00"):
        set_rules(folder, "nights")


async def test_the_heartbeat_beats_only_while_all_that_customers_need_is_well(world: World) -> None:
    now = [0.0]
    heart = Heartbeat(f"{world.url}/beat?key=k", clock=lambda: now[0])
    assert await heart.beat({})
    assert not await heart.beat({}), "once a minute is enough"
    now[0] += EVERY
    for part in ("database", "bot", "engine", "outbox", "chat"):
        assert not await heart.beat({part: Trouble(part=part, cause="said")})
    assert world.beats == 1
    assert await heart.beat({"mail": Trouble(part="mail", cause="said")}), "customers do not need the mail"
    assert world.beats == 2


async def test_an_ended_watch_leaves_word_that_the_box_is_off_on_purpose(tmp_path: Path, world: World) -> None:
    running = asyncio.get_running_loop().create_task(over(tmp_path, world).run())
    await asyncio.sleep(0.5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    last = json.loads((Folder(home=tmp_path).availability / "last.json").read_text())
    assert last["ended"] is True
