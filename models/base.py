"""The contract that every variant keeps, and the decorator that names one.

A variant is one class in one file. It subclasses `Autoencoder` (or a variant) and states only its difference:

- another objective, bound or penalty: override `terms`; what needs the whole batch may add one number to
  every image's objective;
- another posterior: override `encode`, returning anything with `mean` and `sample`
  (`distributions.Posterior`);
- another prior: override `prior`, returning anything with `sample` and, if it has a density, `log_prob`; a class that
  is no `VAE` states its `rate` too;
- an objective that compares a batch's images in pairs: override `numbers_per_pair` too;
- codes of more numbers than `latent_dim`, as points on a sphere or choices among categories: override `code_dim`;
- several stochastic layers: their codes are concatenated along the last axis, and `decode` takes them apart;
- a weight that follows the training: set `is_scheduled` and ask `progress`; state that training changes without a
  gradient is a non-trainable weight, assigned in `terms` where `training` is true;
- labels: set `takes_labels`, and `terms` gets those of a training batch; outside of training there are none;
- what it alone can tell about its codes: override `diagnostics`;
- a second player: `stop_gradient` decides which weights each part of the objective trains;
  `f(z) - f(stop_gradient(z))` is 0 and trains z alone.

Settings are the keyword-only arguments of the class's own `__init__`: those annotated `float` are scalar
hyper-parameters, made by `scalar`; those annotated `int` or `str` change the program's shape, and are made by `count`
and `choice`. An inherited setting that studies may vary is named there again.

Every layer has a name and every initializer a stream of its own (`seeding.initializer`): weights are kept by their
path, and Keras numbers layers without a name afresh in each model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import keras
import numpy as np
from keras import layers, ops

from aebench.models import likelihoods, networks
from aebench.models.configured import Configured
from aebench.models.distributions import PointCode, Posterior, StandardNormal
from aebench.models.schedules import RateSchedule
from aebench.models.seeding import initializer
from aebench.models.streams import stream

Variant = TypeVar("Variant", bound="type[Autoencoder]")


def register(name: str, *, version: int) -> Callable[[Variant], Variant]:
    """Class decorator that makes a variant known by `name`.

    Args:
        name: what a study calls it.
        version: to be raised by hand when a change to the class changes its numbers; it is part of every
            run's identity, so that results of the old version are not taken for those of the new one.
    """

    def decorate(cls: Variant) -> Variant:
        cls.variant_name, cls.variant_version = name, version
        keras.saving.register_keras_serializable(package="aebench", name=name)(cls)
        return cls

    return decorate


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What one pass over a batch yields, each `(batch,)` nats.

    Attributes:
        objective: what training minimises.
        distortion: -log p(x|z) at the code that was drawn.
        rate: KL(q(z|x) || p(z)) or its estimate at that code; `None` without a posterior.
    """

    objective: Any
    distortion: Any
    rate: Any | None = None


