"""Progress of a bench on a terminal: a bar over all epochs with the time left, the current run and its live loss."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from aebench.cli.notebook import NotebookProgress, in_notebook
from aebench.harness.watching import Failure
from aebench.records.record import RunRecord
from aebench.records.spec import RunSpec, TimingSpec, variant_label


def console() -> Console:
    """Standard output; as wide as a table needs where there is no terminal to say how wide it is.

    In a notebook it writes plain text.
    """
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
    terminal = False if in_notebook() else None
    # Titles are people's own words: nothing in them is markup.
    return Console(
        width=width, markup=False, emoji=False, highlight=False, force_terminal=terminal, force_jupyter=False
    )


class TerminalWatcher:
    """A `Watcher` that shows progress and remembers what failed.

    Args:
        console: where to; without a terminal, one line for each finished run; in a notebook bars that move.
        specs: the runs to do.
        timings: how many speeds will be measured after them.

    Attributes:
        kept: runs that have left a record.
        others: runs that another bench on the same folder has done.
        failures: what crashed, runs and timings.
    """

    def __init__(self, console: Console, specs: tuple[RunSpec, ...], timings: int = 0) -> None:
        self.console, self.total, self.kept, self.others = console, len(specs), 0, 0
        self.failures: list[Failure] = []
        self._done = 0
        self._moves = console.is_terminal or in_notebook()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[live]}", markup=False),
        )
        self._progress = (
            NotebookProgress(*columns)
            if in_notebook()
            else Progress(*columns, console=console, transient=True, disable=not self._moves)
        )
        self._epochs = self._progress.add_task("training", total=sum(s.epochs for s in specs), unit="epochs", live="")
        self._timings = self._progress.add_task("timing", total=timings, unit="speeds", live="", visible=timings > 0)
        self._epochs_of: dict[str, int] = {}  # that each run has been told to have done

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def cohort(self, specs: tuple[RunSpec, ...]) -> None:
        """Names what is being compiled."""
        self._progress.update(self._epochs, live=f"compiling {_name(specs[0])}")

    def resumed(self, specs: Sequence[RunSpec]) -> None:
        """Says that runs do not start anew."""
        self._print(f"going on with {_several(specs)} from a checkpoint")

    def epoch(self, specs: Sequence[RunSpec], epoch: int, objectives: Sequence[float]) -> None:
        """Advances the bar by an epoch of each run and shows them with their loss."""
        names = {spec.run_id for spec in specs}
        ahead = sum(epoch - self._epochs_of.get(name, 0) for name in names)
        self._epochs_of.update(dict.fromkeys(names, epoch))
        self._progress.update(self._epochs, advance=ahead, live=_live(specs, objectives))

    def finished(self, outcome: RunRecord | Failure) -> None:
        """Counts the run and prints a line about it."""
        self._done += 1
        left_out = outcome.spec.epochs - self._epochs_of.pop(outcome.spec.run_id, 0)  # by a run that stopped
        self._progress.advance(self._epochs, left_out)
        head = f"[{self._done}/{self.total}] {outcome.spec.run_id}"
        if isinstance(outcome, RunRecord):
            self.kept += 1
            self._tell(head, outcome)
        else:
            self.failures.append(outcome)
            self._print(f"{head}: failed: {outcome.error}", "red")

    def _tell(self, head: str, record: RunRecord) -> None:
        if record.outcome == "diverged":
            self._print(f"{head}: diverged in epoch {len(record.curve.objective) + 1}", "yellow")
        elif not self._moves:
            self._print(f"{head}: {_summary(record)}")

    def waiting(self, specs: tuple[RunSpec, ...], holder: str) -> None:
        """Says who does these runs, which are waited for."""
        self._print(f"waiting for {_several(specs)}: {holder} does them")

    def waiting_for_speeds(self, holder: str) -> None:
        """Says who measures speeds, which is waited for."""
        self._print(f"waiting until no speeds are measured here: {holder} does that")

    def elsewhere(self, specs: Sequence[RunSpec]) -> None:
        """Counts runs that another bench has done, and prints a line about them."""
        if not specs:
            return
        self._done += len(specs)
        self.others += len(specs)
        self._progress.advance(self._epochs, sum(spec.epochs for spec in specs))
        self._print(f"[{self._done}/{self.total}] {len(specs)} of {_name(specs[0])} done by another bench")

    def workers(self, busy: int, lost: int) -> None:
        """Shows how many work, and how many have died; runs that failed beside them."""
        told = [f"training on {busy} worker{'s' * (busy != 1)}"]
        told += [f"{lost} lost"] * (lost > 0) + [f"{len(self.failures)} failed"] * (len(self.failures) > 0)
        self._progress.update(self._epochs, description=", ".join(told))

    def lost(self, specs: Sequence[RunSpec], why: str) -> None:
        """Says that the worker that was at these runs has died."""
        self._print(f"a worker is lost, another goes on with {_several(specs)}: {why}", "yellow")

    def timing(self, spec: TimingSpec) -> None:
        """Names what is being timed."""
        self._progress.update(
            self._timings, advance=1, live=f"{spec.variant} z={spec.latent_dim} batch {spec.batch_size}"
        )

    def untimed(self, failure: Failure) -> None:
        """Remembers a timing that crashed, and prints a line about it."""
        self.failures.append(failure)
        self._print(f"{failure.spec.run_id}: failed: {failure.error}", "red")

    def _print(self, line: str, style: str | None = None) -> None:
        self.console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _name(spec: RunSpec) -> str:
    return f"{spec.label()} z={spec.latent_dim} {spec.network} {spec.dataset}"


def _several(specs: Sequence[RunSpec]) -> str:
    return f"{len(specs)} runs like {_name(specs[0])}" if len(specs) > 1 else _name(specs[0])


def _live(specs: Sequence[RunSpec], objectives: Sequence[float]) -> str:
    if len(specs) == 1:
        return f"{_name(specs[0])} seed {specs[0].seed}: {objectives[0]:.2f} nats/image"
    first = specs[0]
    name = variant_label(first.variant, {})
    runs = f"{len(specs)} runs of {name} z={first.latent_dim} {first.network} {first.dataset}"
    return f"{runs}: {min(objectives):.2f} to {max(objectives):.2f} nats/image"


def _summary(record: RunRecord) -> str:
    metrics = record.metrics
    elbo = metrics.get("elbo_nats")
    quality = f"distortion {metrics['distortion_nats']:.2f}" if elbo is None else f"ELBO {elbo:.2f}"
    return f"{quality} nats/image, {metrics['train_seconds']:.1f} s"
