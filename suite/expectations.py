"""What a study asks of its measures, and what its numbers are held against: tables of its file. Imports no Keras."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import Field, ValidationError, model_validator

from suite.errors import UserError, unknown
from suite.metrics import METRICS
from suite.spec import Frozen

Table = TypeVar("Table", bound=Frozen)


class Measures(Frozen):
    """How thoroughly runs are measured: the study's table `[measure]`.

    Attributes:
        nll_samples: codes of each test image in the importance-weighted likelihood.
        train_elbo_draws: codes of each training image in the ELBO of the training split; 0 leaves that out.
    """

    nll_samples: int = Field(default=100, ge=1)
    train_elbo_draws: int = Field(default=0, ge=0)


class Expectation(Frozen):
    """A published or exactly known value that a configuration must reach: a study's table `[[expected]]`.

    Attributes:
        title: what is held against it.
        variant: of the configurations that are meant, with `settings`.
        settings: their other attributes and settings: `{latent_dim = 4, k = 5}`.
        metric: a name in `METRICS`.
        value: the known value; or else
        reference: the metric of the same run that holds it.
        low, high: what ours minus the known value may be, from and to.
        source: where the value is from.
        note: what of the source's recipe was not followed; empty where all was.
    """

    title: str
    variant: str
    settings: dict[str, float | int | str] = Field(default={})
    metric: str
    value: float | None = None
    reference: str | None = None
    low: float
    high: float
    source: str
    note: str = ""

    @model_validator(mode="after")
    def _checked(self) -> Expectation:
        for name in filter(None, (self.metric, self.reference)):
            if name not in METRICS:
                raise ValueError(f"{unknown('metric', name, METRICS)}")
        if (self.value is None) == (self.reference is None):
            raise ValueError("give either 'value' or 'reference'")
        if self.low > self.high:
            raise ValueError(f"'low' {self.low:g} is above 'high' {self.high:g}")
        return self


def parse(kind: type[Table], table: Any, where: str) -> Table:
    """A table of a study file, checked.

    Raises:
        UserError: a key is unknown or missing, or a value isn't allowed.
    """
    if not isinstance(table, dict):
        raise UserError(f"{where}: {table!r} is not a table")
    for key in table:
        if key not in kind.model_fields:
            raise UserError(f"{where}: {unknown('key', key, kind.model_fields)}")
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UserError(f"{where}: {key + ': ' if key else ''}{first['msg']}; got {first['input']!r}") from None
