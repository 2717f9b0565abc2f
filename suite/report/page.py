"""The page: everything that its template needs, and the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from suite.compare import Comparison, Configuration, Contrast, PerImage, compare, contrasts
from suite.errors import UserError
from suite.metrics import METRICS
from suite.per_image import per_image
from suite.proof import Held, hold
from suite.record import RunRecord, TimingRecord
from suite.report.answers import Answer, answers
from suite.report.canvas import Plot
from suite.report.cautions import Caution, cautions
from suite.report.facts import Fact, facts, likelihood_words, summary
from suite.report.look import Looks, looks
from suite.report.numbers import ARROWS, counted, significant
from suite.report.plots import board_plots
from suite.report.seeing import KINDS, PLANES, Seeing, seeing
from suite.report.speed import Speed, speed_plots, speeds
from suite.report.table import Board as TableBoard
from suite.report.table import Separation, separation, table
from suite.spec import RunSpec
from suite.store import Store, write_aside
from suite.study import STUDIES, Study
from suite.verdicts import Verdict, evidence, verdicts

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("table.js", "pictures.js", "live.js", "figures.js")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One study on one backend, as it stands.

    Attributes:
        study: the study.
        specs: its whole grid.
        store: where the runs' pictures and the numbers of single images are.
        records: the finished runs by `run_id`.
        timings: of any configuration and device; may be empty.
    """

    study: Study
    specs: Sequence[RunSpec]
    store: Store
    records: Mapping[str, RunRecord]
    timings: Sequence[TimingRecord]

    @cached_property
    def comparison(self) -> Comparison:
        """Its configurations with their numbers."""
        return compare(self.study, self.specs, self.records)

    @cached_property
    def images(self) -> PerImage:
        """Each run's numbers of single test images."""
        return per_image(self.store)

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """The differences that the suite's questions ask for."""
        return contrasts(self.comparison, self.images)

    @property
    def backend(self) -> str:
        """The backend of its runs."""
        return self.specs[0].backend

    @property
    def argument(self) -> str:
        """What names the study on the command line: its name if it comes with the suite, else its file."""
        return self.study.name if self.study.source.parent == STUDIES else self.study.source.name


@dataclass(frozen=True, kw_only=True)
class Board:
    """All that the page shows of one data set and one likelihood of a study; only inside it are numbers ranked."""

    key: str
    title: str
    answers: tuple[Answer, ...]
    verdicts: tuple[Verdict, ...]
    separation: Separation | None
    plots: tuple[Plot, ...]
    seeing: Seeing
    looks: Looks


@dataclass(frozen=True, kw_only=True)
class Part:
    """All that the page shows of one study on one backend; `name` tells it from the others on the page."""

    key: str
    name: str
    study: Study
    argument: str
    text: str
    backend: str
    comparison: Comparison
    summary: str
    facts: tuple[Fact, ...]
    cautions: tuple[Caution, ...]
    boards: tuple[Board, ...]
    held: tuple[Held, ...]
    speeds: tuple[Speed, ...]
    speed_plots: tuple[Plot, ...]


def write(sources: Sequence[Source], out: Path) -> Path:
    """Writes the report of one or more studies as one HTML file that needs no other.

    Args:
        sources: what to tell of, each with at least one finished run.
        out: the folder to write into.

    Returns:
        Path of the page, `index.html` in `out`.

    Raises:
        UserError: no run of a study has finished, or the file cannot be written.
    """
    text = render(sources)
    page = out / "index.html"
    write_aside(page, lambda file: file.write(text.encode()))
    return page


def write_figures(sources: Sequence[Source], folder: Path) -> list[Path]:
    """Writes every plot as SVG, PDF and PNG, and every sheet of pictures as PNG, into `folder`; returns their paths."""
    written: list[Path] = []
    for part in _parts(sources):
        for plot in part.speed_plots:
            written += plot.save(folder, f"{part.key}-{plot.key}")
        for board in part.boards:
            for plot in board.plots:
                written += plot.save(folder, f"{board.key}-{plot.key}")
            written += board.seeing.save(folder, board.key)
    return written


