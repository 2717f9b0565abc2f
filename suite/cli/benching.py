"""What `aebench bench` and `aebench rescore` do and print."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from aebench.cli import signals
from aebench.cli.progress import TerminalWatcher, console
from aebench.errors import UserError
from aebench.harness import execute
from aebench.harness.pace import Policy
from aebench.harness.plan import Plan, plan

if TYPE_CHECKING:
    from aebench.cli.places import Asked
    from aebench.harness.engine.choice import EngineOption


def announce(todo: Plan) -> None:
    """Says in a line what there is to do."""
    done = len(todo.chosen) - len(todo.missing)
    typer.echo(
        f"study {todo.study.name}: {len(todo.chosen)} runs, {done} finished, {len(todo.missing)} to train; "
        f"{len(todo.timings)} speeds to measure; kept in {todo.store.root}"
    )
    _tell_recoded(todo)


def _tell_recoded(todo: Plan) -> None:
    for path, count in todo.recoded.items():
        typer.echo(
            f"warning: {path} has changed since {count} of {len(todo.records)} finished runs were trained with it; if "
            "that changes their numbers, raise the version in it, and they are trained anew",
            err=True,
        )


def interval(text: str) -> float | None:
    """Seconds between two checkpoints, as people write them; `None` for never.

    Raises:
        UserError: it is neither.
    """
    if text == "never":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UserError(f"--checkpoint-every takes seconds, 0 or more, or never, and got {text!r}")
    return seconds


def bench(todo: Plan, engine: EngineOption, every: float | None, asked: Asked | None = None) -> int:
    """Does what is missing and prints the study's table; returns the exit status.

    Args:
        todo: what is missing.
        engine: what trains.
        every: seconds between two checkpoints of a training; `None` for never.
        asked: where to train; `None` for in this process.
    """
    if asked is not None and not asked.here:
        todo = without_speeds(todo)
    policy, left = Policy(interval=every), False
    with TerminalWatcher(console(), todo.missing, len(todo.timings)) as watcher, _heeding(policy):
        try:
            execute.execute(todo, watcher, engine, policy, asked.launch(engine) if asked else None)
        except KeyboardInterrupt:
            left = True
    for failure in watcher.failures:
        path = todo.store.write_failure(failure.spec.run_id, failure.details)
        typer.secho(f"failed: {failure.spec.run_id}: {failure.error} (see {path})", fg="red", err=True)
    if left:
        return _left(policy, f"{watcher.kept + watcher.others} of {len(todo.missing)} missing runs were finished")
    print_summary(plan(todo.study, todo.backend, todo.store))
    return 1 if watcher.failures else 0


def without_speeds(todo: Plan) -> Plan:
    """A plan but for its speeds, which says so: a cluster's runs are on machines that this one knows nothing of."""
    if todo.timings:
        typer.echo(
            "speeds are not measured on a cluster: run the same command without --scheduler or --slurm on a machine "
            "whose speeds you want"
        )
    return replace(todo, timings=())


def rescore(todo: Plan, every: float | None, *, everything: bool) -> int:
    """Measures finished runs anew and prints the study's table; says where they were trained with other code.

    Args:
        todo: the plan of their study.
        every: seconds between two writings of scores on their way; `None` for never.
        everything: whether those are measured too whose numbers and arrays are as this version leaves them.

    Returns:
        The exit status.

    Raises:
        UserError: none is finished.
    """
    if not todo.finished:
        raise UserError(
            f"no finished runs of study {todo.study.name!r} with backend {todo.backend} in {todo.store.root}; "
            "run `aebench bench` on it first"
        )
    specs = todo.finished if everything else todo.unmeasured
    hint = "" if everything or specs else "; --all measures them all the same"
    typer.echo(f"study {todo.study.name}: {len(specs)} of {len(todo.finished)} finished runs to measure anew{hint}")
    _tell_recoded(todo)
    policy, left = Policy(interval=every), False
    with TerminalWatcher(console(), specs) as watcher, _heeding(policy):
        try:
            execute.rescore(todo, specs, watcher, policy)
        except KeyboardInterrupt:
            left = True
    if left:
        return _left(policy, f"{watcher.kept} of {len(specs)} runs were measured")
    print_summary(plan(todo.study, todo.backend, todo.store))
    return 0


@contextmanager
def _heeding(policy: Policy) -> Iterator[None]:
    """Inside it a signal stops what is done under this policy, and is answered at once."""
    with signals.heeded(policy.stopping) as heeded, signals.answered(policy.stopping, heeded):
        yield


def _left(policy: Policy, done: str) -> int:
    """Says what is kept of what a signal has stopped; returns the exit status."""
    by = policy.stopping.asked or signal.SIGINT
    typer.echo(f"{signals.name(by)}: {done} and are kept; run the same command again to go on", err=True)
    return signals.STATUS[signal.Signals(by)]


def print_summary(done: Plan) -> None:
    """The study's table, what its numbers are held against, its speed, and what to know of its runs."""
    from aebench.analysis import configurations, known_values
    from aebench.cli import tables
    from aebench.records import rates

    if not done.records:
        return
    comparison = configurations.compare(done.study, list(done.grid), done.records)
    tables.print_summary(console(), comparison, done.study.name)
    if done.study.expectations:
        tables.print_held(console(), known_values.hold(comparison, done.study.expectations))
    speed = rates.study_images_per_s(done.records.values())
    if speed is not None:
        typer.echo(f"trained at {speed:,.0f} images/s over all {len(done.records)} finished runs")
    if done.outdated:
        typer.echo(
            f"warning: {len(done.outdated)} of {len(done.records)} finished runs were measured by an older version of "
            "the suite, or with other [measure] settings; `aebench rescore` measures them anew",
            err=True,
        )
    diverged = sum(record.outcome == "diverged" for record in done.records.values())
    if diverged:
        typer.echo(
            f"warning: {diverged} of {len(done.records)} finished runs diverged and are left out of the means; "
            "--retry-diverged trains them again",
            err=True,
        )
