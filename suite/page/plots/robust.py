"""What a few bad seeds don't move: interquartile means, performance profiles and probabilities of improvement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aebench.analysis.blocks import Blocks
from aebench.analysis.numbers import significant
from aebench.analysis.robust import (
    Estimate,
    Floats,
    Profile,
    improvement_estimate,
    interquartile_mean,
    mean_estimate,
    profile_estimate,
)
from aebench.measures import METRICS
from aebench.page.canvas import HALF, WIDE, Plot, canvas, legend_right
from aebench.page.look import GREY, LINES, Looks
from aebench.page.plots.marks import level_bars, unit
from aebench.records.spec import variant_label
from aebench.study.contrasts import Contrast

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PROFILES = 6  # of more, bands hide one another
_ROW, _FRAME = 0.24, 1.2  # inches
_THRESHOLDS = 41
_SHOWN = (0.05, 0.95)  # quantiles of runs between which profiles are drawn: one collapsed run may lie far off
_MOST_BARS = 0.9
_INTERVAL = "bars: 95 % stratified bootstrap intervals over runs"


def interquartile_means(purposes: Sequence[Blocks], looks: Looks) -> Plot | None:
    """A column of dots for each purpose, a row for each variant; `None` where no two variants share a block."""
    columns = [(one, found) for one in purposes if len(found := _means(one)) > 1]
    if not columns:
        return None
    rows = _by_rank([found for _, found in columns])
    with canvas(_width(columns), _FRAME + _ROW * len(rows), columns=len(columns)) as (figure, [panels]):
        for axes, (one, found) in zip(panels, columns, strict=True):
            for at, name in enumerate(rows):
                if name in found:
                    _dot(axes, found[name], at, looks.by_variant[name])
            axes.axvline(0.0, color=GREY, linewidth=0.8, zorder=1)
            axes.set_xlim(*_limits([*found.values()]))
            _rows(axes, one, [variant_label(name, {}) for name in rows] if axes is panels[0] else [""] * len(rows))
            axes.set_xlabel(_better_by(one))
        return Plot(
            key="interquartile-means",
            title="Interquartile means",
            caption="The mean of the middle half of a variant's runs, by how much each is better than the middle run "
            f"of all variants at the same latent size; {_INTERVAL} (long ones may be cut). {_covered(columns)}",
            alt=". ".join(
                f"{one.purpose.name}, better than the middle run: {_told(_named(found))}" for one, found in columns
            ),
            figure=figure,
        )


def profiles(purposes: Sequence[Blocks], looks: Looks) -> Plot | None:
    """The share of runs that are better by more than so much, a panel a purpose."""
    columns = [(one, found) for one in purposes if (found := _profiles(one))]
    if not columns:
        return None
    names = [*dict.fromkeys(name for _, found in columns for name in found)]
    styles = {name: LINES[at % len(LINES)] for at, name in enumerate(names)}
    with canvas(_width(columns), 3.6, columns=len(columns)) as (figure, [panels]):
        for axes, (one, found) in zip(panels, columns, strict=True):
            for name, own in found.items():
                colour = looks.by_variant[name]
                if own.low is not None and own.high is not None:
                    axes.fill_between(own.thresholds, own.low, own.high, color=colour, alpha=0.12, linewidth=0)
                axes.plot(own.thresholds, own.share, color=colour, linestyle=styles[name])
            axes.set_title(one.purpose.name)
            axes.set_xlabel(_better_by(one))
            axes.set_ylim(-0.03, 1.03)
        panels[0].set_ylabel("share of runs better by more")
        for name in names:
            panels[0].plot([], [], color=looks.by_variant[name], linestyle=styles[name], label=variant_label(name, {}))
        legend_right(figure, panels[0])
        return Plot(
            key="profiles",
            title="Performance profiles",
            caption="The share of a variant's runs that are better than the middle run by more than so much; higher "
            f"is better. Bands: pointwise 95 % stratified bootstrap intervals. Shown: the {MOST_PROFILES} variants "
            "with the best interquartile means of each purpose.",
            alt=". ".join(_told_profiles(one, found) for one, found in columns),
            figure=figure,
        )


def improvements(purposes: Sequence[Blocks], contrasts: Sequence[Contrast]) -> Plot | None:
    """How likely a run of a variant beats one of its baseline: a column a purpose, a row a contrast."""
    columns = [(one, found) for one in purposes if (found := _improvements(one, contrasts))]
    if not columns:
        return None
    rows = [*dict.fromkeys(name for _, found in columns for name in found)]
    with canvas(_width(columns), _FRAME + _ROW * len(rows), columns=len(columns)) as (figure, [panels]):
        for axes, (one, found) in zip(panels, columns, strict=True):
            for at, name in enumerate(rows):
                if name in found:
                    _dot(axes, found[name], at, "#0072B2")
            axes.axvline(0.5, color=GREY, linewidth=0.8, zorder=1)
            axes.set_xlim(-0.03, 1.03)
            _rows(axes, one, rows if axes is panels[0] else [""] * len(rows))
            axes.set_xlabel("probability of improvement")
        return Plot(
            key="improvement",
            title="Probability of improvement",
            caption="How often a run of the first is better than one of the second, as the study holds variants "
            f"against each other, averaged over the latent sizes that both have; {_INTERVAL}. Line: as often as not.",
            alt=". ".join(f"{one.purpose.name}: {_told(found)}" for one, found in columns),
            figure=figure,
        )


def _means(one: Blocks) -> dict[str, Estimate]:
    names, blocks = one.common()
    return {name: mean_estimate(one.scores(name, blocks)) for name in names}


def _profiles(one: Blocks) -> dict[str, Profile]:
    """Those of the variants with the best interquartile means; empty where no two share a block."""
    names, blocks = one.common()
    if len(names) < 2:
        return {}
    runs = {name: one.scores(name, blocks) for name in names}
    best = sorted(runs, key=lambda name: -float(interquartile_mean(runs[name])))[:MOST_PROFILES]
    low, high = np.quantile(np.concatenate([part for name in best for part in runs[name]]), _SHOWN)
    return {name: profile_estimate(runs[name], np.linspace(low, high, _THRESHOLDS)) for name in best}


def _improvements(one: Blocks, contrasts: Sequence[Contrast]) -> dict[str, Estimate]:
    found = {}
    for contrast in contrasts:
        own, theirs = (one.items.get(name, {}) for name in (contrast.variant, contrast.against))
        shared = [block for block in own if block in theirs]
        if shared:
            name = f"{variant_label(contrast.variant, {})} over {variant_label(contrast.against, {})}"
            sides: tuple[list[Floats], ...] = tuple(
                one.scores(side, shared) for side in (contrast.variant, contrast.against)
            )
            found[name] = improvement_estimate(*sides)
    return found


def _by_rank(columns: Sequence[Mapping[str, Estimate]]) -> list[str]:
    """Variants by their mean place over purposes, the best first."""
    places: dict[str, list[int]] = {}
    for found in columns:
        for at, name in enumerate(sorted(found, key=lambda name: -found[name].value)):
            places.setdefault(name, []).append(at)
    return sorted(places, key=lambda name: float(np.mean(places[name])))


def _width(columns: Sequence[object]) -> float:
    return WIDE if len(columns) > 2 else HALF * max(len(columns), 1)


def _dot(axes: Axes, estimate: Estimate, at: int, colour: str) -> None:
    if estimate.low is not None and estimate.high is not None:
        middle, half = (estimate.low + estimate.high) / 2.0, (estimate.high - estimate.low) / 2.0
        level_bars(axes, [middle], [at], [half], colour)
    axes.plot([estimate.value], [at], "o", color=colour, markersize=5, zorder=3)


def _limits(estimates: Sequence[Estimate]) -> tuple[float, float]:
    """Ends of an axis that shows every dot and most bars: a run that fell far may make its variant's bar long."""
    values = [one.value for one in estimates]
    lows, highs = ([end for end in ends if end is not None] for ends in
                   ([one.low for one in estimates], [one.high for one in estimates]))  # fmt: skip
    low = min([0.0, *values, *(float(np.quantile(lows, at)) for at in (1.0 - _MOST_BARS,) if lows)])
    high = max([0.0, *values, *(float(np.quantile(highs, at)) for at in (_MOST_BARS,) if highs)])
    beside = 0.05 * (high - low) or 1.0
    return low - beside, high + beside


