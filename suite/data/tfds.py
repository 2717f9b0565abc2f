"""Data sets through tensorflow-datasets, imported only where a prepared copy or a network is there."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import socket
import sys
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from aebench.data.arrays import RawSplit, publish
from aebench.data.dataset import Array, Published
from aebench.data.known import KnownDataset
from aebench.errors import UserError

_PROBE_SECONDS = 1.0
_SPLITS = ("train", "validation", "test")


def data_dir() -> Path:
    """Where tensorflow-datasets keeps prepared sets: `$TFDS_DATA_DIR`, else `~/tensorflow_datasets`."""
    return Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def is_prepared(tfds_name: str) -> bool:
    """Whether some version of a set lies prepared in `data_dir()`; looks at file names only."""
    return any((data_dir() / tfds_name).glob("*/dataset_info.json"))


def prepared_names() -> list[str]:
    """Names of all sets without configurations that lie prepared in `data_dir()`."""
    return sorted({path.parent.parent.name for path in data_dir().glob("*/*/dataset_info.json")})


def reachable(url: str, seconds: float = _PROBE_SECONDS) -> bool:
    """Whether the host of a URL (or the proxy set for it) answers in time.

    Args:
        url: a file to be downloaded later.
        seconds: how long to wait, name look-up included.

    Returns:
        True if it answers.
    """
    answers: list[bool] = []
    # In a thread, since no timeout reaches into the system's name look-up.
    probe = threading.Thread(target=lambda: answers.append(_answers(url, seconds)), daemon=True)
    probe.start()
    probe.join(seconds)
    return answers == [True]


def _answers(url: str, seconds: float) -> bool:
    import urllib.request

    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    try:
        if parts.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host):
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds).close()
        else:
            socket.create_connection((host, parts.port or {"https": 443}.get(parts.scheme, 80)), seconds).close()
    except OSError:
        return False
    return True


def fetch(name: str, known: KnownDataset | None) -> Published:
    """Reads a set through tensorflow-datasets, downloading it if it is not prepared and its host answers.

    Args:
        name: the suite's name for the set.
        known: what is known of it, or None for any set that lies prepared, in whatever order.

    Returns:
        The published splits.

    Raises:
        UserError: neither prepared nor reachable (within 2 s), or tensorflow-datasets fails.
    """
    tfds_name = known.tfds if known else name
    if not is_prepared(tfds_name):
        _require_network(name, known)
    _require_libraries(name)
    with _failures_told(name):
        builder = _builder(tfds_name)
        if not builder.is_prepared():  # there, but in another version than the installed library reads
            _require_network(name, known)
            _download(builder)
        feature = _feature(builder.info.features, name)
        raw = {split: _read(builder, split, feature, known) for split in _SPLITS if split in builder.info.splits}
    return publish(raw, f"the prepared {tfds_name}")


def _require_network(name: str, known: KnownDataset | None) -> None:
    url, files = (known.url, known.files) if known else ("", "its files")
    if url and reachable(url):
        return
    host = urllib.parse.urlsplit(url).hostname or "its host"
    raise UserError(
        f"data set {name!r} is not cached, there is no prepared copy in {data_dir()}, and {host} does not "
        f"answer; run `python -m aebench data import {name} PATH`, PATH being {files}, "
        + (f"or `apt install {known.package}`, " if known and known.package else "")
        + "or set TFDS_DATA_DIR to a folder that holds it prepared"
    )


def _require_libraries(name: str) -> None:
    absent = [library for library in ("tensorflow", "tensorflow_datasets") if importlib.util.find_spec(library) is None]
    if absent:
        raise UserError(
            f"data set {name!r} is read by tensorflow-datasets and TensorFlow, and {' and '.join(absent)} is not "
            "installed; run: pip install tensorflow-cpu tensorflow-datasets (needed once: every backend reads what is "
            f"cached then), or use `python -m aebench data import {name} PATH`"
        )


@contextlib.contextmanager
def _failures_told(name: str) -> Iterator[None]:
    """tensorflow-datasets fails in many types, of TensorFlow, requests and its own: each becomes one line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "")
        raise UserError(
            f"tensorflow-datasets cannot give {name!r} from {data_dir()}: {type(error).__name__}: {reason}; "
            f"remove a damaged copy there, or use `python -m aebench data import {name} PATH`"
        ) from error


def _builder(tfds_name: str) -> Any:
    import tensorflow_datasets

    return tensorflow_datasets.builder(tfds_name, data_dir=data_dir())


def _download(builder: Any) -> None:
    import tensorflow_datasets

    # A private folder to extract into: in a shared one, mnist and fashion_mnist have equal file names
    # and mix up silently. And what the library prints is no output of ours.
    with tempfile.TemporaryDirectory() as private, contextlib.redirect_stdout(sys.stderr):
        config = tensorflow_datasets.download.DownloadConfig(extract_dir=private, try_download_gcs=False)
        builder.download_and_prepare(download_config=config)


def _feature(features: Any, name: str) -> str:
    """The feature that models see: the image or, where there is none, the one vector of numbers.

    Raises:
        UserError: there is neither.
    """
    if "image" in features:
        return "image"
    vectors = [key for key, feature in features.items() if _is_vector(feature)]
    if len(vectors) == 1:
        return str(vectors[0])
    raise UserError(
        f"{name!r} as prepared by tensorflow-datasets has {', '.join(features)}; needed: an image, or one vector of "
        "numbers; write what models shall see as an npz or a table, and use `python -m aebench data import NAME PATH`"
    )


def _is_vector(feature: Any) -> bool:
    shape = getattr(feature, "shape", None)  # of nested features a dictionary
    if not isinstance(shape, tuple) or len(shape) != 1 or not shape[0]:
        return False
    kind = getattr(feature, "np_dtype", None)
    return kind is not None and np.dtype(kind).kind in "fiu"


def _read(builder: Any, split: str, feature: str, known: KnownDataset | None) -> RawSplit:
    import tensorflow_datasets

    # One file after the other: otherwise examples of several files are interleaved, and their order is lost.
    config = tensorflow_datasets.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    dataset = builder.as_dataset(split=split, read_config=config, shuffle_files=False).batch(1000)
    grey = known is not None and known.image_shape[-1] == 1  # omniglot: three equal channels
    images, labels = [], []
    for batch in tensorflow_datasets.as_numpy(dataset):
        images.append(batch[feature][..., :1] if grey else batch[feature])
        labels.extend([batch["label"]] if "label" in batch else [])
    order = _file_order(split, sum(map(len, images)), known)
    return np.concatenate(images)[order], np.concatenate(labels)[order] if labels else None


def _file_order(split: str, count: int, known: KnownDataset | None) -> Array:
    places = published_places(split, count) if known and known.published_order else np.arange(count)
    return np.argsort(places)


def published_places(split: str, count: int) -> Array:
    """Where the examples of a prepared split stood in the published files.

    tensorflow-datasets writes examples sorted by the md5 of split name and key (`core/hashing.py`,
    `core/shuffle.py`), and the key of the sets in the MNIST and CIFAR families is the published index.

    Args:
        split: `train`, `validation` or `test`.
        count: how many examples the split has.

    Returns:
        `(count,)` the published index of each example, in the order of the prepared files.
    """
    keys = [hashlib.md5(f"{split}{index}".encode(), usedforsecurity=False).digest() for index in range(count)]
    return np.array(sorted(range(count), key=keys.__getitem__))
