"""The table of every configuration: text for people, raw values for sorting, all numbers that were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.compare import Configuration, Contrast, PerImage, paired_difference
from suite.metrics import METRICS, cost, generation, likelihood, reconstruction, structure
from suite.report.answers import REFERENCES
from suite.report.look import Look, Looks
from suite.report.numbers import ARROWS, column_decimals, interval, mean_interval, number, plus_minus, spread
from suite.statistics import Difference

MAIN = ("elbo_nats", "nll_nats", "recon_mse", "silhouette", "prior_recognisable", "active_units", "train_seconds")
FAMILIES = {
    "likelihood": ("Likelihood and use of the code", (*likelihood.METRICS, *reconstruction.METRICS)),
    "classes": ("Classes in latent space", tuple(structure.METRICS)),
    "images": ("Generated images", tuple(generation.METRICS)),
    "cost": ("Size and speed", tuple(cost.METRICS)),
}
_CLASS_MEASURES = {*structure.METRICS, *generation.METRICS}


@dataclass(frozen=True, kw_only=True)
class Column:
    """Header: what it is, its unit, which direction is better, its definition, and the group that it is shown with."""

    name: str
    label: str
    unit: str
    arrow: str
    about: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number.

    Attributes:
        text: the mean, `12.34`; "n/a" without one.
        sd: `± 0.05`; empty where it has none.
        interval: `[12.28, 12.40]`, the 95 % t interval of the mean over seeds; empty for a single run.
        value: what the column is sorted by; `None` sorts last.
        n: runs behind it.
        mark: `best`, `tied` or nothing.
        title: what there is to say about it.
    """

    text: str
    value: float | None
    sd: str = ""
    interval: str = ""
    n: int = 0
    mark: str = ""
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One configuration; `n` runs did not diverge. `beta` is `None` for variants without one."""

    look: Look
    variant: str
    dataset: str
    latent_dim: int
    beta: float | None
    runs: str
    n: int
    verdict: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Body:
    """The rows of one board: inside it, and nowhere else, numbers are ranked."""

    key: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Every configuration with every number that any of them has.

    Attributes:
        groups: those of the columns that are there, by key, with their titles; "main" comes first.
    """

    columns: tuple[Column, ...]
    bodies: tuple[Body, ...]

    @property
    def groups(self) -> dict[str, str]:
        """The groups that have columns, by key, with their titles."""
        titles = {"main": "Main numbers"} | {key: title for key, (title, _) in FAMILIES.items()}
        there = {column.group for column in self.columns}
        return {key: title for key, title in titles.items() if key in there}


@dataclass(frozen=True, kw_only=True)
class Board:
    """Configurations of one data set and one likelihood in one study, with what the table needs of them."""

    key: str
    title: str
    items: Sequence[Configuration]
    looks: Looks
    images: PerImage | None = None


def table(boards: Sequence[Board]) -> Table:
    """One table of all boards, the best of each column marked within each board."""
    everyone = [item for board in boards for item in board.items]
    columns = tuple(
        _column(name, group)
        for group, names in {"main": MAIN, **{key: names for key, (_, names) in FAMILIES.items()}}.items()
        for name in names
        if (group == "main" or name not in MAIN) and any(item.summaries[name].n for item in everyone)
    )
    return Table(columns=columns, bodies=tuple(_body(board, [column.name for column in columns]) for board in boards))


def separation_verdict(difference: Difference) -> str:
    """`yes`, `no`, `equivalent` or `unclear`: whether the first separates better than the second."""
    return {"higher": "yes", "lower": "no"}.get(difference.outcome, difference.outcome)


