"""Making very many objects."""

from __future__ import annotations

import gc

import pytest

from aebench.records.making import uncollected


@pytest.mark.parametrize("before", [True, False])
def test_cycles_are_looked_for_again_if_they_were_before(before):
    was = gc.isenabled()
    try:
        gc.enable() if before else gc.disable()
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() == before
    finally:
        gc.enable() if was else gc.disable()
