"""The data set inside scikit-learn: there without a network, small enough for seconds."""

from __future__ import annotations

import numpy as np

from aebench.data.dataset import Published, Split


def read_digits() -> Published:
    """scikit-learn's 1,797 digits.

    Returns:
        One split `(1797, 8, 8, 1)` uint8 in 0..16, in scikit-learn's order.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = bunch.images.astype(np.uint8)[..., np.newaxis]
    train = Split(images=images, labels=bunch.target.astype(np.int64), maximum=16.0)
    return Published(train=train, class_names=tuple(str(name) for name in bunch.target_names))
