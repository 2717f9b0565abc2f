"""Figures of the page: matplotlib without its global state, one style for every plot, one file each in three kinds."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aebench.records.writing import write_aside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE: Final[dict[str, Any]] = {
    # The first comes with matplotlib, so the layout is the same on every machine; the second, where a reader lacks the
    # first, has its widths, and others are narrower.
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "figure.constrained_layout.w_pad": 0.07,
    "font.size": 10.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.0,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9ca3af",
    "axes.grid": True,
    "grid.color": "#eceef1",
    "legend.frameon": False,
    "legend.fontsize": 10.0,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "pdf.fonttype": 42,  # TrueType, as publishers ask for
    "svg.fonttype": "none",  # words stay words, in half the bytes of their outlines
    "svg.hashsalt": "aebench",
    "path.simplify": True,
}
WIDE: Final = 14.4  # inches; 1440 CSS px, the page's full width
HALF: Final = 7.2
SMALL: Final = 8.0  # points, for words inside a plot
PRINT_DPI: Final = 300
_CSS_PX: Final = 100  # an inch of a figure, so that 10 points are 14 px, the page's own size
_NO_DATE: Final[dict[str, dict[str, Any]]] = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
_COORDINATES: Final = re.compile(rb' (?:d|x|y)="[^"]*"')
_LONG_CURVE: Final = 200  # bytes
_FRACTION: Final = re.compile(rb"-?\d+\.\d+")
_NOT_TURNED: Final = re.compile(rb' transform="rotate\(-0 [^"]*"')
_LINE_END: Final = re.compile(rb" ?\n")
_GROUP: Final = re.compile(rb'<g id="[^"]*"')
_DOCTYPE: Final = re.compile(rb"<!DOCTYPE[^>]*>\s*")  # names an address, which the page must not
_SPACE: Final = re.compile(rb"\n\s*<")
_STYLED: Final = re.compile(rb' style="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure of the page.

    Attributes:
        key: names its files; unique in its board.
        title: short, above the figure.
        caption: how to read it, below.
        alt: what it shows, for those who don't see it.
        figure: to be drawn; not changed any more.
    """

    key: str
    title: str
    caption: str
    alt: str
    figure: Figure

    @property
    def width(self) -> int:
        """Its own width in CSS pixels."""
        return round(_CSS_PX * self.figure.get_figwidth())

    @property
    def height(self) -> int:
        """Its own height in CSS pixels: where it is told, nothing moves when the picture comes."""
        return round(_CSS_PX * self.figure.get_figheight())

    @cached_property
    def svg(self) -> bytes:
        """The figure as SVG; the same figure gives the same bytes."""
        return _compact(self._drawn("svg"))

    @property
    def src(self) -> str:
        """The SVG as a data URI."""
        return data_uri("image/svg+xml", self.svg)

    def save(self, folder: Path, stem: str) -> list[Path]:
        """Writes the figure for print, without dates: the same figure gives the same files.

        Args:
            folder: made if it isn't there.
            stem: the files' name without its ending.

        Returns:
            Paths of the SVG, the PDF with embedded TrueType fonts, and the PNG of 300 dots an inch.

        Raises:
            UserError: a file cannot be written.
        """
        contents = {"svg": self.svg, "pdf": self._drawn("pdf"), "png": self._drawn("png")}
        return [_write(folder / f"{stem}.{ending}", content) for ending, content in contents.items()]

    def _drawn(self, kind: str) -> bytes:
        import matplotlib

        stream = io.BytesIO()
        with matplotlib.rc_context(_style()):
            # Of vectors, the dots decide nothing but how large an image the layout is measured on.
            dpi = PRINT_DPI if kind == "png" else "figure"
            self.figure.savefig(stream, format=kind, dpi=dpi, metadata=_NO_DATE[kind])
        return stream.getvalue()


@contextmanager
def canvas(width: float, height: float, columns: int = 1, rows: int = 1) -> Iterator[tuple[Figure, list[list[Axes]]]]:
    """A new figure of so many inches with a grid of axes, in the page's style."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_style()):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False).tolist()


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
    """One legend for the whole figure, beside it; nothing where no artist of the axes has a name."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside right upper")


@cache
def _style() -> dict[Any, Any]:
    import seaborn

    return {**seaborn.axes_style("ticks"), **STYLE}


def _compact(svg: bytes) -> bytes:
    """The same drawing in a third of the bytes: shorter numbers, no names of groups, each repeated style said once.

    Classes are named by what they say, so that drawings on one page do not change one another.
    """
    svg = _COORDINATES.sub(_shortened, _DOCTYPE.sub(b"", svg))
    svg = _SPACE.sub(b"\n<", _GROUP.sub(b"<g", _NOT_TURNED.sub(b"", svg)))
    counts = Counter(found[1] for found in _STYLED.finditer(svg))
    classes = {style: b"s" + hashlib.sha256(style).hexdigest()[:6].encode() for style, n in counts.items() if n > 2}
    svg = _STYLED.sub(lambda found: b' class="%s"' % classes[found[1]] if found[1] in classes else found[0], svg)
    rules = b"".join(b".%s{%s}" % (name, style) for style, name in classes.items())
    return svg.replace(b"</style>", rules + b"</style>", 1)


def _shortened(attribute: re.Match[bytes]) -> bytes:
    """Coordinates to 0.01 points, of long curves to 0.1; a path's commands need no lines of their own."""
    decimals = 1 if len(attribute[0]) > _LONG_CURVE else 2
    return _LINE_END.sub(b"", _FRACTION.sub(lambda number: _rounded(number[0], decimals), attribute[0]))


def _rounded(number: bytes, decimals: int) -> bytes:
    return f"{float(number):.{decimals}f}".rstrip("0").rstrip(".").encode()


def _write(path: Path, content: bytes) -> Path:
    write_aside(path, lambda file: file.write(content))
    return path
