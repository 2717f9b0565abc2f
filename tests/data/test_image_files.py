"""Folders of image files and of Hugging Face's data sets: what is read, what is said, and what is refused in a line."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from aebench import data
from aebench.errors import UserError

CLASSES = ("cat", "dog")


def coloured(at: int, side: int = 6) -> np.ndarray:
    return np.random.default_rng(at).integers(0, 256, (side, side + 1, 3), dtype=np.uint8)


def write(folder: Path, name: str, picture: np.ndarray | Image.Image, **options) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    picture.save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty colour PNGs, half of them cats."""
    found = tmp_path / "pets"
    for at in range(60):
        write(found, f"{CLASSES[at % 2]}/{at:02}.png", coloured(at))
    return found


def test_subfolders_are_classes_and_pixels_stay_what_they_are(folder) -> None:
    pets = data.import_dataset("pets", folder)
    assert pets.class_names == CLASSES
    assert pets.image_shape == (6, 7, 3)
    assert (len(pets.train), len(pets.validation), len(pets.test)) == (49, 5, 6)
    assert np.bincount(pets.test.labels).tolist() == [3, 3]
    together = {
        image.tobytes(): label
        for part in pets.splits().values()
        for image, label in zip(part.images, part.labels, strict=True)
    }
    assert together == {coloured(at).tobytes(): at % 2 for at in range(60)}
    assert pets.levels == 256
    assert "Found: 60 png files; classes from 2 folders; in colour." in pets.source


def test_the_same_images_are_the_same_data_set_wherever_they_lie(folder, tmp_path, cache_folder) -> None:
    digest = data.import_dataset("pets", folder).digest
    folder.rename(tmp_path / "elsewhere")
    assert data.import_dataset("others", tmp_path / "elsewhere").digest == digest


def test_splits_are_those_of_the_folder(tmp_path) -> None:
    for at in range(40):
        split = "train" if at < 30 else "val" if at < 36 else "test"
        write(tmp_path / "pets", f"{split}/{CLASSES[at % 2]}/{at}.png", coloured(at))
    pets = data.import_dataset("pets", tmp_path / "pets")
    assert {split: len(part) for split, part in pets.splits().items()} == {"train": 30, "validation": 6, "test": 4}
    assert {image.tobytes() for image in pets.test.images} == {coloured(at).tobytes() for at in range(36, 40)}


def test_one_folder_of_images_has_no_classes(tmp_path) -> None:
    for at in range(30):
        write(tmp_path / "few", f"{at}.png", coloured(at))
    few = data.import_dataset("few", tmp_path / "few")
    assert few.class_names is None
    assert "one folder, so no classes" in few.source


def test_greys_stay_grey_and_become_colour_among_colours(tmp_path) -> None:
    for at in range(30):
        write(tmp_path / "grey", f"{at}.png", Image.fromarray(coloured(at)).convert("L"))
    assert data.import_dataset("grey", tmp_path / "grey").image_shape == (6, 7, 1)
    write(tmp_path / "grey", "colour.png", coloured(99))
    mixed = data.import_dataset("mixed", tmp_path / "grey")
    assert mixed.image_shape == (6, 7, 3)
    assert "in colour; grey made colour (30)" in mixed.source


def test_what_is_done_to_images_is_done_as_it_is_said(folder) -> None:
    """Transparency on white, sixteen bits to eight, turned as the camera says."""
    clear = np.dstack([coloured(1), np.zeros((6, 7), np.uint8)])
    write(folder, "cat/clear.png", clear)
    write(folder, "cat/deep.png", Image.fromarray(np.full((6, 7), 0x8123, np.uint16)))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    write(folder, "cat/turned.png", coloured(2), exif=exif)
    (folder / "README.md").write_text("pets")
    pets = data.import_dataset("pets", folder)
    images = {image.tobytes() for part in pets.splits().values() for image in part.images}
    assert np.full((6, 7, 3), 255, np.uint8).tobytes() in images
    assert np.full((6, 7, 3), 0x81, np.uint8).tobytes() in images
    assert coloured(2)[::-1, ::-1].tobytes() in images
    for what in (
        "transparency put on white (1)",
        "16 bits cut to 8 (1)",
        "grey made colour (1)",
        "other files left out (1)",
    ):
        assert what in pets.source


