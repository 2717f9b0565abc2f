"""Numbers about reconstructions from the posterior mean."""

from __future__ import annotations

from typing import Final

from suite.metrics.metric import Metric

METRICS: Final[dict[str, Metric]] = {
    "recon_mse": Metric(
        label="Reconstruction MSE",
        unit="per pixel",
        better="lower",
        about="mean squared difference of the image and E[x|z] at the posterior mean",
        margin=0.001,
    ),
    "recon_nats": Metric(
        label="Reconstruction", unit="nats/image", better="lower", about="-log p(x|z) at the posterior mean"
    ),
    "recon_ssim": Metric(
        label="Reconstruction SSIM",
        unit="-1..1",
        better="higher",
        about="structural similarity of the image and E[x|z] at the posterior mean, 7x7 windows (Wang et al. 2004)",
    ),
}
PROFILES: Final[dict[str, Metric]] = {
    "recon_mse_by_class": Metric(
        label="Reconstruction MSE by class", unit="per pixel", better="lower", about="mean over the class", per="class"
    ),
    "recon_nats_by_class": Metric(
        label="Reconstruction by class",
        unit="nats/image",
        better="lower",
        about="-log p(x|z) at the posterior mean, mean over the class",
        per="class",
    ),
}
