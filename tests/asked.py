"""Made-up evidence, and the verdict that a question has of it: a fixture and a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from aebench.analysis.configurations import compare
from aebench.analysis.differences import Held
from aebench.analysis.evidence import Evidence
from aebench.analysis.questions import Verdict

SEEDS = 5
NAMES = ("one", "two", "three")


@pytest.fixture
def found(make_study, expand, make_record) -> Callable[..., Evidence]:
    """found(numbers, arrays, seeds=5) -> evidence; both are functions of a run's spec, giving dicts by name."""

    def made(
        numbers: Callable[[Any], dict[str, Any]],
        arrays: Callable[[Any], dict[str, np.ndarray]] = lambda spec: {},
        seeds: int = SEEDS,
        **changes: Any,
    ) -> Evidence:
        study = make_study(seeds=seeds, **{"latent_dim": "[2, 4, 8]", **changes})
        specs = expand(study)
        records = {}
        for spec in specs:
            given = numbers(spec)
            profiles = {name: value for name, value in given.items() if isinstance(value, tuple)}
            record = make_record(spec, **{name: value for name, value in given.items() if name not in profiles})
            records[spec.run_id] = record.model_copy(update={"profiles": profiles})
        return Evidence(
            board=compare(study, specs, records).configurations,
            contrasts=study.contrasts,
            images=Held(lambda record, metric: arrays(record.spec).get(metric)),
            arrays=lambda record, name: arrays(record.spec).get(name),
            class_names=NAMES,
        )

    return made


def one(question: Callable[[Evidence], Iterator[Verdict]], evidence: Evidence) -> Verdict | None:
    """The only verdict that a question yields; `None` if it yields none."""
    given = list(question(evidence))
    assert len(given) <= 1
    return given[0] if given else None
