"""Data sets of vectors: tables with roles, columns that are standardised on train, and one clear line for the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from aebench import data
from aebench.data.cache import content_digest
from aebench.data.known import KNOWN
from aebench.data.pixels import prepare
from aebench.errors import UserError


@pytest.fixture
def frame() -> pd.DataFrame:
    """60 rows: two columns of data of very different size, a class, a known number, a known name and a key."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "weight": rng.normal(5e3, 200.0, 60),
            "length": rng.normal(-0.02, 0.001, 60),
            "kind": np.array(["cat", "ant", "bee"])[np.arange(60) % 3],
            "year": 2000 + np.arange(60) % 7,
            "place": np.array(["north", "east"])[np.arange(60) % 2],
            "key": [f"row {at}" for at in range(60)],
        }
    )


ROLES = data.Roles(label="kind", factors=("year", "place"), ignore=("key",))
NUMBERS = data.Roles(ignore=("kind", "year", "place", "key"))


@pytest.fixture
def csv(tmp_path: Path):
    """Writes a table and returns its path."""

    def write(frame: pd.DataFrame) -> Path:
        frame.to_csv(tmp_path / "table.csv", index=False)
        return tmp_path / "table.csv"

    return write


def test_a_table_becomes_vectors_with_classes_and_factors(csv, frame) -> None:
    mine = data.import_dataset("mine", csv(frame), ROLES)
    assert (mine.image_shape, mine.values) == ((2,), "real")
    assert [column.name for column in mine.columns] == ["weight", "length"]
    assert (len(mine.train), len(mine.validation), len(mine.test)) == (39, 9, 12)
    assert mine.class_names == ("ant", "bee", "cat")
    assert [(one.name, one.kind, one.levels) for one in mine.factors] == [
        ("year", "ordered", 7),
        ("place", "categorical", 2),
    ]
    rows = {tuple(row): at for at, row in enumerate(frame[["weight", "length"]].to_numpy())}
    at = [rows[tuple(row)] for row in mine.test.images]
    assert [mine.class_names[label] for label in mine.test.labels] == frame["kind"].iloc[at].tolist()
    np.testing.assert_array_equal(mine.test.factors[:, 0], frame["year"].iloc[at])
    np.testing.assert_array_equal(mine.test.factors[:, 1], frame["place"].iloc[at] == "north")


def test_parquet_and_csv_give_the_same_content(csv, frame, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "table.parquet")
    digests = {
        data.import_dataset(path.suffix[1:], path, ROLES).digest for path in (csv(frame), tmp_path / "table.parquet")
    }
    assert len(digests) == 1


def test_columns_are_standardised_by_what_is_in_train_alone(csv, frame) -> None:
    mine = data.import_dataset("mine", csv(frame), ROLES)
    mean, scale = mine.train.images.mean(axis=0), mine.train.images.std(axis=0)
    assert [column.mean for column in mine.columns] == pytest.approx(mean, rel=1e-12)
    assert [column.scale for column in mine.columns] == pytest.approx(scale, rel=1e-12)
    for split in mine.splits().values():
        assert split.pixels() == pytest.approx((split.images - mean) / scale, abs=1e-5)
    inputs = prepare(mine, "gaussian", "train")
    assert not inputs.has_images
    assert inputs.column_names == ("weight", "length")
    assert np.abs(inputs.train_mean).max() < 1e-6


def test_a_column_s_scale_and_name_are_part_of_the_content(csv, frame) -> None:
    one = data.import_dataset("one", csv(frame), NUMBERS)
    renamed = data.import_dataset("renamed", csv(frame.rename(columns={"weight": "mass"})), NUMBERS)
    np.testing.assert_array_equal(one.train.images, renamed.train.images)
    assert one.digest != renamed.digest
    splits = one.splits()
    columns = (one.columns[0].model_copy(update={"scale": 2.0}), *one.columns[1:])
    other = {name: replace(split, columns=columns) for name, split in splits.items()}
    assert content_digest(splits) != content_digest(other)


