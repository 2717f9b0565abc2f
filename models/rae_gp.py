"""The autoencoder regularised by a small gradient of its decoder."""

from __future__ import annotations

from typing import Any

from aebench.models.base import register
from aebench.models.jacobians import differentiable, squared_jacobian
from aebench.models.rae import RAE


@register("rae-gp", version=1)
class RAEGP(RAE):
    """A regularised autoencoder whose decoder has a small gradient (Ghosh et al. 2020, there "RAE-GP").

    The norm is exact for a dense decoder and has no bias for a convolutional one; see `jacobians.squared_jacobian`. Of
    a Bernoulli likelihood the decoder's outputs are logits. The authors' code differentiates the sum of the outputs'
    squares instead, for which the gradients of pixels cancel each other.

    Objective:
        D + β/2 |z|² + λ ‖∂g(z)/∂z‖²    (D: distortion, in nats; z: the code; g: the decoder's outputs)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight β of the square of the code; see `RAE`.
        lambda_: weight λ of the squares of all derivatives, finite and >= 0; in the paper's code for MNIST 5e-8, of
            another gradient.
        **options: see `Autoencoder`. The decoder must be a `Sequential` of layers that `jacobians` knows.

    Reference:
        Ghosh et al. 2020, "From Variational to Deterministic Autoencoders", ICLR, arXiv:1903.12436.
    """

    def __init__(self, latent_dim: int, *, beta: float = 0.1, lambda_: float = 1e-3, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.lambda_ = self.scalar("lambda_", lambda_)

    def build(self, input_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build(input_shape)
        differentiable(self.decoder)

    def regularisation(self, codes: Any) -> Any:
        """Squared norm of the decoder's Jacobian at each code."""
        return self.lambda_ * squared_jacobian(self.decoder.layers, codes, self.noise)
