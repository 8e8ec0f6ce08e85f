"""A monitor's state as bytes and back. Loading never runs code, whoever wrote the bytes.

River's detectors have no other form than a pickle. A pickle may call anything that it can name, so that the unpickler
here finds only the classes of the state. In front of it: magic, layout, checksum.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import zlib
from array import _array_reconstructor, array  # type: ignore[attr-defined]
from collections.abc import Iterable
from functools import cached_property
from importlib.metadata import version
from typing import Any

from watchline.schemas.errors import FatalError

MAGIC = b"WLM1"
_DIGEST = 8  # bytes
_HEADER = len(MAGIC) + 2 * _DIGEST


class Snapshots:
    """Dumps and loads objects made of plain values, arrays, river's ADWIN and the given slotted classes.

    Parameters
    ----------
    classes : iterable of type
        Classes with `__slots__`. Their names and slots, and river's version, are the layout: bytes of another layout
        are refused, because they would load into objects that fail later.
    """

    def __init__(self, classes: Iterable[Any]) -> None:
        self._known = [*classes]
        shape = [(name.__qualname__, [*name.__slots__]) for name in self._known]
        self._layout = _digest(repr((shape, version("river"))).encode())

    def dump(self, state: object) -> bytes:
        """The state as bytes, compressed."""
        body = zlib.compress(pickle.dumps(state, protocol=4), level=1)
        return MAGIC + self._layout + _digest(body) + body

    def load(self, data: bytes) -> Any:
        """The state from bytes of `dump`. Raises FatalError where they are damaged, foreign or of another layout."""
        body = data[_HEADER:]
        if data[: len(MAGIC)] != MAGIC or _digest(body) != data[_HEADER - _DIGEST : _HEADER]:
            raise FatalError(f"monitor state is damaged or not ours. {_ANEW}")
        if data[len(MAGIC) : _HEADER - _DIGEST] != self._layout:
            raise FatalError(f"monitor state was saved by another version of Watchline or river. {_ANEW}")
        try:
            return _Unpickler(zlib.decompress(body), self._allowed).load()
        except Exception as error:
            raise FatalError(f"monitor state cannot be read ({type(error).__name__}: {error}). {_ANEW}") from error

    @cached_property
    def _allowed(self) -> dict[tuple[str, str], Any]:
        from river.drift import ADWIN  # late, as in `detectors.change`

        helper = type(ADWIN()._helper)  # noqa: SLF001 - part of every ADWIN's pickle, without a public name
        allowed = [*self._known, ADWIN, helper, array, _array_reconstructor]
        return {(item.__module__, item.__qualname__): item for item in allowed}


_ANEW = (
    "To begin anew, delete the records of the monitor-state topic and start the worker: baselines are learned again, "
    "and a version that is already live is not compared with the one before it."
)


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, allowed: dict[tuple[str, str], Any]) -> None:
        super().__init__(io.BytesIO(data))
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a monitor's state")
        return self._allowed[module, name]


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:_DIGEST]
