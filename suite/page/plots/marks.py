"""What all plots share: intervals over seeds, points with bars, labels, keys, and words for those who listen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aebench.analysis.configurations import Board, Configuration, Summary, summarise
from aebench.analysis.numbers import ARROWS, decimals_of, number, t_interval
from aebench.measures import METRICS
from aebench.page.look import GREY, Look, Looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


Floats = npt.NDArray[np.float64]

INTERVAL = "Points are means over seeds, bars their 95 % t intervals"
_BAR_WIDTH = 1.1
_SPREAD = 0.18  # of an octave: how far the series of one latent size are set apart at most


@dataclass(frozen=True, kw_only=True)
class Means:
    """Means over seeds and their 95 % intervals.

    Attributes:
        mean: `(k,)`.
        half: `(k,)`, half the width of Student's t interval of each mean; NaN for fewer than two seeds.
        n: seeds.
    """

    mean: Floats
    half: Floats
    n: int


def means(values: Sequence[Sequence[float]] | Floats) -> Means:
    """Summarises `(seeds, k)` numbers, one seed at least (Student 1908)."""
    rows = np.asarray(values, "float64")
    halves = [half_width(summarise(column)) for column in rows.T.tolist()]
    return Means(mean=rows.mean(axis=0), half=np.array(halves, "float64"), n=len(rows))  # None becomes NaN


def half_width(summary: Summary) -> float | None:
    """Half the width of a mean's 95 % t interval; `None` for fewer than two seeds."""
    ends = t_interval(summary)
    return None if ends is None else (ends[1] - ends[0]) / 2.0


def profile(item: Configuration, name: str) -> list[tuple[float, ...]]:
    """A list of numbers of each usable run that has it, one row a seed; all of the first one's length."""
    rows = [row for record in item.usable if (row := record.profiles.get(name, ()))]
    return [row for row in rows if len(row) == len(rows[0])]


def scored(board: Board, *metrics: str) -> list[Configuration]:
    """The configurations that have a mean of every one of the metrics."""
    return [item for item in board if all(item.summaries[name].mean is not None for name in metrics)]


def mean(item: Configuration, metric: str) -> float:
    """The mean of a metric that the configuration has."""
    value = item.summaries[metric].mean
    if value is None:
        raise ValueError(f"{item.label} has no {metric}; choose configurations by `scored` first")
    return value


def by_size(board: Board) -> dict[int, list[Configuration]]:
    """Configurations by latent size, smallest first."""
    return {
        size: [item for item in board if item.latent_dim == size]
        for size in sorted({item.latent_dim for item in board})
    }


def apart(series: Mapping[Look, list[Configuration]], width: float) -> list[tuple[Look, list[Configuration], float]]:
    """Each series with a shift within ± width, so that their bars don't hide one another."""
    shifts = np.linspace(-width, width, len(series)) if len(series) > 1 else np.zeros(1)
    return [(look, items, float(shift)) for (look, items), shift in zip(series.items(), shifts, strict=True)]


def octaves_apart(board: Board, looks: Looks) -> list[tuple[Look, list[Configuration], float]]:
    """Each series with the factor that its latent sizes are drawn at."""
    return [(look, items, 2.0**shift) for look, items, shift in apart(looks.series(board), _SPREAD)]


def bars(axes: Axes, x: Iterable[float], y: Iterable[float], half: Iterable[float | None], colour: str) -> Line2D:
    """Upright bars y ± half as one line with gaps: a line each would make the file several times larger."""
    return axes.plot(*_gapped(x, y, half), "-", color=colour, linewidth=_BAR_WIDTH, marker="", zorder=2.5)[0]


def level_bars(axes: Axes, x: Iterable[float], y: Iterable[float], half: Iterable[float | None], colour: str) -> Line2D:
    """Level bars x ± half, as `bars`."""
    up, across = _gapped(y, x, half)
    return axes.plot(across, up, "-", color=colour, linewidth=_BAR_WIDTH, marker="", zorder=2.5)[0]


def _gapped(x: Iterable[float], y: Iterable[float], half: Iterable[float | None]) -> tuple[Floats, Floats]:
    """Lines from (x, y - half) to (x, y + half), then NaN, and so on."""
    at, middle = np.asarray(list(x), "float64"), np.asarray(list(y), "float64")
    lengths = np.array([np.nan if value is None else value for value in half], "float64")
    gaps = np.full(len(at), np.nan)
    ends = np.column_stack([middle - lengths, middle + lengths, gaps])
    return np.column_stack([at, at, gaps]).ravel(), ends.ravel()


def axis_label(metric: str, better: str | None = None) -> str:
    """`ELBO (nats/image) ↑`."""
    about = METRICS[metric]
    return f"{about.label}{_in_brackets(unit(metric))} {ARROWS[better or about.better]}".strip()


def short_label(metric: str) -> str:
    """`nats/image ↑`: for an axis whose metric is told elsewhere."""
    return f"{unit(metric)} {ARROWS[METRICS[metric].better]}".strip()


def unit(metric: str) -> str:
    """A metric's unit with a true minus sign; nothing where it has none."""
    return METRICS[metric].unit.replace("-1", "−1")


def _in_brackets(words: str) -> str:
    return f" ({words})" if words else ""


def keys(axes: Axes, board: Board, looks: Looks) -> None:
    """Legend entries of plots where colour tells the variant and its setting, and the marker the latent size."""
    for look in looks.series(board):
        axes.plot([], [], "s", color=look.colour, label=look.name)
    for size in by_size(board):
        axes.plot([], [], looks.by_latent_dim[size], color=GREY, linestyle="none", label=f"latent size {size}")


def names(board: Board, looks: Looks) -> str:
    """The series' names in a row."""
    return ", ".join(look.name for look in looks.series(board))


def told(board: Board, metric: str, looks: Looks) -> str:
    """Every mean with its interval, in words: `VAE β=1: −24.31 ± 0.05 at latent size 2, ...`."""
    decimals = decimals_of(item.summaries[metric] for item in board)
    lines = [
        f"{look.name}: "
        + ", ".join(f"{_told(item.summaries[metric], decimals)} at {item.latent_dim}" for item in items)
        for look, items in looks.series(scored(board, metric)).items()
    ]
    return f"{METRICS[metric].label}{_in_brackets(unit(metric))} at each latent size. " + "; ".join(lines)


def _told(summary: Summary, decimals: int) -> str:
    half = half_width(summary)
    return number(summary.mean, decimals) + (f" ± {number(half, decimals)}" if half is not None else "")
