"""What the chat process serves besides the widget: its health for monitors, and the catalogue's photos."""

from __future__ import annotations

import math
import mimetypes
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from appliance.core import replies
from appliance.core.limits import Limiter, Rate
from appliance.core.types import Card
from appliance.health import Health, State, overall
from appliance.quotes import Document, Goods
from catalog.shelf import Shelf

Open = Callable[[UUID, str, str], Awaitable[Document | None]]  # id, form, key

FOR_EVER = "public, max-age=31536000, immutable"  # a version is sealed: its photos never change


def goods(shelf: Shelf) -> Goods:
    """The live catalogue as quotations read it: its version, and those of the products that it has."""

    def find(skus: Sequence[str], lang: str) -> tuple[str, dict[str, Card]]:
        snapshot = shelf.current()
        if snapshot is None:
            return "", {}
        found = {sku: product for sku in skus if (product := snapshot.product(sku))}
        cards = {sku: replies.card(product, lang=lang, version=snapshot.version) for sku, product in found.items()}
        return snapshot.version, cards

    return find


def photo_path(card: Card) -> str:
    """Where a browser finds a card's photo; empty for none."""
    if not card.photo or card.photo.startswith(("http://", "https://")):
        return card.photo
    return f"/photo/{quote(card.catalog_version)}/{quote(card.photo.removeprefix('photos/'))}"


def photo_file(card: Card, shelf: Shelf) -> Path | str | None:
    """The file of a card's photo, or its address on another site; None for none."""
    if not card.photo or card.photo.startswith(("http://", "https://")):
        return card.photo or None
    return shelf.photo(card.catalog_version, card.photo.removeprefix("photos/"))


def mount_photos(app: FastAPI, shelf: Shelf) -> None:
    """`/photo/{version}/{name}`, for pages of any site."""

    async def photo(request: Request) -> Response:
        file = shelf.photo(request.path_params["version"], request.path_params["name"])
        if file is None:
            return Response(status_code=404)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = {
            "Cache-Control": FOR_EVER,
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
        }
        return FileResponse(file, media_type=kind, headers=headers)

    app.router.add_route("/photo/{version}/{name}", photo, methods=["GET", "HEAD"])


def mount_quotes(app: FastAPI, opened: Open, address: Callable[[Request], str]) -> None:
    """`/quotes/{id}.{pdf|xlsx}?key=`: a quotation for whoever has its key; a wrong one is answered like a wrong id."""
    guesses = Limiter(Rate(burst=20, per_second=0.5))  # a person opens two papers; a key has 128 bits anyway

    async def paper(request: Request) -> Response:
        if wait := guesses.take(address(request), now=time.monotonic()):
            return Response(status_code=429, headers={"Retry-After": str(math.ceil(wait))})
        name, _, form = request.path_params["name"].partition(".")
        try:
            found = await opened(UUID(name), form, request.query_params.get("key", ""))
        except ValueError:
            found = None
        if found is None:
            return Response(status_code=404)
        headers = {
            "Content-Disposition": f'attachment; filename="{found.name}"',
            "Cache-Control": "private, no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
        }
        return Response(found.contents, media_type=found.kind, headers=headers)

    app.router.add_route("/quotes/{name}", paper, methods=["GET"])


def mount_health(app: FastAPI, health: Health) -> None:
    """`/healthz` for monitors, `/readyz` for load balancers, `/livez` for who restarts the process."""

    async def healthz(request: Request) -> Response:
        parts = await health.parts()
        state = overall(parts)
        status = 503 if state is State.FAIL else 200
        if request.query_params.get("format") == "json":
            about = [
                {"name": part.name, "state": part.state, "why": part.why, "cause": part.cause, "because": part.because,
                 "values": {name: str(value) for name, value in part.values.items()}}
                for part in parts
            ]  # fmt: skip
            return JSONResponse({"status": state, "parts": about}, status)
        lines = [f"status={state}", *(f"{part.name}={part.state} {part.why}".rstrip() for part in parts)]
        return PlainTextResponse("\n".join(lines) + "\n", status)

    async def readyz(request: Request) -> Response:
        ready = overall(await health.parts()) is not State.FAIL
        return PlainTextResponse("ready\n" if ready else "not ready\n", 200 if ready else 503)

    async def livez(request: Request) -> Response:
        return PlainTextResponse("alive\n")

    for path, endpoint in (("/healthz", healthz), ("/readyz", readyz), ("/livez", livez)):
        app.router.add_route(path, endpoint, methods=["GET", "HEAD"])
