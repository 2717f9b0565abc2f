"""A model's card: Markdown under YAML front matter, as Hugging Face's hub reads it. Imports no Keras."""

from __future__ import annotations

import json
import shlex
from typing import Any

from aebench.analysis.configurations import Configuration
from aebench.analysis.numbers import column_decimals, mean_interval, number, unit
from aebench.export.selecting import Selected
from aebench.measures import METRICS
from aebench.page.table import MAIN
from aebench.records.record import RunRecord, items
from aebench.records.spec import RunSpec


def text(selected: Selected, model: str, numbers: str, picture: str | None, brought: list[str]) -> str:
    """The card of a run.

    Args:
        selected: the run.
        model, numbers, picture: names of the files beside it.
        brought: names of the study's own files beside it.
    """
    record, configuration = selected.record, selected.configuration
    title = f"{configuration.label}, latent size {configuration.latent_dim}, {configuration.dataset}"
    shown = f"![Test images, their reconstructions, samples from the prior]({picture})\n\n" if picture else ""
    return f"""\
---
{_front_matter(selected, title)}---

# {title}

{shown}{_about(selected)}

## Numbers

On the held-out test split, of this run (seed {record.spec.seed}) and over {configuration.summaries["recon_mse"].n} \
seeds with the 95 % t interval of the mean. `{numbers}` has all.

{_table(record, configuration)}
## Use

{_use(selected, model, brought)}
## Data

{_data(selected)}

## Training

{_training(record)}

Reproduce:

```sh
{_command(selected)}
```
"""


def _front_matter(selected: Selected, title: str) -> str:
    """Keys whose values are written as JSON, which is YAML too."""
    spec = selected.record.spec
    results = [
        {"type": name, "name": METRICS[name].label, "value": value}
        for name in MAIN
        if (value := selected.record.metrics.get(name)) is not None
    ]
    fields: dict[str, Any] = {
        "library_name": "keras",
        "tags": ["autoencoder", "representation-learning", spec.variant, "aebench"],
        "datasets": [spec.dataset],
        "model-index": [
            {
                "name": title,
                "results": [
                    {
                        "task": {"type": "representation-learning"},
                        "dataset": {"name": spec.dataset, "type": spec.dataset, "split": "test"},
                        "metrics": results,
                    }
                ],
            }
        ],
    }
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())


def _about(selected: Selected) -> str:
    spec = selected.record.spec
    declared = selected.source.study.declaration(spec.variant)
    settings = {**spec.scalars, **spec.options}
    told = [f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items()]
    variant = ", ".join([f"version {spec.variant_version}", *told])
    return (
        f"{declared.about}\n\nVariant `{spec.variant}` ({variant}), network `{spec.network}`, likelihood "
        f"`{spec.likelihood}`, {spec.latent_dim} latent dimensions."
    )


def _table(record: RunRecord, configuration: Configuration) -> str:
    lines = ["| metric | unit | this run | mean | 95 % interval |", "|---|---|---|---|---|"]
    for name in MAIN:
        summary = configuration.summaries[name]
        if summary.n:
            decimals = column_decimals([configuration], name)
            values = (number(record.metrics.get(name), decimals), number(summary.mean, decimals))
            cells = (METRICS[name].label, unit(name), *values, mean_interval(summary, decimals))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _use(selected: Selected, model: str, brought: list[str]) -> str:
    modules = [name.removesuffix(".py") for name in brought if name.endswith(".py")]
    own = "".join(f"import {module}  # the file beside this one\n" for module in modules)
    return f"""\
```python
import aebench.models
import keras
{own}
model = keras.saving.load_model("{model}")
codes = model.encode(images).mean  # {_taken(selected)}
pictures = model(images)
```
"""


def _taken(selected: Selected) -> str:
    """What the model takes."""
    known = selected.source.datasets.get(selected.record.spec.dataset_digest)
    if known is not None and known.columns:
        scaled = ", each less its `mean` and over its `scale` (`columns` in numbers.json)"
        shape = ", ".join(map(str, known.image_shape))
        return f"{items(known.image_shape)} (n, {shape}){scaled if known.values == 'real' else ''}"
    pixels = "0 or 1" if selected.record.spec.likelihood == "bernoulli" else "in [0, 1]"
    return f"images (n, height, width, channels), pixels {pixels}"


def _data(selected: Selected) -> str:
    spec = selected.record.spec
    known = selected.source.datasets.get(spec.dataset_digest)
    if known is None:
        return f"`{spec.dataset}`, content sha256 `{spec.dataset_digest}`."
    train, validation, test = known.sizes
    shape = "x".join(map(str, known.image_shape))
    return (
        f"`{spec.dataset}`: {train:,} training, {validation:,} validation and {test:,} test "
        f"{items(known.image_shape)} of {shape}. "
        f"{known.source} {known.split_rule} Content sha256 `{spec.dataset_digest}`."
    )


def _training(record: RunRecord) -> str:
    spec, place = record.spec, record.environment
    left = "" if spec.without_class is None else f" without class {spec.without_class}"
    versions = ", ".join(f"{name} {version}" for name, version in place.versions.items())
    return (
        f"{spec.epochs} epochs on {spec.train_on}{left}, batches of {spec.batch_size}, Adam at {spec.learning_rate:g} "
        f"({spec.schedule}), {spec.precision}, seed {spec.seed}. On {place.device} with Python {place.python}, "
        f"{versions}. Finished {record.finished}; run `{record.run_id}`."
    )


def _command(selected: Selected) -> str:
    spec, every = selected.record.spec, [flat(other) for other in selected.source.specs]
    telling = {
        name: value for name, value in flat(spec).items() if any(other.get(name, value) != value for other in every)
    }
    own = {"variant": spec.variant, **telling, **spec.scalars, **spec.options, "seed": spec.seed}
    only = " and ".join(f"{name} == {value!r}" for name, value in own.items())
    return f'aebench bench {shlex.quote(selected.source.argument)} --backend {spec.backend} --only "{only}"'


def flat(spec: RunSpec) -> dict[str, Any]:
    """A run's settings by the names that `--only` knows; its digest and constants of Adam are left out."""
    told = spec.model_dump(exclude={"adam", "annealing", "dataset_digest", "scalars", "options", "variant_version"})
    return {**told, **spec.rate_schedule, **spec.scalars, **spec.options}
