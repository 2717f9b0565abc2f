"""Files to start from: a variant or a network of one's own that works as it is, with its test. Imports no Keras."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection
from string import Template

from aebench.errors import UserError
from aebench.study import networks, variants

_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")

_VARIANT = '''\
from keras import ops

from aebench.models import VAE, Terms, register


@register("$name", version=1)  # raise the version when a change alters its numbers
class $title(VAE):
    """VAE whose rates are drawn towards 0 by their squares: one line that tables and pages show (authors and year).

    Objective:
        D + β R + κ R²    (D distortion, R rate of an image, in nats)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight β of the rate, finite and >= 0.
        kappa: weight κ of its square, finite and >= 0.
        **options: see `VAE`.
    """

    def __init__(self, latent_dim, *, beta: float = 1.0, kappa: float = 0.01, **options):
        super().__init__(latent_dim, beta=beta, **options)
        self.kappa = self.scalar("kappa", kappa)  # a float setting; runs that differ in it share a program

    def terms(self, images, training=False):
        terms = super().terms(images, training)  # each part (batch,) nats: sums over pixels and latents
        penalty = self.kappa * ops.square(terms.rate)
        return Terms(objective=terms.objective + penalty, distortion=terms.distortion, rate=terms.rate)
'''

_TEST_OF_VARIANT = '''\
"""What the objective of $name should be. That it keeps the contract of all variants, this tells:

    pytest --pyargs aebench.conformance --variants $module.py
"""

import numpy as np
from keras import ops

from $module import $title

IMAGES = (np.random.default_rng(0).random((32, 8, 8, 1)) < 0.5).astype("float32")


def terms(**settings):
    model = $title(4, network="linear", **settings)
    model.adapt(IMAGES)
    return [ops.convert_to_numpy(part) for part in vars(model.terms(IMAGES)).values()]


def test_the_penalty_is_the_square_of_the_rate():
    objective, distortion, rate = terms(beta=2.0, kappa=0.5)
    np.testing.assert_allclose(objective, distortion + 2.0 * rate + 0.5 * rate**2, rtol=1e-5)


def test_without_it_the_objective_is_that_of_a_vae():
    objective, distortion, rate = terms(kappa=0.0)
    np.testing.assert_allclose(objective, distortion + rate, rtol=1e-5)
'''

_NETWORK = '''\
import math

from keras import Sequential, layers

from aebench.models import register_network


@register_network("$name", version=1)  # raise the version when a change alters numbers
def $module(image_shape, latent_dim, seed):
    """Two hidden layers of 128 and 64 ReLU: one line that says what it is."""
    encoder = Sequential([layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(64, "relu")])
    pixels = layers.Dense(math.prod(image_shape), use_bias=False)  # a model adds a bias of its own
    decoder = Sequential([layers.Dense(64, "relu"), layers.Dense(128, "relu"), pixels, layers.Reshape(image_shape)])
    return encoder, decoder
'''

_TEST_OF_NETWORK = '''\
"""That $name takes images to features and codes to images, and starts from its seed alone."""

import numpy as np
from keras import ops

import $module
from aebench.models import VAE

IMAGES = (np.random.default_rng(0).random((32, 8, 8, 1)) < 0.5).astype("float32")
assert $module


def model(seed):
    made = VAE(4, network="$name", seed=seed)
    made.adapt(IMAGES)
    return made


def test_images_come_back_in_their_shape():
    assert model(0)(IMAGES).shape == IMAGES.shape


def test_initial_weights_are_the_seed_s():
    one, same, other = (np.concatenate([ops.convert_to_numpy(w).ravel() for w in model(s).weights]) for s in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
'''


def variant(name: str) -> dict[str, str]:
    """The files of a variant of that name and its test: their text by file name.

    Raises:
        UserError: the name is unsuitable or taken.
    """
    return _files(name, "variant", variants.known(), _VARIANT, _TEST_OF_VARIANT)


def network(name: str) -> dict[str, str]:
    """The files of a network of that name and its test; see `variant`."""
    return _files(name, "network", networks.built_in(), _NETWORK, _TEST_OF_NETWORK)


def _files(name: str, kind: str, taken: Collection[str], own: str, test: str) -> dict[str, str]:
    module = name.replace("-", "_")
    if not _NAME.fullmatch(name) or keyword.iskeyword(module):
        raise UserError(
            f"{kind} name {name!r}; allowed: lower-case letters, digits, '-' and '_' between them, a letter first, and "
            f"no word of Python's; as in 'my-{kind}'"
        )
    if name in taken:
        raise UserError(f"there is a {kind} {name!r} already, see `aebench list {kind}s`; choose another name")
    title = "".join(part.capitalize() for part in module.split("_"))
    filled = {"name": name, "module": module, "title": title}
    texts = {f"{module}.py": own, f"test_{module}.py": test}
    return {file: Template(text).substitute(filled) for file, text in texts.items()}
