"""The VAE with Student-t posteriors."""

from __future__ import annotations

from typing import Any

from aebench.models.base import register
from aebench.models.distributions import StandardNormal
from aebench.models.heavy_tails import StandardStudentT, StudentT
from aebench.models.vae import VAE

PRIORS = ("normal", "student")


@register("student-vae", version=1)
class StudentVAE(VAE):
    """VAE with Student-t posteriors, under a normal or a Student-t prior (Chen et al. 2020; Mathieu et al. 2019).

    Heavy tails let single codes lie far from an image's mean, and under a Student-t prior single images far from all
    others; with many degrees of freedom it is the Gaussian VAE. Chen et al. have Student-t posteriors, with another
    loss; Mathieu et al. have Student-t priors of scale 1, with Gaussian posteriors.

    Objective:
        D + β KL(q(z|x) || p(z)), in closed form under N(0, I), estimated at the drawn code under Student's t

    Args:
        latent_dim: numbers in a code, >= 1.
        degrees: of freedom of posterior and prior, >= 3, for a finite rate; in Mathieu et al. 9 on dSprites.
        prior: `"normal"`, N(0, I), or `"student"`, as in Mathieu et al.
        beta: weight of the rate, finite and >= 0; in the papers 1 and above.
        **options: see `VAE`.

    Reference:
        Chen, Svoboda & Nelson 2020, "Use of Student's t-Distribution for the Latent Layer in a Coupled Variational
        Autoencoder", arXiv:2011.10879; Mathieu, Rainforth, Siddharth & Teh 2019, "Disentangling Disentanglement in
        Variational Autoencoders", ICML, arXiv:1812.02833.
    """

    def __init__(
        self, latent_dim: int, *, degrees: int = 9, prior: str = "normal", beta: float = 1.0, **options: Any
    ) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.degrees = self.count("degrees", degrees, least=3)
        self.prior_name = self.choice("prior", prior, PRIORS)

    @property
    def prior(self) -> Any:  # noqa: D102
        if self.prior_name == "normal":
            return StandardNormal(self.latent_dim)
        return StandardStudentT(self.latent_dim, self.degrees)

    def encode(self, images: Any, training: bool = False) -> StudentT:  # noqa: D102
        features = self.features(images, training)
        return StudentT(self.mean_head(features), self.log_var_head(features), self.degrees)

    def rate(self, posterior: Any, codes: Any) -> Any:  # noqa: D102
        return posterior.kl_from_normal() if self.prior_name == "normal" else super().rate(posterior, codes)
