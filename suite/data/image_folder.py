"""A folder of image files: its subfolders are classes, or train, validation and test with classes inside."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from aebench.data.arrays import RawSplit
from aebench.data.decoding import ENDINGS, Decoded, File, Size, decode
from aebench.errors import UserError

SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


def holds_images(path: Path) -> bool:
    """Whether a folder, or any inside it that is not hidden, has a file that is called as an image is."""
    for _, inner, names in os.walk(path):
        inner[:] = [name for name in inner if not name.startswith(".")]
        if any(_is_image(name) for name in names if not name.startswith(".")):
            return True
    return False


def read(path: Path, size: Size | None) -> tuple[dict[str, RawSplit], str]:
    """The images of a folder, labelled by the subfolders that they lie in, in the order of their paths.

    Args:
        path: the folder.
        size: see `decoding.decode`.

    Returns:
        Images and labels by split, and a sentence on what was found.

    Raises:
        UserError: links lead out of the folder, some images lie in no class, or as `decoding.decode`.
    """
    found, others = _found(path)
    parts: dict[str, list[tuple[tuple[str, ...], Path]]] = {}
    for split, place, file in found:
        parts.setdefault(split, []).append((place, file))
    if "train" not in parts:
        raise UserError(f"{path} has images for {', '.join(parts)} and none in train; add a folder train")
    labels = _labels(parts, path)
    decoded = decode({split: [_file(file) for _, file in part] for split, part in parts.items()}, size, str(path))
    note = _note([file for _, _, file in found], others, labels, decoded)
    return {split: (images, labels.get(split)) for split, images in decoded.images.items()}, note


def _found(path: Path) -> tuple[list[tuple[str, tuple[str, ...], Path]], int]:
    """Split, folders below it and path of each image, sorted; and how many files are none."""
    has_splits = any(SPLITS.get(item.name.lower()) == "train" for item in path.iterdir() if item.is_dir())
    found, others = [], 0
    for folder, inner, names in os.walk(path):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in [*inner, *filter(_is_image, names)]:
            _refuse_link(Path(folder, name), path)
        for name in sorted(name for name in names if not name.startswith(".")):
            place, split = Path(folder).relative_to(path).parts, "train"
            if not (_is_image(name) and Path(folder, name).is_file()):
                others += 1
                continue
            if has_splits:
                if not place or place[0].lower() not in SPLITS:
                    raise UserError(
                        f"{Path(folder, name)} lies in no split: beside a folder train, all others must be validation "
                        "or test; move it"
                    )
                place, split = place[1:], SPLITS[place[0].lower()]
            found.append((split, place, Path(folder, name)))
    return found, others


def _is_image(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(ENDINGS)


def _refuse_link(item: Path, root: Path) -> None:
    if item.is_symlink() and (item.is_dir() or not item.resolve().is_relative_to(root.resolve())):
        raise UserError(f"{item} is a link that leads out of the folder, or to one; put the images themselves there")


def _file(path: Path) -> File:
    return File(name=str(path), content=path)


def _labels(parts: dict[str, list[tuple[tuple[str, ...], Path]]], path: Path) -> dict[str, np.ndarray]:
    """The class of each image by split; nothing where all lie in one folder."""
    classes = {split: [place[0] if place else "" for place, _ in part] for split, part in parts.items()}
    known = {name for names in classes.values() for name in names}
    if len(known) < 2:
        return {}
    if "" in known:
        split, at = next((split, names.index("")) for split, names in classes.items() if "" in names)
        raise UserError(f"{parts[split][at][1]} lies beside folders of classes, and in none; move it into one")
    if strange := sorted(known - set(classes["train"])):
        raise UserError(f"{path} has no training images of class {', '.join(map(repr, strange))}; add some to train")
    return {split: np.array(names) for split, names in classes.items()}


def _note(found: list[Path], others: int, labels: dict[str, np.ndarray], decoded: Decoded) -> str:
    kinds = Counter(path.suffix.lower().lstrip(".") for path in found)
    files = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
    classes = f"classes from {len(np.unique(labels['train']))} folders" if labels else "one folder, so no classes"
    rest = [f"other files left out ({others})"] if others else []
    return "; ".join([f"{files} files", classes, *decoded.notes, *rest])
