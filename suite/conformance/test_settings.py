"""What can be set is kept, heard or refused; what can be trained is trained; all that is random has a seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from keras import ops

from aebench.conformance.subject import COMBINATIONS, LATENT, STEPS, Subject, given, set_noise

Differentiate = Callable[..., tuple[float, dict[str, Any]]]


def test_config_makes_the_same_model(subject: Subject, images: np.ndarray, labels: np.ndarray) -> None:
    """Same weights by the same names, same noise: layers have names, and all that is random a stream of the seed."""
    model = subject.adapted(images)
    copy = type(model).from_config(model.get_config())
    copy.adapt(images)
    assert copy.get_config() == model.get_config()
    for one, other in zip(model.weights, copy.weights, strict=True):
        assert one.path.split("/", 1)[1] == other.path.split("/", 1)[1], "a layer has no name of its own"
        same = np.array_equal(ops.convert_to_numpy(one.value), ops.convert_to_numpy(other.value))
        assert same, f"{one.path} starts from no seed of its own"
    one, other = (_loss_in_training(either, images, labels) for either in (model, copy))
    assert one == other, "the noise of `terms` is not drawn from `self.noise`, or it keeps state outside of variables"


def _loss_in_training(model: Any, images: np.ndarray, labels: np.ndarray) -> float:
    """At a fixed state of the noise; what it changes is put back. Not in a `StatelessScope`, which fixes all noise."""
    before = [(variable, np.array(ops.convert_to_numpy(variable.value))) for variable in model.non_trainable_variables]
    set_noise(model)
    loss = float(ops.convert_to_numpy(model.compute_loss(images, **given(model, labels))))
    for variable, value in before:
        variable.assign(value)
    return loss


def test_config_has_every_option(subject: Subject, images: np.ndarray) -> None:
    """`get_config` has the `int` and `str` settings that the class declares, as they are."""
    config = subject.adapted(images).get_config()
    kept = {name: config.get(name) for name in subject.declared.options}
    assert kept == subject.declared.options, "make them by self.count(name, value) or self.choice(name, value, known)"


def test_declared_scalars_are_weights_that_refuse_bad_values(subject: Any) -> None:
    """A `float` setting is made by `self.scalar`, so that runs that differ in it alone share a program."""
    for name, default in subject.declared.scalars.items():
        value, model = _another(subject, name, default)
        assert name in model.scalars, f"make it by self.scalar({name!r}, {name})"
        weight = getattr(model, name)
        assert not weight.trainable
        assert tuple(weight.shape) == ()
        assert float(ops.convert_to_numpy(weight.value)) == pytest.approx(value)
        assert model.get_config()[name] == value
        for bad in (-1.0, float("nan"), float("inf")):
            with pytest.raises(ValueError, match=rf"`{name}`[^\n]* must be[^\n]*Received"):
                subject.make(**{name: bad})


def _another(subject: Any, name: str, default: float) -> tuple[float, Any]:
    """A value of the setting beside its default that the variant takes, and a model with it."""
    above, below = (1.01 * default, 0.99 * default) if default else (0.01, 0.02)
    try:
        return above, subject.make(**{name: above})
    except ValueError:
        return below, subject.make(**{name: below})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latent_dim": 0}, "`latent_dim` must be .*Received: latent_dim=0"),
        ({"network": "transformer"}, "unknown network 'transformer'; known: linear, mlp"),
        ({"likelihood": "cauchy"}, "unknown likelihood 'cauchy'; known: bernoulli, gaussian"),
        ({"rate_warmup": 1.5}, "`rate_warmup` must be a share from 0 to 1|`rate_warmup` needs a rate"),
    ],
    ids=["latent_dim", "network", "likelihood", "rate_warmup"],
)
def test_bad_settings_are_refused(subject: Subject, options: dict[str, Any], message: str) -> None:
    """A `ValueError` tells what came and what is allowed; `**options` reach `Autoencoder`."""
    with pytest.raises(ValueError, match=message):
        subject.cls(**{"latent_dim": LATENT, **options})


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_every_weight_is_trained(
    subject: Subject, combination: tuple[str, str], images: np.ndarray, labels: np.ndarray, gradients: Differentiate
) -> None:
    """A gradient reaches each, where training starts or elsewhere; what none reaches is in vain, or not trainable."""
    model = subject.adapted(images, *combination)
    dead = dead_weights(gradients, model, images, **given(model, labels))
    if dead:
        moved = subject.moved(images, *combination)
        dead = [path for path in dead if path in dead_weights(gradients, moved, images, **given(moved, labels))]
    assert dead == []


def test_every_scalar_is_heard(
    subject: Subject, images: np.ndarray, labels: np.ndarray, gradients: Differentiate
) -> None:
    """It changes the objective or a gradient: where training starts, or elsewhere, early in a training or late."""
    adapted, moved = subject.adapted(images), subject.moved(images)
    known = given(adapted, labels)
    deaf = deaf_scalars(gradients, adapted, images, [*adapted.scalars], **known)
    for step in (0.1 * STEPS, 0.9 * STEPS):
        if moved.steps is not None:
            moved.steps.assign(step)
        deaf = deaf_scalars(gradients, moved, images, deaf, **known)
    assert deaf == []


def dead_weights(gradients: Differentiate, model: Any, images: np.ndarray, **known: Any) -> list[str]:
    """Trainable weights that the objective doesn't depend on, by their path inside the model."""
    _, found = gradients(model, images, **known)
    return [path.split("/", 1)[1] for path, value in found.items() if value is None or not value.any()]


def deaf_scalars(gradients: Differentiate, model: Any, images: np.ndarray, names: list[str], **known: Any) -> list[str]:
    """Which of these scalar hyper-parameters change neither the objective nor a gradient."""
    return [name for name in names if not _heard(gradients, model, images, name, known)]


def _heard(gradients: Differentiate, model: Any, images: np.ndarray, name: str, known: dict[str, Any]) -> bool:
    variable, noise = getattr(model, name), ops.convert_to_numpy(model.noise.state.value)
    value, results = float(ops.convert_to_numpy(variable.value)), []
    for setting in (value, value * 1.25 or 0.25):
        variable.assign(setting)
        model.noise.state.assign(noise)
        results.append(gradients(model, images, **known))
    variable.assign(value)
    (loss, one), (other_loss, other) = results
    pairs = [(one[path], other[path]) for path in one if one[path] is not None and other[path] is not None]
    return loss != other_loss or any(not np.array_equal(*pair) for pair in pairs)
