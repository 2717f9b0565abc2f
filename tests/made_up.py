"""Small made-up studies and records: seeded numbers, tiny arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aebench import measures
from aebench import study as studies
from aebench.analysis.sources import Source
from aebench.records.record import Curve, Environment, OperationTiming, RunRecord, TimingRecord, Training
from aebench.records.spec import RunSpec, TimingSpec
from aebench.records.store import Store
from aebench.study import Study

OPERATIONS = {"train_step": 4e-4, "encode": 1e-4, "decode": 9e-5, "sample": 8e-5}
GRID = """
title = "{title}"
about = "AE and β-VAE on made-up images"
dataset = "{dataset}"
network = {network}
likelihood = {likelihood}
seeds = {seeds}
epochs = {epochs}
latent_dim = {latent_dim}
[[variant]]
name = "ae"
[[variant]]
name = "vae"
beta = {beta}
{more}
"""


@pytest.fixture
def environment() -> Environment:
    return Environment(
        device="Made-up CPU",
        device_kind="CPU",
        cores=2,
        python="3.11.2",
        versions={"keras": "3.15.1", "tensorflow": "2.21.0"},
        platform="Linux",
        commit="0123abc",
    )


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Study]:
    """make_study(seeds=3, ...) -> Study read from a TOML file."""

    def make(**changes: Any) -> Study:
        values = {
            "title": "A made-up study",
            "dataset": "digits",
            "network": '"mlp-256"',
            "likelihood": '["bernoulli"]',
            "seeds": 3,
            "epochs": 40,
            "latent_dim": [2, 4],
            "beta": [1.0, 4.0],
            "more": "",
            **changes,
        }
        path = tmp_path / "made-up.toml"
        path.write_text(GRID.format(**values))
        return studies.read(str(path))

    return make


@pytest.fixture
def expand() -> Callable[[Study], list[RunSpec]]:
    """expand(study) -> its whole grid."""

    def make(study: Study) -> list[RunSpec]:
        return study.expand(dict.fromkeys(study.datasets, "0" * 64), "tensorflow")

    return make


@pytest.fixture
def make_record(environment: Environment) -> Callable[..., RunRecord]:
    """make_record(spec, outcome="ok", curve=..., **metrics) -> a finished run; numbers follow from spec."""

    def make(spec: RunSpec, outcome: str = "ok", curve: Curve | None = None, **metrics: Any) -> RunRecord:
        return RunRecord(
            run_id=spec.run_id,
            spec=spec,
            outcome=outcome,
            metrics={**_metrics(spec), **metrics} if outcome == "ok" else {},
            metric_versions=measures.versions(),
            curve=curve or _curve(spec),
            training=Training(engine="sequential", reason="made up", cohort_size=1, compile_seconds=0.5),
            environment=environment,
            finished="2024-05-06T07:08:09+00:00",
        )

    return make


@pytest.fixture
def make_timing(environment: Environment) -> Callable[..., TimingRecord]:
    """make_timing(spec, batch_size, spread=0.02) -> timings of the spec's configuration."""

    def make(spec: RunSpec, batch_size: int = 128, spread: float = 0.02) -> TimingRecord:
        shared = spec.model_dump(include=set(TimingSpec.model_fields) - {"batch_size"})
        timed = TimingSpec(**shared, image_shape=(8, 8, 1), batch_size=batch_size)
        return TimingRecord(
            timing_id=timed.timing_id,
            spec=timed,
            environment=environment,
            operations={
                name: OperationTiming(
                    images=batch_size,
                    seconds=tuple(scale * batch_size**0.5 * (1 + spread * step) for step in range(-4, 5)),
                    compile_seconds=0.3,
                )
                for name, scale in OPERATIONS.items()
            },
            finished="2024-05-06T07:08:09+00:00",
        )

    return make


@pytest.fixture
def made_up_store(
    tmp_path: Path, make_record: Callable[..., RunRecord]
) -> Callable[[list[RunSpec]], tuple[Store, dict[str, RunRecord]]]:
    """made_up_store(specs) -> a Store with every run's record and figures, and the records by run_id."""

    def make(specs: list[RunSpec]) -> tuple[Store, dict[str, RunRecord]]:
        store = Store(tmp_path / "reports")
        for spec in specs:
            store.write_arrays(spec.run_id, "figures", _figures(spec))
            store.write_record(make_record(spec))
        return store, {spec.run_id: make_record(spec) for spec in specs}

    return make


