"""Codes drawn ex post: a Gaussian mixture fitted to the codes of training images (Ghosh et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from aebench.backends.environment import cores
from aebench.data.pixels import FIXED_SEED

COMPONENTS = 10  # as in the paper, full covariances
MOST_FITTED = 10_000  # training codes
MOST_STEPS = 500  # of EM; codes of digits and MNIST take 7 to 60


@contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """Threads for work on small matrices, a core each.

    BLAS and OpenMP are held to one: their own threads wait for each other most of the time. EM on 10,000 codes of 16
    numbers took 11 s with them and 0.5 s without, on 2 cores that had other work too.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), ThreadPoolExecutor(cores()) as pool:
        yield pool


def mixture_codes(codes: np.ndarray, count: int) -> np.ndarray:
    """New codes, always the same for the same `codes`; best called inside `one_thread_each`.

    The mixture is fitted to standardised codes, so that a collapsed dimension needs no other regularisation than the
    rest.

    Args:
        codes: of training images, `(n, latent_dim)`, finite.
        count: how many to draw.

    Returns:
        `(count, latent_dim)` float32, in no order.
    """
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(FIXED_SEED)
    chosen = codes[rng.permutation(len(codes))[:MOST_FITTED]].astype("float64")
    mean, spread = chosen.mean(axis=0), chosen.std(axis=0)
    spread[spread <= 1e-6 * np.abs(mean)] = 0.0  # constant but for rounding
    standard = np.divide(chosen - mean, spread, out=np.zeros_like(chosen), where=spread > 0.0)
    components = min(COMPONENTS, len(np.unique(standard, axis=0)))
    if components == 1:  # all codes are alike
        return np.tile(mean, (count, 1)).astype("float32")
    mixture = GaussianMixture(components, max_iter=MOST_STEPS, random_state=FIXED_SEED).fit(standard)
    drawn = rng.permutation(mixture.sample(count)[0])  # else in the order of the components
    return np.asarray(mean + spread * drawn, "float32")
