"""Checks of what compares samples with real images, on features drawn from Gaussians.

After Räisä, van Breugel & van der Schaar 2025, "Position: all current generative fidelity and diversity metrics are
flawed".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from aebench.measures.validity.check import CLASSES, COUNT, FEATURES, Bounds, Check, check

FIDELITY = ("precision", "density", "clipped_density")
DIVERSITY = ("recall", "coverage", "clipped_coverage")


def checks() -> Iterator[Check]:
    """All of them, on features `(COUNT, FEATURES)`."""
    rng = np.random.default_rng(0)

    def normal(spread: float = 1.0) -> np.ndarray:
        return spread * rng.normal(size=(COUNT, FEATURES))

    far = np.full(FEATURES, 20.0)
    half = np.arange(COUNT)[:, None] % 2
    fine, none = (0.9, np.inf), (-np.inf, 0.1)
    some = (0.4, 0.6)
    real, one_outlier, outlying = normal(), normal(), normal(0.1)
    one_outlier[0], outlying[0] = 2.0 * far, 2.0 * far
    yield from _against(real, normal(), "samples drawn like real images", fine, fine)
    yield from _against(one_outlier, far + normal(), "one real outlier, samples half way to it", none, none)
    yield from _against(real, outlying, "samples in one spot but for one outlier", None, none)
    yield from _against(real + half * far, normal(), "one of two modes dropped", fine, some)
    yield from _against(real, normal() + half * far, "half of the samples in an invented mode", some, None)
    yield from _against(real, normal() + 2.0, "samples moved by two standard deviations in each feature", none, none)
    yield from _against(real, normal(0.5), "samples of half the spread", None, (-np.inf, 0.5))
    yield from _against(
        10.0 * _on_sphere(real), normal(0.1), "real images on a sphere, samples at its centre", none, none
    )
    yield from _frechet(real, rng)
    yield from _copies(rng)


def _on_sphere(points: np.ndarray) -> np.ndarray:
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def _against(
    real: np.ndarray,
    samples: np.ndarray,
    case: str,
    fidelity: Bounds | None,
    diversity: Bounds | None,
) -> Iterator[Check]:
    from aebench.measures.samples import manifold

    found = manifold.overlap(manifold.real(real), samples)
    for measures, bounds in ((FIDELITY, fidelity), (DIVERSITY, diversity)):
        for measure in measures if bounds else ():
            yield check(measure, case, bounds, getattr(found, measure))


def _frechet(real: np.ndarray, rng: np.random.Generator) -> Iterator[Check]:
    """Worse samples must be further away: ratios to the distance of samples drawn like real images."""
    from aebench.measures.samples.manifold import frechet_distance

    floor = frechet_distance(real, rng.normal(size=real.shape))
    outlier = real.copy()
    outlier[0] = 40.0
    cases = {
        "samples of half the spread, over the floor": (0.5 * real, (2.0, np.inf)),
        "samples moved by two standard deviations in each feature, over the floor": (real + 2.0, (2.0, np.inf)),
        "one sample of 500 is an outlier, over the floor": (outlier, (0.0, 2.0)),
        "the real images themselves, over the floor": (real, (0.0, 1e-6)),
    }
    for case, (samples, bounds) in cases.items():
        yield check("frechet_distance", case, bounds, frechet_distance(real, samples) / floor)
    # Signs at random make each feature ±1 with the same moments: two Gaussians could not be told apart.
    signs = rng.choice([-1.0, 1.0], size=real.shape)
    yield check(
        "frechet_distance", "features of ±1, with the same mean and variance, over the floor", (2.0, np.inf),
        frechet_distance(real, signs) / floor,
    )  # fmt: skip


def _copies(rng: np.random.Generator) -> Iterator[Check]:
    from aebench.measures.samples.copying import Nearness, copying, nearest

    train, test, fresh = (rng.normal(size=(count, FEATURES)) for count in (2 * COUNT, COUNT, COUNT))
    classes = np.arange(COUNT) % CLASSES
    copies = train[:COUNT]
    one_class = np.where((classes == 0)[:, None], copies, 2.0 * fresh)
    copied, clear = (-np.inf, -3.0), (-3.0, np.inf)
    tenth = (np.arange(COUNT) % 10 == 0)[:, None]
    cases: list[tuple[str, np.ndarray, Bounds]] = [
        ("samples drawn like real images", fresh, clear),
        ("copies of training images", copies, copied),
        ("copies of training images with noise", copies + 0.1 * fresh, copied),
        ("copies in one class, the others unlike real images", one_class, copied),
        ("every tenth sample a copy", np.where(tenth, copies, fresh), copied),
        ("samples of twice the spread", 2.0 * fresh, clear),
    ]
    held = Nearness(distances=nearest(train, test), classes=classes)
    for case, samples, bounds in cases:
        found = copying(held, Nearness(distances=nearest(train, samples), classes=classes))
        yield check("copying_z", case, bounds, found.z)
        yield check("local_copying_z", case, bounds, found.lowest_z)