@pytest.fixture
def made_up_source(make_study, expand, made_up_store, make_timing) -> Callable[..., Source]:
    """made_up_source(seeds=3, ...) -> a made-up study with every run, picture and timing."""

    def made(**changes: Any) -> Source:
        study = make_study(**changes)
        specs = expand(study)
        store, records = made_up_store(specs)
        timings = [make_timing(spec, size) for spec in specs if spec.seed == 0 for size in (128, 1024)]
        return Source(study=study, specs=specs, store=store, records=records, timings=timings)

    return made


def _metrics(spec: RunSpec) -> dict[str, float | None]:
    noise = np.random.default_rng(spec.seed).normal(0, 0.3)
    beta = spec.scalars.get("beta")
    rate = None if beta is None else 5.0 * np.log2(spec.latent_dim + 1) / np.sqrt(beta) + noise
    distortion = 20.0 + 20.0 / spec.latent_dim + 2.0 * (beta or 0.0) + noise
    return {
        "elbo_nats": None if rate is None else -distortion - rate,
        "distortion_nats": distortion,
        "rate_nats": rate,
        "recon_mse": distortion / 1000,
        "recon_nats": distortion - 1.0,
        "silhouette": 0.1 + 0.02 * noise + 0.05 / spec.latent_dim + (0.03 if beta is not None else 0.0),
        "silhouette_pixels": 0.12,
        "silhouette_pca": 0.16,
        "silhouette_untrained": 0.05 + 0.01 * noise,
        "parameters": 1000 * spec.latent_dim,
        "train_seconds": 2.0 + noise,
    }


def _curve(spec: RunSpec) -> Curve:
    falling = np.exp(-np.arange(spec.epochs) / 4.0) * 20.0
    metrics = _metrics(spec)
    distortion = tuple(falling + metrics["distortion_nats"])
    beta = spec.scalars.get("beta")
    if beta is None:
        return Curve(
            objective=distortion,
            distortion=distortion,
            val_objective=distortion,
            val_distortion=distortion,
        )
    rate = tuple(metrics["rate_nats"] - falling / 10)
    objective = tuple(np.add(distortion, np.multiply(beta, rate)))
    return Curve(
        objective=objective,
        distortion=distortion,
        rate=rate,
        val_objective=objective,
        val_distortion=distortion,
        val_rate=rate,
    )


def _figures(spec: RunSpec, side: int = 8, classes: int = 3, embedded: int = 60) -> dict[str, np.ndarray]:
    """As `aebench.measures.pictures` makes them; the images that are explored are the same for every run."""
    shared, random = np.random.default_rng(0), np.random.default_rng([spec.seed, spec.latent_dim])
    labels = shared.integers(0, classes, embedded)
    explored = shared.integers(0, 2, (embedded, side, side, 1), dtype=np.uint8) * np.uint8(255)

    def images(*shape: int) -> np.ndarray:
        return random.integers(0, 256, (*shape, side, side, 1), dtype=np.uint8)

    codes = (random.normal(0, 0.4, (embedded, spec.latent_dim)) + labels[:, None]).astype(np.float32)
    arrays = {
        "prior_samples": images(25),
        "prior_sample_labels": np.array(["1", "2/3", "?", "2", "3"] * 5),
        "originals": explored[:10],
        "reconstructions": images(10),
        "interpolations": images(5, 11),
        "centroids": images(classes),
        "traversals": images(min(spec.latent_dim, 8), 11),
        "embedding_index": np.arange(embedded) * 3,
        "embedding_labels": labels,
        "embedding_images": explored,
        "embedding_reconstructions": images(embedded),
        "embedding_codes": codes,
        "class_names": np.array(["one", "two", "three"]),
        "decoder_activations": np.array(["relu", "linear"]),
        "decoder_kernel_0": random.normal(0, 1, (spec.latent_dim, 12)).astype(np.float16),
        "decoder_bias_0": random.normal(0, 1, 12).astype(np.float32),
        "decoder_kernel_1": random.normal(0, 1, (12, side * side)).astype(np.float16),
        "decoder_bias_1": random.normal(0, 1, side * side).astype(np.float32),
    }
    if spec.latent_dim == 2:
        return {**arrays, "manifold": images(15, 15)}
    return {**arrays, "embedding_pca": codes[:, :2], "embedding_tsne": codes[:, :2] * np.float32(20)}
