"""Batches, binarisation and images on the device: what both engines share."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from keras import ops

from aebench.errors import UserError
from aebench.harness.engine.trainer import Trainer, batches, known_labels, steps_per_epoch
from aebench.models import VAE

IMAGES, BATCH = 70, 16


def test_each_epoch_is_a_permutation_cut_to_full_batches(spec):
    steps = steps_per_epoch(spec(), IMAGES)
    epochs = np.stack(list(islice(batches(3, IMAGES, steps, BATCH), 30)))
    assert epochs.shape == (30, 4, BATCH)
    epochs = epochs.reshape(30, -1)
    assert all(len(set(epoch)) == steps * BATCH for epoch in epochs.tolist())
    assert set(epochs.ravel().tolist()) == set(range(IMAGES)), "no image is left out for good"
    assert (epochs[0] != epochs[1]).any()


def test_seeds_have_batches_of_their_own():
    one, again, other = (next(batches(seed, IMAGES, 4, BATCH)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_draws_are_fresh_bernoulli_samples_of_the_grey_pixels(spec, inputs, make_model):
    trainer = Trainer(make_model(spec()), inputs)
    indices = ops.convert_to_tensor(np.arange(IMAGES, dtype="int32"))
    draws = np.stack([ops.convert_to_numpy(trainer.draw(indices)["x"]) for _ in range(400)])
    assert set(np.unique(draws).tolist()) == {0.0, 1.0}
    assert np.abs(draws.mean(axis=0) - inputs.train).max() < 5 * 0.5 / np.sqrt(400)
    assert (draws[0] != draws[1]).any()


def test_programs_share_the_images_on_the_device(spec, inputs, make_model):
    one, two = (Trainer(make_model(spec(seed=seed)), inputs) for seed in (1, 2))
    assert one.images is two.images
    other = Trainer(make_model(spec()), replace(inputs))
    assert other.images is not one.images


class Labelled(VAE):
    variant_name, takes_labels, classes = "labelled", True, 3

    def __init__(self, latent_dim, labelled_images=0, **options):
        super().__init__(latent_dim, network="linear", **options)
        self.labelled_images = labelled_images


def test_as_many_labels_are_known_as_the_variant_asks_for(inputs):
    labels = np.arange(IMAGES) % 3
    labelled = replace(inputs, train_labels=labels)
    known = known_labels(labelled, Labelled(2, labelled_images=10))
    assert (known >= 0).sum() == 10
    assert np.array_equal(known[known >= 0], labels[known >= 0])
    assert np.array_equal(known_labels(labelled, Labelled(2)), labels)
    model = Labelled(2)
    model.adapt(inputs.train)
    drawn = Trainer(model, labelled).draw(ops.convert_to_tensor(np.array([4, 2], "int32")))
    assert ops.convert_to_numpy(drawn["y"]).tolist() == [1, 2]


def test_labels_that_are_missing_or_too_many_are_told_in_one_line(inputs):
    with pytest.raises(UserError, match="variant 'labelled' needs labels and the data set has none"):
        known_labels(inputs, Labelled(2))
    with pytest.raises(UserError, match="has classes=3 and the data set has 4; set classes = 4"):
        known_labels(replace(inputs, train_labels=np.arange(IMAGES) % 4), Labelled(2))
