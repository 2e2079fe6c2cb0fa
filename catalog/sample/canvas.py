"""Draws a product's picture from a line of shapes: `motor 40 90 110 60; disc 190 120 44 tint`.

The paper is 320 × 240; each word names a method of `Canvas`, the rest are its numbers and colours.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Sequence
from math import cos, pi, radians, sin

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 320, 240
FINE = 2  # drawn this much larger, then reduced: smooth edges
Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
FIXED: dict[str, Colour] = {
    "steel": (186, 194, 203),
    "dark": (74, 82, 92),
    "black": (38, 42, 48),
    "white": (247, 249, 250),
    "grey": (128, 137, 147),
    "brass": (207, 170, 88),
    "copper": (197, 121, 79),
    "glass": (150, 196, 222),
    "red": (206, 66, 58),
    "green": (72, 160, 98),
    "orange": (238, 142, 52),
    "wood": (190, 146, 98),
    "screen": (32, 66, 84),
}


class Canvas:
    """One picture in work; `hue` 0..1 is the shop's colour for the family."""

    def __init__(self, hue: float) -> None:
        self._colours = {
            **FIXED,
            "tint": _hsv(hue, 0.62, 0.72),
            "deep": _hsv(hue, 0.68, 0.46),
            "light": _hsv(hue, 0.30, 0.90),
        }
        self._image = _paper(_hsv(hue, 0.10, 0.97))
        self._pen = ImageDraw.Draw(self._image)
        self._pen.ellipse(_scaled((38, 183, 282, 201)), fill=_hsv(hue, 0.08, 0.88))  # the shadow on the floor

    def finished(self) -> Image.Image:
        """The picture at its size, without the empty floor below. No words: cards of any language show it."""
        return self._image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=_scaled((10, 0, 310, 225)))

    def draw(self, shapes: str) -> None:
        """Draw shapes separated by semicolons. Raises ValueError for one that is not known."""
        for shape in filter(None, (part.strip() for part in shapes.split(";"))):
            word, *rest = shape.split()
            method: Callable[..., None] | None = getattr(self, word, None)
            if method is None or word.startswith("_") or word in {"draw", "finished"}:
                raise ValueError(f"{word!r} is no shape")
            method(*(value if value.isalpha() else float(value) for value in rest))

    # Plain shapes

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: str, corner: float = 5) -> None:
        """A sheet-metal body, a little lighter above."""
        self._fill((x0, y0, x1, y1), colour, _SHEET, across=False, corner=corner)

    def tube(self, x0: float, y0: float, x1: float, y1: float, colour: str, corner: float = 4) -> None:
        """A cylinder lying down."""
        self._fill((x0, y0, x1, y1), colour, _ROUND, across=False, corner=corner)

    def post(self, x0: float, y0: float, x1: float, y1: float, colour: str, corner: float = 4) -> None:
        """A cylinder standing up."""
        self._fill((x0, y0, x1, y1), colour, _ROUND, across=True, corner=corner)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: str) -> None:
        self._fill((x - rx, y - ry, x + rx, y + ry), colour, _SHEET, across=False, corner=min(rx, ry), oval=True)

    def disc(self, x: float, y: float, r: float, colour: str) -> None:
        self.oval(x, y, r, r, colour)

    def ring(self, x: float, y: float, r: float, width: float, colour: str) -> None:
        self.arc(x, y, r, width, 0, 360, colour)

    def arc(self, x: float, y: float, r: float, width: float, start: float, end: float, colour: str) -> None:
        """Degrees run clockwise from three o'clock."""
        box = _scaled((x - r, y - r, x + r, y + r))
        self._pen.arc(box, start, end, fill=self._colours[colour], width=int(width * FINE))

    def poly(self, colour: str, *points: float) -> None:
        self._pen.polygon(_pairs(points), fill=self._colours[colour])

    def line(self, width: float, colour: str, *points: float) -> None:
        """A line with round joints and ends."""
        shape, half, ink = _pairs(points), width * FINE / 2, self._colours[colour]
        self._pen.line(shape, fill=ink, width=int(width * FINE), joint="curve")
        for x, y in (shape[0], shape[-1]):
            self._pen.ellipse((x - half, y - half, x + half, y + half), fill=ink)

    # Parts that many machines share

    def motor(self, x: float, y: float, w: float, h: float, colour: str = "tint") -> None:
        """An electric motor, its fan cover on the left."""
        self.tube(x, y + 2, x + w * 0.2, y + h - 2, "deep", 8)
        self.tube(x + w * 0.16, y, x + w, y + h, colour, 4)
        for at in range(1, 8):
            level = y + h * at / 8
            self.line(1.2, "deep", x + w * 0.22, level, x + w * 0.92, level)
        self.box(x + w * 0.42, y - h * 0.2, x + w * 0.74, y + h * 0.1, "deep", 3)
        self.box(x + w * 0.3, y + h - 2, x + w * 0.85, y + h + 9, "dark", 2)

    def upright(self, x: float, y: float, w: float, h: float, colour: str = "tint") -> None:
        """An electric motor standing, its fan cover on top."""
        self.post(x + 2, y, x + w - 2, y + h * 0.2, "deep", 8)
        self.post(x, y + h * 0.16, x + w, y + h, colour, 4)
        for at in range(1, 8):
            across = x + w * at / 8
            self.line(1.2, "deep", across, y + h * 0.22, across, y + h * 0.92)
        self.box(x + w * 0.9, y + h * 0.4, x + w * 1.2, y + h * 0.72, "deep", 3)

    def fan(self, x: float, y: float, r: float, blades: float = 6) -> None:
        self.disc(x, y, r, "dark")
        self.disc(x, y, r * 0.93, "white")
        for blade in range(int(blades)):
            turn = 2 * pi * blade / blades
            points = [(0.12, 0.0), (0.86, 0.22), (0.88, 0.62), (0.2, 0.6)]
            self.poly("tint", *(n for d, a in points for n in (x + r * d * cos(turn + a), y + r * d * sin(turn + a))))
        self.disc(x, y, r * 0.2, "deep")

    def dial(self, x: float, y: float, r: float) -> None:
        self.disc(x, y, r, "dark")
        self.disc(x, y, r * 0.84, "white")
        for tick in range(-5, 6):
            turn = radians(tick * 25 - 90)
            line = (
                x + r * 0.62 * cos(turn),
                y + r * 0.62 * sin(turn),
                x + r * 0.76 * cos(turn),
                y + r * 0.76 * sin(turn),
            )
            self.line(max(1, r / 18), "dark", *line)
        self.line(max(1.2, r / 14), "red", x, y, x + r * 0.5, y - r * 0.4)
        self.disc(x, y, r * 0.1, "dark")

    def wheel(self, x: float, y: float, r: float) -> None:
        self.disc(x, y, r, "black")
        self.disc(x, y, r * 0.6, "steel")
        self.disc(x, y, r * 0.2, "dark")

    def hex(self, x: float, y: float, r: float, colour: str) -> None:
        """A bolt head or nut seen from above."""
        corners = [(x + r * cos(radians(a)), y + r * sin(radians(a))) for a in range(0, 360, 60)]
        self.poly(colour, *(n for corner in corners for n in corner))
        self.ring(x, y, r * 0.84, 1.4, "white")

    def gear(self, x: float, y: float, r: float, teeth: float, colour: str = "steel") -> None:
        step = 2 * pi / teeth
        points: list[float] = []
        for tooth in range(int(teeth)):
            for part, depth in ((0.0, 0.84), (0.2, 1.0), (0.5, 1.0), (0.7, 0.84)):
                turn = step * (tooth + part)
                points += [x + r * depth * cos(turn), y + r * depth * sin(turn)]
        self.poly(colour, *points)

    def bolts(self, x: float, y: float, r: float, count: float, size: float = 3) -> None:
        """A circle of bolts."""
        for bolt in range(int(count)):
            turn = 2 * pi * (bolt + 0.5) / count
            self.disc(x + r * cos(turn), y + r * sin(turn), size, "dark")

    def bars(self, x0: float, y0: float, x1: float, y1: float, count: float, colour: str = "dark") -> None:
        """Upright bars, such as fins or a grille."""
        for bar in range(int(count)):
            x = x0 + (x1 - x0) * bar / max(count - 1, 1)
            self.line(1.6, colour, x, y0, x, y1)

    def slats(self, x0: float, y0: float, x1: float, y1: float, count: float, colour: str = "dark") -> None:
        """Level bars, such as shelves or a grille."""
        for bar in range(int(count)):
            y = y0 + (y1 - y0) * bar / max(count - 1, 1)
            self.line(1.6, colour, x0, y, x1, y)

    def thread(self, x0: float, y0: float, x1: float, y1: float, colour: str = "steel") -> None:
        """A threaded rod lying down."""
        self.tube(x0, y0, x1, y1, colour, 2)
        x = x0 + 3
        while x < x1 - 3:
            self.line(1.2, "grey", x, y0 + 1, x + 3, y1 - 1)
            x += 5

    def knobs(self, x: float, y: float, count: float, step: float = 22, r: float = 6) -> None:
        for knob in range(int(count)):
            self.disc(x + step * knob, y, r, "black")
            self.line(1.6, "white", x + step * knob, y - r * 0.7, x + step * knob, y)

    def screen(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A lit display with a line of figures."""
        self.box(x0, y0, x1, y1, "black", 4)
        self.box(x0 + 2, y0 + 2, x1 - 2, y1 - 2, "screen", 3)
        middle, step = (y0 + y1) / 2, (x1 - x0) / 6
        for at in (1, 2, 3):
            self.line(2, "glass", x0 + step * at, middle, x0 + step * (at + 0.6), middle)

    def window(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A glass door with a gleam."""
        self.box(x0, y0, x1, y1, "dark", 5)
        self.box(x0 + 4, y0 + 4, x1 - 4, y1 - 4, "glass", 3)
        w, h = x1 - x0, y1 - y0
        self.line(3, "white", x0 + w * 0.2, y0 + h * 0.62, x0 + w * 0.44, y0 + h * 0.2)

    def legs(self, x0: float, x1: float, y0: float, y1: float) -> None:
        for x in (x0, x1):
            self.post(x - 4, y0, x + 4, y1, "steel", 2)

    def hook(self, x: float, y: float, r: float) -> None:
        self.line(4, "dark", x, y - r * 1.4, x, y - r)
        self.arc(x, y, r, 5, -90, 150, "dark")

    def roof(self, x0: float, y0: float, x1: float, y1: float, colour: str) -> None:
        """A trapezium, narrower above."""
        cut = (x1 - x0) * 0.2
        self.poly(colour, x0, y1, x0 + cut, y0, x1 - cut, y0, x1, y1)

    def _fill(
        self,
        box: Box,
        colour: str,
        ramp: Sequence[tuple[float, float]],
        *,
        across: bool,
        corner: float,
        oval: bool = False,
    ) -> None:
        """Lay `colour` into the box, its brightness following `ramp` from edge to edge."""
        x0, y0, x1, y1 = (int(value) for value in _scaled(box))
        w, h = max(x1 - x0, 1), max(y1 - y0, 1)
        at, level = zip(*ramp, strict=True)
        light = np.interp(np.linspace(0, 1, w if across else h), at, level)
        shade = light[None, :, None] if across else light[:, None, None]
        flat = np.clip(np.array(self._colours[colour], np.float64) * shade, 0, 255).astype(np.uint8)
        mask = Image.new("L", (w, h))
        pen = ImageDraw.Draw(mask)
        if oval:
            pen.ellipse((0, 0, w - 1, h - 1), fill=255)
        else:
            pen.rounded_rectangle((0, 0, w - 1, h - 1), radius=min(corner * FINE, w / 2, h / 2), fill=255)
        self._image.paste(Image.fromarray(np.ascontiguousarray(np.broadcast_to(flat, (h, w, 3)))), (x0, y0), mask)


_SHEET = ((0.0, 1.10), (0.5, 1.0), (1.0, 0.88))
_ROUND = ((0.0, 0.72), (0.28, 1.22), (0.62, 0.94), (1.0, 0.56))


def _paper(colour: Colour) -> Image.Image:
    """White above, a breath of the family's colour below."""
    ramp = np.linspace(0, 1, HEIGHT * FINE)[:, None, None]
    page = (1 - ramp) * 255 + ramp * np.array(colour, np.float64)
    wide = np.broadcast_to(page.astype(np.uint8), (HEIGHT * FINE, WIDTH * FINE, 3))
    return Image.fromarray(np.ascontiguousarray(wide))


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = (int(part * 255) for part in colorsys.hsv_to_rgb(hue % 1, saturation, value))
    return red, green, blue


def _scaled(box: Box) -> Box:
    return (box[0] * FINE, box[1] * FINE, box[2] * FINE, box[3] * FINE)


def _pairs(points: Sequence[float]) -> list[tuple[float, float]]:
    return [(x * FINE, y * FINE) for x, y in zip(points[::2], points[1::2], strict=True)]
