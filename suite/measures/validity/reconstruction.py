"""Checks of what compares reconstructions with images: of 8x8 digits, by an encoder and a decoder that are known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from aebench.measures.validity.check import SAME, Check, check

if TYPE_CHECKING:
    from aebench.measures.evaluator import Evaluator, Scored

IMAGES, SIDE = 500, 8
SURE = 4.0  # logits
BETTER, WORSE = (-np.inf, 1.0), (1.0, np.inf)


def checks() -> Iterator[Check]:
    """All of them."""
    yield from _of_grey()
    yield from _of_binary()


def _of_grey() -> Iterator[Check]:
    """What shows the digit is better than the mean of all images, which shows none, and worse than the image itself."""
    images = _digits()
    mean = images.mean(axis=0)
    move, blur = _moved(), _blurred()
    blurred = _reconstructed(images, blur)
    # As far from each image in squares as blur is, all in brightness.
    brighter = _reconstructed(images, np.eye(SIDE**2), math.sqrt(_mean(blurred, "recon_mse")))
    found = {
        "the image itself": _reconstructed(images, np.eye(SIDE**2)),
        "the mean of all images": _reconstructed(images, np.zeros((SIDE**2, SIDE**2)), mean),
        "moved by a pixel": _reconstructed(images, move),
        "of half the contrast": _reconstructed(images, 0.5 * np.eye(SIDE**2), 0.5 * mean),
        "its negative": _reconstructed(images, -np.eye(SIDE**2), 1.0),
    }
    mse, ssim = ({case: _mean(one, name) for case, one in found.items()} for name in ("recon_mse", "recon_ssim"))
    none = "the mean of all images"
    yield check("recon_mse", "the image itself", (0.0, 1e-9), mse["the image itself"])
    yield check("recon_ssim", "the image itself", (1.0 - 1e-5, 1.0 + 1e-5), ssim["the image itself"])
    variance = float(images.var(axis=0).mean())
    yield check("recon_mse", f"{none}, over the pixels' variance", (1.0 - 1e-3, 1.0 + 1e-3), mse[none] / variance)
    yield check("recon_ssim", "its negative", (-1.0, 0.0), ssim["its negative"])
    for case, (of_squares, of_structure) in {
        "of half the contrast": (BETTER, (0.0, np.inf)),
        "moved by a pixel": (BETTER, (0.0, np.inf)),
        "its negative": (WORSE, (-np.inf, 0.0)),
    }.items():
        yield check("recon_mse", f"{case}, as a share of {none}", of_squares, mse[case] / mse[none])
        yield check("recon_ssim", f"{case}, over {none}", of_structure, ssim[case] - ssim[none])
    clearer = "blurred, against as much error in brightness alone, "
    squares, structure = (_mean(blurred, name) for name in ("recon_mse", "recon_ssim"))
    yield check("recon_mse", f"{clearer}as a share", (1.05, np.inf), squares / _mean(brighter, "recon_mse"))
    yield check("recon_ssim", f"{clearer}change", (-np.inf, -0.05), structure - _mean(brighter, "recon_ssim"))
    framed = _reconstructed(_framed(images), _framed_map(blur))
    case = "blurred, an empty frame around images, as a share"
    yield check("recon_mse", case, (0.99, 1.01), _mean(framed, "recon_mse") / squares)
    yield check(
        "recon_ssim", f"{case} of what is missing to 1", (0.9, 1.1), (1 - _mean(framed, "recon_ssim")) / (1 - structure)
    )


def _of_binary() -> Iterator[Check]:
    """Log scores of Bernoulli pixels."""
    images = (_digits() > 0.5).astype("float32")
    right = 2.0 * np.eye(SIDE**2)
    sure = _mean(_reconstructed(images, SURE * right, -SURE, "bernoulli"), "recon_nats")
    known = SIDE**2 * math.log1p(math.exp(-SURE))
    yield check("recon_nats", "each pixel right with a known probability, off", SAME, sure - known)
    bias = np.full((2 * SIDE, 2 * SIDE), -30.0)
    bias[SIDE // 2 : -SIDE // 2, SIDE // 2 : -SIDE // 2] = -SURE
    framed = _reconstructed(
        _framed(images), _framed_map(SURE * right), bias.reshape(2 * SIDE, 2 * SIDE, 1), "bernoulli"
    )
    yield check("recon_nats", "an empty frame around images, change", SAME, _mean(framed, "recon_nats") - sure)
    share = np.clip(images.mean(axis=0), 0.01, 0.99)
    logits = np.log(share / (1.0 - share))
    honest, over, under = (
        _mean(_reconstructed(images, 0.0 * right, times * logits, "bernoulli"), "recon_nats")
        for times in (1.0, 2.0, 0.5)
    )
    yield check("recon_nats", "probabilities twice as sure as they are right, change", (0.1, np.inf), over - honest)
    yield check("recon_nats", "probabilities half as sure as they are right, change", (0.1, np.inf), under - honest)


def _digits() -> np.ndarray:
    from sklearn.datasets import load_digits

    return np.asarray(load_digits().images[:IMAGES, ..., None] / 16.0, "float32")


def _moved() -> np.ndarray:
    """The linear map that moves an image to the right by a pixel."""
    found = np.eye(SIDE**2).reshape(SIDE**2, SIDE, SIDE)
    return np.asarray(np.roll(found, 1, axis=2) * (np.arange(SIDE) > 0)).reshape(SIDE**2, -1)


def _blurred() -> np.ndarray:
    """The linear map to means over 3x3 pixels."""
    from scipy.ndimage import uniform_filter

    found = uniform_filter(np.eye(SIDE**2).reshape(SIDE**2, SIDE, SIDE), (0, 3, 3), mode="nearest")
    return np.asarray(found.reshape(SIDE**2, -1))


def _framed(images: np.ndarray) -> np.ndarray:
    half = SIDE // 2
    return np.pad(images, ((0, 0), (half, half), (half, half), (0, 0)))


def _framed_map(linear: np.ndarray) -> np.ndarray:
    """The map of images in a frame that leaves the frame empty."""
    places = _framed(np.arange(1, SIDE**2 + 1).reshape(1, SIDE, SIDE, 1)).reshape(-1)
    inside = np.flatnonzero(places)
    found = np.zeros((len(places), len(places)))
    found[np.ix_(inside, inside)] = linear
    return found


def _mean(scored: Scored, name: str) -> float:
    return float(getattr(scored, name).mean(dtype=np.float64))


def _reconstructed(
    images: np.ndarray, linear: np.ndarray, bias: np.ndarray | float = 0.0, likelihood: str = "gaussian"
) -> Scored:
    """What an autoencoder makes of images whose decoder yields `images @ linear + bias`, flattened."""
    shape = images.shape[1:]
    evaluator = _evaluator(shape, likelihood)
    pixels = math.prod(shape)
    weights = {
        "mean/kernel": np.eye(pixels),
        "mean/bias": np.zeros(pixels),
        "decoder/output/kernel": linear,
        "output_bias": np.broadcast_to(bias, shape),
        "likelihood/log_var": np.zeros(()),
    }
    runs = evaluator.load([{name: np.asarray(value, "float32") for name, value in weights.items()}])
    return evaluator.score(runs, images)[0]


@cache
def _evaluator(shape: tuple[int, ...], likelihood: str) -> Evaluator:
    from aebench.measures.evaluator import Evaluator
    from aebench.models import AE

    model = AE(math.prod(shape), network="linear", likelihood=likelihood)
    model.build((None, *shape))
    return Evaluator(model)
