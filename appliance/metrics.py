"""What the processes count and time for Prometheus, on a port of their own that customers never reach.

Names and labels are documented in docs/monitoring.md; the dashboard and the rules in compose/monitoring use them.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.request import ProxyHandler, build_opener
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import Counter, Gauge, Histogram, Info, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry

from appliance.core.types import Claim, Reply
from appliance.store.errors import StoreUnavailable
from appliance.store.store import Store

LOOK = 10.0  # seconds between looks at what only the database knows
ASK = 2.0  # seconds that the engine may take to tell its state at a scrape
STAGES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32)  # seconds
JOBS = (0.01, 0.1, 1, 10, 60, 300, 1800)  # seconds
UNFAMILIAR = "other"

# Errors by the family that they belong to, told from the names of log events: they are constants of the program.
_FAMILIES = {
    "prose": "model", "engine": "model", "model": "model", "catalogue": "catalog", "joining": "catalog",
    "search": "catalog", "outbox": "channel", "telegram": "channel", "mail": "channel", "widget": "channel",
    "crm": "crm", "zoho": "crm", "job": "jobs", "jobs": "jobs", "leader": "store", "store": "store",
}  # fmt: skip
_FAULTS = re.compile(r"failed|held|lost|away|gave_up|refused|stopped|cut|again|postponed|broke|not_")

log = structlog.get_logger("metrics")


class Metrics:
    """The counters of one process. `serve` shows them; without it they cost next to nothing."""

    def __init__(self, role: str, *, version: str, registry: CollectorRegistry = REGISTRY) -> None:
        self._role, self._registry = role, registry
        self._family = "model" if role == "engine" else UNFAMILIAR
        named: dict[str, Any] = {"namespace": "counterman", "registry": registry}
        self.errors = Counter("errors", "Errors by family", ["family"], **named)
        Info("build", "What runs here", **named).info({"version": version, "role": role})

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Shows them at http://host:port/metrics; a port that is taken is told of, and nothing else suffers.

        Gives what ends it.
        """
        try:
            server, thread = start_http_server(port, host, registry=self._registry)
        except OSError as error:
            log.error("metrics.not_served", host=host, port=port, why=error.strerror)
            return lambda: None
        log.info("metrics.served", host=host, port=port)
        return lambda: _close(server, thread)

    def count_errors(self, logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A structlog processor: counts what went wrong, and lets every line pass."""
        name = str(event.get("event", ""))
        if method in ("error", "critical") or (_FAULTS.search(name) and "." in name):
            self.errors.labels(family(name, default=self._family)).inc()
        return event


def family(event: str, *, default: str = UNFAMILIAR) -> str:
    """To which family of errors a log event belongs."""
    if event.endswith("database_away"):
        return "store"
    return _FAMILIES.get(event.partition(".")[0], default)


class ChatMetrics(Metrics):
    """Of a process that answers customers."""

    def __init__(self, *, version: str, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__("chat", version=version, registry=registry)
        named: dict[str, Any] = {"namespace": "counterman", "registry": registry}
        labels = ["channel", "route", "rung", "lang"]
        self.answers = Counter("answers", "Answers stored", labels, **named)
        self.answer = Histogram("answer_seconds", "From taking a question to its stored answer", ["rung"],
                                buckets=STAGES, **named)  # fmt: skip
        self.stage = Histogram("stage_seconds", "Cost of each stage of an answer", ["stage"], buckets=STAGES, **named)
        self.blocked = Counter("sentences_blocked", "Sentences of the model that the claim gate held back", **named)
        self.first = Histogram("first_useful_seconds", "Until the first card or sentence", buckets=STAGES, **named)
        self.wait = Gauge("predicted_wait_seconds", "Predicted wait for the model's first sentence, as last asked",
                          **named)  # fmt: skip
        self.sockets = Gauge("sockets", "Browsers that are connected", **named)
        self.busy = Gauge("conversations_in_answer", "Conversations being answered by this process", **named)
        self.pool = Gauge("database_connections", "Connections of the pool", ["state"], **named)
        self.cache = Gauge("search_cache_answers", "Searches since the start, by whether memory answered", ["how"],
                           **named)  # fmt: skip
        self.up = Gauge("part_up", "Whether a part is well, as on /healthz", ["part"], **named)

    def answered(self, claim: Claim, reply: Reply) -> None:
        """Counts one answer with its stages, which come in milliseconds."""
        self.answers.labels(claim.channel, reply.route, reply.rung, reply.lang or "-").inc()
        self.blocked.inc(reply.blocked)
        stages = dict(reply.stages)
        if (whole := stages.pop("all", None)) is not None:
            self.answer.labels(reply.rung).observe((whole + stages.get("store", 0.0)) / 1000)
        first = [stages[name] for name in ("cards", "lead", "text") if name in stages]
        if first or whole is not None:
            self.first.observe(min([*first, whole or first[0]]) / 1000)
        if "predicted" in stages:
            self.wait.set(stages.pop("predicted") / 1000)
        for name, milliseconds in stages.items():
            self.stage.labels(name).observe(milliseconds / 1000)

    def watch(
        self,
        *,
        store: Store,
        sockets: Callable[[], int],
        busy: Callable[[], int],
        cache: Callable[[], Mapping[str, float]],
    ) -> None:
        """Reads these at each scrape."""
        self.sockets.set_function(sockets)
        self.busy.set_function(busy)
        _show(self.pool, store.connections, ("used", "free"))
        _show(self.cache, cache, ("hits", "misses"))

    def felt(self, parts: Iterable[tuple[str, bool]]) -> None:
        """Notes how the parts of the box feel."""
        for part, well in parts:
            self.up.labels(part).set(well)


class WorkerMetrics(Metrics):
    """Of a process that does the scheduled work; it also tells what only the database knows."""

    def __init__(self, *, version: str, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__("worker", version=version, registry=registry)
        named: dict[str, Any] = {"namespace": "counterman", "registry": registry}
        self.jobs = Counter("job_runs", "Runs of scheduled work", ["work", "outcome"], **named)
        self.job = Histogram("job_seconds", "How long scheduled work takes", ["work"], buckets=JOBS, **named)
        self.lag = Gauge("outbox_lag_seconds", "For how long the oldest parcel has been due", ["channel"], **named)
        self.waiting = Gauge("outbox_parcels", "Parcels that are owed", ["channel"], **named)
        self.held = Gauge("outbox_held", "Parcels set aside for a person", ["channel"], **named)
        self.pending = Gauge("questions_waiting", "Messages of customers without an answer yet", **named)
        self.claims = Gauge("claims", "Conversations that are being answered by any process", **named)
        self.pool = Gauge("database_connections", "Connections of the pool", ["state"], **named)

    @contextmanager
    def run(self, job: str) -> Iterator[None]:
        """Times one run of a job and counts how it ended."""
        began, outcome = time.perf_counter(), "failed"
        try:
            yield
            outcome = "done"
        finally:
            self.jobs.labels(job, outcome).inc()
            self.job.labels(job).observe(time.perf_counter() - began)

    async def watch(self, store: Store) -> None:
        """Asks the database now and then. Runs until cancelled."""
        _show(self.pool, store.connections, ("used", "free"))
        known: set[str] = set()
        while True:
            with suppress(StoreUnavailable):
                async with store.transaction() as tx:
                    posts, work = {post.channel: post for post in await tx.owed()}, await tx.under_way()
                known |= posts.keys()
                for channel in known:  # one that owes nothing any more goes back to nought
                    post = posts.get(channel)
                    self.lag.labels(channel).set(post.late.total_seconds() if post else 0)
                    self.waiting.labels(channel).set(post.waiting if post else 0)
                    self.held.labels(channel).set(post.held if post else 0)
                self.pending.set(work.pending)
                self.claims.set(work.claimed)
            await asyncio.sleep(LOOK)


class EngineCollector(Collector):
    """What the own engine tells of itself at `/status`, asked at each scrape."""

    GAUGES: Mapping[str, tuple[str, str]] = {
        "slots": ("engine_slots", "Chats that are decoded together at most"),
        "busy": ("engine_busy", "Chats that are being decoded"),
        "queued": ("engine_queue", "Chats that wait for a slot"),
        "queue": ("engine_queue_room", "Chats that may wait"),
        "wait_seconds": ("engine_wait_seconds", "Predicted wait for the first token of a new chat"),
        "tokens_per_second": ("engine_tokens_per_second", "Speed at which an answer is written"),
        "prompt_tokens_per_second": ("engine_prompt_tokens_per_second", "Speed at which a prompt is read"),
        "cpu_seconds": ("engine_cpu_seconds", "Processor time since the start"),
    }

    def __init__(self, address: str) -> None:
        self._url = f"{address}/status"
        self._open = build_opener(ProxyHandler({})).open  # never through the proxy for downloads

    def collect(self) -> Iterator[Metric]:
        try:
            with self._open(self._url, timeout=ASK) as answer:
                status = json.load(answer)
        except (OSError, ValueError):
            status = {}
        up = GaugeMetricFamily("counterman_engine_up", "Whether the engine tells its state")
        up.add_metric([], float(bool(status)))
        yield up
        for key, (name, words) in self.GAUGES.items():
            gauge = GaugeMetricFamily(f"counterman_{name}", words)
            if key in status:
                gauge.add_metric([], float(status[key]))
            yield gauge
        counts = status.get("counts") or {}
        requests = CounterMetricFamily("counterman_engine_requests", "Requests by outcome", labels=["outcome"])
        tokens = CounterMetricFamily("counterman_engine_tokens", "Tokens by kind", labels=["kind"])
        for name, value in counts.items():
            if name.endswith("_tokens"):
                tokens.add_metric([name.removesuffix("_tokens")], float(value))
            else:
                requests.add_metric([name], float(value))
        yield requests
        yield tokens

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked of the engine when it is registered."""
        return []


class EngineMetrics(Metrics):
    """Of the process that runs the model."""

    def __init__(self, address: str, *, version: str, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__("engine", version=version, registry=registry)
        registry.register(EngineCollector(address))


def _show(gauge: Gauge, read: Callable[[], Mapping[str, float]], labels: Iterable[str]) -> None:
    def reader(label: str) -> Callable[[], float]:
        return lambda: read()[label]

    for label in labels:
        gauge.labels(label).set_function(reader(label))


def _close(server: WSGIServer, thread: threading.Thread) -> None:
    with suppress(OSError):
        server.socket.shutdown(socket.SHUT_RDWR)
    server.shutdown()
    server.server_close()
    thread.join(timeout=2)
