"""The race's network in pythae's words: one hidden layer and 16 latent dimensions."""

from __future__ import annotations

import numpy as np
import torch
from pythae.models import VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import nn

LATENT = 16


class Encoder(BaseEncoder):
    def __init__(self, pixels, width):
        super().__init__()
        self.hidden = nn.Linear(pixels, width)
        self.mean, self.log_var = nn.Linear(width, LATENT), nn.Linear(width, LATENT)

    def forward(self, x):
        hidden = torch.relu(self.hidden(x.reshape(len(x), -1)))
        return ModelOutput(embedding=self.mean(hidden), log_covariance=self.log_var(hidden))


class Decoder(BaseDecoder):
    def __init__(self, shape, width):
        super().__init__()
        self.shape = shape
        self.hidden, self.output = nn.Linear(LATENT, width), nn.Linear(width, int(np.prod(shape)))

    def forward(self, z):
        logits = self.output(torch.relu(self.hidden(z)))
        return ModelOutput(reconstruction=torch.sigmoid(logits).reshape(-1, *self.shape))


def parts(shape, width):
    """What a pythae VAE of images of this shape is made of."""
    config = VAEConfig(input_dim=shape, latent_dim=LATENT, reconstruction_loss="bce")
    return {"model_config": config, "encoder": Encoder(int(np.prod(shape)), width), "decoder": Decoder(shape, width)}
