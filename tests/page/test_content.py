"""What the page says, without a browser."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from aebench import page
from aebench.errors import UserError
from aebench.page.citing import citing
from aebench.page.facts import facts, likelihood_words
from aebench.page.scatter import scatter
from aebench.page.sheets import montage, sprite
from aebench.records.store import Store
from aebench.study import declarations
from aebench.study.expectations import Expectation
from aebench.study.references import bibtex


def test_titles_and_labels_are_text_and_never_markup(write):
    text = write(title="<script>alert(1)</script> & Co").read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in text


def test_every_likelihood_has_words_of_its_own():
    words = {name: likelihood_words(name) for name in declarations.likelihoods()}
    assert not any(words[name] == f"{name} likelihood" for name in words)
    assert len(set(words.values())) == len(words)
    assert likelihood_words("categorical-17") == f"{words['categorical']}, levels: 17"


def test_numbers_on_the_page_are_those_of_the_records(write):
    text = write().read_text()
    values = [(30.0 + np.random.default_rng(seed).normal(0, 0.3)) / 1000 for seed in range(3)]  # as the fixture's AE
    assert f'>{np.mean(values):.6f} <span class="sd">± {np.std(values, ddof=1):.6f}<' in text


def test_configurations_of_two_likelihoods_are_never_ranked_together(write):
    text = write(likelihood='["bernoulli", "continuous_bernoulli"]').read_text()
    bodies = re.findall(r'<tbody data-title="([^"]+)">(.*?)</tbody>', text, re.DOTALL)
    assert len({title for title, _ in bodies}) == len(bodies) == 2
    for _, body in bodies:
        assert "best" in body
    assert text.count(">Likelihood</th>") == 2


def test_several_studies_share_a_page(source, tmp_path):
    one = source(seeds=2, latent_dim=[2], beta=[1.0])
    other = replace(one, study=replace(one.study, name="other", title="Another study"))
    text = page.write([one, other], tmp_path / "page").read_text()
    assert "A made-up study and Another study" in text
    titles = re.findall(r'<tbody data-title="([^"]+)">', text)
    assert [title.rpartition(", ")[2] for title in titles] == ["study made-up", "study other"]
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_two_backends_of_a_study_stand_side_by_side(source, tmp_path):
    one = source(seeds=2, latent_dim=[2], beta=[1.0])
    specs = [spec.model_copy(update={"backend": "jax"}) for spec in one.specs]
    moved = dict(zip((spec.run_id for spec in one.specs), specs, strict=True))
    records = {
        moved[name].run_id: record.model_copy(update={"spec": moved[name], "run_id": moved[name].run_id})
        for name, record in one.records.items()
    }
    text = page.write([one, replace(one, specs=specs, records=records)], tmp_path / "page").read_text()
    titles = re.findall(r'<tbody data-title="([^"]+)">', text)
    assert [title.rpartition(", ")[2] for title in titles] == ["on tensorflow", "on jax"]
    assert "How made-up on jax was run" in text
    assert "aebench bench made-up.toml --backend jax" in text
    assert text.count("AE and β-VAE on made-up images") == 3  # above, and in the study's file of each
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_known_values_are_told_on_the_first_screen(source, tmp_path):
    given = source(seeds=2)
    wanted = {
        "title": "a value",
        "variant": "ae",
        "metric": "recon_mse",
        "low": -0.001,
        "high": 0.001,
        "source": "here",
    }
    held = tuple(Expectation(**wanted, value=value, settings={"latent_dim": 2}) for value in (0.03, 0.03, 0.5))
    study = replace(given.study, expectations=held)
    text = page.write([replace(given, study=study)], tmp_path / "page").read_text()
    assert "Held against known values: 2 pass, 1 fail; " in text
    assert text.index("Held against known values: 2") < text.index("What to choose") < text.index('id="held"')


def test_missing_diverged_and_untimed_runs_are_told(source, make_record, tmp_path):
    given = source(seeds=3)
    records = dict(given.records)
    gone, bad = given.specs[0], given.specs[4]
    del records[gone.run_id]
    records[bad.run_id] = make_record(bad, outcome="diverged")
    text = page.write([replace(given, records=records, timings=[])], tmp_path / "page").read_text()
    assert "2 of 3" in text
    assert "diverged" in text
    assert "No timings were taken" in text
    assert "17 of 18" in text


def test_a_page_without_pictures_says_so(source, tmp_path):
    text = page.write([replace(source(seeds=1), store=Store(tmp_path / "none"))], tmp_path / "page").read_text()
    assert "No pictures were kept" in text
    assert 'id="live"' not in text


def test_without_labels_class_measures_are_not_available(source, make_record, tmp_path):
    given = source(seeds=2, latent_dim=[2], beta=[1.0])
    without = dict.fromkeys(("silhouette", "silhouette_pixels", "silhouette_pca", "silhouette_untrained"))
    records = {spec.run_id: make_record(spec, **without) for spec in given.specs}
    text = page.write([replace(given, records=records)], tmp_path / "page").read_text()
    assert "n/a: no labels" in text


def test_no_finished_run_is_an_error_in_one_line(source, tmp_path):
    with pytest.raises(UserError, match=r"no finished runs of study 'made-up' .* run `aebench bench"):
        page.write([replace(source(), records={})], tmp_path / "page")


def test_nothing_outside_the_file_is_named(write):
    text = write().read_text()
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*\"", text)
    assert "@import" not in text
    assert not re.findall(r"url\((?!data:)", text)


@pytest.mark.parametrize(("side", "channels", "below"), [(8, 1, 0), (28, 1, 13), (32, 3, 0)])
def test_a_montage_keeps_every_pixel(side, channels, below):
    images = np.random.default_rng(0).integers(0, 255, (3, side, side, channels), dtype=np.uint8)
    paper = montage([images[:2], images[2:]], below)
    step = side + 1 + below
    assert paper.shape[:2] == (2 * step, 2 * (side + 1))
    assert (paper[step : step + side, :side].reshape(images[2].shape) == images[2]).all()
    assert (paper[step:, side + 1 :] == 255).all()


def test_a_sprite_holds_every_image_in_its_place():
    from PIL import Image

    images = np.random.default_rng(0).integers(0, 255, (93, 6, 5, 1), dtype=np.uint8)
    made = sprite(images, exact=True)
    pixels = np.asarray(Image.open(BytesIO(base64.b64decode(made.src.partition(",")[2]))))
    for at in (0, 39, 40, 92):
        row, column = divmod(at, made.columns)
        np.testing.assert_array_equal(pixels[row * 6 : row * 6 + 6, column * 5 : column * 5 + 5], images[at, ..., 0])


def test_dots_lie_where_their_codes_do_with_the_second_axis_upwards():
    points = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
    drawn = scatter(points, np.array([0, 0, 1, 1]), ("a", "b"))
    assert [one.path for one in drawn] == ["M30 735h0M970 735h0", "M30 265h0M970 265h0"]
    assert [(one.name, one.x, one.y) for one in drawn] == [("a", 500, 735), ("b", 500, 265)]


def test_what_runs_are_trained_without_is_told(source, expand, make_record):
    given = source(seeds=2, latent_dim=[2], beta=[1.0])
    assert "Left out" not in {fact.name for fact in facts(given)}
    study = replace(given.study, without_class=(4, 7))
    specs = expand(study)
    without = replace(given, study=study, specs=specs, records={spec.run_id: make_record(spec) for spec in specs})
    (told,) = (fact.lines[0] for fact in facts(without) if fact.name == "Left out")
    peers = [{item.peers for item in one.comparison.configurations} for one in (given, without)]
    assert [len(own) for own in peers] == [1, 1]
    assert peers[0] != peers[1], "no fair comparison"
    assert "seed 0 without class 4 and seed 1 without class 7" in told


def test_a_page_to_share_has_everything_but_the_pictures(source, tmp_path):
    given = [source()]
    whole, shared = (page.write(given, tmp_path / "page", pictures=pictures) for pictures in (True, False))
    assert (whole.name, shared.name) == ("index.html", "share.html")
    with_pictures, without = whole.read_text(), shared.read_text()
    assert shared.stat().st_size <= 2_000_000
    assert "data:image/png" in with_pictures
    assert "data:image/png" not in without
    assert "data:image/webp" not in without
    for part in ("answers", "questions", "table", "plots", "seeds", "speed", "method"):
        section = re.compile(rf'<section id="{part}".*?</section>', re.DOTALL)
        assert section.search(with_pictures)[0] == section.search(without)[0]
    assert 'href="#seeing"' not in without


def test_pictures_that_nothing_on_the_page_has_are_not_described(write):
    text = write().read_text()
    assert "<dt>Prior samples</dt>" in text
    assert "<dt>Factors in dimensions</dt>" not in text


def test_names_of_measures_lead_to_the_pages_own_definitions(write):
    text = write().read_text()
    wanted = set(re.findall(r'href="#(measure-[a-z0-9_]+)"', text))
    assert {"measure-elbo_nats", "measure-recon_mse", "measure-silhouette"} <= wanted
    assert wanted <= set(re.findall(r'<div id="(measure-[a-z0-9_]+)">', text))


def test_the_page_says_how_it_is_cited_and_made_again(source, tmp_path):
    given = source()
    text = html.unescape(page.write([given], tmp_path / "page").read_text())
    assert "@software{aebench," in text
    for variant in ("ae", "vae"):
        assert all(bibtex(paper) in text for paper in given.study.declaration(variant).papers)
    assert "git checkout 0123abc\naebench bench made-up.toml --backend tensorflow\naebench report made-up.toml" in text
    assert "Python 3.11.2 keras==3.15.1 tensorflow==2.21.0 on Made-up CPU, Linux" in text
    lines = "".join(f"{line}\n" for line in re.findall(r"[0-9a-f]{64}  records/\S+\.json", text))
    assert hashlib.sha256(lines.encode()).hexdigest() in text
    checked = subprocess.run(
        ["sha256sum", "--check", "--status"], input=lines, cwd=given.store.root, text=True, check=False
    )
    assert checked.returncode == 0
    assert lines.count("\n") == len(given.records)


def test_what_is_cited_of_aebench_is_what_its_own_file_says():
    told = (Path(__file__).resolve().parents[2] / "CITATION.cff").read_text()
    assert re.search(r"^title: \"(.+)\"$", told, re.MULTILINE)[1] in citing([]).text
    assert re.search(r"^  - name: (.+)$", told, re.MULTILINE)[1] in citing([]).text
    assert f"version = {{{re.search(r'^version: (.+)$', told, re.MULTILINE)[1]}}}" in citing([]).text
