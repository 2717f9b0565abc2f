"""Measures of known factors: closed forms, chance, invariances, and numbers of `disent`, a library of others."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from aebench.measures.factors import information, interventions, predictability
from aebench.measures.factors.family import FAMILY, MEASURES
from aebench.measures.factors.known import varying
from aebench.measures.factors.representations import measured
from aebench.records.record import Factor

SHARES = ("factor_vae_score", "beta_vae_score")


def ordered(*sizes: int | None) -> tuple[Factor, ...]:
    return tuple(Factor(name=f"f{at}", kind="ordered", levels=size) for at, size in enumerate(sizes))


def grid(*sizes: int) -> np.ndarray:
    """Every combination once: factors are independent to the last image."""
    return np.array(list(product(*map(range, sizes))), float)


def numbers(codes: np.ndarray, values: np.ndarray, factors: tuple[Factor, ...]) -> dict[str, float | None]:
    """All measures, with the same images for training and test."""
    return measured(codes, codes, *varying(factors, values, values)).numbers


def test_perfect_codes_have_a_score_of_one_in_every_measure() -> None:
    values = grid(6, 7, 8, 5)
    found = numbers(values * [1.0, -3.0, 0.1, 50.0] + 7.0, values, ordered(6, 7, 8, 5))
    assert found.keys() == MEASURES.keys()
    assert found == {name: pytest.approx(1.0, abs=1e-9) for name in found}


def test_a_factor_of_more_values_than_parts_has_the_gap_of_its_parts() -> None:
    """32 values in 20 parts: 12 of them hold two values, 8 hold one."""
    values = grid(32, 4)
    found = numbers(values, values, ordered(32, 4))
    part = (12 * 2 / 32 * np.log(32 / 2) + 8 / 32 * np.log(32)) / np.log(32)
    assert found["mig"] == pytest.approx((part + 1.0) / 2)
    assert found["modularity"] == pytest.approx(1.0)


def test_a_categorical_factor_is_predicted_by_thresholds_and_guessed_by_chance() -> None:
    values = np.tile(grid(4, 5), (30, 1))
    factors = (Factor(name="shape", kind="categorical", levels=4), *ordered(5))
    found = numbers(values[:, ::-1], values, factors)
    assert found["sap"] == pytest.approx((1.0 - 1 / 4 + 1.0) / 2)
    alike = {"mig", "dci_disentanglement", "dci_completeness", "dci_informativeness", "modularity"}
    assert {name: found[name] for name in alike} == {name: pytest.approx(1.0) for name in alike}
    assert found["dci_explicitness"] < 1.0, "an order of classes is no linear function of their indicators"


def test_a_turn_by_45_degrees_destroys_modularity_and_not_explicitness() -> None:
    values = grid(16, 16)
    a, b = values.T
    found = numbers(np.stack([a + b, a - b], axis=1), values, ordered(16, 16))
    assert found["modularity"] == pytest.approx(0.0, abs=1e-9)
    assert found["mig"] == pytest.approx(0.0, abs=1e-9)
    assert found["sap"] == pytest.approx(0.0, abs=1e-9)
    assert found["dci_explicitness"] == pytest.approx(1.0, abs=1e-6)
    assert found["infom"] == pytest.approx(0.0, abs=1e-9)
    assert found["infoc"] == pytest.approx(0.0, abs=1e-9)
    assert found["infoe"] == pytest.approx(1.0)
    assert found["irs"] == pytest.approx(0.5, abs=0.02), "with one of two summands held, half of the range is left"
    assert found["dci_disentanglement"] < 0.1
    assert found["dci_completeness"] < 0.1
    assert found["dci_informativeness"] > 0.95
    assert all(0.4 < found[name] < 0.9 for name in SHARES)


def test_random_codes_are_at_chance() -> None:
    rng = np.random.default_rng(0)
    values, factors = rng.integers(0, 6, (2, 3000, 5)).astype(float), ordered(*[6] * 5)
    codes = rng.standard_normal((2, 3000, 8))
    found = measured(*codes, *varying(factors, *values)).numbers
    assert found["dci_explicitness"] is None
    assert found["dci_informativeness"] == pytest.approx(0.0, abs=0.01)
    for name in ("mig", "dci_disentanglement", "dci_completeness", "sap", "infoe"):
        assert found[name] == pytest.approx(0.0, abs=0.02), name
    for name in ("infom", "infoc"):  # of information by chance, the greatest is more than the mean
        assert 0.0 < found[name] < 0.1, name
    farthest = np.abs(codes[1] - codes[1].mean(axis=0)).max(axis=0)
    least = np.average(1.0 - norm.ppf(0.995) / farthest, weights=farthest)  # the quantile of |N(0, 1)|
    assert found["irs"] == pytest.approx(least, abs=0.02), "codes that know nothing have more than 0"
    # The same images come in many sets, so single sets are not independent: a share of the images' number more.
    for name in SHARES:
        assert found[name] == pytest.approx(1 / 5, abs=5 * np.sqrt(0.2 * 0.8 / 3000)), name


def noisy(noise: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """The codes and factors that `disent` was asked about; RandomState's stream is frozen."""
    rng = np.random.RandomState(7)
    factors = np.stack([rng.randint(0, size, 2000) for size in (3, 6, 8)], axis=1)
    mix = np.array([[1.0, 0.3, 0, 0, 0.2], [0, 1.0, 0.5, 0, 0.1], [0.2, 0, 1.0, 0.4, 0]])
    return (factors / np.array([3, 6, 8])) @ mix + noise * rng.standard_normal((2000, 5)), factors


