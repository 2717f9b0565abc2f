"""What TensorBoard shows of finished runs, written after them: curves, settings, images, codes. Imports no framework.

Written by tensorboardX, which needs neither TensorFlow nor PyTorch.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aebench.analysis.sources import Source
from aebench.errors import UserError
from aebench.export.card import flat
from aebench.export.curves import curves
from aebench.export.folders import refuse_filled
from aebench.measures import METRICS
from aebench.page import heat, panels
from aebench.page.kinds import items_of
from aebench.page.table import MAIN
from aebench.records.kept import Figures, Kept
from aebench.records.record import RunRecord

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

SHOWN = (
    Figures.ORIGINALS, Figures.RECONSTRUCTIONS, Figures.PRIOR_SAMPLES, Figures.INTERPOLATIONS, Figures.CENTROIDS,
    Figures.TRAVERSALS, Figures.MANIFOLD,
)  # fmt: skip


def write(source: Source, folder: Path) -> list[Path]:
    """Writes every finished run into a folder of its own; returns the folders.

    Args:
        source: the study's finished runs.
        folder: for `tensorboard --logdir`; absent or empty, as two exports of a run would be shown as one.

    Raises:
        UserError: tensorboardX is not installed, or the folder is not empty or cannot be written.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise UserError("tensorboardX is not installed; run: pip install 'aebench[tensorboard]'") from None
    refuse_filled(folder)
    written = []
    try:
        for record in source.records.values():
            with SummaryWriter(str(folder / record.run_id)) as writer:
                _run(writer, source, record)
            written.append(folder / record.run_id)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from None
    return written


def _run(writer: SummaryWriter, source: Source, record: RunRecord) -> None:
    for tag, curve in curves(record.curve):
        for epoch, at_its_end in enumerate(curve, 1):
            writer.add_scalar(tag, at_its_end, epoch)
    numbers = {name: value for name in METRICS if (value := record.metrics.get(name)) is not None}
    for name, number in numbers.items():
        writer.add_scalar(f"test/{name}", number, record.spec.epochs)
    _settings(writer, record, {f"test/{name}": numbers[name] for name in MAIN if name in numbers})
    kept = source.store.read_arrays(record.run_id, Kept.FIGURES)
    if kept is not None:
        _images(writer, kept, record.spec.epochs)
        _codes(writer, kept, record.spec.epochs)


def _settings(writer: SummaryWriter, record: RunRecord, numbers: dict[str, float]) -> None:
    """What HParams shows, as a session of the run's own folder."""
    from tensorboardX.summary import hparams

    for part in hparams(flat(record.spec), numbers):
        writer.file_writer.add_summary(part)


def _images(writer: SummaryWriter, kept: dict[str, np.ndarray], step: int) -> None:
    for name in SHOWN:
        if name in kept and kept[name].size:
            images = _items(kept, name)
            writer.add_images(f"pictures/{name}", _shown(images), step, dataformats="NHWC")


def _items(kept: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Pictures one by one, `(n, height, width, channels)`; of series a panel each, of vectors a heat map."""
    match items_of(kept):
        case "series":
            return panels.panels(kept[name].reshape(-1, *kept[name].shape[-2:]), kept)
        case "rows":
            return heat.maps(kept[name].reshape(-1, 1, kept[name].shape[-1]), kept)
    return kept[name].reshape(-1, *kept[name].shape[-3:])


def _shown(images: np.ndarray) -> np.ndarray:
    """`(n, height, width, channels)` uint8 with one channel or three."""
    channels = images.shape[-1]
    return images[..., :3] if channels >= 3 else images[..., :1]


def _codes(writer: SummaryWriter, kept: dict[str, np.ndarray], step: int) -> None:
    """Embedded test images' codes, labels and pictures, which the projector shows; it takes square pictures alone."""
    if Figures.EMBEDDING_CODES not in kept:
        return
    images, labels = kept.get(Figures.EMBEDDING_IMAGES), kept.get(Figures.EMBEDDING_LABELS)
    square = images is not None and images.ndim == 4 and images.shape[1] == images.shape[2]
    with np.errstate(invalid="ignore", over="ignore"):  # tensorboardX fills a sprite up with what is in memory
        writer.add_embedding(
            kept[Figures.EMBEDDING_CODES].astype("float32"),
            metadata=None if labels is None else [str(kept[Figures.CLASS_NAMES][label]) for label in labels],
            label_img=_shown(images).transpose(0, 3, 1, 2) / 255.0 if images is not None and square else None,
            global_step=step,
            tag="codes",
        )
