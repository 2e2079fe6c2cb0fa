"""Decides who may come in to the widget: from which site, from which address, through which proxies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

PORTS = {"http": 80, "https": 443}


class Door:
    """Knows the allowed sites and the trusted proxies.

    `sites` gives origins, exact (`https://shop.example`), with all their subdomains (`https://*.shop.example`) or
    `*` for every site; it is asked anew each time, so that a change in the console works at once. The appliance's
    own origin is always allowed.
    """

    def __init__(self, *, sites: Callable[[], Collection[str]], own: str = "", proxies: Iterable[str] = ()) -> None:
        self._sites = sites
        self._own = _origin(own)
        self._proxies = [ip_network(proxy, strict=False) for proxy in proxies]

    def admits(self, headers: Headers) -> bool:
        """Whether the page that asks is on an allowed site, or on the very host that it asks."""
        asking = _origin(headers.get("origin", ""))
        if not asking:
            return False
        scheme = asking.partition("://")[0]
        if asking in (self._own, _origin(f"{scheme}://{headers.get('host', '')}")):
            return True
        return any(_covers(site, asking) for site in self._sites())

    def address(self, connection: HTTPConnection) -> str:
        """Whose request it is: the nearest hop that is no trusted proxy. An IPv6 customer is a /64 network."""
        nearest = connection.client.host if connection.client else ""
        hops = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
        for hop in reversed(hops):
            if not self._trusts(nearest) or not _parsed(hop):
                break
            nearest = hop.strip()
        return _network(nearest)

    def _trusts(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._proxies)


def _covers(site: str, asking: str) -> bool:
    if site == "*":
        return True
    scheme, star, domain = site.partition("://*.")
    allowed = _origin(f"{scheme}://{domain}" if star else site)
    if not star or not allowed:
        return allowed == asking
    scheme, _, host = allowed.partition("://")
    return asking.startswith(f"{scheme}://") and asking.endswith(f".{host}")


def _origin(url: str) -> str:
    """scheme://host:port, lower case and with the port written out; empty for what is no web origin (`null`)."""
    try:
        parts = urlsplit(url.strip().lower())
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.hostname else ""


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.strip())
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


def _network(address: str) -> str:
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed or address)
