"""Numbers of single test images, read from what runs have left."""

from __future__ import annotations

import numpy as np
import pytest

from aebench.analysis.configurations import compare
from aebench.analysis.differences import paired_difference
from aebench.analysis.per_image import per_image
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
    images = per_image(store)
    for item in comparison.configurations:
        for record in item.usable:
            assert images(record, "silhouette").mean() == pytest.approx(record.metrics["silhouette"], abs=1e-6)


def test_the_elbo_is_put_together(kept):
    comparison, store = kept
    (vae,) = comparison.where(variant="vae")
    arrays = store.read_arrays(vae.usable[0].run_id, "latents")
    np.testing.assert_allclose(
        per_image(store)(vae.usable[0], "elbo_nats"), -(arrays["distortion"] + arrays["rate"]), rtol=1e-6
    )


def test_what_was_not_kept_is_not_known(kept):
    comparison, store = kept
    (ae,) = comparison.where(variant="ae")
    images = per_image(store)
    assert images(ae.usable[0], "elbo_nats") is None
    assert images(ae.usable[0], "kmeans_nmi") is None
    assert per_image(Store(store.root / "elsewhere"))(ae.usable[0], "silhouette") is None


def test_differences_are_over_seeds_and_images_where_these_are_known(kept):
    comparison, store = kept
    images = per_image(store)
    ae, vae = comparison.configurations
    by_metric = {metric: paired_difference(vae, ae, metric, images) for metric in ("silhouette", "recon_mse")}
    assert by_metric["silhouette"].images == 30
    assert by_metric["silhouette"].margin == 0.01
    assert by_metric["recon_mse"].image_se is None
    joint, alone = (paired_difference(vae, ae, "silhouette", given) for given in (images, None))
    assert joint.mean == pytest.approx(alone.mean, abs=1e-6)
    assert joint.se >= 0.9999 * alone.se
