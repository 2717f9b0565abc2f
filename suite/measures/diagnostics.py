"""What single variants tell about their own codes: each has what no other has, and the rest have none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric

if TYPE_CHECKING:
    from aebench.measures.context import Context


def measure(context: Context) -> Sequence[Measured]:
    """The mean over the test images of all that `Autoencoder.diagnostics` tells."""
    found = context.evaluator.diagnostics(context.runs, context.inputs.test)
    return [
        Measured(numbers={name: float(value[run]) for name, value in found.items()}) for run in range(context.count)
    ]


FAMILY = Family(
    name="diagnostics",
    group="likelihood",
    measure=measure,
    metrics={
        "code_activation": Metric(
            label="Code activation",
            unit="0..1",
            better=None,
            about="mean activation of a sparse autoencoder's code, which training draws to its target",
        ),
        "code_perplexity": Metric(
            label="Code perplexity",
            unit="words",
            better=None,
            about="exp of the entropy of how often each word of a codebook, or each category, is chosen, mean over the "
            "latent variables: 1 where a single one is in use",
        ),
        "top_rate_nats": Metric(
            label="Rate of the top layer",
            unit="nats",
            better=None,
            about="what the upper of two stochastic layers costs: log q(z2|z1) - log p(z2), mean; 0 where it is unused",
        ),
        "discriminator_tc_nats": Metric(
            label="Total correlation, by discriminator",
            unit="nats",
            better=None,
            about="log of the density ratio that FactorVAE's discriminator gives, mean over codes: it falls short of "
            "the total correlation where that is large",
        ),
        "discriminator_accuracy": Metric(
            label="Discriminator accuracy",
            unit="share",
            better=None,
            about="how often the second player tells the two kinds apart: near 1, its density ratio has saturated and "
            "tells no more than at least",
        ),
    },
)
