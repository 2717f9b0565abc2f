"""Numbers about the likelihood and the use of the code."""

from __future__ import annotations

from typing import Final

from suite.metrics.metric import Metric

METRICS: Final[dict[str, Metric]] = {
    "elbo_nats": Metric(
        label="ELBO",
        unit="nats/image",
        better="higher",
        about="-(distortion + rate) at β = 1, whatever β the run was trained with",
    ),
    "elbo_nats_mc_se": Metric(
        label="ELBO Monte Carlo error",
        unit="nats/image",
        better=None,
        about="standard error of the ELBO that comes from drawing codes",
    ),
    "elbo_bits_per_dim": Metric(
        label="ELBO, negative", unit="bits/dim", better="lower", about="-ELBO / (pixels × ln 2)"
    ),
    "distortion_nats": Metric(
        label="Distortion",
        unit="nats/image",
        better="lower",
        about="E_q[-log p(x|z)], 16 codes drawn from each image's posterior",
    ),
    "rate_nats": Metric(
        label="Rate",
        unit="nats/image",
        better=None,
        about="KL(q(z|x) || p(z)), mean over images: what the code costs",
    ),
    "active_units": Metric(
        label="Active units",
        unit="of latent size",
        better=None,
        about="latent dimensions whose posterior mean varies over images by more than 0.01 (Burda et al. 2015)",
    ),
}
PROFILES: Final[dict[str, Metric]] = {}
