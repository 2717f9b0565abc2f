"""Kills workers of a bench at random moments, and holds its runs against those of an undisturbed one.

    python tests/benchmarks/worker_kills.py STUDY.toml UNDISTURBED OUT --kills 20

UNDISTURBED is a folder that `aebench bench STUDY.toml --out UNDISTURBED` has filled, in one process; OUT a new one.
Prints what was killed and when, and in the end how many runs and arrays are the same to the last bit.
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
from pathlib import Path
from typing import Any

import numpy as np

from aebench.records.record import RunRecord

UNTIMED = "from aebench.cli import app; from aebench.harness import plan; plan.timing_specs = lambda *_: []; app.main()"


def children(parent: int) -> list[int]:
    """The workers that a process has started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def disturbed(study: Path, out: Path, workers: int, kills: int, pauses: tuple[float, float], seed: int) -> None:
    """Runs the bench to its end, however often it takes, with so many kills on the way."""
    rng = random.Random(seed)
    begun, done, starts = time.monotonic(), 0, 0
    while True:
        starts += 1
        command = [sys.executable, "-c", UNTIMED, "bench", str(study), "--out", str(out), "--workers", str(workers)]
        with (out.parent / f"{out.name}.log").open("a") as log:
            bench = subprocess.Popen([*command, "--checkpoint-every", "5"], stdout=log, stderr=log)
        while bench.poll() is None:
            time.sleep(rng.uniform(*pauses))
            if done < kills and bench.poll() is None and (pids := children(bench.pid)):
                victim = rng.choice(pids)
                os.kill(victim, signal.SIGKILL)
                done += 1
                finished = len(list((out / "records").glob("*.json")))
                print(f"{time.monotonic() - begun:6.0f} s: killed {victim}, {finished} runs finished", flush=True)
        if bench.returncode == 0:
            break
    said = (out.parent / f"{out.name}.log").read_text()
    resumed = len(re.findall("from a checkpoint", said))
    print(
        f"{done} kills, {starts} starts of the bench, {said.count('a worker is lost')} losses told, {resumed} resumes"
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
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pauses", type=float, nargs=2, default=(5.0, 30.0), help="seconds between two kills")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    disturbed(given.study, given.out, given.workers, given.kills, tuple(given.pauses), given.seed)
    compare(given.undisturbed, given.out)


if __name__ == "__main__":
    main()
