"""Five variants that pythae has too: images/s in training round by round in turn, then the test numbers of both.

The same network, images, batches of 128, Adam at 1e-3 and number of epochs on either side, each in a process of its
own that works while the other waits. The test numbers are of the same binarised test images: squared error at the
posterior mean, and the importance-weighted NLL of 100 codes under each model's own prior, by each side's own code.

    python tests/benchmarks/peers/zoo.py digits --pythae path/to/python --epochs 60
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from race import WIDTHS, Racer, start

VARIANTS = ("vae", "iwae", "beta-tcvae", "info-vae", "vamp-vae")
ROUNDS = 6
TESTED = 500  # test images, for pythae's side takes them one code at a time


def score(racer: Racer) -> dict[str, float]:
    """The test numbers of a side, which ends."""
    racer.process.stdin.write("score\n")
    racer.process.stdin.flush()
    found = json.loads(racer._line())
    racer.process.kill()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=WIDTHS)
    parser.add_argument("--pythae", metavar="PYTHON", required=True, help="interpreter of an environment with pythae")
    parser.add_argument("--epochs", type=int, default=60, help="of training, in six rounds")
    parser.add_argument("--images", type=int, default=10_000, help="at most this many training images")
    parser.add_argument("--members", type=int, default=8, help="runs that this suite trains at once, beside one alone")
    parser.add_argument("--variants", nargs="+", default=VARIANTS, choices=VARIANTS)
    chosen = parser.parse_args()

    from aebench import data
    from aebench.data.pixels import binarise

    loaded = data.load(chosen.data)
    train, test = loaded.train.pixels()[: chosen.images], binarise(loaded.test.pixels(), "test")[:TESTED]
    print(f"{'':12}{'images/s: aebench 1':>21}{f'{chosen.members} at once':>12}{'pythae':>10}{'1 / pythae':>12}"
          f"{f'{chosen.members} / pythae':>12}{'NLL':>16}{'MSE':>16}  (aebench, pythae)")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npz"
        np.savez(path, train=train, test=test)
        for variant in chosen.variants:
            race(variant, path, WIDTHS[chosen.data], chosen)


def race(variant: str, path: Path, width: int, chosen: argparse.Namespace) -> None:
    """Races one variant and prints its line."""
    epochs = chosen.epochs // ROUNDS
    sides = [
        *(start(f"aebench {count}", sys.executable, "aebench_zoo.py", path, width, epochs, variant, count,
                KERAS_BACKEND="tensorflow") for count in (1, chosen.members)),
        start("pythae", chosen.pythae, "pythae_zoo.py", path, width, epochs, variant),
    ]  # fmt: skip
    for side in sides:
        side.wait()
    for _ in range(ROUNDS):
        for side in sides:
            side.go()
    alone, together, peer = (statistics.median(side.speeds[1:]) for side in sides)  # a first round warms up
    ratios = [statistics.median(a / b for a, b in zip(side.speeds[1:], sides[2].speeds[1:], strict=True))
              for side in sides[:2]]  # fmt: skip
    ours, _, theirs = (score(side) for side in sides)
    speeds = f"{alone:21,.0f}{together:12,.0f}{peer:10,.0f}{ratios[0]:12.2f}{ratios[1]:12.2f}"
    numbers = [f"{ours[name]:8.{n}f}{theirs[name]:8.{n}f}" for name, n in (("nll", 2), ("mse", 4))]
    print(f"{variant:12}{speeds}{''.join(numbers)}", flush=True)


if __name__ == "__main__":
    main()
