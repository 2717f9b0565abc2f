"""Writes docs/reference/ from the code: measures, data sets, studies and commands. Imports no Keras.

Sphinx calls it before it reads the pages (`conf.py`), so that they are always those of the code; git ignores them.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from write_variants import cell, prose, table

from aebench import study
from aebench.backends import NAMES
from aebench.data.known import KNOWN, KnownDataset
from aebench.measures import FAMILIES, GROUPS, Family, Metric, validity
from aebench.study import networks

FOLDER = Path(__file__).resolve().parent / "reference"


def pages() -> dict[str, str]:
    """The text of each file in docs/reference/, by its name."""
    return {
        "measures.md": _measures(),
        **{f"measures-{family.name}.md": _family(family) for family in _declaring()},
        "data.md": _data(),
        **{f"data-{name}.md": _dataset(name, known) for name, known in KNOWN.items()},
        "studies.md": _studies(),
        "networks.md": _networks(),
        "commands.md": _commands(),
    }


def _declaring() -> list[Family]:
    """The families that have numbers: pictures have none."""
    return [family for family in FAMILIES if family.metrics or family.profiles]


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", *(part for part in parts if part)]) + "\n"


def _toctree(names: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", "", *names, "```"])


# Measures


def _measures() -> str:
    families = _declaring()
    groups = [
        (heading, rows)
        for group, heading in GROUPS.items()
        if (rows := [_family_row(family) for family in families if family.group == group])
    ]
    return _page(
        "Measures",
        "Each family is measured together, in the same way for every variant, on the held-out test split. "
        "`aebench list metrics` prints all of them; [how to read a report](../report.md) says what the marks mean.",
        *(
            f"## {heading}\n\n{table(['family', 'what it is', 'numbers', 'needs', 'checks passed'], rows)}"
            for heading, rows in groups
        ),
        _toctree([f"measures-{family.name}" for family in families]),
    )


def _family_row(family: Family) -> list[str]:
    names = [*family.metrics, *family.profiles]
    checks = {one for name in names for one in validity.of_metric(name)}
    passed = f"{sum(one.passed for one in checks)} of {len(checks)}" if checks else ""
    about, _, _ = _about(family).partition("\n")
    return [f"[{_title(family)}](measures-{family.name}.md)", cell(about), str(len(names)), _needs(family), passed]


def _title(family: Family) -> str:
    return family.name.replace("_", " ").capitalize()


def _about(family: Family) -> str:
    """What the file says of itself in which the family is."""
    module = inspect.getmodule(family.measure) if family.measure else None
    return (inspect.getdoc(module) or "").removesuffix(" Imports no Keras.") if module else ""


def _needs(family: Family) -> str:
    """What data must have, from every attribute that is called so."""
    asked = [one.name for one in fields(family) if one.name.startswith("needs_") and getattr(family, one.name)]
    return " and ".join(name.removeprefix("needs_").replace("factors", "known factors") for name in asked)


def _family(family: Family) -> str:
    needs, when = _needs(family), "at the end of training, and at milestones on the way" * family.at_milestones
    facts = [
        f"Under the heading “{GROUPS[family.group]}”",
        f"needs {needs}" if needs else "needs no more than the data",
        f"measured {when or 'at the end of training'}",
    ]
    numbers = {**family.metrics, **family.profiles}
    return _page(
        _title(family),
        prose(_about(family)),
        "; ".join(facts) + ".",
        *(_metric(name, metric) for name, metric in numbers.items()),
        _checks([*numbers]),
    )


def _metric(name: str, metric: Metric) -> str:
    arrow = {"higher": " ↑", "lower": " ↓", None: ""}[metric.better]
    facts = [
        f"Unit: {metric.unit or 'none'}" + f", one a {metric.per}" * bool(metric.per),
        f"{metric.better} is better" if metric.better else "neither direction is better",
        f"version {metric.version}",
    ]
    if metric.margin is not None:
        facts.append(f"differences within ± {metric.margin:g} make none in practice")
    if metric.kept or metric.of_images:
        facts.append("kept of each test image: intervals cover the choice of images too")
    if metric.certified_by:
        by, most = metric.certified_by
        facts.append(f"a bound, marked ≤, where `{by}` is above {most:g}")
    about = prose(metric.about[:1].upper() + metric.about[1:])
    return f"## {prose(metric.label)}{arrow}\n\n`{name}`\n\n{about}.\n\n" + "; ".join(map(prose, facts)) + "."


def _checks(names: list[str]) -> str:
    """What these measures made of data whose right answer is known."""
    found = {name: own for name in names if (own := validity.of_metric(name))}
    if not found:
        return ""
    rows = [
        [f"`{name}`", cell(one.case), cell(one.ought), f"{one.value:.3g}", "passed" if one.passed else "**failed**"]
        for name, own in _once(found)
        for one in own
    ]
    return (
        "## Checks on data whose right answer is known\n\nAs `aebench validate` runs them; where one fails, the number "
        "does not say what its name promises on such data.\n\n"
        + table(["measure", "data", "ought to be", "was", ""], rows)
    )


def _once(found: dict[str, tuple[validity.Check, ...]]) -> Iterator[tuple[str, tuple[validity.Check, ...]]]:
    """Each lot of checks once: those of a precision are the same, whosever samples it is of."""
    for own in dict.fromkeys(found.values()):
        yield own[0].measure, own


# Data sets


def _data() -> str:
    rows = [
        [
            f"[{name}](data-{name}.md)",
            _shape(known),
            "/".join(f"{size:,}" for size in known.sizes),
            str(len(known.class_names or ())) if known.class_names else "n/a",
            ", ".join(cell(factor.name) for factor in known.factors),
            "made here" if known.make else "tensorflow-datasets, or your files",
        ]
        for name, known in KNOWN.items()
    ]
    return _page(
        "Data sets",
        "What the suite knows by name. [Data](../data.md) says how each is had, and how your own are taken in.",
        table(["data set", "image", "train/validation/test", "classes", "known factors", "comes from"], rows),
        _toctree([f"data-{name}" for name in KNOWN]),
    )


def _shape(known: KnownDataset) -> str:
    return "×".join(map(str, known.image_shape))


def _dataset(name: str, known: KnownDataset) -> str:
    train, validation, test = known.sizes
    facts = [
        ["Images", f"{_shape(known)} (height × width × channels)" if len(known.image_shape) == 3 else ""],
        ["Series", f"{_shape(known)} (time steps × channels)" if len(known.image_shape) == 2 else ""],
        ["Vectors", f"{_shape(known)} numbers each" if len(known.image_shape) == 1 else ""],
        ["As published", ", ".join(f"{count:,} {split}" for split, count in known.published_sizes.items())],
        ["As cut here", f"{train:,} train, {validation:,} validation, {test:,} test, always the same"],
        ["Classes", prose(", ".join(known.class_names)) if known.class_names else "none: measures of classes say n/a"],
        ["Content", "checked against known sums" if known.checksums else "not checked against known sums"],
        ["Made from", f"[{known.base}](data-{known.base}.md)" if known.base else ""],
        ["In tensorflow-datasets", f"`{known.tfds}`" if known.tfds else ""],
        ["`aebench data import` takes", prose(known.files)],
    ]
    factors = [
        [cell(one.name), one.kind, cell(one.unit), "continuous" if one.levels is None else str(one.levels)]
        for one in known.factors
    ]
    return _page(
        name,
        prose(known.source),
        "\n".join(f"- {what}: {value}" for what, value in facts if value),
        f"## Known factors\n\n{table(['factor', 'kind', 'unit', 'values'], factors)}" if factors else "",
    )


# Studies, networks, commands


def _studies() -> str:
    parts = []
    for name in study.names():
        read = study.read(name)
        runs = len(read.expand(dict.fromkeys(read.datasets, ""), NAMES[0]))
        told = f"`aebench bench {name}`: {runs} runs, on {', '.join(read.datasets)}."
        parts.append(f"## {name}\n\n**{prose(read.title)}**\n\n{prose(read.about)}\n\n{told}")
    return _page(
        "Studies",
        "Those that come with the suite, each a file in `study/studies/`. [Your own study](../study.md) is one more.",
        *parts,
    )


def _networks() -> str:
    rows = [[f"`{one.name}`", cell(one.about)] for one in networks.built_in().values()]
    return _page(
        "Networks",
        "An encoder and a decoder that every variant may be given. [Your own network](../models.md#your-own-network) "
        "is a function or two Keras models.",
        table(["network", "what it is"], rows),
    )


def _commands() -> str:
    """As typer tells of them."""
    command = [sys.executable, "-m", "typer", "aebench.cli.app", "utils", "docs", "--name", "aebench"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    return told.replace("# `aebench`\n", "# Commands\n\n`python -m aebench` is the same as `aebench`.\n", 1)


def main() -> None:
    """Writes the pages that have changed, and removes those of what is gone."""
    FOLDER.mkdir(exist_ok=True)
    written = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
