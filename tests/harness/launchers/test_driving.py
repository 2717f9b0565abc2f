"""Who does which cohort, and what becomes of those whose workers die."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aebench import study
from aebench.errors import UserError
from aebench.harness import plan
from aebench.harness.launchers import driving, tasks
from aebench.harness.launchers.driving import Driver
from aebench.harness.launchers.tasks import BUSY, DONE, LEFT, LOST, REFUSED, Message, Task, Teller
from aebench.harness.pace import Policy
from aebench.harness.plan import Plan
from aebench.harness.stopping import Stopped
from aebench.harness.watching import Failure
from aebench.records.headed import Circumstances, Header
from aebench.records.partial_scores import KEY
from aebench.records.record import Curve, RunRecord
from aebench.records.store import Store

FROZEN = Path(__file__).parent.parent.parent / "records" / "frozen"
RECORD = RunRecord.model_validate_json((FROZEN / "run_record_v1.json").read_text())
NOW = Circumstances(code="c", device_kind="CPU", versions={}, switches={})
STUDY = """
dataset = "digits"
seeds = 2
epochs = 5
latent_dim = 2
[[variant]]
name = "ae"
[[variant]]
name = "vae"
beta = [1.0, 4.0]
"""


class Watching:
    """A watcher that notes what it is told, by name."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *given: self.told.append((name, *given))

    def of(self, *names: str) -> list[tuple[Any, ...]]:
        return [one for one in self.told if one[0] in names]


class Made:
    """A place whose workers do as a script says: a list of messages for each time that a cohort is begun."""

    def __init__(self, *scripts: list[Message]) -> None:
        self.scripts, self.tasks, self.open, self.stopped = list(scripts), [], [], 0

    def submit(self, tasks: Sequence[Task]) -> None:
        self.tasks += tasks
        self.open += tasks

    def heard(self) -> Iterator[tuple[str, Message]]:
        task = self.open.pop(0)
        for message in [{"kind": LEFT}] if self.stopped else self.scripts.pop(0):
            yield task.cohort, message

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def todo(tmp_path: Path) -> Plan:
    """Two cohorts: two AEs, and four VAEs."""
    path = tmp_path / "two.toml"
    path.write_text(STUDY)
    return plan.plan(study.read(str(path)), "tensorflow", Store(tmp_path / "out", warn=list))


def of(todo: Plan, variant: str) -> tuple[Any, ...]:
    return tuple(spec for spec in todo.missing if spec.variant == variant)


def record(spec: Any) -> RunRecord:
    return RECORD.model_copy(update={"spec": spec, "run_id": spec.run_id, "curve": Curve()})


def told(tell: Callable[[Teller], object]) -> Message:
    """The message that a worker sends, as it comes out of the pipe."""
    sent: list[Message] = []
    tell(Teller(sent.append))
    (message,) = sent
    received: Message = json.loads(tasks.line(message))
    return received


def finished(specs: Sequence[Any]) -> list[Message]:
    return [*(told(lambda to, one=spec: to.finished(record(one))) for spec in specs), {"kind": DONE}]


def test_the_largest_cohort_goes_first_and_every_run_is_told_of(todo: Plan) -> None:
    place, watching = Made(finished(of(todo, "vae")), finished(of(todo, "ae"))), Watching()
    assert Driver(todo, place, watching, Policy()).run() == set()
    assert [len(task.runs) for task in place.tasks] == [4, 2]
    assert [one[1].run_id for one in watching.of("finished")] == [
        spec.run_id for spec in (*of(todo, "vae"), *of(todo, "ae"))
    ]


def test_messages_tell_a_watcher_what_the_worker_s_was_told(todo: Plan) -> None:
    specs, watching = of(todo, "ae"), Watching()
    events: list[Callable[[Any], object]] = [
        lambda to: to.cohort(specs),
        lambda to: to.resumed(specs),
        lambda to: to.epoch(specs, 3, [1.5, float("inf")]),
        lambda to: to.finished(record(specs[0])),
        lambda to: to.finished(Failure(spec=specs[1], error="ValueError: no", details="at line 1")),
        lambda to: to.waiting(specs, "process 1"),
        lambda to: to.elsewhere(specs),
    ]
    direct = Watching()
    for event in events:
        event(direct)
        tasks.retell(told(event), {spec.run_id: spec for spec in todo.grid}, watching)
    assert listed(watching) == listed(direct)


def listed(watching: Watching) -> list[list[Any]]:
    """What it was told; sequences of whatever kind are lists."""
    return [[[*part] if isinstance(part, list | tuple) else part for part in one] for one in watching.told]


def test_a_lost_worker_s_cohort_is_done_by_another_but_for_what_is_finished(todo: Plan) -> None:
    vae, lost = of(todo, "vae"), {"kind": LOST, "why": "killed"}
    first = [*finished(vae[:1])[:-1], lost]
    place, watching = Made(first, finished(of(todo, "ae")), finished(vae[1:])), Watching()
    Driver(todo, place, watching, Policy()).run()
    assert [*place.tasks[2].runs] == [spec.run_id for spec in vae[1:]]
    assert [one[2] for one in watching.of("lost")] == ["killed"]
    assert len(watching.of("finished")) == 6
    assert watching.of("workers")[-1] == ("workers", 0, 1)


