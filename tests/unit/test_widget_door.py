"""Who may come in to the widget: sites, the own host, proxies."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from appliance.channels.widget_door import Door


def admits(origin: str, *sites: str, host: str = "chat.example", own: str = "") -> bool:
    door = Door(sites=lambda: sites, own=own)
    return door.admits(Headers({"origin": origin, "host": host}))


@pytest.mark.parametrize(
    ("origin", "sites", "welcome"),
    [
        ("https://chat.example", (), True),
        ("http://chat.example:80", (), True),
        ("https://chat.example:8443", (), False),
        ("https://shop.example", (), False),
        ("https://shop.example", ("https://shop.example",), True),
        ("https://shop.example", ("https://SHOP.example/",), True),
        ("https://shop.example:443", ("https://shop.example",), True),
        ("http://shop.example", ("https://shop.example",), False),
        ("https://www.shop.example", ("https://shop.example",), False),
        ("https://www.shop.example", ("https://*.shop.example",), True),
        ("https://a.b.shop.example", ("https://*.shop.example",), True),
        ("https://shop.example", ("https://*.shop.example",), False),
        ("https://evilshop.example", ("https://*.shop.example",), False),
        ("https://www.shop.example:8443", ("https://*.shop.example",), False),
        ("https://www.shop.example:8443", ("https://*.shop.example:8443",), True),
        ("https://anything.example", ("*",), True),
        ("null", ("*",), False),
        ("", ("*",), False),
        ("file://", ("*",), False),
        ("https://", ("*",), False),
        ("https://shop.example:notaport", ("*",), False),
        ("chrome-extension://abc", ("*",), False),
        ("https://shop.example", ("nonsense", "https://*.", "://*."), False),
    ],
)
def test_a_site_is_welcome_if_it_is_on_the_list_or_is_our_own(
    origin: str, sites: tuple[str, ...], welcome: bool
) -> None:
    assert admits(origin, *sites) is welcome


def test_the_public_address_is_ours_whatever_the_host_header_says() -> None:
    assert admits("https://chat.shop.example", own="https://chat.shop.example", host="10.0.0.5:8080")
    assert not admits("https://chat.shop.example", host="10.0.0.5:8080")


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "expected"),
    [
        ("203.0.113.9", "198.51.100.1", (), "203.0.113.9"),
        ("10.0.0.2", "198.51.100.1", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.2", "6.6.6.6, 198.51.100.1", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, 10.0.0.7", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.2", "nonsense", ("10.0.0.0/8",), "10.0.0.2"),
        ("10.0.0.2", "", ("10.0.0.0/8",), "10.0.0.2"),
        ("203.0.113.9", "198.51.100.1", ("10.0.0.0/8",), "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "", (), "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", (), "203.0.113.9"),
    ],
)
def test_an_address_is_the_nearest_hop_that_is_no_trusted_proxy(
    peer: str, forwarded: str, proxies: tuple[str, ...], expected: str
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    connection = HTTPConnection({"type": "http", "client": (peer, 1234), "headers": headers})
    assert Door(sites=tuple, proxies=proxies).address(connection) == expected
