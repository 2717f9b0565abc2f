"""What every registered variant must do; a new one is found by its declaration and gets these tests free."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import ops

from aebench.models import AE, VAE
from aebench.models.base import Terms
from aebench.models.distributions import DiagonalGaussian
from aebench.models.likelihoods import LIKELIHOODS
from aebench.study.variants import built_in, load

VARIANTS = built_in()
NETWORKS = ["linear", "mlp", "conv"]
FITS = [("mlp", "bernoulli"), ("linear", "gaussian"), ("conv", "continuous_bernoulli")]
LATENT = 3


def make(variant: str, network: str = "mlp", likelihood: str = "bernoulli", seed: int = 1, **scalars: float):
    return load(VARIANTS[variant])(LATENT, network=network, likelihood=likelihood, seed=seed, **scalars)


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:32]


@pytest.fixture(scope="module")
def adapted(images: np.ndarray) -> Callable[..., Any]:
    """Models that have seen images and no training; each is made once."""

    @cache
    def adapted_(variant: str, network: str, likelihood: str) -> Any:
        model = make(variant, network, likelihood)
        model.adapt(images)
        return model

    return adapted_


@pytest.fixture(params=[(v, n, p) for v in VARIANTS for n in NETWORKS for p in LIKELIHOODS], ids="-".join)
def model(request: pytest.FixtureRequest, adapted: Callable[..., Any]) -> Any:
    return adapted(*request.param)


def state(model: Any) -> list[np.ndarray]:
    return [ops.convert_to_numpy(variable.value) for variable in (*model.weights, model.noise.state)]


def test_terms_are_finite_nats_for_each_image(model, images):
    terms = model.terms(images)
    assert (terms.rate is not None) == model.has_posterior
    for term in filter(lambda term: term is not None, (terms.objective, terms.distortion, terms.rate)):
        assert term.shape == (len(images),)
        assert np.isfinite(ops.convert_to_numpy(term)).all()


def test_codes_and_images_have_their_shapes(model, images):
    posterior = model.encode(images)
    codes = posterior.sample(model.noise)
    assert posterior.mean.shape == codes.shape == (len(images), LATENT)
    assert model.decode(codes).shape == model.decode_mean(codes).shape == images.shape
    assert model.distortion(images, codes).shape == (len(images),)


def test_prior_samples_can_be_decoded(model):
    codes = model.prior.sample(5, model.noise)
    assert codes.shape == (5, LATENT)
    assert model.decode_mean(codes).shape == (5, 8, 8, 1)


def test_rate_is_not_negative(model, images):
    """For a rate in closed form."""
    if not model.has_posterior:
        with pytest.raises(NotImplementedError, match="has no posterior"):
            model.rate(None, None)
        return
    posterior = model.encode(images)
    assert ops.convert_to_numpy(model.rate(posterior, posterior.sample(model.noise))).min() >= 0.0


def test_call_reconstructs_without_noise(model, images):
    before = state(model)
    first, second = (ops.convert_to_numpy(model(images)) for _ in range(2))
    assert np.array_equal(first, second)
    assert all(np.array_equal(a, b) for a, b in zip(before, state(model), strict=True))
    if model.likelihood_name != "gaussian":
        assert 0.0 <= first.min() <= first.max() <= 1.0


def test_config_makes_the_same_model(model, images):
    copy = type(model).from_config(model.get_config())
    copy.adapt(images)
    assert copy.get_config() == model.get_config()
    for one, other in zip(model.weights, copy.weights, strict=True):
        assert one.path == other.path, "a layer without a name of its own is called otherwise in each model"
        assert np.array_equal(ops.convert_to_numpy(one.value), ops.convert_to_numpy(other.value)), one.path


def dead_weights(gradients: Callable[..., Any], model: Any, images: np.ndarray) -> list[str]:
    """Trainable weights that the objective doesn't depend on, by the last part of their path."""
    _, found = gradients(model, images)
    return [path.split("/", 1)[1] for path, value in found.items() if value is None or not value.any()]


