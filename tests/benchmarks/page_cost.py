"""Seconds and peak memory of the page of a study with many runs, all numbers and pictures made up.

Runs have the shapes of MNIST's (10,000 test images of 28x28, 50 epochs, five seeds) under the name of `digits`, which
needs no download. Runs of one latent size share a few sets of arrays by hard links.

    python tests/benchmarks/page_cost.py 2000 [--keep DIR]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from aebench import data, study
from aebench.analysis import sources
from aebench.harness.plan import timing_specs
from aebench.measures import METRICS, PROFILES, kept_arrays, of_each_image, versions
from aebench.page import page
from aebench.records.record import Curve, Environment, OperationTiming, RunRecord, TimingRecord, Training
from aebench.records.spec import RunSpec
from aebench.records.store import Store

SEEDS, EPOCHS, IMAGES, EXPLORED, CLASSES, SETS = 5, 50, 10_000, 1_000, 10, 4
WHEN = "2000-01-01T00:00:00+00:00"
OF_POSTERIORS = ("elbo_", "rate_", "nll_", "mutual_", "marginal_kl")  # what a plain autoencoder has not
ENVIRONMENT = Environment(device="made up", device_kind="CPU", cores=2, python="3.11", versions={}, platform="none")
PARTS = {"answers": "answers", "verdicts": "verdicts", "separations": "separations",
         "plots": "board_plots", "pictures": "seeing", "plots of speed": "speed_plots", "table": "table"}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=int, help="a multiple of 15 or 20")
    parser.add_argument("--keep", type=Path, help="folder for the study and its page; made up anew if not there")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        if not (folder / "many.toml").exists():
            make_up(chosen.runs, folder)
        print(f"{'part':<16}{'seconds':>9}{'CPU s':>9}{'peak MiB so far':>17}")
        whole(folder)  # first: a process starts with the peak of the one that starts it
        parts(folder)


def make_up(runs: int, folder: Path) -> None:
    """Writes a study's file, and its store with all runs finished."""
    sizes = [2, 8, 16] if runs % (3 * SEEDS) == 0 else [2, 4, 8, 16]
    count, rest = divmod(runs, len(sizes) * SEEDS)
    if rest or count < 3:
        sys.exit(f"runs {runs} is no multiple of 15 or 20 of at least 45; give one such as 75, 500 or 2000")
    betas = sorted([1.0, *np.geomspace(0.1, 9.0, count - 2).round(4).tolist()])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "many.toml"
    path.write_text(
        f'title = "Many runs"\ndataset = "digits"\nseeds = {SEEDS}\nepochs = {EPOCHS}\nlatent_dim = {sizes}\n'
        f'[[variant]]\nname = "ae"\n[[variant]]\nname = "vae"\nbeta = {betas}\n'
    )
    store, sets, timed = Store(folder / "out"), Store(folder / "sets"), set()
    for spec in study.read(str(path)).expand({"digits": data.digest("digits")}, "tensorflow"):
        which = betas.index(spec.scalars["beta"]) % SETS if spec.scalars else 0
        name = f"{spec.variant}-{spec.latent_dim}-{which}-{spec.seed}"
        share_arrays(spec, sets, store, name)
        store.write_record(record(spec, image_sd(sets, name)))
        if (spec.variant, spec.latent_dim) not in timed:
            timed.add((spec.variant, spec.latent_dim))
            for timing in timings(spec):
                store.write_timing(timing)


def record(spec: RunSpec, spreads: dict[str, float]) -> RunRecord:
    """Numbers that differ between configurations, and a twentieth as much between seeds."""
    own, seed = np.random.default_rng(seed_of(spec.configuration)), np.random.default_rng(seed_of(spec.run_id))
    has_posterior = spec.variant != "ae"
    names = [name for name in METRICS if has_posterior or not name.startswith(OF_POSTERIORS)]
    levels = np.random.default_rng(0).uniform(0.2, 0.9, len(names)) + own.normal(0, 0.02, len(names))
    metrics = dict(zip(names, (levels + seed.normal(0, 0.001, len(names))).tolist(), strict=True))
    lengths = {"class": CLASSES, "latent dimension": spec.latent_dim, "step": 11}
    profiles = {name: tuple(seed.uniform(0.1, 1, lengths[about.per]).tolist()) for name, about in PROFILES.items()
                if about.per in lengths and (has_posterior or about.per != "latent dimension")}  # fmt: skip
    curve = tuple((100 + 50 / np.arange(1, EPOCHS + 1) + seed.normal(0, 0.01, EPOCHS)).tolist())
    curves = {name: curve for name in Curve.model_fields if has_posterior or not name.endswith("rate")}
    return RunRecord(
        run_id=spec.run_id, spec=spec, outcome="ok", metrics=metrics | {"active_units": float(spec.latent_dim)},
        profiles=profiles, image_sd=spreads, metric_versions=versions(),
        curve=Curve(**curves), environment=ENVIRONMENT, finished=WHEN,
        training=Training(engine="vectorised", reason="made up", cohort_size=8, compile_seconds=1.0),
    )  # fmt: skip


def seed_of(text: str) -> list[int]:
    """A seed that is the same in every process."""
    return list(text.encode())


