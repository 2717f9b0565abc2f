"""One side of `race.py`: the same VAE by pythae's trainer, shuffled by its loader, binarised in each step."""

from __future__ import annotations

import logging
import sys
import tempfile
import time

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae_networks import parts

path, width, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
logging.disable(logging.CRITICAL)
images = np.moveaxis(np.load(path), -1, 1)
shape = images.shape[1:]


class Binarising(VAE):
    """Draws every batch's pixels afresh."""

    def forward(self, inputs, **others):
        return super().forward({**inputs, "data": torch.bernoulli(inputs["data"])}, **others)


def main():
    model = Binarising(**parts(shape, width))
    steps = len(images) // 128
    dataset = BaseDataset(torch.tensor(images[: steps * 128]), torch.zeros(steps * 128))
    training = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(), num_epochs=1, per_device_train_batch_size=128, learning_rate=1e-3
    )
    trainer = BaseTrainer(model, dataset, training_config=training)
    trainer.prepare_training()
    print("race: ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        for epoch in range(epochs):
            trainer.train_step(epoch)
        print(f"race: {epochs * steps * 128 / (time.perf_counter() - started)}", flush=True)


if __name__ == "__main__":
    main()
