"""The command line: `python -m suite COMMAND`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from suite.errors import UserError, unknown
from suite.spec import Backend

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Benchmark suite for autoencoder variants: bench a study, then report on it.",
)
data_app = typer.Typer(no_args_is_help=True, help="Data sets: import your own or see what is there.")
app.add_typer(data_app, name="data")

StudyArgument = Annotated[str, typer.Argument(metavar="STUDY|FILE.toml", help="A study's name, or your own file.")]
BackendOption = Annotated[
    Backend | None,
    typer.Option(help="Keras backend. Default: $KERAS_BACKEND, else tensorflow.", show_default=False),
]
OutOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of this study's records and page. Default: reports/STUDY."),
]
OnlyOption = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="Only runs that a pandas query matches: \"variant == 'vae' and beta <= 1\"."),
]


@app.command()
def bench(
    study: StudyArgument,
    backend: BackendOption = None,
    out: OutOption = None,
    only: OnlyOption = None,
    retry_diverged: Annotated[bool, typer.Option("--retry-diverged", help="Train diverged runs again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be trained, and stop.")] = False,
) -> None:
    """Train, measure and time what is missing of a study; print its table."""
    from suite import schedule

    todo = _plan(study, backend, out, only=only, retry_diverged=retry_diverged)
    console = _console()
    finished = len(todo.chosen) - len(todo.missing)
    console.print(
        f"study {todo.study.name}: {len(todo.chosen)} runs, {finished} finished, {len(todo.missing)} to train; "
        f"{len(todo.timings)} speeds to measure; kept in {todo.store.root}",
        highlight=False,
    )
    if dry_run:
        for spec in todo.missing:
            typer.echo(spec.run_id)
        return
    failures = _execute(todo, console)
    _print_table(schedule.plan(todo.study, todo.backend, todo.store, only=only), console)
    if failures:
        raise typer.Exit(1)


def _execute(todo: schedule.Plan, console: Console) -> int:  # type: ignore[name-defined]  # noqa: F821
    from suite import schedule
    from suite.watch import Watch

    with Watch(console, todo.missing, len(todo.timings)) as watch:
        try:
            schedule.execute(todo, watch)
        except KeyboardInterrupt:
            done = watch.done - len(watch.failures)
            console.print(
                f"interrupted: {done} of {len(todo.missing)} missing runs were finished and are kept; "
                "run the same command again to go on"
            )
            raise typer.Exit(130) from None
    for failure in watch.failures:
        path = todo.store.write_failure(failure.spec.run_id, failure.details)
        console.print(f"failed: {failure.spec.run_id}: {failure.error} (see {path})", style="red", markup=False)
    return len(watch.failures)


@app.command()
def report(study: StudyArgument, backend: BackendOption = None, out: OutOption = None) -> None:
    """Write the comparative HTML page of a study's finished runs; print its path."""
    from suite import report as page

    todo = _plan(study, backend, out)
    path = page.write(todo.study, list(todo.grid), todo.store, todo.records, todo.store.read_timings(), todo.store.page)
    typer.echo(path)


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
def rescore(
    study: StudyArgument, backend: BackendOption = None, out: OutOption = None, only: OnlyOption = None
) -> None:
    """Measure finished runs anew from their kept weights, without training."""
    from suite import schedule
    from suite.watch import Watch

    todo = _plan(study, backend, out, only=only)
    _some(todo)
    console = _console()
    with Watch(console, tuple(todo.records[name].spec for name in todo.records)) as watch:
        schedule.rescore(todo, watch)
    _print_table(schedule.plan(todo.study, todo.backend, todo.store), console)


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


def _plan(study: str, backend: Backend | None, out: Path | None, **options: object) -> schedule.Plan:  # type: ignore[name-defined]  # noqa: F821
    from suite import schedule
    from suite.store import Store
    from suite.study import read

    chosen = read(study)
    root = out or schedule.REPORTS / chosen.name
    store = Store(root, warn=lambda line: typer.echo(f"warning: {line}", err=True))
    return schedule.plan(chosen, _backend(backend), store, **options)  # type: ignore[arg-type]


def _console() -> Console:
    """Standard output; as wide as a table needs where there is no terminal to say how wide it is."""
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160)


def _backend(given: Backend | None) -> Backend:
    from suite.study import BACKENDS

    name = given or os.environ.get("KERAS_BACKEND", "tensorflow")
    if name not in BACKENDS:
        raise unknown("backend", name, BACKENDS)
    return name  # type: ignore[return-value]


def _some(todo: schedule.Plan) -> None:  # type: ignore[name-defined]  # noqa: F821
    if not todo.records:
        raise UserError(
            f"no finished runs of study {todo.study.name!r} with backend {todo.backend} in {todo.store.root}; "
            f"run `python -m suite bench {todo.study.name}` first"
        )


def _print_table(todo: schedule.Plan, console: Console) -> None:  # type: ignore[name-defined]  # noqa: F821
    from suite import compare, tables

    if todo.records:
        tables.print_comparison(console, compare.compare(todo.study, list(todo.grid), todo.records))


def main() -> None:
    """Runs the command line; bad input ends in one line and status 2."""
    try:
        app()
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
