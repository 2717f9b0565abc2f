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
        margin=0.5,  # as far as two careful reproductions of one published model lie apart
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
    "nll_nats": Metric(
        label="NLL",
        unit="nats/image",
        better="lower",
        about="-log p(x) by importance weighting of k codes from the posterior: an upper bound in expectation that "
        "falls with k (Burda et al. 2016)",
        margin=0.5,
    ),
    "nll_samples": Metric(
        label="NLL, codes k", unit="an image", better=None, about="codes that the NLL was taken with"
    ),
    "nll_half_nats": Metric(
        label="NLL at k/2",
        unit="nats/image",
        better=None,
        about="the same with the first half of the codes: what it exceeds the NLL by, k has not yet settled",
    ),
    "nll_effective_samples": Metric(
        label="NLL, effective codes",
        unit="an image",
        better="higher",
        about="(Σ w)² / Σ w² of the importance weights, median over images: few of many codes means a loose bound",
    ),
    "nll_bits_per_dim": Metric(label="NLL, bits", unit="bits/dim", better="lower", about="NLL / (pixels × ln 2)"),
    "elbo_train_nats": Metric(
        label="ELBO, training data",
        unit="nats/image",
        better="higher",
        about="the ELBO of the training split, where a study asks for it",
    ),
    "ppca_train_nats": Metric(
        label="Probabilistic PCA, training data",
        unit="nats/image",
        better=None,
        about="reference: log-likelihood of the training split under its own probabilistic PCA with as many "
        "components, the optimum of a linear VAE (Lucas et al. 2019)",
    ),
    "mutual_information_nats": Metric(
        label="Mutual information",
        unit="nats",
        better=None,
        about="I(x; z) from the aggregated posterior of the training split; cannot exceed log N, and says only "
        '"at least" within 2 nats of it',
    ),
    "mutual_information_ceiling_nats": Metric(
        label="Mutual information, ceiling", unit="nats", better=None, about="reference: log of the training images"
    ),
    "marginal_kl_nats": Metric(
        label="Marginal KL",
        unit="nats",
        better=None,
        about="KL(q(z) || p(z)): how far all codes together are from the prior; with the mutual information, the rate",
    ),
    "active_units": Metric(
        label="Active units",
        unit="of latent size",
        better=None,
        about="latent dimensions whose posterior mean varies over images by more than 0.01 (Burda et al. 2015)",
    ),
}
PROFILES: Final[dict[str, Metric]] = {
    "kl_by_dimension_nats": Metric(
        label="KL by dimension",
        unit="nats",
        better=None,
        about="KL(q(z_j|x) || p(z_j)), mean over test images; 0 where the dimension has collapsed",
        per="latent dimension",
    ),
}
