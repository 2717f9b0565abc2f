"""How often the page's sets, intervals and verdicts are wrong, and what they see, by simulation: docs/statistics.md.

    python tests/benchmarks/statistics_levels.py [--boards 2000]

Every number is a share of boards that were drawn at random; with 2,000 of them one of 5 % is sure to within 1 %.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests"))

from simulated import KINDS, SEED_SD, board, pairs, values  # noqa: E402

from aebench.analysis.convergence import convergence  # noqa: E402
from aebench.analysis.statistics import Difference, conclusions, crossed_difference, difference_of  # noqa: E402

SEEDS, WORSE = 5, 6.0 * SEED_SD
Row = tuple[object, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--boards", type=int, default=2000)
    boards = parser.parse_args().boards
    parts = [HEAD.strip()]
    for title, header, rows in (
        (SETS, ("Runs are", "configurations", "images", "each against the best", "set of the best", "power"), sets),
        (INTERVALS, ("Runs are", "images", "one pair", "28 configurations together"), intervals),
        (VERDICTS, ("Runs are", "images", "one by one", "corrected"), verdicts),
        (
            CURVES,
            ("epochs", "noise", "flat: wrong", "flat: converged", "falls 0.3: converged", "falls 0.3: told"),
            curves,
        ),
    ):
        parts += [title.strip(), table(header, rows(boards))]
    (REPO / "docs" / "statistics.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


HEAD = """# How often the page is wrong

Made by `python tests/benchmarks/statistics_levels.py`; all of it is simulated, so the truth is known. Runs differ by
seed with a standard deviation of 0.05 nats, alike in all configurations and on its own in each; test images add what
those of the 8x8 digits do. Runs are *normal*; have *heavy tails* (t with 3 degrees of freedom); *collapse* now and
then (one in ten falls by 1 nat); or their spreads differ between configurations (log-normal, 0.7). Five seeds.
"""
SETS = """
## Who is among the best

All configurations are truly equal. Share of boards in which any is marked as worse: if each is held against the best
mean by its own 95 % interval, and by the set of the best, which is to err in 5 % of boards at most. Power: half of
the configurations are 0.3 nats worse; the share of these that is told apart.
"""
INTERVALS = """
## Whether intervals hold the truth

Share of intervals of a single difference that hold the true one, and of boards in which those of all pairs do. Where
runs collapse now and then, no interval from five seeds can know of a collapse that it has not seen.
"""
VERDICTS = """
## Verdicts over four latent sizes

Two variants that are truly equal at all of four sizes. Share of studies in which one is called better or worse at
one.
"""
CURVES = """
## Whether training was long enough

Curves that are flat at the end, or fall by 0.3 nats over the last tenth, with white noise (nats). *Wrong*: a flat one
is called not converged or overfitted.
"""


def table(header: Row, rows: Iterator[Row]) -> str:
    lines = [header, ("---",) * len(header)]
    for row in rows:
        print(*row, sep="\t", flush=True)
        lines.append(tuple(f"{cell:.3f}" if isinstance(cell, float) else cell for cell in row))
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def share(boards: int, wrong: Callable[[np.random.Generator], float]) -> float:
    rng = np.random.default_rng(0)
    return float(np.mean([wrong(rng) for _ in range(boards)]))


def sets(boards: int) -> Iterator[Row]:
    for kind, (count, images) in itertools.product(KINDS, ((28, 1), (120, 1), (28, 360))):
        drawn = partial(board, kind=kind, count=count, seeds=SEEDS, images=images)
        several = boards if images == 1 else boards // 4
        alone = share(boards // 10, lambda rng, drawn=drawn: any_clear_of_the_best(drawn(rng)))
        together = share(several, lambda rng, drawn=drawn: leaves(drawn(rng)) > 0)
        yield kind, count, images, alone, together, share(several // 4, lambda rng, drawn=drawn: told_apart(drawn(rng)))


def leaves(numbers: np.ndarray) -> int:
    return len(numbers) - len(pairs(values(numbers)).set_of_best(1.0))


def told_apart(numbers: np.ndarray) -> float:
    half = len(numbers) // 2
    numbers[half:] -= WORSE
    best = pairs(values(numbers)).set_of_best(1.0)
    return 1.0 - float((best >= half).sum()) / (len(numbers) - half)


def any_clear_of_the_best(numbers: np.ndarray) -> bool:
    best = numbers[numbers.mean(axis=(1, 2)).argmax()]
    return any(single(best - own).clear for own in numbers if own is not best)


def single(apart: np.ndarray) -> Difference:
    if apart.shape[1] > 1:
        return crossed_difference(apart)
    found = difference_of(apart[:, 0].tolist())
    assert found is not None
    return found


def intervals(boards: int) -> Iterator[Row]:
    for kind, images in itertools.product(KINDS, (1, 360)):
        two, many = (partial(board, kind=kind, count=count, seeds=SEEDS, images=images) for count in (2, 28))
        alone = share(boards, lambda rng, two=two: not single(np.subtract(*two(rng))).clear)
        yield kind, images, alone, share(boards // 4, lambda rng, many=many: hold_together(many(rng)))


def hold_together(numbers: np.ndarray) -> bool:
    found = pairs(values(numbers))
    return not any(gap and gap.clear for one in range(1, len(numbers)) for gap in found.gaps(one, range(one)))


def verdicts(boards: int) -> Iterator[Row]:
    for kind, images in itertools.product(KINDS, (1, 360)):
        rng = np.random.default_rng(1)
        studies = [[single(np.subtract(*board(rng, kind, 2, SEEDS, images))) for _ in range(4)] for _ in range(boards)]
        alone = float(np.mean([any(one.clear for one in study) for study in studies]))
        told = [{"higher", "lower"} & {*conclusions(study)} != set() for study in studies]
        yield kind, images, alone, float(np.mean(told))


def curves(boards: int) -> Iterator[Row]:
    for epochs in (20, 30, 50, 200):
        for noise in (0.01, 0.03, 0.1):
            flat, falling = (states(boards, epochs, noise, fall) for fall in (0.0, 0.3))
            yield (
                epochs, noise, flat["not converged"] + flat["overfitted"], flat["converged"], falling["converged"],
                falling["not converged"],
            )  # fmt: skip


def states(count: int, epochs: int, noise: float, fall: float) -> Counter[str]:
    rng, times, found = np.random.default_rng(2), np.arange(epochs), Counter()
    trend = 20 * np.exp(-25 * times / epochs) - fall * times / (epochs / 10)
    for _ in range(count):
        found[convergence((trend + rng.normal(0, noise, epochs)).tolist()).state] += 1 / count
    return found


if __name__ == "__main__":
    main()
