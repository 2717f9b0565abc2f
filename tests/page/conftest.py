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
def source(make_study, expand, made_up_store, make_timing) -> Callable[..., Source]:
    """source(seeds=3, ...) -> a made-up study with every run, picture and timing."""

    def made(**changes: Any) -> Source:
        study = make_study(**changes)
        specs = expand(study)
        store, records = made_up_store(specs)
        timings = [make_timing(spec, size) for spec in specs if spec.seed == 0 for size in (128, 1024)]
        return Source(study=study, specs=specs, store=store, records=records, timings=timings)

    return made


@pytest.fixture
def write(source, tmp_path) -> Callable[..., Path]:
    """write(seeds=3, ...) -> the page of such a study."""

    def made(**changes: Any) -> Path:
        if repr(changes) not in WRITTEN:  # a page takes seconds to draw, and no test changes it
            WRITTEN[repr(changes)] = page.write([source(**changes)], tmp_path / "page")
        return WRITTEN[repr(changes)]

    return made
