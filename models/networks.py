"""Named encoder and decoder networks, shared by all variants, so that a comparison compares objectives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers

from models.streams import stream

ImageShape = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A pair of trunks: images to features, and codes to an output of the image's shape (without its bias).

    Both are functions of the run's seed; layer i of a trunk draws its weights from the stream
    `weights/encoder/i` or `weights/decoder/i`.
    """

    encoder: Callable[[ImageShape, int], keras.Sequential]
    decoder: Callable[[ImageShape, int], keras.Sequential]


def initializer(seed: int, name: str) -> keras.initializers.Initializer:
    """Glorot uniform (Keras's default) from the stream `weights/<name>` of this run's seed."""
    return keras.initializers.GlorotUniform(seed=stream(seed, f"weights/{name}"))


def dense_network(widths: tuple[int, ...], activation: str | None) -> Network:
    """Fully connected layers of these widths; the decoder mirrors the encoder."""

    def hidden(trunk: str, sizes: tuple[int, ...], seed: int) -> list[keras.layers.Layer]:
        return [
            layers.Dense(size, activation, kernel_initializer=initializer(seed, f"{trunk}/{i}"), name=f"hidden_{i}")
            for i, size in enumerate(sizes)
        ]

    def encoder(image_shape: ImageShape, seed: int) -> keras.Sequential:  # noqa: ARG001
        return keras.Sequential([layers.Flatten(), *hidden("encoder", widths, seed)], name="encoder")

    def decoder(image_shape: ImageShape, seed: int) -> keras.Sequential:
        output = layers.Dense(
            math.prod(image_shape),
            use_bias=False,
            kernel_initializer=initializer(seed, "decoder/output"),
            name="output",
        )
        reshape = layers.Reshape(image_shape)
        return keras.Sequential([*hidden("decoder", widths[::-1], seed), output, reshape], name="decoder")

    return Network(encoder=encoder, decoder=decoder)


def _conv(kind: type[keras.layers.Layer], filters: int, strides: int, seed: int, name: str) -> keras.layers.Layer:
    return kind(
        filters,
        3,
        strides=strides,
        padding="same",
        activation="relu",
        kernel_initializer=initializer(seed, name),
        name=name.replace("/", "_"),
    )


def conv_encoder(image_shape: ImageShape, seed: int) -> keras.Sequential:  # noqa: ARG001
    """Two strided 3x3 convolutions (32, 64 filters), then 256 ReLU."""
    return keras.Sequential(
        [
            _conv(layers.Conv2D, 32, 2, seed, "encoder/0"),
            _conv(layers.Conv2D, 64, 2, seed, "encoder/1"),
            layers.Flatten(),
            layers.Dense(256, "relu", kernel_initializer=initializer(seed, "encoder/2"), name="encoder_2"),
        ],
        name="encoder",
    )


def conv_decoder(image_shape: ImageShape, seed: int) -> keras.Sequential:
    """The encoder's mirror; sizes that 4 does not divide are made one cell too large and cropped."""
    height, width, channels = image_shape
    rows, columns = math.ceil(height / 4), math.ceil(width / 4)
    spare = (4 * rows - height, 4 * columns - width)
    crop = tuple((extra // 2, extra - extra // 2) for extra in spare)
    return keras.Sequential(
        [
            layers.Dense(256, "relu", kernel_initializer=initializer(seed, "decoder/0"), name="decoder_0"),
            layers.Dense(
                rows * columns * 64,
                "relu",
                kernel_initializer=initializer(seed, "decoder/1"),
                name="decoder_1",
            ),
            layers.Reshape((rows, columns, 64)),
            _conv(layers.Conv2DTranspose, 64, 2, seed, "decoder/2"),
            _conv(layers.Conv2DTranspose, 32, 2, seed, "decoder/3"),
            layers.Conv2D(
                channels,
                3,
                padding="same",
                use_bias=False,
                kernel_initializer=initializer(seed, "decoder/output"),
                name="output",
            ),
            layers.Cropping2D(crop),
        ],
        name="decoder",
    )


NETWORKS: dict[str, Network] = {
    "linear": dense_network((), None),
    "mlp": dense_network((512,), "relu"),
    "mlp-256": dense_network((256,), "relu"),
    "mlp-400": dense_network((400,), "relu"),
    "mlp-200-200": dense_network((200, 200), "tanh"),
    "conv": Network(encoder=conv_encoder, decoder=conv_decoder),
}
