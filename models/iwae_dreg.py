"""The importance-weighted autoencoder with doubly reparameterised gradients."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import Terms, register
from aebench.models.distributions import DiagonalGaussian
from aebench.models.iwae import IWAE


@register("iwae-dreg", version=1)
class IWAEDReG(IWAE):
    """IWAE whose encoder learns from doubly reparameterised gradients (Tucker et al. 2019).

    The same bound as IWAE's to the last bit, and on average the same gradient. But the encoder hears the bound through
    its codes alone, each by its squared weight, so that its signal doesn't drown in noise where k is large. It costs a
    second forward pass of the decoder, and no second backward pass. The paper has β = 1; at another β the weight is
    w (1 - β + β w), which keeps the gradient unbiased. k = 1 is the estimator of Roeder et al. 2017. In a network with
    dropout the two passes drop different units, and the gradient is biased.

    Objective:
        -log 1/k Σ w_i,  w_i = p(x|z_i) (p(z_i) / q(z_i|x))^β, with the gradients, w̃_i being w_i / Σ w,
        decoder: -Σ w̃_i ∂ log w_i,  encoder: -Σ w̃_i² ∂ log w_i / ∂z_i ∂z_i

    Args:
        latent_dim: numbers in a code, >= 1.
        k: codes drawn for each image, >= 1; in the paper 64 on images.
        **options: see `VAE`.

    Reference:
        Tucker, Lawson, Gu & Maddison 2019, "Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives",
        ICLR, arXiv:1810.04152.
    """

    def __init__(self, latent_dim: int, *, k: int = 5, **options: Any) -> None:
        super().__init__(latent_dim, k=k, **options)

    def terms(self, images: Any, training: bool = False) -> Terms:
        """Sums of values that a gradient passes and of others that it doesn't: worth the bound."""
        one = self.encode(images, training=training)
        posterior = self.repeated(one)
        codes = posterior.sample(self.noise)
        still = DiagonalGaussian(ops.stop_gradient(posterior.mean), ops.stop_gradient(posterior.log_var))
        fixed = ops.stop_gradient(codes)
        first = ops.stop_gradient(self.weigh(images, still, fixed, training)[0])
        weights = ops.exp(first - ops.logsumexp(first, axis=1, keepdims=True))
        heard = 1.0 - self.annealed(self.beta, training) * (1.0 - ops.reshape(weights, (-1, 1)))
        log_weights, distortions = self.weigh(images, still, fixed + heard * (codes - fixed), training)
        weighted = ops.sum(weights * log_weights, axis=1)
        return Terms(
            objective=ops.stop_gradient(self.bound(log_weights)) + (ops.stop_gradient(weighted) - weighted),
            distortion=ops.mean(distortions, axis=1),
            rate=self.rate(one, one.mean),
        )
