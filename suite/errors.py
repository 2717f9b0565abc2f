"""Errors that a user can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 20  # names that a line lists; of more, the command that lists them is told
LISTED = {"variant": "variants", "network": "networks", "study": "studies", "data set": "datasets", "metric": "metrics"}


class UserError(Exception):
    """Bad input, told in one line: what came, what is allowed, what to do.

    The command line prints the message and exits with status 2, without a traceback.
    """


def unknown(kind: str, given: str, known: Iterable[str], own: str = "") -> UserError:
    """The error for a name that is not known, with the nearest name that is.

    Args:
        kind: what the name stands for, such as `"variant"`.
        given: the name that came.
        known: the names that would have been understood, in the order to list them.
        own: what to do about something of the user's own, told where no name is near.

    Returns:
        A `UserError` to raise: `unknown variant 'bvae'; known: ae, vae (did you mean 'vae'?)`. Of many names it lists
        the first, and says which command lists all.
    """
    names = list(known)
    nearest = difflib.get_close_matches(given.lower(), names, n=1)  # names are lower-case; people write VAE and MNIST
    hint = f" (did you mean {nearest[0]!r}?)" if nearest else f"; {own}" * bool(own)
    some = ", ".join(names) or "none"
    if len(names) > SHOWN and kind in LISTED:
        some = f"{', '.join(names[:SHOWN])} ..., all {len(names)} by `aebench list {LISTED[kind]}`"
    return UserError(f"unknown {kind} {given!r}; known: {some}{hint}")
