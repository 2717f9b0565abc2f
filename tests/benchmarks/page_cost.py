"""Seconds and peak memory of writing the page of a study with many runs, made up from the runs of a finished one.

The VAE's runs are repeated under as many values of β as are needed, with their numbers a little changed and their
arrays linked; every page is written by the command line in a process of its own.

    python tests/benchmarks/page_cost.py mnist 75 500 2000
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from suite import data, schedule, study
from suite.record import RunRecord
from suite.spec import RunSpec
from suite.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", help="a study that `bench` has finished, or its file")
    parser.add_argument("runs", type=int, nargs="+", help="about how many runs")
    parser.add_argument("--out", type=Path, help="folder of that study's records")
    chosen = parser.parse_args()
    known = study.read(chosen.study)
    todo = schedule.plan(known, "tensorflow", Store(chosen.out or schedule.REPORTS / known.name))
    for runs in chosen.runs:
        with tempfile.TemporaryDirectory() as folder:
            count = made_up(known, todo, runs, Path(folder))
            print(measured(Path(folder), count), flush=True)


def made_up(known: study.Study, todo: schedule.Plan, runs: int, folder: Path) -> int:
    """Writes a study's file and the store of its runs; returns how many there are."""
    templates = {(record.spec.variant, record.spec.latent_dim, record.spec.seed): record
                 for record in todo.records.values()}  # fmt: skip
    sizes = sorted({size for _, size, _ in templates})
    betas = max(2, round(runs / len(known.seeds) / len(sizes)) - 1)
    values = sorted({1.0, *np.geomspace(0.1, 10, betas - 1).round(4).tolist()})
    path = folder / "many.toml"
    path.write_text(
        known.source.read_text().partition("[[variant]]")[0]
        + f'[[variant]]\nname = "ae"\n[[variant]]\nname = "vae"\nbeta = {values}\n'
    )
    many = study.read(str(path))
    specs = many.expand({name: data.digest(name) for name in many.datasets}, "tensorflow")
    store, random = Store(folder / "out"), np.random.default_rng(0)
    for spec in specs:
        template = templates[spec.variant, spec.latent_dim, spec.seed]
        store.write_record(_like(template, spec, random))
        for name in ("latents", "figures"):
            there = todo.store.artefact_path(template.run_id, name).resolve()
            if there.exists():
                store.artefact_path(spec.run_id, name).parent.mkdir(parents=True, exist_ok=True)
                store.artefact_path(spec.run_id, name).symlink_to(there)
    for timing in todo.store.read_timings():
        store.write_timing(timing)
    return len(specs)


def _like(record: RunRecord, spec: RunSpec, random: np.random.Generator) -> RunRecord:
    metrics = {
        name: None if value is None else value * float(random.normal(1, 1e-3)) for name, value in record.metrics.items()
    }
    return record.model_copy(update={"run_id": spec.run_id, "spec": spec, "metrics": metrics})


def measured(folder: Path, count: int) -> str:
    """One page, in a process of its own."""
    command = [sys.executable, "-m", "suite", "report", str(folder / "many.toml"), "--out", str(folder / "out")]
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = (folder / "out" / "index.html").stat().st_size / 1e6
    return (
        f"{count} runs: {seconds:.1f} s ({cpu:.1f} s of CPU), peak memory {after.ru_maxrss / 1024:.0f} MiB so far, "
        f"page {size:.2f} MB"
    )


if __name__ == "__main__":
    main()
