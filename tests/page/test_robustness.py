"""The sections on what few seeds can hide and on several data sets."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from aebench import page
from aebench.analysis.blocks import blocks
from aebench.analysis.evidence import Evidence
from aebench.analysis.purposes import LIKELIHOOD, RECONSTRUCTION
from aebench.analysis.robust import interquartile_mean
from aebench.page.cautions import cautions
from aebench.page.comparing import datasets_section
from aebench.page.look import looks
from aebench.page.plots.budgets import tuning_budgets
from aebench.page.plots.robust import improvements, interquartile_means, profiles
from aebench.page.robustness import robustness


def fallen(source, fall=5.0):
    """The same study with one run whose reconstruction failed."""
    (first, *_) = [record for record in source.records.values() if record.spec.variant == "vae"]
    metrics = {**first.metrics, "recon_mse": first.metrics["recon_mse"] + fall}
    return replace(source, records={**source.records, first.run_id: first.model_copy(update={"metrics": metrics})})


def evidence(source) -> Evidence:
    (known,) = source.evidence.values()
    return known


def test_a_run_that_fell_is_a_caution_and_named_in_the_section(source):
    one = fallen(source(seeds=5))
    shared = looks(one.comparison.configurations)
    (told,) = [item for item in cautions(one.comparison, [], shared) if "two groups" in item.brief]
    assert told.brief == "seeds of 1 configuration in two groups"
    assert told.which == robustness(evidence(one), shared).groups
    assert told.which[0].startswith("VAE β=1, latent size 2: Reconstruction MSE of 1 of 5 seeds far from the others'")


def test_seeds_that_lie_together_are_no_caution(source):
    one = source(seeds=5)
    shared = looks(one.comparison.configurations)
    assert not [item for item in cautions(one.comparison, [], shared) if "two groups" in item.brief]
    assert robustness(evidence(one), shared).groups == ()


def test_the_page_says_what_its_seeds_cannot_see(write):
    text = write().read_text(encoding="utf-8")
    section = re.search(r'<section id="seeds">.*?</section>', text, re.DOTALL)[0]
    assert "3 seeds show no failure in" in section
    assert ">73 %<" in section, "0.9 ** 3"
    assert "up to 63 % of runs may still fail" in section
    assert section.count("<figure") == 4
    assert "<details><summary>no seeds in two groups" in section


def test_dots_are_the_interquartile_means_of_runs_beside_the_middle_one(source):
    one = source(seeds=5)
    known, shared = evidence(one), looks(one.comparison.configurations)
    found = blocks(known, RECONSTRUCTION)
    names, sizes = found.common()
    assert (set(names), len(sizes)) == ({"ae", "vae"}, 2)
    by_size = {}
    for item in known.board:  # what validation chooses: of the VAEs those of β = 1, as their distortion is less
        if item.variant == "ae" or item.settings["beta"] == 1.0:
            by_size.setdefault(item.latent_dim, {})[item.variant] = np.array([*item.values("recon_mse").values()])
    beside = [np.median(np.concatenate([*own.values()])) - own["ae"] for own in by_size.values()]
    plot = interquartile_means([found], shared)
    (axes,) = plot.figure.axes
    dots = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "o"]
    assert max(dots) == pytest.approx(float(interquartile_mean(beside)))
    assert f"AE {float(interquartile_mean(beside)):.3g}"[:8] in plot.alt


def test_plots_of_one_seed_have_no_intervals_and_none_is_drawn_without_numbers(source):
    one = source(seeds=1)
    known, shared = evidence(one), looks(one.comparison.configurations)
    found = [blocks(known, RECONSTRUCTION)]
    plots = [interquartile_means(found, shared), profiles(found, shared), improvements(found, known.contrasts)]
    assert all("[" not in plot.alt for plot in plots)
    likelihood = [blocks(known, LIKELIHOOD)]  # the VAE's alone
    assert interquartile_means(likelihood, shared) is None
    assert profiles(likelihood, shared) is None
    assert improvements(likelihood, known.contrasts) is None


def test_budgets_are_drawn_by_variant(source):
    one = source()
    plot = tuning_budgets(evidence(one), looks(one.comparison.configurations))
    axes = plot.figure.axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata())]
    assert sorted(len(line.get_xdata()) for line in lines) == [2, 4]


def test_two_data_sets_have_a_section_that_says_what_they_cannot_tell(source, tmp_path):
    one = source(seeds=2, latent_dim=[2], beta=[1.0])
    moved = {
        spec.run_id: spec.model_copy(update={"dataset": "other", "dataset_digest": "1" * 64}) for spec in one.specs
    }
    records = {spec.run_id: one.records[own].model_copy(update={"spec": spec, "run_id": spec.run_id})
               for own, spec in moved.items()}  # fmt: skip
    other = replace(one, study=replace(one.study, name="other"), specs=[*moved.values()], records=records)
    text = page.write([one, other], tmp_path / "page").read_text(encoding="utf-8")
    section = re.search(r'<section id="datasets">.*?</section>', text, re.DOTALL)[0]
    assert "digits and other: 2 variants in common, too few for ranks." in section
    assert "better on 0 of 2" in section
    assert "fewer than 8 data sets would call equal variants different" in section
    assert 'href="#datasets"' in text


def test_two_studies_of_one_data_set_are_one(source):
    one = source(seeds=2)
    assert datasets_section([one]) is None
    assert datasets_section([one, replace(one, study=replace(one.study, name="other"))]) is None
