"""One run over all devices of the process: the curve that it has on one of them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import rounding

from aebench import backends
from aebench.harness.engine import sequential
from aebench.harness.engine.trainer import on_device

DEVICES = len(keras.distribution.list_devices()) if keras.backend.backend() == "jax" else 1
pytestmark = pytest.mark.skipif(DEVICES < 2, reason="needs JAX with several devices")
# As for a run in a cohort (`test_agreement`): sums over 256 units, 16 pixels and 16 images are taken in another order,
# which moves a loss by up to 5 times that, and a gradient, which cancels to 1/√16; curves are kept to six digits.
SAME = rounding.relative(256, 16, 16, condition=5.0) + rounding.relative(16, condition=16**0.5) / 3.0 + 1e-5


def test_a_run_over_all_devices_has_the_curve_that_it_has_on_one(spec, inputs, make_model):
    run = spec(batch_size=8 * DEVICES, epochs=4)
    (alone,) = sequential.train([run], make_model, inputs, lambda *_: None)
    with backends.spread_batches():
        (spread,) = sequential.train([run], make_model, inputs, lambda *_: None, engine="parallel")
        assert len(on_device(inputs).value.sharding.device_set) == DEVICES
    assert (alone.engine, spread.engine) == ("sequential", "parallel")
    for name, curve in alone.curve.model_dump().items():
        np.testing.assert_allclose(getattr(spread.curve, name), curve, rtol=SAME, err_msg=name)
    assert len(on_device(inputs).value.sharding.device_set) == 1, "what comes next is on one device again"
