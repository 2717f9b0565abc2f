"""The regularised autoencoder."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.ae import AE
from aebench.models.base import Terms, register


@register("rae", version=1)
class RAE(AE):
    """An autoencoder that keeps its codes near the origin (Ghosh et al. 2020, there "RAE").

    A VAE without noise: the square of the code is what the rate of a Gaussian posterior of constant variance leaves.
    Its decoder is regularised by the network's size alone; `RAEL2`, `RAEGP` and `RAESN` add to that. The paper draws
    new images from a mixture of Gaussians that is fitted to the codes afterwards, as this suite does too.

    Objective:
        D + β/2 |z|²    (D: distortion, in nats; z: the code)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight β of the square of the code, finite and >= 0; in the paper's code for MNIST 1e-4 to 9e-3 under
            means over pixels and codes, which is 0.03 to 2 here: 64 times that under half a summed squared error, and
            four times that again under the steeper Bernoulli likelihood.
        **options: see `Autoencoder`.

    Reference:
        Ghosh et al. 2020, "From Variational to Deterministic Autoencoders", ICLR, arXiv:1903.12436.
    """

    def __init__(self, latent_dim: int, *, beta: float = 0.1, **options: Any) -> None:
        super().__init__(latent_dim, **options)
        self.beta = self.scalar("beta", beta)

    def regularisation(self, codes: Any) -> Any:  # noqa: ARG002
        """What a rough decoder costs at these codes, in nats: `(batch,)`, or one number for all."""
        return 0.0

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        codes = self.encode(images, training=training).sample(self.noise)
        distortion = self.distortion(images, codes, training=training)
        size = 0.5 * self.beta * ops.sum(codes**2, axis=-1)
        return Terms(objective=distortion + size + self.regularisation(codes), distortion=distortion)
