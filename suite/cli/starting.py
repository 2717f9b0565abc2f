"""`aebench init`: a commented study for a user's own data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aebench.cli import completing
from aebench.cli.datasets import (
    FactorsOption,
    GroupOption,
    IdOption,
    IgnoreOption,
    LabelOption,
    Reading,
    SeriesOption,
    SizeOption,
    TimeOption,
    ValuesOption,
)
from aebench.errors import UserError, unknown
from aebench.records.writing import write_aside

if TYPE_CHECKING:
    from aebench.data import Dataset


def init(
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE|DATASET",
            help="Your own data, as `aebench data import` takes them, imported under the file's name; or a data set "
            "that is known already.",
            autocompletion=completing.datasets,
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="STUDY.toml", help="Default: DATASET.toml, here.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call your data. Default: the file's name.")
    ] = None,
    label: LabelOption = None,
    factors: FactorsOption = None,
    ignore: IgnoreOption = None,
    values: ValuesOption = None,
    series: SeriesOption = False,
    id_: IdOption = None,
    time: TimeOption = None,
    group: GroupOption = None,
    size: SizeOption = None,
) -> None:
    """Look at data and write a study for them, with the reason for each choice; it runs as it is."""
    from aebench import data
    from aebench.study import proposal

    reading = Reading(
        label=label,
        factors=factors,
        ignore=ignore,
        values=values,
        series=series,
        id=id_,
        time=time,
        group=group,
        size=size,
    )
    known = target in data.known()
    chosen = target if known else name or _name(Path(target))
    written = output or Path(f"{chosen}.toml")
    _refuse(written)
    if known:
        if given := reading.given():
            raise UserError(f"{target} is a data set that is known already; {', '.join(given)} is for files")
        dataset = data.load(target)
    else:
        dataset = _imported(chosen, Path(target).expanduser(), reading)
    text = proposal.propose(dataset, str(written)).encode()
    write_aside(written, lambda file: file.write(text))
    typer.echo(f"{written}; train it with: aebench bench {written}")


def _imported(name: str, path: Path, reading: Reading) -> Dataset:
    from aebench import data

    if not path.exists():
        raise unknown("data set or file", str(path), data.known())
    dataset = reading.imported(name, path)
    typer.echo(f"{path} is imported as data set {dataset.name}. {dataset.source}")
    return dataset


def _name(path: Path) -> str:
    """A file's or folder's name as a data set may be called: `My Data.npz` as `my-data`."""
    return re.sub(r"[^a-z0-9_]+", "-", path.name.split(".")[0].lower()).strip("-_")


def _refuse(written: Path) -> None:
    """Raises UserError where no study can be written, before data are read for it."""
    if written.suffix != ".toml":
        raise UserError(f"{written}: a study's name must end in .toml")
    if written.exists():
        raise UserError(f"{written} is there already; give another name with -o, or remove it")
