"""The vector-quantised autoencoder."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from aebench.models.base import Autoencoder, Terms, register
from aebench.models.codebook import Codebook, Nade, Quantised, WordPrior
from aebench.models.discrete import perplexity


@register("vq-vae", version=1)
class VQVAE(Autoencoder):
    """Each latent variable is one word of a codebook, the nearest to the encoder's output (van den Oord et al. 2017).

    The decoder's gradient goes straight through to the encoder; words follow the mean of the outputs nearest to them
    (the paper's moving averages, of decay 0.99), and one that is hardly ever chosen starts anew on an output of the
    batch. The code is discrete and the encoder sure of it, so that the rate is -log p(c) and the bound exact. p(c)
    gives each word's probability after those before it, by a NADE that learns alongside and moves no code (in the
    paper a PixelCNN, learned afterwards). Nothing lowers the rate: `latent_dim` and `words` do, at most log `words`
    nats for each of `latent_dim` words. A code has `latent_dim * width` numbers, and that many the decoder reads.

    Objective:
        D + commitment |e - z|² - log p(c)      (e: encoder's output; c, z: its words' places in the book, and they)

    Args:
        latent_dim: words in a code, >= 1.
        commitment: weight of the squared distance of outputs from their words, finite and >= 0; in the paper 0.25, of
            0.1 to 2 that did equally well.
        words: in the book, which all variables share, >= 2; in the paper 512.
        width: numbers in a word, >= 1; in the paper 64.
        context: hidden units through which a word's probability depends on those before it, >= 0; 0 leaves words
            independent; in the paper a PixelCNN.
        **options: see `Autoencoder`. A warm-up of the rate delays the learning of p(c) and changes nothing else.

    Reference:
        van den Oord, Vinyals & Kavukcuoglu 2017, "Neural Discrete Representation Learning", NeurIPS, arXiv:1711.00937.
    """

    has_posterior = True

    def __init__(
        self,
        latent_dim: int,
        *,
        commitment: float = 0.25,
        words: int = 64,
        width: int = 4,
        context: int = 32,
        **options: Any,
    ) -> None:
        super().__init__(latent_dim, **options)
        self.words, self.width = self.count("words", words, least=2), self.count("width", width)
        self.context = self.count("context", context, least=0)
        self.commitment = self.scalar("commitment", commitment)

    @property
    def code_dim(self) -> int:  # noqa: D102
        return self.latent_dim * self.width

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        own = {"seed": self.seed, "dtype": self.variable_dtype}
        self.mean_head = self.head("mean", feature_shape, self.code_dim)
        self.book = Codebook(self.words, self.width, name="book", **own)
        self.choices = Nade(self.latent_dim, self.words, self.context, name="choices", **own)

    def encode(self, images: Any, training: bool = False) -> Quantised:  # noqa: D102
        output = self.mean_head(self.features(images, training))
        indices = self.book.indices(output)
        return Quantised(output, indices, self.book.code(indices))

    @property
    def prior(self) -> WordPrior:  # noqa: D102
        return WordPrior(self.book, self.choices)

    def rate(self, posterior: Any, codes: Any) -> Any:  # noqa: D102
        return posterior.log_prob(codes) - self.prior.log_prob(codes)

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        posterior = self.encode(images, training)
        distortion = self.distortion(images, posterior.mean, training)
        rate = -self.choices.log_prob(posterior.indices)
        pull = self.commitment * ops.sum((posterior.output - ops.stop_gradient(posterior.code)) ** 2, axis=-1)
        if training:
            self.book.follow(posterior.output, posterior.indices, self.noise)
        return Terms(
            objective=distortion + pull + self.annealed(1.0, training) * rate, distortion=distortion, rate=rate
        )

    def diagnostics(self, images: Any, noise: keras.random.SeedGenerator) -> dict[str, Any]:  # noqa: ARG002, D102
        chosen = self.book.one_hot(self.encode(images).indices)
        return {"code_perplexity": perplexity(ops.mean(chosen, axis=0)) + ops.zeros_like(chosen[:, 0, 0])}
