"""Makes docs/variants/numbers.json from the records of studies: what variants' pages tell of their own numbers.

    python docs/variants_numbers.py zoo --out DIR --speeds speeds.json && python docs/write_variants.py

`speeds.json` is what `python tests/benchmarks/variants_speed.py --json speeds.json` has measured; without it the speeds
that are in numbers.json already stay. With it and no study, the speeds alone are new. Imports no Keras.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from aebench.analysis.best_settings import best_settings
from aebench.analysis.configurations import Configuration
from aebench.workspace import finished

NUMBERS = Path(__file__).resolve().parent / "variants" / "numbers.json"
METRICS = ("nll_nats", "elbo_nats", "recon_mse", "silhouette", "prior_recognisable")


def rows(study: str, backend: str | None, out: str | None) -> list[dict[str, Any]]:
    """One row for each variant, data set and size of codes of a study, at the setting that validation chooses."""
    return [
        _row(study, item)
        for source in finished(study, backend, out)
        for item in best_settings(source.comparison).configurations
        if item.usable
    ]


def _row(study: str, item: Configuration) -> dict[str, Any]:
    """Means and sds to five significant digits: more is noise, and would change the file for nothing."""
    summaries = {name: item.summaries[name] for name in METRICS}
    return {
        "study": study,
        "dataset": item.dataset,
        "latent_dim": item.latent_dim,
        "variant": item.variant,
        "label": item.label,
        "settings": item.settings,
        "runs": len(item.usable),
        **{
            name: None if one.mean is None else [_rounded(one.mean), None if one.sd is None else _rounded(one.sd)]
            for name, one in summaries.items()
        },
    }


def merged(before: list[dict[str, Any]], made: list[dict[str, Any]], speeds: dict[str, float]) -> list[dict[str, Any]]:
    """The rows from before that are not made anew, then those that are, each with its variant's speed.

    A study of many hours may so be done in parts, on machines that keep nothing.
    """
    fresh = {_place(row) for row in made}
    kept = [row for row in before if _place(row) not in fresh]
    return [{**row, "speed": speeds.get(row["variant"])} for row in [*kept, *made]]


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("study", "dataset", "latent_dim", "variant"))


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def main() -> None:
    """Replaces the rows of what is finished of these studies, and keeps all others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY")
    parser.add_argument("--backend", help="by default every one with finished runs")
    parser.add_argument("--out", metavar="DIR", help="folder of a single study's records, if it isn't reports/STUDY")
    parser.add_argument("--speeds", type=Path, metavar="FILE", help="images/s of each variant, over the VAE's")
    chosen = parser.parse_args()
    before = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else []
    speeds = {row["variant"]: row["speed"] for row in before if row["speed"] is not None}
    if chosen.speeds:
        speeds = json.loads(chosen.speeds.read_text())
    made = [row for study in chosen.studies for row in rows(study, chosen.backend, chosen.out)]
    told = merged(before, made, speeds)
    lines = [json.dumps(row, ensure_ascii=False) for row in told]
    NUMBERS.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print(f"{NUMBERS}: {len(made)} new rows, {len(told) - len(made)} kept")


if __name__ == "__main__":
    main()
