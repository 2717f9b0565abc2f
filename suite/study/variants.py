"""What variant files declare, read from their source without importing Keras, and the classes when they are needed.

A variant file holds a class decorated with `@register("name", version=N)`. Its `__init__`'s keyword-only arguments
annotated `float` are scalar hyper-parameters; those annotated `int` or `str` are options.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aebench.errors import unknown
from aebench.study import declarations


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A variant as its file declares it: its settings with their defaults, and one line about it."""

    name: str
    version: int
    path: Path
    scalars: dict[str, float]
    options: dict[str, int | str]
    about: str


@cache
def built_in() -> dict[str, Declaration]:
    """The variants of `aebench.models`, by name."""
    found = [variant for path in sorted(declarations.models().glob("*.py")) for variant in in_file(path)]
    return {variant.name: variant for variant in found}


def find(name: str, file: Path | None = None) -> Declaration:
    """The variant `name`, from a user's own `file` or from `aebench.models`.

    Raises:
        UserError: no such variant or file, or a file that isn't Python.
    """
    known = {variant.name: variant for variant in in_file(file)} if file else built_in()
    if name not in known:
        raise unknown("variant", name, known)
    return known[name]


def load(variant: Declaration) -> Any:
    """The variant's class, a subclass of `aebench.models.Autoencoder`. Imports Keras."""
    module = declarations.module(variant.path)
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