def test_sizes_that_differ_are_told_and_scaled_where_asked(folder) -> None:
    write(folder, "dog/large.png", np.full((20, 30, 3), 7, np.uint8))
    with pytest.raises(UserError, match=r"differ in height x width: 6x7 \(60\), 20x30 \(1\); give one .* --size 32"):
        data.import_dataset("pets", folder)
    pets = data.import_dataset("pets", folder, size=(4, 5))
    assert pets.image_shape == (4, 5, 3)
    assert "scaled to 4x5" in pets.source
    assert any((image == 7).all() for part in pets.splits().values() for image in part.images)


def bomb() -> bytes:
    """A PNG of a few bytes that says that it has 60000 x 60000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(coloured(0)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png()[:-40], r"bad\.png cannot be read: .*; replace or remove it"),
        (png()[:30], r"bad\.png (cannot be read|is no image)"),
        (b"", r"bad\.png is no image \(PNG, JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 7\n", r"bad\.png is no image"),
        (bomb(), r"bad\.png would be of more than [\d,]+ pixels"),
    ],
    ids=["truncated", "header alone", "empty", "another format", "bomb"],
)
def test_files_that_are_no_images_are_named(folder, content, message) -> None:
    (folder / "cat" / "bad.png").write_bytes(content)
    with pytest.raises(UserError, match=message) as found:
        data.import_dataset("pets", folder)
    assert "\n" not in str(found.value)


def test_links_do_not_lead_out_of_the_folder(folder, tmp_path) -> None:
    outside = write(tmp_path, "outside.png", coloured(0))
    (folder / "cat" / "link.png").symlink_to("../../outside.png")
    with pytest.raises(UserError, match=r"link\.png is a link that leads out of the folder"):
        data.import_dataset("pets", folder)
    (folder / "cat" / "link.png").unlink()
    (folder / "cow").symlink_to(outside.parent)
    with pytest.raises(UserError, match=r"cow is a link that leads out of the folder"):
        data.import_dataset("pets", folder)


def test_pipes_are_left_alone(folder) -> None:
    """Reading one would wait for ever."""
    os.mkfifo(folder / "cat" / "pipe.png")
    assert "other files left out (1)" in data.import_dataset("pets", folder).source


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["stray.png"], r"stray\.png lies beside folders of classes, and in none"),
        (["train/cat/1.png", "test/cow/1.png"], r"lies in no split"),
        (["Thumbs.db"], None),
    ],
)
def test_images_in_odd_places_are_named(folder, files, message) -> None:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png())
    if message is None:
        data.import_dataset("pets", folder)
        return
    with pytest.raises(UserError, match=message):
        data.import_dataset("pets", folder)


def test_classes_without_training_images_are_named(tmp_path) -> None:
    for name in (
        *(f"train/{kind}/{at}.png" for kind in CLASSES for at in range(15)),
        "test/cow/1.png",
        "test/cat/1.png",
    ):
        write(tmp_path / "pets", name, coloured(len(name)))
    with pytest.raises(UserError, match=r"no training images of class 'cow'"):
        data.import_dataset("pets", tmp_path / "pets")


def test_what_is_for_tables_is_refused(folder, tmp_path) -> None:
    pq.write_table(table(range(30)), tmp_path / "a.parquet")
    for path, roles, message in (
        (folder, data.Roles(label="kind"), "is no table; its subfolders are the classes"),
        (tmp_path / "a.parquet", data.Roles(ignore=("label",)), "holds images, of which --label alone can be said"),
        (tmp_path / "a.parquet", data.Roles(group="label"), "holds images, of which --label alone can be said"),
    ):
        with pytest.raises(UserError, match=message):
            data.import_dataset("pets", path, roles)
        with pytest.raises(UserError, match="holds images, whose values are pixels"):
            data.import_dataset("pets", path, values="counts")


def test_a_size_is_for_image_files(npz, arrays) -> None:
    with pytest.raises(UserError, match=r"images\.npz has no image files; --size is for a folder of images"):
        data.import_dataset("mine", npz(arrays), size=(4, 4))


def test_a_folder_without_images_says_what_is_taken(tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(UserError, match=r"holds nothing that can be imported; give a folder of images, of a Hugging"):
        data.import_dataset("mine", tmp_path)


FEATURES = {"image": {"_type": "Image"}, "label": {"names": ["dog", "cat"], "_type": "ClassLabel"}}


def table(ats: range, features: dict | None = None, **more) -> pa.Table:
    """As `datasets` writes it: encoded images with a path, labels, and features in the schema's metadata."""
    rows = []
    for at in ats:
        stream = io.BytesIO()
        Image.fromarray(coloured(at)).save(stream, "PNG")
        rows.append({"bytes": stream.getvalue(), "path": f"{at}.png"})
    found = pa.table({"image": rows, "label": [at % 2 for at in ats], **more})
    declared = {"info": {"features": FEATURES if features is None else features}}
    return found.replace_schema_metadata({b"huggingface": json.dumps(declared).encode()})


