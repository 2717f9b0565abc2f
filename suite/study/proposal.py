"""A study for data that nobody has studied yet, from what they look like, with the reason beside each choice.

Imports no Keras.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass

import numpy as np

from aebench.data import Dataset
from aebench.records.record import Values, items
from aebench.study import reading

LOOKED_AT = 1000  # training items; their principal components take a moment
NEAR = 0.1  # of the whole range: what counts as black or white
SHARE = 0.9  # of the variance that the largest code should be able to hold
LARGEST_CODE = 64
STEPS = 6000  # of training: what AE and VAE on digits and MNIST need to converge
EPOCHS = (20, 200)
FEW = 1000  # training items below which batches are small
MANY = 5 * 10**7  # values in training above which three seeds must do: MNIST has 42 million
LONG = 32  # time steps from which convolutions over time are proposed
WIDTH = 110  # of comments
BETAS = (0.5, 1.0, 4.0)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What data look like.

    Attributes:
        name: of the data set.
        shape: of an item: `(height, width, channels)`, `(time steps, channels)` or `(columns,)`.
        sizes: items in train, validation and test.
        low, high: the least and the largest value as they came.
        kind: of its values.
        whole: whether all values as they came are whole numbers of at least 0.
        binary: whether every value is at one of the ends of the range: black or white, the least or the largest.
        extreme: the share of values within `NEAR` of the range of an end.
        components: principal components that hold `SHARE` of the variance.
        classes: how many; 0 without labels.
        factors: names of known factors of variation.
        levels: how many values a pixel may have; 0 where any.
    """

    name: str
    shape: tuple[int, ...]
    sizes: tuple[int, int, int]
    low: float
    high: float
    kind: Values
    whole: bool
    binary: bool
    extreme: float
    components: int
    classes: int
    factors: tuple[str, ...]
    levels: int

    @property
    def values(self) -> int:
        """Numbers in an item."""
        return math.prod(self.shape)

    @property
    def images(self) -> bool:
        """Whether items are images."""
        return len(self.shape) == 3


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """A key's value as TOML, and why."""

    key: str
    value: str
    why: str

    def __str__(self) -> str:
        return f"{_comment(self.why)}{self.key} = {self.value}\n"


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, WIDTH))


def propose(dataset: Dataset, file: str) -> str:
    """A study of a data set as TOML, with comments; it can be run as it is.

    Args:
        dataset: the data.
        file: where it will be, for the commands that its comments tell.
    """
    seen = look(dataset)
    choices = [_likelihood(seen), _network(seen), _latent_sizes(seen), _epochs(seen), _batch_size(seen), _seeds(seen)]
    return "\n".join([_head(seen, file), *map(str, choices), _variants(), _contrast(seen)])


def look(dataset: Dataset) -> Seen:
    """What a data set looks like, from its first `LOOKED_AT` training items."""
    raw = np.asarray(dataset.train.images[:LOOKED_AT])
    shown = dataset.train.take(np.arange(len(raw))).pixels().astype(np.float64)
    low, high = float(raw.min()), float(raw.max())
    # A pixel's ends are black and white, whether or not any has them; those of other values what occurs.
    start, width = (0.0, dataset.train.maximum) if raw.ndim == 4 else (low, (high - low) or 1.0)
    depth = (raw.astype(np.float64) - start) / width
    return Seen(
        name=dataset.name,
        shape=tuple(raw.shape[1:]),
        sizes=(len(dataset.train), len(dataset.validation), len(dataset.test)),
        low=low,
        high=high,
        kind=dataset.values,
        whole=low >= 0 and bool(np.all(raw == np.rint(raw))),
        binary=bool(np.all((depth == 0) | (depth == 1))),
        extreme=float(np.mean((depth <= NEAR) | (depth >= 1 - NEAR))),
        components=_components(shown.reshape(len(shown), -1)),
        classes=len(dataset.class_names or ()),
        factors=tuple(factor.name for factor in dataset.factors),
        levels=dataset.levels,
    )


