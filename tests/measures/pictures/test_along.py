"""Pairs of images that differ in one known factor alone."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from aebench.measures.factors.known import varying
from aebench.measures.pictures.along import pairs
from aebench.records.record import Factor

FACTORS = (
    Factor(name="size", kind="ordered", levels=4),
    Factor(name="angle", kind="periodic", levels=6, period=6.0),
    Factor(name="shape", kind="categorical", levels=3),
)
GRID = np.array(list(product(range(4), range(6), range(3))), float)


@pytest.fixture
def shuffled() -> np.ndarray:
    return np.random.default_rng(0).permutation(len(GRID))


def test_where_all_combinations_are_there_nothing_else_differs(shuffled: np.ndarray) -> None:
    known, _ = varying(FACTORS, GRID, GRID)
    kept, found = pairs(known, shuffled)
    assert kept == [0, 1, 2]
    apart = np.diff(GRID[found], axis=1)[:, 0]
    assert apart[0].tolist() == [3.0, 0.0, 0.0]
    assert apart[1].tolist() == [0.0, 3.0, 0.0], "half a turn is as far as it goes"
    assert apart[2][:2].tolist() == [0.0, 0.0]
    assert apart[2][2] > 0


def test_where_few_are_there_another_factor_differs_rather_than_the_one_not_at_all(shuffled: np.ndarray) -> None:
    known, _ = varying(FACTORS, GRID, GRID)
    among = shuffled[:20]
    kept, found = pairs(known, among)
    assert kept == [0, 1, 2]
    assert {*found.ravel().tolist()} <= {*among.tolist()}
    assert (np.abs(np.diff(GRID[found], axis=1)[np.arange(3), 0, np.arange(3)]) > 0).all()


def test_no_image_is_its_own_other_however_many_factors_there_are() -> None:
    """Where all pairs differ in much else, too: as of twenty factors, or of two that are one."""
    rng = np.random.default_rng(0)
    many = rng.integers(0, 2, (300, 20)).astype(float)
    many[:, 19] = many[:, 18]
    known, _ = varying([Factor(name=f"f{at}", kind="ordered", levels=2) for at in range(20)], many, many)
    kept, found = pairs(known, np.arange(300))
    assert kept == [*range(20)]
    assert (np.diff(many[found], axis=1)[np.arange(20), 0, np.arange(20)] == 1.0).all()


def test_a_factor_that_does_not_vary_among_the_images_has_no_pair() -> None:
    values = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    known, _ = varying([Factor(name=name, kind="ordered", levels=2) for name in "ab"], values, values)
    kept, found = pairs(known, np.array([0, 1]))
    assert (kept, found.tolist()) == ([1], [[0, 1]])
