"""What was made of texts, for texts that come again: passages of documents and prompts do so all day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TypeVar

from cachetools import LRUCache

V = TypeVar("V")


class TextCache(LRUCache[bytes, V]):
    """Results by a hash of their text: the least recently used goes when there is no room.

    Parameters
    ----------
    maxsize
        Of all that is kept together, in what `getsizeof` gives; what is larger by itself is not kept.
    getsizeof
        The size of one; by default 1.

    Examples
    --------
    >>> cache = TextCache[int](maxsize=1000)
    >>> _, _, missing = cache.look_up(["one", "three"])
    >>> for key, text in missing.items():
    ...     cache.keep(key, len(text))
    >>> _, known, missing = cache.look_up(["three", "four"])
    >>> list(known.values()), list(missing.values())
    ([5], ['four'])
    """

    def __init__(self, maxsize: int, getsizeof: Callable[[V], int] = lambda _: 1) -> None:
        super().__init__(maxsize, getsizeof)

    def look_up(
        self, texts: Sequence[str], kinds: Sequence[str] | None = None
    ) -> tuple[list[bytes], dict[bytes, V], dict[bytes, str]]:
        """Which of the texts have results, and which don't.

        Parameters
        ----------
        texts
        kinds
            One for each text, of 16 bytes at most, where a text can have results of several kinds.

        Returns
        -------
        keys : list of bytes
            One for each text, in order; the same text and kind, the same key.
        known : dict of bytes to result
        missing : dict of bytes to str
            The texts without a result, each once.
        """
        keys = [_key(text, kind) for text, kind in zip(texts, kinds or [""] * len(texts), strict=True)]
        known: dict[bytes, V] = {}
        missing: dict[bytes, str] = {}
        for key, text in zip(keys, texts, strict=True):
            if key in self:
                known[key] = self[key]
            else:
                missing[key] = text
        return keys, known, missing

    def keep(self, key: bytes, value: V) -> None:
        """Keeps a result, unless it alone is larger than the cache."""
        if self.getsizeof(value) <= self.maxsize:
            self[key] = value


def _key(text: str, kind: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, person=kind.encode()).digest()
