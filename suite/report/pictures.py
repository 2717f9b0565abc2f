"""What the models draw, for every configuration alike and side by side, from the kept arrays of one run each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from suite.compare import Configuration
from suite.report.canvas import canvas, data_uri, png_uri
from suite.report.look import Look, Looks, class_colours
from suite.store import Store

Arrays = dict[str, npt.NDArray[Any]]
_TILE = 32
_GAP = 2
_PER_ROW = 5
_POINT_AREA = 5.0
_EMBEDDING_INCHES = 3.3


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of one configuration; without `src` there is none and `alt` says why."""

    alt: str
    src: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One kind of picture across the configurations, in the gallery's order."""

    title: str
    about: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """All pictures of one latent size.

    Attributes:
        looks: of the configurations, one a column.
        seeds: whose run is shown, one a column; empty where none is.
        classes: name and colour of each class in the embeddings; empty without labels.
    """

    latent_dim: int
    looks: tuple[Look, ...]
    seeds: tuple[str, ...]
    strips: tuple[Strip, ...]
    classes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class _Kind:
    title: str
    about: str
    needs: str
    draw: Callable[[Arrays], Picture]


def galleries(board: Sequence[Configuration], looks: Looks, store: Store) -> list[Gallery]:
    """One gallery a latent size, smallest first.

    Args:
        board: configurations of one data set and one likelihood.
        looks: names and colours.
        store: where the runs' `figures` arrays are.
    """
    sizes = sorted({item.latent_dim for item in board})
    return [_gallery(size, [item for item in board if item.latent_dim == size], looks, store) for size in sizes]


