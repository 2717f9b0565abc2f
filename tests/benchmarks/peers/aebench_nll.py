"""One side of `nll.py`: this suite's importance-weighted likelihood of all test images, for some runs at once."""

from __future__ import annotations

import sys
import time

import numpy as np

from aebench import backends
from aebench.backends.weights import get_weights
from aebench.measures.evaluator import Evaluator
from aebench.measures.importance_bound import importance_bound
from aebench.measures.programs import CHUNK
from aebench.models import VAE

path, width, samples, members = sys.argv[1], *map(int, sys.argv[2:])
backends.choose("tensorflow")
images = np.load(path)
model = VAE(16, network={256: "mlp-256", 512: "mlp"}[width])
model.build((None, *images.shape[1:]))
evaluator = Evaluator(model)
runs = evaluator.load([get_weights(model)] * members, CHUNK)
importance_bound(evaluator, runs, images[:CHUNK], 0.0, samples)  # compiles
print("race: ready", flush=True)
for _ in sys.stdin:
    started = time.perf_counter()
    importance_bound(evaluator, runs, images, 0.0, samples)
    print(f"race: {members * len(images) / (time.perf_counter() - started)}", flush=True)
