"""One side of `race.py`: a cohort of the vectorised engine."""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from aebench import backends

path, precision = sys.argv[1], sys.argv[5]
width, epochs, members = map(int, sys.argv[2:5])
backends.choose(os.environ["KERAS_BACKEND"])

import keras  # noqa: E402 (after the backend is chosen)

from aebench.data.pixels import Inputs  # noqa: E402
from aebench.harness.engine import vectorised  # noqa: E402
from aebench.models import VAE  # noqa: E402
from aebench.records.spec import RunSpec  # noqa: E402

images = np.load(path)
network = {256: "mlp-256", 512: "mlp"}[width]
few = (images[:10] > 0.5).astype("float32")
inputs = Inputs(train=images, validation=few, test=few, grey_test=few, resample=True, labels=None, class_names=None)
fields = {
    "variant": "vae", "variant_version": 1, "latent_dim": 16, "network": network, "likelihood": "bernoulli",
    "backend": keras.backend.backend(), "dataset": "raced", "dataset_digest": "", "epochs": 10_000, "batch_size": 128,
    "learning_rate": 1e-3, "precision": precision,
}  # fmt: skip
specs = [RunSpec(**fields, seed=i % 10, scalars={"beta": 1.0 + i // 10}) for i in range(members)]


def make_model(spec: RunSpec) -> VAE:
    model = VAE(16, network=network, seed=spec.seed, **spec.scalars)
    model.adapt(images)
    return model


started = 0.0


def progress(_: object, epoch: int, __: object) -> None:
    """Tells the speed of the round that has ended, and waits to be told to start the next."""
    global started
    if started and (epoch - 1) % epochs:
        return
    seen = members * epochs * (len(images) // 128) * 128
    print(f"race: {seen / (time.perf_counter() - started)}" if started else "race: ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()


with backends.precision(precision):
    list(vectorised.train(specs, make_model, inputs, progress))
