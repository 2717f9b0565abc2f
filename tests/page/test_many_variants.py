"""A page of every variant that the suite has: each in the league, with a colour of its own, told in words too."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from aebench import page
from aebench import study as studies
from aebench.analysis.evidence import Evidence
from aebench.analysis.league import league
from aebench.analysis.sources import Source
from aebench.page.look import looks
from aebench.page.plots.leagues import leagues
from aebench.records.store import Store
from aebench.study.contrasts import Contrast

PARTS = "answers", "questions"


@pytest.fixture(scope="module")
def grid():
    """The zoo's study with two settings of each variant, in one latent size and three seeds."""
    study = studies.read("zoo")
    specs = [one for one in study.expand({"digits": "0" * 64}, "tensorflow") if one.latent_dim == 8 and one.seed < 3]
    kept: dict[str, list[str]] = {}
    for spec in specs:
        own = kept.setdefault(spec.variant, [])
        if spec.configuration not in own and len(own) < 2:
            own.append(spec.configuration)
    return study, [spec for spec in specs if spec.configuration in kept[spec.variant]]


@pytest.fixture
def source(grid, make_record, tmp_path):
    study, specs = grid
    places = {variant: at for at, variant in enumerate(dict.fromkeys(spec.variant for spec in specs))}

    def record(spec):
        noise = np.random.default_rng([places[spec.variant], spec.seed]).normal(0.0, 0.01)
        frechet = 5.0 + places[spec.variant] + noise
        return make_record(
            spec, prior_frechet_distance=frechet, prior_frechet_distance_validation=frechet,
            silhouette_validation=0.1 + noise,
        )  # fmt: skip

    records = {spec.run_id: record(spec) for spec in specs}
    return Source(study=study, specs=specs, store=Store(tmp_path / "none"), records=records, timings=[])


def test_the_page_has_a_row_for_every_variant(source, tmp_path):
    text = page.write([source], tmp_path / "page").read_text(encoding="utf-8")
    names = {spec.variant for spec in source.specs}
    tables = re.findall(r'<table class="plain league">.*?</table>', text, re.DOTALL)
    assert sum(table.count('<tr><th scope="row">') for table in tables) == len(names) > 35
    assert f"{len(names) - 8} more variants" in text
    assert 'alt="Likelihood, ELBO, the best first: ' in text


def test_what_is_asked_of_every_variant_is_told_together_and_one_by_one_behind_that(source, tmp_path):
    variants = [one for one in dict.fromkeys(spec.variant for spec in source.specs) if one != "ae"]
    contrasts = tuple(Contrast(variant=one, against="ae") for one in variants)
    asked = replace(source, study=replace(source.study, contrasts=contrasts))
    text = page.write([asked], tmp_path / "page").read_text(encoding="utf-8")
    first, questions = (re.search(rf'<section id="{key}".*?</section>', text, re.DOTALL)[0] for key in PARTS)
    assert first.count('<article class="verdict-of') < 8
    assert f"Variants do not separate classes better than the AE: asked of {len(variants)}" in first
    assert questions.count("separate classes better than the AE of the same latent size?") == len(variants)
    assert "δ-VAE" in first
    assert "Δ-VAE" not in text


def test_every_variant_has_a_hue_of_its_own(source):
    items = source.comparison.configurations
    found = looks(items)
    assert len(set(found.by_variant.values())) == len(found.by_variant) > 35
    colours = {look.name: look.colour for look in found.by_id.values()}
    assert len(set(colours.values())) == len(colours)


def test_the_league_is_drawn_where_there_are_several_variants(source):
    items = source.comparison.configurations
    assert leagues(league(Evidence(board=items)), looks(items)).key == "league"
    few = [item for item in items if item.variant in ("ae", "vae", "iwae")]
    assert leagues(league(Evidence(board=few)), looks(few)) is None


def test_the_best_by_far_stands_alone(source):
    (evidence,) = source.evidence.values()
    found = league(evidence)
    at = [one.name for one in found.purposes].index("Sampling")
    ranked = {row.variant: row.entries[at] for row in found.standings}
    assert [variant for variant, one in ranked.items() if one.among_best] == [source.specs[0].variant]
    assert sorted(one.rank for one in ranked.values()) == list(range(1, len(ranked) + 1))
