"""A made-up study's page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aebench import page
from aebench.analysis.sources import Source

WRITTEN: dict[str, Path] = {}


@pytest.fixture
def source(made_up_source) -> Callable[..., Source]:
    return made_up_source


@pytest.fixture
def write(source, tmp_path) -> Callable[..., Path]:
    """write(seeds=3, ...) -> the page of such a study."""

    def made(**changes: Any) -> Path:
        if repr(changes) not in WRITTEN:  # a page takes seconds to draw, and no test changes it
            WRITTEN[repr(changes)] = page.write([source(**changes)], tmp_path / "page")
        return WRITTEN[repr(changes)]

    return made
