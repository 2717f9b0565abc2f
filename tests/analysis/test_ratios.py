"""`compare A B`: ratios of equal work, refusal of unequal work, and sides that hold several places."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aebench.analysis import ratios, sides
from aebench.analysis.ratios import side_by_side
from aebench.errors import UserError
from aebench.records.store import Store


@pytest.fixture
def keep(tmp_path, make_study, expand, make_timing, make_record):
    """keep(name, ...) -> a folder with timings at these batch sizes, and records, of a made-up study."""

    def make(
        name, *, batches=(128,), speedup=1.0, spread=0.02, device="Made-up CPU", runs=(), spec=None, shape=(8, 8, 1)
    ) -> Path:
        store = Store(tmp_path / name)
        grid = [item.model_copy(update=spec or {}) for item in expand(make_study())]
        chosen = {item.cohort: item for item in grid}.values()
        for item in chosen:
            for batch_size in batches:
                record = make_timing(item, batch_size, spread)
                timed = record.spec.model_copy(update={"image_shape": shape})
                operations = {
                    operation: timing.model_copy(update={"seconds": tuple(s / speedup for s in timing.seconds)})
                    for operation, timing in record.operations.items()
                }
                update = {"spec": timed, "timing_id": timed.timing_id, "operations": operations}
                update["environment"] = record.environment.model_copy(update={"device": device})
                store.write_timing(record.model_copy(update=update))
        for item, images_per_s in zip(grid, runs, strict=False):
            store.write_record(make_record(item, train_images_per_s=images_per_s))
        return store.root

    return make


def read(given) -> sides.Side:
    return sides.read(str(given), Path("reports"), pytest.fail)


def test_ratios_are_b_over_a(keep):
    found = side_by_side(read(keep("a")), read(keep("b", speedup=3.0)))
    assert len(found.ratios) == 16, "4 operations of 4 programs"
    assert {round(ratio.median, 9) for ratio in found.ratios} == {3.0}
    assert all(ratio.low < 3.0 < ratio.high for ratio in found.ratios)
    assert not any(ratio.wide for ratio in found.ratios)
    assert found.only_a == found.only_b == ()


@pytest.mark.parametrize(("a", "b"), [(0.02, 0.1), (0.1, 0.02)])
def test_either_side_makes_a_ratio_unsteady(keep, a, b):
    found = side_by_side(read(keep("a", spread=a)), read(keep("b", spread=b)))
    assert all(ratio.wide for ratio in found.ratios)
    assert any("16 of 16 unsteady" in line for line in ratios.notes(found))


def test_what_only_one_side_has_is_told(keep):
    found = side_by_side(read(keep("a", batches=(1, 128))), read(keep("b", batches=(128, 1024), runs=[5.0])))
    assert {ratio.a.work["batch_size"] for ratio in found.ratios} == {"128"}
    told = ratios.notes(found)
    assert any(line.startswith("only A has 16 speeds: ") and "batch size 1 " in f"{line} " for line in told)
    assert any(line.startswith("only B has 17 speeds: ") for line in told)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"spec": {"network": "mlp"}, "shape": (28, 28, 1)},
            "network mlp-256, image shape 8x8x1; B has network mlp, im",
        ),
        ({"spec": {"variant_version": 2}}, "variant version 1; B has variant version 2"),
        ({"spec": {"likelihood": "gaussian"}}, "A has likelihood bernoulli; B has likelihood gaussian"),
        ({"batches": (1, 7)}, "A has batch size 128; B has batch size 1, 7"),
    ],
)
def test_different_work_is_refused(keep, change, told):
    with pytest.raises(UserError, match="nothing to compare") as refusal:
        side_by_side(read(keep("a")), read(keep("b", **change)))
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_different_data_or_length_is_other_training(keep):
    a = read(keep("a", batches=(), runs=[100.0]))
    for name, change in {"b": {"epochs": 41}, "c": {"dataset_digest": "1" * 64}, "d": {"batch_size": 64}}.items():
        with pytest.raises(UserError, match="nothing to compare"):
            side_by_side(a, read(keep(name, batches=(), runs=[100.0], spec=change)))


def test_training_is_compared_over_cohorts(keep):
    a = keep("a", batches=(), runs=[100.0, 100.0, 100.0])  # one cohort: three seeds tell one number
    b = keep("b", batches=(), runs=[300.0, 300.0, 500.0], spec={"backend": "jax", "learning_rate": 0.1, "seed": 7})
    (ratio,) = side_by_side(read(a), read(b)).ratios
    assert ratio.a.work["operation"] == "training"
    assert (ratio.a.rate.count, ratio.b.rate.count) == (1, 1), "b's seeds are one run: the last"
    assert ratio.median == pytest.approx(5.0)


def test_backend_and_device_may_differ(keep):
    a, b = read(keep("a")), read(keep("b", spec={"backend": "jax", "precision": "bfloat16"}, device="Another"))
    found = side_by_side(a, b)
    row = ratios.rows(found)[0]
    assert (row["a_backend"], row["b_backend"], row["b_precision"]) == ("tensorflow", "jax", "bfloat16")
    assert row["b_device"] == "CPU: Another (2 cores)"
    assert not any("same environment" in line for line in ratios.notes(found))


def test_the_same_environment_is_told(keep):
    assert any("same environment" in line for line in ratios.notes(side_by_side(read(keep("a")), read(keep("b")))))


def test_a_side_of_several_places_is_refused_until_one_is_picked(keep):
    keep("a")
    folder = keep("a", device="Faster", speedup=2.0)
    with pytest.raises(UserError, match=r"several places.*CPU: .*\| CPU: .*as in .*a@'CPU: ") as refusal:
        read(folder)
    assert "keras" not in str(refusal.value), "only what differs is told"
    slow, fast = read(f"{folder}@made-up"), read(f"{folder}@faster@tensorflow")
    assert all(ratio.median == pytest.approx(2.0) for ratio in side_by_side(slow, fast).ratios)
    with pytest.raises(UserError, match=r"nothing in .* was timed with 'jax'; it holds CPU: "):
        read(f"{folder}@jax")


def test_the_text_that_a_refusal_proposes_picks_one_place(keep):
    keep("a")
    folder = keep("a", spec={"backend": "jax"})
    with pytest.raises(UserError) as refusal:
        read(folder)
    proposed = str(refusal.value).split("@")[-1].strip("'")
    assert len(read(f"{folder}@{proposed}").places) == 1


def test_a_studys_name_and_file_mean_its_folder(keep, tmp_path, monkeypatch):
    folder = keep("reports/made-up")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "made-up.toml"  # written by make_study
    for given in (file, "reports/made-up", folder, "made-up.toml@tensorflow"):
        assert len(read(given).speeds) == 16


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("nonesuch", "unknown study 'nonesuch'"),
        ("no/such/folder", "no/such/folder is no folder with timings/ or records/"),
        ("digits", "reports/digits holds no timings and no finished runs; run"),
    ],
)
def test_a_side_that_is_not_there(given, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=told):
        read(given)


def test_a_damaged_file_is_told_and_left_as_it_is(keep):
    folder = keep("a")
    damaged = folder / "timings" / "a-damaged.json"
    damaged.write_text("{")
    told: list[str] = []
    assert len(sides.read(str(folder), Path("reports"), told.append).speeds) == 16
    assert told == [f"{damaged} is left out: it is not a valid TimingRecord"]
    assert damaged.exists()


def test_the_command_prints_text_csv_and_json(keep, suite_command):
    a, b = keep("a"), keep("b", speedup=2.0)
    text = suite_command("compare", "--speed", a, b)
    assert text.returncode == 0, text.stderr
    assert "A = " in text.stdout
    assert "2.00" in text.stdout
    told = suite_command("compare", "--speed", a, b, "--format", "json")
    rows = json.loads(told.stdout)
    assert len(rows) == 16
    assert rows[0]["ratio"] == pytest.approx(2.0)
    assert "B = " in told.stderr
    assert (
        suite_command("compare", "--speed", a, b, "--format", "csv")
        .stdout.splitlines()[0]
        .startswith("operation,variant,")
    )


def test_the_command_refuses_different_work_with_status_2(keep, suite_command):
    refused = suite_command("compare", "--speed", keep("a"), keep("b", spec={"network": "mlp"}))
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith("error: nothing to compare: A has network mlp-256; B has network mlp")
