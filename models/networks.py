"""Encoder and decoder networks, shared by all variants, so that a comparison compares objectives.

A network is a function decorated with `@register_network("name", version=N)` that makes a pair of Keras models: an
encoder from images to features, and a decoder from codes to an output of the image's shape, or of more channels where
the likelihood takes several numbers for a pixel; series are images of shape `(time steps, channels)`, vectors of
`(columns,)`. In a file of your own it works the same way; so does a pair of Keras models that are there already.

    @register_network("small", version=1)
    def small(image_shape, latent_dim, seed):
        encoder = keras.Sequential([layers.Flatten(), layers.Dense(64, "relu")])
        decoder = keras.Sequential([layers.Dense(64, "relu"), layers.Dense(math.prod(image_shape)),
                                    layers.Reshape(image_shape)])
        return encoder, decoder

Whatever in such a pair draws random numbers and has no seed of its own is given one, from the run's seed, its trunk and
its place in it: runs of one seed start from the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from aebench.models import convolutional
from aebench.models.residual import residual_block
from aebench.models.seeding import initializer, seeded

ImageShape = tuple[int, ...]  # (height, width, channels), (time steps, channels) of series, or (columns,) of vectors
Make = Callable[[ImageShape, int, int], tuple[Any, Any]]
NETWORKS: dict[str, Network] = {}


@dataclass(frozen=True, kw_only=True)
class Network:
    """A named way to make an encoder and a decoder.

    Attributes:
        name: what a study calls it.
        version: raised by hand when a change to it changes numbers.
        make: `(image_shape, latent_dim, seed) -> (encoder, decoder)`; the encoder takes `(batch, *image_shape)` to
            `(batch, features)`, the decoder `(batch, latent_dim)` to `(batch, *image_shape)`, without its bias.
        config: for `get_config` of a model that has it; the name unless it has none.
    """

    name: str
    version: int
    make: Make
    config: Any = None

    def trunks(
        self, image_shape: ImageShape, latent_dim: int, seed: int, output_shape: ImageShape | None = None
    ) -> tuple[Any, Any]:
        """The encoder and the decoder of a run with this `seed`, both with weights.

        Args:
            image_shape: of what the encoder takes.
            latent_dim: numbers in what the decoder takes.
            seed: of the run.
            output_shape: of what the decoder makes, where that is not `image_shape`: a likelihood may take several
                numbers for a pixel. The decoder is then the one that `make` has for images of this shape.

        Raises:
            ValueError: one of them has an output of another shape than it must have.
        """
        encoder, decoder = self.make(image_shape, latent_dim, seed)
        output_shape = output_shape or image_shape
        if output_shape != image_shape:
            _, decoder = self.make(output_shape, latent_dim, seed)
        encoder, decoder = seeded(encoder, "encoder", seed), seeded(decoder, "decoder", seed)
        _build(encoder, (None, *image_shape), f"encoder of network {self.name!r}")
        _build(decoder, (None, latent_dim), f"decoder of network {self.name!r}")
        if len(encoder.output_shape) != 2:
            raise ValueError(
                f"the encoder of network {self.name!r} must end in (batch, features), as by `Flatten`. "
                f"Received output shape: {encoder.output_shape}"
            )
        if tuple(decoder.output_shape[1:]) != output_shape:
            what = "images" if output_shape == image_shape else "the likelihood's parameters"
            raise ValueError(
                f"the decoder of network {self.name!r} must end in {what} (batch, "
                f"{', '.join(map(str, output_shape))}), as by `Reshape`. Received output shape: {decoder.output_shape}"
            )
        return encoder, decoder


def register_network(name: str, *, version: int) -> Callable[[Make], Make]:
    """Decorator that makes a network known by `name`.

    Args:
        name: what a study calls it.
        version: to be raised by hand when a change to the function changes numbers; of a network in a user's own file
            it is part of every run's identity.
    """

    def decorate(make: Make) -> Make:
        NETWORKS[name] = Network(name=name, version=version, make=make, config=name)
        return make

    return decorate


def of_models(encoder: Any, decoder: Any) -> Network:
    """The network that two Keras models are; a run has models of its own like them, with initial weights of its own.

    Args:
        encoder, decoder: `Sequential` or functional; see `Network.make`.
    """
    serialized = keras.saving.serialize_keras_object
    return Network(
        name="encoder and decoder given",
        version=1,
        make=lambda image_shape, latent_dim, seed: (encoder, decoder),  # noqa: ARG005
        config={"encoder": serialized(encoder), "decoder": serialized(decoder)},
    )


def find(network: Any) -> Network:
    """The network meant by a name, a `Network`, a pair of Keras models, or what `get_config` made of such a pair.

    Raises:
        ValueError: no network has that name.
    """
    if isinstance(network, Network):
        return network
    if isinstance(network, dict):
        deserialized = keras.saving.deserialize_keras_object
        return of_models(deserialized(network["encoder"]), deserialized(network["decoder"]))
    if isinstance(network, str):
        if network not in NETWORKS:
            raise ValueError(f"unknown network {network!r}; known: {', '.join(NETWORKS)}")
        return NETWORKS[network]
    return of_models(*network)


def _build(model: Any, shape: tuple[int | None, ...], what: str) -> None:
    expected = getattr(model, "input_shape", None) if model.built else None
    if expected is not None and tuple(expected[1:]) != shape[1:]:
        raise ValueError(f"the {what} takes {tuple(expected[1:])} and is given {shape[1:]}")
    model.build(shape)


@register_network("linear", version=1)
def linear(image_shape: ImageShape, latent_dim: int, seed: int) -> tuple[Any, Any]:
    """No hidden layer."""
    return dense((), None, image_shape, latent_dim, seed)


@register_network("mlp", version=1)
def mlp(image_shape: ImageShape, latent_dim: int, seed: int) -> tuple[Any, Any]:
    """One hidden layer of 512 ReLU."""
    return dense((512,), "relu", image_shape, latent_dim, seed)


@register_network("mlp-256", version=1)
def mlp_256(image_shape: ImageShape, latent_dim: int, seed: int) -> tuple[Any, Any]:
    """One hidden layer of 256 ReLU."""
    return dense((256,), "relu", image_shape, latent_dim, seed)


@register_network("mlp-400", version=1)
def mlp_400(image_shape: ImageShape, latent_dim: int, seed: int) -> tuple[Any, Any]:
    """One hidden layer of 400 ReLU."""
    return dense((400,), "relu", image_shape, latent_dim, seed)


@register_network("mlp-200-200", version=1)
def mlp_200_200(image_shape: ImageShape, latent_dim: int, seed: int) -> tuple[Any, Any]:
    """Two hidden layers of 200 tanh (Burda et al. 2016)."""
    return dense((200, 200), "tanh", image_shape, latent_dim, seed)


@register_network("mlp-300-300", version=1)
def mlp_300_300(image_shape: ImageShape, latent_dim: int, seed: int) -> tuple[Any, Any]:
    """Two hidden layers of 300 ReLU; those of Tomczak & Welling (2018) are gated."""
    return dense((300, 300), "relu", image_shape, latent_dim, seed)


@register_network("mlp-256-128", version=1)
def mlp_256_128(image_shape: ImageShape, latent_dim: int, seed: int) -> tuple[Any, Any]:
    """Hidden layers of 256 and 128 ReLU (Davidson et al. 2018)."""
    return dense((256, 128), "relu", image_shape, latent_dim, seed)


def dense(
    widths: tuple[int, ...], activation: str | None, image_shape: ImageShape, latent_dim: int, seed: int
) -> tuple[Any, Any]:
    """Fully connected layers of these widths; the decoder mirrors the encoder."""
    del latent_dim  # the decoder takes codes of any size

    def hidden(trunk: str, sizes: tuple[int, ...]) -> list[keras.layers.Layer]:
        return [
            layers.Dense(size, activation, kernel_initializer=initializer(seed, f"{trunk}/{i}"), name=f"hidden_{i}")
            for i, size in enumerate(sizes)
        ]

    output = layers.Dense(
        math.prod(image_shape),
        use_bias=False,
        kernel_initializer=initializer(seed, "decoder/output"),
        name="output",
    )
    encoder = keras.Sequential([layers.Flatten(), *hidden("encoder", widths)], name="encoder")
    decoder = keras.Sequential([*hidden("decoder", widths[::-1]), output, layers.Reshape(image_shape)], name="decoder")
    return encoder, decoder


@register_network("conv", version=1)
def conv(image_shape: ImageShape, latent_dim: int, seed: int) -> tuple[Any, Any]:
    """Two strided 3x3 convolutions (32, 64 filters), then 256 ReLU; the decoder mirrors that."""
    del latent_dim
    _require_images("conv", image_shape)
    return convolutional.trunks(convolutional.IN_PLANE, image_shape, seed)


@register_network("resnet", version=1)
def resnet(image_shape: ImageShape, latent_dim: int, seed: int) -> tuple[Any, Any]:
    """As `conv`, with a residual block of two 3x3 convolutions at each of its sizes, without normalisation."""
    del latent_dim
    _require_images("resnet", image_shape)
    return convolutional.trunks(convolutional.IN_PLANE, image_shape, seed, residual_block)


@register_network("conv1d", version=1)
def conv1d(image_shape: ImageShape, latent_dim: int, seed: int) -> tuple[Any, Any]:
    """For series: two strided convolutions over time (32, 64 filters of 5), then 256 ReLU; the decoder mirrors that."""
    del latent_dim
    if len(image_shape) != 2:
        raise ValueError(
            "network 'conv1d' needs series (time steps, channels); for images choose 'conv', for vectors one of dense "
            f"layers, as 'mlp'. Received shape: {image_shape}"
        )
    return convolutional.trunks(convolutional.IN_TIME, image_shape, seed)


def _require_images(name: str, image_shape: ImageShape) -> None:
    if len(image_shape) != 3:
        raise ValueError(
            f"network {name!r} needs images (height, width, channels); for series choose 'conv1d', for vectors one of "
            f"dense layers, as 'mlp'. Received shape: {image_shape}"
        )
