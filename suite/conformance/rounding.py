"""How far float32 may put a number from its value: bounds for tests that come to one number in two ways.

A sum of n products, in whatever order, with fused multiply-adds or without, is off by at most n u Σ|a b| (Higham 2002,
section 3.1). That order is what processors, and numbers of threads, differ in. Bounds are of first order in u.
"""

from __future__ import annotations

import os

import pytest

U = 2.0**-24  # unit roundoff of float32: half of what lies between 1 and the next number

# TensorFlow asks the processor itself whether bfloat16 can be had, and oneDNN, held below that processor, then crashes.
bfloat16 = pytest.mark.skipif("ONEDNN_MAX_CPU_ISA" in os.environ, reason="oneDNN held down has no bfloat16")


def relative(*lengths: int, condition: float = 1.0) -> float:
    """Relative bound of a number that comes from sums of these `lengths`, one after the other.

    Args:
        lengths: of the sums; an elementary function counts as one of 4 terms.
        condition: what is added up without its signs, over the number itself: how much of it cancels.
    """
    return condition * U * sum(lengths)
