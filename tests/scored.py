"""A small cohort, trained by nobody, and its scores; each made once in a process."""

from __future__ import annotations

from functools import cache

import keras
import numpy as np

from aebench.backends.weights import get_weights
from aebench.data.pixels import Inputs
from aebench.measures.context import Member
from aebench.measures.scorer import Scorer
from aebench.models import AE, VAE
from aebench.records.record import MeasureSettings

SHAPE = (6, 6, 1)
BETAS = (0.0, 0.5, 1.0, 2.0, 4.0)
# `rounding.silhouettes` of these 30 or 20 points a class is 7e-5 at the most: a point's distance to itself, √(6 u)
# times twice its size, among 19. Its influence holds the same distances once more, and two may part by twice that.
SILHOUETTE = 4 * 7.1e-5


def pixels(labels=True, resample=True):
    rng = np.random.default_rng(0)
    grey = rng.random((90, *SHAPE), dtype="float32").astype(keras.config.floatx()) ** 2
    binary = (rng.random(grey.shape) < grey).astype(grey.dtype) if resample else grey
    return Inputs(
        train=grey,
        validation=binary[:60],
        test=binary,
        grey_test=grey,
        resample=resample,
        labels=np.arange(90) % 3 if labels else None,
        class_names=("a", "b", "c") if labels else None,
        train_labels=np.arange(90)[::-1] % 3 if labels else None,
        validation_labels=np.arange(60) % 3 if labels else None,
        grey_validation=grey[:60],
    )


class Brightness:
    """A classifier by hand: a class is the third that is brightest."""

    class_names = ("a", "b", "c")
    test_accuracy = 0.5

    def judge(self, images):
        thirds = images.reshape(len(images), 3, -1).mean(axis=2) + 1e-6
        return thirds, thirds / thirds.sum(axis=1, keepdims=True)

    def features(self, images):
        return self.judge(images)[0]

    def probabilities(self, images):
        return self.judge(images)[1]


def scorer_of(model, inputs, classifier=None, **measures):
    return Scorer(model, inputs, MeasureSettings(**{"nll_tolerance": 0.0, "nll_budget": 64, **measures}), classifier)


def scorer_like(scorer, inputs, classifier=None):
    """One that has judged nothing yet, with the compiled programs of another."""
    fresh = scorer_of(scorer.evaluator.model, inputs, classifier)
    fresh.evaluator = scorer.evaluator
    return fresh


def member(cls, seed, steps=0, network="mlp-256", pictured=False, likelihood="bernoulli", **scalars):
    model = cls(3, network=network, likelihood=likelihood, seed=seed, **scalars)
    model.adapt(pixels().train)
    initial = get_weights(model)
    rng = np.random.default_rng(100 + steps)
    trained = {
        name: array if array.ndim == 0 else (array + rng.normal(0, 0.2, array.shape)).astype("float32")
        for name, array in initial.items()
    }
    return model, Member(weights=trained, initial=initial, pictured=pictured)


def cohort(name, network="mlp-256"):
    """A scorer and five members, three seeds among them, two pictured; one for all tests of a precision."""
    return cohort_in(keras.config.floatx(), name, network)


@cache
def cohort_in(floatx, name, network):
    scalars = [{"beta": beta} if name == "VAE" else {} for beta in BETAS]
    made = [
        member({"AE": AE, "VAE": VAE}[name], run % 3, run, network, pictured=run in {0, 4}, **settings)
        for run, settings in enumerate(scalars)
    ]
    return scorer_of(made[0][0], pixels(), Brightness()), [each for _, each in made]


def scores(name, count=5, network="mlp-256"):
    """Of the first members of a cohort, scored together; once for all tests of a precision."""
    return scores_in(keras.config.floatx(), name, count, network)


@cache
def scores_in(floatx, name, count, network):
    scorer, members = cohort_in(floatx, name, network)
    return scorer.score(members[:count])


def flat(score):
    numbers = {name: value for name, value in score.metrics.items() if value is not None}
    return {**numbers, **score.profiles, **score.arrays["latents"]}


def assert_same(score, other):
    """For scores in float64: what is counted is the same, and what is kept or judged in float32 is hardly ever not.

    Codes that part by 1e-16 may still round to different numbers, and a silhouette is then off by a whole bound.
    """
    ours, theirs = flat(score), flat(other)
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        slack = SILHOUETTE if name.startswith("silhouette") else 1e-6
        np.testing.assert_allclose(value, theirs[name], rtol=1e-5, atol=slack, err_msg=name)
