"""Whether the box reaches anything outside: a cut line is one trouble, not one for each server behind it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from appliance.health import Part, Probe, bad

EVERY = 5.0  # seconds between looks: seen before what follows from it is told
PATIENCE = 4.0  # seconds for a connection
ENOUGH = 2  # places that must be silent at once: one alone may be away by itself
PORTS = {"http": 80, "https": 443, "socks5": 1080}

Place = tuple[str, int]  # host, port


def network(places: Callable[[], Awaitable[Iterable[Place]]]) -> Probe:
    """`places` are the servers outside that this box lives by; those on the box itself tell nothing of the line."""
    # Threads of its own: where DNS is silent a look-up takes long, and customers' searches must not wait behind it.
    hands = ThreadPoolExecutor(max_workers=4, thread_name_prefix="way-out")

    async def look() -> Part:
        asked = sorted({place for place in await places() if not _here(place[0])})
        if len(asked) < ENOUGH:
            return Part(name="network")
        if await _one_answers(asked, hands):
            return Part(name="network")
        return bad("network", "network_away", hosts=", ".join(sorted({host for host, _ in asked})))

    return Probe(look=look, every=EVERY, patience=PATIENCE * 3)


def place_of(url: str) -> Place | None:
    """Where an address leads; None where it names nobody."""
    parts = urlsplit(url)
    with contextlib.suppress(ValueError):
        port = parts.port or PORTS.get(parts.scheme)
        return (parts.hostname, port) if parts.hostname and port else None
    return None


async def _one_answers(places: list[Place], hands: ThreadPoolExecutor) -> bool:
    """Whether any of them takes a connection in time; the first that does ends the wait."""
    loop = asyncio.get_running_loop()
    tries = [loop.run_in_executor(hands, _answers, place) for place in places]
    try:
        for one in asyncio.as_completed(tries, timeout=PATIENCE * 2):
            with contextlib.suppress(TimeoutError):
                if await one:
                    return True
    finally:
        for each in tries:
            each.cancel()  # one that hangs in a look-up goes on in its thread, and is not begun again meanwhile
    return False


def _answers(place: Place) -> bool:
    try:
        socket.create_connection(place, timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True  # somebody was there to refuse it
    except OSError:
        return False
    return True


def _here(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
