"""A variant that nobody has written yet: verdicts, colours, tables and plots come from what its study declares."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aebench import page, study
from aebench.analysis.sources import Source
from aebench.records.record import RunRecord
from aebench.records.store import Store

VARIANT = '''
from aebench.models import VAE, register


@register("novel", version=1)
class Novel(VAE):
    """Something new."""

    def __init__(self, latent_dim, *, kappa: float = 2.0, **options):
        super().__init__(latent_dim, **options)
        self.kappa = self.scalar("kappa", kappa)
'''
STUDY = """
dataset = "digits"
network = "linear"
seeds = 5
epochs = 40
latent_dim = [2, 4]
[[variant]]
name = "base"
file = "novel.py"
[[variant]]
name = "novel"
file = "novel.py"
kappa = [1.0, 2.0, 4.0]
"""
base = VARIANT.replace('"novel"', '"base"').replace("Novel", "Base").replace(", *, kappa: float = 2.0", "")
base = base.replace('        self.kappa = self.scalar("kappa", kappa)\n', "").replace(
    "from aebench.models import VAE, register", ""
)


@pytest.fixture
def source(tmp_path: Path, make_record: Callable[..., RunRecord]) -> Callable[..., Source]:
    """source(contrast="", **numbers) -> a study of two variants of the user's own, with these numbers of `novel`."""

    def made(contrast: str = "", **numbers: Any) -> Source:
        (tmp_path / "novel.py").write_text(VARIANT + base)
        (tmp_path / "new.toml").write_text(STUDY + contrast)
        chosen = study.read(str(tmp_path / "new.toml"))
        specs = chosen.expand({"digits": "0" * 64}, "tensorflow")
        records = {}
        for spec in specs:
            noise = 1e-4 * spec.seed * spec.latent_dim
            own = {"silhouette": 0.1 + noise, "recon_mse": 0.05, **(numbers if spec.variant == "novel" else {})}
            records[spec.run_id] = make_record(spec, **{name: value + noise for name, value in own.items()})
        return Source(study=chosen, specs=specs, store=Store(tmp_path / "out"), records=records, timings=[])

    return made


def verdicts(source: Source) -> dict[str, str]:
    from aebench.analysis.questions import verdicts as asked

    (evidence,) = source.evidence.values()
    return {verdict.question: verdict.standing for verdict in asked(evidence)}


def test_it_is_held_against_the_simplest_and_its_setting_against_its_own_default(source):
    found = verdicts(source(silhouette=0.2))
    question = "Does the novel (kappa = 2) separate classes better than the base of the same latent size?"
    assert found[question] == "refuted"
    assert "Does kappa help or hurt?" in found


def test_a_study_asks_in_what_it_wants_to_know(source):
    contrast = '[[contrast]]\nvariant = "novel"\nagainst = "base"\nmetrics = ["recon_mse"]\nclaim = "it is no better"\n'
    better, worse = (verdicts(source(contrast, recon_mse=error)) for error in (0.01, 0.09))
    question = "Does the novel (kappa = 2) do better in Reconstruction MSE than the base of the same latent size?"
    assert (better[question], worse[question]) == ("refuted", "confirmed"), "less is better"


def test_the_page_names_colours_and_filters_it(source, tmp_path):
    text = page.write([source(silhouette=0.2)], tmp_path / "page").read_text()
    assert "Does the novel separate classes better than the base?" in text
    names = ["base", *(f"novel kappa={value}" for value in (1, 2, 4))]
    colours = {name: {*re.findall(rf'style="background:(#[0-9a-fA-F]+)"></span>{name}<', text)} for name in names}
    assert [len(found) for found in colours.values()] == [1] * 4, "one colour each, wherever it is named"
    assert len(set.union(*colours.values())) == 4, "and its own"
    assert text.count('data-settings=\'{"kappa": "4"}\'') == 2
    assert text.count("<figure") > 4
    rest = re.sub(r"<style>.*?</style>|<script.*?</script>|beta_vae_score", "", text, flags=re.DOTALL)
    assert "beta" not in rest.lower()


def test_what_a_setting_does_is_told_in_marks(source):
    """Of kappa = 1 and 4 against 2, at two latent sizes each."""
    from aebench.analysis.questions import verdicts as asked

    given = source(silhouette=0.2)
    records = {
        run: record.model_copy(
            update={"metrics": {**record.metrics, "recon_mse": 0.05 + 0.01 * record.spec.scalars.get("kappa", 2.0)}}
        )
        for run, record in given.records.items()
    }
    (evidence,) = Source(
        study=given.study, specs=given.specs, store=given.store, records=records, timings=[]
    ).evidence.values()
    (found,) = (one for one in asked(evidence) if one.matrix)
    at = found.matrix.heads.index("Reconstruction MSE ↓")
    assert [(what, cells[at]) for what, cells in found.matrix.rows] == [
        ("kappa = 1 against 2", ("▲ 2 of 2", "yes")),
        ("kappa = 4 against 2", ("▼ 2 of 2", "no")),
    ]
    silhouette = found.matrix.heads.index("Silhouette ↑")
    assert {cells[silhouette][0] for _, cells in found.matrix.rows} == {"="}
