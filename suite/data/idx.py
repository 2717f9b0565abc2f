"""Reads the idx format of the MNIST family (LeCun's `*-idx3-ubyte` files), gzipped or plain."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from aebench.data.dataset import Array
from aebench.data.memory import refuse_larger
from aebench.errors import UserError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: Path) -> Array:
    """Reads one idx file.

    The format: two zero bytes, a type byte, the number of dimensions, each dimension as a big-endian int32,
    then the values in C order (http://yann.lecun.com/exdb/mnist/).

    Args:
        path: the file; gzip is recognised by its content, not by its name.

    Returns:
        The array, in the machine's byte order.

    Raises:
        UserError: the file cannot be read, is no idx file, or is shorter or longer than its header says.
    """
    dtype, shape, payload = _content(path)
    expected = math.prod(shape) * dtype.itemsize
    if len(payload) != expected:
        found = f"more than {expected}" if len(payload) > expected else len(payload)
        raise UserError(
            f"{path} holds {found} bytes of values; its header says {expected} for shape {shape}; "
            "the file is truncated or damaged: get it again"
        )
    try:
        return np.frombuffer(payload, dtype).reshape(shape).astype(dtype.newbyteorder("="))
    except ValueError as error:  # nothing of an impossible shape: more than 64 dimensions, or too long ones
        raise UserError(f"{path} has a header that no array fits: {error}; get it again") from None


def _content(path: Path) -> tuple[np.dtype[np.generic], tuple[int, ...], bytes]:
    """Type, shape and the bytes of values; of those no more than one too many are unpacked."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            start = file.read(4)
            dtype, shape = _header(start + file.read(4 * start[3] if len(start) == 4 else 0), path)
            expected = math.prod(shape) * dtype.itemsize
            refuse_larger(path, expected)
            return dtype, shape, file.read(expected + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"cannot read {path}: {error}; expected an idx file, gzipped or plain") from error


def _header(content: bytes, path: Path) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    dimensions = content[3] if len(content) >= 4 else 0
    known = content[:2] == b"\0\0" and len(content) >= 4 + 4 * dimensions and content[2] in _TYPES
    if not dimensions or not known:
        raise UserError(
            f"{path} is no idx file: it starts with {content[:4].hex() or 'nothing'}, "
            "not with 0000, a type and a rank; get the file again"
        )
    shape = struct.unpack(f">{dimensions}I", content[4 : 4 + 4 * dimensions])
    return np.dtype(_TYPES[content[2]]), shape
