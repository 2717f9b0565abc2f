"""`aebench data`: importing data sets and saying which are there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aebench.errors import UserError

if TYPE_CHECKING:
    from aebench.data import Dataset

app = typer.Typer(no_args_is_help=True, help="Data sets: import your own or see what is there.")

# How a file of one's own is to be read.
LabelOption = Annotated[
    str | None, typer.Option(help="Column of a table, or of a Hugging Face data set, that holds the classes.")
]
FactorsOption = Annotated[
    list[str] | None, typer.Option(metavar="A,B", help="Columns that are known and not shown to models.")
]
IgnoreOption = Annotated[list[str] | None, typer.Option(metavar="A,B", help="Columns to leave out.")]
ValuesOption = Annotated[
    Literal["real", "unit", "counts"] | None,
    typer.Option(help="What vectors and series hold: real (standardised; the default), unit (0 to 1) or counts."),
]
SeriesOption = Annotated[
    bool, typer.Option("--series", help="Items are time series: (n, time steps) or (n, time steps, channels).")
]
IdOption = Annotated[
    str | None, typer.Option("--id", help="Column of a table of time steps that says which series a row is of.")
]
TimeOption = Annotated[str | None, typer.Option(help="Column of such a table that holds the time, a number or date.")]
GroupOption = Annotated[
    str | None, typer.Option(help="Column of what must stay in one split, as a person or a recording.")
]
SizeOption = Annotated[
    str | None,
    typer.Option(metavar="HEIGHT[xWIDTH]", help="Scale image files to this size; needed where they differ in it."),
]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the options above say, by their names; what is not given is empty."""

    label: str | None = None
    factors: Sequence[str] | None = None
    ignore: Sequence[str] | None = None
    values: Literal["real", "unit", "counts"] | None = None
    series: bool = False
    id: str | None = None
    time: str | None = None
    group: str | None = None
    size: str | None = None

    def given(self) -> list[str]:
        """The options that were given, as they are typed."""
        return [f"--{name}" for name, value in asdict(self).items() if value]

    def imported(self, name: str, path: Path) -> Dataset:
        """The data set that `path` holds, kept under `name`."""
        from aebench import data

        roles = data.Roles(
            label=self.label,
            factors=_names(self.factors),
            ignore=_names(self.ignore),
            id=self.id,
            time=self.time,
            group=self.group,
        )
        return data.import_dataset(name, path, roles, self.values, series=self.series, size=height_and_width(self.size))


@app.command("import")
def import_(
    name: str,
    path: Path,
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
    """Import NAME from PATH: images, time series or vectors, from a folder, an npz, npy, CSV or parquet file.

    A folder holds image files (PNG, JPEG ...), its subfolders being classes, or train, validation and test with classes
    inside; or what Hugging Face's datasets left on disk (arrow, parquet); or idx.gz files.
    An npz has x_train and, if there are, y_train, the same of _validation and _test, groups_train, factors_train and
    the same of those splits, factor_names and column_names. Images are (n, height, width) or (n, height, width,
    channels), vectors (n, columns).
    A table is rows of numbers under names, or with --id and --time the time steps of series. Without a test split, one
    is drawn.
    """
    from aebench.records.record import VALUES, items

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
    dataset = reading.imported(name, path)
    sizes = ", ".join(f"{len(getattr(dataset, split))} {split}" for split in ("train", "validation", "test"))
    shape = "x".join(map(str, dataset.image_shape))
    what = f"{items(dataset.image_shape)} of {shape}" + (f" {VALUES[dataset.values]}" if dataset.columns else "")
    typer.echo(f"{dataset.name}: {sizes} {what}; {dataset.split_rule}")
    typer.echo(dataset.source)


def height_and_width(size: str | None) -> tuple[int, int] | None:
    """What `--size` says.

    Raises:
        UserError: it is neither a side nor two.
    """
    if size is None:
        return None
    sides = re.fullmatch(r"([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?", size)
    if sides is None:
        raise UserError(f"--size {size!r} is no size in pixels; give a side, as 32, or HEIGHTxWIDTH, as 32x48")
    return int(sides[1]), int(sides[2] or sides[1])


def _names(texts: Sequence[str] | None) -> tuple[str, ...]:
    """The names in some lists, as of an option that was given more than once."""
    return tuple(name for text in texts or () for part in text.split(",") if (name := part.strip()))


@app.command()
def status() -> None:
    """Say which data sets are cached, and how the others can be had."""
    from aebench.cli import listing
    from aebench.cli.progress import console

    listing.show("datasets", console())
