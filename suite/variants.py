"""What variant files declare, read from their source without importing Keras, and the classes when they are needed.

A variant file holds a class decorated with `@register("name", version=N)`. Its `__init__`'s keyword-only arguments
annotated `float` are scalar hyper-parameters; those annotated `int` or `str` are options.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from suite.errors import UserError, unknown

_BUILT_IN = Path(__file__).resolve().parent.parent / "models"


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
    """The variants of the `models` package, by name."""
    found = [variant for path in sorted(_BUILT_IN.glob("*.py")) for variant in declarations(path)]
    return {variant.name: variant for variant in found}


def find(name: str, file: Path | None = None) -> Declaration:
    """The variant `name`, from a user's own `file` or from the `models` package.

    Raises:
        UserError: no such variant or file, or a file that isn't Python.
    """
    known = {variant.name: variant for variant in declarations(file)} if file else built_in()
    if name not in known:
        raise unknown("variant", name, known)
    return known[name]


def load(variant: Declaration) -> Any:
    """The variant's class, a subclass of `models.Autoencoder`. Imports Keras."""
    from models.base import VARIANTS

    if variant.path.parent == _BUILT_IN:
        importlib.import_module(f"models.{variant.path.stem}")
    elif variant.name not in VARIANTS:
        _import_file(variant.path)
    return VARIANTS[variant.name]


def declarations(path: Path) -> list[Declaration]:
    """Every variant that a file registers.

    Raises:
        UserError: the file is absent or isn't Python.
    """
    try:
        tree = ast.parse(path.read_text())
    except OSError as error:
        raise UserError(f"cannot read the variant file {path}: {error.strerror}") from None
    except SyntaxError as error:
        raise UserError(f"the variant file {path} is not valid Python: line {error.lineno}: {error.msg}") from None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return [found for node in classes if (found := _declaration(node, path)) is not None]


def _declaration(node: ast.ClassDef, path: Path) -> Declaration | None:
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "register":
            name = ast.literal_eval(call.args[0])
            version = next(ast.literal_eval(item.value) for item in call.keywords if item.arg == "version")
            settings = _settings(node)
            return Declaration(
                name=name,
                version=version,
                path=path,
                scalars={key: value for key, value in settings.items() if isinstance(value, float)},
                options={key: value for key, value in settings.items() if not isinstance(value, float)},
                about=(ast.get_docstring(node) or "").split("\n")[0],
            )
    return None


def _settings(node: ast.ClassDef) -> dict[str, Any]:
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


def _import_file(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"aebench_variant_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"cannot import the variant file {path}; it must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
