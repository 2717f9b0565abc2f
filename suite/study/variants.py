"""What variant files declare, read from their source without importing Keras, and the classes when they are needed.

A variant file holds a class decorated with `@register("name", version=N)`. Its `__init__`'s keyword-only arguments
annotated `float` are scalar hyper-parameters; those annotated `int` or `str` are options.

Studies find by name the variants of `aebench.models` and those of installed packages that name a module in the entry
point group `aebench.variants`.
"""

from __future__ import annotations

import ast
import importlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from aebench.errors import UserError, unknown
from aebench.study import declarations, packages, references
from aebench.study.references import Paper

ENTRY_POINTS = "aebench.variants"


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A variant as its file declares it: its settings with their defaults, and one line about it.

    Attributes:
        papers: those that its docstring names.
        package: what it comes with, a distribution and its version or aebench itself; empty for a user's own file.
        module: as which it is imported, if it comes with a package.
    """

    name: str
    version: int
    path: Path
    scalars: dict[str, float]
    options: dict[str, int | str]
    about: str
    papers: tuple[Paper, ...] = ()
    package: str = ""
    module: str = ""


@cache
def built_in() -> dict[str, Declaration]:
    """The variants of `aebench.models`, by name."""
    found = [variant for path in sorted(declarations.models().glob("*.py")) for variant in in_file(path)]
    return {variant.name: replace(variant, package="aebench") for variant in found}


@cache
def known() -> dict[str, Declaration]:
    """The variants that studies find by name: those of `aebench.models`, then those of installed packages.

    Raises:
        UserError: two packages have variants of one name, or one names a module that isn't there.
    """
    found = {**built_in()}
    for named in packages.named(ENTRY_POINTS):
        for variant in in_file(named.path):
            other = found.setdefault(variant.name, replace(variant, package=named.package, module=named.module))
            if other.path != variant.path:
                raise UserError(
                    f"two packages have a variant {variant.name!r}: {other.package} ({other.path}) and {named.package} "
                    f"({variant.path}); uninstall one, or rename its variant"
                )
    return found


def find(name: str, file: Path | None = None) -> Declaration:
    """The variant `name`, from a user's own `file` or among those that are known by name.

    Raises:
        UserError: no such variant or file, a file that isn't Python, or see `known`.
    """
    among = {variant.name: variant for variant in in_file(file)} if file else known()
    if name not in among:
        own = "" if file else 'one of your own needs a file: file = "FILE.py" beside its name'
        raise unknown("variant", name, among, own)
    return among[name]


def load(variant: Declaration) -> Any:
    """The variant's class, a subclass of `aebench.models.Autoencoder`. Imports Keras."""
    declarations.code(variant.path)  # remembered as it is imported: it may be edited while it trains
    module = importlib.import_module(variant.module) if variant.module else declarations.module(variant.path)
    found = [value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]
    return next(value for value in found if getattr(value, "variant_name", None) == variant.name)


def in_file(path: Path) -> list[Declaration]:
    """Every variant that a file registers.

    Raises:
        UserError: see `declarations.declared`.
    """
    return [_declaration(item) for item in declarations.declared(path, "register")]


def _declaration(item: declarations.Declared) -> Declaration:
    settings = _settings(item.node)
    return Declaration(
        name=item.name,
        version=item.version,
        path=item.path,
        scalars={key: value for key, value in settings.items() if isinstance(value, float)},
        options={key: value for key, value in settings.items() if not isinstance(value, float)},
        about=item.about,
        papers=references.papers(ast.get_docstring(item.node) or ""),
    )


def _settings(node: ast.ClassDef | ast.FunctionDef) -> dict[str, Any]:
    init = next((item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"), None)
    if init is None:
        return {}
    types = {"float": float, "int": int, "str": str}
    pairs = zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
    return {
        argument.arg: types[ast.unparse(argument.annotation)](ast.literal_eval(default))
        for argument, default in pairs
        if argument.annotation is not None and default is not None and ast.unparse(argument.annotation) in types
    }
