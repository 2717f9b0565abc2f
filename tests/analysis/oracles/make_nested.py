"""Writes what statsmodels' mixed-effects model says of runs nested in settings nested in variants: `nested.json`.

    pip install statsmodels
    python tests/analysis/oracles/make_nested.py

Its estimates by restricted maximum likelihood are those of the analysis of variance where the numbers of runs are equal
and no part is 0 (Searle, Casella & McCulloch 1992, section 4.8), and near them elsewhere.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

HERE = Path(__file__).parent
SPREADS = {"equal": (2.0, 1.0, 0.5), "mostly seeds": (0.5, 0.7, 1.0), "unequal": (2.0, 1.0, 0.5)}
SEEDS = {"equal": (5,), "mostly seeds": (10,), "unequal": (3, 5, 8)}


def made_up(name: str, rng: np.random.Generator) -> list[list[list[float]]]:
    """Runs of six variants with four settings each."""
    variant, setting, seed = SPREADS[name]
    return [
        [
            (middle + setting * rng.normal() + seed * rng.normal(size=rng.choice(SEEDS[name]))).round(3).tolist()
            for _ in range(4)
        ]
        for middle in variant * rng.normal(size=6)
    ]


def components(groups: list[list[list[float]]]) -> list[float]:
    """Variances of variants, settings and seeds."""
    rows = [(f"v{one}", f"s{two}", run)
            for one, settings in enumerate(groups) for two, runs in enumerate(settings) for run in runs]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["variant", "setting", "y"])
    model = smf.mixedlm("y ~ 1", frame, groups="variant", re_formula="1", vc_formula={"setting": "0 + C(setting)"})
    tries = [
        model.fit(reml=True, method=method, maxiter=5000, gtol=1e-9) for method in ("bfgs", "lbfgs", "powell", "cg")
    ]
    found = max(tries, key=lambda one: one.llf)
    return [float(found.cov_re.iloc[0, 0]), float(found.vcomp[0]), float(found.scale)]


def main() -> None:
    rng = np.random.default_rng(3)
    told = {}
    for name in SPREADS:
        groups = made_up(name, rng)
        told[name] = {"groups": groups, "components": components(groups)}
    (HERE / "nested.json").write_text(json.dumps(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
