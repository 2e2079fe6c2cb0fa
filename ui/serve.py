"""Puts the console together and serves it until it is told to end."""

from __future__ import annotations

import logging

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from appliance.desk.house import House
from ui import status
from ui.site import Doors, Site


def build(house: House, doors: Doors, *, look: status.Look) -> Site:
    """The console's ASGI application is `.api` of what comes back; one a process, for NiceGUI has one."""
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def livez(request: Request) -> Response:
        return PlainTextResponse("alive\n")

    api.router.add_route("/livez", livez)
    site = Site(api, house, doors)
    status.mount(site, look=look, chat=house.chat)
    site.mount_pages()
    site.dress()
    return site


async def serve(site: Site, *, host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        site.api,
        host=host,
        port=port,
        access_log=False,  # a socket's address carries the page's id
        log_config=None,
        timeout_graceful_shutdown=2,
        ws="websockets-sansio",
        forwarded_allow_ips="",  # the door reads the proxies' headers itself
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # its news of sockets carry their address as well
    await uvicorn.Server(config).serve()
