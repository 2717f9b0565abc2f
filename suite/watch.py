"""Progress of a bench on a terminal: a bar over all epochs with the time left, the current run and its live loss."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from suite.record import RunRecord
from suite.spec import RunSpec, TimingSpec

if TYPE_CHECKING:
    from suite.run import Failure


class Watch:
    """A `schedule.Watcher` that shows progress and remembers what failed.

    Args:
        console: where to; without a terminal, one line for each finished run.
        specs: the runs to do.
        timings: how many speeds will be measured after them.
    """

    def __init__(self, console: Console, specs: tuple[RunSpec, ...], timings: int = 0) -> None:
        self.console, self.total, self.done = console, len(specs), 0
        self.failures: list[Failure] = []
        self.diverged: list[RunRecord] = []
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[live]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._epochs = self._progress.add_task("training", total=sum(s.epochs for s in specs), unit="epochs", live="")
        self._timings = self._progress.add_task("timing", total=timings, unit="speeds", live="", visible=timings > 0)
        self._epoch = 0

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

    def epoch(self, spec: RunSpec, epoch: int, objective: float) -> None:
        """Advances the bar by an epoch and shows the run with its loss."""
        self._epoch = epoch
        live = f"{_name(spec)} seed {spec.seed}: {objective:.2f} nats/image"
        self._progress.update(self._epochs, advance=1, live=live)

    def finished(self, outcome: RunRecord | Failure) -> None:
        """Counts the run and prints a line about it."""
        self.done += 1
        self._progress.advance(self._epochs, outcome.spec.epochs - self._epoch)  # those that a stopped run left out
        self._epoch = 0
        head = f"[{self.done}/{self.total}] {outcome.spec.run_id}"
        if not isinstance(outcome, RunRecord):
            self.failures.append(outcome)
            self.console.print(f"{head}: [red]failed[/red]: ", end="")
            self.console.print(outcome.error, markup=False)
        elif outcome.outcome == "diverged":
            self.diverged.append(outcome)
            self.console.print(f"{head}: [yellow]diverged[/yellow] after {len(outcome.curve.objective)} epochs")
        elif not self.console.is_terminal:
            self.console.print(f"{head}: {_summary(outcome)}", highlight=False, soft_wrap=True)

    def timing(self, spec: TimingSpec) -> None:
        """Names what is being timed."""
        self._progress.update(
            self._timings, advance=1, live=f"{spec.variant} z={spec.latent_dim} batch {spec.batch_size}"
        )


def _name(spec: RunSpec) -> str:
    return f"{spec.label()} z={spec.latent_dim} {spec.network} {spec.dataset}"


def _summary(record: RunRecord) -> str:
    metrics = record.metrics
    quality = (
        f"ELBO {metrics.elbo_nats:.2f}"
        if metrics.elbo_nats is not None
        else f"distortion {metrics.distortion_nats:.2f}"
    )
    return f"{quality} nats/image, {metrics.train_seconds:.1f} s"
