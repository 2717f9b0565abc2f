"""Initial weights and noise of layers from a run's seed, whoever wrote the layers."""

from __future__ import annotations

from typing import Any

import keras

from aebench.models.streams import stream


def initializer(seed: int, name: str) -> keras.initializers.Initializer:
    """Glorot uniform (Keras's default) from the stream `weights/<name>` of this run's seed."""
    return keras.initializers.GlorotUniform(seed=stream(seed, f"weights/{name}"))


def seeded(model: Any, trunk: str, seed: int) -> Any:
    """A model like this one whose every random part has a seed from the streams `weights/<trunk>/<place>`.

    The model itself where all have seeds of their own already. Layers are named by their place: Keras numbers those
    without a name afresh in each model, and weights are kept by their path.

    Raises:
        ValueError: it has such parts and is neither `Sequential` nor functional, so that Keras cannot copy it.
    """
    configs = [layer.get_config() for layer in model.layers]
    copies = [_with_seeds(config, seed, f"weights/{trunk}/{place}") for place, config in enumerate(configs)]
    if model.name == trunk and all(config == copy for config, copy in zip(configs, copies, strict=True)):
        return model
    places = {id(layer): place for place, layer in enumerate(model.layers)}

    def copied(layer: Any) -> Any:
        place = places[id(layer)]
        return type(layer).from_config({**copies[place], "name": f"{place}_{type(layer).__name__.lower()}"})

    if isinstance(model, keras.Sequential):
        return keras.Sequential([copied(layer) for layer in model.layers], name=trunk)
    try:
        like = keras.models.clone_model(model, clone_function=copied)
    except ValueError as error:
        raise ValueError(
            f"the {trunk} must be a `Sequential` or functional model, for each run to have its own. Received: "
            f"{type(model).__name__} ({error})"
        ) from None
    return keras.Model(like.inputs, like.outputs[0], name=trunk)


def _with_seeds(config: Any, seed: int, name: str) -> Any:
    """The same configuration, with a seed wherever it has room for one and none."""
    if isinstance(config, dict):
        parts = {key: _with_seeds(value, seed, f"{name}/{key}") for key, value in config.items()}
        return {**parts, "seed": stream(seed, name)} if parts.get("seed", 0) is None else parts
    return config
