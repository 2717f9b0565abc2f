"""Numbers of single test images, read from what runs have left."""

from __future__ import annotations

import numpy as np
import pytest

from aebench.analysis.configurations import compare
from aebench.analysis.differences import Held, paired_difference
from aebench.analysis.per_image import KeptImages
from aebench.analysis.ranking import Ranking
from aebench.records.store import Store

RNG = np.random.default_rng(0)


@pytest.fixture
def kept(make_study, expand, make_record, tmp_path):
    """A comparison of AE and VAE at one size, and a store with their numbers of 30 images."""
    study = make_study(seeds=3, latent_dim="[2]", beta="[1.0]")
    specs = expand(study)
    store, records = Store(tmp_path), {}
    for spec in specs:
        values = RNG.normal(0.2 if spec.variant == "vae" else 0.1, 0.3, 30).astype("float32")
        arrays = {"distortion": 10.0 + values, "rate": 3.0 + values} if spec.variant == "vae" else {}
        store.write_arrays(
            spec.run_id, "latents", {"silhouette_influence": values, "mean": np.zeros((30, 2)), **arrays}
        )
        records[spec.run_id] = make_record(spec, silhouette=float(values.mean()))
    return compare(study, specs, records), store


def test_a_metric_of_each_image_has_the_metric_for_its_mean(kept):
    comparison, store = kept
    images = KeptImages(store)
    for item in comparison.configurations:
        for record in item.usable:
            assert images(record, "silhouette").mean() == pytest.approx(record.metrics["silhouette"], abs=1e-6)


def test_the_elbo_is_put_together(kept):
    comparison, store = kept
    (vae,) = comparison.where(variant="vae")
    arrays = store.read_arrays(vae.usable[0].run_id, "latents")
    np.testing.assert_allclose(
        KeptImages(store)(vae.usable[0], "elbo_nats"), -(arrays["distortion"] + arrays["rate"]), rtol=1e-6
    )


def test_what_was_not_kept_is_not_known(kept):
    comparison, store = kept
    (ae,) = comparison.where(variant="ae")
    images = KeptImages(store)
    assert images(ae.usable[0], "elbo_nats") is None
    assert images(ae.usable[0], "kmeans_nmi") is None
    assert KeptImages(Store(store.root / "elsewhere"))(ae.usable[0], "silhouette") is None


def test_differences_are_over_seeds_and_images_where_these_are_known(kept):
    comparison, store = kept
    images = KeptImages(store)
    ae, vae = comparison.configurations
    by_metric = {metric: paired_difference(vae, ae, metric, images) for metric in ("silhouette", "recon_mse")}
    assert by_metric["silhouette"].images == 30
    assert by_metric["silhouette"].margin == 0.01
    assert by_metric["recon_mse"].image_se is None
    joint, alone = (paired_difference(vae, ae, "silhouette", given) for given in (images, None))
    assert joint.mean == pytest.approx(alone.mean, abs=1e-6)
    assert joint.se >= 0.9999 * alone.se


def test_images_are_counted_without_reading_their_numbers(kept, monkeypatch):
    comparison, store = kept
    monkeypatch.setattr(Store, "read_arrays", None)
    images = KeptImages(store)
    ae, vae = (item.usable[0] for item in comparison.configurations)
    assert [images.count(run, "silhouette") for run in (ae, vae)] == [30, 30]
    assert [images.count(run, "elbo_nats") for run in (ae, vae)] == [0, 30]
    assert images.count(vae, "kmeans_nmi") == 0
    assert KeptImages(Store(store.root / "elsewhere")).count(vae, "silhouette") == 0


def test_numbers_at_hand_are_counted(kept):
    comparison, store = kept
    (record, *_) = comparison.configurations[0].usable
    held = Held(KeptImages(store))
    assert held.count(record, "silhouette") == 30
    assert held.count(record, "kmeans_nmi") == 0


def test_a_ranking_reads_images_of_those_pairs_alone_whose_answer_hangs_on_them(make_study, expand, make_record):
    """Nine with levels far apart, and a tenth beside the best: the images of these two are asked for."""
    study = make_study(seeds=4, latent_dim="[2]", beta=str([float(at) for at in range(1, 11)]))
    specs = [spec for spec in expand(study) if spec.variant == "vae"]
    levels = {float(at): 100.0 * at for at in range(1, 10)} | {10.0: 900.01}
    images = {spec.run_id: levels[spec.scalars["beta"]] + RNG.normal(0, 0.1, 40) for spec in specs}
    records = {
        spec.run_id: make_record(spec, elbo_nats=float(own.mean())).model_copy(
            update={"image_sd": {"elbo_nats": float(own.std())}}
        )
        for spec, own in zip(specs, images.values(), strict=True)
    }
    board = [item for item in compare(study, specs, records).configurations if item.variant == "vae"]
    asked = set()

    class Counted(Held):
        def __call__(self, record, metric):
            asked.add(record.spec.scalars["beta"])
            return self.of(record, metric)

    best = Ranking("elbo_nats", board, Counted(lambda record, metric: images[record.run_id])).best
    assert {item.settings["beta"] for item in best} == {9.0, 10.0}
    assert asked <= {9.0, 10.0}
