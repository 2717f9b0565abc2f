"""Compression: how near images come back from codes that are stored in a few bits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.measures.uses.taken import Taken, measured, per_image

if TYPE_CHECKING:
    from aebench.data.pixels import Inputs
    from aebench.measures.context import Context
    from aebench.measures.uses.images import Part
    from aebench.measures.uses.quantised import Quantiser

RATES: Final = (8, 16, 32, 64)  # bits an image
MAIN: Final = 16
MARGIN: Final = 0.001  # as of reconstructions
TRAIN: Final = 2000  # training codes that levels' lengths are told by
PROBED: Final = 32  # codes at which the decoder is asked what a dimension does to images
LEAST_CHANGE: Final = 1e-5  # of a pixel; less may be rounding
COMPONENTS: Final = 256  # the most that are stored


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run at each rate; nothing of codes that are not finite."""
    from aebench.measures.uses.images import images
    from aebench.measures.uses.lengths import jpeg_bits

    known = images(context.inputs)
    parts = {"test": known.test, **({} if known.validation is None else {"validation": known.validation})}
    train = context.train[0][:, _chosen(context.inputs)].astype("float64")
    codes = {
        name: context.evaluator.representations(context.runs, part.seen).astype("float64")
        for name, part in parts.items()
    }
    finite = np.all([np.isfinite(own).all(axis=(1, 2)) for own in (train, *codes.values())], axis=0)
    train = np.where(finite[:, None, None], train, 0.0)
    scales = _scales(context, train, known.count)
    found: list[dict[str, np.ndarray | float | None]] = [{} for _ in range(context.count)]
    for rate in RATES:
        quantisers = [_at_rate(own, scale, rate) for own, scale in zip(train, scales, strict=True)]
        for name, part in parts.items():
            if name == "validation" and rate != MAIN:
                continue
            errors = _errors(context, part, codes[name], quantisers)
            for run, own in enumerate(errors):
                found[run][_name(rate) if name == "test" else f"{_name(rate)}_validation"] = (
                    own if name == "test" else float(own.mean())
                )
    shared, curve = references(context.inputs), jpeg(context.inputs)
    for taken in found:
        taken["compression_jpeg_bits"] = jpeg_bits(curve, float(np.mean(np.asarray(taken[_name(RATES[-1])]))))
    return [
        measured({**(own if fine else {}), **shared}, FAMILY.metrics) for own, fine in zip(found, finite, strict=True)
    ]


def _chosen(inputs: Inputs) -> np.ndarray:
    from aebench.measures.uses.representations import some

    return some(len(inputs.train), TRAIN)


def _at_rate(train: np.ndarray, scales: np.ndarray, rate: int) -> Quantiser:
    from aebench.measures.uses.quantised import at_rate

    return at_rate(train, scales, rate)


def _errors(context: Context, part: Part, codes: np.ndarray, quantisers: Sequence[Quantiser]) -> Sequence[np.ndarray]:
    """Mean squared error of each distinct image of the part from its stored code, of each run."""
    with np.errstate(invalid="ignore"):
        stored = np.stack([one.restore(one.quantise(own)) for one, own in zip(quantisers, codes, strict=True)])
    images = context.evaluator.decoded(context.runs, stored.astype("float32"))
    return [_mse(own, part.seen)[: part.distinct] for own in images]


