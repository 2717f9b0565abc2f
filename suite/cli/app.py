"""The command line: `aebench COMMAND`, or `python -m aebench COMMAND`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aebench.backends import NAMES
from aebench.cli import comparing, completing, creating, datasets, doctoring, exporting, sharing, starting
from aebench.cli.options import BackendOption, EveryOption, OnlyOption, OutOption, StudyArgument, warn
from aebench.errors import UserError

if TYPE_CHECKING:
    from aebench.harness.plan import Plan

MOST_SHARED = 2  # MB, of a page that is to be sent

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Benchmark suite for autoencoder variants: bench a study, then report on it.",
)


@app.command()
def bench(
    study: StudyArgument,
    backend: BackendOption = None,
    out: OutOption = None,
    only: OnlyOption = None,
    engine: Annotated[
        Literal["auto", "vectorised", "sequential", "parallel"],
        typer.Option(
            help="Train runs of one shape as one program, one by one, or as is faster here; parallel cuts each batch "
            "of a run in parts, one a device (JAX)."
        ),
    ] = "auto",
    retry_diverged: Annotated[bool, typer.Option("--retry-diverged", help="Train diverged runs again.")] = False,
    checkpoint_every: EveryOption = "60",
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Train in so many processes on this machine; on GPUs, one on each."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Train on the workers of a Dask scheduler.")
    ] = None,
    slurm: Annotated[
        str | None,
        typer.Option(
            metavar="'KEY=VALUE ...'", help='Train in a Slurm job array: "partition=gpu time=60", in minutes.'
        ),
    ] = None,
    split_cores: Annotated[
        bool,
        typer.Option(
            "--split-cores", help="Give each of the --workers cores of its own; some numbers then round otherwise."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be trained, and stop.")] = False,
) -> None:
    """Train, measure and time what is missing of a study; print its table.

    Interrupted (Ctrl-C), it writes a checkpoint at the end of the epoch and leaves with status 130; on a second
    interrupt it leaves at once. On SIGTERM it does the same and leaves with 75, which asks to be run again. The same
    command goes on where it was.
    """
    from aebench.cli import benching, places

    every = benching.interval(checkpoint_every)
    asked = places.asked(workers=workers, scheduler=scheduler, slurm=slurm, split=split_cores)
    todo = _plan(study, backend, out, only=only, retry_diverged=retry_diverged)
    benching.announce(todo)
    if dry_run:
        for spec in todo.missing:
            typer.echo(spec.run_id)
        return
    raise typer.Exit(benching.bench(todo, engine, every, asked))


@app.command()
def report(
    study: Annotated[
        list[str],
        typer.Argument(
            metavar="STUDY|FILE.toml...", help="One or more, for one page.", autocompletion=completing.studies
        ),
    ],
    backend: Annotated[
        str | None,
        typer.Option(metavar="|".join(NAMES), help="Default: every backend with finished runs."),
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
    share: Annotated[
        bool, typer.Option("--share", help="Write share.html instead: all but the pictures, small enough for a letter.")
    ] = False,
) -> None:
    """Write the comparative HTML page of the studies' finished runs; print its path."""
    from aebench import page
    from aebench.workspace import finished, page_folder

    own = out if len(study) == 1 else None
    sources = [source for name in study for source in finished(name, backend, own, warn)]
    written = page.write(sources, page_folder(sources, out), pictures=not share)
    typer.echo(written)
    size = written.stat().st_size / 1e6
    if share and size > MOST_SHARED:
        warn(f"{written} has {size:.1f} MB, more than {MOST_SHARED} MB: so many configurations have that many numbers")
    if figures is not None:
        typer.echo(f"{len(page.write_figures(sources, figures))} files in {figures}")


