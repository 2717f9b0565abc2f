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
    ),
    "recon_nats": Metric(
        label="Reconstruction", unit="nats/image", better="lower", about="-log p(x|z) at the posterior mean"
    ),
}
PROFILES: Final[dict[str, Metric]] = {}
