"""What is kept of runs, timings and their data: RunRecord, TimingRecord and DatasetRecord. Imports no Keras."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic import Field, NonNegativeFloat, field_validator

from aebench.records.spec import Frozen, RunSpec, TimingSpec

SCHEMA: Final = 1

Outcome = Literal["ok", "diverged"]
EngineName = Literal["sequential", "vectorised", "parallel"]


# The numbers of a run by name. What this version of the suite does not know is kept, and left out by whoever reads it:
# a run must not be trained again for a measure's name.
Numbers = dict[str, float | None]
Profiles = dict[str, tuple[float, ...]]


class Curve(Frozen):
    """Learning curves, one number an epoch, nats per image; the rate is empty without a posterior.

    Training numbers are means over the epoch's batches while the weights move; validation numbers are taken at the
    epoch's end, with the same noise each time.
    """

    objective: tuple[float, ...] = ()
    distortion: tuple[float, ...] = ()
    rate: tuple[float, ...] = ()
    val_objective: tuple[float, ...] = ()
    val_distortion: tuple[float, ...] = ()
    val_rate: tuple[float, ...] = ()


class Switch(Frozen):
    """A switch of a framework that decides speed: its value, and what the framework itself would have chosen there."""

    value: str
    default: str


class Environment(Frozen):
    """Where numbers came from; part of no run's identity, part of every timing's."""

    device: str
    device_kind: Literal["CPU", "GPU", "TPU"]
    cores: int
    python: str
    versions: dict[str, str]
    switches: dict[str, Switch] = Field(default={})
    platform: str
    commit: str | None = None


class MeasureSettings(Frozen):
    """How thoroughly runs are measured: the table `[measure]` of a study. Decides no run's identity.

    Attributes:
        nll_tolerance: how far the mean of the importance-weighted likelihood may be off, nats; with fewer codes than
            that takes it stands as a bound.
        nll_budget: the most codes for it, mean of test images.
        train_elbo_draws: codes of each training image in the ELBO of the training split; 0 leaves that out.
        outlier_sets: data sets whose images are to be told from the study's own.
    """

    nll_tolerance: float = Field(default=0.01, ge=0)
    nll_budget: int = Field(default=1024, ge=64)
    train_elbo_draws: int = Field(default=0, ge=0)
    outlier_sets: tuple[str, ...] = ()


class Training(Frozen):
    """How a run was trained: the engine, why that one, and in what company.

    Attributes:
        cohort_size: runs that were trained as one program.
        cohort_seconds: what they took together, without compilation.
        compile_seconds: of that program, paid once.
        variant_code: digest of the source that the variant's file had; `None` in records of before this was kept.
        network_code: the same of the file of a network that the study brings; `None` where it brings none, or models
            that were saved, and in records of before this was kept.
    """

    engine: EngineName
    reason: str
    cohort_size: int = Field(ge=1)
    cohort_seconds: float | None = None
    compile_seconds: float
    variant_code: str | None = None
    network_code: str | None = None


PARTS: Final = (0.25, 0.5)  # of the training, after which a run is measured too: its milestones


class Milestone(Frozen):
    """What a run was after a part of its training: main measures alone, on the test split as at the end.

    Attributes:
        part: of its epochs.
        epoch: at whose end that was, from 1.
        metrics, profiles: by name; `aebench.measures` says which are taken.
        metric_versions: of those, when they were taken: earlier weights are not kept, so nothing can take them anew.
    """

    part: float = Field(gt=0, lt=1)
    epoch: int = Field(ge=1)
    metrics: Numbers
    profiles: Profiles = Field(default={})
    metric_versions: dict[str, int]


class RunRecord(Frozen):
    """One finished run.

    Attributes:
        metrics: numbers on the held-out test split, in full float32; absent or `None` where a measure does not apply.
        profiles: the same of which there are several: one a class, one a latent dimension.
        image_sd: standard deviations over test images of the metrics that are means of what each image has; empty in
            records of before these were kept.
        metric_versions: of every metric and profile that was declared when the run was measured.
        measured_with: how thoroughly; `None` in records of before this was recorded, or of settings that are no more.
        milestones: the same run earlier in its training, in order; empty where it was short, diverged, or is of before
            there were any.
    """

    schema_number: Literal[1] = SCHEMA
    run_id: str
    spec: RunSpec
    outcome: Outcome
    metrics: Numbers
    profiles: Profiles = Field(default={})
    image_sd: dict[str, NonNegativeFloat] = Field(default={})
    metric_versions: dict[str, int]
    measured_with: MeasureSettings | None = None
    curve: Curve
    milestones: tuple[Milestone, ...] = ()
    training: Training
    environment: Environment
    finished: str

    @field_validator("measured_with", mode="before")
    @classmethod
    def _with_settings_that_are(cls, value: Any) -> Any:
        """Nothing for a likelihood of a fixed number of codes: it is outdated whatever that was."""
        return None if isinstance(value, dict) and "nll_samples" in value else value


class OperationTiming(Frozen):
    """Every kept round of one operation; each round handles `images` images and waits for the device.

    Attributes:
        compile_seconds: what the first call took longer.
        flops_per_image: multiplications and additions of the matrix products and convolutions alone.
        joules: energy of all rounds together, where the device tells it: its counter is too slow for single ones.
        peak_memory_bytes: the most that was held while it ran: of the device where it tells, else of the process.
    """

    images: int
    seconds: tuple[float, ...]
    compile_seconds: float
    flops_per_image: float | None = None
    joules: float | None = None
    peak_memory_bytes: int | None = None


class TimingRecord(Frozen):
    """Speed of one configuration on one device; `operations` are train_step, encode, decode, sample, elbo.

    Attributes:
        matmul_flops_per_s: what large matrix products of the run's precision reached in the same process.
    """

    schema_number: Literal[1] = SCHEMA
    timing_id: str
    spec: TimingSpec
    environment: Environment
    operations: dict[str, OperationTiming]
    matmul_flops_per_s: float | None = None
    finished: str


FactorKind = Literal["categorical", "ordered", "periodic"]


class Factor(Frozen):
    """A factor of variation whose value is known of every image.

    Attributes:
        name: what it is, in a word or two.
        kind: `categorical` values are indices that have no order; `ordered` ones are magnitudes; `periodic` ones come
            back to where they were after `period`.
        unit: of the values; empty without one.
        levels: how many values there are; `None` where they are continuous.
        value_names: of a categorical factor, where its values have names.
        period: of a periodic factor.
        symmetries: by which shorter turn an image already looks the same, where another factor's value says so: a
            square's quarter turn. Measures take the factor's values as they are; this says what no code can know.
    """

    name: str
    kind: FactorKind
    unit: str = ""
    levels: int | None = None
    value_names: tuple[str, ...] = ()
    period: float | None = None
    symmetries: dict[str, float] = Field(default={})

    def __str__(self) -> str:
        """The name, with what there is to say of its values: `orientation (40, periodic)`."""
        size = "continuous" if self.levels is None else str(self.levels)
        return f"{self.name} ({size})" if self.kind == "ordered" else f"{self.name} ({size}, {self.kind})"


# What a data set holds: pixels in [0, 1], measurements that are standardised, or whole numbers from 0.
Values = Literal["unit", "real", "counts"]
VALUES: dict[Values, str] = {
    "unit": "values in [0, 1]",
    "real": "real numbers, standardised",
    "counts": "counts, whole numbers from 0",
}


ITEMS = {1: "rows", 2: "series", 3: "images"}  # by the number of axes of one


def items(shape: tuple[int, ...]) -> str:
    """What data of such a shape are, in the plural: images, series (time steps, channels) or rows, as of a table."""
    return ITEMS[len(shape)]


class Column(Frozen):
    """One number of a vector, or one channel of series at any time step.

    Models see (value - mean) / scale, both fitted on the training split.
    """

    name: str
    mean: float = 0.0
    scale: float = 1.0


class DatasetRecord(Frozen):
    """What a page tells of the data that runs were trained on, so that it can be drawn where the data are not.

    Attributes:
        sizes: images in train, validation and test.
        image_shape: `(height, width, channels)`, `(time steps, channels)` of series, or `(columns,)` of vectors.
        class_names: `None` without labels.
        factors: what is known of each image beside its class; empty where nothing is.
        values: what kind of numbers it holds.
        columns: of vectors, or the channels of series; empty for images.
    """

    schema_number: Literal[1] = SCHEMA
    name: str
    digest: str
    sizes: tuple[int, int, int]
    image_shape: tuple[int, ...]
    class_names: tuple[str, ...] | None
    source: str
    split_rule: str
    factors: tuple[Factor, ...] = ()
    values: Values = "unit"
    columns: tuple[Column, ...] = ()

    @property
    def log_scale(self) -> float:
        """Sum of log scale over an item's numbers: what log-densities in the data's units have less, nats an item."""
        steps = math.prod(self.image_shape[:-1])
        return steps * math.fsum(math.log(column.scale) for column in self.columns)


def now() -> str:
    """The moment, in UTC to the second, as records write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
