"""Looks whether links to photos still lead to something: a few of them, politely, and never inside the network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

AT_ONCE = 8  # links asked at the same time
PATIENCE = 5.0  # seconds for one link


def reachable(links: Iterable[str], *, allowed: Callable[[str], bool] | None = None) -> dict[str, bool]:
    """Which of the links answer. Blocking; at most a second or two for forty of them, where they answer at all.

    `allowed` decides by a host's name; without it, hosts with an address that is not public are not asked and count
    as unreachable, so that a price list cannot make the box knock at doors of its own network.
    """
    with httpx.Client(timeout=PATIENCE, follow_redirects=False) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        asked = list(dict.fromkeys(links))
        return dict(zip(asked, pool.map(lambda link: _answers(client, link, allowed or is_public), asked), strict=True))


def is_public(host: str) -> bool:
    """Whether all addresses of a host are public ones."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(ipaddress.ip_address(address.partition("%")[0]).is_global for address in found)


def _answers(client: httpx.Client, link: str, allowed: Callable[[str], bool]) -> bool:
    try:
        parts = urlsplit(link)
        if parts.scheme not in ("http", "https") or not parts.hostname or not allowed(parts.hostname):
            return False
        status = client.head(link).status_code
        if status in (405, 501):  # a server that knows no HEAD
            with client.stream("GET", link) as answer:
                status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False
    return status < 400
