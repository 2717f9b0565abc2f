"""The data sets that can be had, and the one way to get each of them."""

from __future__ import annotations

from pathlib import Path

from aebench.data import cache, tfds
from aebench.data.columns import standardised
from aebench.data.conform import conform, sort_by_content
from aebench.data.dataset import Dataset, DatasetStatus, Published
from aebench.data.decoding import Size
from aebench.data.importing import read_path
from aebench.data.known import KNOWN
from aebench.data.names import check_name
from aebench.data.splitting import cut
from aebench.data.tables import Roles
from aebench.errors import UserError, unknown
from aebench.records.record import Values, items

_NO_ROLES = Roles()
_OWN_SOURCE = "A user's own {}, taken in by `data import`."


def known() -> tuple[str, ...]:
    """All names that `load` takes here.

    Returns:
        The suite's own, then what users imported, then what tensorflow-datasets has prepared on this machine.
    """
    return tuple(dict.fromkeys([*KNOWN, *cache.cached_names(), *tfds.prepared_names()]))


def load(name: str) -> Dataset:
    """Opens a data set, filling the array cache at its first use.

    Args:
        name: one of `known()`.

    Returns:
        The data set, memory-mapped.

    Raises:
        UserError: unknown name, damaged cache, or a set that is neither here nor to be had.
    """
    cached = cache.open_dataset(name)
    return cached if cached is not None else _fill(name)


def digest(name: str) -> str:
    """The content digest of a data set; reads one small file if the set is cached.

    Args:
        name: one of `known()`.

    Returns:
        sha256 in hex.

    Raises:
        UserError: as `load`.
    """
    meta = cache.read_meta(name)
    return meta.digest if meta is not None else load(name).digest


def import_dataset(
    name: str,
    path: str | Path,
    roles: Roles = _NO_ROLES,
    values: Values | None = None,
    *,
    series: bool = False,
    size: Size | None = None,
) -> Dataset:
    """Fills the cache from local files: a known set, checked against its published content, or a user's own.

    Args:
        name: a known name, or a new one for a user's own data.
        path: a folder of image files or of a Hugging Face data set, a folder of idx files (or of binarized_mnist's
            .amat files), an npz with `x_train`, `y_train`, `x_test`, `y_test` (without labels all `y` are left out,
            without a test split what ends in `_test`; a validation split ends in `_validation`), an npy, or a table
            as CSV or parquet. Images are `(n, height, width)` or with `channels` behind, vectors `(n, columns)`, series
            `(n, time steps)` or with `channels` behind.
        roles: what a table's columns are; data, all of them, without.
        values: of vectors and series: `real` unless told otherwise.
        series: whether these are series, which no shape tells from grey images and from vectors.
        size: height and width to scale image files to, where they differ.

    Returns:
        The data set. Importing the same content again changes nothing.

    Raises:
        UserError: unsuitable name, files or values, or other content than what already has that name.
    """
    check_name(name)
    if name in KNOWN and KNOWN[name].make:
        raise UserError(f"{name!r} is built in and is not imported; choose another name")
    published = read_path(name, Path(path).expanduser(), roles, values, series=series, size=size)
    source = _OWN_SOURCE.format(items(published.train.images.shape[1:]))
    source += f" Found: {published.note}." if published.note else ""
    if name in KNOWN:
        published, source = conform(name, KNOWN[name], published), KNOWN[name].source
    return _store(_build(name, published, source), f"data import {path}")


def _fill(name: str) -> Dataset:
    if name in KNOWN and (make := KNOWN[name].make):
        base = KNOWN[name].base
        return _store(_build(name, make(load(base)) if base else make(), KNOWN[name].source), "built in")
    if name in KNOWN:
        installed = _is_installed(name)
        raw = read_path(name, Path(KNOWN[name].folder)) if installed else tfds.fetch(name, KNOWN[name])
        route = KNOWN[name].folder if installed else "tensorflow-datasets"
        return _store(_build(name, conform(name, KNOWN[name], raw), KNOWN[name].source), route)
    if not tfds.is_prepared(name):
        raise unknown("data set", name, known())
    published = sort_by_content(tfds.fetch(name, None))
    source = f"{name} as prepared by tensorflow-datasets, sorted by content."
    return _store(_build(name, published, source), "tensorflow-datasets")


def _is_installed(name: str) -> bool:
    """Whether the operating system's package of a known set is there."""
    return bool(KNOWN[name].folder) and Path(KNOWN[name].folder).is_dir()


def _build(name: str, published: Published, source: str) -> Dataset:
    default = "fifth" if published.train.columns else "tenth"
    splits = cut(published, KNOWN[name].rule if name in KNOWN else default, name)
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    if published.values == "real":
        parts = standardised(parts, name)
    return Dataset(
        name=name,
        digest=cache.content_digest(parts),
        **parts,
        class_names=published.class_names,
        source=source,
        split_rule=splits.rule,
        factors=published.factors,
        values=published.values,
    )


def _store(built: Dataset, route: str) -> Dataset:
    present = cache.open_dataset(built.name)
    if present is None:
        cache.write(built, {"route": route})
    elif other := _other(present, built):
        raise UserError(
            f"data set {built.name!r} is already cached with other {other}; "
            f"remove the folder {cache.folder(built.name)}, or choose another name"
        )
    return load(built.name)


def _other(present: Dataset, built: Dataset) -> str:
    """In what a cached set is another than one of the same name; empty where in nothing."""
    if (present.digest, present.class_names, present.factors) != (built.digest, built.class_names, built.factors):
        return "content"
    if present.values != built.values:
        return f"values, {present.values} instead of {built.values}"
    return ""


def status() -> list[DatasetStatus]:
    """What is known of every data set, without loading any.

    Returns:
        One entry for each of `known()`, in that order.
    """
    return [_status(name) for name in known()]


def _status(name: str) -> DatasetStatus:
    try:
        meta = cache.read_meta(name)
    except UserError as error:
        return _uncached(name, "damaged", str(error))
    if meta is None:
        return _uncached(name, *_state(name))
    shapes = [meta.arrays[f"{split}_images"].shape for split in cache.SPLITS]
    return DatasetStatus(
        name=name,
        state="cached",
        sizes=(shapes[0][0], shapes[1][0], shapes[2][0]),
        image_shape=shapes[0][1:],
        classes=len(meta.class_names or ()),
        digest=meta.digest,
        content_checked=_content_checked(name),
        source=meta.source,
        split_rule=meta.split_rule,
        factors=meta.factors,
    )


def _content_checked(name: str) -> bool:
    return name in KNOWN and bool(KNOWN[name].checksums)


def _state(name: str) -> tuple[str, str]:
    about = KNOWN.get(name)
    if about is None:
        return "prepared", "prepared by tensorflow-datasets."
    if about.make:
        return "built in", about.source
    if _is_installed(name):
        return "installed", about.source
    return ("prepared" if tfds.is_prepared(about.tfds) else "not cached"), about.source


def _uncached(name: str, state: str, source: str) -> DatasetStatus:
    about = KNOWN.get(name)
    return DatasetStatus(
        name=name,
        state=state,
        sizes=about.sizes if about else None,
        image_shape=about.image_shape if about else None,
        classes=len(about.class_names or ()) if about else None,
        digest=None,
        content_checked=_content_checked(name),
        source=source,
        split_rule=None,
        factors=about.factors if about else None,
    )
