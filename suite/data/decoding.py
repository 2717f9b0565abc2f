"""Image files decoded to arrays of bytes: whatever Pillow reads of a few common formats, made alike, and said."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aebench.data.dataset import Array
from aebench.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

Size = tuple[int, int]  # height, width
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # no others are tried: EPS would start another program
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
MOST_BYTES = 4 * 2**30  # of all images together
_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B")
_DEEP = ("I", "F")  # whose white is not known
_TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange height and width


@dataclass(frozen=True, kw_only=True)
class File:
    """An image file: what to call it in messages, and where it lies or what it holds."""

    name: str
    content: Path | bytes


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Images by split, `(n, height, width, 1 or 3)` uint8, and what was done to them, as parts of a sentence."""

    images: dict[str, Array]
    notes: tuple[str, ...]


def decode(files: Mapping[str, Sequence[File]], size: Size | None, where: str) -> Decoded:
    """Decodes image files: to grey if all are without colour, else to red, green and blue.

    Args:
        files: by split.
        size: to scale to, what goes beyond its proportions cut off on both sides; without, all must have one size.
        where: what to call them together in messages.

    Raises:
        UserError: there is none, a file is no image that can be read, is suspiciously large or of deep pixels, sizes
            differ and none is given, or all together are too large.
    """
    every = [file for part in files.values() for file in part]
    seen = Counter(_header(file) for file in every)
    height, width = size or _one_size(seen, where)
    _refuse_large(len(every), height, width, where)
    images = {split: np.empty((len(part), height, width, 3), np.uint8) for split, part in files.items()}
    told: Counter[str] = Counter()
    for split, part in files.items():
        for at, file in enumerate(part):
            with _opened(file) as picture:
                told.update(_treatments(picture))
                images[split][at] = _pixels(picture, (height, width))
    grey = all(_is_grey(part) for part in images.values())
    if not grey and (without := sum(count for (_, is_grey), count in seen.items() if is_grey)):
        told["grey made colour"] = without
    notes = ["all grey" if grey else "in colour", *_counted(told)]
    if size is not None and {kind for kind, _ in seen} != {size}:
        notes.append(f"scaled to {height}x{width}, what goes beyond these proportions cut off on both sides")
    return Decoded(
        images={split: np.ascontiguousarray(part[..., :1]) if grey else part for split, part in images.items()},
        notes=tuple(notes),
    )


def _header(file: File) -> tuple[Size, bool]:
    """Height and width as shown, and whether its mode has no colour."""
    with _opened(file, load=False) as picture:
        if picture.mode in _DEEP:
            raise UserError(
                f"{file.name} has deep pixels whose white is not known; convert it to 8 bits, or to a PNG of 16"
            )
        turned = picture.getexif().get(0x0112) in _TURNED
        return (picture.size if turned else picture.size[::-1]), picture.mode in _GREY


@contextmanager
def _opened(file: File, load: bool = True) -> Iterator[Image]:
    """The image of a file, its pixels read if `load`.

    Raises:
        UserError: it cannot be read, or is one that would fill the memory.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            content = BytesIO(file.content) if isinstance(file.content, bytes) else file.content
            with Image.open(content, formats=FORMATS) as picture:
                if load:
                    picture.load()
                yield picture
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UserError(
            f"{file.name} would be of more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels; scale it down, or remove it"
        ) from None
    except UnidentifiedImageError:
        raise UserError(f"{file.name} is no image ({', '.join(FORMATS)}); remove or replace it") from None
    except Exception as error:  # whatever Pillow's readers make of a file
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"{file.name} cannot be read: {reason}; replace or remove it") from None


def _one_size(seen: Mapping[tuple[Size, bool], int], where: str) -> Size:
    if not seen:
        raise UserError(f"{where} has no images; at least one is needed")
    sizes = Counter[Size]()
    for (size, _), count in seen.items():
        sizes[size] += count
    if len(sizes) > 1:
        some = ", ".join(f"{h}x{w} ({count})" for (h, w), count in sizes.most_common(3))
        more = f" and {len(sizes) - 3} other sizes" if len(sizes) > 3 else ""
        raise UserError(
            f"images in {where} differ in height x width: {some}{more}; give one to scale to, such as --size 32 or "
            "--size 32x48"
        )
    return next(iter(sizes))


def _refuse_large(count: int, height: int, width: int, where: str) -> None:
    total = 3 * count * height * width
    if total > MOST_BYTES:
        raise UserError(
            f"{count:,} images of {height}x{width} in {where} would take {total / 2**30:.0f} GiB; scale them down, as "
            "by --size 64"
        )


def _treatments(picture: Image) -> Iterator[str]:
    """What is told of an image that isn't taken as it is."""
    if picture.has_transparency_data:
        yield "transparency put on white"
    if picture.mode.startswith("I;16"):
        yield "16 bits cut to 8"
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        yield f"{picture.mode} made RGB"
    if getattr(picture, "n_frames", 1) > 1:
        yield "only the first picture of several in a file"


def _counted(told: Mapping[str, int]) -> list[str]:
    return [f"{what} ({count})" for what, count in told.items()]


def _pixels(picture: Image, size: Size) -> Array:
    """The image as shown, `(height, width, 3)` uint8, at this size."""
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16"):
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    if upright.has_transparency_data:
        clear = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    upright = upright.convert("RGB")
    if upright.size[::-1] != size:
        upright = ImageOps.fit(upright, size[::-1], Image.Resampling.LANCZOS)
    return np.asarray(upright)


def _is_grey(images: Array) -> bool:
    return bool(np.all(images == images[..., :1]))
