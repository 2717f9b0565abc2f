"""Pictures: shapes, ends of interpolations, centroids, the subset that is embedded."""

from __future__ import annotations

import numpy as np
import pytest

from aebench.backends.weights import get_weights, names
from aebench.data.pixels import Inputs
from aebench.measures.evaluator import Evaluator
from aebench.measures.pictures import family as generation
from aebench.measures.points import as_bytes
from aebench.models import AE, VAE


def made(cls, latent_dim, labels=True):
    grey = np.random.default_rng(0).random((60, 4, 4, 1), dtype="float32")
    binary = (grey > 0.5).astype("float32")
    inputs = Inputs(
        train=grey,
        validation=binary,
        test=binary,
        grey_test=grey,
        resample=True,
        labels=np.arange(60) % 3 if labels else None,
        class_names=("a", "b", "c") if labels else None,
    )
    model = cls(latent_dim, network="mlp-256", seed=0)
    model.adapt(grey)
    evaluator, weights = Evaluator(model), get_weights(model)
    codes = evaluator.representations(evaluator.load([weights]), inputs.test)[0]
    return evaluator, weights, inputs, codes


def figures(evaluator, weights, inputs, codes):
    return generation.figures(evaluator, [weights], inputs, codes[None])[0]


@pytest.mark.parametrize("cls", [AE, VAE])
def test_every_picture_has_its_shape(cls):
    arrays = figures(*made(cls, 3))
    shapes = {name: array.shape for name, array in arrays.items()}
    image = (4, 4, 1)
    assert shapes == {
        "prior_samples": (25, *image),
        "originals": (10, *image),
        "reconstructions": (10, *image),
        "interpolations": (5, 11, *image),
        "centroids": (3, *image),
        "traversals": (3, 11, *image),
        "embedding_images": (60, *image),
        "embedding_reconstructions": (60, *image),
        "embedding_codes": (60, 3),
        "embedding_index": (60,),
        "embedding_labels": (60,),
        "embedding_pca": (60, 2),
        "embedding_tsne": (60, 2),
        "class_names": (3,),
        "decoder_activations": (2,),
        "decoder_kernel_0": (3, 256),
        "decoder_bias_0": (256,),
        "decoder_kernel_1": (256, 16),
        "decoder_bias_1": (16,),
    }
    assert arrays["prior_samples"].dtype == np.uint8
    assert np.isfinite(arrays["embedding_tsne"]).all()


def test_two_dimensional_codes_are_shown_as_they_are():
    evaluator, weights, inputs, codes = made(VAE, 2)
    arrays = figures(evaluator, weights, inputs, codes)
    np.testing.assert_array_equal(arrays["embedding_codes"], codes)
    assert not {"embedding_pca", "embedding_tsne"} & set(arrays)
    assert arrays["manifold"].shape == (15, 15, 4, 4, 1)


def test_the_explored_images_and_reconstructions_belong_to_the_codes():
    evaluator, weights, inputs, codes = made(VAE, 3)
    arrays = figures(evaluator, weights, inputs, codes)
    index = arrays["embedding_index"]
    np.testing.assert_array_equal(arrays["embedding_images"], inputs.test[index] * 255)
    evaluator.model.set_weights([weights[name] for name in names(evaluator.model)])
    expected = np.asarray(evaluator.model.decode_mean(arrays["embedding_codes"]))
    np.testing.assert_allclose(arrays["embedding_reconstructions"], 255 * expected, atol=0.51)


def test_traversals_move_one_dimension_at_a_time_and_the_most_varied_first():
    rng = np.random.default_rng(0)
    codes = rng.normal(2.0, [0.1, 3.0, 1.0], (500, 3))
    paths = generation.traversals(codes)
    for row, dim in zip(paths, (1, 2, 0), strict=True):
        still = [other for other in range(3) if other != dim]
        np.testing.assert_allclose(row[:, still], np.tile(codes.mean(axis=0)[still], (11, 1)), rtol=1e-5)
        ends = codes[:, dim].mean() + codes[:, dim].std() * np.array([-3.0, 3.0])
        np.testing.assert_allclose(row[[0, -1], dim], ends, rtol=1e-5)
    assert generation.traversals(rng.normal(size=(50, 20))).shape == (8, 11, 20)


