"""Kills a bench, or its workers, at random moments, and holds its runs against those of an undisturbed one.

    python tests/benchmarks/kills.py STUDY.toml UNDISTURBED OUT --kills 50
    python tests/benchmarks/kills.py STUDY.toml UNDISTURBED OUT --kills 20 --workers 2

UNDISTURBED is a folder that `aebench bench STUDY.toml --out UNDISTURBED` has filled, in one process; OUT a new one.
Without `--workers` the bench itself is killed and started again, so often that all kills happen: where its runs are
finished before, it begins anew in a folder beside OUT. Prints what was killed and when, how long after the last thing
that was kept, and in the end how many runs and arrays are the same to the last bit.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from aebench.records.record import RunRecord

UNTIMED = "from aebench.cli import app; from aebench.harness import plan; plan.timing_specs = lambda *_: []; app.main()"


def children(parent: int) -> list[int]:
    """The workers that a process has started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


@dataclass
class Disturbance:
    """A bench that is killed at random moments.

    Attributes:
        study: what it runs.
        workers: how many processes train, of which one is killed each time; 0: the bench trains and is killed itself.
        interval: seconds between two checkpoints.
        pauses: the least and the greatest number of seconds between two kills.
        rng: what decides when, and which worker.
        done: kills until now.
        starts: starts of the bench until now.
        lost: seconds that each kill cost: since a record or a checkpoint was written, or since the bench began.
    """

    study: Path
    workers: int
    interval: float
    pauses: tuple[float, float]
    rng: random.Random
    done: int = 0
    starts: int = 0
    lost: list[float] = field(default_factory=list)

    def finish(self, out: Path, kills: int) -> None:
        """Runs the bench to its end, however often it takes, until there were so many kills."""
        begun, log = time.monotonic(), out.parent / f"{out.name}.log"
        place = ["--workers", str(self.workers)] if self.workers else []
        command = [sys.executable, "-c", UNTIMED, "bench", str(self.study), "--out", str(out), *place]
        while True:
            self.starts += 1
            with log.open("a") as said:
                bench = subprocess.Popen([*command, "--checkpoint-every", str(self.interval)], stdout=said, stderr=said)
            started = time.time()
            while bench.poll() is None:
                self._wait(bench)
                victims = (children(bench.pid) if self.workers else [bench.pid]) if bench.poll() is None else []
                if self.done < kills and victims:
                    self._kill(self.rng.choice(victims), out, started, time.monotonic() - begun)
            if bench.returncode == 0:
                break
            if bench.returncode != -signal.SIGKILL and not self.workers:
                sys.exit(f"the bench ended with {bench.returncode}; see {log}")
        resumed = len(re.findall("from a checkpoint", log.read_text()))
        print(f"{self.done} kills, {self.starts} starts of the bench, {resumed} resumes in {out.name}", flush=True)

    def _wait(self, bench: subprocess.Popen[bytes]) -> None:
        """Until the next kill, or until the bench has ended."""
        with suppress(subprocess.TimeoutExpired):
            bench.wait(self.rng.uniform(*self.pauses))

    def _kill(self, victim: int, out: Path, started: float, at: float) -> None:
        written = [path.stat().st_mtime for path in (out / "checkpoints").rglob("*") if path.is_file()]
        finished = [path.stat().st_mtime for path in (out / "records").glob("*.json")]
        now = time.time()
        os.kill(victim, signal.SIGKILL)
        self.done += 1
        # What has been done since the last thing that was kept; of a process that has just begun, since its start.
        lost = now - max([started, *written, *finished])
        self.lost.append(lost)
        print(
            f"{at:6.0f} s: killed {victim}, {len(finished)} runs finished, {lost:.0f} s since the last thing kept",
            flush=True,
        )


def numbers(path: Path) -> dict[str, Any]:
    """What a record says but for times, machine and circumstances."""
    told = RunRecord.model_validate_json(path.read_text()).model_dump(exclude={"training", "environment", "finished"})
    told["metrics"] = {name: value for name, value in told["metrics"].items() if not name.startswith("train_")}
    return told


def arrays(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            yield from ((f"{path.stem}/{name}", file[name].tobytes()) for name in file.files)


def compare(undisturbed: Path, out: Path) -> None:
    """Prints how many runs are the same, and what is left that should not be."""
    paths = sorted((undisturbed / "records").glob("*.json"))
    other = [out / "records" / path.name for path in paths]
    same = [numbers(one) == numbers(two) for one, two in zip(paths, other, strict=True)]
    kept = [
        (dict(arrays(undisturbed / "artefacts" / path.stem)), dict(arrays(out / "artefacts" / path.stem)))
        for path in paths
    ]
    equal = sum(one[name] == two.get(name) for one, two in kept for name in one)
    print(f"{sum(same)} of {len(same)} records and {equal} of {sum(len(one) for one, _ in kept)} arrays are identical")
    partial = [path for path in out.rglob(".*") if path.is_file()]
    held = list((out / "locks").glob("*.holder"))
    checkpoints = list((out / "checkpoints").iterdir())
    print(f"{len(partial)} partial files, {len(held)} locks held, {len(checkpoints)} checkpoints")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("undisturbed", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=0, help="kill one of so many workers, not the bench")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two checkpoints")
    parser.add_argument("--pauses", type=float, nargs=2, default=(5.0, 30.0), help="seconds between two kills")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    disturbance = Disturbance(
        given.study, given.workers, given.interval, tuple(given.pauses), random.Random(given.seed)
    )
    at = 0
    while disturbance.done < given.kills or not at:
        out = given.out.with_name(f"{given.out.name}-{at}") if at else given.out
        disturbance.finish(out, given.kills)
        compare(given.undisturbed, out)
        at += 1
    if disturbance.lost:
        lost = sorted(disturbance.lost)
        print(f"work lost a kill: median {lost[len(lost) // 2]:.0f} s, most {lost[-1]:.0f} s")


if __name__ == "__main__":
    main()