def saved_to_disk(folder: Path, splits: dict[str, range]) -> Path:
    """As `DatasetDict.save_to_disk` lays it out."""
    for split, ats in splits.items():
        (folder / split).mkdir(parents=True)
        (folder / split / "state.json").write_text("{}")
        found = table(ats)
        with pa.ipc.new_stream(str(folder / split / "data-00000-of-00001.arrow"), found.schema) as writer:
            writer.write_table(found)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
    return folder


def test_a_data_set_saved_to_disk(tmp_path) -> None:
    """Classes are called and ordered as they are declared; a split of another name is left out, and that is said."""
    where = saved_to_disk(tmp_path / "hf", {"train": range(40), "test": range(40, 50), "unsupervised": range(50, 53)})
    found = data.import_dataset("hf", where)
    assert found.class_names == ("dog", "cat")
    assert {split: len(part) for split, part in found.splits().items()} == {"train": 36, "validation": 4, "test": 10}
    np.testing.assert_array_equal(found.test.images, [coloured(at) for at in range(40, 50)])
    np.testing.assert_array_equal(found.test.labels, [at % 2 for at in range(40, 50)])
    assert "column 'image'; classes from column 'label'; in colour; files of other splits left out (1)" in found.source


@pytest.mark.parametrize(
    "name", ["data/train-00000-of-00001-abc.parquet", "default/train/0000.parquet", "images.parquet"]
)
def test_parquet_files_of_a_repository(name, tmp_path) -> None:
    path = tmp_path / "repository" / name
    path.parent.mkdir(parents=True)
    pq.write_table(table(range(40)), path)
    for where in (tmp_path / "repository", path):
        found = data.import_dataset(f"hf{path == where:d}", where)
        assert found.class_names == ("dog", "cat")
        assert sum(map(len, found.splits().values())) == 40


def test_columns_of_classes(tmp_path) -> None:
    fine = {"names": ["a", "b", "c"], "_type": "ClassLabel"}
    found = table(range(30), {**FEATURES, "fine": fine}, fine=[at % 3 for at in range(30)], text=["x", "y"] * 15)
    pq.write_table(found, tmp_path / "a.parquet")
    with pytest.raises(UserError, match="several columns of classes: label, fine; name one with --label"):
        data.import_dataset("hf", tmp_path / "a.parquet")
    for label, names in (("fine", ("a", "b", "c")), ("text", ("x", "y"))):
        assert data.import_dataset(label, tmp_path / "a.parquet", data.Roles(label=label)).class_names == names
    with pytest.raises(UserError, match="no column 'kind'; it has image, label, fine, text"):
        data.import_dataset("hf", tmp_path / "a.parquet", data.Roles(label="kind"))


def test_what_is_amiss_in_such_a_file_is_told(tmp_path) -> None:
    path = tmp_path / "a.parquet"
    broken = table(range(30))
    rows = broken["image"].to_pylist()
    for image, message in (
        ({"bytes": b"no", "path": None}, r"image 3 of train of .* is no image"),
        ({"bytes": None, "path": "/etc/passwd"}, r"image 3 of train of .* only its path; embed the images first"),
    ):
        pq.write_table(broken.set_column(0, "image", pa.array([*rows[:3], image, *rows[4:]])), path)
        with pytest.raises(UserError, match=message):
            data.import_dataset("hf", path)
    pq.write_table(broken.set_column(1, "label", pa.array([7, *range(29)])), path)
    with pytest.raises(UserError, match=r"labels in .* are 0 to 28; declared: 0 to 1"):
        data.import_dataset("hf", path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(UserError, match="cannot read"):
        data.import_dataset("hf", path)
