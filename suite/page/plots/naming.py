"""Names beside points, placed where they cover neither points nor one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from aebench.page.canvas import SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

Place = tuple[float, float]
_POINT_RADIUS: Final = 4.5  # points
_FAR: Final = 12.0  # points; from here on a thin line leads from the name to its point
_OUTSIDE: Final = 10  # a name that leaves the axes is as bad as one that covers so many others


class _Offset(NamedTuple):
    """Where a name is put, in points from its point, and the side of it that lies there."""

    across: float
    up: float
    side: Literal["left", "center", "right"]
    level: Literal["bottom", "top"]


_SIDES: Final = (
    _Offset(1.0, 0.6, "left", "bottom"),
    _Offset(-1.0, -0.6, "right", "top"),
    _Offset(1.0, -0.6, "left", "top"),
    _Offset(-1.0, 0.6, "right", "bottom"),
    _Offset(0.0, 1.0, "center", "bottom"),
    _Offset(0.0, -1.0, "center", "top"),
)
_OFFSETS: Final = tuple(
    one._replace(across=distance * one.across, up=distance * one.up)
    for distance in (5.0, 12.0, 20.0, 30.0, 42.0, 56.0)
    for one in _SIDES
)


def name_points(axes: Axes, wanted: Mapping[Place, str], points: Sequence[Place]) -> None:
    """Writes each name at the first of some places near its point where it covers least.

    Args:
        axes: of a figure whose layout is done.
        wanted: names by the data coordinates of their points.
        points: data coordinates that names should not cover, those named among them.
    """
    from matplotlib.transforms import Bbox

    scale = axes.figure.dpi / 72.0
    radius = _POINT_RADIUS * scale
    taken = [Bbox.from_extents(x - radius, y - radius, x + radius, y + radius)
             for x, y in axes.transData.transform(list(points))]  # fmt: skip
    for place, name in wanted.items():
        size = _size(axes, name)
        boxes = [_box(axes, place, size, offset, scale) for offset in _OFFSETS]
        covered = [_covered(axes.bbox, box, taken) for box in boxes]
        best = covered.index(min(covered))
        taken.append(boxes[best])
        _write(axes, place, name, _OFFSETS[best])


def _box(axes: Axes, place: Place, size: tuple[float, float], offset: _Offset, scale: float) -> Bbox:
    """The box of a name of that size, all in display units."""
    from matplotlib.transforms import Bbox

    width, height = size
    x, y = axes.transData.transform(place)
    left = x + offset.across * scale - {"left": 0.0, "center": width / 2, "right": width}[offset.side]
    bottom = y + offset.up * scale - {"bottom": 0.0, "top": height}[offset.level]
    return Bbox.from_bounds(left, bottom, width, height)


def _size(axes: Axes, name: str) -> tuple[float, float]:
    text = axes.text(0.0, 0.0, name, fontsize=SMALL)
    box = text.get_window_extent()
    text.remove()
    return box.width, box.height


def _covered(axes: Bbox, box: Bbox, taken: Sequence[Bbox]) -> int:
    inside = axes.x0 <= box.x0 and box.x1 <= axes.x1 and axes.y0 <= box.y0 and box.y1 <= axes.y1
    return sum(box.overlaps(other) for other in taken) + (0 if inside else _OUTSIDE)


def _write(axes: Axes, place: Place, name: str, offset: _Offset) -> None:
    line = {"arrowstyle": "-", "color": "#9ca3af", "linewidth": 0.7, "shrinkA": 0.0, "shrinkB": 3.0}
    far = max(abs(offset.across), abs(offset.up)) >= _FAR
    annotation = axes.annotate(
        name, place, xytext=(offset.across, offset.up), textcoords="offset points", ha=offset.side, va=offset.level,
        fontsize=SMALL, color="#374151", arrowprops=line if far else None, zorder=4,
        bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )  # fmt: skip
    annotation.set_in_layout(False)
