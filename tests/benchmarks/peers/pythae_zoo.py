"""One side of `zoo.py`: a variant by pythae's own model and trainer, and its test numbers."""

from __future__ import annotations

import json
import logging
import math
import sys
import tempfile
import time

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import (
    INFOVAE_MMD,
    IWAE,
    VAE,
    VAMP,
    BetaTCVAE,
    BetaTCVAEConfig,
    INFOVAE_MMD_Config,
    IWAEConfig,
    VAEConfig,
    VAMPConfig,
)
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae_networks import LATENT, Decoder, Encoder

path, width, epochs, variant = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
logging.disable(logging.CRITICAL)
arrays = np.load(path)
images, test = (torch.tensor(np.moveaxis(arrays[name], -1, 1)) for name in ("train", "test"))
shape, pixels = tuple(images.shape[1:]), math.prod(images.shape[1:])
KINDS = {
    "vae": (VAE, VAEConfig, {}),
    "iwae": (IWAE, IWAEConfig, {"number_samples": 5}),
    "beta-tcvae": (BetaTCVAE, BetaTCVAEConfig, {"beta": 2.0}),
    "info-vae": (INFOVAE_MMD, INFOVAE_MMD_Config, {"alpha": 0.5, "lbd": 10.0}),
    "vamp-vae": (VAMP, VAMPConfig, {"number_components": 100}),
}
kind, config, settings = KINDS[variant]


class Binarising(kind):
    """Draws every batch's pixels afresh."""

    def forward(self, inputs, **others):
        return super().forward({**inputs, "data": torch.bernoulli(inputs["data"])}, **others)


def log_prior(model, z):
    if variant != "vamp-vae":
        return -0.5 * (z**2 + math.log(2 * math.pi)).sum(dim=-1)
    pseudo = model.encoder(model.pseudo_inputs(model.idle_input).reshape(-1, *shape))
    mean, log_var = pseudo.embedding, pseudo.log_covariance
    each = -0.5 * ((z[:, None] - mean) ** 2 / log_var.exp() + log_var + math.log(2 * math.pi)).sum(dim=-1)
    return torch.logsumexp(each, dim=1) - math.log(len(mean))


@torch.no_grad()
def score(model):
    model.eval()
    posterior = model.encoder(test)
    mean, log_var = posterior.embedding, posterior.log_covariance
    log_weights = []
    for _ in range(100):
        noise = torch.randn_like(mean)
        z = mean + (0.5 * log_var).exp() * noise
        own = -0.5 * (noise**2 + log_var + math.log(2 * math.pi)).sum(dim=-1)
        decoded = model.decoder(z)["reconstruction"]
        each = torch.nn.functional.binary_cross_entropy(decoded, test, reduction="none")
        log_weights.append(log_prior(model, z) - own - each.reshape(len(test), -1).sum(dim=-1))
    nll = math.log(100) - torch.logsumexp(torch.stack(log_weights), dim=0).mean()
    mse = ((model.decoder(mean)["reconstruction"] - test) ** 2).mean()
    return {"nll": float(nll), "mse": float(mse)}


def main():
    made = config(input_dim=shape, latent_dim=LATENT, reconstruction_loss="bce", **settings)
    model = Binarising(model_config=made, encoder=Encoder(pixels, width), decoder=Decoder(shape, width))
    steps = len(images) // 128
    dataset = BaseDataset(images[: steps * 128], torch.zeros(steps * 128))
    training = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(), num_epochs=1, per_device_train_batch_size=128, learning_rate=1e-3
    )
    trainer = BaseTrainer(model, dataset, training_config=training)
    trainer.prepare_training()
    print("race: ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "score":
            print("race: " + json.dumps(score(model)), flush=True)
            return
        started = time.perf_counter()
        for epoch in range(epochs):
            trainer.train_step(epoch)
        print(f"race: {epochs * steps * 128 / (time.perf_counter() - started)}", flush=True)


if __name__ == "__main__":
    main()
