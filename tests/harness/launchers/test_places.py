"""What places make of workers that leave, tear a line, or end just as they tell something."""

from __future__ import annotations

import queue
from typing import Any

import pytest

from aebench.harness.launchers import processes
from aebench.harness.launchers.processes import Processes
from aebench.harness.launchers.tasks import DONE, LEFT, Job, Task, line, message_of

JOB = Job(study="smoke", backend="tensorflow", root="/nowhere", engine="auto", interval=None)


class Scripted:
    """A worker that answers each task with what comes next, and notes what it is given."""

    made: list[Scripted]
    answers: list[str]

    def __init__(self, hear: Any, *_: Any) -> None:
        self.hear, self.given, self.ended = hear, [], False
        self.made.append(self)

    def give(self, _: Job, task: Task) -> None:
        self.given.append(task.cohort)
        self.hear(self, {"kind": self.answers.pop(0)})

    def end(self) -> None:
        self.ended = True


def test_a_worker_that_has_left_is_given_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "made", [], raising=False)
    monkeypatch.setattr(Scripted, "answers", [LEFT, DONE], raising=False)
    monkeypatch.setattr(processes, "Worker", Scripted)
    with Processes(JOB, 1) as place:
        place.submit([Task(cohort="one", runs={})])
        assert [*place.heard()] == [("one", {"kind": LEFT})]
        place.submit([Task(cohort="one", runs={})])
        assert [*place.heard()] == [("one", {"kind": DONE})]
        first, second = Scripted.made
        assert (first.given, second.given) == (["one"], ["one"])
        assert (first.ended, second.ended) == (True, False)
        first.hear(first, None)  # its end, heard late
        assert [*place.heard()] == []
    assert second.ended


def test_what_was_told_before_an_end_is_heard_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first cohort's end is handled, the second tells its last word and ends."""
    pytest.importorskip("distributed")
    from aebench.harness.launchers.dask import Dask

    place = Dask.__new__(Dask)
    monkeypatch.setattr(place, "_look", lambda: iter(()), raising=False)
    monkeypatch.setattr(place, "_end", lambda _: {"kind": DONE}, raising=False)
    place._stopping, place._open = False, {"one": 1, "two": 2}
    place._told, place._ended = queue.Queue(), queue.Queue()
    place._ended.put(("one", 1))
    heard = []
    for name, message in place.heard():
        heard.append((name, message["kind"]))
        if name == "one":
            place._told.put(("two", {"kind": "failed"}))
            place._ended.put(("two", 2))
    heard += [(name, message["kind"]) for name, message in place.heard()]
    assert heard == [("one", DONE), ("two", "failed"), ("two", DONE)]


def test_a_cohort_that_nobody_is_there_to_end_has_left() -> None:
    pytest.importorskip("distributed")
    from aebench.harness.launchers.dask import Dask

    class Client:
        status = "running"

        def run(self, *_: Any, **__: Any) -> None: ...

        def scheduler_info(self, **_: Any) -> dict[str, Any]:
            return {"workers": {}}

    class Future:
        def release(self) -> None:
            place._ended.put(("one", self))

    place = Dask.__new__(Dask)
    place._stopping, place._client, place._topic, place._looked, place._lonely = True, Client(), "topic", 1e18, True
    place._told, place._ended = queue.Queue(), queue.Queue()
    place._open = {"one": Future()}
    assert [*place.heard()] == [("one", {"kind": LEFT})]


def test_a_torn_line_says_nothing_and_a_whole_one_what_it_said() -> None:
    message = {"kind": "epoch", "runs": ["one"], "epoch": 3}
    assert message_of(line(message)) == message
    assert message_of(line(message)[:-5]) is None
    assert message_of(line(message)[:-5] + line({"kind": LEFT})) is None
