"""Pieces of a cohort's scores: a scoring that was interrupted goes on, and ends with the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scored import cohort

from aebench.measures import FAMILIES
from aebench.measures.classes.references import references
from aebench.measures.family import Measured
from aebench.measures.packing import packed, unpacked
from aebench.records.keeping import Piece


class StoppedError(Exception):
    """Somebody wants the process to stop."""


class Kept(dict[str, Piece]):
    """Keeps pieces, and is interrupted after so many new ones."""

    left = 10**9

    def __call__(self, name: str, compute: Callable[[], Piece], /) -> Piece:
        if name not in self:
            if self.left == 0:
                raise StoppedError
            self[name] = compute()
            self.left -= 1
        return self[name]


def bits(score: Any) -> dict[str, Any]:
    arrays = {
        f"{file}/{name}": (array.dtype.str, array.shape, array.tobytes())
        for file, own in score.arrays.items()
        for name, array in own.items()
    }
    return {**arrays, "metrics": score.metrics, "profiles": score.profiles}


def test_packed_and_unpacked_it_is_the_same() -> None:
    first = Measured(
        numbers={"a": 0.1, "b": None, "c": np.float32(0.1), "d": float("nan"), "e": 3},
        profiles={"p": (1.0, float("inf"))},
        latents={"mean": np.arange(6, dtype="float32").reshape(2, 3).T},
        figures={"class_names": np.array(["one", "three"]), "a/b": np.zeros((0, 2), "uint8")},
    )
    found, empty = unpacked(packed([first, Measured()]))
    assert empty == Measured()
    assert {name: str(value) for name, value in found.numbers.items()} == {
        "a": "0.1", "b": "None", "c": str(float(np.float32(0.1))), "d": "nan", "e": "3"
    }  # fmt: skip
    assert found.profiles == first.profiles
    for kind in ("latents", "figures"):
        one, other = getattr(first, kind), getattr(found, kind)
        assert [*one] == [*other]
        for name in one:
            assert (one[name].dtype, one[name].shape) == (other[name].dtype, other[name].shape)
            assert one[name].tobytes() == other[name].tobytes()


def test_every_family_has_a_name_of_its_own() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert not any(set(family.name) & {"/", ":"} for family in FAMILIES)


@pytest.mark.parametrize("name", ["AE", "VAE"])
def test_an_interrupted_scoring_goes_on_to_the_same_bits(name: str) -> None:
    scorer, members = cohort(name)
    references.cache_clear()
    whole = Kept()
    expected = [*map(bits, scorer.score(members[:2], kept=whole))]
    assert len(whole) > len(FAMILIES)
    assert [*map(bits, scorer.score(members[:2]))] == expected, "not kept at all"
    part = Kept()
    for _ in range(len(whole) // 3 + 1):
        part.left = 3
        references.cache_clear()  # as in another process
        try:
            found = [*map(bits, scorer.score(members[:2], kept=part))]
        except StoppedError:
            continue
        break
    assert found == expected
    assert part.keys() == whole.keys()
