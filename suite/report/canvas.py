"""Figures as data URIs: matplotlib without its global state, one style for every plot."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE: dict[str, Any] = {
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9ca3af",
    "axes.grid": True,
    "grid.color": "#eceef1",
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "aebench",
    "path.simplify": True,
}


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure of the page.

    Attributes:
        title: short, above the figure.
        caption: how to read it, below.
        alt: what it shows, for those who don't see it.
        src: data URI.
        width: its own width in CSS pixels.
    """

    title: str
    caption: str
    alt: str
    src: str
    width: int


@contextmanager
def canvas(width: float, height: float, columns: int = 1, rows: int = 1) -> Iterator[tuple[Figure, list[list[Axes]]]]:
    """A new figure of so many inches with a grid of axes, in the page's style."""
    import matplotlib
    import seaborn
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {**seaborn.axes_style("ticks"), **STYLE}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False).tolist()


def svg_uri(figure: Figure) -> str:
    """The figure as an SVG data URI; the same figure gives the same text."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return data_uri("image/svg+xml", stream.getvalue())


def png_uri(pixels: Any) -> str:
    """`(height, width)` or `(height, width, 3)` uint8 as a PNG data URI."""
    from matplotlib.image import imsave

    stream = io.BytesIO()
    imsave(stream, pixels, format="png", cmap="gray", vmin=0, vmax=255)
    return data_uri("image/png", stream.getvalue())


def data_uri(kind: str, content: bytes) -> str:
    """The content inside its own address, so that the page asks for no other file."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def latent_axis(axes: Axes, sizes: list[int]) -> None:
    """A log axis with one tick a latent size."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_xticks([], minor=True)
    axes.set_xlim(min(sizes) / 1.3, max(sizes) * 1.3)
    axes.set_xlabel("latent size")


def legend_right(figure: Figure, axes: Axes) -> None:
    """One legend for the whole figure, beside it."""
    from matplotlib.container import Container

    pairs = list(zip(*axes.get_legend_handles_labels(), strict=True))
    pairs.sort(key=lambda pair: not isinstance(pair[0], Container))  # series first, references after them
    if pairs:
        handles, labels = zip(*pairs, strict=True)
        figure.legend(handles, labels, loc="outside right upper")
