"""Data sets of time series: channels that are standardised on train, long tables, groups that stay whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import cbook

from aebench import data
from aebench.data.pixels import prepare
from aebench.errors import UserError

COUNT, STEPS = 60, 12
LONG = data.Roles(id="sensor", time="day", label="kind")


@pytest.fixture
def series() -> np.ndarray:
    """60 series of 12 steps in two channels of very different size, `(60, 12, 2)`."""
    return np.random.default_rng(0).normal(size=(COUNT, STEPS, 2)).cumsum(axis=1) * [1e3, 0.01] + [5e4, -1.0]


@pytest.fixture
def frame(series: np.ndarray) -> pd.DataFrame:
    """The same as a long table, its rows shuffled: days are dates that sort otherwise as text."""
    at, step = np.divmod(np.arange(COUNT * STEPS), STEPS)
    flat = series.reshape(-1, 2)
    days = [f"1/{5 + place}/2026" for place in step]
    table = pd.DataFrame({"sensor": [f"s{one}" for one in at], "day": days, "heat": flat[:, 0], "flow": flat[:, 1]})
    kinds = np.array(["cat", "ant"])[at % 2]
    firsts = table.assign(kind=kinds)[step == 0]  # in order: series are numbered as they first occur
    rest = table.assign(kind=kinds)[step > 0].sample(frac=1.0, random_state=0)
    return pd.concat([firsts, rest], ignore_index=True)


def npy(folder: Path, array: np.ndarray) -> Path:
    np.save(folder / "mine.npy", array)
    return folder / "mine.npy"


def csv(folder: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(folder / "mine.csv", index=False)
    return folder / "mine.csv"


def test_channels_are_standardised_over_all_time_steps_of_train_alone(tmp_path: Path, series: np.ndarray) -> None:
    mine = data.import_dataset("mine", npy(tmp_path, series), series=True)
    assert (mine.image_shape, mine.values) == ((STEPS, 2), "real")
    assert (len(mine.train), len(mine.validation), len(mine.test)) == (39, 9, 12)
    mean, scale = mine.train.images.mean(axis=(0, 1)), mine.train.images.std(axis=(0, 1))
    assert [column.name for column in mine.columns] == ["channel 0", "channel 1"]
    assert [column.mean for column in mine.columns] == pytest.approx(mean, rel=1e-12)
    assert [column.scale for column in mine.columns] == pytest.approx(scale, rel=1e-12)
    for split in mine.splits().values():
        assert split.pixels() == pytest.approx((split.images - mean) / scale, abs=1e-5)
    inputs = prepare(mine, "gaussian", "train")
    assert not inputs.has_images
    assert inputs.train_mean.shape == (STEPS, 2)


def test_series_of_one_channel_need_no_axis_for_it(tmp_path: Path, series: np.ndarray) -> None:
    plain = data.import_dataset("plain", npy(tmp_path, series[..., 0]), series=True)
    whole = data.import_dataset("whole", npy(tmp_path, series[..., :1]), series=True)
    assert plain.digest == whole.digest
    assert plain.image_shape == (STEPS, 1)


def test_a_wide_table_has_a_series_a_row(tmp_path: Path, series: np.ndarray) -> None:
    path = csv(tmp_path, pd.DataFrame(series[..., 0]).assign(kind=np.arange(COUNT) % 2))
    wide = data.import_dataset("wide", path, data.Roles(label="kind"), series=True)
    assert (wide.image_shape, wide.class_names) == ((STEPS, 1), ("0", "1"))
    assert [column.name for column in wide.columns] == ["channel 0"]


def test_a_long_table_is_the_array_that_it_lists(tmp_path: Path, series: np.ndarray, frame: pd.DataFrame) -> None:
    labels = np.array(["cat", "ant"])[np.arange(COUNT) % 2]
    np.savez(tmp_path / "mine.npz", x_train=series, y_train=labels, column_names=["heat", "flow"])
    of_array = data.import_dataset("of-array", tmp_path / "mine.npz", series=True)
    frame.to_parquet(tmp_path / "mine.parquet")
    for path in (csv(tmp_path, frame), tmp_path / "mine.parquet"):
        assert data.import_dataset(f"of-{path.suffix[1:]}", path, LONG).digest == of_array.digest


def test_no_group_is_in_two_splits(tmp_path: Path, series: np.ndarray) -> None:
    groups = np.random.default_rng(0).integers(0, 12, COUNT)
    marked = series * 0.0 + groups[:, None, None] + 1e-3 * series / np.abs(series).max(axis=(0, 1))
    np.savez(tmp_path / "mine.npz", x_train=marked, y_train=np.arange(COUNT) % 3, groups_train=groups)
    mine = data.import_dataset("mine", tmp_path / "mine.npz", series=True)
    found = [set(split.images[:, 0, 0].round().astype(int).tolist()) for split in mine.splits().values()]
    assert set.union(*found) == set(groups.tolist())
    assert sum(map(len, found)) == len(set(groups.tolist()))
    largest = np.bincount(groups).max()
    assert abs(len(mine.test) - COUNT // 5) <= largest / 2
    assert "whole groups" in mine.split_rule


def test_groups_of_a_table_are_a_column(tmp_path: Path, frame: pd.DataFrame) -> None:
    people = frame.assign(person=frame["sensor"].str[:2])
    roles = data.Roles(id="sensor", time="day", label="kind", group="person")
    assert "whole groups" in data.import_dataset("mine", csv(tmp_path, people), roles).split_rule


def without(frame: pd.DataFrame, sensor: str, day: str) -> pd.DataFrame:
    return frame[(frame["sensor"] != sensor) | (frame["day"] != day)]


BAD_TABLES = {
    "a step too few": (lambda frame: without(frame, "s3", "1/7/2026"), LONG, r"series of 11 \(sensor s3\) to 12 time"),
    "a step twice": (
        lambda frame: pd.concat([frame, frame[-1:]]),
        LONG,
        r"several rows of sensor s\d+ at day 1/\d+/2026; keep one",
    ),
    "two classes": (
        lambda frame: frame.assign(kind=np.where(frame.index == 700, "bee", frame["kind"])),
        LONG,
        r"several values of 'kind' in sensor s\d+",
    ),
    "a row of none": (lambda frame: frame.assign(sensor=frame["sensor"].where(frame.index != 7)), LONG, "in 'sensor'"),
    "no dates": (lambda frame: frame.assign(day="x" + frame["day"]), LONG, "neither numbers nor dates"),
    "no time": (lambda frame: frame, data.Roles(id="sensor", label="kind"), "--id and --time go together"),
    "missing values": (
        lambda frame: frame.assign(heat=frame["heat"].where(frame.index != 9)),
        LONG,
        r"missing or infinite values in 'heat' \(1 of 60 series\)",
    ),
    "a constant channel": (
        lambda frame: frame.assign(flow=1.0),
        LONG,
        "one value alone in 'flow' of its 39 train",
    ),
    "names as data": (lambda frame: frame, data.Roles(label="kind"), "no numbers: 'sensor', 'day'.* --id and --time"),
    "no rows": (lambda frame: frame[:0], LONG, "has no rows; at least 20 are needed"),
    "no channels": (lambda frame: frame.drop(columns=["heat", "flow"]), LONG, "no channels of data"),
    "one group": (
        lambda frame: frame.assign(person="me"),
        data.Roles(id="sensor", time="day", label="kind", group="person"),
        "has 1 groups, which stay whole in one split; at least 3",
    ),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_unsuitable_tables_are_refused_in_a_line(tmp_path, frame, case: str, cache_folder: Path) -> None:
    change, roles, message = BAD_TABLES[case]
    with pytest.raises(UserError, match=message) as told:
        data.import_dataset("mine", csv(tmp_path, change(frame)), roles)
    assert "\n" not in str(told.value)
    assert not (cache_folder / "mine").exists()


@pytest.mark.parametrize(
    ("array", "series", "message"),
    [
        (np.zeros((30, 4, 4, 1)), True, r"series are \(n, time steps\) or"),
        (np.zeros((30, 4, 0)), True, "no channels of data"),
        (np.full((30, 4, 2), 3.0), False, "say --series if they are time series"),
    ],
)
def test_what_is_no_series_or_looks_like_one_is_told(tmp_path: Path, array: np.ndarray, series, message: str) -> None:
    with pytest.raises(UserError, match=message):
        data.import_dataset("mine", npy(tmp_path, array), series=series)


def test_splits_of_other_lengths_are_refused(npz, arrays) -> None:
    arrays = {"x_train": np.zeros((30, 8, 2)), "x_test": np.zeros((5, 9, 2))}
    with pytest.raises(UserError, match="differ in their time steps or channels: 8 x 2 in train, 9 x 2 in test"):
        data.import_dataset("mine", npz(arrays), series=True)


def test_cylinders_bells_and_funnels_have_the_shape_that_is_known_of_them() -> None:
    """Fitted by least squares to what is inside, the slope over its length is the height, as often up as down."""
    known = data.load("cylinder_bell_funnel")
    rises = {"cylinder": 0.0, "bell": 1.0, "funnel": -1.0}
    off = []
    for one, label, (start, length, height) in zip(
        known.test.images[..., 0], known.test.labels, known.test.factors, strict=True
    ):
        inside = np.arange(int(start) - 1, int(start + length))
        share = (inside + 1 - start) / length
        slope = np.polyfit(share, one[inside], 1)[0]
        error = 1.0 / np.sqrt(((share - share.mean()) ** 2).sum())  # noise has a standard deviation of 1
        off.append((slope - height * rises[known.class_names[label]]) / error)
        outside = np.delete(one, inside)
        assert abs(outside.mean()) < 6.0 / np.sqrt(max(len(outside), 1))
    assert np.abs(off).max() < 6.0
    assert np.std(off) == pytest.approx(1.0, abs=6.0 / np.sqrt(2 * len(off)))


def test_a_year_of_stocks_is_in_one_split_alone() -> None:
    """Against pandas' own way to months and years."""
    frame = pd.read_csv(cbook.get_sample_data("Stocks.csv", asfileobj=False), comment="#", parse_dates=["Date"])
    monthly = np.log(frame.set_index("Date").groupby(pd.Grouper(freq="MS")).first())
    years = {}
    for name in monthly:
        over = monthly[name] - monthly[name][monthly.index.month == 12].reindex(monthly.index).shift(1).ffill(limit=11)
        for year, path in over.groupby(over.index.year):
            if path.notna().sum() == 12:
                years[tuple(path.round(4))] = year
    known = data.load("stock_years")
    found = [{years[tuple(one[:, 0])] for one in split.images} for split in known.splits().values()]
    assert sum(map(len, known.splits().values())) == len(years)
    assert set.union(*found) == set(range(1991, 2022))
    assert sum(map(len, found)) == 31
