"""Real outliers: an unseen class, other data sets, and the known failure of likelihoods on simpler images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score, roc_auc_score

from aebench import data
from aebench.backends.weights import get_weights
from aebench.data.pixels import Inputs, prepare
from aebench.measures.context import Member
from aebench.measures.scorer import Scorer
from aebench.measures.uses import outsiders
from aebench.measures.uses.lengths import png_bits
from aebench.measures.uses.trials import DATA, Trials
from aebench.models import AE, VAE
from aebench.records.record import MeasureSettings

SIDE = 24


def score(seen, model, sets=()):
    model.adapt(seen.train)
    weights = get_weights(model)
    settings = MeasureSettings(outlier_sets=sets)
    scorer = Scorer(model, seen, settings, None, families=[*outsiders.FAMILIES.values()])
    return scorer.score([Member(weights=weights, initial=weights, pictured=False)])[0]


def split(images, labels=None):
    return data.Split(images=images, labels=labels, maximum=1.0)


@pytest.fixture(scope="module")
def textured_and_plain(tmp_path_factory):
    """Data of fine texture, three in ten pixels on, and another set of plain images with a small square each."""
    rng = np.random.default_rng(0)
    plain = np.zeros((60, SIDE, SIDE, 1), "uint8")
    for image, (down, across) in zip(plain, rng.integers(0, SIDE - 4, (60, 2)), strict=True):
        image[down : down + 4, across : across + 4] = 1
    for name, images in (
        ("textured-images", (rng.random((200, SIDE, SIDE, 1)) < 0.3).astype("uint8")),
        ("plain-images", plain),
    ):
        path = tmp_path_factory.mktemp("sets") / f"{name}.npz"
        np.savez(path, x_train=images[: len(images) // 2], x_test=images[len(images) // 2 :])
        data.import_dataset(name, path)
    return prepare(data.load("textured-images"), "bernoulli", "train")


def test_a_likelihood_takes_simpler_images_for_better_ones_and_complexity_mends_it(textured_and_plain):
    """Nalisnick et al. 2019; Serrà et al. 2020. The model knows how often pixels are on, no more."""
    found = score(textured_and_plain, VAE(2, network="mlp-256"), ("plain-images",))
    assert found.metrics["other_set_auroc_likelihood"] < 0.05
    assert found.metrics["other_set_ap_likelihood"] < 0.4
    assert found.metrics["other_set_auroc_complexity"] > 0.95
    assert found.metrics["other_set_auroc"] == pytest.approx(
        max(found.metrics[f"other_set_auroc_{name}"] for name in outsiders.SCORES), abs=0.05
    )
    assert found.profiles["other_set_auroc_complexity_by_set"] == (found.metrics["other_set_auroc_complexity"],)
    assert found.arrays["latents"]["other_set_auroc_complexity"].shape == (100,)
    assert not any(name.startswith("unseen") for name in found.metrics)


def test_what_no_study_asks_for_is_not_measured(textured_and_plain):
    assert score(textured_and_plain, AE(2, network="mlp-256")).metrics == {}


def with_unseen_class() -> Inputs:
    """Three classes of stripes, of which the last, inverted ones, was not trained on."""
    rng = np.random.default_rng(1)

    def drawn(labels):
        images = rng.random((len(labels), 6, 6, 1)) < np.array([0.1, 0.2, 0.9])[labels][:, None, None, None]
        return images.astype("float32")

    train, test, validation = np.arange(80) % 2, np.arange(60) % 3, np.arange(20) % 2
    seen = drawn(test)
    return Inputs(
        train=drawn(train), validation=drawn(validation), test=seen, grey_test=seen, resample=True, labels=test,
        class_names=("a", "b", "c"), train_labels=train, validation_labels=validation, unseen_class=2,
        unseen_validation=drawn(np.full(7, 2)),
    )  # fmt: skip


def test_test_images_of_the_unseen_class_are_told_from_all_others():
    seen = with_unseen_class()
    found = score(seen, VAE(2, network="mlp-256"))
    assert found.metrics["unseen_class_auroc_likelihood"] == 1.0
    assert found.metrics["unseen_class_auroc"] == found.metrics["unseen_class_auroc_validation"] == 1.0
    assert found.arrays == {}, "the next seed leaves another class out: its images are not these"
    trial = Trials(seen).of_unseen_class("test")
    assert trial.distinct == {DATA: 40, "unseen": 20}
    assert trial.seen["unseen"].shape == seen.test.shape
    np.testing.assert_array_equal(trial.seen["unseen"][:20], seen.test[seen.labels == 2])
    np.testing.assert_array_equal(trial.seen["unseen"][20:40], seen.test[seen.labels == 2], err_msg="repeated")


def test_references_have_scikit_learn_s_areas_and_precisions():
    seen = with_unseen_class()
    found = score(seen, AE(1, network="mlp-256")).metrics
    told = Trials(seen)
    scores = told.references(told.of_unseen_class("test"), 1)
    both = np.concatenate([scores[DATA]["pca"][:40], scores["unseen"]["pca"][:20]])
    truth = np.repeat([0, 1], [40, 20])
    assert found["unseen_class_auroc_pca"] == pytest.approx(roc_auc_score(truth, both))
    assert found["unseen_class_ap_pca"] == pytest.approx(average_precision_score(truth, both))


def test_without_validation_images_of_the_class_no_score_is_chosen():
    seen = replace(with_unseen_class(), unseen_validation=np.zeros((0, 6, 6, 1), "float32"))
    found = score(seen, AE(2, network="mlp-256")).metrics
    assert "unseen_class_auroc" not in found
    assert "unseen_class_auroc_reconstruction" in found


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_png_lengths_are_those_of_files_that_hold_the_images(channels, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 9, channels)) / 255.0
    for image, bits in zip(images, png_bits(images, binary=False), strict=True):
        levels = np.rint(255.0 * image).astype("uint8")
        picture = levels if channels == 3 else levels.reshape(8, 9 * channels)
        Image.fromarray(picture).save(tmp_path / "one.png", optimize=True)
        assert bits == 8 * (tmp_path / "one.png").stat().st_size
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "one.png")), picture)


def test_blank_images_are_the_shortest():
    noise = (np.random.default_rng(0).random((1, 28, 28, 1)) < 0.5).astype("float32")
    blank, noisy = png_bits(np.concatenate([np.zeros_like(noise), noise]), binary=True)
    assert noisy > blank + 0.9 * 28 * 28, "a bit a pixel cannot be saved"
