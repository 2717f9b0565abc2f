"""log p(x) by codes that all images share: where codes have so few numbers that these are met everywhere. No Keras."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from aebench.measures.importance_weights import Error, remaining_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_DIMENSIONS = 2  # of codes: with each more, a posterior is met by a smaller share of the codes of all
WIDER = 1.5  # times as wide as the encoder's posteriors are those that codes come from
WIDE = 0.125  # share of codes that come from all over, whatever the encoder says
DEGREES = 20  # of freedom of the t-distribution that these come from
BATCHES = 8  # of codes, alike in size and each drawn for itself: how their bounds differ tells the error of drawing
AT_ONCE = 256  # codes that are decoded, and weighed for all images, in one call
MOST = 2**15  # codes at most
FAIR = 5.0  # times the tolerance: where these codes come no nearer, images get codes of their own


@dataclass(frozen=True)
class SharedProposal:
    """What codes for all images are drawn from: the mixture of their posteriors, and a share from all over.

    One code in eight comes from a t-distribution as wide as all posteriors and a standard normal prior together, so
    that no weight is without a bound (a defensive mixture, Hesterberg 1995). A code is weighed under the whole mixture,
    wherever it came from (Veach & Guibas 1995).

    Attributes:
        mean, sd: of the encoder's posteriors, `(n, code_dim)`; codes come from `WIDER` times that wide.
    """

    mean: np.ndarray
    sd: np.ndarray

    def drawn(self, seed: int, start: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Codes `start` to `start + count` of a scrambled Sobol sequence: each alone as if drawn, together more even.

        Returns:
            Codes, `(count, code_dim)` float32, and the logarithms of their densities under the t-distribution alone,
            `(count,)` float32.
        """
        from scipy.stats import chi2, norm, qmc

        size = self.mean.shape[1]
        sequence = qmc.Sobol(2 + size, seed=np.random.default_rng(seed))
        if start:  # SciPy refuses to go forward by nothing
            sequence.fast_forward(start)
        uniform = sequence.random(count) + 0.5**33  # inside (0, 1)
        which, points = uniform[:, 0], norm.ppf(uniform[:, 2:])
        place = self._along[(np.maximum(which - WIDE, 0.0) / (1.0 - WIDE) * len(self.mean)).astype(int)]
        stretched = points * np.sqrt(DEGREES / chi2.ppf(uniform[:, 1], DEGREES))[:, None]
        near = self.mean[place] + WIDER * self.sd[place] * points
        wide = self._everywhere.loc + stretched @ np.linalg.cholesky(self._everywhere.shape).T
        codes = np.where(which[:, None] < WIDE, wide, near).astype("float32")
        return codes, np.atleast_1d(self._everywhere.logpdf(codes)).astype("float32")

    @cached_property
    def _along(self) -> NDArray[np.intp]:
        """Places of images along strips of the plane, there and back, so that even numbers spread evenly over it."""
        count, last = len(self.mean), self.mean[:, -1]
        strip = np.argsort(np.argsort(self.mean[:, 0], kind="stable")) * math.isqrt(count) // count
        return np.lexsort((np.where(strip % 2, -last, last), strip))

    @cached_property
    def _everywhere(self) -> Any:
        from scipy.stats import multivariate_t

        spread = np.cov(self.mean, rowvar=False, ddof=0) + np.diag((self.sd**2).mean(axis=0) + 1.0)
        return multivariate_t(self.mean.mean(axis=0), spread, DEGREES)


class SharedWeights:
    """Sums of a run's weights, all that is kept of codes that all images share.

    Attributes:
        sums: log Σ w of each batch of codes for each image, `(BATCHES, n)`.
        squares: log Σ w² of all of them, `(n,)`.
        codes: how many were drawn.
    """

    def __init__(self, images: int) -> None:
        self.sums = np.full((BATCHES, images), -np.inf)
        self.squares = np.full(images, -np.inf)
        self.codes = 0

    def wanted(self) -> list[tuple[int, int]]:
        """Makes room for as many codes as there are, or for the first.

        Returns:
            The batch of each `AT_ONCE` codes that are to be drawn next, and how many it has before them.
        """
        before, self.codes = self.codes // BATCHES, max(2 * self.codes, BATCHES * AT_ONCE)
        starts = range(before, self.codes // BATCHES, AT_ONCE)
        return [(batch, start) for batch in range(BATCHES) for start in starts]

    def add(self, batch: int, sums: np.ndarray, squares: np.ndarray) -> None:
        """Adds what was drawn for a batch, `(n,)` each."""
        self.sums[batch] = np.logaddexp(self.sums[batch], sums)
        self.squares = np.logaddexp(self.squares, squares)

    def bound(self, batches: int = BATCHES) -> np.ndarray:
        """Each image's bound by the codes of so many batches, `(n,)` nats: the mean over all choices of them."""
        choices = [np.logaddexp.reduce(self.sums[[*some]]) for some in combinations(range(BATCHES), batches)]
        return np.asarray(np.mean(choices, axis=0) - math.log(self.codes * batches / BATCHES))

    def variances(self) -> np.ndarray:
        """The variance of each image's bound, `(n,)`, by how its weights differ between batches (delta method)."""
        shares = np.exp(self.sums - np.logaddexp.reduce(self.sums))
        return np.asarray(BATCHES * shares.var(axis=0, ddof=1))

    def error(self) -> Error:
        """How far the mean of the bounds may be from that of log p(x).

        Images share codes, and so their errors: that of the mean is told by how the means of the batches differ. Of
        images whose posteriors overlap, as many count as there are posteriors apart: codes over effective codes.
        """
        effective = np.exp(2.0 * np.logaddexp.reduce(self.sums) - self.squares)
        apart = min(float(len(effective)), self.codes * float((1.0 / effective).mean()))
        spread = float(self.sums.mean(axis=1).std(ddof=1)) / math.sqrt(BATCHES)
        bounds = [self.bound(batches) for batches in (BATCHES, BATCHES // 2, BATCHES // 4)]
        return remaining_error(bounds, self.variances(), apart, spread)
