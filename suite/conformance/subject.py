"""A variant under test: its models, made once where tests leave them as they are."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from keras import ops

from aebench.models.streams import stream
from aebench.study import variants

LATENT = 4  # a variant may want an even number, or several equal parts
STEPS = 100  # in the training over which schedules are laid
# Every network and every likelihood once; the first is the cheapest.
COMBINATIONS = (("linear", "bernoulli"), ("mlp", "gaussian"), ("conv", "continuous_bernoulli"))


class Subject:
    """A variant and its models.

    Attributes:
        declared: what its file declares.
    """

    def __init__(self, declared: variants.Declaration) -> None:
        self.declared, self.name = declared, declared.name
        self._models: dict[Any, Any] = {}

    @cached_property
    def cls(self) -> Any:
        """The class, a subclass of `Autoencoder`."""
        return variants.load(self.declared)

    def make(self, network: str = "linear", likelihood: str = "bernoulli", seed: int = 1, **settings: Any) -> Any:
        """A new model, without weights."""
        return self.cls(LATENT, network=network, likelihood=likelihood, seed=seed, **settings)

    def adapted(self, images: np.ndarray, network: str = "linear", likelihood: str = "bernoulli") -> Any:
        """A model that has seen images and no training; its weights are to be left as they are."""
        if (network, likelihood) not in self._models:
            model = self.make(network, likelihood)
            model.adapt(images)
            self._models[network, likelihood] = model
        return self._models[network, likelihood]

    def moved(self, images: np.ndarray, network: str = "linear", likelihood: str = "bernoulli") -> Any:
        """A model away from where training starts, as what is zero there, or cancels, may hide a mistake.

        Its output's bias is where it starts without images, so that no pixel's gradient vanishes.
        """
        if ("moved", network, likelihood) not in self._models:
            model = self.make(network, likelihood, training_steps=STEPS)
            model.build((None, *images.shape[1:]))
            self._models["moved", network, likelihood] = move(model)
        return self._models["moved", network, likelihood]


def move(model: Any) -> Any:
    """The model with normal noise on all that is trained but the output's bias: of sd 0.3, less where many add up."""
    for weight in model.trainable_weights:
        if weight is not model.output_bias:
            rng = np.random.default_rng(stream(0, weight.path.split("/", 1)[-1]))
            scale = 0.5 / math.sqrt(math.prod(weight.shape[:-1])) if len(weight.shape) > 1 else 0.3
            noise = rng.normal(0.0, min(scale, 0.3), weight.shape)
            weight.assign(ops.convert_to_numpy(weight.value) + noise.astype("float32"))
    return model


def given(model: Any, labels: np.ndarray) -> dict[str, np.ndarray]:
    """What the loss of the training images takes beside them: `y` where the variant takes labels."""
    return {"y": labels} if model.takes_labels else {}


def state(model: Any) -> list[np.ndarray]:
    """All that a pass over a batch may read and change, copied."""
    variables = (*model.weights, *model.metrics_variables, model.noise.state)
    return [np.array(ops.convert_to_numpy(variable.value)) for variable in variables]


def set_noise(model: Any, draw: int = 0) -> None:
    """Puts the model's noise to a fixed state."""
    model.noise.state.assign(np.array([11, draw], "uint32"))


def numpy(tensor: Any) -> np.ndarray:
    """The tensor as float64."""
    return np.asarray(ops.convert_to_numpy(tensor), "float64")
