"""The denoising autoencoder: what it does to images, when, and what its decoder is asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from keras import ops

from aebench.models import AE, DenoisingAE

KINDS = ["masking", "salt-and-pepper", "gaussian"]


def numpy(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def adapted(cls: type, images: np.ndarray, **settings: Any) -> Any:
    model = cls(3, network="mlp-256", seed=1, **settings)
    model.adapt(images)
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_without_corruption_it_is_the_autoencoder(kind, binary):
    images = binary[:20]
    expected = numpy(adapted(AE, binary).terms(images).objective)
    outside = adapted(DenoisingAE, binary, kind=kind, corruption=0.5).terms(images, training=False).objective
    none = adapted(DenoisingAE, binary, kind=kind, corruption=0.0).terms(images, training=True).objective
    assert np.array_equal(numpy(outside), expected)
    assert np.array_equal(numpy(none), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_objective_asks_for_the_clean_image_of_the_corrupted_one(kind, binary):
    """By hand: the Bernoulli log-probability of the clean pixels at the code of the corrupted ones."""
    images, model = binary[:20], adapted(DenoisingAE, binary, kind=kind)
    state = numpy(model.noise.state)
    objective = numpy(model.terms(images, training=True).objective)
    model.noise.state.assign(state)
    seen = numpy(model.corrupted(images))
    logits = numpy(model.decode(model.encode(seen).mean)).astype("float64")
    by_hand = -(images * logits - np.logaddexp(0.0, logits)).sum(axis=(1, 2, 3))
    assert objective == pytest.approx(by_hand, rel=1e-5)
    clean = numpy(adapted(AE, binary).terms(images).objective)
    assert np.abs(objective - clean).min() > 1e-4


@pytest.mark.parametrize("corruption", [0.1, 0.5, 1.0])
def test_share_of_masked_pixels(corruption, binary):
    seen = numpy(adapted(DenoisingAE, binary, corruption=corruption).corrupted(np.ones_like(binary)))
    assert set(np.unique(seen)) <= {0.0, 1.0}
    error = math.sqrt(corruption * (1.0 - corruption) / seen.size)
    assert abs((seen == 0.0).mean() - corruption) <= 4.0 * error
    of_images = (seen == 0.0).reshape(len(seen), -1).sum(axis=1)
    if corruption < 1.0:  # each pixel by itself: the variance of a count is the binomial's
        variance = 64 * corruption * (1.0 - corruption)
        assert abs(of_images.var() / variance - 1.0) < 4.0 * math.sqrt(2.0 / len(seen))


def test_salt_and_pepper_come_as_often(binary):
    grey = np.full_like(binary, 0.5)
    seen = numpy(adapted(DenoisingAE, binary, corruption=0.4, kind="salt-and-pepper").corrupted(grey))
    for value, share in ((0.0, 0.2), (0.5, 0.6), (1.0, 0.2)):
        assert abs((seen == value).mean() - share) < 4.0 * math.sqrt(share * (1.0 - share) / seen.size)


def test_gaussian_noise_has_its_standard_deviation(binary):
    noise = numpy(adapted(DenoisingAE, binary, corruption=0.3, kind="gaussian").corrupted(binary)) - binary
    assert abs(noise.mean()) < 4.0 * 0.3 / math.sqrt(noise.size)
    assert abs(noise.std() / 0.3 - 1.0) < 4.0 / math.sqrt(2.0 * noise.size)


def test_each_step_corrupts_anew(binary):
    model = adapted(DenoisingAE, binary)
    assert (numpy(model.corrupted(binary[:20])) != numpy(model.corrupted(binary[:20]))).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"corruption": 1.1}, "`corruption` must be at most 1. Received: corruption=1.1"),
        ({"kind": "blur"}, "`kind` must be one of masking, salt-and-pepper, gaussian. Received: kind='blur'"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DenoisingAE(2, **settings)


def test_its_option_is_kept():
    assert DenoisingAE.from_config(DenoisingAE(2, kind="gaussian").get_config()).kind == "gaussian"
