"""Sanity checks of measures: made-up data with a known right answer, which a measure gives or does not give.

For generated images after Räisä, van Breugel & van der Schaar 2025, "Position: all current generative fidelity and
diversity metrics are flawed"; for classes, what any measure of their separation owes. A measure may fail: that is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, TypeAdapter

COUNT, FEATURES = 500, 16
CLASSES = 5
FIDELITY = ("precision", "density", "clipped_density")
DIVERSITY = ("recall", "coverage", "clipped_coverage")
INVARIANT = 1e-3  # beyond rounding: one point in a thousand
_END = 1e6  # stands for infinity, which JSON does not hold
RESULTS = Path(__file__).with_name("validity.json")


class Check(BaseModel):
    """What one measure made of one case.

    Attributes:
        measure: a metric's name without whose images or codes it is of.
        case: what the data are.
        low, high: where the value ought to lie, stated before.
        value: what it was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    measure: str
    case: str
    low: float
    high: float
    value: float

    @property
    def passed(self) -> bool:
        """Whether the value lies where it ought to."""
        return self.low <= self.value <= self.high

    @property
    def ought(self) -> str:
        """Where the value ought to lie, in words."""
        if self.high >= _END:
            return f"at least {self.low:g}"
        return f"at most {self.high:g}" if self.low <= -_END else f"{self.low:g} to {self.high:g}"


def checks() -> list[Check]:
    """All checks, run now; the same every time, up to rounding: seconds."""
    return [*of_samples(), *of_classes()]


def of_samples() -> Iterator[Check]:
    """Checks of what compares samples with real images, on features `(COUNT, FEATURES)` drawn from Gaussians."""
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
    fidelity: tuple[float, float] | None,
    diversity: tuple[float, float] | None,
) -> Iterator[Check]:
    from aebench.measures.samples import manifold

    found = manifold.overlap(manifold.real(real), samples)
    for measures, bounds in ((FIDELITY, fidelity), (DIVERSITY, diversity)):
        for measure in measures if bounds else ():
            yield _check(measure, case, bounds, getattr(found, measure))


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
        yield _check("frechet_distance", case, bounds, frechet_distance(real, samples) / floor)
    # Signs at random make each feature ±1 with the same moments: two Gaussians could not be told apart.
    signs = rng.choice([-1.0, 1.0], size=real.shape)
    yield _check(
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
    cases: list[tuple[str, np.ndarray, tuple[float, float]]] = [
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
        yield _check("copying_z", case, bounds, found.z)
        yield _check("local_copying_z", case, bounds, found.lowest_z)


def of_classes() -> Iterator[Check]:
    """Checks of what tells how classes lie among codes, on `CLASSES` Gaussians."""
    rng = np.random.default_rng(1)
    labels = np.arange(COUNT) % CLASSES
    centres = np.eye(CLASSES, FEATURES)
    noise = [rng.normal(size=(COUNT, FEATURES)) for _ in range(2)]
    train, test = (4.0 * centres[labels] + part for part in noise)
    apart, apart_too = (centres[labels] + 1e-3 * part for part in noise)
    plain = _structure(train, test, labels)
    perfect, chance = _structure(apart, apart_too, labels), _structure(noise[0], noise[1], labels)
    turn = np.linalg.qr(rng.normal(size=(FEATURES, FEATURES)))[0]
    changed = {
        "codes turned, change": _structure(train @ turn, test @ turn, labels),
        "codes a hundred times larger, change": _structure(100.0 * train, 100.0 * test, labels),
        "codes moved, change": _structure(train + 50.0, test + 50.0, labels),
        "a constant dimension added, change": _structure(_wider(train), _wider(test), labels),
        "classes renamed, change": _structure(train, test, (labels + 2) % CLASSES),
        "images in another order, change": _structure(train[::-1], test[::-1], labels[::-1]),
    }
    mixed = np.where(rng.random(COUNT) < 0.5, rng.integers(0, CLASSES, COUNT), labels)
    noisy = _structure(train, test, mixed)
    level = {"silhouette": 0.0, "kmeans_nmi": 0.0, "kmeans_ari": 0.0}
    for measure in plain:
        by_chance = level.get(measure, 1.0 / CLASSES)
        yield _check(measure, "classes far apart", (0.99, 1.0 + INVARIANT), perfect[measure])
        yield _check(measure, "codes that know no class, over chance", (-0.05, 0.05), chance[measure] - by_chance)
        for case, found in changed.items():
            yield _check(measure, case, (-INVARIANT, INVARIANT), found[measure] - plain[measure])
        yield _check(measure, "half of the labels at random, change", (-np.inf, -0.1), noisy[measure] - plain[measure])


def _wider(points: np.ndarray) -> np.ndarray:
    return np.pad(points, ((0, 0), (0, 1)))


def _structure(train: np.ndarray, test: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    from aebench.measures.classes.structure import Labelled, class_structure

    found = class_structure(*(Labelled(points=part, labels=labels) for part in (train, test))).numbers
    return {name: float(value or 0.0) for name, value in found.items() if name != "intrinsic_dimension"}


def _check(measure: str, case: str, bounds: tuple[float, float] | None, value: float) -> Check:
    low, high = bounds or (-np.inf, np.inf)
    return Check(measure=measure, case=case, low=max(low, -_END), high=min(high, _END), value=float(f"{value:.6g}"))


def as_json(found: Sequence[Check]) -> bytes:
    """The checks as they are kept."""
    return _LIST.dump_json(list(found), indent=1) + b"\n"


@cache
def kept() -> tuple[Check, ...]:
    """The checks as `aebench validate` last wrote them into the package."""
    return tuple(_LIST.validate_json(RESULTS.read_bytes()))


def by_measure(found: Sequence[Check]) -> dict[str, tuple[Check, ...]]:
    """The checks of each measure, in order."""
    names = dict.fromkeys(one.measure for one in found)
    return {name: tuple(one for one in found if one.measure == name) for name in names}


def of_metric(name: str) -> tuple[Check, ...]:
    """The kept checks of a metric, whosever images or codes it is of: `prior_precision` is a precision."""
    known = by_measure(kept())
    fitting = [measure for measure in known if name == measure or name.endswith(f"_{measure}")]
    return known[max(fitting, key=len)] if fitting else ()


_LIST = TypeAdapter(list[Check])
