"""One side of `race.py`: the same VAE by Keras `fit` on arrays, shuffled, binarised in each step, by Keras's own Adam.

XLA is left to Keras's default on JAX, and off on TensorFlow, where it made `fit` slower on a CPU.
"""

from __future__ import annotations

import sys
import time

import keras
import numpy as np
from keras import ops

from aebench.models import VAE

path, width, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
images = np.load(path)


class Binarising(VAE):
    """Draws every batch's pixels afresh."""

    def compute_loss(self, x=None, *others, **options):
        draws = keras.random.uniform(ops.shape(x), seed=self.noise)
        return super().compute_loss(ops.cast(draws < x, "float32"), *others, **options)


model = Binarising(16, network={256: "mlp-256", 512: "mlp"}[width])
model.adapt(images)
jit = "auto" if keras.backend.backend() == "jax" else False
model.compile(optimizer=keras.optimizers.Adam(1e-3, epsilon=1e-8), jit_compile=jit)
steps = len(images) // 128
images = images[: steps * 128]
model.fit(images, batch_size=128, verbose=0)
print("race: ready", flush=True)
for _ in sys.stdin:
    started = time.perf_counter()
    model.fit(images, batch_size=128, epochs=epochs, verbose=0)
    print(f"race: {epochs * len(images) / (time.perf_counter() - started)}", flush=True)
