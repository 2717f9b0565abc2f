"""Known sets are held against what was published, and their order is restored whichever way they came."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aebench import data
from aebench.data import tfds
from aebench.data.conform import conform, sort_by_content
from aebench.data.dataset import Published, Split
from aebench.data.importing import read_path
from aebench.data.known import KNOWN, KnownDataset
from aebench.errors import UserError

REPOSITORY = Path(__file__).parents[3]
TINY = KnownDataset(
    source="A set for tests.",
    rule="tenth",
    image_shape=(2, 2, 1),
    published_sizes={"train": 30, "test": 6},
    sizes=(27, 3, 6),
    class_names=("even", "odd"),
    published_order=False,
)


def tiny() -> Published:
    rng = np.random.default_rng(0)
    splits = {
        name: Split(
            images=rng.integers(0, 256, (count, 2, 2, 1), dtype=np.uint8),
            labels=np.arange(count) % 2,
            maximum=255.0,
        )
        for name, count in TINY.published_sizes.items()
    }
    return Published(**splits, class_names=("0", "1"))


def shuffled(published: Published) -> Published:
    rng = np.random.default_rng(1)
    splits = {name: split.take(rng.permutation(len(split))) for name, split in published.splits().items()}
    return Published(**splits, class_names=published.class_names)


def test_sets_without_a_published_order_are_sorted_by_content() -> None:
    one, other = conform("tiny", TINY, tiny()), conform("tiny", TINY, shuffled(tiny()))
    np.testing.assert_array_equal(one.train.images, other.train.images)
    np.testing.assert_array_equal(one.train.labels, other.train.labels)
    np.testing.assert_array_equal(one.test.images, other.test.images)
    assert one.class_names == ("even", "odd")


def test_sorting_keeps_images_with_their_labels() -> None:
    def pairs(published: Published) -> list[tuple[bytes, int]]:
        train = published.train
        return [(image.tobytes(), int(label)) for image, label in zip(train.images, train.labels, strict=True)]

    before, after = pairs(tiny()), pairs(sort_by_content(tiny()))
    assert before != after
    assert sorted(before) == sorted(after)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"published_sizes": {"train": 31, "test": 6}}, "31x2x2x1"),
        ({"published_sizes": {"train": 30, "test": 6, "validation": 6}}, "validation 6x2x2x1"),
        ({"image_shape": (2, 2, 3)}, "30x2x2x3"),
        ({"class_names": ("a", "b", "c")}, r"0\.\.2"),
        ({"class_names": None}, "published: none"),
        ({"checksums": {"train_images": "0" * 64}}, "import them under another name"),
    ],
)
def test_other_content_than_published_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        conform("tiny", replace(TINY, **change), tiny())


def test_a_stranger_cannot_take_a_known_name(npz, arrays) -> None:
    with pytest.raises(UserError, match="published: train 60000x28x28x1 uint8"):
        data.import_dataset("mnist", npz(arrays))


def test_the_table_is_consistent() -> None:
    for name, known in KNOWN.items():
        published = sum(known.published_sizes.values())
        assert sum(known.sizes) == published, name
        assert set(known.checksums) <= {f"{s}_{a}" for s in known.published_sizes for a in ("images", "labels")}
        assert not known.tfds or known.url, name


def test_published_places_match_the_librarys_own_shuffler(tmp_path: Path) -> None:
    shuffle = pytest.importorskip("tensorflow_datasets.core.shuffle")
    shuffler = shuffle.Shuffler(tmp_path, "train")
    for index in range(500):
        shuffler.add(index, str(index).encode())
    assert [int(value) for _, value in shuffler] == tfds.published_places("train", 500).tolist()


NO_NETWORK = """
import socket, time
socket.create_connection = socket.getaddrinfo = lambda *_, **__: time.sleep(60)  # packets vanish: no refusal
from aebench import data
from aebench.errors import UserError
start = time.perf_counter()  # how long a busy machine takes to start Python is another matter
try:
    data.load("mnist")
except UserError as error:
    print(error)
