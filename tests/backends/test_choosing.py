"""Choosing a backend: in a process of its own, since Keras cannot leave the one that it was imported with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

AFTER_KERAS = """
import os
os.environ["KERAS_BACKEND"] = "{before}"
import keras
del os.environ["KERAS_BACKEND"]
from aebench import backends, workspace
from aebench.errors import UserError
print(workspace.chosen_backend(None))
try:
    backends.choose("{asked}")
except UserError as error:
    print(error)
else:
    print(os.environ["KERAS_BACKEND"])
"""


@pytest.fixture
def told(python: Callable[..., object]) -> Callable[[str, str], list[str]]:
    """What is chosen after Keras was imported with `before`: without being asked for, and where `asked` is."""

    def run(before: str, asked: str) -> list[str]:
        found = python("-c", AFTER_KERAS.format(before=before, asked=asked))
        assert found.returncode == 0, found.stderr
        return found.stdout.splitlines()

    return run


def test_no_other_backend_than_that_which_keras_was_imported_with(told: Callable[[str, str], list[str]]) -> None:
    """Else numbers of one backend would be recorded as of the other."""
    default, refusal = told("jax", "tensorflow")
    assert default == "jax"
    assert "'tensorflow' was asked for" in refusal
    assert "imported with 'jax'" in refusal


def test_the_backend_which_keras_was_imported_with(told: Callable[[str, str], list[str]]) -> None:
    assert told("jax", "jax") == ["jax", "jax"]
