"""Benches that do not go smoothly: crashes, divergence, odd data. Without timings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benches import bench, records
from typer.testing import CliRunner, Result

from aebench.cli.app import app
from aebench.records.record import RunRecord

OWN = '''
"""A user's own variants."""

from aebench.models.base import Autoencoder, Terms, register


@register("scaled", version=2)
class Scaled(Autoencoder):
    """Distortion times a weight."""

    def __init__(self, latent_dim, *, weight: float = 1.0, **options):
        super().__init__(latent_dim, **options)
        self.weight = self.scalar("weight", weight)

    def terms(self, images, training=False):
        terms = super().terms(images, training=training)
        return Terms(objective=self.weight * terms.distortion, distortion=terms.distortion)


@register("broken", version=1)
class Broken(Autoencoder):
    """Raises."""

    def terms(self, images, training=False):
        raise RuntimeError("no terms [/today]\\nand more")
'''
MIXED = """
title = "A [/study] of everything"
dataset = "digits"
network = "linear"
seeds = 2
epochs = 2
batch_size = 32
latent_dim = 2

[[variant]]
name = "broken"
file = "own.py"

[[variant]]
name = "scaled"
file = "own.py"
weight = 0.5

[[variant]]
name = "vae"
learning_rate = 1e30

[[variant]]
name = "vae"
dataset = "unlabelled"
network = "mlp-256"

[[variant]]
name = "ae"
dataset = "colours"
network = "conv"
likelihood = "gaussian"
"""


def of_variant(out: Path, variant: str, dataset: str = "digits") -> list[RunRecord]:
    return [item for item in records(out).values() if (item.spec.variant, item.spec.dataset) == (variant, dataset)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds mixed.toml with its variants, and two small data sets, which are imported."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "own.py").write_text(OWN)
    (folder / "mixed.toml").write_text(MIXED)
    rng = np.random.default_rng(0)
    for name, shape in {"unlabelled": (8, 8), "colours": (6, 7, 3)}.items():
        arrays = {
            f"x_{split}": rng.integers(0, 256, (n, *shape), np.uint8) for split, n in (("train", 80), ("test", 40))
        }
        labels = {f"y_{split}": np.arange(n) % 3 for split, n in (("train", 80), ("test", 40))}
        np.savez(folder / f"{name}.npz", **arrays, **(labels if name == "colours" else {}))
        result = CliRunner().invoke(app, ["data", "import", name, str(folder / f"{name}.npz")])
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def mixed(folder: Path) -> Result:
    """What `bench` said about mixed.toml; its records are in the folder `out`."""
    return bench(folder / "mixed.toml", folder / "out")


def test_a_crash_is_told_and_kept_and_stops_nothing(mixed: Result, folder: Path) -> None:
    assert mixed.exit_code == 1, mixed.output
    assert "[1/10] broken-z2-" in mixed.stdout
    assert ": failed: RuntimeError: no terms [/today]\n" in mixed.stdout
    kept = sorted((folder / "out" / "failures").iterdir())
    assert len(kept) == 2
    for path in kept:
        assert "Traceback" in path.read_text()
        assert "no terms [/today]" in path.read_text()
        assert f"failed: {path.stem}: RuntimeError: no terms [/today] (see {path})" in mixed.stderr
    assert of_variant(folder / "out", "broken") == []
    assert len(records(folder / "out")) == 8


def test_a_crashed_run_is_tried_again_and_the_others_are_not(mixed: Result, folder: Path) -> None:
    result = CliRunner().invoke(app, ["bench", str(folder / "mixed.toml"), "--out", str(folder / "out"), "--dry-run"])
    assert "10 runs, 8 finished, 2 to train" in result.stdout
    assert [line.split("-")[0] for line in result.stdout.splitlines()[1:]] == ["broken", "broken"]


def test_a_users_own_variant_is_run(mixed: Result, folder: Path) -> None:
    found = of_variant(folder / "out", "scaled")
    assert [item.spec.scalars for item in found] == [{"weight": 0.5}] * 2
    assert {item.spec.variant_version for item in found} == {2}
    for item in found:
        halves = [value / 2 for value in item.curve.val_distortion]
        assert item.curve.val_objective == pytest.approx(halves, rel=1e-4)


def test_a_diverged_run_is_told_and_left_out(mixed: Result, folder: Path) -> None:
    found = of_variant(folder / "out", "vae")
    assert [item.outcome for item in found] == ["diverged"] * 2
    assert all(item.metrics.get("elbo_nats") is None for item in found)
    assert mixed.stdout.count("diverged in epoch ") == 2
    assert "0 of 2" in mixed.stdout
    assert "warning: 2 of 8 finished runs diverged and are left out of the means; --retry-diverged" in mixed.stderr
    command = ["bench", str(folder / "mixed.toml"), "--out", str(folder / "out"), "--only", "variant == 'vae'"]
    assert "4 runs, 4 finished, 0 to train" in CliRunner().invoke(app, [*command, "--dry-run"]).stdout
    again = CliRunner().invoke(app, [*command, "--dry-run", "--retry-diverged"]).stdout
    assert "4 runs, 2 finished, 2 to train" in again


def test_images_without_labels_have_no_class_measures(mixed: Result, folder: Path) -> None:
    found = of_variant(folder / "out", "vae", "unlabelled")
    assert [item.outcome for item in found] == ["ok"] * 2
    for item in found:
        numbers = item.metrics
        assert {name: numbers[name] for name in numbers if name.startswith("silhouette")} == dict.fromkeys(
            [name for name in numbers if name.startswith("silhouette")]
        )
        assert numbers["elbo_nats"] is not None
        assert numbers["active_units"] is not None
    line = next(line for line in mixed.stdout.splitlines() if line.strip().startswith("VAE β=1 unlabelled"))
    assert "n/a" in line


def test_images_of_any_shape_and_colour_run(mixed: Result, folder: Path) -> None:
    found = of_variant(folder / "out", "ae", "colours")
    assert [item.outcome for item in found] == ["ok"] * 2
    for item in found:
        assert item.spec.network == "conv"
        assert item.metrics.get("silhouette") is not None
        assert item.metrics.get("recon_mse") > 0
    with np.load(folder / "out" / "artefacts" / found[0].run_id / "figures.npz") as figures:
        assert figures["originals"].shape == (10, 6, 7, 3)


def test_a_title_is_taken_as_it_is_written(mixed: Result) -> None:
    assert "A [/study] of everything: mean ± sd over seeds" in mixed.stdout


def test_tables_tell_what_is_missing(mixed: Result, folder: Path) -> None:
    command = ["table", str(folder / "mixed.toml"), "--out", str(folder / "out"), "--format", "json"]
    rows = {(row["variant"], row["dataset"]): row for row in json.loads(CliRunner().invoke(app, command).stdout)}
    counts = {key: (row["planned"], row["finished"], row["diverged"], row["recon_mse_n"]) for key, row in rows.items()}
    assert counts == {
        ("broken", "digits"): (2, 0, 0, 0),
        ("scaled", "digits"): (2, 2, 0, 2),
        ("vae", "digits"): (2, 2, 2, 0),
        ("vae", "unlabelled"): (2, 2, 0, 2),
        ("ae", "colours"): (2, 2, 0, 2),
    }
