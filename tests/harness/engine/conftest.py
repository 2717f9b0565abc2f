"""Runs on small made-up images, trained by either engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from aebench.data.pixels import Inputs
from aebench.harness.engine import sequential, vectorised
from aebench.harness.engine.trained import Trained
from aebench.models import AE, VAE
from aebench.records.spec import RunSpec

ENGINES = {"sequential": sequential, "vectorised": vectorised}


@pytest.fixture(scope="session")
def inputs() -> Inputs:
    grey = np.random.default_rng(0).random((70, 4, 4, 1), dtype="float32")
    fixed = (grey[:20] > 0.5).astype("float32")
    return Inputs(
        train=grey, validation=fixed, test=fixed, grey_test=grey[:20], resample=True, labels=None, class_names=None
    )


@pytest.fixture(scope="session")
def spec() -> Callable[..., RunSpec]:
    """spec(**changes) -> a run of 4 epochs of 4 batches of 16."""

    def make(**changes: Any) -> RunSpec:
        fields = {
            "variant": "vae",
            "variant_version": 1,
            "scalars": {"beta": 1.0},
            "latent_dim": 2,
            "network": "mlp-256",
            "likelihood": "bernoulli",
            "backend": keras.backend.backend(),
            "dataset": "toy",
            "dataset_digest": "0",
            "seed": 3,
            "epochs": 4,
            "batch_size": 16,
            "learning_rate": 1e-3,
        }
        return RunSpec(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def make_model(inputs: Inputs) -> Callable[[RunSpec], Any]:
    def make(run: RunSpec) -> Any:
        cls = {"vae": VAE, "ae": AE}[run.variant]
        options = {"network": run.network, "likelihood": run.likelihood, "seed": run.seed, "name": run.variant}
        model = cls(run.latent_dim, **options, **run.scalars)
        model.adapt(inputs.train)
        return model

    return make


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Any:
    """Both engines, in turn."""
    if request.param == "vectorised" and keras.backend.backend() == "torch":
        pytest.skip("PyTorch has the sequential engine alone")
    return ENGINES[request.param]


@pytest.fixture
def train(engine: Any, make_model: Any, inputs: Inputs) -> Callable[[list[RunSpec]], list[Trained]]:
    """train(runs) -> what this engine makes of them, trained anew."""
    return lambda runs: list(engine.train(runs, make_model, inputs, lambda *told: None))


@pytest.fixture(scope="session")
def kept() -> dict[Any, list[Trained]]:
    """What `trained` has made so far."""
    return {}


@pytest.fixture
def trained(
    engine: Any, train: Callable[[list[RunSpec]], list[Trained]], kept: dict[Any, list[Trained]]
) -> Callable[[list[RunSpec]], list[Trained]]:
    """trained(runs) -> the same, of which each cohort is trained by the first test that asks: to be left as it is."""

    def make(runs: list[RunSpec]) -> list[Trained]:
        key = (engine, *(run.run_id for run in runs))
        if key not in kept:
            kept[key] = train(runs)
        return kept[key]

    return make


@pytest.fixture
def three(spec: Callable[..., RunSpec]) -> list[RunSpec]:
    """A cohort that differs in seed and in β."""
    return [spec(seed=1), spec(scalars={"beta": 4.0}), spec()]