def _rows(axes: Axes, one: Blocks, names: Sequence[str]) -> None:
    axes.set_title(one.purpose.name)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)


def _better_by(one: Blocks) -> str:
    told = unit(one.purpose.metric)
    return f"{METRICS[one.purpose.metric].label}:\nbetter by{f' ({told})' if told else ''}"


def _covered(columns: Sequence[tuple[Blocks, Mapping[str, Estimate]]]) -> str:
    """Which latent sizes and how many variants take part."""
    words = []
    for one, found in columns:
        names, blocks = one.common()
        sizes = dict.fromkeys(one.items[names[0]][block].latent_dim for block in blocks)
        left = len(one.items) - len(found)
        words.append(f"{one.purpose.name}: latent size {', '.join(map(str, sizes))}"
                     f"{f', without {left} variants that lack some' if left else ''}")  # fmt: skip
    return f"{'; '.join(words)}."


def _told_profiles(one: Blocks, found: Mapping[str, Profile]) -> str:
    middle = "; ".join(f"{variant_label(name, {})} {_share_above_0(own):.0%}" for name, own in found.items())
    return f"{one.purpose.name}, runs better than the middle run: {middle}"


def _share_above_0(profile: Profile) -> float:
    return float(np.interp(0.0, profile.thresholds, profile.share))


def _named(found: Mapping[str, Estimate]) -> dict[str, Estimate]:
    return {variant_label(name, {}): one for name, one in found.items()}


def _told(found: Mapping[str, Estimate]) -> str:
    return "; ".join(f"{name} {_in_words(one)}" for name, one in found.items())


def _in_words(one: Estimate) -> str:
    if one.low is None or one.high is None:
        return significant(one.value)
    return f"{significant(one.value)} [{significant(one.low)}, {significant(one.high)}]"
