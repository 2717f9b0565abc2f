"""The pages of docs/variants/, and the numbers in them."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aebench.records.store import Store
from aebench.study import read, variants

REPO = Path(__file__).resolve().parent.parent


def script(name: str) -> Any:
    """A script of docs/, as a module."""
    spec = importlib.util.spec_from_file_location(name, REPO / "docs" / f"{name}.py")
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for the module that they are in
    spec.loader.exec_module(module)
    return module


write_variants = script("write_variants")


def test_the_variants_pages_are_written_from_their_docstrings() -> None:
    written, folder = write_variants.pages(), write_variants.PAGES
    assert {path.name for path in folder.glob("*.md")} == written.keys(), "run `make docs`"
    for name, text in written.items():
        assert (folder / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"


@pytest.mark.parametrize("name", sorted(variants.built_in()))
def test_a_variants_docstring_has_what_its_page_shows(name: str) -> None:
    """Each setting with what it is in the paper, or in the source that is named, or where that is told."""
    page = write_variants.page_of(variants.find(name))
    assert tuple(page.sections) == write_variants.SECTIONS
    assert all([page.text, *page.sections.values()])
    assert {"latent_dim", *page.settings} == {one for one in page.arguments if not one.startswith("**")}
    for setting in page.settings:
        told = page.arguments[setting]
        assert re.search(r"\b[Ii]n (the|their|its|that of|[A-Z]\w+ (&|et al))|see `", told), f"{setting}: {told}"


def test_a_page_shows_a_setting_its_default_and_our_numbers() -> None:
    row = {"study": "zoo", "dataset": "digits", "latent_dim": 8, "variant": "vae", "label": "VAE β=4", "runs": 5,
           "settings": {"beta": 4.0}, "nll_nats": [21.456, 0.123], "elbo_nats": None, "recon_mse": [0.01234, None],
           "silhouette": [0.1, 0.0], "prior_recognisable": [0.75, 0.02], "speed": 1.0}  # fmt: skip
    page = write_variants.page_of(variants.find("vae"))
    text = write_variants._page(page, {"VAE": "vae"}, [row])
    assert "| `beta` | `1.0` | weight β of the rate" in text
    assert (
        "| zoo | digits | 8 | VAE β=4 | 5 | 21.46 ± 0.12 | n/a | 0.0123 | 0.100 ± 0.000 | 0.750 ± 0.020 | 1.00 |"
        in text
    )
    assert "KL(q(z|x) || p(z))" in text, "not escaped in a block of code"
    board = write_variants._index([page], [row])
    assert "| [vae](vae.md) | VAE β=4 | 5 | 21.46 ± 0.12 |" in board
    assert "## digits, z = 8 (study zoo)" in board


def test_numbers_of_a_study_s_records_are_those_of_its_best_setting(tmp_path: Path, make_record: Any) -> None:
    """The highest validation ELBO of two, of made-up records."""
    numbers, study = script("variants_numbers"), tmp_path / "own.toml"
    study.write_text('name = "own"\ndataset = "digits"\nepochs = 3\nlatent_dim = 2\nseeds = 2\n'
                     '[[variant]]\nname = "vae"\nbeta = [0.5, 1.0]\n')  # fmt: skip
    store, elbos = Store(tmp_path / "records"), {}
    for spec in read(str(study)).expand({"digits": "0" * 64}, "tensorflow"):
        record = make_record(spec)
        store.write_record(record)
        elbos.setdefault(spec.scalars["beta"], []).append(-record.curve.val_distortion[-1] - record.curve.val_rate[-1])
    made = numbers.rows(str(study), None, str(tmp_path / "records"))
    stale, other = {**made[0], "runs": 1}, {**made[0], "latent_dim": 8}
    kept, row = numbers.merged([stale, other], made, {"vae": 1.0})
    assert (kept["latent_dim"], kept["speed"]) == (8, 1.0), "what has no new runs stays"
    assert (row["variant"], row["runs"], row["speed"]) == ("vae", 2, 1.0)
    assert row["settings"] == {"beta": max(elbos, key=lambda beta: np.mean(elbos[beta]))}
    assert set(row) >= {key for key, _, _ in write_variants.COLUMNS}
