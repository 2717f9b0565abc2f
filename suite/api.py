"""The suite from Python: `aebench.bench`, `aebench.open` and `aebench.report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aebench import study
from aebench.workspace import chosen_backend, finished, page_folder, store_of

if TYPE_CHECKING:
    from aebench.harness.engine.choice import EngineOption
    from aebench.results import Results


def bench(
    name: str | Path,
    *,
    backend: str | None = None,
    out: str | Path | None = None,
    only: str | None = None,
    engine: EngineOption = "auto",
    retry_diverged: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    slurm: str | None = None,
) -> Results:
    """Trains, measures and times what is missing of a study; what is finished is kept and not done again.

    Args:
        name: a study's name, or its TOML file.
        backend: `tensorflow`, `jax` or `torch`; by default `$KERAS_BACKEND`, else what Keras was
            imported with, else `tensorflow`.
        out: folder of the study's records and page; by default `reports/<study>`.
        only: a condition that picks runs, as `"variant == 'vae' and beta <= 1"`.
        engine: trains the runs of a cohort side by side, one by one, or as is faster here.
        retry_diverged: trains diverged runs again.
        workers: trains in so many processes on this machine.
        scheduler: address of a Dask scheduler, on whose workers it trains; speeds are not measured then.
        slurm: options of a Slurm job array in which it trains, as `"partition=gpu time=60"`; the same of speeds.

    Returns:
        The finished runs of the study on that backend.

    Raises:
        UserError: an argument, the study or the machine is not as it must be, or Keras was imported with another
            backend in this process; its message says what to do.
        RuntimeError: some runs crashed; the others are kept.
        KeyboardInterrupt: the process was interrupted or told to end; the training on its way was written aside.
    """
    from aebench.cli import benching, places
    from aebench.cli.progress import TerminalWatcher, console
    from aebench.cli.signals import heeded
    from aebench.harness.execute import execute
    from aebench.harness.pace import Policy
    from aebench.harness.plan import plan

    chosen, on = study.read(str(name)), chosen_backend(backend)
    todo = plan(chosen, on, store_of(chosen, out), only=only, retry_diverged=retry_diverged)
    asked = places.asked(workers=workers, scheduler=scheduler, slurm=slurm)
    if asked is not None and not asked.here:
        todo = benching.without_speeds(todo)
    policy = Policy()
    with TerminalWatcher(console(), todo.missing, len(todo.timings)) as watcher, heeded(policy.stopping):
        execute(todo, watcher, engine, policy, asked.launch(engine) if asked else None)
    if watcher.failures:
        first = watcher.failures[0]
        raise RuntimeError(f"{len(watcher.failures)} runs failed; the first, {first.spec.run_id}:\n{first.details}")
    return open(name, backend=on, out=out)


def report(
    *names: str | Path, backend: str | None = None, out: str | Path | None = None, figures: str | Path | None = None
) -> Path:
    """Writes the page of one or more studies' finished runs.

    Args:
        *names: studies, or their TOML files.
        backend: by default every one with finished runs.
        out: folder of the page, and of a single study's records.
        figures: a folder to write every figure into too: plots as SVG, PDF and PNG.

    Returns:
        The page.

    Raises:
        UserError: a study is unknown or has no finished runs, or the page cannot be written.
    """
    from aebench import page

    own = out if len(names) == 1 else None
    found = [source for name in names for source in finished(str(name), backend, own)]
    if figures is not None:
        page.write_figures(found, Path(figures))
    return page.write(found, page_folder(found, out))


def open(name: str | Path, *, backend: str | None = None, out: str | Path | None = None) -> Results:
    """The finished runs of a study; nothing is trained.

    Args:
        name: a study, or its TOML file.
        backend: by default every one with finished runs.
        out: folder of its records, if it isn't `reports/<study>`.

    Raises:
        UserError: the study is unknown or has no finished runs.
    """
    from aebench.results import Results

    return Results(finished(str(name), backend, out), out)
