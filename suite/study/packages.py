"""Modules of installed packages that name themselves in an entry point group, found without importing them.

    [project.entry-points."aebench.variants"]
    mine = "my_package.my_variants"

A module's file is where its package would be imported from; the package itself may import Keras.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from aebench.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Named:
    """A module that a package names.

    Attributes:
        module: as Python imports it.
        path: its file.
        package: the distribution that it comes with, and its version.
    """

    module: str
    path: Path
    package: str


@cache
def named(group: str) -> tuple[Named, ...]:
    """The modules in this entry point group, each once, in the order of their packages' names.

    Raises:
        UserError: a package names a module that isn't there, or is no Python file.
    """
    found = {(point.module, _package(point)): point for point in entry_points(group=group)}
    return tuple(
        Named(module=module, path=_file(point, group), package=package)
        for (module, package), point in sorted(found.items(), key=lambda item: (item[0][1], item[0][0]))
    )


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unnamed package"


def _file(point: EntryPoint, group: str) -> Path:
    spec = _spec(point.module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise UserError(
            f"package {_package(point)} names {point.module!r} in its entry point {group}:{point.name}, and there is "
            "no such Python module; reinstall or uninstall it"
        )
    return Path(spec.origin).resolve()


def _spec(module: str) -> ModuleSpec | None:
    """Where a module is; `find_spec` alone would import the packages that it is in, and these perhaps Keras."""
    first, *rest = module.split(".")
    spec = importlib.util.find_spec(first)
    for part in rest:
        if spec is None:
            return None
        spec = PathFinder.find_spec(f"{spec.name}.{part}", spec.submodule_search_locations)
    return spec
