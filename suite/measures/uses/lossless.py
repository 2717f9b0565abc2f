"""Lossless storage of binary images: in how many bits a model, and what everybody has, holds each of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.measures.uses.taken import Taken, measured, per_image

if TYPE_CHECKING:
    from aebench.data.pixels import Inputs
    from aebench.measures.context import Context

PACKED: Final = 50  # test images that are really packed and unpacked
MARGIN: Final = 0.5  # bits, as nats of the ELBO
WORDS_A_DIMENSION: Final = 2  # of 32 bits, that are there before the first code is drawn
# What it is held against: the end of the metric's name, how it is called, and what it is.
REFERENCES: Final = {
    "png": ("PNG", "reference: each image as an optimised PNG of its own, one bit a pixel before compression"),
    "png_strip": ("PNG of all", "reference: all test images below each other in one optimised PNG, so that no header "
                  "counts"),
    "pixels": ("single pixels", "reference: of a coder that knows how often each pixel is on in training images"),
}  # fmt: skip


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run with a posterior; nothing of images that are not binary."""
    if not context.inputs.resample:
        return [Measured()] * context.count
    shared, packed = references(context.inputs), _packed(context)
    return [
        measured({**_bound(context, run), **_beside_bound(context, run, packed[run]), **shared}, FAMILY.metrics)
        for run in range(context.count)
    ]


def _bound(context: Context, run: int) -> Taken:
    own = context.scored[run]
    if own.distortions is None or own.rates is None:
        return {}
    return {"lossless_bits": (own.distortions + own.rates).mean(axis=1, dtype=np.float64) / math.log(2.0)}


def _beside_bound(context: Context, run: int, packed: np.ndarray | None) -> Taken:
    bound = _bound(context, run).get("lossless_bits")
    if packed is None or not isinstance(bound, np.ndarray):
        return {}
    bits = float(packed.mean())
    return {"bits_back_bits": bits, "bits_back_overhead": bits / float(bound[: len(packed)].mean()) - 1.0}


def _packed(context: Context) -> list[np.ndarray | None]:
    """Bits that each packed image adds, `(images,)`, of each run whose images all come back as they were."""
    evaluator = context.evaluator
    nothing: list[np.ndarray | None] = [None] * context.count
    if not (evaluator.has_gaussian_posterior and evaluator.has_standard_prior):
        return nothing
    images = context.inputs.test[:PACKED]
    means, log_vars = evaluator.gaussians(context.runs, context.inputs.test)
    means, sds = means[:, :PACKED].astype("float64"), np.exp(0.5 * log_vars[:, :PACKED].astype("float64"))
    fine = np.isfinite(means).all(axis=(1, 2)) & (np.isfinite(sds) & (sds > 0.0)).all(axis=(1, 2))
    posteriors = np.where(fine[:, None, None, None], np.stack([means, sds], axis=-1), [0.0, 1.0])
    found = _round_trip(context, images.reshape(len(images), -1), posteriors)
    return [own if usable else None for own, usable in zip(found, fine, strict=True)]


def _round_trip(context: Context, images: np.ndarray, posteriors: np.ndarray) -> list[np.ndarray | None]:
    """Packs images `(n, pixels)` one after the other in all runs at once, and unpacks them."""
    from aebench.measures.uses import bits_back
    from aebench.measures.uses.ans import Stack

    size, known = posteriors.shape[2], [own.tolist() for own in posteriors]
    stacks = [Stack(np.random.default_rng(0), WORDS_A_DIMENSION * size + 8) for _ in known]
    first, lengths = [one.content for one in stacks], [[one.bits for one in stacks]]
    for at, image in enumerate(images):
        codes = [bits_back.draw(one, own[at]) for one, own in zip(stacks, known, strict=True)]
        for one, code, ink in zip(stacks, codes, _decoded(context, codes), strict=True):
            bits_back.put(one, image, ink, code)
        lengths.append([one.bits for one in stacks])
    same = [True] * len(stacks)
    for at in reversed(range(len(images))):
        codes = [bits_back.take_code(one, size) for one in stacks]
        for run, (one, code, ink) in enumerate(zip(stacks, codes, _decoded(context, codes), strict=True)):
            same[run] &= np.array_equal(bits_back.take_image(one, ink), images[at])
            bits_back.give_back(one, known[run][at], code)
    added = np.diff(np.array(lengths), axis=0)
    return [
        added[:, run] if same[run] and one.content == before else None
        for run, (one, before) in enumerate(zip(stacks, first, strict=True))
    ]


def _decoded(context: Context, codes: Sequence[Sequence[int]]) -> np.ndarray:
    """Probabilities of each run's pixels, `(runs, pixels)`, at its code."""
    from aebench.measures.uses.bits_back import at

    points = np.stack([at(code) for code in codes])[:, None].astype("float32")
    found = context.evaluator.decoded(context.runs, points).reshape(len(codes), -1)
    return np.asarray(np.nan_to_num(found, nan=0.5))  # of a run that ran away, whose numbers are not told


@cache
def references(inputs: Inputs) -> Taken:
    """Bits of the test images, each or in the mean, that need no autoencoder."""
    from aebench.measures.uses.detection import SinglePixels
    from aebench.measures.uses.lengths import png_bits, png_strip_bits

    return {
        "lossless_bits_png": png_bits(inputs.test, binary=True),
        "lossless_bits_png_strip": png_strip_bits(inputs.test, binary=True),
        "lossless_bits_pixels": -SinglePixels(inputs.train, binary=True).log_prob(inputs.test) / math.log(2.0),
    }


FAMILY = Family(
    name="lossless",
    group="uses",
    measure=measure,
    needs_images=True,
    metrics={
        "lossless_bits": Metric(
            label="Lossless storage",
            unit="bits/image",
            better="lower",
            about="-ELBO in bits: what storing a binary image without loss takes by bits back, mean of test images",
            margin=MARGIN,
            kept=per_image("lossless_bits"),
        ),
        **{
            f"lossless_bits_{key}": Metric(
                label=f"Lossless storage, {of}",
                unit="bits/image",
                better="lower",
                about=f"{what}; mean of test images",
                kept=per_image(f"lossless_bits_{key}") if key != "png_strip" else (),
            )
            for key, (of, what) in REFERENCES.items()
        },
        "bits_back_bits": Metric(
            label="Lossless storage, packed",
            unit="bits/image",
            better="lower",
            about=f"what the first {PACKED} test images really take, packed by bits back with asymmetric numeral "
            "systems (Townsend et al. 2019) and unpacked to the last bit; of Gaussian posteriors and priors",
        ),
        "bits_back_overhead": Metric(
            label="Packed over the ELBO",
            unit="share",
            better=None,
            about=f"by how much that is more than -ELBO in bits of the same {PACKED} images: draws of codes and "
            "rounding",
        ),
    },
)
