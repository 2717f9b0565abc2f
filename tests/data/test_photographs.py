"""The patches of photographs: that they are what the photographs hold, and that no pixel is in two splits."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_sample_images

from aebench import data


def test_patches_are_cut_from_the_photographs_and_share_no_pixel() -> None:
    """Each patch is found where it was cut, and no place is used twice."""
    patches = data.load("photo_patches")
    assert {name: part.images.shape for name, part in patches.splits().items()} == {
        "train": (2500, 12, 12, 3),
        "validation": (500, 12, 12, 3),
        "test": (500, 12, 12, 3),
    }
    photographs = load_sample_images().images
    places: dict[bytes, set[tuple[int, int, int]]] = {}
    for label, image in enumerate(photographs):
        for top in range(0, 420, 12):
            for left in range(0, 600, 12):
                cut = image[top : top + 12, left : left + 12]
                places.setdefault(cut.tobytes(), set()).add((label, top, left))
    found = [
        places[image.tobytes()].pop()
        for part in patches.splits().values()
        for image, label in zip(part.images, part.labels, strict=True)
        if all(known[0] == label for known in places[image.tobytes()])
    ]
    assert len(set(found)) == len(found) == 3500


def test_both_photographs_are_in_every_split_alike() -> None:
    for part in data.load("photo_patches").splits().values():
        assert len(set(np.bincount(part.labels))) == 1
