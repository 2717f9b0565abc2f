"""One side of `nll.py`: pythae's `get_nll`, one image after the other, at the batch size that is given."""

from __future__ import annotations

import logging
import sys
import time

import numpy as np
import torch
from pythae.models import VAE
from pythae_networks import parts

path, width, samples, batch = sys.argv[1], *map(int, sys.argv[2:])
logging.disable(logging.CRITICAL)
images = torch.tensor(np.moveaxis(np.load(path), -1, 1))
model = VAE(**parts(tuple(images.shape[1:]), width))
print("race: ready", flush=True)
for _ in sys.stdin:
    started = time.perf_counter()
    with torch.no_grad():
        model.get_nll(images, n_samples=samples, batch_size=batch)
    print(f"race: {len(images) / (time.perf_counter() - started)}", flush=True)
