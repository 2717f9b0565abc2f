"""Seconds of the importance-weighted likelihood of a whole test set, against pythae's `get_nll`, in turn.

The same network on both sides; pythae's gets the first images alone, since it takes them one by one, and is scaled.
Weights are untrained: they don't change the work.

    python tests/benchmarks/peers/nll.py mnist --pythae path/to/python
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from race import WIDTHS, start

# On a machine that others use too, threads of OpenMP that spin while they wait made pythae eight times as slow.
PEER = {"OMP_WAIT_POLICY": "passive"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=WIDTHS)
    parser.add_argument("--samples", type=int, default=128, help="codes of each image, a multiple of 64")
    parser.add_argument("--members", type=int, nargs="+", default=[1], help="runs that are measured at once")
    parser.add_argument("--pythae", metavar="PYTHON", help="interpreter of an environment with pythae")
    parser.add_argument("--batches", type=int, nargs="+", default=[100], help="pythae's batch sizes")
    parser.add_argument("--slice", type=int, default=200, help="images that pythae gets")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()

    from aebench import data
    from aebench.data import pixels as inputs

    test = inputs.prepare(data.load(chosen.data), "bernoulli", "train").test
    with tempfile.TemporaryDirectory() as folder:
        whole, part = (str(Path(folder, f"{name}.npy")) for name in ("whole", "part"))
        np.save(whole, test)
        np.save(part, test[: chosen.slice])
        work = (WIDTHS[chosen.data], chosen.samples)
        racers = [
            start(f"aebench, {members} at once", sys.executable, "aebench_nll.py", whole, *work, members)
            for members in chosen.members
        ]
        racers += [
            start(f"pythae, batch size {batch}", chosen.pythae, "pythae_nll.py", part, *work, batch, **PEER)
            for batch in (chosen.batches if chosen.pythae else ())
        ]
        for racer in racers:
            racer.wait()
        for number in range(chosen.rounds + 1):
            for racer in racers:
                racer.go()
                if number == 0:
                    racer.speeds.clear()
        for racer in racers:
            racer.process.kill()
    print(f"{len(test)} images, {chosen.samples} codes of each: seconds a run, median [min, max]")
    for racer in racers:
        seconds = [len(test) / speed for speed in racer.speeds]
        ratios = [ours / theirs for ours, theirs in zip(racers[0].speeds, racer.speeds, strict=True)]
        spread = f"[{min(seconds):.1f}, {max(seconds):.1f}]"
        print(f"{racer.name:28}{statistics.median(seconds):8.1f} {spread:18} {statistics.median(ratios):6.1f}x")


if __name__ == "__main__":
    main()
