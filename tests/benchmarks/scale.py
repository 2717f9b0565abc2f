"""Seconds and peak memory of the commands that read a store of very many runs.

One run of `digits` is trained. All others are made up from it: one of 200 sets of its own numbers, each multiplied by 1
plus a normal deviate of a thousandth, under the spec and the id of another point of the grid. So every record is as
long as a real one and is checked as one; there are no arrays and no timings.

    python tests/benchmarks/scale.py 100000 [--keep DIR]

Commands run in processes of their own, each twice: the first reads every record's file, the second what the first has
kept of them. `seconds` are those of the clock, `CPU s` of the processor.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from aebench import data, study
from aebench.records.record import RunRecord
from aebench.records.store import Store

SEEDS, EPOCHS, SIZES, SETS, SPREAD = 5, 50, [2, 4, 8, 16], 200, 1e-3
COMMANDS = {
    "plan": ["bench", "{study}", "--dry-run"],
    "plan a part": ["bench", "{study}", "--dry-run", "--only", "latent_dim == 4 and beta > 5"],
    "table": ["table", "{study}"],
    "table of variants": ["table", "{study}", "--by", "variant"],
    "table, CSV": ["table", "{study}", "--format", "csv"],
    "runs, CSV": ["table", "{study}", "--by", "run", "--format", "csv"],
    "compare": ["compare", "{out}", "{out}"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=int, help=f"a multiple of {SEEDS * len(SIZES)}")
    parser.add_argument("--keep", type=Path, help="folder for the study and its store; made up anew if not there")
    parser.add_argument("--only", nargs="*", default=list(COMMANDS), help="which commands")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        if not (folder / "many.toml").exists():
            # In a process of its own: children start with the peak of the process that starts them.
            made = multiprocessing.get_context("spawn").Process(target=make_up, args=(chosen.runs, folder))
            made.start()
            made.join()
        print(f"{'command':<20}{'seconds':>9}{'CPU s':>9}{'peak MiB':>10}")
        for name in chosen.only:
            for _ in range(2):
                measure(name, COMMANDS[name], folder)


def make_up(runs: int, folder: Path) -> None:
    """Writes a study's file, and its store with all runs finished but the last hundred."""
    count, rest = divmod(runs, len(SIZES) * SEEDS)
    if rest or not count:
        sys.exit(f"runs {runs} is no multiple of {SEEDS * len(SIZES)}; give one such as 1000")
    betas = [1.0, *np.geomspace(0.1, 9.9, count - 1).tolist()]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "many.toml"
    path.write_text(
        f'dataset = "digits"\nseeds = {SEEDS}\nepochs = {EPOCHS}\nlatent_dim = {SIZES}\n'
        f'[[variant]]\nname = "vae"\nbeta = {betas}\n'
    )
    one = "beta == 1.0 and seed == 0 and latent_dim == 8"
    command = [sys.executable, "-m", "aebench", "bench", str(path), "--out", str(folder / "one"), "--only", one]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (real,) = Store(folder / "one").read_records()
    specs = study.read(str(path)).expand({"digits": data.digest("digits")}, "tensorflow")
    records = folder / "out" / "records"
    records.mkdir(parents=True)
    texts = [moved_text(real, random) for random in np.random.default_rng(0).spawn(min(SETS, runs))]
    for at, spec in enumerate(specs[:-100]):
        head = f'{{"run_id": "{spec.run_id}", "spec": {spec.model_dump_json()}, '
        (records / f"{spec.run_id}.json").write_text(head + texts[at % len(texts)])
    for record in Store(folder / "one").read_datasets():
        Store(folder / "out").write_dataset(record)


def moved_text(real: RunRecord, random: np.random.Generator) -> str:
    """A record but for its run, as JSON, its numbers a little off those of a real one."""
    record = real.model_dump(mode="json", exclude={"run_id", "spec"})
    for name in ("metrics", "profiles", "curve"):
        record[name] = moved(record[name], random)
    return json.dumps(record, indent=1)[1:]


def moved(value: Any, random: np.random.Generator) -> Any:
    """Every number in it a little off."""
    if isinstance(value, dict):
        return {name: moved(one, random) for name, one in value.items()}
    if isinstance(value, list):
        return (np.asarray(value) * (1 + random.normal(0, SPREAD, len(value)))).tolist()
    return value if value is None else value * (1 + random.normal(0, SPREAD))


def measure(name: str, words: list[str], folder: Path) -> None:
    """Runs a command and prints what it took."""
    given = [word.format(study=folder / "many.toml", out=folder / "out") for word in words]
    where = [] if words[0] == "compare" else ["--out", str(folder / "out")]
    begun = time.perf_counter()
    command = subprocess.Popen([sys.executable, "-m", "aebench", *given, *where], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(command.pid, 0)
    took = time.perf_counter() - begun
    failed = f"  status {os.waitstatus_to_exitcode(status)}" if status else ""
    busy = used.ru_utime + used.ru_stime
    print(f"{name:<20}{took:>9.1f}{busy:>9.1f}{used.ru_maxrss / 1024:>10.0f}{failed}", flush=True)


if __name__ == "__main__":
    main()
