"""Draws the sample's photos: one small picture for each kind of product, in the colour of its family."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

from catalog.sample.canvas import Canvas
from catalog.sample.goods import goods

QUALITY = 82  # of the WebP files: 3 to 6 KB each, no visible blocks


def draw_photos(folder: Path) -> int:
    """Write `<kind>.webp`, 320 × 240, for every kind of product into `folder`; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes = tomllib.loads((files("catalog.sample") / "data" / "photos.toml").read_text(encoding="utf-8"))
    families = goods().families
    count = 0
    for number, family in enumerate(families):
        for kind in family.kinds:
            canvas = Canvas(0.58 + number / len(families))
            canvas.draw(shapes[kind.key])
            canvas.finished().save(folder / f"{kind.key}.webp", quality=QUALITY, method=4)
            count += 1
    return count
