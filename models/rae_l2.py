"""The autoencoder regularised by small weights of its decoder."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import register
from aebench.models.rae import RAE


@register("rae-l2", version=1)
class RAEL2(RAE):
    """A regularised autoencoder with small weights in its decoder (Ghosh et al. 2020, there "RAE-L2").

    The weights are all of the decoder network's, biases too, but not the output's bias, which is the mean image.

    Objective:
        D + β/2 |z|² + λ |θ|²    (D: distortion, in nats; z: the code; θ: weights of the decoder)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight β of the square of the code; see `RAE`.
        lambda_: weight λ of the squares of the decoder's weights, finite and >= 0; in the paper's code for MNIST 1e-7
            under a mean over pixels, which is 2e-4 here (see `RAE`) and does little to a small network.
        **options: see `Autoencoder`.

    Reference:
        Ghosh et al. 2020, "From Variational to Deterministic Autoencoders", ICLR, arXiv:1903.12436.
    """

    def __init__(self, latent_dim: int, *, beta: float = 0.1, lambda_: float = 1e-3, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.lambda_ = self.scalar("lambda_", lambda_)

    def regularisation(self, codes: Any) -> Any:  # noqa: ARG002
        """Sum of the squares of the decoder's weights."""
        squares = (ops.sum(ops.convert_to_tensor(weight) ** 2) for weight in self.decoder.trainable_weights)
        return self.lambda_ * sum(squares)
