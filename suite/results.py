"""What a study's finished runs are to a notebook: the answer, tables, plots, models and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aebench.analysis.sources import Source
from aebench.errors import UserError, unknown
from aebench.export.selecting import Selected
from aebench.measures import METRICS
from aebench.workspace import page_folder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from aebench.analysis.configurations import Board
    from aebench.page.canvas import Plot
    from aebench.page.look import Looks


class Results:
    """The finished runs of a study, as `aebench.bench` and `aebench.open` return them.

    As the last line of a notebook's cell it shows the first screen of the page; printed, the table.

    Attributes:
        folder: of the records.
        sources: the runs of each backend.
        plot: plots of the page, as `results.plot.pareto()`.
    """

    def __init__(self, sources: Sequence[Source], out: str | Path | None = None) -> None:
        self.sources = tuple(sources)
        self.folder = self.sources[0].store.root
        self.plot = Plots(self.sources)
        self._out = out

    def __repr__(self) -> str:
        from aebench.cli import tables
        from aebench.cli.notebook import as_text

        console, text = as_text()
        for source in self.sources:
            tables.print_summary(console, source.comparison, source.argument)
        return text.getvalue().rstrip("\n")

    def _repr_html_(self) -> str:
        return self._first_screen

    @cached_property
    def _first_screen(self) -> str:
        from aebench.page import first_screen

        return first_screen(self.sources)

    def frame(self) -> pd.DataFrame:
        """The runs as a table: one row a run, with its settings and every number that it was scored by.

        Its `attrs` tell of each number its `unit`, which direction is `better`, its `label`, and the `versions` of the
        measure that took it: one, if no run is of an older suite.
        """
        import pandas as pd

        from aebench.analysis.rows import run_rows

        records = [record for source in self.sources for record in source.records.values()]
        made = pd.DataFrame(run_rows(records))
        known = {name: METRICS[name] for name in METRICS if name in made}
        made.attrs = {
            "unit": {name: metric.unit for name, metric in known.items()},
            "better": {name: metric.better for name, metric in known.items()},
            "label": {name: metric.label for name, metric in known.items()},
            "versions": {
                name: sorted({one.metric_versions[name] for one in records if name in one.metric_versions})
                for name in known
            },
        }
        return made

    def timings(self) -> pd.DataFrame:
        """The measured speeds as a table: one row an operation and batch size, in images/s, with quartiles.

        All are of the faster half of the rounds: whatever else a machine does makes a round slower.
        """
        import pandas as pd

        from aebench.analysis.timings import timed_operations

        rows = timed_operations([timing for source in self.sources for timing in source.timings])
        made = pd.DataFrame([{**asdict(row), "spread": row.spread} for row in rows])
        made.attrs = {"unit": {**dict.fromkeys(("low", "median", "high"), "images/s"), "compile_seconds": "s"}}
        return made

    def models(self, *, seed: int | None = None, **wanted: Any) -> dict[str, Any]:
        """Trained Keras models, with the weights that were kept, by run id.

        Args:
            seed: of the runs; by default every one.
            **wanted: what a run must have, as `variant="vae", beta=4.0, latent_dim=8`.

        Raises:
            UserError: no finished run has all that, the weights or the data are not there, or Keras was imported with
                another backend.
        """
        from aebench.export.files import model

        return {one.record.run_id: model(one) for one in self._selected(seed, wanted)}

    def report(self, figures: str | Path | None = None) -> Path:
        """Writes the page of these runs; returns its path.

        Args:
            figures: a folder to write every figure into too: plots as SVG, PDF and PNG.

        Raises:
            UserError: the page cannot be written.
        """
        from aebench import page

        if figures is not None:
            page.write_figures(self.sources, Path(figures))
        return page.write(self.sources, page_folder(self.sources, self._out))

    def _selected(self, seed: int | None, wanted: dict[str, Any]) -> list[Selected]:
        known = self._settings()
        for name in wanted:
            if name not in known:
                raise unknown("setting", name, known)
        found = [
            Selected(source=source, configuration=item, record=record)
            for source in self.sources
            for item in source.comparison.where(**wanted)
            for record in item.usable
            if seed in (None, record.spec.seed)
        ]
        if not found:
            asked = ", ".join(
                f"{name}={value!r}" for name, value in {**wanted, "seed": seed}.items() if value is not None
            )
            raise UserError(f"no finished run has {asked}; frame() has all that are there")
        return found

    def _settings(self) -> list[str]:
        fixed = ["variant", "latent_dim", "network", "likelihood", "dataset"]
        items = [item for source in self.sources for item in source.comparison.configurations]
        return list(dict.fromkeys([*fixed, *(name for item in items for name in item.told)]))


class Panels(tuple["Axes", ...]):
    """A plot's matplotlib axes, which show themselves in a notebook; what is changed in them before is shown too.

    Attributes:
        caption: how to read the plot.
    """

    caption: str
    _plot: Plot

    def __new__(cls, plot: Plot) -> Panels:
        """The axes of a plot that have something in them."""
        made = super().__new__(cls, (axes for axes in plot.figure.axes if axes.axison))
        made.caption, made._plot = plot.caption, plot
        return made

    @property
    def figure(self) -> Figure:
        """What they lie in, to be saved: `axes.figure.savefig("pareto.pdf")`."""
        return self._plot.figure

    def _repr_html_(self) -> str:
        from aebench.page import picture

        return picture(replace(self._plot))


class Plots:
    """The page's plots, each of one board: of a study with several data sets or likelihoods, say of which."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def pareto(self, **board: str) -> Panels:
        """Pareto fronts, one panel a pair of numbers: what can only be had at the price of something else.

        Args:
            **board: `dataset`, `likelihood` or `backend`, where the results hold several.

        Raises:
            UserError: several boards are meant, or none, or it has no such numbers.
        """
        from aebench.page.plots.pareto import pareto

        return self._drawn("pareto", pareto, board)

    def curves(self, **board: str) -> Panels:
        """Objective, distortion and rate over epochs, one column a latent size; see `pareto`."""
        from aebench.page.plots.curves import learning_curves

        return self._drawn("curves", learning_curves, board)

    def rate_distortion(self, **board: str) -> Panels:
        """Distortion against rate; see `pareto`."""
        from aebench.page.plots.planes import rate_distortion

        return self._drawn("rate_distortion", rate_distortion, board)

    def _drawn(self, name: str, maker: Any, wanted: dict[str, str]) -> Panels:
        from aebench.page.plots import thinned

        board, looks = self._board(wanted)
        plot = maker(thinned(board, looks), looks)
        if plot is None:
            raise UserError(f"these runs do not have the numbers that {name} shows")
        return Panels(plot)

    def _board(self, wanted: dict[str, str]) -> tuple[Board, Looks]:
        from aebench.page.page import shared_looks

        for name in wanted:
            if name not in ("dataset", "likelihood", "backend"):
                raise unknown("setting of a board", name, ("dataset", "likelihood", "backend"))
        boards = [(key, board) for key, board in self._boards() if wanted.items() <= key.items()]
        if len(boards) != 1:
            there = "; ".join(
                ", ".join(f'{name}="{value}"' for name, value in key.items()) for key, _ in self._boards()
            )
            raise UserError(f"{len(boards)} boards are meant; choose one of: {there}")
        return boards[0][1], shared_looks(boards[0][1], self._sources)

    def _boards(self) -> Iterator[tuple[dict[str, str], Board]]:
        for source in self._sources:
            for (dataset, likelihood), board in source.comparison.boards().items():
                yield {"dataset": dataset, "likelihood": likelihood, "backend": source.backend}, board
