"""Pictures of uses: what is ranked, filled in and found is what the numbers say."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from aebench.measures.uses import shown
from aebench.measures.uses.trials import DATA, Trial


def flat(brightness):
    """Images of one brightness each, which names them."""
    return np.broadcast_to(np.asarray(brightness, "float32")[:, None, None, None], (len(brightness), 2, 2, 1)) / 255.0


def test_images_are_ranked_by_score_and_repetitions_left_out():
    trial = Trial(
        seen={DATA: flat(np.arange(30)), "a": flat(np.resize(np.arange(100, 104), 30)), "b": flat(np.arange(200, 230))},
        distinct={DATA: 30, "a": 4, "b": 30},
    )
    scores = {
        DATA: {"x": np.arange(30.0)},
        "a": {"x": np.array([9.0, -1.0, 5.0, 99.0])},
        "b": {"x": np.arange(30.0)[::-1] + 6.5},
    }
    rows = shown.ranked(trial, scores, "x")["anomalies"][:, :, 0, 0, 0]
    assert rows[0].tolist() == [*range(29, 19, -1)], "the strangest test images"
    assert rows[1].tolist() == [*range(10)], "the least strange"
    assert rows[2, :4].tolist() == [101, 102, 229, 228], "outliers of any kind that pass most easily"


def test_what_is_missing_is_grey_and_then_filled_and_the_rest_is_left():
    seen, missing = np.ones((12, 2, 2, 1)), np.zeros((12, 2, 2, 1))
    missing[:, 1] = 1.0
    found = shown.filled(seen, missing, np.full_like(seen, 0.2))["imputations"]
    assert found.shape == (3, 10, 2, 2, 1)
    assert [np.unique(row[:, 0]).tolist() for row in found] == [[255]] * 3
    assert [np.unique(row[:, 1]).tolist() for row in found] == [[255], [128], [51]]


def test_each_query_stands_before_its_nearest_training_images(inputs):
    data, rng = inputs(), np.random.default_rng(0)
    train, test = rng.normal(size=(80, 3)), rng.normal(size=(50, 3))
    found = shown.retrieved(data, train, test)["retrieved"]
    places = NearestNeighbors(n_neighbors=9).fit(train).kneighbors(test[:5], return_distance=False)
    np.testing.assert_array_equal(found[:, 0], 255 * data.test[:5])
    np.testing.assert_array_equal(found[:, 1:], 255 * data.seen_train[places])
