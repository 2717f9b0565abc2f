"""Partial scores on the disk: whole or absent, of the same runs and key alone, gone when their runs are done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aebench.records.checkpoints import Checkpoints
from aebench.records.headed import Circumstances, Header
from aebench.records.partial_scores import PartialScores

NOW = Circumstances(code="c", device_kind="CPU", versions={}, switches={})
KEY, OTHER = "0123456789abcdef", "fedcba9876543210"
FIRST = {"bound": {"numbers": np.arange(3.0), "0/latents/mean": np.ones((2, 3), "float32")}}
SECOND = {"importance/0/1/2": {"sums": np.zeros((2, 2))}, "0.5/bound": {"numbers": np.array([1])}}


def header(*runs: str) -> Header:
    return Header(cohort="vae-z2-abc", runs=runs or ("one", "two"), engine="vectorised", circumstances=NOW)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def kept(tmp_path: Path, told: list[str]) -> PartialScores:
    """Holds two files."""
    kept = PartialScores(tmp_path / "checkpoints", told.append)
    kept.write(header(), KEY, FIRST)
    kept.write(header(), KEY, SECOND)
    return kept


def plain(pieces: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, object]]:
    return {piece: {name: array.tolist() for name, array in arrays.items()} for piece, arrays in pieces.items()}


def test_what_is_written_is_read(kept: PartialScores, told: list[str]) -> None:
    assert plain(kept.read(header(), KEY)) == plain(FIRST | SECOND)
    assert told == []


def test_those_of_other_runs_or_with_another_key_are_not_taken_and_stay(kept: PartialScores) -> None:
    kept.write(header("three"), OTHER, FIRST)
    assert kept.read(header("three"), OTHER).keys() == FIRST.keys()
    assert kept.read(header("three"), KEY) == {}
    assert kept.read(header(), OTHER) == {}
    assert plain(kept.read(header(), KEY)) == plain(FIRST | SECOND)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_a_torn_one_is_removed_and_told_of(kept: PartialScores, told: list[str], part: float) -> None:
    path = kept.folder / f"vae-z2-abc-{KEY}-0.scores"
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    assert kept.read(header(), KEY).keys() == SECOND.keys()
    (line,) = told
    assert line.startswith(f"{path} is no whole checkpoint and was removed, what it holds is measured anew: ")
    assert not path.exists()


def test_they_go_when_all_their_runs_are_finished(kept: PartialScores) -> None:
    checkpoints = Checkpoints(kept.folder, kept.warn)
    assert checkpoints.cohorts() == {"vae-z2-abc"}
    checkpoints.sweep("vae-z2-abc", {"one"}.__contains__, lambda run: True)
    assert len([*kept.folder.iterdir()]) == 2
    checkpoints.sweep("vae-z2-abc", {"one", "two"}.__contains__, lambda run: True)
    assert [*kept.folder.iterdir()] == []