print(time.perf_counter() - start)
"""


def load_without_network() -> tuple[str, float]:
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK],
        env={**environment, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    told, seconds = done.stdout.rstrip().rsplit("\n", 1)
    return told, float(seconds)


def test_absent_and_no_network_is_told_within_two_seconds(tmp_path: Path) -> None:
    tries = [load_without_network() for _ in range(2)]
    assert min(seconds for _, seconds in tries) < 2  # the better of two: the machine may be busy
    told = tries[0][0]
    assert "storage.googleapis.com does not answer" in told
    assert "data import mnist PATH" in told
    assert str(tmp_path / "tfds") in told
    assert "TFDS_DATA_DIR" in told


def test_a_set_that_the_system_has_installed_is_taken_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any folder that `data import` takes; without a network, and without asking for one."""
    folder = tmp_path / "datasets" / "tiny"
    for split, published in tiny().splits().items():
        for at, image in enumerate(published.images):
            path = folder / split / str(published.labels[at]) / f"{at}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[..., 0]).save(path)
    monkeypatch.setitem(KNOWN, "tiny", replace(TINY, package="dataset-tiny", folder=str(folder), tfds="tiny"))
    assert next(entry for entry in data.status() if entry.name == "tiny").state == "installed"
    loaded = data.load("tiny")
    assert [len(part) for part in loaded.splits().values()] == [27, 3, 6]
    assert loaded.class_names == ("even", "odd")
    folder.rename(tmp_path / "elsewhere")
    assert data.load("tiny").digest == loaded.digest
    monkeypatch.setitem(KNOWN, "other", replace(KNOWN["tiny"], folder=str(folder)))
    with pytest.raises(UserError, match="or `apt install dataset-tiny`"):
        data.load("other")


@pytest.fixture
def dots(tmp_path: Path) -> np.ndarray:
    """Prepares 300 images, numbered in their first two pixels, as the data set `dots` in three files."""
    library = pytest.importorskip("tensorflow_datasets")
    images = np.zeros((300, 4, 4, 1), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = np.arange(300) // 256, np.arange(300) % 256
    library.dataset_builders.store_as_tfds_dataset(
        name="dots",
        version="1.0.0",
        features=library.features.FeaturesDict(
            {
                "image": library.features.Image(shape=(4, 4, 1)),
                "label": library.features.ClassLabel(num_classes=3),
            }
        ),
        split_datasets={"train": enumerate([{"image": i, "label": n % 3} for n, i in enumerate(images)])},
        data_dir=tmp_path / "tfds",
        download_config=library.download.DownloadConfig(num_shards=3),
    )
    return images


def test_the_published_order_is_restored_across_files(dots: np.ndarray, tmp_path: Path) -> None:
    assert len(list((tmp_path / "tfds" / "dots" / "1.0.0").glob("*tfrecord*"))) == 3
    known = replace(TINY, tfds="dots", image_shape=(4, 4, 1), published_order=True)
    train = tfds.fetch("dots", known).train
    np.testing.assert_array_equal(train.images, dots)
    np.testing.assert_array_equal(train.labels, np.arange(300) % 3)


def test_a_set_that_others_prepared_loads_by_its_name(dots: np.ndarray) -> None:
    assert "dots" in data.known()
    assert next(entry for entry in data.status() if entry.name == "dots").state == "prepared"
    loaded = data.load("dots")
    assert [len(part) for part in loaded.splits().values()] == [243, 27, 30]
    found = np.concatenate([part.images for part in loaded.splits().values()])
    assert sorted(image.tobytes() for image in found) == sorted(image.tobytes() for image in dots)


@pytest.fixture
def prepare(tmp_path: Path):
    """Prepares a set of a name from its features and its items."""
    library = pytest.importorskip("tensorflow_datasets")

    def write(name: str, features: dict[str, object], items: list[dict[str, object]]) -> None:
        library.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=library.features.FeaturesDict(features),
            split_datasets={"train": enumerate(items)},
            data_dir=tmp_path / "tfds",
        )

    return write


def test_a_prepared_set_of_vectors(prepare) -> None:
    """As `iris` is prepared: a vector of numbers beside its label."""
    library = pytest.importorskip("tensorflow_datasets")
    rows = np.random.default_rng(0).normal(size=(100, 3)).astype("float32")
    features = {
        "features": library.features.Tensor(shape=(3,), dtype=np.float32),
        "label": library.features.ClassLabel(num_classes=2),
    }
    prepare("flowers", features, [{"features": row, "label": at % 2} for at, row in enumerate(rows)])
    loaded = data.load("flowers")
    assert loaded.image_shape == (3,)
    assert [len(part) for part in loaded.splits().values()] == [64, 16, 20]
    found = np.concatenate([part.images for part in loaded.splits().values()])
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(rows, axis=0))


