"""A run as files: a model that Keras loads, its numbers, a card as Hugging Face reads them, and a picture."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aebench.analysis.numbers import t_interval
from aebench.errors import UserError
from aebench.export import card
from aebench.export.folders import refuse_filled
from aebench.export.selecting import Selected
from aebench.measures import METRICS
from aebench.page import heat, panels
from aebench.page.kinds import items_of
from aebench.page.sheets import sheet
from aebench.records.kept import Figures, Kept
from aebench.records.record import RunRecord
from aebench.records.store import Store
from aebench.records.writing import write_aside
from aebench.study import STUDIES

MODEL = "model.keras"
NUMBERS = "numbers.json"
CARD = "README.md"
PICTURE = "pictures.png"
ACROSS = 10  # images in a row of the picture


def export(selected: Selected, folder: Path) -> list[Path]:
    """Writes a run's files into a folder; returns their paths.

    Raises:
        UserError: the folder holds something already, its weights were not kept, its data are not to be had, or it
            cannot be written.
    """
    refuse_filled(folder)
    brought = [*_brought(selected)]
    of_all = (selected.record, *selected.configuration.usable)  # pictures are kept of a configuration's first seed
    drawn = picture(selected.source.store, of_all, folder / PICTURE)
    write_aside(folder / NUMBERS, lambda file: file.write(json.dumps(numbers(selected), indent=1).encode()))
    for path in brought:
        _copy(path, folder / path.name)
    text = card.text(selected, MODEL, NUMBERS, PICTURE if drawn else None, [path.name for path in brought])
    _save_model(selected, folder / MODEL)
    write_aside(folder / CARD, lambda file: file.write(text.encode()))
    return sorted(folder.iterdir())


def numbers(selected: Selected) -> dict[str, Any]:
    """All that is known of the run in numbers, and of each metric mean, sd and 95 % t interval over seeds."""
    record, over_seeds = selected.record, {}
    known = selected.source.datasets.get(record.spec.dataset_digest)
    for name, summary in selected.configuration.summaries.items():
        if summary.n:
            low, high = t_interval(summary) or (None, None)
            over_seeds[name] = {"mean": summary.mean, "sd": summary.sd, "n": summary.n, "low": low, "high": high}
    return {
        "run_id": record.run_id,
        "configuration": selected.configuration.id,
        "spec": record.spec.model_dump(mode="json"),
        "metrics": record.metrics,
        "profiles": record.profiles,
        "over_seeds": over_seeds,
        "units": {name: METRICS[name].unit for name in over_seeds},
        "columns": [] if known is None else [column.model_dump() for column in known.columns],
        "environment": record.environment.model_dump(mode="json"),
        "finished": record.finished,
    }


def _brought(selected: Selected) -> Iterator[Path]:
    """The study's own files that the run comes from: its TOML, its variant's and its network's."""
    study, spec = selected.source.study, selected.record.spec
    if study.source.parent != STUDIES:
        yield study.source
    declared = study.declaration(spec.variant)
    if not declared.package:
        yield declared.path
    if spec.network in study.networks:
        yield from study.networks[spec.network].files


def _copy(path: Path, to: Path) -> None:
    with path.open("rb") as source:
        write_aside(to, lambda file: shutil.copyfileobj(source, file))


def _save_model(selected: Selected, path: Path) -> None:
    """The run's model with the weights that were kept, written as Keras does and then renamed."""
    made = model(selected)
    with tempfile.TemporaryDirectory() as aside:
        made.save(Path(aside) / MODEL)
        _copy(Path(aside) / MODEL, path)


def model(selected: Selected) -> Any:
    """The run's Keras model with the weights that were kept. Imports Keras on the run's backend.

    Raises:
        UserError: its weights were not kept, or its data, from which it takes its shapes, are not to be had.
    """
    from aebench import backends, data
    from aebench.backends.weights import set_weights

    spec, source = selected.record.spec, selected.source
    weights = source.store.read_arrays(spec.run_id, Kept.WEIGHTS)
    if weights is None:
        raise UserError(f"the weights of run {spec.run_id} are not in {source.store.root}; train it anew elsewhere")
    backends.choose(spec.backend)
    from aebench.harness.cohort import Cohort

    cohort = Cohort(
        specs=(spec,),
        planned=(spec,),
        variant=source.study.declaration(spec.variant),
        dataset=data.load(spec.dataset),
        store=source.store,
        pictured=frozenset(),
        network=source.study.networks.get(spec.network),
    )
    made = cohort.make_model(spec)
    set_weights(made, weights)
    return made


def picture(store: Store, records: Sequence[RunRecord], path: Path) -> Path | None:
    """Writes test images, their reconstructions and samples from the prior, of the first run that kept its pictures."""
    for record in records:
        kept = store.read_arrays(record.run_id, Kept.FIGURES)
        if kept is not None and Figures.COLUMN_NAMES in kept:
            draw = panels.reconstructions if items_of(kept) == "series" else heat.reconstructions
            return draw(kept).save(path)
        if kept is not None:
            names = (Figures.ORIGINALS, Figures.RECONSTRUCTIONS, Figures.PRIOR_SAMPLES)
            rows = [kept[name][:ACROSS] for name in names if name in kept]
            return sheet(rows).save(path) if rows else None
    return None
