"""Records as the suite once wrote them must load for good, with the same values and the same identity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aebench.analysis.rows import run_rows
from aebench.measures import METRICS, PROFILES
from aebench.measures.metric import Metric
from aebench.records.record import RunRecord, TimingRecord

FROZEN = Path(__file__).parent.parent / "records" / "frozen"
RUN = (FROZEN / "run_record_v1.json").read_text()
TIMING = (FROZEN / "timing_record_v1.json").read_text()


def test_a_frozen_run_has_its_values() -> None:
    record = RunRecord.model_validate_json(RUN)
    assert record.schema_number == 1
    assert (record.spec.variant, record.spec.latent_dim, record.spec.seed) == ("vae", 4, 0)
    assert record.spec.scalars == {"beta": 4.0}
    assert record.outcome == "ok"
    assert record.metrics.get("elbo_nats") == -26.9361898386644
    assert record.metrics.get("distortion_nats") == 26.91641883618302
    assert record.metrics.get("rate_nats") == 0.019771002481381098
    assert record.metrics.get("silhouette_pca") == 0.07793866949200055
    assert record.metrics.get("active_units") == 0.0
    assert record.curve.val_objective == (27.4115, 27.298, 27.2565, 27.2388, 27.2263)
    assert (record.training.engine, record.training.cohort_size) == ("sequential", 1)
    assert (record.environment.device_kind, record.environment.versions["keras"]) == ("CPU", "3.15.1")
    assert record.metric_versions["silhouette"] == 1


def test_a_frozen_timing_has_its_values() -> None:
    record = TimingRecord.model_validate_json(TIMING)
    assert record.spec.image_shape == (8, 8, 1)
    assert record.spec.batch_size == 128
    assert list(record.operations)[:4] == ["train_step", "encode", "decode", "sample"]
    step = record.operations["train_step"]
    assert (step.images, len(step.seconds), step.seconds[0]) == (512, 15, 0.013714707000417548)
    assert step.compile_seconds == 0.3884700220000923


@pytest.mark.parametrize(("text", "kind"), [(RUN, RunRecord), (TIMING, TimingRecord)])
def test_a_frozen_record_is_written_as_it_was_read(text: str, kind: Any) -> None:
    assert kind.model_validate_json(text).model_dump_json(indent=1, exclude_unset=True) == text


def test_the_identities_of_frozen_records_have_not_moved() -> None:
    run, timing = RunRecord.model_validate_json(RUN), TimingRecord.model_validate_json(TIMING)
    assert run.spec.run_id == run.run_id == "vae-beta4-z4-mlp-256-digits-s0-1273bb4cf9"
    assert timing.spec.timing_id == timing.timing_id == "vae-z4-mlp-256-b128-aee9d8c7d9"


@pytest.mark.parametrize("number", [0, 2])
def test_a_record_of_another_schema_is_refused(number: int) -> None:
    with pytest.raises(ValidationError):
        RunRecord.model_validate({**json.loads(RUN), "schema_number": number})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(ValidationError):
        RunRecord.model_validate({**json.loads(RUN), "metrics": {"elbo_nats": value}})


def test_every_metric_says_how_to_read_it() -> None:
    assert not METRICS.keys() & PROFILES.keys()
    for name, metric in METRICS.items():
        assert isinstance(metric, Metric), name
        assert metric.label, name
        assert metric.about, name
        assert metric.version >= 1, name
    assert METRICS["elbo_nats"].better == "higher"
    assert METRICS["recon_mse"].better == "lower"
    assert METRICS["rate_nats"].better is None


def test_a_row_holds_spec_settings_and_metrics() -> None:
    record = RunRecord.model_validate_json(RUN)
    (row,) = run_rows([record])
    assert "without_class" not in row
    left = record.model_copy(update={"spec": record.spec.model_copy(update={"without_class": 3})})
    assert run_rows([left])[0]["without_class"] == 3
    expected = {"dataset": "digits", "variant": "vae", "latent_dim": 4, "beta": 4.0, "seed": 0, "outcome": "ok"}
    assert expected.items() <= row.items()
    assert row["elbo_nats"] == -26.9361898386644
    assert set(METRICS) <= set(row)


def test_settings_of_a_measure_that_is_no_more_are_read_as_unknown() -> None:
    told = {"nll_samples": 100, "train_elbo_draws": 0}
    assert RunRecord.model_validate({**json.loads(RUN), "measured_with": told}).measured_with is None
    kept = {"nll_tolerance": 0.02, "nll_budget": 128, "train_elbo_draws": 0}
    assert RunRecord.model_validate({**json.loads(RUN), "measured_with": kept}).measured_with.nll_budget == 128


def test_numbers_of_another_version_are_kept_with_the_run_and_left_out_by_who_reads_it() -> None:
    told = json.loads(RUN)
    told["metrics"]["sparkle"], told["profiles"] = 7.0, {"sparkle_by_class": [1.0, 2.0]}
    record = RunRecord.model_validate(told)
    assert record.metrics["sparkle"] == 7.0
    assert run_rows([record]) == run_rows([RunRecord.model_validate_json(RUN)])
