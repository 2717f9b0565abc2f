"""Where `aebench bench` trains: in this process, or where one of its options says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from aebench.errors import UserError
from aebench.harness.execute import Launch
from aebench.harness.launchers.driving import Driver, Place, job_of
from aebench.harness.launchers.tasks import Job
from aebench.harness.pace import Policy
from aebench.harness.plan import Plan
from aebench.harness.watching import Watcher


@dataclass(frozen=True)
class Asked:
    """A place that was asked for.

    Attributes:
        open: makes it, for as long as the context lasts.
        here: whether its workers are on this machine, whose speeds are then measured at the end.
    """

    open: Callable[[Job], AbstractContextManager[Place]]
    here: bool

    def launch(self, engine: str) -> Launch:
        """Has a plan's missing runs done there; see `aebench.harness.execute`."""

        def launch(todo: Plan, watcher: Watcher, policy: Policy) -> set[str]:
            with self.open(job_of(todo, engine, policy.interval)) as place:
                return Driver(todo, place, watcher, policy).run()

        return launch


def asked(*, workers: int | None, scheduler: str | None, slurm: str | None, split: bool = False) -> Asked | None:
    """What the options of `bench` ask for; `None` for this process.

    Args:
        workers: how many local processes.
        scheduler: address of a Dask scheduler.
        slurm: options of a Slurm job.
        split: whether local processes divide the cores.

    Raises:
        UserError: two at once, or an option that the place does not take.
    """
    given: dict[str, Any] = {"--workers": workers, "--scheduler": scheduler, "--slurm": slurm}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise UserError(f"{' and '.join(names)} are different places to train at; give one of them")
    if split and workers is None:
        raise UserError("--split-cores divides the cores among --workers; give their number too")
    if workers is not None and workers < 1:
        raise UserError(f"workers is a number of processes, 1 or more, and was {workers}")
    if workers is not None:
        return Asked(lambda job: _processes(job, workers, split), here=True)
    if scheduler is not None:
        return Asked(lambda job: _dask(job, scheduler), here=False)
    if slurm is not None:
        return Asked(lambda job: _slurm(job, slurm), here=False)
    return None


def _processes(job: Job, count: int, split: bool) -> AbstractContextManager[Place]:
    from aebench.harness.launchers.processes import Processes

    return Processes(job, count, split=split)


def _dask(job: Job, address: str) -> AbstractContextManager[Place]:
    from aebench.harness.launchers.dask import Dask

    return Dask(job, address)


def _slurm(job: Job, options: str) -> AbstractContextManager[Place]:
    from aebench.harness.launchers.slurm import Slurm

    return Slurm(job, options)
