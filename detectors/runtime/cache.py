"""What was made of texts, for texts that come again: passages of documents and prompts do so all day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TypeVar

from cachetools import LRUCache

V = TypeVar("V")


class TextCache(LRUCache[bytes, V]):
    """By a hash of the text: the least recently used goes when there is no room.

    Parameters
    ----------
    maxsize
        Of all that is kept together, in what `getsizeof` gives; what is larger by itself is not kept.
    getsizeof
        The size of one; by default 1.
    """

    def __init__(self, maxsize: int, getsizeof: Callable[[V], int] = lambda _: 1) -> None:
        super().__init__(maxsize, getsizeof)

    def look_up(
        self, texts: Sequence[str], kinds: Sequence[str] | None = None
    ) -> tuple[list[bytes], dict[bytes, V], dict[bytes, str]]:
        """The keys of the texts, what is known by them, and the texts that nothing is known of.

        Parameters
        ----------
        kinds
            One for each text, of 16 bytes at most, where more is made of a text than one thing.
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
        if self.getsizeof(value) <= self.maxsize:
            self[key] = value


def _key(text: str, kind: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, person=kind.encode()).digest()
