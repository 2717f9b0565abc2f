"""RunSpec: everything that decides a run's numbers, and nothing else. Imports no Keras."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

TrainOn = Literal["train", "train+validation"]
Schedule = Literal["constant", "cosine", "burda"]
# bfloat16 computes in the trunks of encoder and decoder; weights, posteriors and losses stay float32. tf32 rounds the
# factors of matrix products to 10 bits. float32 means that neither happens.
Precision = Literal["float32", "tf32", "bfloat16"]


class Frozen(BaseModel):
    """Immutable, keyword-only, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Adam(Frozen):
    """Adam's constants as published (Kingma & Ba 2015); Keras's own default epsilon is 1e-7."""

    beta_1: float = Field(default=0.9, ge=0, lt=1)
    beta_2: float = Field(default=0.999, ge=0, lt=1)
    epsilon: float = Field(default=1e-8, gt=0)


class Annealing(Frozen):
    """How the weight of the rate rises in training: see `aebench.models.schedules.RateSchedule`."""

    warmup: float = Field(gt=0, le=1)
    cycles: int = Field(default=1, ge=1)


class ModelSpec(Frozen):
    """What decides a model's compiled program: runs that share it differ in seed and scalars alone."""

    variant: str
    variant_version: int = Field(ge=1)
    options: dict[str, int | str] = {}
    latent_dim: int = Field(ge=1)
    network: str
    likelihood: str
    precision: Precision = "float32"
    backend: str


