"""What a store tells of a study, on a machine that has nothing but that store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aebench import data, page, study
from aebench.analysis import sources
from aebench.harness import execute, plan
from aebench.records.store import Store


@pytest.fixture
def benched(make_record, tmp_path, monkeypatch) -> Store:
    """A store of the smoke study, its records made up, as `bench` leaves it."""
    store = Store(tmp_path / "out")
    todo = plan.plan(study.read("smoke"), "tensorflow", store)
    for spec in todo.grid:
        store.write_record(make_record(spec))
    monkeypatch.setattr(plan, "_missing_timings", lambda *_: iter(()))
    execute.execute(plan.plan(study.read("smoke"), "tensorflow", store), watcher=None)
    return store


@pytest.fixture
def no_data(monkeypatch) -> None:
    """Whoever asks for data fails."""

    def refuse(*arguments: object) -> None:
        raise AssertionError("the data were asked for")

    for name in ("load", "digest", "status"):
        monkeypatch.setattr(data, name, refuse)


def test_what_is_told_of_the_data_is_kept_even_where_nothing_is_left_to_train(benched) -> None:
    (known,) = benched.read_datasets()
    digits = data.load("digits")
    assert (known.name, known.digest, known.image_shape) == ("digits", digits.digest, (8, 8, 1))
    assert known.sizes == (len(digits.train), len(digits.validation), len(digits.test))
    assert known.class_names == digits.class_names


def test_a_page_is_drawn_from_the_store_alone(benched, no_data, tmp_path) -> None:
    source = sources.read(study.read("smoke"), "tensorflow", benched)
    assert len(source.records) == 12
    text = page.write([source], tmp_path / "page").read_text()
    (known,) = benched.read_datasets()
    train, validation, test = known.sizes
    assert f"digits: {train:,} train, {validation:,} validation, {test:,} test images of 8×8×1" in text


def test_older_stores_that_tell_nothing_of_their_data_are_read_too(benched, no_data) -> None:
    for path in (benched.root / "datasets").iterdir():
        path.unlink()
    assert len(sources.read(study.read("smoke"), "tensorflow", benched).records) == 12


def test_of_several_contents_of_one_name_the_most_used_is_taken(benched, no_data) -> None:
    (known,) = benched.read_datasets()
    benched.write_dataset(known.model_copy(update={"digest": "f" * 64}))
    source = sources.read(study.read("smoke"), "tensorflow", benched)
    assert {spec.dataset_digest for spec in source.specs} == {known.digest}
    assert len(source.records) == 12


def test_records_are_plain_json(benched: Store) -> None:
    (path,) = (benched.root / "datasets").iterdir()
    assert json.loads(Path(path).read_text())["name"] == "digits"
