"""All measures of representations of one data set's images; one that came before is remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache, cached_property

import numpy as np

from aebench.data.pixels import Inputs
from aebench.measures.components import projections
from aebench.measures.factors import information, interventions, predictability
from aebench.measures.factors.known import Known, varying
from aebench.measures.family import Measured
from aebench.measures.samples.mixture import one_thread_each

Pair = tuple[np.ndarray, np.ndarray]  # codes of the training and of the test images, `(n, code_dim)`


class Representations:
    """Knows the factors of the images that runs of one likelihood see.

    Args:
        inputs: with factors.
    """

    def __init__(self, inputs: Inputs) -> None:
        assert inputs.train_factor_values is not None
        assert inputs.factor_values is not None
        self.inputs = inputs
        self.train, self.test = varying(inputs.factors, inputs.train_factor_values, inputs.factor_values)
        self._known: dict[bytes, Measured] = {}

    def measured(self, codes: Sequence[Pair]) -> list[Measured]:
        """Numbers and profiles of each representation; nothing of codes that aren't finite."""
        keys = [hashlib.blake2b(np.ascontiguousarray(test).data, digest_size=16).digest() for _, test in codes]
        fresh = {key: pair for key, pair in zip(keys, codes, strict=True) if key not in self._known}
        with one_thread_each() as pool:
            self._known.update(zip(fresh, pool.map(self._one, fresh.values()), strict=True))
        return [self._known[key] for key in keys]

    def _one(self, codes: Pair) -> Measured:
        return measured(*codes, self.train, self.test)

    def components(self, latent_dim: int) -> Pair:
        """The images on as many principal components as a code has numbers."""
        train, test = self._components
        return train[:, :latent_dim], test[:, :latent_dim]

    @cached_property
    def _components(self) -> Pair:
        return projections(self.inputs.seen_train, self.inputs.test)


def measured(train: np.ndarray, test: np.ndarray, train_factors: Known, test_factors: Known) -> Measured:
    """All measures of one representation.

    Args:
        train, test: codes, `(n, code_dim)`.
        train_factors, test_factors: of the same images.

    Returns:
        The numbers and profiles that the family declares; nothing where codes aren't finite or no factor varies.
    """
    if not (test_factors.factors and np.isfinite(train).all() and np.isfinite(test).all()):
        return Measured()
    levels = test_factors.levels
    told, entropies = information.mutual_information(test, levels), information.entropies(levels)
    gaps = information.information_gaps(told, entropies)
    modular, compact = information.purities(told, entropies, test)
    codes = predictability.Codes(
        train=train, test=test, train_factors=train_factors, test_factors=test_factors
    ).standardised()
    found = predictability.importance(codes)
    return Measured(
        numbers={
            "mig": float(gaps.mean()),
            "dci_disentanglement": predictability.disentanglement(found.shares),
            "dci_completeness": predictability.completeness(found.shares),
            "dci_informativeness": float(found.informativeness.mean()),
            "dci_explicitness": predictability.explicitness(codes),
            "sap": float(predictability.attribute_gaps(codes).mean()),
            "modularity": information.modularity(told),
            "infom": modular,
            "infoe": predictability.linear_information(codes),
            "infoc": compact,
            "irs": interventions.robustness(test, levels),
            "factor_vae_score": interventions.factor_vae_score(test, levels),
            "beta_vae_score": interventions.beta_vae_score(test, levels),
        },
        profiles={
            "mig_by_factor": tuple(gaps.tolist()),
            "informativeness_by_factor": tuple(found.informativeness.tolist()),
        },
    )


@cache
def representations(inputs: Inputs) -> Representations:
    """The representations of these inputs, one object for all cohorts of a process."""
    return Representations(inputs)
