"""How a run stood earlier, and since when what is said of it now has been so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aebench.analysis import milestones
from aebench.analysis.configurations import compare
from aebench.analysis.evidence import Evidence
from aebench.analysis.questions import verdicts
from aebench.records.record import Curve, Milestone, RunRecord
from aebench.study.contrasts import Contrast

LENGTH = 40


@pytest.fixture
def record(make_study, expand, make_record) -> RunRecord:
    (spec, *_) = expand(make_study(epochs=LENGTH))
    curve = Curve(objective=tuple(map(float, range(LENGTH))), val_objective=tuple(map(float, range(LENGTH))))
    whole = make_record(spec, curve=curve)
    versions = {"recon_mse": whole.metric_versions["recon_mse"], "silhouette": whole.metric_versions["silhouette"] - 1}
    halfway = Milestone(part=0.5, epoch=20, metrics={"recon_mse": 0.5, "silhouette": 0.2}, metric_versions=versions)
    return whole.model_copy(update={"milestones": (halfway,)})


def test_a_run_at_a_milestone_has_its_curve_up_to_there_and_what_was_measured_there(record):
    earlier = milestones.after(record, 0.5)
    assert len(earlier.curve.objective) == len(earlier.curve.val_objective) == 20
    assert earlier.curve.rate == ()
    assert earlier.metrics == {"recon_mse": 0.5}, "a measure of another version is not the same measure"


def test_a_milestone_survives_its_record(record):
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_records_of_before_there_were_milestones_are_read(record):
    content = record.model_dump(mode="json")
    del content["milestones"]
    assert RunRecord.model_validate(content).milestones == ()


@pytest.mark.parametrize(
    ("earlier", "since"),
    [
        ({0.25: "a", 0.5: "a"}, 0.25),
        ({0.25: "b", 0.5: "a"}, 0.5),
        ({0.25: "a", 0.5: "b"}, None),  # came back: it has moved since half the training
        ({0.5: "b"}, None),
        ({}, None),
    ],
)
def test_since_when_something_is_as_it_is(earlier, since):
    assert milestones.held_since("a", earlier) == since


def test_what_moves_says_what_it_was():
    def told(earlier):
        return milestones.words("a", earlier, 40, lambda own: f"it was {own}")

    assert told({0.25: "a", 0.5: "a"}) == "Stood since epoch 10 of 40."
    assert told({0.25: "b", 0.5: "a"}) == "Stood since epoch 20 of 40."
    assert told({0.25: "a", 0.5: "b"}) == "Still moving: after 20 of 40 epochs it was b."
    assert told({}) == ""


@pytest.mark.parametrize(("before", "stood"), [(0.9, "the claim was refuted"), (0.1, "Stood since epoch 20 of 40.")])
def test_a_verdict_says_whether_it_was_the_same(make_study, expand, make_record, before, stood):
    study = make_study(latent_dim="[2]", beta="[1.0]", epochs=LENGTH, seeds=5)
    contrast = Contrast(variant="vae", against="ae", metrics=("silhouette",))

    def evidence(of_vae: float, spread: float = 0.001) -> Evidence:
        def silhouette(spec):
            return of_vae + spread * (spec.seed % 3) if spec.variant == "vae" else 0.5

        specs = expand(study)
        records = {spec.run_id: make_record(spec, silhouette=silhouette(spec)) for spec in specs}
        return Evidence(board=compare(study, specs, records).configurations, contrasts=[contrast])

    now = evidence(0.1)
    known = Evidence(board=now.board, contrasts=now.contrasts, earlier={0.5: evidence(before)})
    (verdict,) = (one for one in verdicts(known) if "separate classes" in one.question)
    assert verdict.standing == "confirmed"
    assert stood in verdict.stood
    assert all(one.stood == "" for one in verdicts(now)), "without milestones nothing is known"
    unsettled = replace(evidence(0.5, spread=0.2), earlier={0.5: evidence(0.5, spread=0.2)})
    (verdict,) = (one for one in verdicts(unsettled) if "separate classes" in one.question)
    assert (verdict.standing, verdict.stood) == ("not settled", ""), "there is nothing that could stand"
