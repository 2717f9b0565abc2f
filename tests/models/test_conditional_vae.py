"""The conditional VAE: its two bounds against sums written out in NumPy, and what labels are good for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rounding
from keras import ops
from sklearn.datasets import load_digits

from aebench.models import ConditionalVAE
from aebench.models.classes import UniformClassAndNormal, one_hot, split

CLASSES = 10
# Sums over the network's inputs, its codes, pixels and classes; without their signs they are twice as large.
SAME = rounding.relative(64, 13, 64, CLASSES, condition=2.0)


def numpy(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), "float64")


def made(images: np.ndarray, **options: Any) -> ConditionalVAE:
    model = ConditionalVAE(3, **{"network": "linear", "seed": 1, **options})
    model.adapt(images)
    return model


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return load_digits().target.astype("int32")


def bound(model: ConditionalVAE, images: np.ndarray, classes: np.ndarray, noise: Any) -> tuple[np.ndarray, np.ndarray]:
    """Distortion and KL of z given `classes` `(batch,)`, by NumPy from the model's outputs at the drawn codes."""
    chosen = np.eye(CLASSES, dtype="float32")[classes]
    own = model.encode(images).given(ops.convert_to_tensor(chosen))
    codes = np.concatenate([ops.convert_to_numpy(own.sample(noise)), chosen], axis=1)
    logits = numpy(model.decode(codes))
    distortion = (np.logaddexp(0.0, logits) - images * logits).sum(axis=(1, 2, 3))
    mean, log_var = numpy(own.mean), numpy(own.log_var)
    return distortion, 0.5 * (mean**2 + np.exp(log_var) - log_var - 1.0).sum(axis=1)


def reset(model: ConditionalVAE) -> Any:
    model.noise.state.assign(np.array([5, 0], "uint32"))
    return model.noise


@pytest.mark.parametrize("labelled", [0, 5])
def test_objective_of_labelled_images(binary, labels, labelled):
    images, own = binary[:20], labels[:20]
    model = made(images, beta=0.7, alpha=2.0)
    reset(model)
    found = model.terms(images, training=True, labels=own)
    distortion, kl = bound(model, images, own, reset(model))
    log_q = numpy(model.encode(images).log_probs)[np.arange(20), own]
    expected = distortion + 0.7 * (kl + math.log(CLASSES)) - 2.0 * log_q
    assert numpy(found.objective) == pytest.approx(expected, rel=SAME)
    assert numpy(found.rate) == pytest.approx(kl + math.log(CLASSES), rel=SAME)


def test_objective_of_images_without_a_label_is_a_sum_over_classes(binary):
    images = binary[:20]
    model = made(images, beta=0.7, labelled_images=5)
    reset(model)
    found = model.terms(images, training=True, labels=np.full(20, -1, "int32"))
    noise = reset(model)
    log_q = numpy(model.encode(images).log_probs)
    expected = np.zeros(20)
    for label in range(CLASSES):
        distortion, kl = bound(model, images, np.full(20, label), noise)
        total = distortion + 0.7 * (kl + math.log(CLASSES) + log_q[:, label])
        expected += np.exp(log_q[:, label]) * total
    assert numpy(found.objective) == pytest.approx(expected, rel=SAME)
    reset(model)
    assert numpy(model.terms(images).objective) == pytest.approx(expected, rel=SAME), "so it is outside of training"


def test_each_image_counts_by_whether_its_label_is_known(binary, labels):
    images, model = binary[:20], made(binary[:20], labelled_images=5)
    half = np.where(np.arange(20) < 10, labels[:20], -1).astype("int32")

    def objective(known: np.ndarray) -> np.ndarray:
        reset(model)
        return numpy(model.terms(images, training=True, labels=known).objective)

    mixed, none, all_ = objective(half), objective(np.full(20, -1, "int32")), objective(labels[:20])
    assert mixed[:10] == pytest.approx(all_[:10], rel=SAME)
    assert mixed[10:] == pytest.approx(none[10:], rel=SAME)


def test_the_class_enters_encoder_and_decoder(binary):
    model, chosen = made(binary[:20]), np.eye(CLASSES, dtype="float32")
    given = model.encode(binary[:1]).given
    means = numpy(ops.concatenate([given(chosen[[label]]).mean for label in range(CLASSES)]))
    images = numpy(model.decode_mean(np.concatenate([np.zeros((CLASSES, 3), "float32"), chosen], axis=1)))
    assert len(np.unique(means, axis=0)) == len(np.unique(images.reshape(CLASSES, -1), axis=0)) == CLASSES


def test_posterior_and_prior_have_the_frequencies_and_densities_that_they_state(binary):
    model = made(binary[:1])
    many = np.repeat(binary[:1], 4000, axis=0)
    posterior = model.encode(many)
    codes = posterior.sample(reset(model))
    z, chosen = split(numpy(codes), CLASSES)
    probs = np.exp(numpy(posterior.log_probs)[0])
    assert set(chosen.sum(axis=1).tolist()) == {1.0}
    assert np.all(np.abs(chosen.mean(axis=0) - probs) < 4.5 * np.sqrt(probs * (1 - probs) / 4000))
    own = posterior.given(ops.cast(chosen, "float32"))
    expected = (chosen * np.log(probs)).sum(axis=1) + numpy(own.log_prob(ops.cast(z, "float32")))
    assert numpy(posterior.log_prob(codes)) == pytest.approx(expected, abs=1e-4)
    prior = UniformClassAndNormal(3, CLASSES)
    drawn = numpy(prior.sample(4000, model.noise))
    assert np.all(np.abs(drawn[:, 3:].mean(axis=0) - 0.1) < 4.5 * math.sqrt(0.09 / 4000))
    normal = -0.5 * (drawn[:, :3] ** 2 + math.log(2 * math.pi)).sum(axis=1)
    found = numpy(prior.log_prob(ops.cast(drawn, "float32")))
    assert found == pytest.approx(normal - math.log(10), abs=1e-4)


def test_an_unknown_label_is_no_class():
    assert numpy(one_hot(ops.convert_to_tensor(np.array([-1, 2], "int32")), 3)).tolist() == [[0, 0, 0], [0, 0, 1]]


def test_permuted_labels_destroy_what_labels_give(binary, labels, compile_model: Callable[..., Any]):
    """With the true ones each class decodes to images like its mean; with permuted ones to the mean of all."""
    permuted = np.random.default_rng(0).permutation(labels)
    means = np.stack([binary[labels == label].mean(axis=0).ravel() for label in range(CLASSES)])
    chosen = np.concatenate([np.zeros((CLASSES, 3)), np.eye(CLASSES)], axis=1).astype("float32")

    def likest(known: np.ndarray) -> np.ndarray:
        model = compile_model(made(binary), 1e-2, steps_per_execution=1)
        model.fit(binary, known, batch_size=128, epochs=8, verbose=0)
        decoded = numpy(model.decode_mean(chosen)).reshape(CLASSES, -1)
        return ((decoded[:, None] - means[None]) ** 2).sum(axis=-1).argmin(axis=1)

    assert (likest(labels) == np.arange(CLASSES)).sum() >= 9
    assert (likest(permuted) == np.arange(CLASSES)).sum() <= 4  # by chance one; four or more in 2 % of permutations


@pytest.mark.parametrize(("options", "least"), [({"classes": 1}, 2), ({"labelled_images": -1}, 0)])
def test_bad_settings_are_refused(options, least):
    with pytest.raises(ValueError, match=rf"` must be at least {least}. Received: {next(iter(options))}="):
        ConditionalVAE(2, **options)
