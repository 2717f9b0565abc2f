"""Checkpoints on the disk: whole or absent, told of where they do not fit, gone when their runs are done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aebench.errors import UserError
from aebench.records.checkpoints import Checkpoints
from aebench.records.headed import Circumstances, Header

NOW = Circumstances(code="c", device_kind="CPU", versions={"keras": "3.15.0"}, switches={"ONEDNN": "1"})
ARRAYS = {"weights/0": np.arange(6.0).reshape(2, 3), "clock": np.array(7), "names": np.array(["a", "bc"])}


def header(*runs: str, **changes: object) -> Header:
    fields = {"cohort": "vae-z2-abc", "runs": runs or ("one", "two"), "engine": "vectorised", "circumstances": NOW}
    return Header.model_validate({**fields, **changes})


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def kept(tmp_path: Path, told: list[str]) -> Checkpoints:
    """Holds one, of the runs one and two."""
    kept = Checkpoints(tmp_path / "checkpoints", told.append)
    kept.write(header(), ARRAYS.items())
    return kept


def only(kept: Checkpoints) -> Path:
    (path,) = kept.folder.iterdir()
    return path


def test_what_is_written_is_read(kept: Checkpoints, told: list[str]) -> None:
    found, unfit = kept.find(header(), ("one", "two"))
    assert (found, unfit) == (header(), {})
    arrays = kept.read(header())
    assert arrays is not None
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].shape == array.shape
    assert told == []


def test_runs_are_found_in_the_company_in_which_they_were(kept: Checkpoints) -> None:
    found, unfit = kept.find(header("two"), ("one", "two", "three"))
    assert (found, unfit) == (header(), {})
    kept.write(header("two"), {}.items())
    assert kept.find(header("two"), ("one", "two", "three"))[0] == header("two"), "their own comes first"


CHANGES = {
    "the code that trains has changed": {"circumstances": NOW.model_copy(update={"code": "d"})},
    "keras was 3.15.0 and is 3.15.1 now": {"circumstances": NOW.model_copy(update={"versions": {"keras": "3.15.1"}})},
    "ONEDNN was 1 and is 0 now": {"circumstances": NOW.model_copy(update={"switches": {"ONEDNN": "0"}})},
    "the device was a CPU and is a GPU now": {"circumstances": NOW.model_copy(update={"device_kind": "GPU"})},
    "the vectorised engine wrote it, and the sequential one trains now": {"engine": "sequential"},
    "other runs of the cohort were trained together then": {"runs": ("two", "three")},
}


@pytest.mark.parametrize("reason", CHANGES)
def test_one_that_does_not_fit_is_told_of(kept: Checkpoints, reason: str) -> None:
    found, unfit = kept.find(header(**CHANGES[reason]), ("one", "two", "three"))
    assert (found, unfit) == (None, {only(kept): reason})


def test_one_that_does_not_fit_stays_beside_the_one_that_does(kept: Checkpoints) -> None:
    other = header(circumstances=NOW.model_copy(update={"switches": {"ONEDNN": "0"}}))
    kept.write(other, {"weights/0": np.zeros(1)}.items())
    assert kept.find(other, ("one", "two"))[0] == other
    found, unfit = kept.find(header(), ("one", "two"))
    assert found == header()
    assert [*unfit.values()] == ["ONEDNN was 0 and is 1 now"]
    arrays = kept.read(header())
    assert arrays is not None
    np.testing.assert_array_equal(arrays["weights/0"], ARRAYS["weights/0"])


def test_company_that_is_no_longer_planned_does_not_fit(kept: Checkpoints) -> None:
    found, unfit = kept.find(header("one"), ("one",))
    assert (found, [*unfit.values()]) == (None, ["other runs of the cohort were trained together then"])


def test_another_part_of_the_cohort_is_nothing_to_tell_of(kept: Checkpoints) -> None:
    assert kept.find(header("three"), ("one", "two", "three")) == (None, {})


def test_one_under_another_s_name_does_not_fit(kept: Checkpoints) -> None:
    only(kept).rename(kept.path(header("three")))
    found, unfit = kept.find(header("three"), {"three"}.__contains__)
    assert (found, [*unfit.values()]) == (None, ["its name is of another training"])


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_a_torn_one_is_removed_and_told_of(kept: Checkpoints, told: list[str], part: float) -> None:
    path = only(kept)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    assert kept.find(header(), ("one", "two")) == (None, {})
    assert not path.exists()
    assert told[0].startswith(f"{path} is no whole checkpoint and was removed, its runs are trained from the start: ")


def test_a_flipped_bit_is_found(kept: Checkpoints, told: list[str]) -> None:
    path = only(kept)
    content = bytearray(path.read_bytes())
    content[content.index(ARRAYS["weights/0"].tobytes()) + 9] ^= 1
    path.write_bytes(content)
    assert kept.read(header()) is None
    assert len(told) == 1
    assert "Bad CRC-32" in told[0]


@pytest.mark.parametrize("content", [b'{"format_number": 2}', b"no JSON"])
def test_one_of_another_form_is_removed_and_told_of(kept: Checkpoints, told: list[str], content: bytes) -> None:
    with only(kept).open("wb") as file:
        np.savez(file, header=np.frombuffer(content, "uint8"))
    assert kept.find(header(), ("one", "two")) == (None, {})
    assert told[0].endswith("it has another form")


def test_a_failed_write_leaves_the_last_one(kept: Checkpoints) -> None:
    def torn() -> Iterator[tuple[str, np.ndarray]]:
        yield "weights/0", np.zeros(9)
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left on device"):
        kept.write(header(), torn())
    assert only(kept) == kept.path(header())
    assert kept.read(header()) is not None


def test_they_go_when_all_their_runs_are_finished(kept: Checkpoints) -> None:
    kept.write(header("three"), {}.items())
    kept.write(header("four", cohort="vae-z4-abd"), {}.items())
    assert kept.cohorts() == {"vae-z2-abc", "vae-z4-abd"}
    (kept.folder / ".vae-z2-abc-0.npz.tmp").touch()  # of a writer that was killed
    kept.sweep("vae-z2-abc", {"one", "three"}.__contains__, set().__contains__)
    left = {kept.path(header()), kept.path(header("four", cohort="vae-z4-abd"))}
    assert {*kept.folder.iterdir()} == left
    kept.sweep("vae-z2-abc", {"one", "two"}.__contains__, set().__contains__)
    assert only(kept) == kept.path(header("four", cohort="vae-z4-abd"))


def test_old_ones_go_when_no_run_of_theirs_is_planned_any_more(kept: Checkpoints) -> None:
    """They are old beside newer ones: no clock is asked, which may be set back and forth."""
    kept.write(header(), {}.items())
    path = only(kept)
    os.utime(path, (0, 0))
    kept.sweep("vae-z2-abc", {"three"}.__contains__, {"three"}.__contains__)
    assert path.exists(), "it is the newest"
    kept.write(header("four", cohort="vae-z4-abd"), {}.items())
    kept.sweep("vae-z2-abc", {"three"}.__contains__, {"two", "three"}.__contains__)
    assert path.exists(), "one of its runs is planned"
    kept.sweep("vae-z2-abc", {"three"}.__contains__, {"three"}.__contains__)
    assert only(kept) == kept.path(header("four", cohort="vae-z4-abd"))