@dataclass(frozen=True, kw_only=True)
class SeparationRow:
    """One latent size: the AE's silhouette, each other variant's difference from it, and the references."""

    latent_dim: int
    reference: str
    differences: tuple[Cell, ...]
    references: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Whether variants separate classes better than the AE, latent size by latent size."""

    looks: tuple[Look, ...]
    references: tuple[str, ...]
    rows: tuple[SeparationRow, ...]


def separation(board: Sequence[Configuration], contrasts: Sequence[Contrast], looks: Looks) -> Separation | None:
    """The paired silhouette differences of one board; `None` where it has none."""
    ids = {item.id for item in board}
    ours = [item for item in contrasts if item.metric == "silhouette" and item.first.id in ids]
    if not ours:
        return None
    shown = tuple(dict.fromkeys(looks.by_id[item.first.id] for item in ours))
    groups: dict[str, list[Contrast]] = {}
    for item in sorted(ours, key=lambda item: item.first.latent_dim):
        groups.setdefault(item.second.id, []).append(item)
    decimals = column_decimals(board, "silhouette")
    rows = tuple(_separation_row(group, shown, looks, decimals) for group in groups.values())
    return Separation(looks=shown, references=tuple(METRICS[name].label for name in REFERENCES), rows=rows)


def _separation_row(group: Sequence[Contrast], shown: Sequence[Look], looks: Looks, decimals: int) -> SeparationRow:
    found = {looks.by_id[item.first.id]: item for item in group}
    reference = group[0].second
    return SeparationRow(
        latent_dim=reference.latent_dim,
        reference=plus_minus(reference.summaries["silhouette"], decimals),
        differences=tuple(_difference_cell(found.get(look), decimals) for look in shown),
        references=tuple(plus_minus(reference.summaries[name], decimals) for name in REFERENCES),
    )


def _difference_cell(contrast: Contrast | None, decimals: int) -> Cell:
    if contrast is None:
        return Cell(text="n/a", value=None)
    difference = contrast.difference
    mark = separation_verdict(difference)
    return Cell(text=interval(difference, decimals), value=difference.mean, n=difference.n, mark=mark)


def _column(metric: str, group: str) -> Column:
    about = METRICS[metric]
    return Column(
        name=metric, label=about.label, unit=about.unit, arrow=ARROWS[about.better], about=about.about, group=group
    )


def _body(board: Board, metrics: Sequence[str]) -> Body:
    cells = [_cells(board.items, name, board.images) for name in metrics]
    rows = tuple(_row(item, board.looks, tuple(column[at] for column in cells)) for at, item in enumerate(board.items))
    return Body(key=board.key, title=board.title, rows=rows)


def _row(item: Configuration, looks: Looks, cells: tuple[Cell, ...]) -> Row:
    diverged = f", {item.diverged} diverged" if item.diverged else ""
    beta = item.settings.get("beta")
    return Row(
        look=looks.by_id[item.id],
        variant=item.variant,
        dataset=item.dataset,
        latent_dim=item.latent_dim,
        beta=beta if isinstance(beta, float) else None,
        runs=f"{item.finished} of {item.planned}{diverged}",
        n=len(item.usable),
        verdict=item.verdict or ("too short to tell" if item.finished else "not run"),
        cells=cells,
    )


def _cells(board: Sequence[Configuration], metric: str, images: PerImage | None) -> list[Cell]:
    decimals = column_decimals(board, metric)
    best = _best(board, metric)
    return [_cell(item, metric, decimals, _mark(item, best, metric, images)) for item in board]


def _best(board: Sequence[Configuration], metric: str) -> Configuration | None:
    scored = {item.id: mean for item in board if (mean := item.summaries[metric].mean) is not None}
    better = METRICS[metric].better
    if better is None or len(set(scored.values())) < 2:
        return None
    pick = max if better == "higher" else min
    return pick((item for item in board if item.id in scored), key=lambda item: scored[item.id])


def _mark(item: Configuration, best: Configuration | None, metric: str, images: PerImage | None) -> str:
    if best is None or item.summaries[metric].mean is None:
        return ""
    if item is best or item.summaries[metric].mean == best.summaries[metric].mean:
        return "best"
    difference = paired_difference(item, best, metric, images)
    return "tied" if difference and difference.low is not None and not difference.clear else ""


def _cell(item: Configuration, metric: str, decimals: int, mark: str) -> Cell:
    summary = item.summaries[metric]
    if summary.mean is None:
        return Cell(text="n/a", value=None, title=_why_absent(item, metric))
    least = "≥ " if metric == "mutual_information_nats" and _saturated(item) else ""
    return Cell(
        text=f"{least}{number(summary.mean, decimals)}",
        sd=spread(summary, decimals),
        interval=mean_interval(summary, decimals),
        value=summary.mean,
        n=summary.n,
        mark=mark,
    )


def _saturated(item: Configuration) -> bool:
    """Whether the mutual information is so near to its ceiling that it only says "at least"."""
    from suite.measure.information import saturated

    found, ceiling = (item.summaries[f"mutual_information{end}_nats"].mean for end in ("", "_ceiling"))
    return found is not None and ceiling is not None and saturated(found, ceiling)


def _why_absent(item: Configuration, metric: str) -> str:
    if not item.usable:
        return "no run that finished without diverging"
    if metric in _CLASS_MEASURES:
        return "no labels"
    return f"{item.label} has no {METRICS[metric].label[0].lower()}{METRICS[metric].label[1:]}"
