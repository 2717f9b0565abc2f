"""What a finished run leaves behind: RunRecord and TimingRecord. Imports no Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from suite.metrics import METRICS, PROFILES
from suite.spec import Frozen, RunSpec, TimingSpec

SCHEMA: Final = 1

Outcome = Literal["ok", "diverged"]
EngineName = Literal["sequential", "vectorised"]


def _known(names: Mapping[str, object]) -> AfterValidator:
    """Leaves out what other versions of the suite measured: a run must not be trained again for a measure's name."""
    return AfterValidator(lambda numbers: {name: value for name, value in numbers.items() if name in names})


Numbers = Annotated[dict[str, float | None], _known(METRICS)]
Profiles = Annotated[dict[str, tuple[float, ...]], _known(PROFILES)]


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


class Environment(Frozen):
    """Where numbers came from; part of no run's identity, part of every timing's."""

    device: str
    device_kind: Literal["CPU", "GPU", "TPU"]
    cores: int
    python: str
    versions: dict[str, str]
    platform: str
    commit: str | None = None


class Training(Frozen):
    """How a run was trained: the engine, why that one, and in what company.

    Attributes:
        cohort_size: runs that were trained as one program.
        cohort_seconds: what they took together, without compilation.
        compile_seconds: of that program, paid once.
    """

    engine: EngineName
    reason: str
    cohort_size: int = Field(ge=1)
    cohort_seconds: float | None = None
    compile_seconds: float


class RunRecord(Frozen):
    """One finished run.

    Attributes:
        metrics: numbers on the held-out test split, in full float32; absent or `None` where a measure does not apply.
        profiles: the same of which there are several: one a class, one a latent dimension.
    """

    schema_number: Literal[1] = SCHEMA
    run_id: str
    spec: RunSpec
    outcome: Outcome
    metrics: Numbers
    profiles: Profiles = Field(default={})
    metric_versions: dict[str, int]
    curve: Curve
    training: Training
    environment: Environment
    finished: str


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


def describe(record: RunRecord) -> dict[str, Any]:
    """One flat row of a run: its spec, its settings and its metrics, named as everywhere."""
    spec = record.spec
    settings = {**spec.scalars, **spec.options}
    fixed = (
        "dataset",
        "variant",
        "latent_dim",
        "network",
        "likelihood",
        "seed",
        "epochs",
        "batch_size",
        "precision",
        "backend",
    )
    row = {name: getattr(spec, name) for name in fixed}
    return {
        **row,
        **settings,
        "outcome": record.outcome,
        **{name: record.metrics.get(name) for name in METRICS},
        "run_id": record.run_id,
    }
