"""What the best of so many tried settings is expected to be worth on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aebench.analysis.budget import budgets
from aebench.analysis.evidence import Evidence
from aebench.analysis.numbers import significant
from aebench.analysis.purposes import PURPOSES, Purpose
from aebench.page.canvas import HALF, WIDE, Plot, canvas, legend_right
from aebench.page.look import LINES, Looks
from aebench.records.spec import variant_label

MOST_LINES = 8
Budgets = Mapping[str, Sequence[float]]


def tuning_budgets(evidence: Evidence, looks: Looks) -> Plot | None:
    """A panel a purpose, a line a variant; `None` where no variant was tried with two settings."""
    from matplotlib.ticker import MaxNLocator

    columns = [(one, found) for one in PURPOSES if (found := _shown(budgets(evidence, one)))]
    if not columns:
        return None
    names = [*dict.fromkeys(name for _, found in columns for name in found)]
    styles = {name: LINES[at % len(LINES)] for at, name in enumerate(names)}
    width = WIDE if len(columns) > 2 else HALF * len(columns)
    with canvas(width, 3.6, columns=len(columns)) as (figure, [panels]):
        for axes, (purpose, found) in zip(panels, columns, strict=True):
            for name, values in found.items():
                axes.plot(range(1, len(values) + 1), values, color=looks.by_variant[name], linestyle=styles[name],
                          marker="o", markersize=3.0)  # fmt: skip
            axes.set_title(purpose.name)
            axes.set_xlabel("configurations tried")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        panels[0].set_ylabel("expected best on validation ↑")
        for name in names:
            panels[0].plot([], [], color=looks.by_variant[name], linestyle=styles[name], label=variant_label(name, {}))
        legend_right(figure, panels[0])
        return Plot(
            key="tuning-budgets",
            title="Best on validation by tuning budget",
            caption="What the best of n configurations (settings and latent sizes) of a variant, drawn at random from "
            "those that were tried, is expected to be worth by what validation chooses by (ELBO, distortion, "
            "silhouette, Fréchet distance; those where less is better negated). At equal n, a variant that was tried "
            f"with more has no advantage. Shown: of each purpose the {MOST_LINES} best at the largest n "
            "that all have.",
            alt=". ".join(_told(purpose, found) for purpose, found in columns),
            figure=figure,
        )


def _shown(found: Budgets) -> Budgets:
    """The best at the largest number of settings that all variants were tried with."""
    if len(found) < 2 or max(map(len, found.values())) < 2:
        return {}
    common = min(map(len, found.values()))
    best = sorted(found, key=lambda name: -found[name][common - 1])[:MOST_LINES]
    return {name: found[name] for name in best}


def _told(purpose: Purpose, found: Budgets) -> str:
    common = min(map(len, found.values()))
    words = "; ".join(
        f"{variant_label(name, {})} {significant(values[common - 1])} of {common}, {significant(values[-1])} of "
        f"{len(values)}"
        for name, values in found.items()
    )
    return f"{purpose.name}, expected best on validation: {words}"
