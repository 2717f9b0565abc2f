"""`pytest --benchmark-only`: what the harness times, through the very calls that it times."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import keras
import pytest

from suite import data, environment, variants
from suite.measure.throughput import Operation
from suite.run import Cohort
from suite.spec import RunSpec
from suite.store import Store

BATCH_SIZE = 128
OPERATIONS = ("train_step", "encode", "decode", "sample", "elbo", "silhouette")


@cache
def operations(variant: str) -> dict[str, Operation]:
    """What is timed of a variant at latent size 16 on the embedded digits."""
    declared, dataset = variants.find(variant), data.load("digits")
    spec = RunSpec(
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
        batch_size=BATCH_SIZE,
        learning_rate=1e-3,
    )
    cohort = Cohort(specs=(spec,), variant=declared, dataset=dataset, store=Store(Path("unused")), pictured=frozenset())
    return {operation.name: operation for operation in cohort.operations(BATCH_SIZE)}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("variant", sorted(variants.built_in()))
def test_operation(benchmark, variant, name):
    operation = operations(variant)[name]
    operation.run()  # compiles
    benchmark.group = name
    benchmark.extra_info.update(
        device=environment.current(keras.backend.backend()).device,
        backend=keras.backend.backend(),
        batch_size=BATCH_SIZE,
        images=operation.images,
    )
    benchmark(operation.run)


def test_every_operation_of_the_harness_is_timed_here():
    assert set(OPERATIONS) == set(operations("vae"))
