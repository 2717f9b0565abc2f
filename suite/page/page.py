"""The page: everything that its template needs, and the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aebench.analysis.choices import Answer, answers, uses
from aebench.analysis.configurations import Comparison, Configuration
from aebench.analysis.evidence import Evidence
from aebench.analysis.known_values import Held, hold
from aebench.analysis.league import league
from aebench.analysis.numbers import ARROWS
from aebench.analysis.purposes import USES
from aebench.analysis.questions import verdicts
from aebench.analysis.questions.gathering import Gathered, gathered
from aebench.analysis.sources import Source
from aebench.analysis.timings import TimedOperation, timed_operations
from aebench.errors import UserError
from aebench.measures import METRICS, validity
from aebench.page.canvas import Plot
from aebench.page.cautions import Caution, cautions
from aebench.page.citing import citing
from aebench.page.comparing import datasets_section
from aebench.page.facts import Fact, facts, likelihood_words, summary
from aebench.page.leagues import LeagueTable, league_table
from aebench.page.look import Looks, looks
from aebench.page.plots import board_plots
from aebench.page.plots.leagues import leagues
from aebench.page.reproducing import Reproducing, reproducing
from aebench.page.robustness import Robustness, robustness
from aebench.page.seeing import PLANES, Seeing, seeing
from aebench.page.senders import Senders
from aebench.page.separations import Separation, separations
from aebench.page.table import Ranked, table
from aebench.page.templating import as_it_is, rendered
from aebench.page.throughput import speed_plots
from aebench.records.writing import write_aside
from aebench.study import Study

PICTURED_USES = ("Retrieval", "Anomalies", "Unseen class", "Imputation")
SCRIPTS = ("table.js", "pictures.js", "live.js", "figures.js")


@dataclass(frozen=True, kw_only=True)
class BoardSection:
    """All that the page shows of one data set and one likelihood of a study; only inside it are numbers ranked."""

    key: str
    title: str
    answers: tuple[Answer, ...]
    uses: tuple[Answer, ...]
    league: LeagueTable
    uses_league: LeagueTable
    claims: tuple[Gathered, ...]
    questions: tuple[Gathered, ...]
    separations: tuple[Separation, ...]
    plots: tuple[Plot, ...]
    robustness: Robustness
    seeing: Seeing
    looks: Looks


@dataclass(frozen=True, kw_only=True)
class StudySection:
    """All that the page shows of one study on one backend; `name` tells it from the others on the page."""

    key: str
    name: str
    study: Study
    reproducing: Reproducing
    backend: str
    comparison: Comparison
    summary: str
    facts: tuple[Fact, ...]
    cautions: tuple[Caution, ...]
    boards: tuple[BoardSection, ...]
    held: tuple[Held, ...]
    speeds: tuple[TimedOperation, ...]
    speed_plots: tuple[Plot, ...]


def write(sources: Sequence[Source], out: Path, told: Senders | None = None, *, pictures: bool = True) -> Path:
    """Writes the report of one or more studies as one HTML file that needs no other.

    Args:
        sources: what to tell of, each with at least one finished run.
        out: the folder to write into.
        told: who sent the runs, of a leaderboard.
        pictures: whether it shows what models draw; without, it has all else and is small enough for a letter.

    Returns:
        Path of the page in `out`: `index.html`, without pictures `share.html`.

    Raises:
        UserError: no run of a study has finished, or the file cannot be written.
    """
    text = render(sources, told, pictures=pictures)
    page = out / ("index.html" if pictures else "share.html")
    write_aside(page, lambda file: file.write(text.encode()))
    return page


def write_figures(sources: Sequence[Source], folder: Path) -> list[Path]:
    """Writes every plot as SVG, PDF and PNG, and every sheet of pictures as PNG, into `folder`; returns their paths."""
    written: list[Path] = []
    for part in _parts(sources):
        for plot in part.speed_plots:
            written += plot.save(folder, f"{part.key}-{plot.key}")
        for board in part.boards:
            for plot in (*board.plots, *board.robustness.plots):
                written += plot.save(folder, f"{board.key}-{plot.key}")
            written += board.seeing.save(folder, board.key)
    several = datasets_section(sources)
    return [*written, *(several.plot.save(folder, f"datasets-{several.plot.key}") if several and several.plot else ())]


def render(sources: Sequence[Source], told: Senders | None = None, *, pictures: bool = True) -> str:
    """The page's HTML."""
    return rendered("page.html.j2", {**_content(sources, pictures), "senders": told})