def test_numbers_are_those_of_disent() -> None:
    """disent 0.9.3: `_compute_mig`, `_compute_sap` (continuous), `metric_factor_vae` (5,000 sets), `_disentanglement`
    and `_completeness`, which add 1e-11 to each importance.
    """
    codes, factors = noisy()
    told = information.mutual_information(codes, factors)
    gaps = information.information_gaps(told, information.entropies(factors))
    assert gaps.mean() == pytest.approx(0.105633443295, abs=1e-11)
    _, known = varying(ordered(3, 6, 8), factors.astype(float), factors.astype(float))
    both = predictability.Codes(train=codes, test=codes, train_factors=known, test_factors=known)
    assert predictability.attribute_gaps(both.standardised()).mean() == pytest.approx(0.258871946439, abs=1e-11)
    spread = 5 * np.sqrt(2 * 0.833 * 0.167 / 5000)
    assert interventions.factor_vae_score(codes, factors) == pytest.approx(0.833, abs=spread)
    shares = np.random.RandomState(8).rand(5, 3) ** 3
    shares /= shares.sum(axis=0)
    assert predictability.disentanglement(shares) == pytest.approx(0.043744744051, abs=1e-9)
    assert predictability.completeness(shares) == pytest.approx(0.264235720521, abs=1e-9)


def test_mutual_information_and_modularity_are_their_definitions() -> None:
    """Counted by hand: p log(p / (q r)) over the cells of a table."""
    codes, factors = noisy()
    told = information.mutual_information(codes, factors)
    table = np.histogram2d(codes[:, 1], factors[:, 2], bins=(20, np.arange(9) - 0.5))[0] / len(codes)
    expected = table / table.sum(axis=0) / table.sum(axis=1, keepdims=True).clip(1e-300)
    assert told[1, 2] == pytest.approx(np.sum(table * np.log(expected, where=table > 0, out=np.zeros_like(table))))
    first, second, third = np.sort(told, axis=1).T[::-1]
    assert information.modularity(told) == pytest.approx(np.mean(1 - (second**2 + third**2) / (2 * first**2)))
    assert information.modularity(np.vstack([told, np.zeros(3)])) == information.modularity(told)


def test_order_sign_and_scale_of_dimensions_change_nothing() -> None:
    """Forests break ties, and probes draw their features, in the order of dimensions: those agree less exactly."""
    codes, values = noisy(0.1)
    known = numbers(codes, values.astype(float), ordered(3, 6, 8))
    for other in (codes[:, ::-1], -codes, codes * [1e-3, 1.0, 8.0, 1e3, 0.5] + 3.0):
        found = numbers(other, values.astype(float), ordered(3, 6, 8))
        for name in ("mig", "sap", "modularity", "infoe"):
            assert found[name] == pytest.approx(known[name], abs=1e-6), name
        for name in ("dci_disentanglement", "dci_completeness", "dci_informativeness", *SHARES):
            assert found[name] == pytest.approx(known[name], abs=0.02), name
        assert found["dci_explicitness"] == pytest.approx(known["dci_explicitness"], abs=0.05)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([0.2, 0.2, 0.2], 1.0),
        ([0.2, 0.3, 0.4], 1.0),  # more capacity only overfits
        ([1.0, 0.75, 0.5, 0.25, 0.0], 0.0),  # each step tells the same
        ([1.0, 0.75, 0.5, 0.5, 0.5], 0.0),  # what comes after the least loss is no part of it
        ([1.0, 1.0, 1.0, 1.0, 0.0], -0.75),  # all but the last half step of four above
        ([0.5, 0.0], 0.5),
    ],
)
def test_explicitness_of_a_loss_curve(losses: list[float], expected: float) -> None:
    assert predictability.explicitness_of(np.array(losses)) == pytest.approx(expected)


def test_infomec_and_irs_are_their_definitions() -> None:
    """Counted by hand, on codes one of which is too narrow to be asked."""
    codes, factors = noisy()
    codes[:, 4] *= 0.01
    told, entropies = information.mutual_information(codes, factors), information.entropies(factors)
    shares = (told / entropies)[:4]
    modular, compact = information.purities(told, entropies, codes)
    assert modular == pytest.approx((np.mean([max(row) / sum(row) for row in shares]) - 1 / 3) / (2 / 3))
    assert compact == pytest.approx((np.mean([max(row) / sum(row) for row in shares.T]) - 1 / 4) / (3 / 4))
    scores, weights = [], []
    for column in codes.T:
        weights.append(max(abs(column - column.mean())))
        held = [
            np.mean([
                np.percentile(abs(column[factor == value] - column[factor == value].mean()), 99)
                for value in np.unique(factor)
            ])
            for factor in factors.T
        ]  # fmt: skip
        scores.append(1.0 - min(held) / weights[-1])
    assert interventions.robustness(codes, factors) == pytest.approx(np.dot(scores, weights) / np.sum(weights))


