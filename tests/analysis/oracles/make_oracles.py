"""Writes what rliable, baycomp, autorank and scikit-posthocs say of made-up numbers: `others.json` beside this file.

    pip install --no-deps rliable==1.2.0 && pip install arch absl-py baycomp autorank scikit-posthocs
    python tests/analysis/oracles/make_oracles.py

rliable is archived and asks for old versions, the others are of no other use to the suite: so their answers are kept,
and its tests need none of them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import scikit_posthocs
from autorank import autorank
from baycomp import SignedRankTest
from rliable import library, metrics

HERE = Path(__file__).parent
THRESHOLDS = np.linspace(-1.5, 2.0, 8)


def main() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0.0, 1.0, (2, 5, 3)).round(2)  # of two variants: runs by tasks, with ties
    scores[1] += 0.5
    drawn = scores[:, rng.integers(5, size=(40, 5, 3)), np.arange(3)]  # the same resamples for both: (2, 40, 5, 3)
    table = rng.normal(0.0, 1.0, (12, 5)).round(2) + np.linspace(0.0, 2.0, 5)
    told = {
        "scores": scores.tolist(),
        "drawn": drawn.tolist(),
        "thresholds": THRESHOLDS.tolist(),
        "iqm": [float(metrics.aggregate_iqm(one)) for one in scores],
        "iqm_drawn": [[float(metrics.aggregate_iqm(one)) for one in own] for own in drawn],
        "improvement": float(metrics.probability_of_improvement(*scores)),
        "improvement_drawn": [float(metrics.probability_of_improvement(*pair)) for pair in zip(*drawn, strict=True)],
        "profile": [[float(library.run_score_deviation(one, at)) for at in THRESHOLDS] for one in scores],
        "iqm_interval": np.percentile([metrics.aggregate_iqm(one) for one in drawn[0]], [2.5, 97.5]).tolist(),
        "signed_ranks": [signed(rng, count, rope) for count, rope in ((5, 0.0), (8, 0.3), (12, 0.1), (10, 0.2))],
        "table": table.tolist(),
        **ranks(table),
    }
    (HERE / "others.json").write_text(json.dumps(told, indent=None) + "\n", encoding="utf-8")


def signed(rng: np.random.Generator, count: int, rope: float) -> dict[str, object]:
    differences = rng.normal(0.2, 0.5, count).round(3)
    found = SignedRankTest.probs(np.zeros(count), differences, rope=rope, nsamples=100_000, random_state=1)
    return {"differences": differences.tolist(), "margin": rope, "probabilities": [*map(float, found)]}


def ranks(table: np.ndarray) -> dict[str, object]:
    frame = pd.DataFrame(table, columns=[*"abcde"])
    found = autorank(frame, alpha=0.05, force_mode="nonparametric", order="descending")
    nemenyi = scikit_posthocs.posthoc_nemenyi_friedman(-table)
    return {
        "mean_ranks": found.rankdf["meanrank"].reindex([*"abcde"]).tolist(),
        "critical_difference": float(found.cd),
        "friedman_p": float(found.pvalue),
        "nemenyi_p": nemenyi.to_numpy().tolist(),
    }


if __name__ == "__main__":
    main()
