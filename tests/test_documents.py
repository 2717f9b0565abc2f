"""What the documents show works as it stands there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from aebench.measures.evaluator import Evaluator
from aebench.models import VAE
from aebench.models.networks import NETWORKS
from aebench.study import networks, read, variants

REPO = Path(__file__).resolve().parent.parent
IMAGES = np.random.default_rng(0).random((6, 28, 28, 1)).astype("float32").round()


def blocks(document: str, language: str) -> list[str]:
    """The code blocks of a document."""
    return re.findall(rf"```{language}\n(.*?)```", (REPO / document).read_text(encoding="utf-8"), re.DOTALL)


def block(document: str, language: str, word: str) -> str:
    """The one block that has this word."""
    (found,) = (text for text in blocks(document, language) if word in text)
    return found


def built(cls: Any, **options: Any) -> Any:
    model = cls(3, **options)
    model.adapt(IMAGES)
    return model


def test_the_picture_of_the_imports_is_drawn_from_the_code() -> None:
    spec = importlib.util.spec_from_file_location("draw_imports", REPO / "docs" / "draw_imports.py")
    script: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    drawn = script.drawn(script.imports())
    assert script.PICTURE.read_text(encoding="utf-8") == drawn, "run `python docs/draw_imports.py`"


def test_the_readmes_variant_is_declared_and_trains(tmp_path: Path) -> None:
    path = tmp_path / "my_variant.py"
    path.write_text(block("README.md", "python", "budget-vae"))
    declared = variants.find("budget-vae", path)
    assert (declared.version, declared.scalars) == (1, {"budget": 5.0})
    model = built(variants.load(declared), network="linear", budget=2.0)
    assert np.isfinite(float(keras.ops.convert_to_numpy(model.compute_loss(IMAGES))))


def test_the_readmes_network_and_study_are_read(tmp_path: Path) -> None:
    (tmp_path / "my_network.py").write_text(block("README.md", "python", "my_network.py"))
    own = block("README.md", "toml", "own_network").replace('network = "small"', 'network = ["small", "mlp"]', 1)
    head = 'dataset = "digits"\nseeds = 1\nepochs = 1\nlatent_dim = 3\n'
    (tmp_path / "own.toml").write_text(f'{head}{own}\n[[variant]]\nname = "vae"\n')
    (declared,) = read(str(tmp_path / "own.toml")).networks.values()
    assert declared.identity == "small@1"
    model = built(VAE, network=networks.load(declared))
    assert keras.ops.convert_to_numpy(model(IMAGES)).shape == IMAGES.shape


def test_the_readmes_study_is_read(tmp_path: Path) -> None:
    text = block("README.md", "toml", "mine.toml") + block("README.md", "toml", "[[contrast]]")
    text = text.replace('dataset = "mnist"', 'dataset = "digits"')
    (tmp_path / "mine.toml").write_text(text)
    study = read(str(tmp_path / "mine.toml"))
    assert len(study.expand({"digits": "0" * 64}, "tensorflow")) == 3 * (2 + 2)
    assert (study.contrasts[0].metrics, study.measures.nll_budget) == (("silhouette", "recon_mse"), 1024)


def test_contributings_examples_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variant, network, measure = (
        block("CONTRIBUTING.md", "python", word) for word in ("MyVAE", "mlp_1024", "recon_mae")
    )
    (tmp_path / "mine.py").write_text(f"from aebench.models import VAE, register\n{variant}")
    model = built(variants.load(variants.find("my-vae", tmp_path / "mine.py")), network="linear")
    assert model.scalars == {"beta": 1.0, "kappa": 1.0}
    monkeypatch.setattr("aebench.models.networks.NETWORKS", dict(NETWORKS))
    exec(f"from aebench.models.networks import dense, register_network\n{network}", {})
    assert built(VAE, network="mlp-1024").encoder.output_shape == (None, 1024)
    declared = eval(
        f"{{{measure}}}", {"ops": keras.ops, "Metric": __import__("aebench.measures", fromlist=["Metric"]).Metric}
    )
    evaluator = Evaluator(model)
    weights = {name: keras.ops.convert_to_numpy(weight.value)
               for name, weight in zip(evaluator._names, model.weights, strict=True)}  # fmt: skip
    found = evaluator.apply(declared["recon_mae"].of_images, evaluator.load([weights]), IMAGES)
    expected = np.abs(keras.ops.convert_to_numpy(model(IMAGES)) - IMAGES).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