class RunSpec(ModelSpec):
    """One point of a study's grid. Two runs of equal RunSpec have equal numbers, up to rounding.

    A run with a `without_class` trains on images of all other classes; of that one it sees test images alone. Like the
    seed it tells replicates apart, and no configurations.
    """

    scalars: dict[str, float] = {}
    dataset: str
    dataset_digest: str
    train_on: TrainOn = "train"
    seed: int = Field(ge=0)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    schedule: Schedule = "constant"
    adam: Adam = Adam()
    annealing: Annealing | None = None
    without_class: int | None = Field(default=None, ge=0)

    @model_serializer(mode="wrap")
    def _without_what_is_not_used(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What few runs have has no entry in others: so the identities of runs from before there was one stand."""
        fields: dict[str, Any] = serialise(self)
        for name in ("annealing", "without_class"):
            if getattr(self, name) is None:
                fields.pop(name, None)
        return fields

    @cached_property
    def configuration(self) -> str:
        """Identity of everything but the seed and which class is left out: runs that share it are replicates."""
        return f"{self._slug()}-{_digest(_replicated(_canonical(self)))}"

    @cached_property
    def run_id(self) -> str:
        """Readable slug and hash; the name of the run's files."""
        return f"{self._slug()}-s{self.seed}{self._left_out()}-{_digest(_canonical(self))}"

    @cached_property
    def cohort(self) -> str:
        """Identity of everything but seed and scalars: such runs share shapes, data and length."""
        return _digest(_canonical(self), {"seed", "scalars"})

    def seeded(self, seeds: Iterable[int]) -> Iterator[RunSpec]:
        """The runs of this configuration with these seeds, whose identities are worked out together."""
        fields, slug = _canonical(self), self._slug()
        shared = {
            "configuration": f"{slug}-{_digest(_replicated(fields))}",
            "cohort": _digest(fields, {"seed", "scalars"}),
        }
        # What stands before the seed is hashed once for all.
        before, after = _around(fields, "seed")
        begun = hashlib.sha256(before.encode())
        for seed in seeds:
            run, hashed = copy(self), begun.copy()
            hashed.update(f"{seed}{after}".encode())
            run_id = f"{slug}-s{seed}{self._left_out()}-{_shortened(hashed)}"
            run.__dict__.update(shared, seed=seed, run_id=run_id)  # where cached properties are kept too
            yield run

    def __copy__(self) -> Self:
        """A copy that works out its identities itself: `model_copy` makes it, and changes fields."""
        copied = super().__copy__()
        for identity in ("configuration", "run_id", "cohort"):
            copied.__dict__.pop(identity, None)
        return copied

    @property
    def cohort_name(self) -> str:
        """Readable slug and `cohort`, for names of files."""
        return f"{_file_name(f'{self.variant}-z{self.latent_dim}')}-{self.cohort}"

    def told_without(self, fields: Collection[str]) -> str:
        """Itself as JSON without some fields; that a class was left out is told, but not which."""
        shown = self.model_dump_json(exclude={*fields, "without_class"})
        return shown if self.without_class is None else f"{shown} without its own class"

    @property
    def rate_schedule(self) -> dict[str, float]:
        """`rate_warmup` and `rate_cycles`, as studies write them."""
        annealing = self.annealing
        return {
            "rate_warmup": annealing.warmup if annealing else 0.0,
            "rate_cycles": annealing.cycles if annealing else 1,
        }

    def learning_rate_at(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 1.

        `cosine`: half a cosine from the rate in the first epoch to almost 0 in the last (Loshchilov & Hutter 2017).
        `burda`: stages i = 0, 1, 2 ... of 3^i epochs at the rate times 10^(-i/7) (Burda et al. 2016, section 5).
        """
        if self.schedule == "constant":
            return self.learning_rate
        if self.schedule == "cosine":
            return 0.5 * self.learning_rate * (1.0 + math.cos(math.pi * (epoch - 1) / self.epochs))
        stage, last = 0, 1
        while epoch > last:
            stage += 1
            last += 3**stage
        return float(self.learning_rate * 10 ** (-stage / 7))

    def label(self, without: Collection[str] = ()) -> str:
        """How people name the configuration's variant: `VAE β=4`; `without` some settings."""
        settings = {name: value for name, value in {**self.scalars, **self.options}.items() if name not in without}
        parts = [*self._annealed(" "), *([] if self.precision == "float32" else [self.precision])]
        return " ".join([variant_label(self.variant, settings), *parts])

    def _annealed(self, joint: str) -> list[str]:
        """`warm-up 0.3`, `4 cycles 0.5`, with `joint` between the two."""
        if self.annealing is None:
            return []
        cycles = self.annealing.cycles
        return [f"{'warm-up' if cycles == 1 else f'{cycles}{joint}cycles'}{joint}{self.annealing.warmup:g}"]

    def _left_out(self) -> str:
        return "" if self.without_class is None else f"-without{self.without_class}"

    def _slug(self) -> str:
        settings = {**self.scalars, **self.options}
        details = [
            f"{name}{value:g}" if isinstance(value, float) else f"{name}{value}"
            for name, value in sorted(settings.items())
        ]
        precision = [] if self.precision == "float32" else [self.precision]
        annealed = self._annealed("-")
        slug = "-".join(
            [self.variant, *details, *annealed, f"z{self.latent_dim}", self.network, self.dataset, *precision]
        )
        return _file_name(slug)


class TimingSpec(ModelSpec):
    """One configuration whose speed is measured; scalars and seeds don't change it."""

    image_shape: tuple[int, ...]
    batch_size: int = Field(ge=1)

    @property
    def timing_id(self) -> str:
        """Readable slug and hash, without the environment."""
        slug = _file_name(f"{self.variant}-z{self.latent_dim}-{self.network}-b{self.batch_size}")
        return f"{slug}-{_digest(_canonical(self))}"


_LONGEST_SLUG = 160  # a file's name holds 255 bytes; seed, hash and endings need room
_SYMBOLS = {"beta": "β", "lambda": "λ", "gamma": "γ", "alpha": "α", "delta": "δ"}
_ACRONYM = re.compile(r"\w{1,3}|\w*ae")  # the parts of a variant's name that are written in capitals


def symbol(setting: str) -> str:
    """A setting as people write it: `β`, `λ_od`."""
    return "_".join(_SYMBOLS.get(part, part) for part in setting.split("_")).rstrip("_")


def spelled(text: str) -> str:
    """The text with letters of settings written out, as in `beta` for `β`."""
    for name, letter in _SYMBOLS.items():
        text = text.replace(letter, name)
    return text


def variant_label(variant: str, settings: Mapping[str, Any]) -> str:
    """`AE`, `VAE β=4`: a variant with its settings as people write them."""
    parts = [
        f"{symbol(name)}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in sorted(settings.items())
    ]
    return " ".join([_title(variant), *parts])


def _title(variant: str) -> str:
    """A variant's registered name as people write it: `AE`, `β-TCVAE`, `VQ-VAE`, `vamp-VAE`."""
    return "-".join(_title_of_part(part) for part in variant.split("-"))


def _title_of_part(part: str) -> str:
    return part.upper() if _ACRONYM.fullmatch(part) else _SYMBOLS.get(part, part)


def _file_name(slug: str) -> str:
    """The slug without what cannot be in a file's name or is too long for one; the hash beside it tells runs apart."""
    return re.sub(r"[^A-Za-z0-9._+-]", "_", slug)[:_LONGEST_SLUG]


_encode_any = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def _encode(value: Any) -> str:
    """The value as JSON; whole numbers, of which there are many, without making an encoder for each."""
    return str(value) if type(value) is int else _encode_any(value)


def _canonical(spec: ModelSpec) -> dict[str, str]:
    """Its fields by name, in order, each as JSON that is the same whenever they are."""
    return {name: _encode(value) for name, value in sorted(spec.model_dump().items())}


def _replicated(fields: Mapping[str, str]) -> dict[str, str]:
    """Those that replicates share: that each is without a class, but not which."""
    shared = {name: value for name, value in fields.items() if name != "seed"}
    return {**shared, "without_class": _encode("its own")} if "without_class" in shared else shared


def _digest(fields: Mapping[str, str], without: Collection[str] = ()) -> str:
    canonical = ",".join(_entries({name: value for name, value in fields.items() if name not in without}))
    return _shortened(hashlib.sha256(f"{{{canonical}}}".encode()))


def _shortened(hashed: Any) -> str:
    """So much of a hash as stands in names of files."""
    return str(hashed.hexdigest()[:10])


def _entries(fields: Mapping[str, str]) -> list[str]:
    return [f'"{name}":{value}' for name, value in fields.items()]


def _around(fields: Mapping[str, str], name: str) -> tuple[str, str]:
    """What stands before and after the value of a field in what `_digest` hashes."""
    entries, at = _entries(fields), list(fields).index(name)
    before, after = ",".join([*entries[:at], f'"{name}":']), ",".join(["", *entries[at + 1 :]])
    return f"{{{before}", f"{after}}}"
