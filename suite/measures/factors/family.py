"""How codes hold known factors of variation, each measure beside the same measure of other representations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric

if TYPE_CHECKING:
    from aebench.measures.context import Context

MEASURES: Final[dict[str, tuple[str, str, str]]] = {
    "mig": (
        "MIG",
        "0..1",
        "mutual information gap: how far the dimension that tells most of a factor is ahead of the next, in shares of "
        "the factor's entropy, mean over factors (Chen et al. 2018); dimensions in 20 parts, so below 1 where a factor "
        "has more values",
    ),
    "dci_disentanglement": (
        "DCI disentanglement",
        "0..1",
        "how far each dimension matters for one factor alone, by the importances of random forests (Eastwood & "
        "Williams 2018)",
    ),
    "dci_completeness": (
        "DCI completeness",
        "0..1",
        "how far each factor is held in one dimension alone, by the importances of random forests (Eastwood & Williams "
        "2018)",
    ),
    "dci_informativeness": (
        "DCI informativeness",
        "0..1",
        "how well random forests tell the factors: 1 - error over that of the best constant guess, mean over factors; "
        "of periodic factors, cosine and sine (Eastwood & Williams 2018)",
    ),
    "dci_explicitness": (
        "DCI explicitness",
        "-1..1",
        "how little capacity a probe needs beyond a linear one to tell the factors, from the loss-capacity curve of "
        "random Fourier features; factors that no probe tells are left out (Eastwood et al. 2023)",
    ),
    "sap": (
        "SAP",
        "0..1",
        "separated attribute predictability: how far the dimension that predicts a factor best alone is ahead of the "
        "next, in R² of ordered factors and balanced accuracy of others (Kumar et al. 2018)",
    ),
    "modularity": (
        "Modularity",
        "0..1",
        "how far each dimension has mutual information with one factor alone, mean over dimensions that have any "
        "(Ridgeway & Mozer 2018); noise counts too, so dead dimensions blur it",
    ),
    "infom": (
        "InfoM",
        "0..1",
        "how nearly alone its factor is for each dimension: the greatest share of a factor's entropy that it tells, "
        "over the sum of all, 0 where evenly spread, mean over dimensions with a twentieth of the widest range (Hsu et "
        "al. 2023); information counted in 20 parts",
    ),
    "infoe": (
        "InfoE",
        "0..1",
        "how much of each factor a linear probe tells: R² of ordered and periodic factors, share of the entropy of "
        "categorical ones, on test images (Hsu et al. 2023)",
    ),
    "infoc": (
        "InfoC",
        "0..1",
        "how nearly alone its dimension is for each factor, as InfoM the other way round (Hsu et al. 2023)",
    ),
    "irs": (
        "IRS",
        "0..1",
        "interventional robustness: how still each dimension stays while its factor is held and the others change, as "
        "a share of the farthest it strays, mean over dimensions weighted by that (Suter et al. 2019); codes that know "
        "nothing do not have 0",
    ),
    "factor_vae_score": (
        "FactorVAE score",
        "share",
        "how often the dimension that varies least tells which factor was held still, by majority vote; chance is 1 / "
        "factors (Kim & Mnih 2018)",
    ),
    "beta_vae_score": (
        "β-VAE score",
        "share",
        "how often a linear classifier of absolute differences tells which factor pairs share; chance is 1 / factors "
        "(Higgins et al. 2017)",
    ),
}
# What a measure is held against: the end of the metric's name, how it is called, and what it is.
REFERENCES: Final = {
    "pca": ("PCA", "reference: of as many principal components of the same pixels, fitted on the training split"),
    "untrained": ("untrained encoder", "reference: of this run's encoder before training"),
}
MARGIN: Final = 0.02  # a few times what other draws of images and forests do to each


def measure(context: Context) -> Sequence[Measured]:
    """Measures the codes of each run, those of its untrained encoder, and principal components; nothing without
    factors.
    """
    from aebench.measures.factors.representations import representations

    data = context.inputs
    if not data.factors:
        return [Measured()] * context.count
    known = representations(data)
    codes = zip(context.train[0], context.codes, strict=True)
    first = zip(*context.untrained_codes, strict=True)
    found = known.measured([*codes, *first, known.components(context.latent_dim)])
    own, before, pca = found[: context.count], found[context.count : -1], found[-1]
    return [
        Measured(
            numbers={
                **mine.numbers,
                **{f"{name}_untrained": value for name, value in untrained.numbers.items()},
                **{f"{name}_pca": value for name, value in pca.numbers.items()},
            },
            profiles=mine.profiles,
        )
        for mine, untrained in zip(own, before, strict=True)
    ]


FAMILY = Family(
    name="factors",
    group="factors",
    measure=measure,
    needs_factors=True,
    metrics={
        name: metric
        for measure, (label, unit, about) in MEASURES.items()
        for name, metric in {
            measure: Metric(
                label=label, unit=unit, better="higher", about=f"{about}; on posterior means", margin=MARGIN
            ),
            **{
                f"{measure}_{key}": Metric(
                    label=f"{label} of {of}", unit=unit, better="higher", about=f"{what}; {about}"
                )
                for key, (of, what) in REFERENCES.items()
            },
        }.items()
    },
    profiles={
        "mig_by_factor": Metric(
            label="MIG by factor",
            unit="0..1",
            better="higher",
            about="information gap of the factor, in shares of its entropy",
            per="factor",
        ),
        "informativeness_by_factor": Metric(
            label="DCI informativeness by factor",
            unit="0..1",
            better="higher",
            about="how well a random forest tells the factor",
            per="factor",
        ),
    },
)
