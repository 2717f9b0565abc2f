"""The option `--variants`. A plugin, for pytest reads no conftest of a package that `--pyargs` names in time."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option."""
    parser.getgroup("aebench").addoption(
        "--variants",
        metavar="FILE.py",
        action="append",
        default=[],
        help="a file whose registered variants aebench.conformance tests, instead of aebench's own; may be repeated",
    )
