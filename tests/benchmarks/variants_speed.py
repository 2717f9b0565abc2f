"""Images/s of a cohort of each variant over the VAE's, whose epochs are timed in turn with its own.

Members differ in their seeds; digits, network mlp-256, 8 numbers in a code, every setting at its default. The machine
should have nothing else to do; what it does besides slows both sides, so that ratios stand what speeds do not.

    python tests/benchmarks/variants_speed.py                       # all variants
    python tests/benchmarks/variants_speed.py iwae vamp-vae --backend jax --json speeds.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from aebench import backends, data
from aebench.data import pixels
from aebench.study import variants

LATENT, NETWORK, BATCH, RATE = 8, "mlp-256", 128, 1e-3


class Side:
    """A cohort's compiled program, and how long its epochs took.

    Args:
        name: of the variant.
        members: how many runs, which differ in their seeds.
        inputs: pixels that they train on.
        backend: where.
        network: of all.
        latent_dim: numbers in a code.
        steps: to an epoch, if not as many as there are batches of images.
    """

    def __init__(
        self,
        name: str,
        members: int,
        inputs: Any,
        backend: str,
        *,
        network: str = NETWORK,
        latent_dim: int = LATENT,
        steps: int | None = None,
    ) -> None:
        from aebench.harness.engine import vectorised
        from aebench.records.spec import RunSpec

        declared = variants.find(name)
        fields = {
            "variant": name, "variant_version": declared.version, "latent_dim": latent_dim, "network": network,
            "likelihood": "bernoulli", "backend": backend, "dataset": "digits", "dataset_digest": "", "epochs": 100,
            "batch_size": BATCH, "learning_rate": RATE, "scalars": declared.scalars, "options": declared.options,
        }  # fmt: skip

        def make_model(spec: RunSpec) -> Any:
            steps = {"training_steps": spec.epochs * (len(inputs.train) // BATCH)}
            settings = {**spec.scalars, **spec.options, **steps}
            model = variants.load(declared)(latent_dim, network=network, seed=spec.seed, **settings)
            model.adapt(inputs.train)
            return model

        specs = [RunSpec(**fields, seed=seed) for seed in range(members)]
        self.cohort = vectorised._Cohort(specs, make_model, inputs)
        self.cohort.steps = steps or self.cohort.steps
        self.orders, self.seconds = self.cohort._orders(), []
        self.program = self.cohort.compiled()

    def epoch(self) -> float:
        """Trains one epoch and tells its seconds, which it keeps."""
        order = next(self.orders)
        start = time.perf_counter()
        for means in self.program.epoch(order, RATE).values():
            np.asarray(means)
        self.seconds.append(time.perf_counter() - start)
        return self.seconds[-1]


def race(one: Side, other: Side, rounds: int) -> float:
    """The median ratio of the speeds of `one` and `other`, epoch by epoch in turn, after a few that are not counted."""
    for side in (one, other):
        side.seconds.clear()
    for _ in range(rounds + 3):
        one.epoch()
        other.epoch()
    return statistics.median(b / a for a, b in zip(one.seconds[3:], other.seconds[3:], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help="by default all")
    parser.add_argument("--backend", default="tensorflow", choices=("tensorflow", "jax"))
    parser.add_argument("--members", type=int, default=16, help="runs in a cohort")
    parser.add_argument("--rounds", type=int, default=20, help="epochs of each side")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the ratios, too")
    chosen = parser.parse_args()
    backends.choose(chosen.backend)
    inputs = pixels.prepare(data.load("digits"), "bernoulli", "train")
    reference, ratios = Side("vae", chosen.members, inputs, chosen.backend), {}
    print(f"{'variant':22}{'images/s':>12}{'/ VAE':>8}   {chosen.backend}, {chosen.members} runs at once", flush=True)
    for name in chosen.variants or sorted(variants.known()):
        if reason := variants.load(variants.find(name)).not_vectorised:
            print(f"{name:22}{'':12}{'':8}   one by one: {reason}", flush=True)
            continue
        side = Side(name, chosen.members, inputs, chosen.backend)
        ratios[name] = round(race(side, reference, chosen.rounds), 3)
        speed = chosen.members * side.cohort.steps * BATCH / statistics.median(side.seconds)
        print(f"{name:22}{speed:12,.0f}{ratios[name]:8.2f}", flush=True)
        side.cohort.program.close()
    if chosen.json:
        chosen.json.write_text(json.dumps(ratios, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
