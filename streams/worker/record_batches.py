"""Record batches as an app may send them: whatever they hold, reading goes on.

A batch that can't be read, or unpacks to more than `MAX_UNPACKED_BYTES`, comes as one message instead: an `Unreadable`
of its bytes as Kafka has them, at its last offset, which becomes a dead letter. Brokers don't see to it: Apache Kafka
takes names of headers that are no UTF-8 and a megabyte that unpacks to gigabytes, Tansu takes any bytes. aiokafka
raises whenever it reads such a batch, and has no bound.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aiokafka.consumer.fetcher
import cramjam
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.memory_records import MemoryRecords

from watchline.schemas.codec import Unreadable

MAX_UNPACKED_BYTES = 64 * 2**20  # a client packs at most its `batch.size` into a batch, which is 1 MB where it is large
FIRST_RATIO = 16  # that most batches are not packed beyond
HEAD_BYTES = 12  # of a batch: its offset, and how many bytes follow
XERIAL, XERIAL_HEAD_BYTES = b"\x82SNAPPY\0", 16


class UnreadableError(Exception):
    """A batch can't be read; says why."""


class Records:
    """The batches of a fetch, as aiokafka asks for them."""

    def __init__(self, data: bytes) -> None:
        self._data, self._next = data, 0
        self._records = MemoryRecords(data)
        self.has_next, self.size_in_bytes = self._records.has_next, self._records.size_in_bytes

    def next_batch(self) -> _Batch:
        """The next batch."""
        start = self._next
        self._next += HEAD_BYTES + int.from_bytes(self._data[start + 8 : start + HEAD_BYTES], "big")
        return _Batch(self._records.next_batch(), self._data[start : self._next])


@dataclass(frozen=True, slots=True)
class _Record:
    """What stands for a batch, or for the rest of it."""

    offset: int
    timestamp: int
    value: Unreadable
    timestamp_type: int = 0
    key: bytes | None = None
    headers: Sequence[Any] = ()
    checksum: None = None


class _Batch:
    """A batch of aiokafka's that raises nothing when it is read, but for want of memory."""

    def __init__(self, batch: Any, data: bytes) -> None:
        self._batch, self._data = batch, data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def validate_crc(self) -> bool:
        """Says nothing: one whose checksum is wrong is unreadable like others."""
        return True

    def __iter__(self) -> Iterator[Any]:
        try:
            if not self._batch.validate_crc():
                raise UnreadableError("its checksum is wrong")
            yield from self._batch
        except MemoryError:  # nothing against the batch
            raise
        except Exception as error:  # anything from zlib.error to UnicodeDecodeError
            why = str(error) if isinstance(error, UnreadableError) else type(error).__name__
            yield _Record(
                offset=self._batch.next_offset - 1,
                timestamp=getattr(self._batch, "max_timestamp", 0),
                value=Unreadable(self._data, f"the record batch cannot be read: {why}"),
            )


def unpack_gzip(data: Any) -> bytes:
    """Unpacks gzip. Raises UnreadableError beyond the bound, others where it isn't gzip."""
    unpacked = gzip.GzipFile(fileobj=BytesIO(data)).read(MAX_UNPACKED_BYTES + 1)
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise _too_large()
    return unpacked


def unpack_snappy(data: Any) -> bytes:
    """Unpacks Snappy, in one block or in Xerial's many. Raises what `unpack_gzip` raises.

    Examples
    --------
    >>> unpack_snappy(bytes(cramjam.snappy.compress_raw(b"one block")))
    b'one block'
    """
    blocks, start = [memoryview(data)], XERIAL_HEAD_BYTES
    if bytes(data[: len(XERIAL)]) == XERIAL:
        blocks = []
        while start < len(data):
            end = start + 4 + int.from_bytes(data[start : start + 4], "big")
            blocks.append(memoryview(data)[start + 4 : end])
            start = end
    if sum(cramjam.snappy.decompress_raw_len(block) for block in blocks) > MAX_UNPACKED_BYTES:
        raise _too_large()
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def unpack_lz4(data: Any) -> bytes:
    """Unpacks LZ4's frames. Raises what `unpack_gzip` raises."""
    return _unpacked_into(cramjam.lz4.decompress_into, data)


def unpack_zstd(data: Any) -> bytes:
    """Unpacks Zstandard. Raises what `unpack_gzip` raises."""
    return _unpacked_into(cramjam.zstd.decompress_into, data)


def _unpacked_into(unpack_into: Callable[[Any, bytearray], int], data: Any) -> bytes:
    """What fits into the bound, in a buffer that is small at first."""
    size = FIRST_RATIO * (len(data) + 1)
    while True:
        unpacked = bytearray(min(size, MAX_UNPACKED_BYTES))
        try:
            return bytes(memoryview(unpacked)[: unpack_into(data, unpacked)])
        except cramjam.DecompressionError as error:
            if "whole buffer" not in str(error):
                raise
            if size >= MAX_UNPACKED_BYTES:
                raise _too_large() from None
        size *= FIRST_RATIO


def _too_large() -> UnreadableError:
    return UnreadableError(f"it unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB")


CODECS = {"gzip": unpack_gzip, "snappy": unpack_snappy, "lz4": unpack_lz4, "zstd": unpack_zstd}


def install() -> None:
    """From now on all consumers of aiokafka in this process read batches so: it has no setting for it."""
    aiokafka.consumer.fetcher.MemoryRecords = Records
    for batch in (DefaultRecordBatch, LegacyRecordBatch):
        for codec, unpack in CODECS.items():
            setattr(sys.modules[batch.__module__], f"{codec}_decode", unpack)
