"""A file on its way to the browser."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from appliance.desk.files import Document


def attachment(made: Document) -> Response:
    """The document as a download; its name in any script (RFC 6266), never with a quote or a line's end in it."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_. ") else "_" for sign in made.name)
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(made.name, safe='')}"
    return Response(made.contents, media_type=made.kind, headers={"Content-Disposition": named})
