"""What CONTRIBUTING shows does what it says there, and the picture of the imports is that of the code.

That every block of code in the documents runs, `docs/test_blocks.py` sees to.
"""

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
from aebench.study import variants

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


def test_contributings_examples_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variant, network, measure = (
        block("CONTRIBUTING.md", "python", word) for word in ("MyVAE", "mlp_1024", "recon_mae")
    )
    (tmp_path / "mine.py").write_text(variant)
    model = built(variants.load(variants.find("my-vae", tmp_path / "mine.py")), network="linear")
    assert model.scalars == {"beta": 1.0, "kappa": 1.0}
    monkeypatch.setattr("aebench.models.networks.NETWORKS", dict(NETWORKS))
    exec(network, {})
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
