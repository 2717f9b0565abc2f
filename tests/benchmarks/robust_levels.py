"""What robust statistics, flags and statements over data sets attain, by simulation: docs/robust-statistics.md.

    python tests/benchmarks/robust_levels.py [--cases 2000]

Every number is a share of cases that were drawn at random; with 2,000 of them one of 5 % is sure to within 1 %.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tests"), str(REPO / "tests" / "benchmarks")]

from simulated import blocks, runs  # noqa: E402
from statistics_levels import Row, share, table  # noqa: E402

from aebench.analysis.many_datasets import LEAST_SIGNED, ranks, signed_rank  # noqa: E402
from aebench.analysis.robust import (  # noqa: E402
    Blocks,
    Floats,
    improvement,
    improvement_estimate,
    interquartile_mean,
    mean_estimate,
    profile_estimate,
    shares_above,
)
from aebench.analysis.seed_groups import splits  # noqa: E402

NULLS = ("normal", "heavy tails", "unequal spreads", "two spreads")
FALLS = (20.0, 40.0, 80.0)  # standard deviations of a seed
MANY = 400_000  # runs that stand for the truth
SHIFT = 1.5  # of the better of two variants


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    cases = parser.parse_args().cases
    parts = [HEAD.strip(), SIZE.strip().format(cases=cases)]
    for title, header, rows in (
        (
            GROUPS,
            ("seeds", "configurations", *NULLS, *(f"seen: falls by {fall:.0f}" for fall in FALLS)),
            groups,
        ),
        (
            INTERVALS,
            ("Runs are", "blocks", "seeds", "mean, plain", "mean", "improvement", *(f"profile at {at}" for at in AT)),
            intervals,
        ),
        (CORRELATED, ("correlation", "mean", "improvement"), correlated),
        (DATASETS, ("data sets", "ranks of 5", "ranks of 20", "signed rank", "signed rank told"), datasets),
    ):
        parts += [title.strip(), table(header, rows(cases))]
    (REPO / "docs" / "robust-statistics.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


HEAD = """# How sure robust statistics are

Made by `python tests/benchmarks/robust_levels.py`; all of it is simulated, so the truth is known. Runs are *normal*;
have *heavy tails* (t with 3 degrees of freedom); *collapse* now and then (one in ten falls by 20 standard deviations);
differ in spread between configurations by factors as of a log-normal distribution with 2 (*unequal spreads*); or one
configuration in four has 30 times the spread of the others (*two spreads*).
"""
SIZE = """
Shares are of {cases} boards, tables or intervals; of boards with many configurations, and of those in which a fall is
to be seen, of fewer, 100 at least.
"""
GROUPS = """
## Seeds in two groups

Share of boards in which the seeds of any configuration are said to fall into two groups where none do, which is to be
5 % at most; and share of boards of normal runs in which a single run that fell by so many standard deviations of a seed
is seen. Three or four seeds of fewer than three configurations are never said to.
"""
INTERVALS = """
## Intervals of robust statistics

Share of 95 % intervals that hold the true interquartile mean, probability of improvement (over a variant that is worse
by 1.5 standard deviations of a seed) and height of the performance profile where that is truly so high. *Plain*:
percentiles of plain stratified resamples, as rliable takes them. With fewer runs than here (five in one block, four in
each of two, three in each of four) there is no interval.
"""
CORRELATED = """
## Runs of one seed that are alike in all blocks

The same of normal runs in four blocks and five seeds, where a seed does something to all blocks: blocks are resampled
each on its own, so this is not known to the intervals. Over ten seeds of AE and VAE on digits (100 epochs, latent sizes
2 to 16) the correlation between sizes was -0.04 of ELBO and MSE, 0.12 of the silhouette and 0.16 of the Fréchet
distance, means over pairs of sizes with standard errors of 0.07 to 0.13.
"""
DATASETS = """
## Several data sets

