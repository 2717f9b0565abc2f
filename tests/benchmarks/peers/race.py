"""Images/s of this suite's engines against Keras `fit` and against pythae's trainer, round by round in turn.

One VAE, one set of images, shuffled and binarised afresh in every epoch, on this machine. Each side is a process that
stays alive and trains some epochs when it is told to, so that all meet the same noise of the machine; nobody else works
while one does. pythae needs an environment of its own (`pip install pythae torch`); name its interpreter.

    python tests/benchmarks/peers/race.py digits --members 1 64
    python tests/benchmarks/peers/race.py mnist --members 1 8 --pythae path/to/python
    python tests/benchmarks/peers/race.py mnist --backend jax --precision bfloat16 --pythae path/to/python
    python tests/benchmarks/peers/race.py digits --set TF_ENABLE_ONEDNN_OPTS=0 --set TF_ENABLE_ONEDNN_OPTS=1
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent.parent
WIDTHS = {"digits": 256, "mnist": 512}
ROUND = 25_000  # images that a round shows to each member: what starts an epoch must not decide


@dataclass
class Racer:
    """One side: its process and the images/s of its rounds."""

    name: str
    process: subprocess.Popen[str]
    speeds: list[float]

    def go(self) -> None:
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.speeds.append(float(self._line()))

    def wait(self) -> None:
        assert self._line() == "ready"

    def _line(self) -> str:
        """The next line that is meant for us; a framework may have printed others."""
        for line in self.process.stdout:
            if line.startswith("race: "):
                return line.removeprefix("race: ").strip()
        sys.exit(f"{self.name} ended with status {self.process.wait()}")


def start(name: str, python: str, script: str, *arguments: object, **environment: str) -> Racer:
    command = [python, str(HERE / script), *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(REPO), "TF_CPP_MIN_LOG_LEVEL": "2", **environment}
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return Racer(name=name, process=process, speeds=[])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=WIDTHS)
    parser.add_argument("--backend", default="tensorflow", choices=("tensorflow", "jax"))
    parser.add_argument("--precision", default="float32", choices=("float32", "tf32", "bfloat16"))
    parser.add_argument("--members", type=int, nargs="+", default=[1, 8], help="cohort sizes")
    parser.add_argument("--pythae", metavar="PYTHON", help="interpreter of an environment with pythae")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each, after two that are not counted")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", help="race this suite once with each of these")
    parser.add_argument("--images", type=int, default=10_000, help="at most this many training images")
    chosen = parser.parse_args()

    from aebench import data

    pixels = data.load(chosen.data).train.pixels()[: chosen.images]
    width, backend = WIDTHS[chosen.data], {"KERAS_BACKEND": chosen.backend}
    epochs = max(1, ROUND // len(pixels))
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, pixels)
        file.flush()
        racers = [
            start(f"Keras fit, {chosen.backend}", sys.executable, "keras_fit.py", file.name, width, epochs, **backend)
        ]
        for members, setting in itertools.product(chosen.members, chosen.set or [""]):
            named = dict(part.split("=", 1) for part in setting.split(",") if part)
            racers.append(
                start(
                    " ".join([f"aebench, {chosen.backend} {chosen.precision}, {members} at once", setting]).strip(),
                    sys.executable,
                    "aebench_engine.py",
                    file.name,
                    width,
                    epochs,
                    members,
                    chosen.precision,
                    **backend,
                    **named,
                )
            )
        if chosen.pythae:
            racers.append(start("pythae", chosen.pythae, "pythae_trainer.py", file.name, width, epochs))
        for racer in racers:
            racer.wait()
        for number in range(chosen.rounds + 2):
            for racer in racers:
                racer.go()
                if number < 2:
                    racer.speeds.clear()
        for racer in racers:
            racer.process.kill()
    show(racers)


def show(racers: list[Racer]) -> None:
    """Median images/s of each, and the median of its ratios, round by round, to each peer."""
    peers = [racer for racer in racers if not racer.name.startswith("aebench")]
    wide = max(len(racer.name) for racer in racers) + 2
    print(f"{'images/s':{wide}}{'median':>10}{'min':>10}{'max':>10}" + "".join(f"{'/ ' + p.name:>24}" for p in peers))
    for racer in racers:
        ratios = [statistics.median(a / b for a, b in zip(racer.speeds, peer.speeds, strict=True)) for peer in peers]
        speeds = (statistics.median(racer.speeds), min(racer.speeds), max(racer.speeds))
        print(f"{racer.name:{wide}}" + "".join(f"{s:10,.0f}" for s in speeds) + "".join(f"{r:24.2f}" for r in ratios))


if __name__ == "__main__":
    main()
