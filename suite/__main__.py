"""The command line: `python -m suite COMMAND`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from suite.errors import UserError, unknown
from suite.spec import Backend

if TYPE_CHECKING:
    from suite.engine.choice import EngineOption
    from suite.report import Source
    from suite.schedule import Plan

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Benchmark suite for autoencoder variants: bench a study, then report on it.",
)
data_app = typer.Typer(no_args_is_help=True, help="Data sets: import your own or see what is there.")
app.add_typer(data_app, name="data")

_INTERRUPTED = 130  # as shells report a process that ended on an interrupt

StudyArgument = Annotated[str, typer.Argument(metavar="STUDY|FILE.toml", help="A study's name, or your own file.")]
BackendOption = Annotated[
    str | None,
    typer.Option(
        metavar="tensorflow|jax|torch",
        help="Default: $KERAS_BACKEND, else tensorflow.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of this study's records and page. Default: reports/STUDY."),
]
OnlyOption = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="Only runs that a pandas condition picks: \"variant == 'vae' and beta <= 1\"."),
]


@app.command()
def bench(
    study: StudyArgument,
    backend: BackendOption = None,
    out: OutOption = None,
    only: OnlyOption = None,
    engine: Annotated[
        Literal["auto", "vectorised", "sequential"],
        typer.Option(help="Train runs of one shape as one program, one by one, or as is faster here."),
    ] = "auto",
    retry_diverged: Annotated[bool, typer.Option("--retry-diverged", help="Train diverged runs again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be trained, and stop.")] = False,
) -> None:
    """Train, measure and time what is missing of a study; print its table."""
    from suite import schedule

    todo = _plan(study, backend, out, only=only, retry_diverged=retry_diverged)
    finished = len(todo.chosen) - len(todo.missing)
    typer.echo(
        f"study {todo.study.name}: {len(todo.chosen)} runs, {finished} finished, {len(todo.missing)} to train; "
        f"{len(todo.timings)} speeds to measure; kept in {todo.store.root}"
    )
    if dry_run:
        for spec in todo.missing:
            typer.echo(spec.run_id)
        return
    console = _console()
    status = _execute(todo, console, engine)
    if status != _INTERRUPTED:
        _print_table(schedule.plan(todo.study, todo.backend, todo.store), console)
    raise typer.Exit(status)


def _execute(todo: Plan, console: Console, engine: EngineOption) -> int:
    """Does what is missing; returns the exit status."""
    from suite import schedule
    from suite.watch import Watch

    interrupted = False
    with Watch(console, todo.missing, len(todo.timings)) as watch:
        try:
            schedule.execute(todo, watch, engine)
        except KeyboardInterrupt:
            interrupted = True
    for failure in watch.failures:
        path = todo.store.write_failure(failure.spec.run_id, failure.details)
        typer.secho(f"failed: {failure.spec.run_id}: {failure.error} (see {path})", fg="red", err=True)
    if interrupted:
        typer.echo(
            f"interrupted: {watch.kept} of {len(todo.missing)} missing runs were finished and are kept; "
            "run the same command again to go on",
            err=True,
        )
        return _INTERRUPTED
    return 1 if watch.failures else 0


@app.command()
def report(
    study: Annotated[list[str], typer.Argument(metavar="STUDY|FILE.toml...", help="One or more, for one page.")],
    backend: Annotated[
        str | None,
        typer.Option(metavar="tensorflow|jax|torch", help="Default: every backend with finished runs."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the page; of one study also that of its records. Default: reports/STUDY, of several "
            "reports/STUDY+STUDY.",
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write every figure into this folder too: plots as SVG, PDF and PNG."),
    ] = None,
) -> None:
    """Write the comparative HTML page of the studies' finished runs; print its path."""
    from suite import report as page
    from suite import schedule

    sources = [source for name in study for source in _sources(name, backend, out if len(study) == 1 else None)]
    folder = out or schedule.REPORTS / "+".join(dict.fromkeys(source.study.name for source in sources))
    typer.echo(page.write(sources, folder))
    if figures is not None:
        typer.echo(f"{len(page.write_figures(sources, figures))} files in {figures}")


def _sources(study: str, backend: str | None, out: Path | None) -> list[Source]:
    """What there is of a study: on the backend that was asked for, or on every one that has finished runs."""
    from suite.report import Source
    from suite.study import BACKENDS

    plans = [_plan(study, name, out) for name in ([_backend(backend)] if backend else BACKENDS)]
    some = [todo for todo in plans if todo.records] or [_plan(study, backend, out)]
    return [
        Source(
            study=todo.study,
            specs=list(todo.grid),
            store=todo.store,
            records=todo.records,
            timings=[item for item in todo.store.read_timings() if len(some) == 1 or item.spec.backend == todo.backend],
        )
        for todo in some
    ]


@app.command()
def table(
    study: StudyArgument,
    by: Annotated[Literal["run", "configuration"], typer.Option(help="What a row is.")] = "configuration",
    fmt: Annotated[Literal["text", "csv", "json", "latex"], typer.Option("--format", help="How to print it.")] = "text",
    backend: BackendOption = None,
    out: OutOption = None,
) -> None:
    """Print the numbers of a study's finished runs; with --by run, one row a run."""
    from suite import compare, tables

    todo = _plan(study, backend, out)
    _some(todo)
    comparison = compare.compare(todo.study, list(todo.grid), todo.records)
    if by == "configuration" and fmt == "text":
        tables.print_comparison(_console(), comparison)
        return
    rows = tables.run_rows(list(todo.records.values())) if by == "run" else tables.configuration_rows(comparison)
    typer.echo(tables.render(rows, fmt))


