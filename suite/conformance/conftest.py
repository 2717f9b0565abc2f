"""Every test that asks for a `subject` runs once for each variant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aebench.conformance.fixtures import (  # noqa: F401 (fixtures of the tests beside this file)
    binary,
    compile_model,
    fall,
    gradients,
    grey,
    stateless_loss,
)
from aebench.conformance.subject import Subject
from aebench.errors import UserError
from aebench.study import variants

SUBJECTS = pytest.StashKey[list[Subject]]()
COUNT = 32  # images that most tests take


def _subjects(config: pytest.Config) -> list[Subject]:
    """The variants of the files that were named, else aebench's own; made once, for what they cache."""
    if SUBJECTS not in config.stash:
        files = [(config.invocation_params.dir / name).resolve() for name in config.getoption("--variants")]
        config.stash[SUBJECTS] = [Subject(item) for item in _declared(files)]
    return config.stash[SUBJECTS]


def _declared(files: list[Path]) -> list[variants.Declaration]:
    try:
        found = [variant for file in files for variant in variants.in_file(file)]
    except UserError as error:
        raise pytest.UsageError(f"{error}") from None
    if files and not found:
        raise pytest.UsageError(f'{", ".join(map(str, files))}: no class under @register("name", version=1)')
    return found or [*variants.built_in().values()]


def pytest_configure(config: pytest.Config) -> None:
    """Keras's way to ask NumPy for an array is no concern of a variant's."""
    told = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras"
    config.addinivalue_line("filterwarnings", told)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives each test its variants."""
    if "subject" in metafunc.fixturenames:
        found = _subjects(metafunc.config)
        metafunc.parametrize("subject", found, ids=[subject.name for subject in found], scope="session")


@pytest.fixture(scope="session")
def images(binary: np.ndarray) -> np.ndarray:  # noqa: F811
    """A few binarised digits, `(32, 8, 8, 1)`."""
    return binary[:COUNT]


@pytest.fixture(scope="session")
def labels() -> np.ndarray:
    """Their classes, for variants that take them."""
    from sklearn.datasets import load_digits

    found: np.ndarray = load_digits().target[:COUNT].astype("int32")
    return found
