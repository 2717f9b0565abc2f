"""One side of `zoo.py`: a cohort of a variant by the vectorised engine, and its test numbers."""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np

from aebench import backends

path, variant = sys.argv[1], sys.argv[4]
width, epochs, members = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[5])
backends.choose(os.environ["KERAS_BACKEND"])

from aebench.data.pixels import Inputs  # noqa: E402 (after the backend is chosen)
from aebench.harness.engine import vectorised  # noqa: E402
from aebench.measures.evaluator import Evaluator  # noqa: E402
from aebench.measures.importance import importance_bound  # noqa: E402
from aebench.records.spec import RunSpec  # noqa: E402
from aebench.study import variants  # noqa: E402

ROUNDS = 6
SETTINGS = {"iwae": {"k": 5}, "beta-tcvae": {"beta": 2.0}, "info-vae": {"alpha": 0.5, "lambda_": 10.0},
            "vamp-vae": {"components": 100}}  # fmt: skip

arrays = np.load(path)
images, test = arrays["train"], arrays["test"]
network = {256: "mlp-256", 512: "mlp"}[width]
inputs = Inputs(train=images, validation=test[:10], test=test, grey_test=test, resample=True, labels=None,
                class_names=None)  # fmt: skip
declared = variants.find(variant)
settings = {**declared.scalars, **declared.options, **SETTINGS.get(variant, {})}
fields = {
    "variant": variant, "variant_version": declared.version, "latent_dim": 16, "network": network,
    "likelihood": "bernoulli", "backend": os.environ["KERAS_BACKEND"], "dataset": "raced", "dataset_digest": "",
    "epochs": ROUNDS * epochs, "batch_size": 128, "learning_rate": 1e-3,
    "scalars": {name: settings[name] for name in declared.scalars},
    "options": {name: settings[name] for name in declared.options},
}  # fmt: skip
specs = [RunSpec(**fields, seed=seed) for seed in range(members)]


def make_model(spec: RunSpec) -> object:
    model = variants.load(declared)(16, network=network, seed=spec.seed, **spec.scalars, **spec.options)
    model.adapt(images[:1000], images.mean(axis=0))
    return model


started = 0.0


def progress(_: object, epoch: int, __: object) -> None:
    """Tells the speed of the round that has ended, and waits to be told to start the next, or to score."""
    global started
    if epoch % epochs:
        return
    seen = members * epochs * (len(images) // 128) * 128
    print(f"race: {seen / (time.perf_counter() - started)}", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()


def ready() -> None:
    global started
    print("race: ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()


cohort = vectorised._Cohort(specs, make_model, inputs)  # compiled before the race begins
ready()
trained = list(cohort.train(progress))
model = make_model(specs[0])
evaluator = Evaluator(model)
runs = evaluator.load([run.final for run in trained], len(test))
bound = importance_bound(evaluator, runs, test, 0.01, 1024)
nll = float(np.mean([-one.log_likelihood.mean() for one in bound]))
mse = float(np.mean([one.recon_mse.mean() for one in evaluator.score(runs, test, 1)]))
print("race: " + json.dumps({"nll": nll, "mse": mse}), flush=True)