@app.command()
def table(
    study: StudyArgument,
    by: Annotated[
        Literal["run", "configuration", "variant"],
        typer.Option(help="What a row is; a variant stands there with its best settings on validation."),
    ] = "configuration",
    fmt: Annotated[Literal["text", "csv", "json", "latex"], typer.Option("--format", help="How to print it.")] = "text",
    backend: BackendOption = None,
    out: OutOption = None,
) -> None:
    """Print the numbers of a study's finished runs; with --by run, one row a run."""
    from aebench.analysis import best_settings, rows, sources
    from aebench.cli import tables
    from aebench.cli.progress import console
    from aebench.workspace import chosen_backend, finished

    (source,) = finished(study, chosen_backend(backend), out, warn, sources.outlined)
    comparison = best_settings.best_settings(source.comparison) if by == "variant" else source.comparison
    if by != "run" and fmt == "text":
        tables.print_comparison(console(), comparison)
        return
    by_run = by == "run"
    found = rows.run_rows([*source.records.values()]) if by_run else rows.configuration_rows(comparison)
    typer.echo(tables.render(found, fmt))


@app.command()
def rescore(
    study: StudyArgument,
    backend: BackendOption = None,
    out: OutOption = None,
    only: OnlyOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Every finished run, needed or not.")] = False,
    checkpoint_every: EveryOption = "60",
) -> None:
    """Measure finished runs anew from their kept weights, without training.

    These are runs that an older version has measured, or more or less thoroughly than the study asks for now, and those
    whose numbers of single images are missing, or damaged, as their pictures may be. Interrupted, it leaves as `bench`
    does, and the same command goes on where it was.
    """
    from aebench.cli import benching

    todo = _plan(study, backend, out, only=only)
    raise typer.Exit(benching.rescore(todo, benching.interval(checkpoint_every), everything=everything))


@app.command()
def verdicts(study: StudyArgument, backend: BackendOption = None, out: OutOption = None) -> None:
    """Print what the finished runs answer to the questions of the two studies, with the numbers behind it."""
    from aebench.analysis import questions
    from aebench.workspace import chosen_backend, finished

    (source,) = finished(study, chosen_backend(backend), out, warn)
    for (dataset, likelihood), known in source.evidence.items():
        typer.secho(f"{dataset}, {likelihood}", bold=True)
        for found in questions.verdicts(known):
            typer.secho(f"\n{found.question}", bold=True)
            typer.echo(found.answer)
            if found.claim:
                typer.echo(f'Claim "{found.claim}": {found.standing}.')
            for line in found.lines:
                typer.echo(f"  - {line}")


@app.command()
def validate(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the results here.")] = Path("validity.json"),
) -> None:
    """Put measures through sanity checks on made-up data whose right answer is known; nothing is trained."""
    from aebench import backends
    from aebench.cli.progress import console
    from aebench.cli.validating import print_checks
    from aebench.measures import validity
    from aebench.records.writing import write_aside
    from aebench.workspace import chosen_backend

    backends.choose(chosen_backend(None))
    found = validity.checks()
    print_checks(console(), found)
    write_aside(out, lambda file: file.write(validity.as_json(found)))
    typer.echo(out)


@app.command(hidden=True)
def worker(core: Annotated[list[int] | None, typer.Option(help="Number of a core that it may use.")] = None) -> None:
    """Do the tasks that a bench sends on standard input; started by `bench --workers` and its like."""
    from aebench.cli import working

    working.work(core or [])


@app.command("list")
def list_(
    kind: Annotated[
        Literal["variants", "networks", "studies", "datasets", "metrics"], typer.Argument(help="What to list.")
    ],
) -> None:
    """List what the suite knows."""
    from aebench.cli import listing
    from aebench.cli.progress import console

    listing.show(kind, console())


app.add_typer(datasets.app, name="data")
app.command()(comparing.compare)
for command in (sharing.merge, sharing.pack, sharing.verify, sharing.leaderboard, starting.init):
    app.command()(command)
app.add_typer(creating.app, name="new")
app.command()(exporting.export)
app.add_typer(exporting.track, name="track")
app.command()(doctoring.doctor)


def _plan(
    study: str, backend: str | None, out: Path | None, *, only: str | None = None, retry_diverged: bool = False
) -> Plan:
    from aebench.harness import plan
    from aebench.study import read
    from aebench.workspace import chosen_backend, store_of

    chosen = read(study)
    store = store_of(chosen, out, warn)
    return plan.plan(chosen, chosen_backend(backend), store, only=only, retry_diverged=retry_diverged)


def main() -> None:
    """Runs the command line; bad input ends in one line and status 2."""
    # OpenMP's threads (in t-SNE) else spin while they wait, and cost ten times the work where cores are few or busy.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        app()
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