def test_a_worker_that_dies_when_all_runs_are_finished_leaves_nothing_to_do(todo: Plan) -> None:
    vae = of(todo, "vae")
    holder = todo.store.locks.folder / f"{vae[0].cohort_name}.holder"
    holder.parent.mkdir(parents=True)
    holder.write_text("process 1")
    place = Made([*finished(vae)[:-1], {"kind": LOST, "why": "killed"}], finished(of(todo, "ae")))
    Driver(todo, place, Watching(), Policy()).run()
    assert len(place.tasks) == 2
    assert not holder.exists()


def test_a_cohort_at_which_workers_keep_dying_counts_as_crashed(todo: Plan) -> None:
    ae, vae, lost = of(todo, "ae"), of(todo, "vae"), {"kind": LOST, "why": "killed"}
    further = told(lambda to: to.epoch(vae, 2, [1.0] * 4))
    # An epoch that was told before is no progress, one further is: so the third death in a row is the fifth in all.
    scripts = [[lost], finished(ae), [further, lost], [further, lost], [lost]]
    place, watching = Made(*scripts), Watching()
    assert Driver(todo, place, watching, Policy()).run() == {vae[0].cohort}
    failures = [one[1] for one in watching.of("finished") if isinstance(one[1], Failure)]
    assert [failure.spec for failure in failures] == [*vae]
    assert failures[0].error == f"{driving.MOST_DEATHS} workers died at it, the last one: killed"
    assert place.scripts == []


def test_a_worker_that_dies_in_measuring_has_come_further_if_it_has_left_scores(todo: Plan) -> None:
    ae, vae, lost = of(todo, "ae"), of(todo, "vae"), {"kind": LOST, "why": "killed"}
    header = Header(
        cohort=vae[0].cohort_name, runs=tuple(spec.run_id for spec in vae), engine="vectorised", circumstances=NOW
    )

    class Measuring(Made):
        """Two of its workers leave scores before they die."""

        def heard(self) -> Iterator[tuple[str, Message]]:
            if len(self.tasks) - len(self.open) in (2, 3):
                todo.store.partial_scores.write(header, "0" * KEY, {"bound": {"numbers": np.zeros(1)}})
            yield from super().heard()

    place, watching = Measuring([lost], finished(ae), *[[lost]] * 4), Watching()
    assert Driver(todo, place, watching, Policy()).run() == {vae[0].cohort}
    assert len([one for one in watching.of("finished") if isinstance(one[1], Failure)]) == len(vae)
    assert place.scripts == []


@pytest.mark.parametrize(("ending", "waits"), [(BUSY, True), (LEFT, False)])
def test_a_cohort_that_was_not_done_is_submitted_again(todo: Plan, ending: str, waits: bool) -> None:
    ae, vae = of(todo, "ae"), of(todo, "vae")
    place = Made([{"kind": ending}], finished(ae), finished(vae))
    Driver(todo, place, Watching(), Policy()).run()
    assert [(len(task.runs), task.wait) for task in place.tasks] == [(4, False), (2, False), (4, waits)]


def test_records_whose_messages_were_lost_are_read(todo: Plan) -> None:
    for spec in todo.missing:
        todo.store.write_record(record(spec))
    watching = Watching()
    Driver(todo, Made([{"kind": DONE}], [{"kind": DONE}]), watching, Policy()).run()
    assert len(watching.of("finished")) == 6


def test_a_refusal_stops_all_and_is_raised(todo: Plan) -> None:
    place = Made([{"kind": REFUSED, "error": "cannot write x"}])
    with pytest.raises(UserError, match=r"^cannot write x$"):
        Driver(todo, place, Watching(), Policy()).run()
    assert place.stopped == 1


def test_who_is_asked_to_stop_waits_until_all_workers_have(todo: Plan) -> None:
    policy, place, watching = Policy(), Made(finished(of(todo, "vae"))), Watching()
    watching.finished = lambda _: policy.stopping.ask(signal.SIGINT)  # type: ignore[attr-defined]
    with pytest.raises(Stopped):
        Driver(todo, place, watching, policy).run()
    assert (place.stopped, place.open) == (1, [])


def test_a_run_that_is_done_again_takes_its_record_s_time_along(todo: Plan) -> None:
    diverged = record(of(todo, "ae")[0]).model_copy(update={"outcome": "diverged"})
    todo.store.write_record(diverged)
    again = plan.plan(todo.study, "tensorflow", todo.store, retry_diverged=True)
    place = Made(finished(of(again, "vae")), finished(of(again, "ae")))
    Driver(again, place, Watching(), Policy()).run()
    assert [*place.tasks[1].runs.values()] == [diverged.finished, None]


def test_workers_are_told_where_a_study_and_its_store_lie(todo: Plan, tmp_path: Path) -> None:
    job = driving.job_of(todo, "auto", 60.0)
    assert (job.study, job.root) == (str(tmp_path / "two.toml"), str(tmp_path / "out"))
    smoke = plan.plan(study.read("smoke"), "tensorflow", todo.store)
    assert driving.job_of(smoke, "auto", None).study == "smoke"
