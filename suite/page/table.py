"""The table of every configuration: text for people, raw values for sorting, all numbers that were measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence
from aebench.analysis.numbers import ARROWS, column_decimals, mean_interval, number, spread
from aebench.measures import FAMILIES, GROUPS, METRICS, NEED_FACTORS, NEED_LABELS, OF_IMAGES
from aebench.measures.information import saturated
from aebench.page.look import Look, Looks
from aebench.records.spec import symbol

MAIN = ("elbo_nats", "nll_nats", "recon_mse", "silhouette", "prior_recognisable", "active_units", "train_seconds")

MOST_ROWS = 120  # of a board: a page with 2,000 would have 100 MB
MOST_CELLS = 5_000  # of a page to send: .8 MB

_AT = {"lower": "≤ ", "higher": "≥ ", None: ""}  # where the truth may lie better
# What is only known to be at least or at most so much where the mutual information is near its ceiling.
_BOUNDS = {"mutual_information_nats": "≥ ", "marginal_kl_nats": "≤ ", "total_correlation_nats": "≤ "}

_NEEDED = (
    (OF_IMAGES, "a measure of images; these data are none"),
    (NEED_LABELS, "no labels, or of one class alone"),
    (NEED_FACTORS, "no known factors that vary"),
)  # what measures need, and what is so where none of their numbers is known


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
    """One configuration; `n` runs did not diverge.

    Attributes:
        id: of the configuration.
        settings: by symbol, as they are written.
        training: whether it was long enough; `slope` is what that rests on.
    """

    id: str
    look: Look
    variant: str
    dataset: str
    latent_dim: int
    settings: dict[str, str]
    runs: str
    n: int
    training: str
    slope: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Body:
    """The rows of one board: inside it, and nowhere else, numbers are ranked.

    Attributes:
        left_out: configurations of the board that have no row; they take part in the ranking.
    """

    key: str
    title: str
    rows: tuple[Row, ...]
    left_out: int


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
        titles = {"main": "Main numbers"} | GROUPS
        there = {column.group for column in self.columns}
        return {key: title for key, title in titles.items() if key in there}


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """What the table needs of one board of one study: its key and title, its evidence, names and colours."""

    key: str
    title: str
    evidence: Evidence
    looks: Looks


def table(boards: Sequence[Ranked], *, short: bool = False) -> Table:
    """One table of all boards, the best of each column marked within each board.

    Args:
        boards: in their order.
        short: whether it is to have no more than about `MOST_CELLS`.
    """
    everyone = [item for ranked in boards for item in ranked.evidence.board]
    grouped = {"main": MAIN} | {
        group: tuple(name for family in FAMILIES if family.group == group for name in family.metrics)
        for group in GROUPS
    }
    columns = tuple(
        _column(name, group)
        for group, names in grouped.items()
        for name in names
        if (group == "main" or name not in MAIN) and any(item.summaries[name].n for item in everyone)
    )
    names = [column.name for column in columns]
    most = max(MOST_CELLS // max(len(names) * len(boards), 1), 1) if short else MOST_ROWS
    return Table(columns=columns, bodies=tuple(_body(ranked, names, min(most, MOST_ROWS)) for ranked in boards))


def _column(metric: str, group: str) -> Column:
    about = METRICS[metric]
    return Column(
        name=metric, label=about.label, unit=about.unit, arrow=ARROWS[about.better], about=about.about, group=group
    )


def _body(ranked: Ranked, metrics: Sequence[str], most_rows: int) -> Body:
    board = ranked.evidence.board
    marks = {name: _marks(ranked.evidence, name) for name in metrics}
    shown = _shown(board, [*marks.values()], most_rows)
    cells = [_cells(ranked.evidence, name, shown, marks[name]) for name in metrics]
    rows = tuple(_row(item, ranked.looks, tuple(column[at] for column in cells)) for at, item in enumerate(shown))
    return Body(key=ranked.key, title=ranked.title, rows=rows, left_out=len(board) - len(shown))


def _shown(board: Sequence[Configuration], marks: Sequence[Mapping[str, str]], most: int) -> list[Configuration]:
    """All of them, or of very many those that are the best, or tied with the best, in most columns."""
    marked = Counter(own for column in marks for own in column)
    shown = {item.id for item in sorted(board, key=lambda item: -marked[item.id])[:most]}
    return [item for item in board if item.id in shown]


def _row(item: Configuration, looks: Looks, cells: tuple[Cell, ...]) -> Row:
    diverged = f", {item.diverged} diverged" if item.diverged else ""
    return Row(
        id=item.id,
        look=looks.by_id[item.id],
        variant=item.variant,
        dataset=item.dataset,
        latent_dim=item.latent_dim,
        settings={symbol(name): f"{value:g}" if isinstance(value, float) else f"{value}"
                  for name, value in item.settings.items()},
        runs=f"{item.finished} of {item.planned}{diverged}",
        n=len(item.usable),
        training=item.convergence.state if item.convergence else "too short to tell" if item.finished else "not run",
        slope=_slope(item),
        cells=cells,
    )  # fmt: skip


def _slope(item: Configuration) -> str:
    """The fall of the validation objective at the end of training, with its interval."""
    found = item.convergence
    if found is None:
        return ""
    low, high, fall = (number(value, 3, signed=True) for value in (found.low, found.high, found.fall))
    return f"validation objective falls by {fall} [{low}, {high}] nats over the last tenth of training"


def _cells(evidence: Evidence, metric: str, shown: Sequence[Configuration], marks: Mapping[str, str]) -> list[Cell]:
    decimals = column_decimals(evidence.board, metric)
    return [_cell(item, metric, decimals, marks.get(item.id, "")) for item in shown]


def _marks(evidence: Evidence, metric: str) -> dict[str, str]:
    """Marks by configuration: the best mean, and what cannot be told from the best; none where all are the same."""
    means = {mean for item in evidence.board if (mean := item.summaries[metric].mean) is not None}
    if METRICS[metric].better is None or len(means) < 2:
        return {}
    best = [item.id for item in evidence.ranking(metric).best]
    return dict.fromkeys(best, "tied") | dict.fromkeys(best[:1], "best")


def _cell(item: Configuration, metric: str, decimals: int, mark: str) -> Cell:
    summary = item.summaries[metric]
    if summary.mean is None:
        return Cell(text="n/a", value=None, title=_why_absent(item, metric))
    bound, title = "", ""
    if metric in _BOUNDS and _saturated(item):
        bound, title = (
            _BOUNDS[metric],
            "a bound: mutual information is near the most that so many training images can show",
        )
    elif not item.certified(metric):
        bound, title = _AT[METRICS[metric].better], _why_a_bound(item, metric)
    return Cell(
        text=f"{bound}{number(summary.mean, decimals)}",
        sd=spread(summary, decimals),
        interval=mean_interval(summary, decimals),
        value=summary.mean,
        n=summary.n,
        mark=mark,
        title=title,
    )


def _why_a_bound(item: Configuration, metric: str) -> str:
    """What is known of the error of a number that is not certified."""
    name, limit = METRICS[metric].certified_by or ("", 0.0)
    error = item.possible_error(metric)
    told = (
        "was measured before its error was told"
        if error is None
        else (f"may be off by {error:.2g} {METRICS[name].unit}")
    )
    return f"a bound: it {told}, where at most {limit:g} is allowed; it takes no part in the best"


def _saturated(item: Configuration) -> bool:
    """Whether the mutual information is so near to its ceiling that it only says "at least"."""
    found, ceiling = (item.summaries[f"mutual_information{end}_nats"].mean for end in ("", "_ceiling"))
    return found is not None and ceiling is not None and saturated(found, ceiling)


def _why_absent(item: Configuration, metric: str) -> str:
    if not item.usable:
        return "no run that finished without diverging"
    for needed, reason in _NEEDED:
        if metric in needed and not any(item.summaries[name].n for name in needed):
            return reason
    label = METRICS[metric].label
    return f"{item.label} has no {label if label[1:2].isupper() else label[:1].lower() + label[1:]}"