class Autoencoder(Configured):
    """An encoder, a decoder and a likelihood, trained by `fit` to minimise the mean of `terms(x).objective`.

    Takes images `(batch, height, width, channels)` in [0, 1], or series `(batch, time steps, channels)` or vectors
    `(batch, columns)` of values that the likelihood takes: all that is said of images holds of them. Its weights are
    made when it first sees their shape. Posteriors, codes and likelihoods keep the precision of the weights under a
    mixed precision policy.

    Args:
        latent_dim: numbers in a code, >= 1.
        network: a key of `networks.NETWORKS`, a `Network`, or a pair of Keras models (encoder, decoder).
        likelihood: a name that `likelihoods.find` knows. `"bernoulli"` wants images of 0 and 1 only.
        seed: decides initial weights and noise.
        rate_warmup, rate_cycles: how the weight of the rate rises in training; see `schedules.RateSchedule`.
        training_steps: how many steps training will take, over which schedules are laid; without it they stand at
            their ends from the start.

    Class attributes:
        has_posterior: whether images have distributions over codes, hence rates.
        is_scheduled: whether the variant asks for `progress`.
        takes_labels: whether `terms` takes the `labels` of a training batch, `(batch,)` integers, -1 where unknown; the
            variant then has a setting `classes`, how many there are, and one `labelled_images`, how many are known.
        not_vectorised: why its runs cannot be trained side by side as one program; empty where they can.
        not_on_pixels: what teaches its decoder if it is not the distortion, in a sentence; empty where it is.
    """

    variant_name: str
    variant_version: int
    has_posterior: bool = False
    is_scheduled: bool = False
    takes_labels: bool = False
    not_vectorised: str = ""
    not_on_pixels: str = ""

    def __init__(
        self,
        latent_dim: int,
        *,
        network: Any = "mlp",
        likelihood: str = "bernoulli",
        seed: int = 0,
        rate_warmup: float = 0.0,
        rate_cycles: int = 1,
        training_steps: int = 0,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if latent_dim < 1:
            raise ValueError(f"`latent_dim` must be at least 1. Received: latent_dim={latent_dim}")
        self.rate_schedule = RateSchedule(warmup=rate_warmup, cycles=rate_cycles)
        if not (self.has_posterior or self.rate_schedule.constant):
            raise ValueError(f"`rate_warmup` needs a rate, and {type(self).__name__} has none")
        self.latent_dim, self.seed = latent_dim, seed
        self.network, self.likelihood_name = networks.find(network), likelihood
        self.likelihood = likelihoods.find(likelihood)
        self.noise = keras.random.SeedGenerator(stream(seed, "noise"))
        self.distortion_tracker = keras.metrics.Mean(name="distortion")
        self.rate_tracker = keras.metrics.Mean(name="rate") if self.has_posterior else None
        self.training_steps, self.steps = training_steps, None
        if training_steps and (self.is_scheduled or not self.rate_schedule.constant):
            self.steps = self.add_weight(name="steps", shape=(), trainable=False, initializer="zeros")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, with every setting that `scalar`, `count` or `choice` made."""
        return {
            "latent_dim": self.latent_dim,
            "network": self.network.config,
            "likelihood": self.likelihood_name,
            "seed": self.seed,
            "rate_warmup": self.rate_schedule.warmup,
            "rate_cycles": self.rate_schedule.cycles,
            "training_steps": self.training_steps,
            **super().get_config(),
        }

    def progress(self, training: bool) -> Any:
        """The share of the training that is done, 0 to 1, as a scalar; 1 outside of training."""
        if self.steps is None or not training:
            return ops.convert_to_tensor(1.0)
        return ops.minimum(self.steps / self.training_steps, 1.0)

    def annealed(self, weight: Any, training: bool) -> Any:
        """A `weight` of the rate as its schedule has it at this step; in full outside of training."""
        if self.steps is None or not training or self.rate_schedule.constant:
            return weight
        return weight * self.rate_schedule.weight(self.progress(training))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for images of `input_shape` `(batch, height, width, channels)`, series or vectors."""
        if len(input_shape) not in (2, 3, 4) or None in input_shape[1:]:
            raise ValueError(
                "images must be (batch, height, width, channels), series (batch, time steps, channels), and vectors "
                f"(batch, columns). Received shape: {input_shape}"
            )
        self.image_shape = tuple(int(size) for size in input_shape[1:] if size is not None)
        self.input_spec = keras.InputSpec(shape=(None, *self.image_shape))
        output_shape = self.likelihood.parameter_shape(self.image_shape)
        encoder, decoder = self.network.trunks(self.image_shape, self.decoder_width(), self.seed, output_shape)
        self.encoder = encoder
        self.build_heads(self.encoder.output_shape)
        self.decoder = decoder
        self.likelihood.build(input_shape)
        self.output_bias = self.add_weight(name="output_bias", shape=output_shape, initializer="zeros")
        self.built = True

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:
        """Makes the layers from the encoder's features to a posterior's parameters."""
        self.mean_head = self.head("mean", feature_shape, self.latent_dim)

    def head(self, name: str, input_shape: tuple[int | None, ...], units: int) -> keras.layers.Layer:
        """A linear layer to `units` numbers, its weights from the stream `weights/<name>`."""
        kernel = initializer(self.seed, name)
        head = layers.Dense(units, kernel_initializer=kernel, dtype=self.variable_dtype, name=name)
        head.build(input_shape)
        return head

    @property
    def code_dim(self) -> int:
        """Numbers in a code: the last axis of what `encode` yields and `decode` takes."""
        return self.latent_dim

    @property
    def numbers_per_pair(self) -> int:
        """Numbers that the objective holds for each pair of a batch's images; 0 where it takes every image by itself.

        Memory then grows with the square of the batch: batches that would not fit are not timed.
        """
        return 0

    def decoder_width(self) -> int:
        """How many numbers of a code the decoder network reads."""
        return self.code_dim

    def adapt(self, images: Any, mean: Any = None) -> None:
        """Fits to the training data what is not learned: starts the decoder's output at the mean image.

        Args:
            images: training images `(n, *image_shape)` in [0, 1], all of them or some.
            mean: of all of them, `image_shape`, where that is known; that of `images` otherwise.
        """
        images = np.asarray(images)
        if not self.built:
            self.build((None, *images.shape[1:]))
        mean = images.mean(axis=0, dtype=np.float64) if mean is None else np.asarray(mean)
        self.output_bias.assign(self.likelihood.initial_bias(mean).astype("float32"))

    @property
    def prior(self) -> Any:
        """The distribution that new codes are drawn from. Without one of its own, N(0, I)."""
        return StandardNormal(self.latent_dim)

    def encode(self, images: Any, training: bool = False) -> Posterior:
        """Posterior over the codes of `images` `(batch, *image_shape)`."""
        return PointCode(self.mean_head(self.features(images, training)))

    def features(self, images: Any, training: bool = False) -> Any:
        """The encoder network's output, `(batch, features)`, for `images` `(batch, *image_shape)`."""
        return self.encoder(ops.cast(self.likelihood.encoded(images), self.compute_dtype), training=training)

    def decode(self, codes: Any, training: bool = False) -> Any:
        """Parameters of the likelihood, `(batch, *parameter_shape)`, for `codes` `(batch, latent_dim)`."""
        output = self.decoder(codes, training=training)
        return ops.cast(output, self.variable_dtype) + self.output_bias

    def decode_mean(self, codes: Any) -> Any:
        """Expected images E[x|z], `(batch, *image_shape)`, for `codes` `(batch, latent_dim)`."""
        return self.likelihood.mean(self.decode(codes))

    def rate(self, posterior: Any, codes: Any) -> Any:
        """KL(q(z|x) || p(z)) of each image, or its one-sample estimate at `codes`: `(batch,)` nats.

        Raises:
            NotImplementedError: the variant has no posterior.
        """
        raise NotImplementedError(f"{type(self).__name__} has no posterior, hence no rate")

    def distortion(self, images: Any, codes: Any, training: bool = False) -> Any:
        """-log p(x|z) of each image at its code, `(batch,)` nats."""
        parameters = self.decode(codes, training=training)
        return -self.likelihood.log_prob(ops.cast(images, self.variable_dtype), parameters)

    def terms(self, images: Any, training: bool = False) -> Terms:
        """Objective, distortion and rate of each image at one code drawn from its posterior."""
        codes = self.encode(images, training=training).sample(self.noise)
        distortion = self.distortion(images, codes, training=training)
        return Terms(objective=distortion, distortion=distortion)

    def diagnostics(self, images: Any, noise: keras.random.SeedGenerator) -> dict[str, Any]:  # noqa: ARG002
        """What this variant alone can tell of `images`, by the names that `aebench.measures.diagnostics` declares.

        Args:
            images: `(batch, *image_shape)`.
            noise: for codes that are to be drawn.

        Returns:
            Values `(batch,)`; what is known of the batch alone is repeated for each image.
        """
        return {}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,  # noqa: ARG002
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Mean objective over the batch of images `x`, with their labels `y` if the variant takes any.

        Ignores `y_pred`, which is decoded from the posterior's mean and not from a sample.

        Raises:
            ValueError: weights for single images came; no objective here has a place for them.
        """
        if sample_weight is not None:
            raise ValueError("`sample_weight` is not supported: the objective is a mean over images")
        known = {"labels": y} if self.takes_labels and y is not None else {}
        terms = self.terms(x, training=training, **known)
        self.distortion_tracker.update_state(terms.distortion)
        if self.rate_tracker is not None:
            self.rate_tracker.update_state(terms.rate)
        if self.steps is not None and training:
            self.steps.assign(self.steps + 1.0)
        return ops.mean(terms.objective)

    def call(self, images: Any, training: bool = False) -> Any:  # noqa: ARG002
        """Reconstruction of `images` from the posterior mean: E[x|z], `(batch, *image_shape)`.

        Draws nothing, and runs without `training`: what `fit` optimises is `terms`, and a second draw here
        would leave the noise of a training step to whether somebody looked at its output.
        """
        return self.decode_mean(self.encode(images).mean)

    def save_own_variables(self, store: Any) -> None:
        """Saves the state of the noise too: a loaded model draws what the saved one would have drawn."""
        super().save_own_variables(store)
        store["noise"] = ops.convert_to_numpy(self.noise.state)

    def load_own_variables(self, store: Any) -> None:
        """Restores what `save_own_variables` saved."""
        self.noise.state.assign(store["noise"])
        super().load_own_variables({key: store[key] for key in store.keys() if key != "noise"})  # noqa: SIM118
