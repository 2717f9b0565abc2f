"""Trunks of strided convolutions, over the plane of images or over time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from aebench.models.seeding import initializer

Block = Callable[[int, int, str], list[Any]]  # (filters, seed, name) -> layers that keep the shape


@dataclass(frozen=True, kw_only=True)
class Convolutions:
    """What networks of convolutions along one axis or two are made of; their kernels are `width` cells wide."""

    plain: type[keras.layers.Layer]
    transposed: type[keras.layers.Layer]
    cropping: type[keras.layers.Layer]
    width: int

    def halving(self, filters: int, seed: int, name: str) -> keras.layers.Layer:
        """A convolution of stride 2, with a ReLU."""
        return self._strided(self.plain, filters, seed, name)

    def doubling(self, filters: int, seed: int, name: str) -> keras.layers.Layer:
        """A transposed convolution of stride 2, with a ReLU."""
        return self._strided(self.transposed, filters, seed, name)

    def _strided(self, kind: type[keras.layers.Layer], filters: int, seed: int, name: str) -> keras.layers.Layer:
        return kind(
            filters,
            self.width,
            strides=2,
            padding="same",
            activation="relu",
            kernel_initializer=initializer(seed, name),
            name=name.replace("/", "_"),
        )


IN_PLANE = Convolutions(plain=layers.Conv2D, transposed=layers.Conv2DTranspose, cropping=layers.Cropping2D, width=3)
IN_TIME = Convolutions(plain=layers.Conv1D, transposed=layers.Conv1DTranspose, cropping=layers.Cropping1D, width=5)


def no_block(filters: int, seed: int, name: str) -> list[keras.layers.Layer]:  # noqa: ARG001
    """No block."""
    return []


def trunks(
    kind: Convolutions, image_shape: tuple[int, ...], seed: int, block: Block = no_block
) -> tuple[keras.Sequential, keras.Sequential]:
    """An encoder, and the decoder that mirrors it, with a block behind each convolution of stride 2."""
    return _encoder(kind, seed, block), _decoder(kind, image_shape, seed, block)


def _encoder(kind: Convolutions, seed: int, block: Block) -> keras.Sequential:
    return keras.Sequential(
        [
            kind.halving(32, seed, "encoder/0"),
            *block(32, seed, "encoder/block_0"),
            kind.halving(64, seed, "encoder/1"),
            *block(64, seed, "encoder/block_1"),
            layers.Flatten(),
            layers.Dense(256, "relu", kernel_initializer=initializer(seed, "encoder/2"), name="encoder_2"),
        ],
        name="encoder",
    )


def _decoder(kind: Convolutions, image_shape: tuple[int, ...], seed: int, block: Block) -> keras.Sequential:
    """Sizes that 4 does not divide are made one cell too large and cropped."""
    *sizes, channels = image_shape
    cells = [math.ceil(size / 4) for size in sizes]
    spare = [4 * count - size for count, size in zip(cells, sizes, strict=True)]
    crop = tuple((extra // 2, extra - extra // 2) for extra in spare)
    return keras.Sequential(
        [
            layers.Dense(256, "relu", kernel_initializer=initializer(seed, "decoder/0"), name="decoder_0"),
            layers.Dense(
                math.prod(cells) * 64,
                "relu",
                kernel_initializer=initializer(seed, "decoder/1"),
                name="decoder_1",
            ),
            layers.Reshape((*cells, 64)),
            *block(64, seed, "decoder/block_1"),
            kind.doubling(64, seed, "decoder/2"),
            *block(64, seed, "decoder/block_0"),
            kind.doubling(32, seed, "decoder/3"),
            kind.plain(
                channels,
                kind.width,
                padding="same",
                use_bias=False,
                kernel_initializer=initializer(seed, "decoder/output"),
                name="output",
            ),
            kind.cropping(crop if len(crop) > 1 else crop[0]),
        ],
        name="decoder",
    )
