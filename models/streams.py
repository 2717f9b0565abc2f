"""Named random streams: each use of randomness has its own seed, from a run's seed and a name."""

from __future__ import annotations

import hashlib


def stream(seed: int, name: str) -> int:
    """Seed of the random stream `name` of the run with this `seed`.

    The same for every variant, so that two runs of one seed share initial weights, batches and noise wherever
    they share a layer, a data set or a latent size.

    Args:
        seed: the run's seed.
        name: what the stream is for, such as `"noise"` or `"weights/encoder/0"`.

    Returns:
        An integer in [0, 2^31), which every Keras backend takes as a seed.
    """
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) >> 1
