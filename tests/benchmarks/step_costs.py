"""Where the time of a cohort's training step goes, by kind of operation, beside what the machine could do at best.

A few steps are traced by the backend's own profiler. Times are of threads: with two cores, two milliseconds of threads
may pass in one of the clock. Beside it stand the least times of the products, at the speed of large ones, and of Adam's
traffic (weights, two moments and gradient read, all but the gradient written), at the speed of large arrays.

    python tests/benchmarks/step_costs.py                                 # three variants, both sizes
    python tests/benchmarks/step_costs.py vae --data mnist --members 8 --backend jax --operations 12
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from variants_speed import BATCH, Side

from aebench import backends, data
from aebench.data import pixels

SIZES = {"digits": ("mlp-256", 64), "mnist": ("mlp", 8)}  # network, and runs at once
ADAM_PASSES = 7
# The first kind whose pattern is found in an operation's name, or in what a compiled one is made of.
KINDS = {
    "products": r"matmul|\bdot\b|dot_general|conv_general",
    "Adam": r"adam",
    "random": r"random|rng|threefry|shift-left",
    "gather": r"(?<!all-)gather|dynamic-slice",
    "sums": r"^sum|segmentsum|addn|\breduce\b",
    "copies": r"^(un)?(pack|concat|transpose|copy|cast|convert|broadcast|reshape|readvariable|assign)",
}


def kind(words: str) -> str:
    """The kind of an operation; elementwise where no other."""
    found = (name for name, pattern in KINDS.items() if re.search(pattern, words, re.IGNORECASE))
    return next(found, "elementwise")


class Step:
    """A cohort's program that runs, times and traces a few steps."""

    def __init__(self, variant: str, dataset: str, members: int, backend: str, steps: int) -> None:
        network, _ = SIZES[dataset]
        inputs = pixels.prepare(data.load(dataset), "bernoulli", "train")
        self.side = Side(variant, members, inputs, backend, network=network, latent_dim=16, steps=steps)
        self.members, self.steps, self.backend = members, steps, backend

    def seconds(self) -> float:
        """What one step takes."""
        return self.side.epoch() / self.steps

    def traced(self) -> dict[str, float]:
        """Seconds of threads in one step by operation, each operation written as its kind, a colon and its name."""
        with tempfile.TemporaryDirectory() as folder:
            found = self._traced_by_tensorflow(folder) if self.backend == "tensorflow" else self._traced_by_jax(folder)
        return {name: seconds / self.steps for name, seconds in found.items()}

    def _traced_by_tensorflow(self, folder: str) -> dict[str, float]:
        import tensorflow as tf

        with tf.profiler.experimental.Profile(folder):
            self.side.epoch()
        # "model/dense/MatMul:MatMul" is an operation; all else are the runtime's own notes.
        spent = _spent(folder, lambda name: re.fullmatch(r"[^:]+:\w+", name) is not None)
        return _by_kind((name.rsplit(":", 1)[1], name.rsplit(":", 1)[1], seconds) for name, seconds in spent)

    def _traced_by_jax(self, folder: str) -> dict[str, float]:
        import jax

        words = _made_of(self.side.program._epoch.as_text())  # type: ignore[attr-defined]
        with jax.profiler.trace(folder):
            self.side.epoch()
        return _by_kind((name, words[name], seconds) for name, seconds in _spent(folder, words.__contains__))

    def least_seconds(self) -> tuple[float | None, float]:
        """What the products, and Adam's traffic, of one step take at best; products that are not counted: `None`."""
        from aebench.measures.speed.flops import matmul_flops_per_s

        model = self.side.cohort.template.model
        numbers = self.members * sum(np.prod(weight.shape) for weight in model.trainable_weights)
        flops = _step_flops(model)
        products = None if flops is None else self.members * BATCH * flops / matmul_flops_per_s("float32")
        return products, 4 * ADAM_PASSES * numbers / copied_bytes_per_s()


def _step_flops(model: Any) -> float | None:
    """FLOPs of an image in one step: the encoder sees it once, the decoder as many codes as the bound draws."""
    from aebench.measures.speed.flops import flops_per_image

    counted = flops_per_image(model)
    step, decode = counted["train_step"], counted["decode"]
    return None if step is None or decode is None else step + 3 * decode * (getattr(model, "k", 1) - 1)


def _by_kind(operations: Iterable[tuple[str, str, float]]) -> dict[str, float]:
    """Seconds by "kind: name" of operations, `(name, words that tell its kind, seconds)`."""
    seconds: dict[str, float] = defaultdict(float)
    for name, words, spent in operations:
        seconds[f"{kind(words)}: {name}"] += spent
    return seconds