def test_a_prepared_set_of_neither_images_nor_a_vector(prepare) -> None:
    library = pytest.importorskip("tensorflow_datasets")
    prepare("words", {"text": library.features.Text(), "n": library.features.Scalar(np.int64)}, [{"text": "a", "n": 1}])
    with pytest.raises(UserError, match=r"has (n, text|text, n); needed: an image, or one vector") as told:
        data.load("words")
    assert "damaged" not in str(told.value)


WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None
from aebench import data
from aebench.errors import UserError
try:
    data.load("dots")
except UserError as error:
    print(error)
"""


def test_where_tensorflow_is_not_installed_that_is_told(dots: np.ndarray, python: Callable[..., object]) -> None:
    found = python("-c", WITHOUT_TENSORFLOW)
    assert "and tensorflow is not installed; run: pip install" in found.stdout, found.stderr
    assert "damaged" not in found.stdout


def test_a_damaged_prepared_copy_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow_datasets")
    folder = tmp_path / "tfds" / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text("{")
    with pytest.raises(UserError, match="cannot give 'mnist'") as told:
        data.load("mnist")
    assert "\n" not in str(told.value)


def test_mnist_is_the_same_by_both_routes(
    published: Path, tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real MNIST: prepared by tensorflow-datasets from local files, and imported directly."""
    library = pytest.importorskip("tensorflow_datasets")
    config = partial(library.download.DownloadConfig, manual_dir=published / "mnist")
    monkeypatch.setattr(library.download, "DownloadConfig", config)
    monkeypatch.setattr(tfds, "reachable", lambda url: "mnist" in url)
    fetched = data.load("mnist")
    assert fetched.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert fetched.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert [len(part) for part in fetched.splits().values()] == [55_000, 5_000, 10_000]
    assert tfds.is_prepared("mnist")

    by_tfds = cache_folder.rename(tmp_path / "by_tfds") / "mnist"
    assert data.import_dataset("mnist", published / "mnist").digest == fetched.digest
    names = {path.name for path in by_tfds.iterdir()} - {"provenance.json"}
    assert len(names) == 7
    for name in names:
        assert (by_tfds / name).read_bytes() == (cache_folder / "mnist" / name).read_bytes(), name


def test_one_flipped_pixel_is_not_mnist(published: Path, npz) -> None:
    mnist = read_path("mnist", published / "mnist")
    changed = np.array(mnist.test.images)
    changed[0, 0, 0, 0] = 1
    path = npz(
        {
            "x_train": mnist.train.images,
            "y_train": mnist.train.labels,
            "x_test": changed,
            "y_test": mnist.test.labels,
        }
    )
    with pytest.raises(UserError, match="test_images of mnist have sha256"):
        data.import_dataset("mnist", path)
    with pytest.raises(UserError, match="these are the images of mnist"):
        data.import_dataset("kmnist", path)


def test_binarised_mnist_from_its_text_files(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "amat"
    folder.mkdir()
    for name in ("train", "valid", "test"):
        bits = np.unpackbits(np.load(published / "binarized_mnist" / f"{name}.npz")["x"], axis=1)[:, :784]
        text = np.full((len(bits), 1568), ord(" "), np.uint8)
        text[:, 0::2] = bits + ord("0")
        text[:, -1] = ord("\n")
        (folder / f"binarized_mnist_{name}.amat").write_bytes(text.tobytes())
    binarised = data.import_dataset("binarized_mnist", folder)
    assert [len(part) for part in binarised.splits().values()] == [50_000, 10_000, 10_000]
    assert (binarised.class_names, binarised.train.labels, binarised.train.maximum) == (None, None, 1)
    assert set(np.unique(binarised.test.images)) == {0, 1}

    (folder / "binarized_mnist_test.amat").write_bytes(b"0 1 2\n")
    with pytest.raises(UserError, match="784 times 0 or 1"):
        data.import_dataset("binarized_mnist", folder)
    (folder / "binarized_mnist_test.amat").unlink()
    with pytest.raises(UserError, match="no binarized_mnist_test"):
        data.import_dataset("binarized_mnist", folder)
