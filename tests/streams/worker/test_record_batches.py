from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from typing import Any

import cramjam
import pytest
from aiokafka import codec
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, PartitionRecords
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.structs import TopicPartition

from tests.raw_batches import GZIP, LZ4, SNAPPY, ZSTD, batch, record
from watchline.schemas.codec import Unreadable
from watchline.streams.worker import record_batches
from watchline.streams.worker.record_batches import MAX_UNPACKED_BYTES, Records

record_batches.install()
PACKED: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "gzip": (GZIP, gzip.compress),
    "snappy": (SNAPPY, lambda data: bytes(cramjam.snappy.compress_raw(data))),
    "snappy in blocks": (SNAPPY, codec.snappy_encode),
    "lz4": (LZ4, codec.lz4_encode),
    "zstd": (ZSTD, codec.zstd_encode),
}


def read(data: bytes) -> list[Any]:
    """What aiokafka makes of a fetch: it goes on after what it can't read."""
    place = TopicPartition("t", 0)
    return list(PartitionRecords(place, Records(data), [], 0, None, None, True, READ_UNCOMMITTED))


def good(first: int) -> bytes:
    return batch(record(b"good"), first=first)


def reason(message: Any) -> str:
    assert isinstance(message.value, Unreadable)
    prefix, _, why = message.value.reason.partition(": ")
    assert prefix == "the record batch cannot be read"
    return why


@pytest.mark.parametrize("size", [0, 20, 1_000_000, 30 << 20], ids=["empty", "small", "large", "packed 30 MiB"])
@pytest.mark.parametrize("name", PACKED)
def test_what_clients_pack_is_read(name: str, size: int) -> None:
    number, pack = PACKED[name]
    records = record(b"0" * size) + record(b"second", offset=1, headers=[(b"name", b"text")])
    first, second = read(batch(pack(records), count=2, codec=number))
    assert first.value == b"0" * size
    assert (second.value, second.offset, second.headers) == (b"second", 1, (("name", b"text"),))


@pytest.mark.parametrize("name", PACKED)
def test_what_unpacks_to_more_than_may_be_comes_as_its_bytes(name: str) -> None:
    number, pack = PACKED[name]
    data = batch(pack(record(bytes(MAX_UNPACKED_BYTES))), codec=number)
    bomb, after = read(data + good(1))
    assert reason(bomb) == "it unpacks to more than 64 MiB"
    assert (bomb.value, bomb.offset) == (data, 0)
    assert (after.value, after.offset) == (b"good", 1)


def test_a_length_of_gigabytes_is_not_believed() -> None:
    (lie,) = read(batch(b"\xff\xff\xff\xff\x0f" + b"few", codec=SNAPPY))
    assert reason(lie) == "it unpacks to more than 64 MiB"


UNREADABLE = {
    "no gzip": (batch(b"nothing of the kind", codec=GZIP), "BadGzipFile"),
    "cut": (batch(codec.zstd_encode(record(b"value" * 100))[:-5], codec=ZSTD), "DecompressionError"),
    "blocks of negative length": (
        batch(b"\x82SNAPPY\0" + bytes(8) + b"\xff\xff\xff\xfc" * 2, codec=SNAPPY),
        "DecompressionError",
    ),
    "a header's name that is no UTF-8": (batch(record(b"value", headers=[(b"\xff", b"")])), "UnicodeDecodeError"),
    "a record longer than the batch": (batch(b"\x7e" + record(b"value")[1:]), "CorruptRecordException"),
    "a wrong checksum": (batch(record(b"value"))[:-1] + b"?", "its checksum is wrong"),
    "an unknown codec": (batch(record(b"value"), codec=7), "UnsupportedCodecError"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_batch_that_cannot_be_read_stops_nothing(name: str) -> None:
    data, why = UNREADABLE[name]
    message, after = read(data + good(1))
    assert reason(message) == why
    assert (message.value, message.offset, after.value) == (data, 0, b"good")


def test_what_can_be_read_of_a_batch_is_read() -> None:
    """And the rest stands at its last offset, once."""
    records = record(b"first") + record(b"second", offset=1) + record(b"bad", offset=2, headers=[(b"\xff", b"")])
    data = batch(records, count=4)
    messages = read(data + good(4))
    assert [message.offset for message in messages] == [0, 1, 3, 4]
    assert [message.value for message in messages] == [b"first", b"second", data, b"good"]


def test_batches_of_old_brokers_are_read_and_bounded() -> None:
    def old(value: bytes) -> bytes:
        builder = LegacyRecordBatchBuilder(magic=1, compression_type=GZIP, batch_size=2 * MAX_UNPACKED_BYTES)
        builder.append(0, timestamp=1_700_000_000_000, key=None, value=value)
        return bytes(builder.build())

    (message,) = read(old(b"value"))
    assert message.value == b"value"
    (bomb,) = read(old(bytes(MAX_UNPACKED_BYTES)))
    assert reason(bomb) == "it unpacks to more than 64 MiB"


def test_the_reason_goes_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(Unreadable(b"bytes", "why")))
    assert (again, again.reason, type(again)) == (b"bytes", "why", Unreadable)
