"""The contractive autoencoder."""

from __future__ import annotations

from typing import Any

from aebench.models.ae import AE
from aebench.models.base import Terms, register
from aebench.models.jacobians import differentiable, squared_jacobian


@register("contractive-ae", version=1)
class ContractiveAE(AE):
    """An autoencoder whose code changes little with its image (Rifai et al. 2011).

    Only what is needed to tell the training images apart may move the code. The norm is exact for a dense encoder and
    has no bias for a convolutional one; see `jacobians.squared_jacobian`. The paper's encoder is one sigmoid layer,
    whose transpose decodes. Here a linear layer of its own comes last, as in all variants, and a decoder with larger
    weights can make up for small codes.

    Objective:
        D + λ ‖∂f(x)/∂x‖²    (D: distortion, in nats; f(x): the code; sum of the squares of all derivatives)

    Args:
        latent_dim: numbers in a code, >= 1.
        lambda_: weight λ of the norm, finite and >= 0; in the paper tuned for each data set, and 0.1 in the tutorial of
            its laboratory, under the same sum of cross-entropies over pixels.
        **options: see `Autoencoder`. The encoder must be a `Sequential` of layers that `jacobians` knows.

    Reference:
        Rifai et al. 2011, "Contractive Auto-Encoders: Explicit Invariance During Feature Extraction", ICML.
    """

    def __init__(self, latent_dim: int, *, lambda_: float = 0.1, **options: Any) -> None:
        super().__init__(latent_dim, **options)
        self.lambda_ = self.scalar("lambda_", lambda_)

    def build(self, input_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build(input_shape)
        differentiable(self.encoder)

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        plain = super().terms(images, training)
        contraction = squared_jacobian([*self.encoder.layers, self.mean_head], images, self.noise)
        return Terms(objective=plain.objective + self.lambda_ * contraction, distortion=plain.distortion)