Share of cases in which two of so many truly equal variants are told apart by their ranks, or one of two truly equal
ones is called better than the other with a probability of 99 % or more, which is said from 8 data sets on; and the same
where one is truly better by one standard deviation of what data sets do to the difference.
"""


@dataclass(frozen=True)
class Seeds:
    """A configuration, as far as `splits` looks at it."""

    numbers: list[float]

    def values(self, _: str) -> dict[int, float]:
        return dict(enumerate(self.numbers))


def named(numbers: np.ndarray) -> list[set[int]]:
    """The seeds apart from the others, of each configuration that has such."""
    return [{*one.fewer} for one in splits([Seeds(own.tolist()) for own in numbers], "")]


def groups(cases: int) -> Iterator[Row]:
    for seeds, count in itertools.product((3, 4, 5, 10, 20), (1, 6, 28, 120)):
        some = max(min(cases, 40 * cases // count), 100)
        wrong = [
            share(some, lambda rng, kind=kind, count=count, seeds=seeds: bool(named(runs(rng, kind, count, seeds))))
            for kind in NULLS
        ]
        seen = [
            share(some // 4, lambda rng, fall=fall, count=count, seeds=seeds: is_seen(rng, fall, count, seeds))
            for fall in FALLS
        ]
        yield seeds, count, *wrong, *seen


def is_seen(rng: np.random.Generator, fall: float, count: int, seeds: int) -> bool:
    numbers = runs(rng, "normal", count, seeds)
    numbers[0, 0] -= fall
    return {0} in named(numbers)


AT = (0.9, 0.5, 0.25)  # heights of a profile


def intervals(cases: int) -> Iterator[Row]:
    for kind, (count, seeds) in itertools.product(
        ("normal", "heavy tails", "collapse"), ((1, 5), (1, 10), (2, 4), (4, 3), (4, 5), (4, 10))
    ):

        def drawn(rng: np.random.Generator, kind: str = kind, count: int = count, seeds: int = seeds) -> Blocks:
            return blocks(rng, kind, count, seeds)

        yield kind, count, seeds, *held(cases, drawn, lambda rng, kind=kind: blocks(rng, kind, 1, MANY)[0])


def held(
    cases: int,
    drawn: Callable[[np.random.Generator], Blocks],
    many: Callable[[np.random.Generator], Floats],
) -> tuple[float, ...]:
    rng = np.random.default_rng(1)
    first, second = many(rng), many(rng)
    mean, better = float(interquartile_mean([first])), improved(first + SHIFT, second)
    heights = np.quantile(first, [1.0 - at for at in AT])
    truths = shares_above([first], heights)
    found = []
    for _ in range(cases):
        one, other = drawn(rng), drawn(rng)
        profile = profile_estimate(one, heights)
        plain = np.quantile(interquartile_mean([own[rng.integers(len(own), size=(2000, len(own)))] for own in one]),
                            [0.025, 0.975])  # fmt: skip
        own, over = mean_estimate(one), improvement_estimate([part + SHIFT for part in one], other)
        found.append([
            plain[0] <= mean <= plain[1], own.low <= mean <= own.high, over.low <= better <= over.high,
            *((profile.low <= truths) & (truths <= profile.high)),
        ])  # fmt: skip
    return tuple(np.mean(found, axis=0).tolist())


def improved(first: Floats, second: Floats) -> float:
    """The probability that a run of the one scores above one of the other, from many of each."""
    return float(np.mean([improvement([first[at : at + 1000]], [second[at : at + 1000]])
                          for at in range(0, 100_000, 1000)]))  # fmt: skip


def correlated(cases: int) -> Iterator[Row]:
    for correlation in (0.0, 0.1, 0.3, 0.6):

        def drawn(rng: np.random.Generator, correlation: float = correlation) -> Blocks:
            shared, own = rng.normal(size=5), rng.normal(size=(4, 5))
            return [*(np.sqrt(correlation) * shared + np.sqrt(1.0 - correlation) * own)]

        found = held(cases, drawn, lambda rng: rng.normal(size=MANY))
        yield correlation, found[1], found[2]


def datasets(cases: int) -> Iterator[Row]:
    for count in (2, 4, LEAST_SIGNED, 12, 20):
        apart = [share(cases, lambda rng, count=count, k=k: told_apart(rng.normal(size=(count, k)))) for k in (5, 20)]
        called = [
            share(cases, lambda rng, count=count, shift=shift: signed_rank(rng.normal(shift, 1.0, count)).told
                  in (("better",) if shift else ("better", "worse")))
            for shift in (0.0, 1.0)
        ]  # fmt: skip
        yield count, *apart, *called


def told_apart(scores: np.ndarray) -> bool:
    found = ranks(scores)
    return float(np.ptp(found.mean)) > found.critical_difference


if __name__ == "__main__":
    main()
