"""Splits are fixed, disjoint, complete, and balanced where there are labels."""

from __future__ import annotations

import numpy as np
import pytest

from aebench import data
from aebench.data.dataset import Published, Split
from aebench.data.splitting import cut, hold_out
from aebench.errors import UserError


def numbered(count: int, labels: np.ndarray | None = None) -> Split:
    """A split whose images are their own indices."""
    return Split(images=np.arange(count, dtype=np.float32).reshape(-1, 1, 1, 1), labels=labels, maximum=1.0)


def indices(split: Split) -> list[int]:
    return split.images.ravel().astype(int).tolist()


def test_digits_have_the_stated_sizes_and_scale() -> None:
    digits = data.load("digits")
    assert [len(part) for part in digits.splits().values()] == [1257, 180, 360]
    assert digits.image_shape == (8, 8, 1)
    assert digits.class_names == tuple("0123456789")
    assert digits.train.maximum == 16
    pixels = digits.test.pixels()
    assert pixels.dtype == np.float32
    assert (pixels.min(), pixels.max()) == (0, 1)


def test_digits_are_scikit_learns_and_stratified() -> None:
    from sklearn.datasets import load_digits

    digits = data.load("digits")
    images = np.concatenate([part.images[..., 0] for part in digits.splits().values()])
    assert sorted(image.tobytes() for image in images) == sorted(
        image.astype(np.uint8).tobytes() for image in load_digits().images
    )
    everyone = np.bincount(load_digits().target)
    for part in digits.splits().values():
        expected = everyone * len(part) / 1797
        assert np.all(np.abs(np.bincount(part.labels) - expected) <= 1.5)


def test_the_digits_split_never_changes() -> None:
    assert data.digest("digits") == "ba04b464e68a51ef2a0210b7a98d7b26557e07bdb5bd13758c6d4e7261a192f9"


def test_hold_out_is_exact_stratified_and_keeps_the_order() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    kept, held = hold_out(numbered(100, labels), 10)
    assert sorted(indices(kept) + indices(held)) == list(range(100))
    assert indices(held) == sorted(indices(held))
    assert np.bincount(held.labels).tolist() == [5, 3, 2]
    assert labels[indices(kept)].tolist() == kept.labels.tolist()


def test_hold_out_is_exact_where_quotas_do_not_divide() -> None:
    _, held = hold_out(numbered(31, np.arange(31) % 4), 7)
    assert len(held) == 7


def test_hold_out_without_labels_is_random_but_fixed() -> None:
    first, second = hold_out(numbered(100), 10)[1], hold_out(numbered(100), 10)[1]
    assert indices(first) == indices(second) != list(range(90, 100))


def test_last_takes_the_end_of_the_published_order() -> None:
    parts = cut(Published(train=numbered(6000), test=numbered(10)), "last", "x")
    assert indices(parts.validation) == list(range(1000, 6000))
    assert indices(parts.train) == list(range(1000))
    assert indices(parts.test) == list(range(10))


def test_tenth_keeps_published_splits() -> None:
    given = Published(train=numbered(40), validation=numbered(5), test=numbered(6))
    parts = cut(given, "tenth", "x")
    assert (parts.train, parts.validation, parts.test) == (given.train, given.validation, given.test)


def test_tenth_makes_the_splits_that_are_not_published() -> None:
    parts = cut(Published(train=numbered(100)), "tenth", "x")
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (81, 9, 10)
    assert sorted(indices(parts.train) + indices(parts.validation) + indices(parts.test)) == list(range(100))
    assert "test" in parts.rule


@pytest.mark.parametrize(("train", "test"), [(19, 10), (100, 1)])
def test_too_few_images(train: int, test: int) -> None:
    with pytest.raises(UserError, match="at least"):
        cut(Published(train=numbered(train), test=numbered(test)), "tenth", "x")


def grouped(*sizes: int) -> Published:
    """Images in groups of these sizes."""
    whole = numbered(sum(sizes))
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return Published(train=Split(images=whole.images, labels=None, maximum=1.0, groups=groups))


@pytest.mark.parametrize("sizes", [(98, 1, 1), (1, 98, 1), (1, 1, 98), (10, 1, 89)])
def test_groups_of_which_no_three_splits_can_be_made_are_told_in_a_line(sizes: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"cut by whole groups, has .* at least"):
        cut(grouped(*sizes), "tenth", "x")


@pytest.mark.parametrize("sizes", [(40, 30, 2), (30, 30, 30, 10), (5,) * 20])
def test_groups_stay_whole_and_no_split_is_without_one(sizes: tuple[int, ...]) -> None:
    parts = cut(grouped(*sizes), "tenth", "x")
    found = [set(part.groups.tolist()) for part in (parts.train, parts.validation, parts.test)]
    assert all(found)
    assert sorted(group for one in found for group in one) == list(range(len(sizes)))