def _content(sources: Sequence[Source], pictures: bool) -> dict[str, Any]:
    parts = list(_parts(sources, pictures))
    boards = [board for part in parts for board in part.boards]
    numbers = table([ranked for source in sources for ranked in _ranked(source, sources)], short=not pictures)
    shown = {column.name for column in numbers.columns}
    return {
        "title": " and ".join(dict.fromkeys(part.study.title for part in parts)),
        "parts": parts,
        "boards": boards,
        "level": 4 if len(boards) > 1 else 3,  # of the headings of plots
        "datasets": datasets_section(sources),
        "table": numbers,
        "kinds": list(dict.fromkeys(kind for board in boards for kind in board.seeing.shown)),
        "planes": PLANES,
        "metrics": {name: metric for name, metric in METRICS.items() if name in shown},
        "validity": validity.by_measure(validity.kept()),
        "arrows": ARROWS,
        "citing": citing(grid.declaration for part in parts for grid in part.study.grids),
        "pictures": pictures,
        "data": {board.key: _data(board) for board in boards},
        "css": as_it_is("page.css"),
        "js": as_it_is(*SCRIPTS),
    }


def _parts(sources: Sequence[Source], pictures: bool = True) -> Iterator[StudySection]:
    everything = [row for source in sources for row in timed_operations(source.timings)]
    backends = {source.backend for source in sources}
    for source in sources:
        comparison = source.comparison
        if not comparison.finished:
            raise UserError(
                f"no finished runs of study {source.study.name!r} in {source.store.root}; "
                f"run `aebench bench {source.argument}` first"
            )
        shared, rows = shared_looks(comparison.configurations, sources), timed_operations(source.timings)
        yield StudySection(
            key=_slug(f"{source.study.name}-{source.backend}"),
            name=f"{source.study.name} on {source.backend}" if len(backends) > 1 else source.study.name,
            study=source.study,
            reproducing=reproducing(source),
            backend=source.backend,
            comparison=comparison,
            summary=summary(source),
            facts=facts(source),
            cautions=cautions(comparison, rows, shared),
            boards=tuple(
                _board(source, *named, known, shared_looks(known.board, sources), rows, pictures)
                for named, known in named_boards(source, sources)
            ),
            held=tuple(hold(comparison, source.study.expectations)),
            speeds=tuple(rows),
            speed_plots=tuple(speed_plots(rows, shared, everything)),
        )


def shared_looks(items: Sequence[Configuration], sources: Sequence[Source]) -> Looks:
    """Their names say no more than tells them from one another; their colours are those of the whole page."""
    return looks(items, [item for other in sources for item in other.comparison.configurations])


def named_boards(source: Source, sources: Sequence[Source]) -> Iterator[tuple[tuple[str, str], Evidence]]:
    """Each board's key and title, and its evidence; a title says no more than tells it from the others."""
    studies = {other.study.name for other in sources}
    backends = {other.backend for other in sources}
    for (dataset, likelihood), known in source.evidence.items():
        words = [f"{dataset}, {likelihood_words(likelihood)}"]
        words += [f"study {source.study.name}"] if len(studies) > 1 else []
        words += [f"on {source.backend}"] if len(backends) > 1 else []
        key = _slug("-".join([source.study.name, source.backend, dataset, likelihood]))
        yield (key, ", ".join(words)), known


def _ranked(source: Source, sources: Sequence[Source]) -> Iterator[Ranked]:
    for (key, title), known in named_boards(source, sources):
        yield Ranked(key=key, title=title, evidence=known, looks=shared_looks(known.board, sources))


def _board(
    source: Source,
    key: str,
    title: str,
    known: Evidence,
    shared: Looks,
    rows: Sequence[TimedOperation],
    pictures: bool,
) -> BoardSection:
    best = answers(known, shared.title, rows, image_shape(source, known))
    winners, standing, by_use = [one.winner for one in best if one.winner], league(known), league(known, USES)
    of_uses, asked = uses(known, shared.title), verdicts(known)
    return BoardSection(
        key=key,
        title=title,
        answers=best,
        claims=gathered([one for one in asked if one.claim]),
        questions=gathered(asked),
        separations=separations(known, shared),
        uses=of_uses,
        league=league_table(standing, shared),
        uses_league=league_table(by_use, shared),
        plots=(
            *filter(
                None, [leagues(standing, shared), leagues(by_use, shared, "uses", "Each variant at its best, by use")]
            ),
            *board_plots(known.board, shared, winners),
        ),
        robustness=robustness(known, shared),
        seeing=seeing(
            known.board if pictures else [],
            shared,
            source.store,
            winners,
            [one.winner for one in of_uses if one.winner and one.question in PICTURED_USES],
        ),
        looks=shared,
    )


def image_shape(source: Source, known: Evidence) -> tuple[int, ...] | None:
    """The shape of a board's images, where that was kept."""
    dataset = source.datasets.get(known.board[0].specs[0].dataset_digest)
    return dataset.image_shape if dataset else None


def _data(board: BoardSection) -> dict[str, Any]:
    """What the scripts need to know of a board, beside what stands in the page."""
    seen = board.seeing
    return {
        **seen.data,
        "first": list(seen.first),
        "live": {live.id: live.data for live in seen.live},
    }


def _slug(text: str) -> str:
    """A name fit for an id and a file."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
