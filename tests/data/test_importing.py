"""`data import`: a user's own images, known sets, and one clear line for everything that is neither."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aebench import data
from aebench.data.idx import read_idx
from aebench.errors import UserError, unknown

IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def idx_folder(tmp_path: Path):
    """Writes arrays as a folder of idx files and returns its path."""

    def write(arrays: dict[str, np.ndarray], ending: str = ".gz") -> Path:
        folder = tmp_path / "idx"
        folder.mkdir(exist_ok=True)
        for key, array in arrays.items():
            content = idx(array)
            (folder / f"{IDX_NAMES[key]}{ending}").write_bytes(gzip.compress(content) if ending else content)
        return folder

    return write


def test_own_images_are_kept_as_they_are(npz, arrays) -> None:
    mine = data.import_dataset("mine", npz(arrays))
    assert mine.image_shape == (5, 7, 1)
    assert (len(mine.train), len(mine.validation), len(mine.test)) == (54, 6, 12)
    np.testing.assert_array_equal(mine.test.images[..., 0], arrays["x_test"])
    np.testing.assert_array_equal(mine.test.labels, arrays["y_test"])
    assert np.bincount(mine.validation.labels).tolist() == [2, 2, 2]
    assert mine.train.maximum == 255
    assert "mine" in data.known()


def test_idx_and_npz_give_the_same_cache(npz, arrays, idx_folder, cache_folder: Path) -> None:
    data.import_dataset("mine", npz(arrays))
    before = {path.name: path.read_bytes() for path in (cache_folder / "mine").iterdir()}
    for path in (cache_folder / "mine").iterdir():
        path.unlink()
    (cache_folder / "mine").rmdir()
    data.import_dataset("mine", idx_folder(arrays))
    after = {path.name: path.read_bytes() for path in (cache_folder / "mine").iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"provenance.json"}


def test_plain_idx_files_and_dotted_names_are_read(arrays, idx_folder) -> None:
    folder = idx_folder(arrays, ending="")
    (folder / "train-images-idx3-ubyte").rename(folder / "train-images.idx3-ubyte")
    np.testing.assert_array_equal(data.import_dataset("mine", folder).test.images[..., 0], arrays["x_test"])


def test_a_validation_split_is_taken_as_it_is(npz, arrays) -> None:
    parts = {f"{what}_validation": arrays[f"{what}_train"][:9] for what in "xy"}
    mine = data.import_dataset("mine", npz(arrays | parts))
    assert [len(part) for part in mine.splits().values()] == [60, 9, 12]
    np.testing.assert_array_equal(mine.validation.images[..., 0], parts["x_validation"])
    np.testing.assert_array_equal(mine.validation.labels, parts["y_validation"])
    assert mine.split_rule == "Published train and validation; published test."


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_become_float32(npz, arrays, dtype) -> None:
    for key in ("x_train", "x_test"):
        arrays[key] = (arrays[key] / 255).astype(dtype)
    mine = data.import_dataset("mine", npz(arrays))
    assert mine.test.images.dtype == np.float32
    np.testing.assert_array_equal(mine.test.pixels()[..., 0], arrays["x_test"].astype(np.float32))


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8])
def test_binary_images_span_the_unit_interval(npz, arrays, dtype) -> None:
    for key in ("x_train", "x_test"):
        arrays[key] = (arrays[key] > 127).astype(dtype)
    mine = data.import_dataset("mine", npz(arrays))
    assert (mine.train.maximum, mine.test.pixels().max()) == (1, 1)


def test_colour_images_and_column_labels(npz, arrays) -> None:
    for key in ("x_train", "x_test"):
        arrays[key] = np.stack([arrays[key]] * 3, axis=-1)
    for key in ("y_train", "y_test"):
        arrays[key] = arrays[key][:, np.newaxis]
    mine = data.import_dataset("mine", npz(arrays))
    assert mine.image_shape == (5, 7, 3)
    assert mine.test.labels.shape == (12,)


@pytest.mark.parametrize(
    ("names", "expected"),
    [(np.array([7, -2, 30]), ("-2", "7", "30")), (np.array(["cat", "ant", "bee"]), ("ant", "bee", "cat"))],
)
def test_label_values_become_class_names(npz, arrays, names, expected) -> None:
    original = arrays["y_test"]
    arrays |= {"y_train": names[arrays["y_train"]], "y_test": names[original]}
    mine = data.import_dataset("mine", npz(arrays))
    assert mine.class_names == expected
    assert [mine.class_names[index] for index in mine.test.labels] == [str(names[index]) for index in original]


def test_a_set_without_labels(npz, arrays) -> None:
    del arrays["y_train"], arrays["y_test"]
    mine = data.import_dataset("mine", npz(arrays))
    assert (mine.class_names, mine.train.labels, mine.test.labels) == (None, None, None)
    assert len(mine.validation) == 6


def test_importing_again_changes_nothing(npz, arrays, cache_folder: Path) -> None:
    first = data.import_dataset("mine", npz(arrays))
    changed = (cache_folder / "mine" / "meta.json").stat().st_mtime_ns
    assert data.import_dataset("mine", npz(arrays)).digest == first.digest
    assert (cache_folder / "mine" / "meta.json").stat().st_mtime_ns == changed


def test_other_content_under_the_same_name_is_refused(npz, arrays, cache_folder: Path) -> None:
    data.import_dataset("mine", npz(arrays))
    arrays["x_train"][0] ^= 255
    with pytest.raises(UserError, match="remove the folder") as told:
        data.import_dataset("mine", npz(arrays))
    assert str(cache_folder / "mine") in str(told.value)


def bad(**changes: object):
    """A change to good arrays; None removes one."""

    def apply(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        changed = {key: change(arrays[key]) if callable(change) else change for key, change in changes.items()}
        return {key: value for key, value in (arrays | changed).items() if value is not None}

    return apply


def with_value(value: float):
    def change(images: np.ndarray) -> np.ndarray:
        floats = images / 255
        floats[1, 2, 3] = value
        return floats

    return change


BAD_ARRAYS = {
    "pickled images": (bad(x_train=lambda x: x.astype(object)), "pickled"),
    "pickled labels": (bad(y_train=lambda y: y.astype(object)), "pickled"),
    "NaN": (bad(x_train=with_value(np.nan), x_test=lambda x: x / 255), "NaN"),
    "infinity": (bad(x_train=with_value(np.inf), x_test=lambda x: x / 255), "NaN or infinity"),
    "grey levels as floats": (bad(x_train=lambda x: x * 1.0), "scale them"),
    "negative floats": (bad(x_train=with_value(-0.5)), "scale them"),
    "integers that are no bytes": (bad(x_train=lambda x: x.astype(np.int64)), "int64"),
    "images as strings": (bad(x_train=lambda x: x.astype("U3")), "allowed: uint8"),
    "flat images": (bad(x_train=lambda x: x.reshape(60, 35)), r"\(60, 35\)"),
    "one number": (bad(x_train=np.uint8(3)), "shape"),
    "five dimensions": (bad(x_train=lambda x: x[..., None, None]), "shape"),
    "no images": (bad(x_train=lambda x: x[:0], y_train=lambda y: y[:0]), "empty"),
    "empty images": (bad(x_test=lambda x: x[:, :0]), "empty"),
    "few images": (bad(x_train=lambda x: x[:5], y_train=lambda y: y[:5]), "at least 20"),
    "other test shape": (bad(x_test=lambda x: x[:, :4]), "differ"),
    "other test type": (bad(x_test=lambda x: x / 255), "differ"),
    "more labels than images": (bad(y_train=lambda y: np.append(y, 0)), "61 labels for 60 images"),
    "fewer test labels than images": (bad(y_test=lambda y: y[1:]), "11 labels for 12 images"),
    "one-hot labels": (bad(y_train=lambda y: np.eye(3, dtype=int)[y]), "argmax"),
    "float labels": (bad(y_train=lambda y: y / 2), "integers or strings"),
    "labels of two types": (bad(y_train=lambda y: y.astype("U1")), "same type"),
    "no test images": (bad(x_test=None), "no x_test"),
    "no arrays": (bad(x_train=None, y_train=None, x_test=None, y_test=None), "no x_train"),
    "a split by another name": (bad(x_val=np.zeros((3, 5, 7)), y_val=np.arange(3)), "x_val, y_val, which is no split"),
    "an empty validation split": (
        bad(x_validation=np.zeros((1, 5, 7), np.uint8), y_validation=np.zeros(1, int)),
        "1 validation images; at least 2",
    ),
    "no validation labels": (bad(x_validation=np.zeros((3, 5, 7), np.uint8)), "no y_validation"),
    "only training labels": (bad(y_test=None), "no y_test"),
    "only test labels": (bad(y_train=None), "no y_train"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_unsuitable_arrays_are_refused(npz, arrays, cache_folder: Path, case: str) -> None:
    change, message = BAD_ARRAYS[case]
    path = npz(change(arrays))
    with pytest.raises(UserError, match=message) as told:
        data.import_dataset("mine", path)
    assert "\n" not in str(told.value)
    assert not (cache_folder / "mine").exists()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "Mine", "_x", "x y", "x\n", "é", "a" * 65])
def test_names_that_no_set_may_have(npz, arrays, name: str) -> None:
    path = npz(arrays)
    for use in (data.load, data.digest, lambda name: data.import_dataset(name, path)):
        with pytest.raises(UserError, match="choose such a name"):
            use(name)


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(
        UserError, match=r"unknown data set 'mnits'; known: digits, mnist, .* \(did you mean 'mnist'\?\)"
    ):
        data.load("mnits")
    assert str(unknown("variant", "qqq", ["ae", "vae"])) == "unknown variant 'qqq'; known: ae, vae"


def test_digits_are_not_imported(npz, arrays) -> None:
    with pytest.raises(UserError, match="built in"):
        data.import_dataset("digits", npz(arrays))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 no zip either", b"\x93NUMPY"])
def test_files_that_are_no_npz(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(UserError, match="cannot read"):
        data.import_dataset("mine", tmp_path / "x.npz")


def test_an_npy_file_in_npz_clothing(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(3))
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    with pytest.raises(UserError, match="one array"):
        data.import_dataset("mine", tmp_path / "x.npz")


def test_a_truncated_npz(npz, arrays) -> None:
    path = npz(arrays)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="cannot read"):
        data.import_dataset("mine", path)


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        data.import_dataset("mine", tmp_path / "absent")
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(UserError, match="nothing that can be imported"):
        data.import_dataset("mine", tmp_path / "x.txt")


def test_missing_idx_files_are_listed(arrays, idx_folder) -> None:
    folder = idx_folder(arrays)
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(UserError, match="no idx file for test images;"):
        data.import_dataset("mine", folder)
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError, match="no idx file for train labels, test images;"):
        data.import_dataset("mine", folder)


def test_idx_files_without_labels(arrays, idx_folder) -> None:
    mine = data.import_dataset("mine", idx_folder({key: arrays[key] for key in ("x_train", "x_test")}))
    assert mine.class_names is None


def test_two_files_for_one_array(arrays, idx_folder) -> None:
    folder = idx_folder(arrays)
    (folder / "test-images-idx3-ubyte").write_bytes(idx(arrays["x_test"]))
    with pytest.raises(UserError, match="several files"):
        data.import_dataset("mine", folder)


GOOD = idx(np.arange(6).reshape(1, 2, 3))
BAD_IDX = {
    "empty": (b"", "no idx file"),
    "other format": (b"\x89PNG" + GOOD, "no idx file"),
    "unknown type": (b"\0\0\x07\x01" + GOOD[4:], "no idx file"),
    "half a header": (GOOD[:10], "no idx file"),
    "truncated": (GOOD[:-1], "truncated"),
    "too long": (GOOD + b"0", "truncated or damaged"),
    "truncated gzip": (gzip.compress(GOOD)[:-9], "cannot read"),
    "damaged gzip": (b"\x1f\x8b" + GOOD, "cannot read"),
}


@pytest.mark.parametrize("case", BAD_IDX)
def test_damaged_idx_files(tmp_path: Path, case: str) -> None:
    content, message = BAD_IDX[case]
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match=message) as told:
        read_idx(tmp_path / "x")
    assert str(tmp_path / "x") in str(told.value)


def test_what_unpacks_to_more_than_memory_is_not_unpacked(
    npz, arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an archive of zeros, which is a thousand times smaller than what it holds."""
    monkeypatch.setattr("aebench.data.memory.memory", lambda: 5000)
    large = {"x_train": np.zeros((60, 10, 10), np.uint8)}
    (tmp_path / "x").write_bytes(gzip.compress(idx(np.zeros((100, 10, 10)))))
    (tmp_path / "vast").write_bytes(bytes([0, 0, 8, 255]) + bytes([255]) * 4 * 255)
    with pytest.raises(UserError, match="GiB of memory"):
        read_idx(tmp_path / "vast")
    for read in (lambda: read_idx(tmp_path / "x"), lambda: data.import_dataset("mine", npz(arrays | large))):
        with pytest.raises(UserError, match="GiB of memory; if that is what it should hold"):
            read()


def test_idx_numbers_are_big_endian(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(struct.pack(">HBBIii", 0, 0x0C, 1, 2, 1, -300))
    np.testing.assert_array_equal(read_idx(tmp_path / "x"), [1, -300])


def test_a_picture_beside_idx_files_is_none_of_the_data(idx_folder, arrays):
    folder = idx_folder(arrays)
    Image.new("L", (3, 3)).save(folder / "preview.png")
    assert len(data.import_dataset("mine", folder).test) == len(arrays["x_test"])
