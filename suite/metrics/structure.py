"""Numbers about classes in the latent space."""

from __future__ import annotations

from typing import Final

from suite.metrics.metric import Metric

METRICS: Final[dict[str, Metric]] = {
    "silhouette": Metric(
        label="Silhouette",
        unit="-1..1",
        better="higher",
        about="Euclidean, true classes, on posterior means, exact over the test split",
    ),
    "silhouette_grey": Metric(
        label="Silhouette, grey input",
        unit="-1..1",
        better="higher",
        about="the same, encoding the grey images instead of their fixed binarisation",
    ),
    "silhouette_pixels": Metric(
        label="Silhouette of pixels",
        unit="-1..1",
        better="higher",
        about="reference: the raw pixels that the models saw",
    ),
    "silhouette_pca": Metric(
        label="Silhouette of PCA",
        unit="-1..1",
        better="higher",
        about="reference: as many principal components of the same pixels, fitted on the training split",
    ),
    "silhouette_untrained": Metric(
        label="Silhouette, untrained",
        unit="-1..1",
        better="higher",
        about="reference: this run's encoder before training",
    ),
}
PROFILES: Final[dict[str, Metric]] = {}