@app.command()
def compare(
    a: Annotated[
        str, typer.Argument(metavar="A", help="A study, its TOML file, or a folder that holds timings/ or records/.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="What to set beside it.")],
    fmt: Annotated[Literal["text", "csv", "json"], typer.Option("--format", help="How to print it.")] = "text",
) -> None:
    """Set two sides' speeds side by side, as ratios B/A of equal work.

    Where a side holds several devices, backends, precisions or versions, pick one by a text that only it has, as in
    digits@jax.
    """
    from suite import ratios, schedule, sides, tables

    def warn(line: str) -> None:
        typer.echo(f"warning: {line}", err=True)

    found = ratios.side_by_side(*(sides.read(given, schedule.REPORTS, warn) for given in (a, b)))
    if fmt == "text":
        ratios.print_ratios(_console(), found)
        return
    for line in ratios.notes(found):
        typer.echo(line, err=True)
    typer.echo(tables.render(ratios.rows(found), fmt))


@app.command()
def rescore(
    study: StudyArgument, backend: BackendOption = None, out: OutOption = None, only: OnlyOption = None
) -> None:
    """Measure finished runs anew from their kept weights, without training."""
    from suite import schedule
    from suite.watch import Watch

    todo = _plan(study, backend, out, only=only)
    _some(todo)
    console = _console()
    with Watch(console, todo.finished) as watch:
        schedule.rescore(todo, watch)
    _print_table(schedule.plan(todo.study, todo.backend, todo.store), console)


@app.command()
def verdicts(study: StudyArgument, backend: BackendOption = None, out: OutOption = None) -> None:
    """Print what the finished runs answer to the questions of the two studies, with the numbers behind it."""
    from suite import compare
    from suite import verdicts as answers

    todo = _plan(study, backend, out)
    _some(todo)
    comparison = compare.compare(todo.study, list(todo.grid), todo.records)
    for (dataset, likelihood), board in comparison.boards().items():
        typer.secho(f"{dataset}, {likelihood}", bold=True)
        for found in answers.verdicts(answers.evidence(board, todo.store)):
            typer.secho(f"\n{found.question}", bold=True)
            typer.echo(found.answer)
            if found.claim:
                typer.echo(f'Claim "{found.claim}": {found.standing}.')
            for line in found.lines:
                typer.echo(f"  - {line}")


@app.command("list")
def list_(
    kind: Annotated[Literal["variants", "studies", "datasets", "metrics"], typer.Argument(help="What to list.")],
) -> None:
    """List what the suite knows."""
    from suite import listing

    listing.show(kind, _console())


@data_app.command("import")
def import_(name: str, path: Path) -> None:
    """Import NAME from PATH: a folder of idx.gz files, or an npz with x_train, y_train, x_test, y_test."""
    from suite import data

    dataset = data.import_dataset(name, path)
    sizes = ", ".join(f"{len(getattr(dataset, split))} {split}" for split in ("train", "validation", "test"))
    typer.echo(f"{dataset.name}: {sizes} images of {'x'.join(map(str, dataset.image_shape))}; {dataset.split_rule}")


@data_app.command()
def status() -> None:
    """Say which data sets are cached, and how the others can be had."""
    from suite import listing

    listing.show("datasets", _console())


def _plan(
    study: str, backend: str | None, out: Path | None, *, only: str | None = None, retry_diverged: bool = False
) -> Plan:
    from suite import schedule
    from suite.store import Store
    from suite.study import read

    chosen = read(study)
    root = out or schedule.REPORTS / chosen.name
    store = Store(root, warn=lambda line: typer.echo(f"warning: {line}", err=True))
    return schedule.plan(chosen, _backend(backend), store, only=only, retry_diverged=retry_diverged)


def _console() -> Console:
    """Standard output; as wide as a table needs where there is no terminal to say how wide it is."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
    return Console(width=width, markup=False, emoji=False, highlight=False)  # titles are people's own words


def _backend(given: str | None) -> Backend:
    from suite.study import BACKENDS

    name = given or os.environ.get("KERAS_BACKEND", "tensorflow")
    if name not in BACKENDS:
        raise unknown("backend", name, BACKENDS)
    return name  # type: ignore[return-value]


def _some(todo: Plan) -> None:
    if not todo.finished:
        raise UserError(
            f"no finished runs of study {todo.study.name!r} with backend {todo.backend} in {todo.store.root}; "
            "run `python -m suite bench` on it first"
        )


def _print_table(todo: Plan, console: Console) -> None:
    from suite import compare, proof, rates, tables

    if not todo.records:
        return
    comparison = compare.compare(todo.study, list(todo.grid), todo.records)
    tables.print_comparison(console, comparison)
    if todo.study.expectations:
        tables.print_proof(console, proof.hold(comparison, todo.study.expectations))
    speed = rates.study_images_per_s(todo.records.values())
    if speed is not None:
        typer.echo(f"trained at {speed:,.0f} images/s over all {len(todo.records)} finished runs")
    if todo.outdated:
        typer.echo(
            f"warning: {len(todo.outdated)} of {len(todo.records)} finished runs were measured by an older version of "
            f"the suite, or with other [measure] settings; `python -m suite rescore` measures them anew",
            err=True,
        )
    diverged = sum(record.outcome == "diverged" for record in todo.records.values())
    if diverged:
        typer.echo(
            f"warning: {diverged} of {len(todo.records)} finished runs diverged and are left out of the means; "
            "--retry-diverged trains them again",
            err=True,
        )


def main() -> None:
    """Runs the command line; bad input ends in one line and status 2."""
    # OpenMP's threads (in t-SNE) else spin while they wait, and cost ten times the work where cores are few or busy.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        app()
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
