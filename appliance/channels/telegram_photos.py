"""Photos for Telegram: sent as contents once, by `file_id` ever after, and always in a form that Telegram takes."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from appliance.core.types import Card
from appliance.store.store import Store

SIDE = 1280  # pixels of the longer side: what Telegram keeps of a photo
LEAST = 160  # pixels of the shorter side, so that a sign or an icon is not blown up to a poster
NARROWEST = 4  # the longer side may be this many times the shorter one; Telegram refuses 20, and shows 4 badly
PAPER = (245, 246, 248)
LINES = (208, 212, 219)

Find = Callable[[Card], Path | str | None]  # a file of ours, an address, or nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """What to hand to Telegram: a `file_id`, an address or contents; `sha256` names it in the cache."""

    given: str | bytes
    sha256: str = ""

    @property
    def known(self) -> bool:
        return bool(self.sha256) and isinstance(self.given, str)


class Photos:
    """Finds a card's photo and remembers under which `file_id` a bot has it."""

    def __init__(self, *, store: Store, find: Find) -> None:
        self._store, self._find = store, find

    def has(self, card: Card) -> bool:
        return self._find(card) is not None

    async def of(self, card: Card, bot: int) -> Photo | None:
        """The photo of a card, as cheaply as it can be sent; None for a card that has none."""
        found = self._find(card)
        if found is None:
            return None
        if isinstance(found, str):
            return Photo(given=found)
        data = await asyncio.to_thread(_read, found)
        return await self._known_or_made(bot, data) if data else None

    async def blank(self, bot: int) -> Photo:
        """In the place of a photo that is missing, so that no card shows another one's."""
        made = await self._known_or_made(bot, _blank())
        assert made is not None, "a picture of ours is a picture"
        return made

    async def keep(self, bot: int, photo: Photo, file_id: str) -> None:
        """Telegram has it now."""
        if photo.sha256 and file_id and file_id != photo.given:
            async with self._store.transaction() as tx:
                await tx.keep_file(bot, photo.sha256, file_id)

    async def forget(self, bot: int, photo: Photo) -> None:
        """Telegram has it no more: the next time its contents are sent."""
        async with self._store.transaction() as tx:
            await tx.keep_file(bot, photo.sha256, "")

    async def _known_or_made(self, bot: int, data: bytes) -> Photo | None:
        sha256 = hashlib.sha256(data).hexdigest()
        async with self._store.transaction() as tx:
            known = await tx.file_id(bot, sha256)
        if known:
            return Photo(given=known, sha256=sha256)
        picture = await asyncio.to_thread(jpeg, data)
        return Photo(given=picture, sha256=sha256) if picture else None


def jpeg(data: bytes) -> bytes | None:
    """Any picture as Telegram takes it: JPEG, of bearable size and shape; None for what is no picture."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.draft("RGB", (SIDE, SIDE))
            seen = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    picture = Image.new("RGB", seen.size, "white")
    picture.paste(seen, mask=seen.getchannel("A"))
    picture.thumbnail((SIDE, SIDE))
    width, height = picture.size
    room = (max(width, height // NARROWEST, LEAST), max(height, width // NARROWEST, LEAST))
    if room != picture.size:
        picture = _framed(picture, room)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


def _framed(picture: Image.Image, room: tuple[int, int]) -> Image.Image:
    """A small picture in the middle of a white field, at its own size."""
    field = Image.new("RGB", room, "white")
    field.paste(picture, ((room[0] - picture.width) // 2, (room[1] - picture.height) // 2))
    return field


@cache
def _blank() -> bytes:
    """A sheet with the outline of a box: there is a product, and no photo of it."""
    sheet = Image.new("RGB", (640, 480), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.polygon([(320, 130), (440, 190), (440, 310), (320, 370), (200, 310), (200, 190)], outline=LINES, width=6)
    for end in ((200, 190), (440, 190), (320, 370)):
        draw.line([(320, 250), end], fill=LINES, width=6)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
