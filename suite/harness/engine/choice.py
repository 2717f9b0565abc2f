"""Which engine trains a cohort, how many runs at once, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import keras

from aebench import backends
from aebench.backends.layers import convolutions, leaves
from aebench.errors import UserError
from aebench.records.record import EngineName
from aebench.records.spec import RunSpec

if TYPE_CHECKING:
    from aebench.backends.protocol import Backend

EngineOption = Literal["auto", "vectorised", "sequential", "parallel"]
MOST_MEMBERS = {"CPU": 64, "GPU": 512, "TPU": 512}
# On a CPU a cohort whose state leaves the caches gains nothing more, and is longer to lose to an interrupt.
MEMORY = {"CPU": 256 * 2**20, "GPU": 16 * 2**30, "TPU": 8 * 2**30}
ADAM_COPIES = 4  # weights, gradients and two moments
ACTIVATION_COPIES = 4  # forward, backward and what XLA or TensorFlow hold in between


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An engine, why, and how many runs it takes at once."""

    engine: EngineName
    reason: str
    members: int


def choose(asked: EngineOption, model: Any, spec: RunSpec, device_kind: Literal["CPU", "GPU", "TPU"]) -> Choice:
    """The engine for a cohort.

    Dense networks gain from being trained side by side. Convolutions do so on a GPU; on a CPU they were twice as slow,
    and minutes in compiling. Those over time were up to 1.8 times as slow there, and never faster.

    Args:
        asked: what the user said.
        model: one of the cohort's, built.
        spec: of any of its runs.
        device_kind: where it trains.

    Raises:
        UserError: the vectorised or the parallel engine was asked for and cannot be had.
    """
    backend = backends.get(spec.backend)
    if asked == "parallel":
        devices = _devices(backend, spec)
        return Choice(engine="parallel", reason=f"asked for; each batch over {devices} devices", members=1)
    if not backend.trains_cohorts:
        if asked == "vectorised":
            able = " or ".join(name for name in backends.NAMES if backends.get(name).trains_cohorts)
            raise UserError(f"engine 'vectorised' needs backend {able} and got {spec.backend}; use --engine sequential")
        return _one_by_one(f"{backend.title} has no cohorts here")
    if asked == "sequential":
        return _one_by_one("asked for")
    if asked == "auto" and model.not_vectorised:
        return _one_by_one(model.not_vectorised)
    if asked == "auto" and device_kind == "CPU" and convolutions(model):
        return _one_by_one("convolutions on a CPU train faster one by one")
    each = member_bytes(model, spec.batch_size)
    members = max(1, min(MOST_MEMBERS[device_kind], MEMORY[device_kind] // each))
    why = "asked for" if asked == "vectorised" else "one program for all is faster"
    reason = f"{why}; at most {members} runs at once on a {device_kind}, by an estimate of {each / 2**20:.1f} MiB each"
    return Choice(engine="vectorised", reason=reason, members=members)


def _devices(backend: Backend, spec: RunSpec) -> int:
    """How many devices each batch is spread over."""
    if not backend.spreads_batches:
        able = " or ".join(name for name in backends.NAMES if backends.get(name).spreads_batches)
        raise UserError(f"engine 'parallel' needs backend {able} and got {spec.backend}; use --engine auto")
    count = len(keras.distribution.list_devices())
    if count < 2:
        raise UserError("engine 'parallel' spreads a batch over several devices, and there is one; use --engine auto")
    if spec.batch_size % count:
        raise UserError(
            f"engine 'parallel' cuts each batch into {count} parts, one a device, and batch_size {spec.batch_size} "
            f"does not divide by that; choose a multiple of {count}, or fewer devices"
        )
    return count


def _one_by_one(reason: str) -> Choice:
    return Choice(engine="sequential", reason=reason, members=1)


def member_bytes(model: Any, batch_size: int) -> int:
    """Estimated memory of one member of a cohort: its weights with Adam's state, a batch's activations and pairs."""
    weights = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    outputs = sum(math.prod(layer.output.shape[1:]) for layer in leaves(model) if _is_connected(layer))
    activations = batch_size * (outputs + 2 * math.prod(model.image_shape))
    pairs = batch_size**2 * model.numbers_per_pair
    return int(4 * (ADAM_COPIES * weights + ACTIVATION_COPIES * (activations + pairs)))


def _is_connected(layer: keras.layers.Layer) -> bool:
    """Whether the layer knows the shape of its output, as those of a `Sequential` do."""
    try:
        return layer.output is not None
    except (AttributeError, ValueError):
        return False
