"""Small images, and gradients that are taken alike on every backend: the fixtures of the conformance suite."""

from __future__ import annotations

from aebench.conformance.fixtures import (  # noqa: F401
    binary,
    compile_model,
    fall,
    gradients,
    grey,
    stateless_loss,
)
