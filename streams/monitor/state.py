"""A monitor's state as bytes and back: the Avro record `MonitorState`, compressed.

Plain numbers, so that another version of river or of this code reads them too, and loading runs no code, whoever wrote
the bytes. That numbers have the right type doesn't make them a monitor's: what is built from them checks their ranges.
"""

from __future__ import annotations

import math
import operator
import zlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from watchline.schemas.codec import decode, encode
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.records import MonitorScale, MonitorState

VERSION = 1  # of what the numbers mean: raised where the same fields get another meaning
MAX_BYTES = 8_000_000  # unpacked; many times what a monitor may grow to
MAX_COUNT = 2**53  # beyond, a float doesn't tell neighbours apart
LOWEST, HIGHEST = -1.0, 2.0  # of a value in [0, 1] without what is the hour's: see `season`
MAX_VALUE = 3.4028234663852886e38  # of 32 bits, as which values are kept


def pack(state: MonitorState) -> bytes:
    """The state as bytes."""
    return zlib.compress(encode(state), level=1)


def unpack(data: bytes) -> MonitorState:
    """The state from bytes of `pack`. Raises PoisonError where they are damaged, foreign or of a later version."""
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(data, MAX_BYTES)
    except zlib.error:
        raise PoisonError(Kind.UNDECODABLE, "damaged, or not a monitor's state") from None
    if not unpacking.eof or unpacking.unused_data:
        raise PoisonError(Kind.UNDECODABLE, f"cut short, followed by something else, or of more than {MAX_BYTES} bytes")
    state = decode(plain, MonitorState)
    if state.version != VERSION:
        raise PoisonError(Kind.UNDECODABLE, f"state of version {state.version}, not {VERSION}")
    return state


def packed(numbers: NDArray[Any]) -> bytes:
    """Numbers as little-endian bytes: the first byte of each, then the second of each, and so on.

    What numbers have in common stands together so, and is compressed better and sooner.

    Examples
    --------
    >>> packed(np.array([1, 2], "i2")).hex()
    '01020000'
    """
    little = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
    return little.view(np.uint8).reshape(len(numbers), numbers.itemsize).T.tobytes()


def unpacked(data: bytes, kind: Literal["f4", "i8"]) -> NDArray[Any]:
    """Numbers of a kind from bytes of `packed`. Raises ValueError where these are cut short."""
    size = np.dtype(kind).itemsize
    check(len(data) % size == 0, "packed numbers")
    return np.frombuffer(data, np.uint8).reshape(size, len(data) // size).T.copy().view(f"<{kind}").ravel().astype(kind)


def check(holds: bool, what: str) -> None:
    """Raises ValueError, which names `what`, where a condition on a state doesn't hold."""
    if not holds:
        raise ValueError(f"not a valid monitor state: {what}")


def check_values(values: Sequence[float], *, bounded: bool) -> None:
    """Raises ValueError where values are not finite, or bounded ones farther out than they can be."""
    check(math.isfinite(math.fsum(values)), "values that are not finite")
    within = not bounded or not values or (min(values) >= LOWEST and max(values) <= HIGHEST)
    check(within, "values outside of 0 to 1")


def check_reference(reference: Sequence[float], *, longest: int) -> None:
    """Raises ValueError where values can't be those among which others were ranked."""
    check(len(reference) <= longest, "number of reference values")
    check_values(reference, bounded=False)
    check(all(map(operator.le, reference, reference[1:])), "reference values out of order")


def check_scale(scale: MonitorScale | None, *, needed: bool) -> None:
    """Raises ValueError where a scale is not there though it must be, or can't be one."""
    check((scale is not None) == needed, "scale")
    if scale is not None:
        check(abs(scale.mean) <= MAX_VALUE and 0 <= scale.deviation <= 2 * MAX_VALUE, "scale")
