"""Pushes a sign of life to a monitor outside (UptimeRobot), only when everything behind it is well.

It is never posted by a bare timer: whoever stops hearing it knows that customers may not be served.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable, Mapping

import structlog

from appliance.alert_post import request
from appliance.alerts import Trouble

EVERY = 60.0  # seconds; monitors count in minutes
NEEDED = frozenset({"chat", "database", "schema", "catalogue", "engine", "worker", "outbox", "bot"})

log = structlog.get_logger("heartbeat")


class Heartbeat:
    """`url` is a secret: whoever knows it can feign our health."""

    def __init__(self, url: str, *, proxy: str = "", clock: Callable[[], float]) -> None:
        self._url, self._proxy, self._clock = url, proxy, clock
        self._posted = -EVERY
        self.why = ""  # of the last failure

    async def beat(self, troubles: Mapping[str, Trouble]) -> bool:
        """Posts when it is time and nothing that customers need is ill; says whether it did."""
        if not self._url or NEEDED & troubles.keys() or self._clock() - self._posted < EVERY:
            return False
        self._posted = self._clock()
        try:
            status, _ = await asyncio.to_thread(request, self._url, proxy=self._proxy)
            self.why = "" if status < 400 else f"status {status}"
        except (OSError, http.client.HTTPException) as error:
            self.why = type(error).__name__
        if self.why:
            log.warning("heartbeat.not_posted", why=self.why)
        return not self.why
