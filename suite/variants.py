"""What variant files declare, read from their source without importing Keras, and the classes when they are needed.

A variant file holds a class decorated with `@register("name", version=N)`. Its `__init__`'s keyword-only arguments
annotated `float` are scalar hyper-parameters; those annotated `int` or `str` are options.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
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
    return _classes(variant.path)[variant.name]


@cache
def _classes(path: Path) -> dict[str, Any]:
    """The classes that importing a file registers, by variant name."""
    if path.parent == _BUILT_IN:
        module = importlib.import_module(f"models.{path.stem}")
    else:
        name = f"aebench_variant_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
        module = _import_file(path, name)
    found = [value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]
    return {value.variant_name: value for value in found if hasattr(value, "variant_name")}


def declarations(path: Path) -> list[Declaration]:
    """Every variant that a file registers.

    Raises:
        UserError: the file is absent, isn't Python, or registers a class by anything but a literal name and version.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the variant file {path}: {error.strerror}") from None
    except SyntaxError as error:
        raise UserError(f"the variant file {path} is not valid Python: line {error.lineno}: {error.msg}") from None
    except ValueError:  # not UTF-8, or with null bytes
        raise UserError(f"the variant file {path} is not a text file; give one that ends in .py") from None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return [_declaration(node, call, path) for node in classes for call in _registrations(node)]


def _registrations(node: ast.ClassDef) -> list[ast.Call]:
    calls = [item for item in node.decorator_list if isinstance(item, ast.Call)]
    return [call for call in calls if ast.unparse(call.func).split(".")[-1] == "register"]


def _declaration(node: ast.ClassDef, call: ast.Call, path: Path) -> Declaration:
    arguments = [*call.args, *(item.value for item in call.keywords if item.arg == "version")]
    try:
        name, version = (ast.literal_eval(argument) for argument in arguments)
    except ValueError:
        raise UserError(
            f"{path}, line {call.lineno}: {ast.unparse(call)} cannot be read without running it; "
            'write @register("name", version=1)'
        ) from None
    settings = _settings(node)
    return Declaration(
        name=name,
        version=version,
        path=path,
        scalars={key: value for key, value in settings.items() if isinstance(value, float)},
        options={key: value for key, value in settings.items() if not isinstance(value, float)},
        about=(ast.get_docstring(node) or "").split("\n")[0],
    )


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


def _import_file(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"cannot import the variant file {path}; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
