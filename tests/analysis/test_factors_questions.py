"""What made-up runs answer about disentanglement: as found, whichever way it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aebench.analysis.configurations import compare
from aebench.analysis.evidence import Evidence
from aebench.analysis.questions import factors
from aebench.measures.similarity import centred_ranks, relative_strength

SEEDS = 6


@pytest.fixture
def found(make_study, expand, make_record) -> Callable[..., Evidence]:
    """found(score, codes, changes) -> evidence; functions of a run's spec, a score for all of `factors.SCORES`."""

    def made(score: Callable[[Any], float], codes: Callable[[Any], np.ndarray] | None = None) -> Evidence:
        study = make_study(seeds=SEEDS, latent_dim="[3]")
        specs = expand(study)
        records = {
            spec.run_id: make_record(spec, **dict.fromkeys(factors.SCORES, score(spec))).model_copy(
                update={"profiles": {factors.SPECTRUM: (1.0, 1.0, 0.001)}}
            )
            for spec in specs
        }
        return Evidence(
            board=compare(study, specs, records).configurations,
            contrasts=study.contrasts,
            arrays=lambda record, name: codes(record.spec) if codes else None,
        )

    return made


def noise(spec: Any) -> float:
    return float(np.random.default_rng([spec.seed, len(spec.variant), round(4 * spec.scalars.get("beta", 0))]).normal())


@pytest.mark.parametrize(
    ("score", "standing"),
    [
        (lambda spec: 0.5 + 0.1 * noise(spec), "confirmed"),
        (lambda spec: 0.2 * spec.scalars.get("beta", 2.0) + 0.01 * noise(spec), "confirmed"),
        (lambda spec: (spec.variant == "vae") + 0.01 * noise(spec), "refuted"),
    ],
)
def test_method_setting_or_seed(found, score, standing: str) -> None:
    (verdict,) = factors.method_setting_or_seed(found(score))
    assert verdict.standing == standing
    assert len(verdict.lines) == len(factors.SCORES)
    assert "MIG: variant" in verdict.lines[0]


def test_two_networks_are_no_two_settings(make_study, expand, make_record) -> None:
    """The score of a run is the same in both networks but for a constant, and so are all shares."""
    study = make_study(seeds=SEEDS, latent_dim="[3]", network='["mlp-256", "mlp-400"]')
    specs = expand(study)
    score = {spec.run_id: 10.0 * (spec.network == "mlp-400") + noise(spec) for spec in specs}
    records = {spec.run_id: make_record(spec, **dict.fromkeys(factors.SCORES, score[spec.run_id])) for spec in specs}
    (verdict,) = factors.method_setting_or_seed(Evidence(board=compare(study, specs, records).configurations))
    first, second = (line.split(": ") for line in verdict.lines[:2])
    assert (first[0], second[0]) == ("MIG at z = 3 (mlp-256)", "MIG at z = 3 (mlp-400)")
    assert first[1] == second[1]
    assert len(verdict.lines) == 2 * len(factors.SCORES)


def test_without_scores_nothing_is_asked(found, make_study, expand, make_record) -> None:
    study = make_study(seeds=SEEDS)
    specs = expand(study)
    board = compare(study, specs, {spec.run_id: make_record(spec) for spec in specs}).configurations
    assert list(factors.method_setting_or_seed(Evidence(board=board))) == []
    assert list(factors.without_knowing_factors(Evidence(board=board))) == []


def test_which_factors_are_told(make_study, expand, make_record) -> None:
    study = make_study(seeds=2, latent_dim="[3]")
    specs = expand(study)
    records = {
        spec.run_id: make_record(spec).model_copy(
            update={
                "profiles": {
                    "informativeness_by_factor": (0.2 + 0.1 * spec.seed, 0.9),
                    "mig_by_factor": (0.1, 0.4),
                }
            }
        )
        for spec in specs
    }
    board = compare(study, specs, records).configurations
    (verdict,) = factors.told_factors(Evidence(board=board, factor_names=("hue", "size")))
    assert "size 0.90 and hue 0.25" in verdict.answer
    assert all(line.endswith("size 0.90 (0.40), hue 0.25 (0.10)") for line in verdict.lines)
    (unnamed,) = factors.told_factors(Evidence(board=board, factor_names=("hue", "constant", "size")))
    assert "factor 2 0.90" in unnamed.answer


def turned(spec: Any) -> np.ndarray:
    """Two independent factors, turned by an angle that grows with β and differs between seeds; a dead dimension."""
    truth = np.random.default_rng(0).uniform(size=(400, 2)) - 0.5
    angle = spec.scalars.get("beta", 0.0) * spec.seed / 10
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    dead = np.random.default_rng(spec.seed + 1).normal(size=(400, 1))
    return np.hstack([truth @ turn, dead])


def test_agreement_is_high_where_seeds_find_the_same_dimensions(found) -> None:
    evidence = found(noise, turned)
    told = {item.label: factors.agreement(evidence, item) for item in evidence.board}
    assert all(set(own) == set(range(SEEDS)) for own in told.values())
    means = {label: np.mean([*own.values()]) for label, own in told.items()}
    assert means["AE"] > 0.9, "what is not turned: rank correlations of independent dimensions are near 0"
    assert max(means, key=means.get) == "AE"
    assert min(means.values()) < 0.7


@pytest.mark.parametrize(("sign", "standing"), [(1, "confirmed"), (-1, "refuted")])
def test_udr_is_held_against_the_scores(found, sign: int, standing: str) -> None:
    """The score is the run's own UDR, or its negative."""
    known = {(item.id, seed): udr for item in found(noise, turned).board
             for seed, udr in factors.agreement(found(noise, turned), item).items()}  # fmt: skip
    evidence = found(lambda spec: sign * known[spec.configuration, spec.seed], turned)
    (verdict,) = factors.without_knowing_factors(evidence)
    assert verdict.standing == standing
    assert f"MIG {sign:+.2f} [{sign:+.2f}, {sign:+.2f}]" in verdict.answer


def test_relative_strength_has_its_closed_forms() -> None:
    """One counterpart each: 1. All dimensions alike: each row has d equal correlations of 1, so 1/d."""
    points = np.random.default_rng(0).permuted(np.tile(np.arange(2000.0)[:, None], 3), axis=0)
    changed = -np.exp(points[:, [2, 0, 1]] / 2000) * [1.0, 2.0, 5.0]
    cross = np.abs(np.corrcoef(points.T)[np.triu_indices(3, 1)])
    assert strength(points, changed) == pytest.approx(1.0, abs=2 * cross.max())
    same = np.tile(points[:, :1], 4)
    assert strength(same, same) == pytest.approx(1 / 4)
    assert strength(points, changed) == pytest.approx(strength(changed, points))
    assert strength(points[:, :0], points) == 0.0
    assert strength(0 * points, points) == 0.0


def strength(codes: np.ndarray, others: np.ndarray) -> float:
    return relative_strength(centred_ranks(codes), centred_ranks(others))
