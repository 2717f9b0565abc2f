"""The published file of dSprites, made small from our own sprites."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from aebench.data import combinations, dsprites, dsprites_file
from aebench.data.importing import read_path
from aebench.errors import UserError

LEVELS = (1, 3, 2, 4, 5, 5)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """small(**changes) -> a file of 600 images in all, of which 450 and 100 are drawn, and their arrays."""
    monkeypatch.setattr(dsprites_file, "LEVELS", LEVELS)
    monkeypatch.setattr(dsprites_file, "_TOGETHER", 64)
    monkeypatch.setattr(combinations, "TRAIN", 450)
    monkeypatch.setattr(combinations, "TEST", 100)
    scales, turns, places = np.linspace(0.5, 1, 2), np.linspace(0, 2 * np.pi, 4), np.linspace(0, 1, 5)
    values = np.array([*product([1.0], [1.0, 2.0, 3.0], scales, turns, places, places)])
    images = dsprites.render(values[:, 1:] - [1, 0, 0, 0, 0])[..., 0]

    def made(**changes):
        arrays = {"imgs": images, "latents_values": values, "latents_classes": values.astype("int64"), **changes}
        path = tmp_path / "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
        np.savez(path, metadata=np.array({"title": "dSprites"}, dtype=object), **arrays)
        return path, arrays

    return made


def test_the_published_file_has_the_combinations_that_are_drawn_anew(small):
    path, arrays = small()
    found = read_path("published", path)
    assert found.factors == dsprites.FACTORS
    drawn = combinations.draw(LEVELS[1:])
    images, factors = (
        np.concatenate([getattr(part, name) for part in (found.train, found.test)]) for name in ("images", "factors")
    )
    places = np.ravel_multi_index(tuple(drawn.T), LEVELS[1:])
    np.testing.assert_array_equal(images[..., 0], arrays["imgs"][places])
    np.testing.assert_array_equal(factors[:, 1:], arrays["latents_values"][places, 2:])
    np.testing.assert_array_equal(images, dsprites.render(factors), err_msg="each image has its own factors")
    assert (len(found.train), len(found.test), found.train.maximum) == (450, 100, 1.0)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("imgs", lambda images: images[:599], r"imgs in .* is uint8 \(599, 64, 64\); .* has uint8 \(600, 64, 64\)"),
        ("imgs", lambda images: images.astype("float32"), "imgs in .* is float32"),
        ("imgs", lambda images: 255 * images, "go up to 255"),
        ("latents_values", lambda values: values.round(), r"have \(1, 3, 2, 4, 2, 2\) values"),
    ],
)
def test_another_file_is_refused_in_a_line(name, change, told, small):
    _, arrays = small()
    path, _ = small(**{name: change(arrays[name])})
    with pytest.raises(UserError, match=told):
        read_path("published", path)
