"""`pytest --benchmark-only`: what the harness times, through the very calls that it times, and the exact silhouette."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from aebench import data
from aebench.backends import environment
from aebench.harness.cohort import Cohort
from aebench.harness.plan import timing_specs
from aebench.harness.timing import Timer
from aebench.measures.classes.silhouettes import silhouettes
from aebench.measures.speed import operations
from aebench.measures.speed.throughput import Operation
from aebench.records.spec import RunSpec
from aebench.records.store import Store
from aebench.study import variants

BATCH_SIZES = (1, 128, 1024, 8192)
TEST_IMAGES = 360  # of the embedded digits


def spec(variant: str) -> RunSpec:
    """A run at latent size 16 on the embedded digits."""
    declared, dataset = variants.find(variant), data.load("digits")
    return RunSpec(
        variant=variant,
        variant_version=declared.version,
        scalars=declared.scalars,
        options=declared.options,
        latent_dim=16,
        network="mlp-256",
        likelihood="bernoulli",
        backend=keras.backend.backend(),
        dataset="digits",
        dataset_digest=dataset.digest,
        seed=0,
        epochs=1,
        batch_size=128,
        learning_rate=1e-3,
    )


@cache
def timer(variant: str) -> Timer:
    """One for all batch sizes: it compiles them once."""
    run = spec(variant)
    cohort = Cohort(
        specs=(run,),
        planned=(run,),
        variant=variants.find(variant),
        dataset=data.load("digits"),
        store=Store(Path("unused")),
        pictured=frozenset(),
    )
    return Timer(cohort)


@cache
def made(variant: str, batch_size: int) -> dict[str, Operation]:
    """What is timed of a variant at a batch size."""
    return {operation.name: operation for operation in timer(variant).operations(batch_size)}


def describe(benchmark: Any, images: int) -> None:
    backend = keras.backend.backend()
    benchmark.extra_info.update(
        device=environment.current(backend).device, backend=backend, batch_size=images, images=images
    )


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize("name", operations.NAMES)
@pytest.mark.parametrize("variant", ["ae", "iwae", "vae"])
@pytest.mark.benchmark(max_time=0.2, min_time=1e-4)
def test_operation(benchmark, variant, name, batch_size):
    operation = made(variant, batch_size)[name]
    operation.run()  # compiles
    benchmark.group = f"{name}, batch size {batch_size}"
    describe(benchmark, operation.images)
    benchmark(operation.run)


@pytest.mark.benchmark(max_time=0.2, group="silhouette")
def test_silhouette(benchmark):
    codes = np.random.default_rng(0).normal(size=(TEST_IMAGES, 16)).astype("float32")
    classes = np.arange(TEST_IMAGES) % 10
    silhouettes(codes, classes)  # compiles
    describe(benchmark, TEST_IMAGES)
    benchmark(silhouettes, codes, classes)


def test_what_the_harness_times_is_timed_here():
    assert [timing.batch_size for timing in timing_specs(spec("vae"))] == list(BATCH_SIZES)
    assert tuple(made("vae", 1)) == operations.NAMES
