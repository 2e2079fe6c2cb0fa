"""Serves the demo page of a foreign shop: another origin than the chat's, with a strict Content-Security-Policy.

Run it beside the appliance and add its origin to the allowed sites:

    APPLIANCE_SITES=http://127.0.0.1:8090 scripts/start
    python ui/widget/demo/serve.py --chat http://127.0.0.1:8080 --port 8090
"""

from __future__ import annotations

import argparse
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parent


def policy(chat: str) -> str:
    """What a shop with a strict policy must allow for the chat: its script, its connections, its photos."""
    socket = chat.replace("http", "ws", 1)
    return (
        f"default-src 'none'; script-src {chat}; connect-src {chat} {socket}; img-src 'self' data: {chat}; "
        "style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    )


def page(chat: str, options: str = "") -> bytes:
    """The page with the one line that embeds the chat; `options` are its data-attributes."""
    text = (HERE / "index.html").read_text(encoding="utf-8")
    return text.replace("{chat}", chat).replace("{options}", options).encode()


def server(chat: str, *, port: int = 0, options: str = "") -> ThreadingHTTPServer:
    """A server on loopback, not yet serving."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            match urlsplit(self.path).path:
                case "/":
                    self._send(page(chat, options), "text/html; charset=utf-8")
                case "/shop.css":
                    self._send((HERE / "shop.css").read_bytes(), "text/css; charset=utf-8")
                case _:
                    self.send_error(404)

        def _send(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", policy(chat))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as inherited
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    """Serves until ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--chat", default="http://127.0.0.1:8080", help="address of the chat")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--options", default="", help='attributes of the embed code, such as data-accent="#0a7d5a"')
    asked = parser.parse_args()
    with server(asked.chat.rstrip("/"), port=asked.port, options=asked.options) as shop:
        sys.stdout.write(f"The shop: http://127.0.0.1:{shop.server_port}\n")
        shop.serve_forever()


if __name__ == "__main__":
    main()
