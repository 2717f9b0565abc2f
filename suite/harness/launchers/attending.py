"""The worker's side: does one cohort of a study and tells of it. Imports no Keras until there is work to do."""

from __future__ import annotations

import socket
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from aebench import backends, data, study
from aebench.errors import UserError
from aebench.harness import execute
from aebench.harness.launchers.tasks import BUSY, DONE, REFUSED, Job, Message, Task, Tell, Teller
from aebench.harness.pace import Policy
from aebench.harness.plan import Plan
from aebench.harness.stopping import Stopping
from aebench.records.spec import RunSpec
from aebench.records.store import Store
from aebench.study import Study

if TYPE_CHECKING:
    from aebench.harness.engine.choice import EngineOption


def attend(job: Job, task: Task, tell: Tell, stopping: Stopping) -> None:
    """Does a task, and tells at last how it ended.

    Args:
        job: what the task is of.
        task: the cohort, and which of its runs.
        tell: told of everything.
        stopping: whether the process is to stop.

    Raises:
        Stopped: it is.
    """
    try:
        tell(_done(job, task, tell, stopping))
    except UserError as error:
        tell({"kind": REFUSED, "error": f"{error}"})
    except Exception as error:  # told as a crash of its runs: another worker would meet it too
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        tell({"kind": "failed", "runs": [*task.runs], "error": what, "details": traceback.format_exc()})
        tell({"kind": DONE})


def _done(job: Job, task: Task, tell: Tell, stopping: Stopping) -> Message:
    todo = _planned(job, task, Store(Path(job.root), lambda said: tell({"kind": "warning", "line": said})))
    backends.choose(job.backend)
    for name in {spec.precision for spec in todo.missing}:
        backends.refuse_missing(name)
    engine = cast("EngineOption", job.engine)
    policy = Policy(interval=job.interval, stopping=stopping)
    had = execute.do_cohort(todo, todo.missing, Teller(tell), engine, policy, wait=task.wait)
    return {"kind": BUSY if had is None else DONE}


def _planned(job: Job, task: Task, store: Store) -> Plan:
    """The plan of the bench that sent the task, but for what has nothing to do with its cohort."""
    chosen, grid = _grid(job)
    missing = tuple(grid[run] for run in task.runs if run in grid)
    if len(missing) < len(task.runs):
        raise UserError(
            f"{socket.gethostname()} finds other runs in study {job.study} than the bench that asks for them: has it "
            "the same version of aebench, study file and data?"
        )
    found = {spec.run_id: record for spec in missing if (record := store.read_record(spec)) is not None}
    return Plan(
        study=chosen,
        backend=job.backend,
        store=store,
        grid=tuple(grid.values()),
        chosen=missing,
        records={run: record for run, record in found.items() if record.finished == task.runs[run]},
        missing=missing,
        timings=(),
    )


@cache
def _grid(job: Job) -> tuple[Study, dict[str, RunSpec]]:
    chosen = study.read(job.study)
    digests = {name: data.digest(name) for name in chosen.datasets}
    return chosen, {spec.run_id: spec for spec in chosen.expand(digests, job.backend)}
