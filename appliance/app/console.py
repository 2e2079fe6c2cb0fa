"""The console process: on the inner network, a port of its own."""

from __future__ import annotations

from appliance.app.parts import (
    log_as,
)
from appliance.settings import Settings


def console(settings: Settings) -> int:
    """The console: for now the box's state, what it still does, and what to do next."""
    from ui.status import serve

    log_as(settings, "console")
    return serve(
        host=settings.console_host,
        port=settings.console_port,
        chat=settings.chat_address,
        state=settings.home / "run" / "state.json",
        ask=settings.changed(public_url="").chat_address,  # from inside, also where the public name leads elsewhere
    )
