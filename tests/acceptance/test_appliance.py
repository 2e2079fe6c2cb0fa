"""The whole appliance, started as an operator starts it, and customers who write to it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.rig import Appliance, Customer, loopback

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """Up and searching a sample of 400 goods, with no model: what a customer sees while that is on its way."""
    folder: Path = tmp_path_factory.mktemp("appliance")
    appliance = Appliance(folder / "home", APPLIANCE_PULL="false", APPLIANCE_SAMPLE="false")
    from catalog.sample import write_sample

    book = write_sample(folder / "sample", rows=400, seed=1)
    loaded = appliance.command("catalog", "import", str(book), "--publish", "--json")
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout)["published"]
    with appliance:
        appliance.wait()
        yield appliance
    assert appliance.left_behind() == []


async def test_a_customer_asks_and_sees_goods(appliance: Appliance) -> None:
    customer = Customer(appliance)
    answer = await customer.ask("насос")
    assert answer.items
    assert answer.text
    assert answer.cards is not None
    assert answer.done is not None
    assert answer.cards <= answer.done
    await customer.close()


async def test_a_photo_of_the_catalogue_reaches_the_browser(appliance: Appliance) -> None:
    customer = Customer(appliance)
    photos = [item["photo"] for item in (await customer.ask("насос")).items if item["photo"]]
    assert photos
    with psycopg.connect(appliance.database_url()):
        pass
    import urllib.request

    with urllib.request.urlopen(appliance.url + photos[0], timeout=5) as picture:  # noqa: ASYNC210 - a test
        assert picture.headers["content-type"] == "image/webp"
        assert "immutable" in picture.headers["cache-control"]
    await customer.close()


async def test_a_killed_chat_answers_what_it_was_asked(appliance: Appliance) -> None:
    customers = [Customer(appliance, address=loopback(number)) for number in range(5)]
    asking = [asyncio.ensure_future(customer.ask("насос", patience=60)) for customer in customers]  # noqa: TID251
    await asyncio.sleep(0.05)
    assert appliance.kill("chat")
    answers = await asyncio.gather(*asking)
    assert all(answer.done is not None for answer in answers)
    with psycopg.connect(appliance.database_url()) as connection:
        waiting = connection.execute("SELECT count(*) FROM messages WHERE role = 'user' AND answered_by IS NULL")
        assert waiting.fetchone() == (0,)
    for customer in customers:
        await customer.close()


@pytest.mark.parametrize("name", ["worker", "console", "database"])
def test_a_process_that_is_killed_is_at_work_again_within_half_a_minute(appliance: Appliance, name: str) -> None:
    appliance.wait()
    before, killed = appliance.pid(name), time.time()
    assert appliance.kill(name)
    while appliance.pid(name) in (0, before) or not _works(appliance, name, since=killed):
        assert time.time() - killed < 30
        time.sleep(0.1)


def _works(appliance: Appliance, name: str, *, since: float) -> bool:
    """Whether it does its part: the console shows, the worker beats, the database lets the chat be ready."""
    match name:
        case "console":
            return appliance.get("/livez", role="console")[0] == 200
        case "worker":
            pulse = appliance.home / "run" / "worker.pulse"
            return pulse.exists() and pulse.stat().st_mtime > since + 1
        case _:
            return appliance.get("/readyz")[0] == 200


def test_health_is_told_to_monitors_and_to_load_balancers(appliance: Appliance) -> None:
    appliance.wait()
    status, words = appliance.get("/healthz")
    assert status == 200
    assert words.startswith("status=DEGRADED")  # there is no model here
    assert "database=OK" in words
    assert "engine=DEGRADED" in words
    assert {part["name"] for part in json.loads(appliance.get("/healthz?format=json")[1])["parts"]} >= {"database"}
    assert appliance.get("/livez") == (200, "alive\n")


def test_the_console_shows_something(appliance: Appliance) -> None:
    status, page = appliance.get("/", role="console")
    assert status == 200
    assert "Counterman" in page


def test_a_second_start_in_the_same_home_is_refused(appliance: Appliance) -> None:
    done = appliance.command("run", timeout=60)
    assert done.returncode == 1
    assert str(appliance.state()["supervisor"]) in done.stdout + done.stderr


def test_play_and_claims_answer_in_bulk(appliance: Appliance, tmp_path: Path) -> None:
    asked, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    asked.write_text(json.dumps({"id": 1, "turns": ["насос", "а подешевле?", "спасибо"]}) + "\n")
    done = appliance.command("dialogue", "play", "--batch", str(asked), "--out", str(out))
    assert done.returncode == 0, done.stderr
    [played] = [json.loads(line) for line in out.read_text().splitlines()]
    assert [turn["route"] for turn in played["turns"]] == ["product_search", "product_search", "smalltalk"]
    assert played["turns"][0]["skus"]

    row = {"sku": "A-1", "name": "Насос", "price": 100, "currency": "RUB", "stock": 1, "attributes": {}}
    record = {"id": 7, "lang": "ru", "rows": [row], "company": None}
    texts = ["Насос стоит 100 ₽.", "Насос стоит 90 ₽."]
    asked.write_text("".join(json.dumps({**record, "text": text}) + "\n" for text in texts))
    done = appliance.command("claims", "check", "--batch", str(asked), "--out", str(out))
    assert [json.loads(line)["passes"] for line in out.read_text().splitlines()] == [True, False]