def _spent(folder: str, is_operation: Callable[[str], bool]) -> Iterator[tuple[str, float]]:
    """Name and seconds of each operation on each thread, without operations inside of it."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    for plane in (plane for plane in space.planes if plane.name == "/host:CPU"):
        names = {key: event.name for key, event in plane.event_metadata.items() if is_operation(event.name)}
        for line in plane.lines:
            yield from _own_times(
                (event.offset_ps, event.offset_ps + event.duration_ps, names[event.metadata_id])
                for event in line.events
                if event.metadata_id in names
            )


def _own_times(events: Iterator[tuple[int, int, str]]) -> Iterator[tuple[str, float]]:
    """What each of a thread's events, `(start, end, name)` in picoseconds, took without those inside of it."""
    under_way: list[list[Any]] = []  # of each its end, its name and what it took by itself
    for start, end, name in sorted(events, key=lambda event: (event[0], -event[1])):
        while under_way and under_way[-1][0] <= start:
            _, done, own = under_way.pop()
            yield done, own / 1e12
        if under_way:
            under_way[-1][2] -= end - start
        under_way.append([end, name, end - start])
    yield from ((name, own / 1e12) for _, name, own in under_way)


def _made_of(program: str) -> dict[str, str]:
    """By the name of each operation of a compiled program: its own words, and those of the computation it calls."""
    inside: dict[str, list[str]] = {}
    own: dict[str, tuple[str, str]] = {}
    computation = ""
    for line in program.splitlines():
        if begins := re.match(r"(?:ENTRY )?%?([\w.-]+) .*\{$", line):
            computation = begins[1]
        elif told := re.match(r"\s+(?:ROOT )?%?([\w.-]+) = .*? ([\w-]+)\(", line):
            path = re.search(r'op_name="([^"]*)"', line)
            words = f"{told[2]} {path[1] if path else ''}"
            called = re.search(r"calls=%?([\w.-]+)", line)
            inside.setdefault(computation, []).append(words)
            own[told[1]] = (words, called[1] if called else "")
    return {name: " ".join([words, *inside.get(called, [])]) for name, (words, called) in own.items()}


def copied_bytes_per_s() -> float:
    """Bytes read and written a second where one thread a core copies an array into another, in the fastest round."""
    cores = len(os.sched_getaffinity(0))
    pairs = [(np.ones(2**23, "float32"), np.ones(2**23, "float32")) for _ in range(cores)]
    seconds = []
    with ThreadPoolExecutor(cores) as threads:
        for _ in range(12):
            begun = time.perf_counter()
            list(threads.map(lambda pair: np.copyto(*pair), pairs))
            seconds.append(time.perf_counter() - begun)
    return cores * 2 * 4 * 2**23 / min(seconds)


def _largest(seconds: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(seconds.items(), key=lambda item: -item[1])


def report(step: Step, title: str, rounds: int, operations: int) -> None:
    """Prints one program's table."""
    for _ in range(3):
        step.seconds()
    seconds = min(step.seconds() for _ in range(rounds))
    traced, (products, traffic) = step.traced(), step.least_seconds()
    busy, kinds = sum(traced.values()), defaultdict[str, float](float)
    for name, spent in traced.items():
        kinds[name.split(":", 1)[0]] += spent
    print(f"\n{title}: {1e3 * seconds:.2f} ms a step, {step.members * BATCH / seconds:,.0f} images/s")
    best = "products that are not counted" if products is None else f"{1e3 * products:.2f} ms of products"
    print(f"  at best {best} and {1e3 * traffic:.2f} ms of Adam's traffic")
    print(f"  {1e3 * busy:.2f} ms of threads, of them")
    for name, spent in _largest(kinds):
        print(f"  {name:12}{1e3 * spent:9.2f} ms {100 * spent / busy:5.1f} %")
    for name, spent in _largest(traced)[:operations]:
        print(f"      {name:50}{1e3 * spent:9.2f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", metavar="VARIANT", default=["vae", "iwae", "factor-vae"])
    parser.add_argument("--data", nargs="*", default=[*SIZES], choices=[*SIZES])
    parser.add_argument("--backend", default="tensorflow", choices=("tensorflow", "jax"))
    parser.add_argument("--members", type=int, help="runs in a cohort; as many as an engine would take, if not said")
    parser.add_argument("--steps", type=int, default=8, help="of an epoch")
    parser.add_argument("--rounds", type=int, default=10, help="epochs that are timed; the fastest counts")
    parser.add_argument("--operations", type=int, default=0, help="how many single operations to tell")
    chosen = parser.parse_args()
    backends.choose(chosen.backend)
    for dataset in chosen.data:
        members = chosen.members or SIZES[dataset][1]
        for variant in chosen.variants:
            step = Step(variant, dataset, members, chosen.backend, chosen.steps)
            title = f"{variant} on {dataset}, {members} at once, {chosen.backend}"
            report(step, title, chosen.rounds, chosen.operations)
            step.side.program.close()


if __name__ == "__main__":
    main()
