"""How an unknown name is told: with the nearest one, or where all are listed."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from aebench.cli.app import app
from aebench.errors import LISTED, SHOWN, unknown


def test_the_nearest_name_is_suggested_only_if_it_is_near() -> None:
    assert str(unknown("variant", "xyz", ["ae", "vae"])) == "unknown variant 'xyz'; known: ae, vae"
    assert str(unknown("variant", "VAE", ["ae", "vae"])).endswith("(did you mean 'vae'?)")


def test_of_many_names_the_command_that_lists_them_is_told() -> None:
    names = [f"metric_{number}" for number in range(SHOWN + 1)]
    told = str(unknown("metric", "metrik_20", names))
    assert told.endswith("metric_19 ..., all 21 by `aebench list metrics` (did you mean 'metric_20'?)")
    assert "aebench list" not in str(unknown("metric", "metrik_20", names[1:]))


@pytest.mark.parametrize("kind", LISTED)
def test_that_command_is_one(kind: str) -> None:
    assert CliRunner().invoke(app, ["list", LISTED[kind]]).exit_code == 0
