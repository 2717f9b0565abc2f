"""Sheets: small images in rows on one paper, and the sprite that a page cuts single images from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aebench.page.canvas import data_uri
from aebench.records.writing import write_aside

Images = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint8]
_GAP = 1
_LABEL_SHARE = 0.45  # of an image's height, below it, where labels are written
_SEEN_SINGLY = 20  # pixels across an image, at most, where each is a square of its own on the page
_PRINTED = 1200  # pixels: 10 cm at 300 dots an inch
_SPRITE_COLUMNS = 40
_QUALITY = 75  # WebP; of sheets, a grey level differs by 2 of 255 on average
_SPRITE_QUALITY = 20  # by 4, which no eye sees on so small an image


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Images in rows.

    Attributes:
        pixels: `(height, width)` or `(height, width, 3)` uint8, one for each of the images'.
        columns, rows: of images.
        labels: what stands under each image, row by row; empty without.
        exact: whether each pixel is to be seen as it is, whatever the size.
    """

    pixels: Pixels
    columns: int
    rows: int
    labels: tuple[str, ...] = ()
    exact: bool = False

    @property
    def width(self) -> int:
        """Pixels of the whole sheet."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels of the whole sheet."""
        return int(self.pixels.shape[0])

    @cached_property
    def src(self) -> str:
        """Data URI: exact for small images, whose pixels are seen one by one, else nearly so at a third of the size."""
        if self.exact or self.width <= _SEEN_SINGLY * self.columns:
            return data_uri("image/png", _encoded(self.pixels, "PNG", optimize=True))
        return data_uri("image/webp", _encoded(self.pixels, "WEBP", quality=_QUALITY, method=6))

    def save(self, path: Path) -> Path:
        """Writes it as a PNG of at least `_PRINTED` pixels across, its labels drawn in; returns the path."""
        from PIL import Image, ImageDraw, ImageFont

        scale = max(1, -(-_PRINTED // self.width))
        size = (self.width * scale, self.height * scale)
        image = Image.fromarray(self.pixels).convert("RGB").resize(size, Image.Resampling.NEAREST)
        across, down = image.width / self.columns, image.height / self.rows
        draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=0.22 * down)
        for at, label in enumerate(self.labels):
            place = ((at % self.columns + 0.5) * across, (at // self.columns + 1) * down - 0.04 * down)
            draw.text(place, label, fill="black", font=font, anchor="mb")
        write_aside(path, lambda file: image.save(file, "PNG"))
        return path


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """Many images in one, `columns` in a row, each `width` by `height` pixels."""

    src: str
    columns: int
    width: int
    height: int


def sheet(rows: Sequence[Images], labels: Sequence[str] = (), *, exact: bool = False, gap: int = _GAP) -> Sheet:
    """Rows of images, each `(n, height, width, channels)` uint8; n may differ. Room for `labels` below each image."""
    below = round(_LABEL_SHARE * rows[0].shape[1]) if labels else 0
    columns = max(len(row) for row in rows)
    return Sheet(pixels=montage(rows, below, gap), columns=columns, rows=len(rows), labels=tuple(labels), exact=exact)


def montage(rows: Sequence[Images], below: int = 0, gap: int = _GAP) -> Pixels:
    """Rows of images on white, `gap` pixels apart, with so many white pixels more below each row.

    Returns:
        `(height, width)` or `(height, width, 3)` uint8.
    """
    height, width, channels = rows[0].shape[1:]
    step_y, step_x = height + gap + below, width + gap
    columns, shown = max(len(row) for row in rows), 3 if channels >= 3 else 1
    paper = np.full((len(rows) * step_y, columns * step_x, shown), 255, np.uint8)
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            paper[down * step_y :, across * step_x :][:height, :width] = image[..., :shown]
    return paper if shown == 3 else paper[..., 0]


def in_rows(images: Images, columns: int) -> list[Images]:
    """`(n, ...)` in rows of `columns`."""
    return [images[at : at + columns] for at in range(0, len(images), columns)]


def sprite(images: Images, *, exact: bool) -> Sprite:
    """`(n, height, width, channels)` uint8 as one image: to the last bit, or at a quarter of the size nearly so."""
    height, width, channels = images.shape[1:]
    shown = 3 if channels >= 3 else 1
    lines = -(-len(images) // _SPRITE_COLUMNS)
    paper = np.zeros((lines, _SPRITE_COLUMNS, height, width, shown), np.uint8)
    paper.reshape(-1, height, width, shown)[: len(images)] = images[..., :shown]
    pixels = paper.swapaxes(1, 2).reshape(lines * height, _SPRITE_COLUMNS * width, shown)
    pixels = pixels if shown == 3 else pixels[..., 0]
    if exact:
        src = data_uri("image/png", _encoded(pixels, "PNG", optimize=True))
    else:
        src = data_uri("image/webp", _encoded(pixels, "WEBP", quality=_SPRITE_QUALITY, method=6))
    return Sprite(src=src, columns=_SPRITE_COLUMNS, width=width, height=height)


def _encoded(pixels: Pixels, kind: str, **options: Any) -> bytes:
    from PIL import Image

    image = Image.fromarray(pixels)
    if kind == "PNG" and pixels.ndim == 2 and set(np.unique(pixels)) <= {0, 255}:
        image = image.convert("1")
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
