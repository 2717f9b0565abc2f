"""Runs that are trained side by side have the numbers that each would have alone: two steps, from stacked variables."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from aebench import backends
from aebench.backends.members import over_members, stack
from aebench.conformance import rounding
from aebench.conformance.differentiation import differentiated
from aebench.conformance.subject import LATENT, Subject, move
from aebench.data.pixels import Inputs
from aebench.harness.engine.template import Template

SEEDS, BATCH, STEPS, RATE = (1, 2), 16, 2, 0.01
# What a member may differ by from the run alone, over the largest of the numbers. Sums over pixels, codes, pixels and
# images, which are up to 5 times as large without their signs; a gradient's sum over images cancels to 1/√BATCH.
SAME = rounding.relative(64, LATENT, 64, BATCH, condition=5.0 * BATCH**0.5)


def test_members_of_a_cohort_agree_with_the_run_alone(
    subject: Subject, images: np.ndarray, labels: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    """Losses, gradients, and all that a step changes beside: noise, schedules, moving averages, metrics."""
    if not backends.current().trains_cohorts:
        pytest.skip(f"{backends.current().title} has no cohorts here")
    if subject.cls.not_vectorised:
        pytest.skip(subject.cls.not_vectorised)
    models = [_model(subject, images, seed) for seed in SEEDS]
    template = Template(models[0], _inputs(images, labels))
    starts = [template.start(model) for model in models]
    batches = [_batch(template, part) for part in np.split(np.arange(2 * BATCH), 2)]
    stacked = keras.tree.map_structure(lambda *parts: ops.stack(parts), *batches)
    compiled = backends.current().compiled
    together = compiled(lambda trainable, others: _together(template, trainable, others, stacked))
    alone: Callable[..., Any] = partial(_alone, template)
    if keras.backend.backend() == "jax":  # elsewhere a few steps as they are take less time than to compile them
        alone = compiled(alone)
    for step in range(STEPS):
        with caplog.at_level(logging.WARNING, logger="tensorflow"):
            found = together(*map(_tensors, map(stack, zip(*starts, strict=True))))
        assert "while_loop" not in caplog.text, "some operation runs one member after the other; use another"
        for member, (start, batch) in enumerate(zip(starts, batches, strict=True)):
            own = [[*map(ops.convert_to_numpy, part)] for part in alone(*map(_tensors, start), batch)]
            _agree(template, [[part[member] for part in parts] for parts in found], own, step)
            _, gradients, others = own
            trainable = [value - RATE * gradient for value, gradient in zip(start[0], gradients, strict=True)]
            starts[member] = (trainable, others)


def _model(subject: Subject, images: np.ndarray, seed: int) -> Any:
    """A run's model; runs differ in their seeds and in the value of every scalar."""
    model = subject.make(seed=seed, training_steps=10)
    model.adapt(images)
    for name, value in model.scalars.items():
        getattr(model, name).assign(value * (1.0 + 0.02 * seed))
    return move(model)


def _inputs(images: np.ndarray, labels: np.ndarray) -> Inputs:
    return Inputs(
        train=images,
        validation=images[:2],
        test=images[:2],
        grey_test=images[:2],
        resample=False,
        labels=labels[:2],
        class_names=None,
        train_labels=labels,
    )


def _batch(template: Template, indices: np.ndarray) -> dict[str, Any]:
    """What the loss takes of the images at these indices."""
    return dict(template.trainer.draw(ops.convert_to_tensor(indices.astype("int32"))))


def _together(template: Template, trainable: list[Any], others: list[Any], batches: dict[str, Any]) -> Any:
    """All members' losses, gradients and other variables after a step."""
    loss = over_members(lambda own, _: template.loss(own[0], own[1], own[2]))

    def total(at: list[Any]) -> tuple[Any, Any]:
        losses, after = loss((at, others, batches), ())
        return ops.sum(losses), (losses, after)

    _, gradients, (losses, after) = differentiated(total, trainable)
    return [losses], _full(gradients, trainable), after


def _alone(template: Template, trainable: list[Any], others: list[Any], batch: dict[str, Any]) -> Any:
    """The same of one run, by itself."""
    loss, gradients, after = differentiated(lambda at: template.loss(at, others, batch), trainable)
    return [loss], _full(gradients, trainable), after


def _tensors(arrays: list[np.ndarray]) -> list[Any]:
    return [*map(ops.convert_to_tensor, arrays)]


def _full(gradients: list[Any], values: list[Any]) -> list[Any]:
    """Gradients, 0 where a weight isn't used."""
    pairs = zip(gradients, values, strict=True)
    return [ops.zeros_like(value) if gradient is None else gradient for gradient, value in pairs]


def _agree(template: Template, member: list[list[Any]], alone: list[list[np.ndarray]], step: int) -> None:
    largest = max(np.abs(gradient).max(initial=0.0) for gradient in alone[1])
    parts = (
        ("loss", [""], 0.0),
        ("gradient of ", [variable.path for variable in template.trainable], 0.01 * largest),
        ("after it, ", [variable.path for variable in template.others], 0.0),
    )
    for (what, names, least), of_member, of_run in zip(parts, member, alone, strict=True):
        for name, one, other in zip(names, of_member, of_run, strict=True):
            # What a sum comes to may be little beside what it adds up: then other gradients tell how much that is.
            bound = SAME * max(np.abs(other).max(initial=0.0), least)
            np.testing.assert_allclose(
                ops.convert_to_numpy(one), other, rtol=0, atol=bound, err_msg=f"step {step + 1}: {what}{name}"
            )