def montage(rows: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """Rows of images on white, each pixel enlarged so that a small image has about 32.

    Args:
        rows: each `(n, height, width, channels)` uint8; n may differ.

    Returns:
        `(height, width)` or `(height, width, 3)` uint8.
    """
    height, width, channels = rows[0].shape[1:]
    scale = max(1, -(-_TILE // max(height, width)))
    step_y, step_x = height * scale + _GAP, width * scale + _GAP
    columns = max(len(row) for row in rows)
    shown = 3 if channels >= 3 else 1
    paper = np.full((len(rows) * step_y - _GAP, columns * step_x - _GAP, shown), 255, np.uint8)
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            tile = image[..., :shown].repeat(scale, axis=0).repeat(scale, axis=1)
            paper[down * step_y :, across * step_x :][: height * scale, : width * scale] = tile
    return paper if shown == 3 else paper[..., 0]


def _gallery(size: int, items: Sequence[Configuration], looks: Looks, store: Store) -> Gallery:
    shown = [item for items in looks.series(items).values() for item in items]
    found = [_first_kept(item, store) for item in shown]
    kinds = [kind for kind in _KINDS if any(kind.needs in arrays for _, arrays in found)]
    strips = [
        Strip(title=kind.title, about=kind.about, pictures=tuple(
            _picture(kind, arrays, looks.by_id[item.id].name) for item, (_, arrays) in zip(shown, found, strict=True)
        ))
        for kind in kinds
    ]  # fmt: skip
    names = next((arrays["class_names"] for _, arrays in found if "class_names" in arrays), np.array([]))
    return Gallery(
        latent_dim=size,
        looks=tuple(looks.by_id[item.id] for item in shown),
        seeds=tuple(seed for seed, _ in found),
        strips=tuple(strips),
        classes=tuple(zip((str(name) for name in names), class_colours(len(names)), strict=True)),
    )


def _first_kept(item: Configuration, store: Store) -> tuple[str, Arrays]:
    """The first seed that finished and kept its pictures, and these; nothing if there is none."""
    for record in item.usable:
        arrays = store.read_arrays(record.run_id, "figures")
        if arrays is not None:
            return f"seed {record.spec.seed}", arrays
    return "", {}


def _picture(kind: _Kind, arrays: Arrays, name: str) -> Picture:
    if not arrays:
        return Picture(alt="no pictures kept: no run of this configuration has finished with its figures")
    if kind.needs not in arrays:
        return Picture(alt="n/a")
    drawn = kind.draw(arrays)
    return Picture(
        alt=f"{kind.title} of {name}",
        src=drawn.src,
        width=drawn.width,
        height=drawn.height,
    )


def _tiles(rows: Sequence[npt.NDArray[np.uint8]]) -> Picture:
    pixels = montage(rows)
    return Picture(alt="", src=png_uri(pixels), width=pixels.shape[1], height=pixels.shape[0])


def _in_rows(images: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    return [images[at : at + _PER_ROW] for at in range(0, len(images), _PER_ROW)]


def _reconstructions(arrays: Arrays) -> Picture:
    pairs = zip(_in_rows(arrays["originals"]), _in_rows(arrays["reconstructions"]), strict=True)
    return _tiles([row for pair in pairs for row in pair])


def _embedding(points: str) -> Callable[[Arrays], Picture]:
    def draw(arrays: Arrays) -> Picture:
        return _scatter(arrays[points], arrays.get("embedding_labels"), arrays.get("class_names"))

    return draw


def _scatter(points: npt.NDArray[Any], labels: npt.NDArray[Any] | None, names: npt.NDArray[Any] | None) -> Picture:
    """Points coloured by class; each class is named at its median too, so that colour is not the only sign."""
    import io

    with canvas(_EMBEDDING_INCHES, _EMBEDDING_INCHES) as (figure, [[axes]]):
        classes = len(names) if names is not None else 1
        indices = labels if labels is not None else np.zeros(len(points), int)
        colours = np.array(class_colours(max(classes, 1)))
        order = np.random.default_rng(0).permutation(len(points))  # so that no class hides the others
        axes.scatter(points[order, 0], points[order, 1], s=_POINT_AREA, c=colours[indices[order]], linewidths=0)
        for index, name in enumerate(names if names is not None else ()):
            _name_class(axes, points[indices == index], str(name), index)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(True)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=120)
    side = int(_EMBEDDING_INCHES * 120)
    return Picture(alt="", src=data_uri("image/png", stream.getvalue()), width=side, height=side)


def _name_class(axes: Any, points: npt.NDArray[Any], name: str, index: int) -> None:
    from matplotlib.patheffects import withStroke

    if len(points):
        axes.text(
            *np.median(points, axis=0),
            name if len(name) <= 2 else str(index),
            ha="center",
            va="center",
            fontsize=10,
            fontweight="bold",
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )


_KINDS = (
    _Kind(
        title="Prior samples",
        about="25 images decoded from codes drawn from the prior",
        needs="prior_samples",
        draw=lambda arrays: _tiles(_in_rows(arrays["prior_samples"])),
    ),
    _Kind(
        title="Reconstructions",
        about="the first test images, each above its reconstruction from a posterior sample (AE: from its code)",
        needs="reconstructions",
        draw=_reconstructions,
    ),
    _Kind(
        title="Interpolations",
        about="from one test image to another in equal steps between posterior samples (AE: between codes)",
        needs="interpolations",
        draw=lambda arrays: _tiles(list(arrays["interpolations"])),
    ),
    _Kind(
        title="Class centroids",
        about="the mean code of each class, decoded",
        needs="centroids",
        draw=lambda arrays: _tiles(_in_rows(arrays["centroids"])),
    ),
    _Kind(
        title="Latent space",
        about="test images at their two latent coordinates",
        needs="embedding_direct",
        draw=_embedding("embedding_direct"),
    ),
    _Kind(
        title="Latent space, PCA",
        about="test images on the first two principal components of the codes",
        needs="embedding_pca",
        draw=_embedding("embedding_pca"),
    ),
    _Kind(
        title="Latent space, t-SNE",
        about="the same codes by t-SNE: neighbourhoods mean something, distances between groups don't",
        needs="embedding_tsne",
        draw=_embedding("embedding_tsne"),
    ),
)
