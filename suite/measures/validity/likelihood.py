"""Checks of likelihoods and their bounds, on linear Gaussian models, for which both have closed forms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from aebench.measures.validity.check import Check, check
from aebench.measures.validity.linear_gaussian import LinearGaussian

if TYPE_CHECKING:
    from aebench.measures.importance_bound import Importance

SIZE, IMAGES = 3, 500
CODES = 1024  # the default budget
CLOSE = (-0.05, 0.05)  # nats: a tenth of what counts as a difference


def checks() -> Iterator[Check]:
    """All of them: an exact encoder, poor ones, a decoder that does not listen, a worse model."""
    from aebench.measures.evaluator import DRAWS

    exact = LinearGaussian(SIZE, wider=1.0, shift=0.0, orthogonal=True)
    poor = LinearGaussian(SIZE, wider=1.0, shift=2.0, orthogonal=True)  # KL from the exact posterior: 2 nats each
    unsure = LinearGaussian(SIZE, wider=1.0, shift=0.0, orthogonal=True, variance=0.6)
    deaf, unread = _deaf(exact), _unread(exact)
    images = exact.images(IMAGES)
    truth = float(exact.log_likelihood(images).mean())
    alone = float(deaf.log_likelihood(images).mean())
    elbo = {model: _elbo(model, images) for model in (exact, poor, unsure, deaf, unread)}
    drawn = 4.0 * 2.0 * math.sqrt(SIZE / (IMAGES * DRAWS))  # four standard errors of the codes that are drawn
    ought = (
        ("encoder exact, ELBO over the likelihood", CLOSE, elbo[exact] - truth),
        ("encoder off by two standard deviations: 6 nats, off", (-drawn, drawn), elbo[exact] - elbo[poor] - 2.0 * SIZE),
        ("a dimension that nothing reads added, change", CLOSE, elbo[unread] - elbo[exact]),
        ("decoder does not listen, ELBO over the likelihood", CLOSE, elbo[deaf] - alone),
        ("true model with a poor encoder, over a worse model", (0.0, np.inf), elbo[poor] - elbo[unsure]),
    )
    for case, bounds, value in ought:
        yield check("elbo_nats", case, bounds, value)
    yield check("rate_nats", "decoder does not listen, encoder says nothing", CLOSE, _rate(deaf, images))
    weighed = {model: _weighed(model, images) for model in elbo}
    nll = {model: -float(found.log_likelihood.mean()) for model, found in weighed.items()}
    ought = (
        ("encoder exact, off", CLOSE, nll[exact] + truth),
        ("encoder off by two standard deviations, off", CLOSE, nll[poor] + truth),
        ("a dimension that nothing reads added, change", CLOSE, nll[unread] - nll[exact]),
        ("decoder does not listen, off", CLOSE, nll[deaf] + alone),
        ("worse model over the true one with a poor encoder", (0.0, np.inf), nll[unsure] - nll[poor]),
    )
    for case, bounds, value in ought:
        yield check("nll_nats", case, bounds, value)
    for case, model in (("encoder exact", exact), ("encoder off by two standard deviations", poor)):
        share = abs(nll[model] + truth) / weighed[model].error
        yield check("nll_error_nats", f"{case}: what it was off by, as a share of what is told", (0.0, 1.0), share)


def _deaf(heard: LinearGaussian) -> LinearGaussian:
    """The model where codes say nothing of images and the decoder reads nothing."""
    found = LinearGaussian(SIZE, orthogonal=True)
    found.covariance = np.diag(np.full(len(heard.covariance), np.exp(heard.weights["likelihood/log_var"])))
    silent = {"mean/kernel": 0.0, "mean/bias": 0.0, "log_var/bias": 0.0, "decoder/output/kernel": 0.0}
    found.weights = {**heard.weights, **{name: value * heard.weights[name] for name, value in silent.items()}}
    return found


def _unread(heard: LinearGaussian) -> LinearGaussian:
    """One latent dimension more, of which the encoder says nothing and which the decoder does not read."""
    found = LinearGaussian(SIZE + 1, orthogonal=True)
    pads = {"mean/kernel": (0, 1), "log_var/kernel": (0, 1), "mean/bias": (0, 1), "log_var/bias": (0, 1)}
    wider = {
        name: np.pad(value, [(0, 0)] * (np.ndim(value) - 1) + [pads[name]]) if name in pads else value
        for name, value in heard.weights.items()
    }
    wider["decoder/output/kernel"] = np.pad(heard.weights["decoder/output/kernel"], ((0, 1), (0, 0)))
    found.weights = wider
    return found


def _elbo(model: LinearGaussian, images: np.ndarray) -> float:
    from aebench.measures.bound import evidence_bound

    found = evidence_bound(model.evaluator.score(model.loaded(), images)[0]).elbo
    assert found is not None
    return found


def _rate(model: LinearGaussian, images: np.ndarray) -> float:
    rates = model.evaluator.score(model.loaded(), images)[0].rates
    assert rates is not None
    return float(rates.mean())


def _weighed(model: LinearGaussian, images: np.ndarray) -> Importance:
    from aebench.measures.importance_bound import importance_bound

    found = importance_bound(model.evaluator, model.loaded(), images, 0.01, CODES)[0]
    assert found is not None
    return found
