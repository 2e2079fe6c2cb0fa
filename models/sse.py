"""Reads a server-sent event stream of JSON documents, byte by byte safe."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any


async def events(chunks: AsyncIterable[bytes]) -> AsyncGenerator[dict[str, Any], None]:
    """The documents in order; ends at `[DONE]` or with the stream. `ValueError` for what is not JSON.

    Split at newline bytes alone: `httpx.Response.aiter_lines` also breaks at U+2028 and its like, which JSON may hold.
    """
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue  # a comment that keeps the line alive, or an empty line
            data = line[5:].strip()
            if data == b"[DONE]":
                return
            yield json.loads(data)
