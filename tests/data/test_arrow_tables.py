"""Tables in folders as Hugging Face's `datasets` leaves them: numbers, lists of numbers and classes, by split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aebench import data
from aebench.errors import UserError

DECLARED = {"kind": {"names": ["dog", "cat"], "_type": "ClassLabel"}, "embedding": {"_type": "Sequence"}}
RNG = np.random.default_rng(0)
EMBEDDINGS = RNG.normal(size=(90, 3)).astype("float32")
WEIGHTS = RNG.normal(size=90)


def table(start: int, end: int, **more: Any) -> pa.Table:
    """Rows with a weight, an embedding of three numbers, and a declared class."""
    embeddings = pa.array(list(EMBEDDINGS[start:end]), pa.list_(pa.float32()))
    columns = {"weight": WEIGHTS[start:end], "embedding": embeddings, "kind": np.arange(start, end) % 2, **more}
    metadata = {b"huggingface": json.dumps({"info": {"features": DECLARED}}).encode()}
    return pa.table(columns).replace_schema_metadata(metadata)


@pytest.fixture
def on_disk(tmp_path: Path) -> Path:
    """As `DatasetDict.save_to_disk` lays it out."""
    for split, (start, end) in {"train": (0, 60), "validation": (60, 75), "test": (75, 90)}.items():
        (tmp_path / split).mkdir()
        (tmp_path / split / "state.json").write_text("{}")
        found = table(start, end)
        with pa.ipc.new_stream(str(tmp_path / split / "data-00000-of-00001.arrow"), found.schema) as writer:
            writer.write_table(found)
    return tmp_path


def test_embeddings_become_columns_and_splits_stay_as_they_are(on_disk: Path) -> None:
    found = data.import_dataset("mine", on_disk)
    assert [len(part) for part in found.splits().values()] == [60, 15, 15]
    assert [column.name for column in found.train.columns] == ["weight", "embedding 0", "embedding 1", "embedding 2"]
    np.testing.assert_array_equal(found.test.images, np.column_stack([WEIGHTS[75:], EMBEDDINGS[75:]]))
    np.testing.assert_array_equal(found.validation.labels, np.arange(60, 75) % 2)
    assert found.class_names == ("dog", "cat")
    assert "a table; classes from column 'kind'" in found.source


def test_columns_have_roles_as_in_any_table(tmp_path: Path) -> None:
    """A repository's parquet files; names of a factor have one number in all splits."""
    (tmp_path / "data").mkdir()
    for split, (start, end) in {"train": (0, 60), "test": (60, 90)}.items():
        place = np.array(["east", "north", "west"])[np.arange(start, end) % (3 if split == "train" else 2)]
        more = {"place": place, "words": ["some text"] * (end - start)}
        pq.write_table(table(start, end, **more), tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    found = data.import_dataset("mine", tmp_path, data.Roles(factors=("place",), ignore=("words", "embedding")))
    assert [column.name for column in found.train.columns] == ["weight"]
    assert [(factor.name, factor.levels) for factor in found.factors] == [("place", 3)]
    np.testing.assert_array_equal(found.test.factors[:, 0], np.arange(60, 90) % 2)


def test_lists_of_several_lengths_are_refused(tmp_path: Path) -> None:
    ragged = [[1.0, 2.0], [3.0]] * 30
    pq.write_table(table(0, 60, ragged=ragged), tmp_path / "train.parquet")
    with pytest.raises(UserError, match=r"lists in column 'ragged' of .* are 1 to 2 long; .* --ignore, or pad them"):
        data.import_dataset("mine", tmp_path)
    found = data.import_dataset("mine", tmp_path, data.Roles(ignore=("ragged",)))
    assert len(found.train.columns) == 4


def test_a_column_that_is_called_label_may_be_another_thing(tmp_path: Path) -> None:
    """Ignored, or a factor; and of two that are declared as classes, one."""
    pq.write_table(table(0, 60, label=np.arange(60) % 4), tmp_path / "train.parquet")
    ignored = data.import_dataset("one", tmp_path, data.Roles(ignore=("label", "kind")))
    assert (len(ignored.train.columns), ignored.class_names) == (4, None)
    factor = data.import_dataset("two", tmp_path, data.Roles(factors=("kind",)))
    assert ([one.name for one in factor.factors], factor.class_names) == (["kind"], ("0", "1", "2", "3"))


def test_files_without_rows_and_files_whose_lists_are_longer(tmp_path: Path) -> None:
    pq.write_table(table(0, 60), tmp_path / "train-0.parquet")
    pq.write_table(table(0, 0), tmp_path / "train-1.parquet")
    assert sum(map(len, data.import_dataset("one", tmp_path).splits().values())) == 60
    longer = table(60, 90).set_column(1, "embedding", pa.array([[1.0] * 4] * 30, pa.list_(pa.float32())))
    pq.write_table(longer, tmp_path / "train-1.parquet")
    with pytest.raises(UserError, match=r"differ in their columns: embedding 3; lists must be as long in every row"):
        data.import_dataset("two", tmp_path)
    pq.write_table(table(0, 0), tmp_path / "test-0.parquet")
    (tmp_path / "train-1.parquet").unlink()
    with pytest.raises(UserError, match=r"no rows in test-0.parquet"):
        data.import_dataset("three", tmp_path)


def test_text_among_the_columns_is_told(tmp_path: Path) -> None:
    pq.write_table(table(0, 60, words=["some"] * 60), tmp_path / "train.parquet")
    with pytest.raises(UserError, match="columns that are no numbers: 'words'"):
        data.import_dataset("mine", tmp_path)


def test_splits_with_other_columns_are_refused(tmp_path: Path) -> None:
    pq.write_table(table(0, 60), tmp_path / "train.parquet")
    pq.write_table(table(60, 90).drop_columns(["weight"]), tmp_path / "test.parquet")
    with pytest.raises(UserError, match=r"cannot read .*test.parquet"):
        data.import_dataset("mine", tmp_path)
