"""What Python files declare by a decorator, `@register("name", version=N)`, read from their source without running it.

Running them would import Keras, which takes seconds; listing, planning and every cached command would pay for it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from aebench.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A class or function under such a decorator: its name, version, source and one line about it."""

    name: str
    version: int
    path: Path
    about: str
    node: ast.ClassDef | ast.FunctionDef


@cache
def models() -> Path:
    """The folder of `aebench.models`, wherever it is installed."""
    spec = importlib.util.find_spec("aebench.models")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).resolve().parent


def declared(path: Path, decorator: str) -> list[Declared]:
    """Everything that a file declares by this decorator.

    Raises:
        UserError: the file is absent, isn't Python, or declares something by anything but a literal name and version.
    """
    nodes = [node for node in _parsed(path).body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    return [_declared(node, call, path) for node in nodes for call in _calls(node, decorator)]


@cache
def code(path: Path) -> str:
    """A digest of what a Python file does: comments, docstrings and layout change nothing in it.

    What it imports is not in it. Python itself writes the code anew, so that digests are of one of its versions.

    Raises:
        UserError: see `declared`.
    """
    tree = _parsed(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Likelihood:
    """What a likelihood's class says of itself: see `aebench.models.likelihood.Likelihood`."""

    takes: tuple[str, ...]
    levels: int
    numbered: str


@cache
def likelihoods() -> dict[str, Likelihood]:
    """Each likelihood by the keys of `aebench.models.likelihoods.LIKELIHOODS`."""
    body = _parsed(models() / "likelihoods.py").body
    sources = [node.module.split(".")[-1] for node in body if isinstance(node, ast.ImportFrom) and node.module]
    files = [path for name in sources if (path := models() / f"{name}.py").exists()]
    nodes = [*body, *(node for path in files for node in _parsed(path).body)]
    classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
    for node in body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "LIKELIHOODS":
            assert isinstance(node.value, ast.Dict)
            pairs = zip(node.value.keys, node.value.values, strict=True)
            return {str(ast.literal_eval(key)): _likelihood(ast.unparse(cls), classes) for key, cls in pairs if key}
    raise AssertionError("models/likelihoods.py has no LIKELIHOODS")


def likelihood(name: str) -> Likelihood | None:
    """What is declared of the likelihood that a study calls so: `categorical-17` is `categorical` of 17 levels."""
    stem, _, number = name.rpartition("-")
    if name in likelihoods():
        return likelihoods()[name]
    found = likelihoods().get(stem)
    if found is None or not found.numbered or not re.fullmatch("[1-9][0-9]{0,3}", number):
        return None
    return replace(found, levels=int(number)) if found.numbered == "levels" else found


def _likelihood(name: str, classes: Mapping[str, ast.ClassDef]) -> Likelihood:
    return Likelihood(**{attribute: _said(attribute, name, classes) for attribute in ("takes", "levels", "numbered")})


def _said(attribute: str, name: str, classes: Mapping[str, ast.ClassDef]) -> Any:
    """What the class of this name says of itself, or its base says for it."""
    for part in classes[name].body:
        if isinstance(part, ast.Assign | ast.AnnAssign) and part.value is not None:
            target = part.targets[0] if isinstance(part, ast.Assign) else part.target
            if ast.unparse(target) == attribute:
                return ast.literal_eval(part.value)
    return _said(attribute, ast.unparse(classes[name].bases[0]), classes)


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the file {path}: {error.strerror}") from None
    except SyntaxError as error:
        raise UserError(f"the file {path} is not valid Python: line {error.lineno}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise UserError(f"the file {path} is nested too deeply to be read") from None
    except ValueError:  # not UTF-8, or with null bytes
        raise UserError(f"the file {path} is not a text file; give one that ends in .py") from None


def _calls(node: ast.ClassDef | ast.FunctionDef, decorator: str) -> list[ast.Call]:
    calls = [item for item in node.decorator_list if isinstance(item, ast.Call)]
    return [call for call in calls if ast.unparse(call.func).split(".")[-1] == decorator]


def _declared(node: ast.ClassDef | ast.FunctionDef, call: ast.Call, path: Path) -> Declared:
    arguments = [*call.args, *(item.value for item in call.keywords if item.arg == "version")]
    try:
        name, version = (ast.literal_eval(argument) for argument in arguments)
    except ValueError:
        written = ast.unparse(call.func)
        raise UserError(
            f"{path}, line {call.lineno}: {ast.unparse(call)} cannot be read without running it; "
            f'write @{written}("name", version=1)'
        ) from None
    about = (ast.get_docstring(node) or "").split("\n")[0]
    return Declared(name=name, version=version, path=path, about=about, node=node)


@cache
def module(path: Path) -> ModuleType:
    """The module in this file, imported: as part of `aebench.models` if it lies there, else by a name of its own.

    Raises:
        UserError: the file's name doesn't end in .py.
    """
    if path.parent == models():
        return importlib.import_module(f"aebench.models.{path.stem}")
    name = f"aebench_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"cannot import the file {path}; its name must end in .py")
    made: Any = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made  # type: ignore[no-any-return]
