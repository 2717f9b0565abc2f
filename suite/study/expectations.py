"""What a study's numbers are held against: the tables `[[expected]]` of its file. Imports no Keras."""

from __future__ import annotations

from pydantic import Field, model_validator

from aebench.errors import unknown
from aebench.measures import METRICS
from aebench.records.spec import Frozen


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