def _components(items: np.ndarray) -> int:
    """How many principal components of `(n, values)` hold `SHARE` of the variance; at least 1."""
    centred = items - items.mean(axis=0)
    products = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    variances = np.linalg.eigvalsh(products)[::-1].clip(min=0.0)
    held = np.cumsum(variances)
    return int(np.searchsorted(held, SHARE * held[-1])) + 1


def _head(seen: Seen, file: str) -> str:
    train, validation, test = seen.sizes
    shape = "x".join(map(str, seen.shape))
    labels = f"{seen.classes} classes" if seen.classes else "no labels, so measures of classes are left out"
    factors = f" Known factors, by which codes are measured too: {', '.join(seen.factors)}." if seen.factors else ""
    unlike = "" if items(seen.shape) != "rows" else " If its columns are steps of time, take it in with --series."
    looks = (
        f"{train:,} training, {validation:,} validation and {test:,} test {items(seen.shape)} of {shape}, values "
        f"{seen.low:g} to {seen.high:g}; {labels}.{factors}{unlike}"
    )
    title = (
        f"A study of {seen.name}, from what its data look like. Change what you know better: what is trained is kept."
    )
    return f"""\
{_comment(title)}#
#     aebench bench {file}      trains, measures, prints a table (--dry-run: says what it would train)
#     aebench report {file}     writes the page
#
{_comment(looks)}name = "{_study_name(seen.name)}"
dataset = "{seen.name}"
"""


def _study_name(dataset: str) -> str:
    """The data set's own name, unless a study that comes with the suite has it, and its folder."""
    return f"my-{dataset}" if dataset in reading.names() else dataset


def _likelihood(seen: Seen) -> Proposed:
    """The likelihood that fits the values; numbers under different ones can't be ranked together."""
    share = f"{100 * seen.extreme:.0f} %"
    if not seen.images:
        return _likelihood_of_numbers(seen)
    if seen.binary:
        return _named("likelihood", "bernoulli", "Every value is black or white: a Bernoulli likelihood is exact.")
    if seen.shape[-1] == 1 and seen.extreme >= 0.5:
        why = (
            f"Nearly ink or paper: {share} of the values are within a tenth of black or white. Pixels are drawn as 0 "
            "or as 1, their grey value the chance of it, as is usual for such images. If greys matter: "
            '"continuous_bernoulli".'
        )
        return _named("likelihood", "bernoulli", why)
    between = (
        f"{'Colours' if seen.shape[-1] > 1 else 'Greys'} in between matter ({share} of the values are near the ends of "
        "the range), and a Bernoulli likelihood would see only 0 and 1."
    )
    if seen.levels == 256:
        why = (
            f"{between} Probabilities of all 256 values, so that bits per dimension can be held against those of "
            'lossless compression. "gaussian" takes less time, and tells densities.'
        )
        return _named("likelihood", "discretised_logistics", why)
    why = f"{between} The Gaussian's variance is learned, so reconstruction and rate are weighed by the data."
    return _named("likelihood", "gaussian", why)


def _likelihood_of_numbers(seen: Seen) -> Proposed:
    if seen.kind == "counts":
        return _named("likelihood", "negative_binomial", "Counts, which may vary more than Poisson's do.")
    if seen.kind == "unit" and seen.binary and (seen.low, seen.high) == (0.0, 1.0):
        return _named("likelihood", "bernoulli", "Every value is 0 or 1: a Bernoulli likelihood is exact.")
    each = "column" if items(seen.shape) == "rows" else "channel at each time step"
    why = f"Numbers: Gaussian, each {each} with a learned variance of its own."
    if seen.whole:
        why += (
            " All are whole and none is negative: if they are counts, import them anew, with `aebench data import ... "
            "--values counts`."
        )
    return _named("likelihood", "diagonal_gaussian", why)


def _named(key: str, value: str, why: str) -> Proposed:
    return Proposed(key=key, value=f'"{value}"', why=why)


