"""Each variant at its own best for each purpose, as dots with intervals: readable with twenty variants and more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aebench.analysis.configurations import Configuration
from aebench.analysis.league import Entry, League
from aebench.analysis.numbers import column_decimals, mean_interval, plus_minus
from aebench.measures import METRICS
from aebench.page.canvas import WIDE, Plot, canvas
from aebench.page.look import GREY, Looks
from aebench.page.plots.marks import axis_label, half_width, level_bars, mean, short_label
from aebench.records.spec import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELLED = 5  # columns that are wide enough for their metric's name
LEAST_VARIANTS = 4  # fewer are seen as well in the other plots
_ROW, _FRAME = 0.24, 0.9  # inches


def leagues(
    standing: League, looks: Looks, key: str = "league", title: str = "Each variant at its best"
) -> Plot | None:
    """A column of dots for each purpose, a row for each variant; `None` where there are few."""
    rows = [row for row in standing.standings if any(row.entries)]
    if len(rows) < LEAST_VARIANTS or not standing.purposes:
        return None
    count = len(standing.purposes)
    with canvas(WIDE, _FRAME + _ROW * len(rows), columns=count) as (figure, [columns]):
        for place, (axes, purpose) in enumerate(zip(columns, standing.purposes, strict=True)):
            for at, row in enumerate(rows):
                entry = row.entries[place]
                if entry is not None:
                    _dot(axes, entry, purpose.metric, at, looks)
            axes.set_title(purpose.name)
            axes.set_xlabel(axis_label(purpose.metric) if count <= _LABELLED else short_label(purpose.metric))
            axes.set_ylim(len(rows) - 0.5, -0.5)
            names = [variant_label(row.variant, {}) for row in rows] if place == 0 else []
            axes.set_yticks(range(len(rows)), names or [""] * len(rows))
            axes.tick_params(axis="y", length=0)
            axes.locator_params(axis="x", nbins=4)
        caption = (
            "Each variant by the setting and latent size that validation chooses for the purpose, scored on test: "
            "means over seeds with their 95 % t intervals. Filled: in the set of the best. Variants that are so for "
            "most purposes come first."
        )
        alt = ". ".join(_told(standing, place) for place in range(count))
        return Plot(key=key, title=title, caption=caption, alt=alt, figure=figure)


def _dot(axes: Axes, entry: Entry, metric: str, at: int, looks: Looks) -> None:
    colour = looks.by_variant[entry.item.variant] if entry.among_best else GREY
    value = mean(entry.item, metric)
    level_bars(axes, [value], [at], [half_width(entry.item.summaries[metric])], colour)
    face = colour if entry.among_best else "white"
    axes.plot([value], [at], "o", color=colour, markerfacecolor=face, markersize=5, zorder=3)


def _told(standing: League, place: int) -> str:
    purpose = standing.purposes[place]
    entries = [entry for row in standing.standings if (entry := row.entries[place]) is not None]
    items = [entry.item for entry in sorted(entries, key=lambda entry: entry.rank)]
    decimals = column_decimals(items, purpose.metric)
    words = "; ".join(_in_words(item, purpose.metric, decimals) for item in items)
    return f"{purpose.name}, {METRICS[purpose.metric].label}, the best first: {words}"


def _in_words(item: Configuration, metric: str, decimals: int) -> str:
    summary = item.summaries[metric]
    told = f"{item.label} at {item.latent_dim} {plus_minus(summary, decimals)}"
    return f"{told} {mean_interval(summary, decimals)}".strip()
