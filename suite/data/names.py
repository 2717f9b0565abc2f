"""Which names a data set may have."""

from __future__ import annotations

import re

from aebench.errors import UserError


def check_name(name: str) -> str:
    """Refuses names that could leave the cache folder or differ only by case.

    Args:
        name: the name of a data set.

    Returns:
        The name itself.

    Raises:
        UserError: any other character than those allowed.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise UserError(
            f"data set name {name!r}; allowed: up to 64 of a-z, 0-9, '_' and '-', "
            "a letter or digit first; choose such a name"
        )
    return name