def render(sources: Sequence[Source]) -> str:
    """The page's HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"significant": significant, "counted": counted}
    return environment.get_template("page.html.j2").render(_content(sources))


def _content(sources: Sequence[Source]) -> dict[str, Any]:
    from markupsafe import Markup

    parts = list(_parts(sources))
    boards = [board for part in parts for board in part.boards]
    return {
        "title": " and ".join(dict.fromkeys(part.study.title for part in parts)),
        "parts": parts,
        "boards": boards,
        "table": table([board for source in sources for board in _table_boards(source, sources)]),
        "kinds": KINDS,
        "planes": PLANES,
        "metrics": METRICS,
        "arrows": ARROWS,
        "data": {board.key: _data(board) for board in boards},
        "css": Markup((TEMPLATES / "page.css").read_text()),
        "js": Markup("\n".join((TEMPLATES / name).read_text() for name in SCRIPTS)),
    }


def _parts(sources: Sequence[Source]) -> Iterator[Part]:
    everything = [row for source in sources for row in speeds(source.timings)]
    backends = {source.backend for source in sources}
    for source in sources:
        comparison = source.comparison
        if not comparison.finished:
            raise UserError(
                f"no finished runs of study {source.study.name!r} in {source.store.root}; "
                f"run `python -m suite bench {source.argument}` first"
            )
        shared, rows = _looks(comparison.configurations, sources), speeds(source.timings)
        yield Part(
            key=_slug(f"{source.study.name}-{source.backend}"),
            name=f"{source.study.name} on {source.backend}" if len(backends) > 1 else source.study.name,
            study=source.study,
            argument=source.argument,
            text=source.study.source.read_text(encoding="utf-8"),
            backend=source.backend,
            comparison=comparison,
            summary=summary(comparison),
            facts=facts(comparison),
            cautions=cautions(comparison, rows, shared),
            boards=tuple(
                _board(source, *named, items, _looks(items, sources), rows)
                for named, items in _named_boards(source, sources)
            ),
            held=tuple(hold(comparison, source.study.expectations)),
            speeds=tuple(rows),
            speed_plots=tuple(speed_plots(rows, shared, everything)),
        )


def _looks(items: Sequence[Configuration], sources: Sequence[Source]) -> Looks:
    """Their names say no more than tells them from one another; their colours are those of the whole page."""
    return looks(items, [item for other in sources for item in other.comparison.configurations])


def _named_boards(
    source: Source, sources: Sequence[Source]
) -> Iterator[tuple[tuple[str, str], Sequence[Configuration]]]:
    """Each board's key and title, and its configurations; a title says no more than tells it from the others."""
    studies = {other.study.name for other in sources}
    backends = {other.backend for other in sources}
    for (dataset, likelihood), items in source.comparison.boards().items():
        words = [f"{dataset}, {likelihood_words(likelihood)}"]
        words += [f"study {source.study.name}"] if len(studies) > 1 else []
        words += [f"on {source.backend}"] if len(backends) > 1 else []
        key = _slug("-".join([source.study.name, source.backend, dataset, likelihood]))
        yield (key, ", ".join(words)), items


def _table_boards(source: Source, sources: Sequence[Source]) -> Iterator[TableBoard]:
    for (key, title), items in _named_boards(source, sources):
        yield TableBoard(key=key, title=title, items=items, looks=_looks(items, sources), images=source.images)


def _board(
    source: Source,
    key: str,
    title: str,
    items: Sequence[Configuration],
    shared: Looks,
    rows: Sequence[Speed],
) -> Board:
    best = answers(items, shared, rows, source.images)
    return Board(
        key=key,
        title=title,
        answers=best,
        verdicts=verdicts(evidence(items, source.store)),
        separation=separation(items, source.contrasts, shared),
        plots=tuple(board_plots(items, shared)),
        seeing=seeing(items, shared, source.store, [one.winner for one in best if one.winner]),
        looks=shared,
    )


def _data(board: Board) -> dict[str, Any]:
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
