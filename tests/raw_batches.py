"""Record batches as Kafka's wire has them, made by hand: what no client sends, and an app may."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Sequence

from aiokafka.record.util import calc_crc32c

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4  # the attribute bits of the codecs
NOT_LEADER = 6  # an error code


def varint(number: int) -> bytes:
    """As records hold numbers: zigzag."""
    left, out = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*out, left])


def record(value: bytes, *, offset: int = 0, headers: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """One record of a batch, `offset` places after its first."""
    named = b"".join(varint(len(name)) + name + varint(len(text)) + text for name, text in headers)
    body = b"".join((b"\0", varint(0), varint(offset), varint(-1), varint(len(value)), value))
    body += varint(len(headers)) + named
    return varint(len(body)) + body


def batch(records: bytes, *, count: int = 1, codec: int = 0, first: int = 0) -> bytes:
    """A batch of so many records, which are compressed already where `codec` says so; `first` is its offset."""
    now = time.time_ns() // 1_000_000
    checked = struct.pack(">hiqqqhii", codec, count - 1, now, now, -1, -1, -1, count) + records
    return struct.pack(">qiibI", first, len(checked) + 9, 0, 2, calc_crc32c(checked)) + checked


def produce(address: str, topic: str, data: bytes, *, partition: int = 0) -> int:
    """Sends one batch; gives the broker's error code, 0 for none. A new partition's leader is waited for."""
    deadline = time.monotonic() + 20
    while (code := _produce(address, topic, data, partition)) == NOT_LEADER and time.monotonic() < deadline:
        time.sleep(0.1)
    return code


def _produce(address: str, topic: str, data: bytes, partition: int) -> int:
    name = struct.pack(">h", len(topic)) + topic.encode()
    body = struct.pack(">hhii", -1, -1, 30_000, 1) + name + struct.pack(">iii", 1, partition, len(data)) + data
    request = struct.pack(">hhi", 0, 3, 1) + struct.pack(">h", 3) + b"raw" + body
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = _exactly(connection.recv, struct.unpack(">i", _exactly(connection.recv, 4))[0])
    return int(struct.unpack_from(">h", answer, 4 + 4 + 2 + len(topic) + 4 + 4)[0])


def _exactly(receive: Callable[[int], bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = receive(size - len(data))
        assert more, "the broker closed the connection"
        data += more
    return data
