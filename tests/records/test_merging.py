"""Folders of runs joined into one: in any order the same, what contradicts itself left out, nothing changed in them."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aebench import page
from aebench.analysis import sources
from aebench.cli.app import app
from aebench.records.merging import merge
from aebench.records.record import RunRecord
from aebench.records.store import Store
from aebench.study import Study

TIMES = frozenset({"train_seconds"})


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    return make_study(latent_dim="[2]", beta="[1.0]")


@pytest.fixture
def folders(
    study: Study,
    expand: Callable[[Study], list[Any]],
    made_up_store: Callable[..., tuple[Store, dict[str, RunRecord]]],
    make_timing: Callable[..., Any],
    tmp_path: Path,
) -> list[Path]:
    """Three machines' folders: seeds 0 and 1, 1 and 2, 2 and 0; each has timed the same."""
    specs = expand(study)
    whole, records = made_up_store(specs)
    made = []
    for number in range(3):
        folder = tmp_path / f"machine-{number}"
        store = Store(folder)
        for spec in specs:
            if spec.seed in {number, (number + 1) % 3}:
                shutil.copytree(whole.root / "artefacts" / spec.run_id, folder / "artefacts" / spec.run_id)
                finished = {"finished": f"2024-01-0{number + 1}T00:00:00+00:00"}
                seconds = {"metrics": {**records[spec.run_id].metrics, "train_seconds": 1.0 + number}}
                store.write_record(records[spec.run_id].model_copy(update={**finished, **seconds}))
        for spec in specs[:1]:
            store.write_timing(make_timing(spec, spread=0.02 + 0.01 * number).model_copy(update=finished))
        made.append(folder)
    return made


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def orders(folders: list[Path], tmp_path: Path) -> Iterator[Path]:
    for number, order in enumerate(itertools.permutations(folders)):
        out = tmp_path / f"merged-{number}"
        found = merge(out, order, TIMES)
        assert (found.runs, found.timings, found.repeated, found.conflicts) == (6, 1, 6, ())
        yield out


def test_the_same_whatever_the_order_and_so_is_the_page(study: Study, folders: list[Path], tmp_path: Path) -> None:
    before = [content(folder) for folder in folders]
    merged = [*orders(folders, tmp_path)]
    assert all(content(out) == content(merged[0]) for out in merged[1:])
    assert [content(folder) for folder in folders] == before
    pages = []
    for out in merged[::5]:
        source = sources.read(study, "tensorflow", Store(out))
        assert len(source.records) == 6
        pages.append(page.write([source], tmp_path / f"page-{out.name}").read_bytes())
    assert pages[0] == pages[1]


def test_of_equal_runs_the_one_that_was_finished_first_stands(folders: list[Path], tmp_path: Path) -> None:
    merge(tmp_path / "out", folders[::-1], TIMES)
    for record in Store(tmp_path / "out").read_records():
        first = min(number for number in range(3) if record.spec.seed in {number, (number + 1) % 3})
        assert record.metrics["train_seconds"] == 1.0 + first
    (timing,) = Store(tmp_path / "out").read_timings()
    assert timing.finished.startswith("2024-01-01")


def test_a_run_with_other_numbers_is_named_and_neither_is_taken(folders: list[Path], tmp_path: Path) -> None:
    store = Store(folders[1])
    record = next(one for one in store.read_records() if one.spec.seed == 1 and one.spec.variant == "vae")
    store.write_record(record.model_copy(update={"metrics": {**record.metrics, "elbo_nats": -1.5}}))
    result = CliRunner().invoke(app, ["merge", str(tmp_path / "out"), *map(str, folders)])
    assert result.exit_code == 1
    elbo = record.metrics["elbo_nats"]
    both = f"{folders[0]}, {folders[1]}: elbo_nats {elbo} and -1.5"
    assert f"left out: {record.run_id} has other numbers in {both}" in result.stderr
    assert f"5 runs, 5 of them in several folders, and 1 timing of 3 folders are in {tmp_path / 'out'}" in result.stdout
    assert record.run_id not in {one.run_id for one in Store(tmp_path / "out").read_records()}
    assert not (tmp_path / "out" / "artefacts" / record.run_id).exists()


def test_a_record_that_is_none_of_its_name_is_left_out(folders: list[Path], tmp_path: Path) -> None:
    paths = sorted((folders[0] / "records").glob("*.json"))
    paths[0].write_text("{}")
    paths[1].rename(paths[1].with_name("other.json"))
    found = merge(tmp_path / "out", folders[:1], TIMES)
    assert found.runs == 2
    assert {path.name for path in found.unread} == {paths[0].name, "other.json"}


def test_damaged_arrays_are_never_taken(folders: list[Path], tmp_path: Path) -> None:
    runs = sorted(path.stem for path in (folders[0] / "records").glob("*-s0-*.json"))
    elsewhere, gone = (folders[0] / "artefacts" / run / "figures.npz" for run in runs)
    sound = elsewhere.read_bytes()
    for path in (elsewhere, gone, folders[2] / gone.relative_to(folders[0])):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    result = CliRunner().invoke(app, ["merge", str(tmp_path / "out"), *map(str, folders)])
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"damaged: {elsewhere}: ")
    assert lines[0].endswith("; its run was taken from another folder")
    assert lines[1].startswith(f"damaged: {gone}: ")
    assert lines[1].endswith("; its run was left out: `aebench rescore` mends it or says how")
    assert (tmp_path / "out" / elsewhere.relative_to(folders[0])).read_bytes() == sound
    assert {path.stem for path in (tmp_path / "out" / "records").iterdir()} & {*runs} == {runs[0]}


@pytest.mark.parametrize("what", ["full", "nothing"])
def test_bad_folders_are_told_in_one_line(folders: list[Path], tmp_path: Path, what: str) -> None:
    given = {"full": [folders[0], folders[1]], "nothing": [tmp_path / "out", tmp_path]}[what]
    before = content(folders[0])
    result = CliRunner().invoke(app, ["merge", *map(str, given)])
    words = {"full": "is not empty; merge into a new folder", "nothing": "holds no runs (no folder records/ in it)"}
    assert words[what] in str(result.exception)
    assert content(folders[0]) == before
    assert not (tmp_path / "out").exists()
