"""`aebench list ...`: what the suite knows, as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from rich.console import Console
from rich.table import Table

from aebench import backends, data, study
from aebench.measures import METRICS, PROFILES
from aebench.study import networks, variants

Kind = Literal["variants", "networks", "studies", "datasets", "metrics"]


def show(kind: Kind, console: Console) -> None:
    """Prints the table of everything of this kind."""
    console.print(_TABLES[kind]())


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _variants() -> Table:
    table = _table("variant", "version", "from", "settings (defaults)", "about")
    for item in variants.known().values():
        settings = ", ".join(f"{name}={value}" for name, value in {**item.scalars, **item.options}.items())
        table.add_row(item.name, str(item.version), item.package, settings, item.about)
    return table


def _networks() -> Table:
    table = _table("network", "about")
    for item in networks.built_in().values():
        table.add_row(item.name, item.about)
    return table


def _studies() -> Table:
    table = _table("study", "runs", "data", "about")
    for name in study.names():
        read = study.read(name)
        runs = read.expand(dict.fromkeys(read.datasets, ""), backends.NAMES[0])
        table.add_row(name, str(len(runs)), ", ".join(read.datasets), read.about)
    return table


def _datasets() -> Table:
    table = _table("data set", "state", "train/validation/test", "image", "classes", "factors", "content", "source")
    for item in data.status():
        sizes = "/".join(map(str, item.sizes)) if item.sizes else ""
        shape = "x".join(map(str, item.image_shape)) if item.image_shape else ""
        classes = {None: "", 0: "no labels"}.get(item.classes, str(item.classes))
        checked = "checked" if item.content_checked else "not checked"
        factors = ", ".join(map(str, item.factors or ()))
        table.add_row(item.name, item.state, sizes, shape, classes, factors, checked, item.source)
    return table


def _metrics() -> Table:
    table = _table("column", "metric", "unit", "better", "about")
    for name, metric in {**METRICS, **PROFILES}.items():
        unit = f"{metric.unit}, one a {metric.per}" if metric.per else metric.unit
        table.add_row(name, metric.label, unit, metric.better or "", metric.about)
    return table


_TABLES: dict[Kind, Callable[[], Table]] = {
    "variants": _variants,
    "networks": _networks,
    "studies": _studies,
    "datasets": _datasets,
    "metrics": _metrics,
}
