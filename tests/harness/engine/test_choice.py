"""Which engine, how many runs at once, and the reason that the record keeps."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from aebench.errors import UserError
from aebench.harness.engine.choice import MEMORY, MOST_MEMBERS, choose, member_bytes
from aebench.models import AE, VAE, WAEMMD, BetaTCVAE, InfoVAE

BACKEND = keras.backend.backend()
vectorising = pytest.mark.skipif(BACKEND == "torch", reason="PyTorch has the sequential engine alone")


def model(network: str, side: int = 28) -> VAE:
    made = VAE(16, network=network)
    made.build((None, side, side, 1))
    return made


@vectorising
def test_dense_networks_are_trained_side_by_side(spec):
    chosen = choose("auto", model("mlp"), spec(batch_size=128), "CPU")
    assert chosen.engine == "vectorised"
    assert 1 < chosen.members < MOST_MEMBERS["CPU"], "a CPU's caches hold fewer MNIST networks than that"
    assert f"at most {chosen.members} runs at once on a CPU" in chosen.reason
    small = choose("auto", model("mlp-256", side=8), spec(batch_size=128), "CPU")
    assert small.members == MOST_MEMBERS["CPU"]
    assert choose("auto", model("mlp"), spec(batch_size=128), "GPU").members > 4 * chosen.members


@vectorising
def test_convolutions_are_trained_one_by_one_on_a_cpu_and_side_by_side_on_a_gpu(spec):
    network = model("conv")
    alone = choose("auto", network, spec(), "CPU")
    assert (alone.engine, alone.members) == ("sequential", 1)
    assert "convolutions" in alone.reason
    assert choose("auto", network, spec(), "GPU").engine == "vectorised"
    assert choose("vectorised", network, spec(), "CPU").engine == "vectorised"


def test_what_was_asked_for_is_done_or_refused(spec):
    chosen = choose("sequential", model("mlp"), spec(), "GPU")
    assert (chosen.engine, chosen.members, chosen.reason) == ("sequential", 1, "asked for")
    on_torch = spec(backend="torch")
    assert choose("auto", model("mlp"), on_torch, "CPU").engine == "sequential"
    with pytest.raises(UserError, match="needs backend tensorflow or jax and got torch; use --engine sequential"):
        choose("vectorised", model("mlp"), on_torch, "CPU")


@vectorising
def test_the_estimate_of_memory_counts_weights_and_activations(spec):
    network = model("mlp")
    weights = sum(np.prod(weight.shape) for weight in network.trainable_weights)
    without, one, two = (member_bytes(network, size) for size in (0, 1, 2))
    assert without == 16 * weights, "weights, gradients and two moments of 4 bytes"
    assert two - one == one - without
    assert (one - without) / 16 == pytest.approx(784 + 512 + 512 + 784 + 784 + 2 * 784, abs=64), "numbers an image"


@vectorising
@pytest.mark.parametrize(("cls", "numbers"), [(BetaTCVAE, 16), (WAEMMD, 21), (InfoVAE, 21), (VAE, 0)])
def test_the_estimate_counts_what_pairs_of_images_hold(cls, numbers):
    """Of each kernel of the discrepancy three matrices; of a total correlation one for each number of a code."""
    network = cls(16, network="mlp")
    network.build((None, 28, 28, 1))
    one, two, three = (member_bytes(network, size) for size in (1, 2, 3))
    assert (three - two) - (two - one) == 2 * 4 * 4 * numbers, "second difference of 4 copies of 4 bytes"


@vectorising
def test_a_member_too_large_for_the_budget_is_trained_alone(spec):
    huge = AE(16, network="mlp")
    huge.build((None, 200, 200, 3))
    assert member_bytes(huge, 4096) > MEMORY["CPU"]
    assert choose("auto", huge, spec(batch_size=4096), "CPU").members == 1


def test_a_batch_is_spread_where_it_divides_and_the_backend_can(spec, monkeypatch):
    with pytest.raises(UserError, match=r"engine 'parallel' needs backend jax and got tensorflow; use --engine auto"):
        choose("parallel", model("mlp"), spec(backend="tensorflow"), "CPU")
    on_jax = spec(backend="jax", batch_size=100)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    with pytest.raises(UserError, match=r"over several devices, and there is one"):
        choose("parallel", model("mlp"), on_jax, "CPU")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: [f"cpu:{at}" for at in range(8)])
    with pytest.raises(UserError, match=r"into 8 parts.* batch_size 100 does not divide.*; choose a multiple of 8"):
        choose("parallel", model("mlp"), on_jax, "CPU")
    chosen = choose("parallel", model("mlp"), spec(backend="jax", batch_size=96), "CPU")
    assert (chosen.engine, chosen.reason) == ("parallel", "asked for; each batch over 8 devices")