def timings(spec: RunSpec) -> Iterator[TimingRecord]:
    seconds = tuple(np.random.default_rng(spec.latent_dim).uniform(1.0, 1.1, 7).tolist())
    timed = OperationTiming(images=1280, seconds=seconds, compile_seconds=0.1, flops_per_image=4e6)
    operations = dict.fromkeys(("train_step", "encode", "decode", "sample", "elbo"), timed)
    for timing in timing_specs(spec):
        yield TimingRecord(timing_id=timing.timing_id, spec=timing, environment=ENVIRONMENT, operations=operations,
                           matmul_flops_per_s=3e11, finished=WHEN)  # fmt: skip


def share_arrays(spec: RunSpec, sets: Store, store: Store, name: str) -> None:
    """Links the arrays of this set to the run; the first seed alone has pictures."""
    made = {"latents": latents} | ({"figures": figures} if spec.seed == 0 else {})
    for kind, make in made.items():
        source, target = sets.artefact_path(name, kind), store.artefact_path(spec.run_id, kind)
        if not source.exists():
            sets.write_arrays(name, kind, make(spec, np.random.default_rng(seed_of(name))))
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)


@cache
def image_sd(sets: Store, name: str) -> dict[str, float]:
    """Standard deviations over images of a set."""
    arrays = sets.read_arrays(name, "latents") or {}
    known = {metric: of_each_image(metric, arrays) for metric in METRICS}
    return {metric: float(values.std(dtype="float64")) for metric, values in known.items() if values is not None}


def latents(spec: RunSpec, random: np.random.Generator) -> dict[str, np.ndarray]:
    """What `aebench.measures.scorer` keeps of every run."""
    names = {name for metric in METRICS for name, _ in kept_arrays(metric)} | {"silhouette"}
    names -= {"rate", "nll"} if spec.variant == "ae" else set()
    arrays = {name: random.gamma(4.0, 0.1, IMAGES).astype("float32") for name in sorted(names)}
    codes = random.normal(size=(IMAGES, spec.latent_dim)).astype("float32")
    return {"mean": codes, **arrays, "centroid_images": pictures(random, CLASSES)}


def figures(spec: RunSpec, random: np.random.Generator) -> dict[str, np.ndarray]:
    """What `aebench.measures.pictures.family` keeps of a configuration's first seed."""
    size, shared = spec.latent_dim, np.random.default_rng(0)
    points = random.normal(size=(EXPLORED, 2)).astype("float32")
    planes = (
        {"manifold": pictures(random, 15, 15)} if size == 2 else {"embedding_pca": points, "embedding_tsne": points}
    )
    return planes | {
        "originals": pictures(shared, 10), "embedding_images": pictures(shared, EXPLORED),
        "prior_samples": pictures(random, 25), "reconstructions": pictures(random, 10),
        "interpolations": pictures(random, 5, 11), "traversals": pictures(random, min(size, 8), 11),
        "embedding_reconstructions": pictures(random, EXPLORED), "centroids": pictures(random, CLASSES),
        "embedding_index": np.arange(EXPLORED), "embedding_labels": np.arange(EXPLORED) % CLASSES,
        "embedding_codes": random.normal(size=(EXPLORED, size)).astype("float32"),
        "class_names": np.array([str(at) for at in range(CLASSES)]), "prior_sample_labels": np.array(["1/7"] * 25),
        "decoder_activations": np.array(["relu", "linear"]),
        "decoder_kernel_0": random.normal(size=(size, 512)).astype("float16"),
        "decoder_kernel_1": random.normal(0, 0.05, (512, 784)).astype("float16"),
        "decoder_bias_0": np.zeros(512, "float32"), "decoder_bias_1": np.zeros(784, "float32"),
    }  # fmt: skip


def pictures(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Digits of 8x8 pixels, each drawn threefold in 28x28: they compress as digits do, unlike noise."""
    images = 15 * data.load("digits").test.images
    large = np.pad(images.repeat(3, axis=1).repeat(3, axis=2), [(0, 0), (2, 2), (2, 2), (0, 0)])
    return large[random.integers(len(large), size=shape)]


def whole(folder: Path) -> None:
    """The page by the command line, in a process of its own."""
    command = [sys.executable, "-m", "aebench", "report", str(folder / "many.toml"), "--out", str(folder / "out")]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    show("total", time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss)
    print(f"page of {(folder / 'out' / 'index.html').stat().st_size / 1e6:.2f} MB; in one process, by part:")


def parts(folder: Path) -> None:
    """The same in this process, its parts timed."""
    known = study.read(str(folder / "many.toml"))
    source = timed("records read", sources.read)(known, "tensorflow", Store(folder / "out"))
    spent: list[float] = []
    for name, function in PARTS.items():
        setattr(page, function, timed(name, getattr(page, function), spent))
    start, busy = time.perf_counter(), time.process_time()
    page.render([source])
    took, worked = time.perf_counter() - start, time.process_time() - busy
    show("the rest: render", took - sum(spent[::2]), worked - sum(spent[1::2]))


def timed(name: str, function: Callable[..., Any], spent: list[float] | None = None) -> Callable[..., Any]:
    """The function, whose seconds are told and added to `spent`; plots are drawn at once."""

    def call(*args: Any, **options: Any) -> Any:
        start, busy = time.perf_counter(), time.process_time()
        result = function(*args, **options)
        _ = [plot.svg for plot in result] if name.startswith("plots") else None
        took = time.perf_counter() - start, time.process_time() - busy
        if spent is not None:
            spent.extend(took)
        show(name, *took)
        return result

    return call


def show(name: str, seconds: float, busy: float, peak: int = 0) -> None:
    peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{name:<16}{seconds:>9.1f}{busy:>9.1f}{peak / 1024:>17.0f}", flush=True)


if __name__ == "__main__":
    main()