def deaf_scalars(gradients: Callable[..., Any], model: Any, images: np.ndarray) -> list[str]:
    """Scalar hyper-parameters that change neither the objective nor a gradient."""
    return [name for name in model.scalars if not _heard(gradients, model, images, name)]


def _heard(gradients: Callable[..., Any], model: Any, images: np.ndarray, name: str) -> bool:
    variable, noise = getattr(model, name), ops.convert_to_numpy(model.noise.state.value)
    value, results = float(ops.convert_to_numpy(variable.value)), []
    for setting in (value, value + 1.0):
        variable.assign(setting)
        model.noise.state.assign(noise)
        results.append(gradients(model, images))
    variable.assign(value)
    (loss, one), (other_loss, other) = results
    pairs = [(one[path], other[path]) for path in one if one[path] is not None and other[path] is not None]
    return loss != other_loss or any(not np.array_equal(*pair) for pair in pairs)


def test_every_weight_is_trained_and_every_scalar_heard(model, images, gradients):
    assert dead_weights(gradients, model, images) == []
    assert deaf_scalars(gradients, model, images) == []


class Deaf(VAE):
    """A VAE that forgets its β."""

    def terms(self, images: Any, training: bool = False) -> Terms:
        terms = super().terms(images, training)
        return Terms(objective=terms.distortion + terms.rate, distortion=terms.distortion, rate=terms.rate)


class Dead(VAE):
    """A VAE whose log-variance no gradient reaches."""

    def encode(self, images: Any, training: bool = False) -> DiagonalGaussian:
        posterior = super().encode(images, training)
        return DiagonalGaussian(posterior.mean, ops.stop_gradient(posterior.log_var))


def test_an_unused_beta_and_a_dead_weight_are_caught(images, gradients):
    deaf, dead = Deaf(LATENT, network="linear"), Dead(LATENT, network="linear")
    for model in (deaf, dead):
        model.adapt(images)
    assert deaf_scalars(gradients, deaf, images) == ["beta"]
    assert dead_weights(gradients, deaf, images) == []
    assert deaf_scalars(gradients, dead, images) == []
    assert dead_weights(gradients, dead, images) == ["log_var/kernel", "log_var/bias"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_declared_scalars_are_weights(variant):
    declared = VARIANTS[variant].scalars
    model = make(variant, **{name: value + 0.5 for name, value in declared.items()})
    assert set(declared) <= set(model.scalars)
    for name, value in declared.items():
        weight = getattr(model, name)
        assert not weight.trainable
        assert weight.shape == ()
        assert float(ops.convert_to_numpy(weight.value)) == pytest.approx(value + 0.5)
        for bad in (-1.0, float("nan"), float("inf")):
            with pytest.raises(ValueError, match=f"`{name}` must be finite and at least 0"):
                make(variant, **{name: bad})


@pytest.mark.parametrize("variant", VARIANTS)
def test_objective_at_given_values_is_that_of_assigned_values(variant, images, adapted, stateless_loss):
    """Under `StatelessScope`, as engines train cohorts, nothing of the model itself is read or changed."""
    model, rng = make(variant, "linear", "gaussian"), np.random.default_rng(0)
    model.adapt(images)
    variables, before = [*model.weights, model.noise.state], state(model)
    seed = before[-1] + np.array([7, 0], before[-1].dtype)
    values = [value + rng.uniform(0.0, 0.1, value.shape).astype("float32") for value in before[:-1]] + [seed]
    tensors = [ops.convert_to_tensor(value, dtype=value.dtype.name) for value in values]
    there = float(ops.convert_to_numpy(stateless_loss(model, images, variables, tensors)))
    assert all(np.array_equal(a, b) for a, b in zip(before, state(model), strict=True))
    here = float(ops.convert_to_numpy(model.compute_loss(images)))
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    # Sums over pixels, latent dimensions, pixels and images; what they add up without signs is 1.3 of the objective on
    # the way to the decoder's output, and 1.9 of it in the likelihood.
    same = rounding.relative(64, LATENT, 64, len(images), condition=2.0)
    assert float(ops.convert_to_numpy(model.compute_loss(images))) == pytest.approx(there, rel=same)
    assert here != pytest.approx(there, rel=1e-3)


@rounding.bfloat16
@pytest.mark.parametrize("variant", VARIANTS)
def test_mixed_precision_keeps_the_objective_in_full(variant, images, adapted):
    full = adapted(variant, "mlp", "bernoulli")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = make(variant)
        mixed.adapt(images)
    finally:
        keras.config.set_dtype_policy("float32")
    full.noise.state.assign(mixed.noise.state.value)
    terms, reference = mixed.terms(images), full.terms(images)
    assert mixed.encoder.compute_dtype == "bfloat16"
    assert keras.backend.standardize_dtype(terms.objective.dtype) == "float32"
    expected = ops.convert_to_numpy(reference.objective)
    assert ops.convert_to_numpy(terms.objective) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latent_dim": 0}, "`latent_dim` must be at least 1. Received: latent_dim=0"),
        ({"network": "resnet"}, "unknown network 'resnet'; known: linear, mlp"),
        ({"likelihood": "poisson"}, "unknown likelihood 'poisson'; known: bernoulli, gaussian"),
    ],
)
def test_bad_settings_are_refused(variant, options, message):
    with pytest.raises(ValueError, match=message):
        load(VARIANTS[variant])(**{"latent_dim": 2, **options})