def _network(seen: Seen) -> Proposed:
    size = f"{seen.values:,} numbers an item"
    if seen.images and seen.values > (16 * 16 if seen.shape[-1] > 1 else 32 * 32):
        why = (
            f"{size}: convolutions. On a CPU they train one run after the other; for a first look in less time take "
            '"mlp". All variants share it: `aebench list networks` has others.'
        )
        return _named("network", "conv", why)
    if items(seen.shape) == "series" and seen.shape[0] >= LONG:
        why = (
            f"{size}, {seen.shape[0]:,} time steps: convolutions over time. On a CPU they train one run after the "
            'other; for a first look in less time take "mlp-256". All variants share it: `aebench list networks` has '
            "others."
        )
        return _named("network", "conv1d", why)
    name, units = ("mlp-256", 256) if seen.values <= 256 else ("mlp", 512)
    why = (
        f"{size}: one hidden layer of {units} units is a fair start, and many runs train side by side as one program. "
        "All variants share it: `aebench list networks` has others."
    )
    return _named("network", name, why)


def _latent_sizes(seen: Seen) -> Proposed:
    largest = min(2 ** math.ceil(math.log2(seen.components)), LARGEST_CODE, 2 ** int(math.log2(seen.values)))
    middle = 2 ** round(math.log2(2 * largest) / 2)
    sizes = sorted({min(2, largest), min(middle, largest), largest})
    why = (
        f"{seen.components} principal components hold {100 * SHARE:.0f} % of the variance, and a curved code needs "
        f"fewer; at most {LARGEST_CODE} are proposed. The page tells which units the largest leaves unused."
    )
    return Proposed(key="latent_dim", value=f"[{', '.join(map(str, sizes))}]", why=why)


def _batch(seen: Seen) -> int:
    """An epoch is made of full batches alone: of very few items, half of them or less go into one."""
    return 128 if seen.sizes[0] >= FEW else min(32, 2 ** int(math.log2(max(1, seen.sizes[0] / 2))))


def _epochs(seen: Seen) -> Proposed:
    steps = max(1, seen.sizes[0] // _batch(seen))
    epochs = min(max(10 * round(STEPS / steps / 10), EPOCHS[0]), EPOCHS[1])
    why = f"{steps * epochs:,} steps of training. The page marks what had not converged, or was overfitted, by then."
    return Proposed(key="epochs", value=str(epochs), why=why)


def _batch_size(seen: Seen) -> Proposed:
    few = "Few training items: small batches, so that an epoch has several steps."
    return Proposed(key="batch_size", value=str(_batch(seen)), why=few if seen.sizes[0] < FEW else "The usual one.")


def _seeds(seen: Seen) -> Proposed:
    large = seen.sizes[0] * seen.values > MANY
    why = (
        "Each is a repetition with other weights, batches and noise; variants are compared seed by seed, and intervals "
        "cover the choice of seeds. More can be added later." + (" Three, since the data are large." if large else "")
    )
    return Proposed(key="seeds", value="3" if large else "5", why=why)


def _variants() -> str:
    weights = (
        "1 is the VAE. Less: sharper reconstructions. More: fewer units used, and a code that is often easier to read."
    )
    return f"""\
# `aebench list variants` has many more, each with its settings. First what every other has to beat:
[[variant]]
name = "ae"

{_comment(weights)}[[variant]]
name = "vae"
beta = [{", ".join(f"{beta:.1f}" for beta in BETAS)}]
"""


def _contrast(seen: Seen) -> str:
    classes = seen.classes > 1
    first = "how classes separate in the code" if classes else "without labels, how well items come back"
    metrics = ("silhouette", "recon_mse") if classes else ("recon_mse",)
    return f"""\
{_comment(f"What is asked: does a VAE do better than an AE? The first metric decides: {first}.")}[[contrast]]
variant = "vae"
against = "ae"
metrics = [{", ".join(f'"{name}"' for name in metrics)}]
"""
