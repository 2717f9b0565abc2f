"""Places of variants over data sets, with the difference that tells them apart (Demšar 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aebench.analysis.across import Across
from aebench.analysis.many_datasets import Ranks
from aebench.analysis.numbers import number
from aebench.page.canvas import HALF, WIDE, Plot, canvas
from aebench.page.look import GREY
from aebench.records.spec import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _FRAME = 0.24, 1.0  # inches
_COLOUR = "#0072B2"


def critical_differences(purposes: Sequence[Across]) -> Plot | None:
    """Mean ranks, a panel a purpose; bars join what is not told apart. `None` where there are fewer than three."""
    columns = [(one, one.ranks) for one in purposes if one.ranks is not None]
    if not columns:
        return None
    most = max(len(one.variants) for one, _ in columns)
    width = WIDE if len(columns) > 2 else HALF * len(columns)
    with canvas(width, _FRAME + _ROW * most, columns=len(columns)) as (figure, [panels]):
        for axes, (one, found) in zip(panels, columns, strict=True):
            _panel(axes, one, found)
        return Plot(
            key="critical-differences",
            title="Ranks over data sets",
            caption="Large dots are mean ranks over data sets, 1 the best, small ones those of single data sets. "
            "Upright bars on the right join variants whose mean ranks lie within the critical difference (CD): these "
            "are not told apart at 5 %, all pairs together (Nemenyi).",
            alt=". ".join(_told(one, found) for one, found in columns),
            figure=figure,
        )


def _panel(axes: Axes, one: Across, found: Ranks) -> None:
    order = np.argsort(found.mean, kind="stable").tolist()
    count = len(order)
    for at, place in enumerate(order):
        axes.plot(found.each[:, place], np.full(len(found.each), at), ".", color=GREY, markersize=4, alpha=0.6)
        axes.plot([found.mean[place]], [at], "o", color=_COLOUR, markersize=6, zorder=3)
    for nth, clique in enumerate(found.cliques()):
        rows = [order.index(place) for place in clique]
        beside = count + 0.06 * count * (1 + nth % 4)
        axes.plot([beside, beside], [min(rows) - 0.2, max(rows) + 0.2], color=GREY, linewidth=3.0,
                  solid_capstyle="butt")  # fmt: skip
    axes.set_title(f"{one.purpose.name}, CD = {number(found.critical_difference, 2)}")
    axes.set_xlabel("rank")
    axes.set_xlim(0.5, count * 1.3 + 0.2)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks(range(count), [variant_label(one.variants[place], {}) for place in order])
    axes.tick_params(axis="y", length=0)
    axes.set_xticks(np.unique(np.linspace(1, count, min(count, 6)).round().astype(int)))


def _told(one: Across, found: Ranks) -> str:
    order = np.argsort(found.mean, kind="stable").tolist()
    words = ", ".join(f"{variant_label(one.variants[place], {})} {number(float(found.mean[place]), 2)}"
                      for place in order)  # fmt: skip
    return f"{one.purpose.name}, mean ranks: {words}; critical difference {number(found.critical_difference, 2)}"
