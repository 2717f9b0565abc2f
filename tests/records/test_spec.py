from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from aebench.records.spec import Adam, Annealing, RunSpec, TimingSpec, variant_label

FIELDS: dict[str, Any] = {
    "variant": "vae",
    "variant_version": 1,
    "scalars": {"beta": 4.0, "gamma": 0.5},
    "options": {"samples": 3, "bound": "tight"},
    "latent_dim": 16,
    "network": "mlp",
    "likelihood": "bernoulli",
    "backend": "tensorflow",
    "dataset": "digits",
    "dataset_digest": "0" * 64,
    "seed": 2,
    "epochs": 20,
    "batch_size": 128,
    "learning_rate": 1e-3,
}
OTHERS: dict[str, Any] = {
    "variant": "ae",
    "variant_version": 2,
    "options": {"samples": 4, "bound": "tight"},
    "latent_dim": 8,
    "network": "conv",
    "likelihood": "gaussian",
    "precision": "bfloat16",
    "backend": "jax",
    "scalars": {"beta": 4.0, "gamma": 0.25},
    "dataset": "mnist",
    "dataset_digest": "1" * 64,
    "train_on": "train+validation",
    "seed": 3,
    "epochs": 21,
    "batch_size": 127,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "adam": Adam(epsilon=1e-7),
    "annealing": Annealing(warmup=0.5, cycles=2),
    "without_class": 3,
}
SPEC = RunSpec(**FIELDS)


def other(field: str) -> RunSpec:
    return SPEC.model_copy(update={field: OTHERS[field]})  # unchecked, so that fields with one allowed value vary too


def test_identity_is_pinned() -> None:
    assert SPEC.run_id == "vae-beta4-boundtight-gamma0.5-samples3-z16-mlp-digits-s2-36513c4ba2"
    assert SPEC.configuration == "vae-beta4-boundtight-gamma0.5-samples3-z16-mlp-digits-8a51ad6581"


def test_every_field_has_another_value_here() -> None:
    assert set(OTHERS) == set(RunSpec.model_fields)


@pytest.mark.parametrize("field", OTHERS)
def test_run_id_differs_with_every_field(field: str) -> None:
    assert other(field).run_id != SPEC.run_id


@pytest.mark.parametrize("field", sorted(set(OTHERS) - {"seed"}))
def test_configuration_differs_with_every_field_but_the_seed(field: str) -> None:
    assert other(field).configuration != SPEC.configuration
    assert other("seed").configuration == SPEC.configuration


@pytest.mark.parametrize("field", OTHERS)
def test_cohort_ignores_seed_and_scalars_alone(field: str) -> None:
    assert (other(field).cohort == SPEC.cohort) is (field in {"seed", "scalars"})


def test_order_of_settings_and_of_fields_does_not_matter() -> None:
    turned = {name: FIELDS[name] for name in reversed(FIELDS)}
    turned |= {"scalars": {"gamma": 0.5, "beta": 4.0}, "options": {"bound": "tight", "samples": 3}}
    assert RunSpec(**turned).run_id == SPEC.run_id


def test_defaults_and_whole_numbers_are_the_same_run() -> None:
    written_out = {**FIELDS, "scalars": {"beta": 4, "gamma": 0.5}, "adam": {"beta_1": 0.9, "epsilon": 1e-8}}
    assert RunSpec(**written_out).run_id == SPEC.run_id


def test_close_values_have_the_same_slug_and_another_hash() -> None:
    close = SPEC.model_copy(update={"scalars": {"beta": 4.0 + 1e-12, "gamma": 0.5}})
    assert close.run_id[:-10] == SPEC.run_id[:-10]
    assert close.run_id != SPEC.run_id


@pytest.mark.parametrize("kind", ["../../x", "a/b", "ä", "x" * 500, "con:", "a b"])
def test_run_id_is_the_name_of_a_file(kind: str) -> None:
    name = RunSpec(**{**FIELDS, "options": {"kind": kind}}).run_id
    assert "/" not in name
    assert name.isascii()
    assert len(f".{name}.json.invalid-1") < 240


@pytest.mark.parametrize(
    "change",
    [
        {"latent_dim": 0},
        {"epochs": 0},
        {"batch_size": 0},
        {"seed": -1},
        {"learning_rate": 0.0},
        {"learning_rate": float("inf")},
        {"scalars": {"beta": float("nan")}},
        {"precision": "float16"},
        {"adam": {"epsilon": 0.0}},
        {"device": "CPU"},
    ],
)
def test_a_spec_that_cannot_be_run_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RunSpec(**{**FIELDS, **change})


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        SPEC.seed = 3  # type: ignore[misc]


def test_timing_id_names_program_shape_and_batch() -> None:
    shared = SPEC.model_dump(include=set(TimingSpec.model_fields) - {"batch_size"})
    specs = [
        TimingSpec(**shared, image_shape=shape, batch_size=size)
        for shape in ((8, 8, 1), (28, 28, 1))
        for size in (128, 1024)
    ]
    assert len({spec.timing_id for spec in specs}) == 4
    assert specs[0].timing_id.startswith("vae-z16-mlp-b128-")


def test_labels_are_what_people_write() -> None:
    assert SPEC.label() == "VAE β=4 bound=tight γ=0.5 samples=3"
    assert SPEC.label({"bound", "gamma"}) == "VAE β=4 samples=3"
    assert variant_label("ae", {}) == "AE"
    assert variant_label("vq-vae", {"codes": 64}) == "VQ-VAE codes=64"
    assert variant_label("beta-tcvae", {"lambda_od": 2.0, "lambda_": 1.0}) == "β-TCVAE λ=1 λ_od=2"
    assert other("annealing").label() == "VAE β=4 bound=tight γ=0.5 samples=3 2 cycles 0.5"


def test_burda_s_rates() -> None:
    """Stages of 1, 3, 9 ... epochs at the rate times 10^(-i/7): 3,280 epochs in all, down to a tenth."""
    run = RunSpec(**FIELDS | {"schedule": "burda"})
    stages = [run.learning_rate_at(epoch) for epoch in (1, 2, 4, 5, 13, 14, 40, 41, 3280)]
    assert stages == pytest.approx([1e-3 * 10 ** (-i / 7) for i in (0, 1, 1, 2, 2, 3, 3, 4, 7)])
    assert stages[-1] == pytest.approx(1e-4)
    assert RunSpec(**FIELDS).learning_rate_at(41) == 1e-3


def test_cosine_rates() -> None:
    run = RunSpec(**FIELDS | {"schedule": "cosine", "epochs": 4})
    half = 2**-0.5
    expected = [1.0, (1 + half) / 2, 0.5, (1 - half) / 2]
    assert [run.learning_rate_at(epoch) / 1e-3 for epoch in (1, 2, 3, 4)] == pytest.approx(expected)


def test_runs_that_share_a_configuration_are_as_if_each_was_made_alone() -> None:
    for run in SPEC.seeded([0, 2, 7]):
        alone = RunSpec(**{**FIELDS, "seed": run.seed})
        assert run == alone
        assert (run.run_id, run.configuration, run.cohort) == (alone.run_id, alone.configuration, alone.cohort)
        assert run.model_dump_json() == alone.model_dump_json()


def test_a_changed_copy_has_an_identity_of_its_own() -> None:
    assert SPEC.run_id != SPEC.model_copy(update={"seed": 5}).run_id == RunSpec(**{**FIELDS, "seed": 5}).run_id
