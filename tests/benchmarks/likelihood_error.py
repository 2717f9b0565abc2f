"""How far the certified likelihood of finished runs is off, against fixed numbers of codes, at what cost.

For each run: the NLL of its test images by fixed numbers of codes from the encoder's own posteriors, as most papers do,
and as the suite takes it, from codes that images share too; how far each is from a reference of very many codes from
fitted proposals; and the error that is told. Then a sandwich on images that are drawn from the run's own model: with
the code that an image was made from among them, the same sum of weights is an upper bound in expectation (Grosse et al.
2015), so that what lies between both bounds is no less than the error. Seconds are CPU seconds of the whole process.

    python tests/benchmarks/likelihood_error.py digits --out DIR --only "latent_dim == 8" --reference 65536
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aebench import backends, study
from aebench.harness import execute
from aebench.harness.plan import plan
from aebench.records.kept import Kept
from aebench.records.store import Store

SIMULATED = 500
FIXED = 128, 5056  # codes; the second the multiple of 64 nearest to the 5000 of most tables
TOLERANCES = 0.01, 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study")
    parser.add_argument("--out", type=Path, required=True, help="folder with the study's finished runs")
    parser.add_argument("--only", help="of which runs, as for `aebench bench`")
    parser.add_argument("--reference", type=int, default=65536, help="codes of the reference, a multiple of 64")
    parser.add_argument("--budget", type=int, default=1024)
    chosen = parser.parse_args()
    backends.choose("tensorflow")
    todo = plan(study.read(chosen.study), "tensorflow", Store(chosen.out), only=chosen.only)
    for cohort in execute.cohorts(todo, todo.finished):
        evaluator = cohort.scorer.evaluator
        if evaluator.has_density:
            weights = [todo.store.read_arrays(spec.run_id, Kept.WEIGHTS) for spec in cohort.specs]
            _tell(evaluator, weights, [spec.run_id for spec in cohort.specs], cohort.inputs.test, chosen)


def _tell(
    evaluator: Any, weights: Sequence[Any], names: Sequence[str], images: np.ndarray, chosen: argparse.Namespace
) -> None:
    from aebench.measures.importance_bound import importance_bound

    runs = evaluator.load(weights, len(images))
    importance_bound(evaluator, runs, images, 0.0, 64)  # compiles
    reference = [one.log_likelihood.mean() for one in importance_bound(evaluator, runs, images, 0.0, chosen.reference)]
    from aebench.measures import proposals

    shares, evaluator.shares_codes = evaluator.shares_codes, False
    ways = {f"{codes} codes as encoded": (0, 0.0, codes, False) for codes in FIXED}
    ways |= {f"{codes} codes, fitted": (proposals.ROUNDS, 0.0, codes, False) for codes in FIXED}
    ways |= {f"to {tolerance}": (proposals.ROUNDS, tolerance, chosen.budget, False) for tolerance in TOLERANCES}
    if shares:
        ways |= {f"to {one}, codes shared": (proposals.ROUNDS, one, chosen.budget, True) for one in TOLERANCES}
    for way, settings in ways.items():
        started = time.process_time()
        found = _bound(evaluator, runs, images, *settings)
        print(f"{way}: {(time.process_time() - started) / len(names):.2f} s a run")
        for name, one, known in zip(names, found, reference, strict=True):
            off = known - one.log_likelihood.mean()
            missed = "" if abs(off) <= one.error else "  MISSED"
            print(f"  {name}: NLL {-one.log_likelihood.mean():.4f}, off {off:+.4f}, told {one.error:.4f}, "
                  f"{one.codes.mean():.0f} codes{missed}")  # fmt: skip
    if not evaluator.has_gaussian_posterior:
        return
    print(f"sandwich on {SIMULATED} images of each run's own, to {TOLERANCES[0]}")
    for name, own in zip(names, weights, strict=True):
        lower, upper, se, told = _sandwich(evaluator, own, chosen.budget)
        print(f"  {name}: {lower:.4f} to {upper:.4f} ± {se:.4f}, {upper - lower:.4f} apart, told {told:.4f}")


def _bound(
    evaluator: Any, runs: Any, images: np.ndarray, rounds: int, tolerance: float, codes: int, shares: bool
) -> Any:
    from aebench.measures import proposals
    from aebench.measures.importance_bound import importance_bound

    before, proposals.ROUNDS, evaluator.shares_codes = proposals.ROUNDS, rounds, shares
    try:
        return importance_bound(evaluator, runs, images, tolerance, codes)
    finally:
        proposals.ROUNDS, evaluator.shares_codes = before, False


def _sandwich(evaluator: Any, weights: Any, budget: int) -> tuple[float, float, float, float]:
    """Lower and upper bound on the mean log-likelihood of simulated images, the latter's noise, and the error told."""
    import keras
    from keras import ops

    from aebench.backends.weights import set_weights
    from aebench.measures.fitted import Fitted
    from aebench.measures.importance_bound import fitted, importance_bound

    model = evaluator.model
    set_weights(model, weights)
    codes = model.prior.sample(SIMULATED, keras.random.SeedGenerator(1))
    means = ops.convert_to_numpy(model.decode_mean(codes))
    images = (np.random.default_rng(0).random(means.shape) < means).astype("float32")
    runs = evaluator.load([weights], SIMULATED)
    (found,) = importance_bound(evaluator, runs, images, TOLERANCES[0], budget)
    fit = fitted(evaluator, runs, [0], images)[0]
    posterior = model.encode(images)
    if fit is None:
        log_prob = posterior.log_prob(codes)
    else:
        steps = (codes - posterior.mean) / ops.exp(0.5 * posterior.log_var) - fit.shift  # a Gaussian's
        points = ops.solve_triangular(fit.factor, steps[:, :, None], lower=True)[:, :, 0]
        log_prob = Fitted(posterior, fit.shift, fit.factor).log_prob_at(points)
        log_prob -= 0.5 * ops.sum(posterior.log_var, axis=-1)
    log_weight = model.prior.log_prob(codes) - log_prob - model.distortion(images, codes)
    sums = np.logaddexp(found.log_likelihood + np.log(found.codes), ops.convert_to_numpy(log_weight))
    gaps = sums - np.log(found.codes + 1) - found.log_likelihood
    lower = float(found.log_likelihood.mean())
    return lower, lower + float(gaps.mean()), float(gaps.std(ddof=1)) / math.sqrt(SIMULATED), found.error


if __name__ == "__main__":
    main()