def test_the_grid_spans_the_middle_of_the_codes_with_the_second_axis_upwards():
    codes = np.stack([np.linspace(0, 100, 1001), np.linspace(-1, 1, 1001)], axis=1)
    points = generation.grid(codes)
    np.testing.assert_allclose(points[0, 0], [1.0, 0.98], rtol=1e-5)
    np.testing.assert_allclose(points[-1, -1], [99.0, -0.98], rtol=1e-5)
    np.testing.assert_allclose(np.diff(points[:, :, 0], axis=1), 7.0, rtol=1e-4)


def test_without_labels_there_are_no_centroids():
    arrays = figures(*made(VAE, 2, labels=False))
    assert not {"centroids", "embedding_labels", "class_names"} & set(arrays)


def test_interpolations_run_between_the_reconstructions_of_each_pair():
    arrays = figures(*made(VAE, 2))
    paths, ends = arrays["interpolations"].astype(int), arrays["reconstructions"].astype(int)
    assert np.abs(paths[:, 0] - ends[0::2]).max() <= 1
    assert np.abs(paths[:, -1] - ends[1::2]).max() <= 1
    assert np.abs(paths[:, 5] - ends[0::2]).max() > 1


def test_reconstructions_come_from_a_posterior_sample_and_an_autoencoders_from_its_code():
    for cls, same in ((VAE, False), (AE, True)):
        evaluator, weights, inputs, codes = made(cls, 2)
        at_mean = as_bytes(evaluator.decoded(evaluator.load([weights]), codes[None, :10])[0])
        drawn = figures(evaluator, weights, inputs, codes)["reconstructions"]
        assert (np.abs(at_mean.astype(int) - drawn).max() <= 1) == same


def test_prior_samples_are_the_same_codes_for_every_variant():
    drawn = [made(cls, 3) for cls in (VAE, AE)]
    codes, others = (
        evaluator.draw(evaluator.load([weights]), inputs.test[:5], 25)[1][0] for evaluator, weights, inputs, _ in drawn
    )
    assert codes.shape == (25, 3)
    np.testing.assert_array_equal(codes, others)
    assert abs(codes.mean()) < 0.5
    assert 0.7 < codes.std() < 1.3


def test_pictures_of_several_runs_are_those_of_each_alone():
    evaluator, weights, inputs, codes = made(VAE, 2)
    other = {name: array + 0.1 if name.startswith("decoder") else array for name, array in weights.items()}
    both = generation.figures(evaluator, [weights, other], inputs, np.stack([codes, codes]))
    for own, run in zip((weights, other), both, strict=True):
        for name, array in figures(evaluator, own, inputs, codes).items():
            if array.dtype == np.uint8:
                assert np.abs(array.astype(int) - run[name]).max() <= 1, name
            else:
                np.testing.assert_array_equal(array, run[name])
    assert (both[0]["prior_samples"] != both[1]["prior_samples"]).any()


def test_centroids_are_class_means():
    codes = np.array([[0.0, 2.0], [4.0, 0.0], [2.0, 2.0]])
    np.testing.assert_array_equal(generation.centroids(codes, np.array([5, 1, 5])), [[4.0, 0.0], [1.0, 2.0]])


def test_subset_is_sorted_stratified_and_always_the_same():
    labels = np.repeat([0, 1, 2], [9000, 900, 100])
    index = generation.subset(10_000, labels)
    assert len(index) == len(set(index.tolist())) == generation.EMBEDDED
    assert (np.diff(index) > 0).all()
    np.testing.assert_allclose(np.bincount(labels[index]), [900, 90, 10], atol=1)
    np.testing.assert_array_equal(index, generation.subset(10_000, labels))
    assert len(generation.subset(10_000, None)) == generation.EMBEDDED
    np.testing.assert_array_equal(generation.subset(12, None), np.arange(12))
