"""What `Autoencoder` refuses, whatever the variant."""

from __future__ import annotations

import numpy as np
import pytest

from aebench.models import AE


@pytest.mark.parametrize("shape", [(4,), (4, 8, 8, 1, 1), (None, None, 8, 1), (4, None)])
def test_other_shapes_than_images_and_vectors_are_refused(shape):
    with pytest.raises(ValueError, match="images must be"):
        AE(2).build(shape)


def test_images_of_another_size_than_the_first_are_refused(binary):
    model = AE(2, network="linear")
    model.adapt(binary[:4])
    with pytest.raises(ValueError, match="expected shape"):
        model(np.zeros((2, 7, 7, 1), "float32"))


def test_sample_weights_are_refused(binary):
    with pytest.raises(ValueError, match="`sample_weight` is not supported"):
        AE(2).compute_loss(binary[:4], sample_weight=np.ones(4))
