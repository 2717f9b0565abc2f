"""What a finished run leaves behind: RunRecord and TimingRecord. Imports no Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from suite.spec import Frozen, RunSpec, TimingSpec

SCHEMA: Final = 1

Outcome = Literal["ok", "diverged"]
EngineName = Literal["sequential", "vectorised"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How a number is to be read.

    Attributes:
        label: what people call it.
        unit: of the value.
        better: which direction is better, or `None` where neither is.
        about: its definition in a sentence.
        version: raised by hand when the measure's code changes its values.
    """

    label: str
    unit: str
    better: Literal["higher", "lower"] | None
    about: str
    version: int = 1


def _metric(label: str, unit: str, better: Literal["higher", "lower"] | None, about: str) -> Metric:
    return Metric(label=label, unit=unit, better=better, about=about)


Number = float | None


class Metrics(Frozen):
    """A run's numbers on the held-out test split, in full float32; `None` where a measure does not apply."""

    elbo_nats: Annotated[
        Number,
        _metric("ELBO", "nats/image", "higher", "-(distortion + rate) at β = 1, whatever β the run was trained with"),
    ] = None
    elbo_nats_mc_se: Annotated[
        Number,
        _metric(
            "ELBO Monte Carlo error", "nats/image", None, "standard error of the ELBO that comes from drawing codes"
        ),
    ] = None
    elbo_bits_per_dim: Annotated[Number, _metric("ELBO, negative", "bits/dim", "lower", "-ELBO / (pixels × ln 2)")] = (
        None
    )
    distortion_nats: Annotated[
        Number,
        _metric("Distortion", "nats/image", "lower", "E_q[-log p(x|z)], 16 codes drawn from each image's posterior"),
    ] = None
    rate_nats: Annotated[
        Number, _metric("Rate", "nats/image", None, "KL(q(z|x) || p(z)), mean over images: what the code costs")
    ] = None
    recon_mse: Annotated[
        Number,
        _metric(
            "Reconstruction MSE",
            "per pixel",
            "lower",
            "mean squared difference of the image and E[x|z] at the posterior mean",
        ),
    ] = None
    recon_nats: Annotated[
        Number, _metric("Reconstruction", "nats/image", "lower", "-log p(x|z) at the posterior mean")
    ] = None
    silhouette: Annotated[
        Number,
        _metric(
            "Silhouette", "-1..1", "higher", "Euclidean, true classes, on posterior means, exact over the test split"
        ),
    ] = None
    silhouette_grey: Annotated[
        Number,
        _metric(
            "Silhouette, grey input",
            "-1..1",
            "higher",
            "the same, encoding the grey images instead of their fixed binarisation",
        ),
    ] = None
    silhouette_pixels: Annotated[
        Number, _metric("Silhouette of pixels", "-1..1", "higher", "reference: the raw pixels that the models saw")
    ] = None
    silhouette_pca: Annotated[
        Number,
        _metric(
            "Silhouette of PCA",
            "-1..1",
            "higher",
            "reference: as many principal components of the same pixels, fitted on the training split",
        ),
    ] = None
    silhouette_untrained: Annotated[
        Number, _metric("Silhouette, untrained", "-1..1", "higher", "reference: this run's encoder before training")
    ] = None
    active_units: Annotated[
        Number,
        _metric(
            "Active units",
            "of latent size",
            None,
            "latent dimensions whose posterior mean varies over images by more than 0.01 (Burda et al. 2015)",
        ),
    ] = None
    parameters: Annotated[Number, _metric("Parameters", "", "lower", "trainable weights")] = None
    train_seconds: Annotated[
        Number, _metric("Training time", "s", "lower", "this run's share of its cohort's training, without compilation")
    ] = None
    train_images_per_s: Annotated[
        Number,
        _metric(
            "Training speed", "images/s", "higher", "images seen in training by the whole cohort over its training time"
        ),
    ] = None


METRICS: dict[str, Metric] = {
    name: next(item for item in field.metadata if isinstance(item, Metric))
    for name, field in Metrics.model_fields.items()
}


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
    """One finished run."""

    schema_number: Literal[1] = SCHEMA
    run_id: str
    spec: RunSpec
    outcome: Outcome
    metrics: Metrics
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
        **record.metrics.model_dump(),
        "run_id": record.run_id,
    }