def _scales(context: Context, train: np.ndarray, count: int) -> np.ndarray:
    """How far a code has to move along each dimension to change an image by one, root mean square: `(runs, d)`.

    From both sides of some training codes, as far as the dimension's standard deviation. With steps in proportion to
    it, all dimensions add alike to the error: for linear decoders of orthogonal columns no other steps do better.

    Args:
        context: of the runs.
        train: codes, `(runs, n, d)`.
        count: of codes that are decoded at once.
    """
    runs, _, size = train.shape
    spread = train.std(axis=1)
    at, moved = train[:, :PROBED], 0.5 * spread[:, :, None] * np.eye(size)
    squares = []
    for places in _parts(size * at.shape[1], count):
        dimensions, probed = np.divmod(places, at.shape[1])
        up, down = (
            context.evaluator.decoded(context.runs, (at[:, probed] + way * moved[:, dimensions]).astype("float32"))
            for way in (1.0, -1.0)
        )
        squares.append(np.sum((up - down) ** 2, axis=(2, 3, 4), dtype=np.float64))
    found = np.concatenate(squares, axis=1)[:, : size * at.shape[1]]
    change = np.sqrt(found.reshape(runs, size, -1).mean(axis=-1))
    told = (change > LEAST_CHANGE * math.sqrt(context.inputs.test[0].size)) & (spread > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(told, spread / change, np.inf)


def _parts(total: int, count: int) -> Iterator[np.ndarray]:
    """Places 0, 1, ... in parts of `count`, the last filled up, so that one compiled program serves all."""
    for start in range(0, total, count):
        yield np.minimum(np.arange(start, start + count), total - 1)


@cache
def references(inputs: Inputs) -> Taken:
    """Errors of the test images from their principal components, stored at the same rates in steps of one size."""
    from aebench.measures.uses.images import images
    from aebench.measures.uses.spoiling import components

    part = images(inputs).test
    pca = components(inputs, COMPONENTS)
    train, test = (
        pca.transform(seen.reshape(len(seen), -1)).astype("float64")
        for seen in (inputs.seen_train[_chosen(inputs)], part.seen)
    )
    found = {}
    for rate in RATES:
        own = _at_rate(train, np.full(train.shape[1], float(train.std(axis=0).max())), rate)
        restored = np.clip(pca.inverse_transform(own.restore(own.quantise(test))), 0.0, 1.0).reshape(part.seen.shape)
        found[f"{_name(rate)}_pca"] = _mse(restored, part.seen)
    return found


@cache
def jpeg(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Bits and errors of the test images as JPEGs of several qualities, see `lengths.jpeg_curve`."""
    from aebench.measures.uses.images import images
    from aebench.measures.uses.lengths import jpeg_curve

    part = images(inputs).test
    return jpeg_curve(part.seen[: part.distinct])


def _mse(found: np.ndarray, clean: np.ndarray) -> np.ndarray:
    return np.asarray(np.mean((found - clean) ** 2, axis=(-3, -2, -1), dtype=np.float64))


def _name(rate: int) -> str:
    return f"compression_mse_{rate}"


def _metrics(rate: int) -> Mapping[str, Metric]:
    how = (
        f"mean squared difference of the image and E[x|z] where the code is stored in {rate} bits, mean of images: "
        "rounded to steps that change images alike in every dimension, lengths by how often training codes have a level"
    )
    return {
        _name(rate): Metric(
            label=f"Compression to {rate} bits, MSE",
            unit="per pixel",
            better="lower",
            about=f"{how}; of posterior means",
            margin=MARGIN,
            kept=per_image(_name(rate)),
        ),
        f"{_name(rate)}_pca": Metric(
            label=f"Compression to {rate} bits, MSE, PCA",
            unit="per pixel",
            better="lower",
            about=f"reference: of as many principal components as {rate} bits are best spent on; {how}",
            kept=per_image(f"{_name(rate)}_pca"),
        ),
    }


FAMILY = Family(
    name="compression",
    group="uses",
    measure=measure,
    needs_images=True,
    metrics={
        **{name: metric for rate in RATES for name, metric in _metrics(rate).items()},
        f"{_name(MAIN)}_validation": Metric(
            label=f"Compression to {MAIN} bits, MSE, validation split",
            unit="per pixel",
            better="lower",
            about="the same of the validation split: what the best for compression is chosen by",
        ),
        "compression_jpeg_bits": Metric(
            label=f"JPEG's bits for the error of {RATES[-1]}",
            unit="bits/image",
            better="higher",
            about=f"how many bits an image JPEG takes, all test images in one file, to come as near as codes of "
            f"{RATES[-1]} bits do; where its worst quality is nearer, what that takes",
        ),
    },
)
