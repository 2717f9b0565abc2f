"""The sparse autoencoder: its penalty against SciPy's, and the activation that it is trained to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rounding
from keras import ops
from scipy.special import expit, rel_entr

from aebench.models import SparseAE
from aebench.models.sparse_ae import bernoulli_kl


def numpy(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def adapted(images: np.ndarray, latent_dim: int = 3, **settings: Any) -> SparseAE:
    model = SparseAE(latent_dim, network="mlp-256", seed=1, **settings)
    model.adapt(images)
    return model


def kl(rho: float, activations: np.ndarray) -> float:
    means = activations.astype("float64").mean(axis=0)
    return float((rel_entr(rho, means) + rel_entr(1.0 - rho, 1.0 - means)).sum())


def by_hand(model: SparseAE, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The activations and the distortion at them, in float64."""
    codes = model.encode(images).mean
    logits = numpy(model.decode(codes)).astype("float64")
    return numpy(codes), -(images * logits - np.logaddexp(0.0, logits)).sum(axis=(1, 2, 3))


@pytest.mark.parametrize("rho", [0.01, 0.05, 0.5])
def test_the_penalty_is_scipy_s_divergence(rho):
    logits = np.random.default_rng(0).normal(-1.0, 2.0, (500, 4)).astype("float32")
    expected = kl(rho, expit(logits.astype("float64")))
    assert float(numpy(bernoulli_kl(rho, ops.convert_to_tensor(logits)))) == pytest.approx(expected, rel=1e-5)


def test_the_penalty_is_0_at_the_target_and_finite_where_all_are_on_or_off():
    at_target = ops.full((8, 2), float(np.log(0.05 / 0.95)))
    # The parts of a divergence cancel: at rho = 0.05 they are 0.05 log 20 + 0.95 log(1/0.95) = 0.2 each way.
    assert abs(float(numpy(bernoulli_kl(0.05, at_target)))) < 2 * rounding.relative(8, 16, condition=2 * 0.2 + 2 * 3.0)
    for side in (-200.0, 200.0):
        off = 0.95 if side > 0 else 0.05
        entropy = 0.05 * np.log(0.05) + 0.95 * np.log(0.95)
        found = float(numpy(bernoulli_kl(0.05, ops.full((8, 1), side))))
        assert found == pytest.approx(off * 200.0 + entropy, rel=1e-5)


def test_the_objective_by_hand(binary):
    images, model = binary[:20], adapted(binary, weight=7.0, rho=0.1)
    terms = model.terms(images)
    codes, distortion = by_hand(model, images)
    assert ((codes > 0.0) & (codes < 1.0)).all()
    assert numpy(terms.distortion) == pytest.approx(distortion, rel=1e-5)
    assert numpy(terms.objective) == pytest.approx(distortion + 7.0 * kl(0.1, codes), rel=1e-5)


def test_the_objective_of_l1_by_hand(binary):
    images, model = binary[:20], adapted(binary, weight=0.5, penalty="l1")
    codes, distortion = by_hand(model, images)
    assert numpy(model.terms(images).objective) == pytest.approx(distortion + 0.5 * codes.sum(axis=1), rel=1e-5)


def test_without_its_weight_it_is_an_autoencoder_of_sigmoid_codes(binary):
    terms = adapted(binary, weight=0.0).terms(binary[:20])
    assert np.array_equal(numpy(terms.objective), numpy(terms.distortion))


def test_training_draws_the_activation_to_its_target(binary, compile_model):
    """KL(ρ || ρ̂) is (ρ̂ - ρ)² / 2ρ(1 - ρ) near its target: at weight 300 it is 0.2 nats at 0.01 off."""
    images, found = binary[:1024], []
    model = adapted(images, rho=0.1, weight=300.0)
    for epochs in (0, 12):
        if epochs:
            compile_model(model, 0.01).fit(images, batch_size=256, epochs=epochs, verbose=0)
        activation = numpy(model.diagnostics(images, model.noise)["code_activation"])
        assert activation == pytest.approx(numpy(model.encode(images).mean).mean(axis=1), rel=1e-5)
        found.append(float(activation.mean()))
    assert abs(found[0] - 0.1) > 0.2
    assert found[1] == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rho": 0.0}, "`rho` must be between 0 and 1. Received: rho=0.0"),
        ({"rho": 1.0}, "`rho` must be between 0 and 1. Received: rho=1.0"),
        ({"penalty": "l2"}, "`penalty` must be one of kl, l1. Received: penalty='l2'"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SparseAE(2, **settings)


def test_its_option_is_kept():
    assert SparseAE.from_config(SparseAE(2, penalty="l1").get_config()).penalty == "l1"
