"""Holds what came under a known name against what its authors published."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from aebench.data.dataset import Array, Published, Split
from aebench.data.known import KNOWN, KnownDataset
from aebench.errors import UserError

_ADVICE = "; check the files, or import them under another name"


def conform(name: str, known: KnownDataset, published: Published) -> Published:
    """Checks a data set against the published one of that name and gives it its known order and class names.

    Args:
        name: the name that it shall have.
        known: what is known of that name.
        published: what came, as `arrays.publish` returns it: its class names are the label values that occur.

    Returns:
        The data set, byte for byte the same whichever way it came.

    Raises:
        UserError: other sizes, image shape, labels or content than the published ones.
    """
    _check_images(name, known, published)
    _check_labels(name, known, published)
    _check_content(name, known, published)
    if not known.published_order:
        published = sort_by_content(published)
    return replace(published, class_names=known.class_names)


def sort_by_content(published: Published) -> Published:
    """Puts each split in the order of its images' sha256, which no writer's shuffling can change.

    Args:
        published: a data set in any order.

    Returns:
        The same images and labels, re-ordered.
    """
    splits = {name: split.take(_content_order(split)) for name, split in published.splits().items()}
    return replace(published, **splits)  # type: ignore[arg-type]  # each by the name of its field


def _content_order(split: Split) -> Array:
    labels = np.zeros(len(split), np.int64) if split.labels is None else split.labels
    keys = [
        hashlib.sha256(image.tobytes() + label.tobytes()).digest()
        for image, label in zip(split.images, labels, strict=True)
    ]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__))


def _check_images(name: str, known: KnownDataset, published: Published) -> None:
    came = {
        split_name: _form(split.images.shape, split.images.dtype) for split_name, split in published.splits().items()
    }
    expected = {
        split_name: _form((size, *known.image_shape), "uint8") for split_name, size in known.published_sizes.items()
    }
    if came != expected:
        raise UserError(f"images for {name} are {_listed(came)}; published: {_listed(expected)}{_ADVICE}")


def _form(shape: tuple[int, ...], dtype: object) -> str:
    return f"{'x'.join(str(size) for size in shape)} {dtype}"


def _listed(forms: Mapping[str, str]) -> str:
    return ", ".join(f"{split_name} {form}" for split_name, form in forms.items())


def _check_labels(name: str, known: KnownDataset, published: Published) -> None:
    expected = known.class_names and tuple(str(index) for index in range(len(known.class_names)))
    if published.class_names != expected:
        came = "none" if published.class_names is None else ", ".join(published.class_names[:12])
        allowed = "none" if expected is None else f"0..{len(expected) - 1}, each at least once"
        raise UserError(f"labels for {name} are {came}; published: {allowed}{_ADVICE}")


def _check_content(name: str, known: KnownDataset, published: Published) -> None:
    came = checksums(published)
    for other_name, other in KNOWN.items():
        if other_name != name and _is_same(came, other.checksums):
            raise UserError(f"these are the images of {other_name}, not of {name}; import them as {other_name}")
    for array_name, expected in known.checksums.items():
        if came[array_name] != expected:
            raise UserError(f"{array_name} of {name} have sha256 {came[array_name]}; published: {expected}{_ADVICE}")


def _is_same(came: Mapping[str, str], published: Mapping[str, str]) -> bool:
    return bool(published) and came["train_images"] == published["train_images"]


def checksums(published: Published) -> dict[str, str]:
    """sha256 of each array's values as bytes, in the form that known sets are published in.

    Args:
        published: uint8 images, and labels below 256 if any sum of labels shall match.

    Returns:
        `train_images`, `train_labels`, `test_images` ... to hex digests.
    """
    sums = {}
    for name, split in published.splits().items():
        sums[f"{name}_images"] = hashlib.sha256(split.images.tobytes()).hexdigest()
        if split.labels is not None:
            sums[f"{name}_labels"] = hashlib.sha256(split.labels.astype(np.uint8).tobytes()).hexdigest()
    return sums
