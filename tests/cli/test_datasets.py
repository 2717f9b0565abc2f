"""What the options say by which data are read."""

from __future__ import annotations

import pytest

from aebench.cli.datasets import height_and_width
from aebench.errors import UserError


@pytest.mark.parametrize(("size", "found"), [(None, None), ("32", (32, 32)), ("32x48", (32, 48))])
def test_a_size_is_a_side_or_two(size: str | None, found: tuple[int, int] | None) -> None:
    assert height_and_width(size) == found


@pytest.mark.parametrize("size", ["", "0", "32x", "x32", "-3", "32x48x3", "32.5", "100000"])
def test_another_size_is_told_in_a_line(size: str) -> None:
    with pytest.raises(UserError, match=r"--size .* is no size in pixels; give a side, as 32, or HEIGHTxWIDTH"):
        height_and_width(size)
