"""The watch over a real box: what its metrics are called, that customers cannot reach them, that a fault is told."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
import yaml  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry, generate_latest

from appliance.metrics import EngineMetrics, family
from models.engine.engine import Engine
from tests.botapi import BotApi
from tests.botapi import Customer as Person
from tests.rig import Appliance, Customer, free_port

MONITORING = Path(__file__).parents[2] / "compose" / "monitoring"
NAME = re.compile(r"\b(counterman_[a-z_]+|process_[a-z_]+)")
PROMETHEUS_OWN = {"up"}


def queries() -> Iterator[str]:
    """All that the dashboard and the rules ask for."""
    for panel in json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for group in yaml.safe_load((MONITORING / "rules.yml").read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]


def names_and_labels(exposed: str) -> dict[str, set[str]]:
    """Metric name -> its labels, from Prometheus' text form."""
    found: dict[str, set[str]] = {}
    for line in exposed.splitlines():
        if help_ := re.match(r"# TYPE (\S+) ", line):
            found.setdefault(help_[1], set())
        elif sample := re.match(r"([a-z_]+)(?:\{(.*)\})? ", line):
            found.setdefault(sample[1], set()).update(re.findall(r'(\w+)="', sample[2] or ""))
    return found


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def of_an_engine() -> str:
    """What the engine's process exposes, of an engine that tells its real state."""
    runtime: Any = SimpleNamespace(slots=2, shares=True, name="none", context=2048)
    engine = Engine(runtime, name="m", queue=8, prefixes=None)  # type: ignore[arg-type]

    class Face(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(engine.status()).encode())

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Face)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    registry = CollectorRegistry()
    EngineMetrics(f"http://127.0.0.1:{server.server_port}", version="1", registry=registry)
    try:
        return generate_latest(registry).decode()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def ports() -> list[int]:
    first = free_port()
    return [first, first + 1, first + 2]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def box(tmp_path_factory: pytest.TempPathFactory, ports: list[int]) -> AsyncIterator[tuple[Appliance, Person]]:
    async with BotApi() as api:
        bot = api.add_bot()
        person = Person(api, bot, id=501, name="Olga", lang="en")
        home = tmp_path_factory.mktemp("box")
        box = Appliance(
            home, TELEGRAM_TOKEN=bot.token, TELEGRAM_API_URL=api.url, APPLIANCE_SAMPLE="false", APPLIANCE_PULL="false",
            APPLIANCE_METRICS_PORT=str(ports[0]), APPLIANCE_ALERT_TO="501", APPLIANCE_QUIET_HOURS="00:00-23:59",
        )  # fmt: skip
        box.start()
        try:
            await asyncio.to_thread(box.wait)
            yield box, person
        finally:
            await asyncio.to_thread(box.stop)


@pytest.mark.asyncio(loop_scope="module")
async def test_every_query_of_the_dashboard_and_the_rules_asks_for_what_is_exposed(
    box: tuple[Appliance, Person], ports: list[int]
) -> None:
    customer = Customer(box[0], lang="en")
    await customer.connect()
    answer = await customer.ask("hello")
    assert answer.done is not None
    texts = [await asyncio.to_thread(scraped, port) for port in ports[:2]]
    await customer.close()
    exposed = names_and_labels("\n".join([*texts, of_an_engine()]))
    for query in queries():
        asked = set(NAME.findall(query))
        assert asked or "up{" in query, query
        missing = {name for name in asked if name not in exposed and name.removesuffix("_total") not in exposed}
        assert not missing, f"{missing} in {query}"
        for name, conditions in re.findall(r"(counterman_[a-z_]+)\{([^}]*)\}", query):
            assert set(re.findall(r"(\w+)=", conditions)) <= exposed[name] | {"job", "role"}, query
    for stage in ("language", "route", "store"):
        assert f'counterman_stage_seconds_count{{stage="{stage}"}}' in texts[0], stage
    assert re.search(
        r'counterman_answers_total\{channel="widget",lang="en",route="smalltalk",rung="template"\} 1', texts[0]
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_customers_cannot_reach_the_metrics_and_every_health_page_answers_head_too(
    box: tuple[Appliance, Person],
) -> None:
    assert box[0].get("/metrics")[0] == 404
    for page in ("/healthz", "/readyz", "/livez"):
        request = urllib.request.Request(f"{box[0].url}{page}", method="HEAD")
        with await asyncio.to_thread(urllib.request.urlopen, request, timeout=5) as answer:
            assert answer.status == 200 and answer.read() == b""


@pytest.mark.asyncio(loop_scope="module")
async def test_a_killed_process_is_told_to_people_once_and_shown_to_monitors(box: tuple[Appliance, Person]) -> None:
    appliance, person = box
    before = appliance.pid("worker")
    assert appliance.kill("worker")
    await person.sees("плановые работы", seconds=30)
    said = [seen.text for seen in person.seen() if "плановые работы" in seen.text]
    assert len(said) == 1 and "SIGKILL" in said[0]
    assert "processes=DEGRADED" in appliance.get("/healthz")[1]
    assert appliance.pid("worker") not in (0, before)
    told = appliance.command("alerts", "list", "--json")
    assert any(alert["part"] == "worker" and alert["reached"] for alert in json.loads(told.stdout)["alerts"])


@pytest.mark.asyncio(loop_scope="module")
async def test_the_test_command_says_whom_it_reached(box: tuple[Appliance, Person]) -> None:
    done = await asyncio.to_thread(box[0].command, "alerts", "test", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sent"] == [{"way": "telegram", "address": "501", "ok": True, "why": ""}]
    await box[1].sees("пробное оповещение")


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not here (Debian: apt install prometheus)")
def test_prometheus_itself_takes_the_configuration_and_the_rules() -> None:
    for what, file in (("config", "prometheus.yml"), ("rules", "rules.yml")):
        done = subprocess.run(
            ["promtool", "check", what, str(MONITORING / file)], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_errors_are_counted_by_the_family_that_people_know() -> None:
    assert family("prose.failed") == "model"
    assert family("dialogue.database_away") == "store"
    assert family("outbox.held") == "channel"
    assert family("something.odd") == "other"