def test_an_npz_may_bring_its_own_test_split_and_names(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {"x_train": rng.integers(0, 9, (40, 3)), "x_test": rng.integers(0, 9, (7, 3)), "column_names": list("abc")}
    np.savez(tmp_path / "mine.npz", **arrays)
    mine = data.import_dataset("mine", tmp_path / "mine.npz")
    assert (len(mine.train), len(mine.validation), len(mine.test)) == (32, 8, 7)
    np.testing.assert_array_equal(mine.test.images, arrays["x_test"])
    assert [column.name for column in mine.columns] == ["a", "b", "c"]


def test_an_npy_of_one_column(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.arange(50.0)[:, None])
    mine = data.import_dataset("mine", tmp_path / "mine.npy")
    assert (mine.image_shape, mine.columns[0].name, mine.class_names) == ((1,), "column 0", None)


def test_counts_are_left_as_they_are(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.random.default_rng(0).poisson(3.0, (50, 4)))
    mine = data.import_dataset("mine", tmp_path / "mine.npy", values="counts")
    assert {(column.mean, column.scale) for column in mine.columns} == {(0.0, 1.0)}
    np.testing.assert_array_equal(mine.test.pixels(), mine.test.images)


def test_the_same_numbers_as_values_of_another_kind_are_other_data(tmp_path: Path) -> None:
    """Binary numbers may be counts too: which likelihoods fit is not to stay as it was without a word."""
    np.save(tmp_path / "mine.npy", np.random.default_rng(0).integers(0, 2, (60, 4)))
    data.import_dataset("mine", tmp_path / "mine.npy", values="unit")
    with pytest.raises(UserError, match="with other values, unit instead of counts; remove the folder"):
        data.import_dataset("mine", tmp_path / "mine.npy", values="counts")


@pytest.mark.parametrize("name", ["wine", "breast_cancer", "diabetes"])
def test_tables_inside_scikit_learn(name: str) -> None:
    known = data.load(name)
    options = {"scaled": False} if name == "diabetes" else {}
    values = getattr(datasets, f"load_{name}")(**options).data
    every = np.concatenate([split.images for split in known.splits().values()])
    np.testing.assert_array_equal(every[np.lexsort(every.T)], values[np.lexsort(values.T)])
    about = KNOWN[name]
    assert known.image_shape == about.image_shape
    assert (len(known.train), len(known.validation), len(known.test)) == about.sizes
    assert known.class_names == about.class_names
    status = next(one for one in data.status() if one.name == name)
    assert (status.state, status.image_shape) == ("cached", about.image_shape)


def changed(name: str, row: int, value: object):
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({name: object})
        frame.loc[row, name] = value
        return frame

    return change


BAD_TABLES = {
    "missing values": (changed("weight", 3, None), ROLES, r"missing or infinite values in 'weight' \(1 of 60 rows\)"),
    "infinity": (changed("length", 3, np.inf), ROLES, "infinite values in 'length'"),
    "names as data": (
        lambda frame: frame,
        data.Roles(label="kind"),
        "no numbers: 'place', 'key'; name them with --label",
    ),
    "an absent column": (lambda frame: frame, data.Roles(label="sort"), "no column 'sort'; it has weight, length"),
    "two roles": (lambda frame: frame, data.Roles(label="kind", ignore=("kind",)), "'kind' has several roles"),
    "no data": (lambda frame: frame[["kind"]], data.Roles(label="kind"), "no columns of data"),
    "a constant": (
        lambda frame: frame.assign(one=1.0),
        ROLES,
        "in 'one' of its 39 training rows; leave .*: --ignore one$",
    ),
    "two constants": (lambda frame: frame.assign(**{"a b": 1.0, "c": 2.0}), ROLES, "not vary: --ignore 'a b,c'$"),
    "values too large": (
        lambda frame: frame.assign(large=frame["weight"] * 1e304),
        ROLES,
        "cannot be scaled in 'large'",
    ),
    "few rows": (lambda frame: frame[:19], ROLES, "19 training rows; at least 20 are needed; add rows"),
    "one row": (lambda frame: frame[:1], ROLES, "1 training rows"),
    "fractions as classes": (lambda frame: frame, data.Roles(label="weight", ignore=NUMBERS.ignore), "holds fractions"),
    "rows without a class": (changed("kind", 2, None), ROLES, "without a label in 'kind'"),
    "rows without a factor": (changed("year", 2, None), ROLES, "without a value of factor 'year'"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_unsuitable_tables_are_refused_in_a_line(csv, frame, case: str, cache_folder: Path) -> None:
    change, roles, message = BAD_TABLES[case]
    with pytest.raises(UserError, match=message) as told:
        data.import_dataset("mine", csv(change(frame)), roles)
    assert "\n" not in str(told.value)
    assert not (cache_folder / "mine").exists()


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    for name, content in {"empty.csv": b"", "bytes.csv": b"\xff\xfe\x00a", "text.parquet": b"a,b\n1,2\n"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match="cannot read") as told:
            data.import_dataset("mine", tmp_path / name)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("array", "values", "message"),
    [
        (np.full((30, 2), 0.5), "counts", "holds no counts in 'column 0', 'column 1'"),
        (np.full((30, 2), -1), "counts", "holds no counts"),
        (np.full((30, 2), 1.5), "unit", r"outside of \[0, 1\] in 'column 0'"),
        (np.zeros((30, 0)), None, "no columns of data"),
        (np.full((30, 2), "a"), None, "allowed: numbers"),
        (np.zeros((30, 4, 4)), "real", "holds images"),
    ],
)
def test_unsuitable_values_are_refused(tmp_path: Path, array: np.ndarray, values, message: str) -> None:
    np.save(tmp_path / "mine.npy", array)
    with pytest.raises(UserError, match=message):
        data.import_dataset("mine", tmp_path / "mine.npy", values=values)


def test_roles_are_for_tables(npz, arrays) -> None:
    with pytest.raises(UserError, match="is no table; --label"):
        data.import_dataset("mine", npz(arrays), ROLES)


def test_splits_of_other_columns_are_refused(npz, arrays) -> None:
    arrays = {"x_train": np.zeros((30, 3)), "x_test": np.zeros((5, 2))}
    with pytest.raises(UserError, match="differ in their columns: 3 in train, 2 in test"):
        data.import_dataset("mine", npz(arrays))
    arrays = {"x_train": np.zeros((30, 2)), "column_names": np.array(["a", "a"])}
    with pytest.raises(UserError, match="1 distinct column names for 2 columns"):
        data.import_dataset("mine", npz(arrays))


def test_classes_that_are_large_numbers_stay_apart(csv, frame) -> None:
    numbered = frame.assign(kind=2**53 + np.arange(60) % 2)
    assert data.import_dataset("apart", csv(numbered), ROLES).class_names == (f"{2**53}", f"{2**53 + 1}")


def test_an_infinite_class_is_refused(csv, frame) -> None:
    endless = frame.assign(kind=np.where(np.arange(60) % 2, np.inf, 1.0))
    with pytest.raises(UserError, match="holds fractions or infinities"):
        data.import_dataset("endless", csv(endless), ROLES)


def test_columns_of_parquet_may_be_numbered(tmp_path: Path) -> None:
    pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3))).to_parquet(tmp_path / "plain.parquet")
    plain = data.import_dataset("plain", tmp_path / "plain.parquet", data.Roles(ignore=("1",)))
    assert [column.name for column in plain.columns] == ["0", "2"]
