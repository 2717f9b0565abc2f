"""Checks arrays that come from outside and brings them into the suite's own form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aebench.data.columns import checked
from aebench.data.dataset import Array, Published, Split
from aebench.errors import UserError
from aebench.records.record import Values

RawSplit = tuple[Array, Array | None]  # images and, if there are any, labels


def publish(
    raw: Mapping[str, RawSplit],
    where: str,
    names: Sequence[str] | None = None,
    values: Values | None = None,
    *,
    series: bool = False,
) -> Published:
    """Turns raw arrays into a published data set, or says in one line what is wrong with them.

    Images may be `(n, height, width)` or `(n, height, width, channels)`, as uint8 in 0..255, bool, or float
    in [0, 1]. Byte images whose brightest value is 1 are taken as binary. Labels may be integers or strings
    of any values; they become class indices in sorted order, and their values the class names. Vectors may be `(n, d)`,
    series `(n, time steps)` or `(n, time steps, channels)`, of any numbers, as far as their kind of values allows.

    Args:
        raw: `train`, `test` and, where there is one, `validation`: images and labels.
        where: what to call the source in messages.
        names: of the columns of vectors or the channels of series; `column 0` and so on without.
        values: what kind of numbers vectors or series hold; `real` without. Images hold pixels.
        series: whether these are series, which no shape tells from grey images and from vectors.

    Returns:
        The data set with uint8 or float32 images of four dimensions, or float64 vectors or series, and int64 class
        indices.

    Raises:
        UserError: unsuitable types, shapes, values or lengths.
    """
    if series or all(part[0].ndim == 2 for part in raw.values()):
        kind = values or "real"
        parts = {name: _steps(part[0], f"x_{name} in {where}") if series else part[0] for name, part in raw.items()}
        images, columns = checked(parts, kind, names, where)
        maximum = 1.0
    elif values is not None or names is not None:
        raise UserError(
            f"{where} holds images, whose values are pixels; --values and column names are for vectors and --series"
        )
    else:
        kind, columns = "unit", ()
        images = {name: _images(part[0], f"x_{name} in {where}") for name, part in raw.items()}
        _same_form(images, where)
        maximum = _maximum(images)
    labels, class_names = _class_indices({name: part[1] for name, part in raw.items()}, images, where)
    splits = {name: Split(images=images[name], labels=labels[name], maximum=maximum, columns=columns) for name in raw}
    return Published(
        train=splits["train"],
        validation=splits.get("validation"),
        test=splits.get("test"),
        class_names=class_names,
        values=kind,
    )


def _steps(series: Array, what: str) -> Array:
    """`(n, time steps, channels)`; without channels there is one."""
    if series.ndim not in (2, 3):
        raise UserError(
            f"{what} has shape {series.shape}; series are (n, time steps) or (n, time steps, channels); reshape it"
        )
    return series[..., np.newaxis] if series.ndim == 2 else series


def _images(images: Array, what: str) -> Array:
    if images.ndim not in (3, 4):
        raise UserError(
            f"{what} has shape {images.shape}; allowed: (n, columns), (n, height, width) or "
            "(n, height, width, channels); reshape it"
        )
    if images.size == 0:
        raise UserError(f"{what} is empty: its shape is {images.shape}; at least one image is needed")
    images = images[..., np.newaxis] if images.ndim == 3 else images
    return np.ascontiguousarray(_values(images, what))


def _values(images: Array, what: str) -> Array:
    if images.dtype == np.bool_:
        return images.astype(np.uint8)
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise UserError(
            f"{what} is of type {images.dtype}; allowed: uint8 (0..255), bool, or float in [0, 1]; convert it"
        )
    low, high = float(images.min()), float(images.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UserError(f"{what} holds NaN or infinity; allowed: floats in [0, 1]; remove or repair those images")
    if low < 0 or high > 1:
        raise UserError(
            f"{what} ranges from {low:g} to {high:g}; allowed: floats in [0, 1], or uint8; scale them, "
            "or say --series if they are time series (n, time steps, channels)"
        )
    return images.astype(np.float32)


def _same_form(images: Mapping[str, Array], where: str) -> None:
    forms = {name: (part.shape[1:], str(part.dtype)) for name, part in images.items()}
    if len(set(forms.values())) > 1:
        told = ", ".join(f"x_{name} {shape} {dtype}" for name, (shape, dtype) in forms.items())
        raise UserError(f"images in {where} differ in shape or type: {told}; give all splits the same")


def _maximum(images: Mapping[str, Array]) -> float:
    if all(part.dtype == np.uint8 for part in images.values()):
        return 1.0 if max(int(part.max()) for part in images.values()) <= 1 else 255.0
    return 1.0


def _class_indices(
    labels: Mapping[str, Array | None], images: Mapping[str, Array], where: str
) -> tuple[dict[str, Array | None], tuple[str, ...] | None]:
    given = {name: values for name, values in labels.items() if values is not None}
    if not given:
        return dict.fromkeys(labels), None
    if len(given) < len(labels):
        missing = ", ".join(f"y_{name}" for name in labels if name not in given)
        raise UserError(f"{where} has labels for some splits but not {missing}; give all of them, or none")
    flat = {name: _labels(part, len(images[name]), f"y_{name} in {where}") for name, part in given.items()}
    if len({part.dtype.kind in "US" for part in flat.values()}) > 1:
        raise UserError(f"labels in {where} are strings in one split and integers in another; give all the same type")
    values = np.unique(np.concatenate(list(flat.values())))
    indices: dict[str, Array | None] = {
        name: np.searchsorted(values, part).astype(np.int64) for name, part in flat.items()
    }
    return indices, tuple(_text(value) for value in values)


def _labels(labels: Array, images: int, what: str) -> Array:
    if labels.dtype.kind not in "iubUS":
        raise UserError(f"{what} is of type {labels.dtype}; allowed: integers or strings, one per image; convert it")
    if labels.ndim == 2 and labels.shape[1] == 1:  # Keras's cifar10 layout
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise UserError(f"{what} has shape {labels.shape}; allowed: one label per image; for one-hot rows take argmax")
    if len(labels) != images:
        raise UserError(f"{what} has {len(labels)} labels for {images} images; give one label per image")
    return labels


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