def test_a_linear_probe_tells_half_of_a_noisy_factor_and_all_of_a_class() -> None:
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.integers(0, 8, 4000), rng.integers(0, 3, 4000)]).astype(float)
    factors = (*ordered(8), Factor(name="kind", kind="categorical", levels=3))
    known, _ = varying(factors, values, values)
    noise = rng.normal(size=4000) * values[:, 0].std()
    kinds = np.eye(3)[values[:, 1].astype(int)]
    codes = np.column_stack([values[:, 0] + noise, kinds])
    both = predictability.Codes(train=codes, test=codes, train_factors=known, test_factors=known).standardised()
    assert predictability.linear_information(both) == pytest.approx((0.5 + 1.0) / 2, abs=0.02)
    idle = predictability.Codes(train=codes[:, :1], test=codes[:, :1], train_factors=known, test_factors=known)
    assert predictability.linear_information(idle.standardised()) == pytest.approx(0.5 / 2, abs=0.02)


def test_a_periodic_factor_is_told_by_cosine_and_sine() -> None:
    values = np.repeat(np.arange(40) / 40, 20)[:, None]
    turn = (Factor(name="turn", kind="periodic", levels=40, period=1.0),)
    angle = 2 * np.pi * values
    circle = numbers(np.hstack([np.cos(angle), np.sin(angle)]), values, turn)
    line = numbers(np.hstack([values, 0 * values]), values, turn)
    assert circle["dci_informativeness"] == pytest.approx(1.0, abs=1e-6)
    assert circle["dci_explicitness"] == pytest.approx(1.0, abs=1e-6)
    assert line["dci_informativeness"] == pytest.approx(1.0, abs=1e-6)
    assert line["dci_explicitness"] < 0.9
    assert line["dci_completeness"] == pytest.approx(1.0)
    assert circle["dci_completeness"] < 0.5


def test_continuous_factors_count_in_parts_with_as_many_images_each() -> None:
    values = np.random.default_rng(0).random((4000, 2))
    known, _ = varying((Factor(name="a", kind="ordered"), Factor(name="b", kind="ordered")), values, values)
    assert np.bincount(known.levels[:, 0]).tolist() == [200] * 20
    found = numbers(values, values, known.factors)
    assert found["dci_disentanglement"] > 0.95, "only what a leaf can't part is left to noise"
    assert found["factor_vae_score"] == 1.0


def test_factors_that_do_not_vary_have_no_say() -> None:
    values = grid(4, 5, 6)
    with_constant = np.insert(values, 1, 3.0, axis=1)
    factors = (*ordered(4), Factor(name="constant", kind="categorical", levels=1), *ordered(5, 6))
    assert numbers(values, with_constant, factors) == numbers(values, values, ordered(4, 5, 6))
    nothing = measured(values, values, *varying(factors[1:2], with_constant[:, 1:2], with_constant[:, 1:2]))
    assert (nothing.numbers, nothing.profiles) == ({}, {})


def test_a_continuous_factor_that_hardly_ever_varies_takes_no_other_with_it() -> None:
    """All its parts with as many images each are one: nothing can be told of it, and its entropy is 0."""
    rng = np.random.default_rng(0)
    values = rng.random((1000, 3))
    values[30:, 2] = 0.0
    found = numbers(values, values, ordered(None, None, None))
    assert found == numbers(values, values[:, :2], ordered(None, None))
    assert found["mig"] > 0.5


def test_one_factor_or_one_dimension_has_no_score_that_needs_two() -> None:
    values = grid(4, 5, 6)
    single = numbers(values, values[:, :1], ordered(4))
    absent = {name for name, value in single.items() if value is None}
    assert absent == {"dci_disentanglement", "modularity", "infom", *SHARES}
    narrow = numbers(values[:, :1], values, ordered(4, 5, 6))
    assert {name for name, value in narrow.items() if value is None} == {"dci_completeness", "infoc"}
    assert narrow["mig"] == pytest.approx(1 / 3)


def test_collapsed_codes_tell_nothing_and_broken_ones_have_no_number() -> None:
    values = grid(4, 5, 6)
    collapsed = numbers(np.full((120, 3), 0.1, "float32"), values, ordered(4, 5, 6))
    zero = {name for name, value in collapsed.items() if value is not None}
    assert zero == {"mig", "sap", "dci_informativeness", "infoe"}
    assert {collapsed[name] for name in zero} == {0.0}
    dead = numbers(np.hstack([values, np.zeros((120, 2))]), values, ordered(4, 5, 6))
    assert dead == {name: pytest.approx(1.0, abs=1e-9) for name in MEASURES}
    broken = values.copy()
    broken[0, 0] = np.nan
    assert numbers(broken, values, ordered(4, 5, 6)) == {}


def test_each_number_has_both_references() -> None:
    assert set(FAMILY.metrics) == {f"{name}{end}" for name in MEASURES for end in ("", "_pca", "_untrained")}