@pytest.mark.parametrize("shape", [(4, 64), (4, 8, 8), (None, None, 8, 1)])
def test_other_shapes_than_images_are_refused(shape):
    with pytest.raises(ValueError, match="images must be"):
        AE(2).build(shape)


def test_images_of_another_size_than_the_first_are_refused(adapted):
    with pytest.raises(ValueError, match="expected shape"):
        adapted("ae", "mlp", "bernoulli")(np.zeros((2, 7, 7, 1), "float32"))


def test_sample_weights_are_refused(images):
    with pytest.raises(ValueError, match="`sample_weight` is not supported"):
        AE(2).compute_loss(images, sample_weight=np.ones(len(images)))


# What needs `fit`, at the price of a compilation for each.


@pytest.fixture(scope="module", params=[(v, *fit) for v in VARIANTS for fit in FITS], ids="-".join)
def fitted(
    request: pytest.FixtureRequest,
    images: np.ndarray,
    compile_model: Callable[..., Any],
    fall: Callable[..., tuple[float, float]],
) -> Any:
    """A model trained for a few epochs, its history, by how much its objective fell and the error of that.

    It isn't adapted: from the mean image a convolutional VAE gains nothing in 16 steps that its noise would not hide.
    """
    model = make(*request.param)
    model.build((None, *images.shape[1:]))
    compile_model(model, 1e-2)
    return model, *fall(model, images, lambda: model.fit(images, batch_size=16, epochs=8, verbose=0), "objective")


def test_training_reduces_the_objective(fitted):
    """By 17 standard errors at the least, in 25 orders of the images for each variant."""
    model, fallen, error = fitted
    history = model.history.history
    assert set(history) == {"loss", "distortion", *(["rate"] if model.has_posterior else [])}
    assert all(np.isfinite(values).all() for values in history.values())
    assert fallen > 8.0 * error


def test_a_loaded_model_goes_on_where_the_saved_one_was(fitted, images, tmp_path):
    model, *_ = fitted
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    same = {"batch_size": 16, "verbose": 0}
    assert np.array_equal(loaded.predict(images, **same), model.predict(images, **same))
    scores, again = (m.evaluate(images, return_dict=True, **same) for m in (model, loaded))
    assert again == pytest.approx(scores, rel=1e-6)
    assert set(scores) == {"loss", "distortion", *(["rate"] if model.has_posterior else [])}


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_seed_same_curve(variant, images, compile_model):
    def curve() -> list[float]:
        model = make(variant, "linear", seed=1)
        model.adapt(images)
        return compile_model(model).fit(images, epochs=2, shuffle=False, verbose=0).history["loss"]

    # condition as above; the one step of Adam before the second epoch adds less than the rounding of either loss
    assert curve() == pytest.approx(curve(), rel=rounding.relative(64, LATENT, 64, len(images), condition=2.0))
