"""A load on the raw topic that costs little: envelopes encoded once, ids and times patched in.

`python -m tests.faults.load BROKERS TOPIC PARTITIONS REPORTS --rate N` sends until its standard input ends (or so many
events are sent), waits for every delivery report and writes them down: one line for each envelope that the broker
acknowledged, `partition offset first_number events`. What is in that file was accepted; what isn't may be there too.
Events are numbered from 0; an event's id is its number after a fixed beginning.
"""

from __future__ import annotations

import argparse
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from watchline.schemas.codec import encode
from watchline.schemas.records import Interaction, InteractionBatch, Message

SIZE = 32  # events an envelope
_BEGINNING = "00000000-0000-7000-8000-"


def event_id(number: int) -> str:
    """The id of an event."""
    return f"{_BEGINNING}{number:012x}"


class Envelopes:
    """Envelopes of one producer: the same interaction under new ids and of now."""

    def __init__(self, size: int = SIZE, text_bytes: int = 200) -> None:
        self.size = size
        now = time.time_ns() // 1000
        interactions = tuple(
            Interaction(
                event_id=event_id(number),
                time=now,
                app="load",
                request_model="m",
                prompt_name="answer",
                prompt_version="1",
                input_messages=(Message("user", "Where is the manual, and who wrote it?"),),
                output_messages=(
                    Message("assistant", "On the desk. "[: text_bytes % 13] + "On the desk. " * (text_bytes // 13)),
                ),
                latency_s=0.5,
            )
            for number in range(size)
        )
        producer_id = str(uuid4())
        data = encode(InteractionBatch(producer_id=producer_id, first_sequence=0, interactions=interactions))
        start = data.index(producer_id.encode()) + len(producer_id)
        assert data[start] == 0  # first_sequence, as a varint of one byte
        self._head, self._body = data[:start], bytearray(data[start + 1 :])
        self._ids = [self._body.index(event_id(number).encode()) + len(_BEGINNING) for number in range(size)]
        self._time_bytes = len(_varint(now))
        self._times = [place + 12 for place in self._ids]  # `time` comes after the id

    def make(self, first: int) -> bytes:
        """The envelope of the events from this number on."""
        now = _varint(time.time_ns() // 1000)
        assert len(now) == self._time_bytes
        for index, place in enumerate(self._ids):
            self._body[place : place + 12] = b"%012x" % (first + index)
            self._body[place + 12 : place + 12 + self._time_bytes] = now
        return self._head + _varint(first) + self._body


class Load:
    """That process. It runs from when it is made to `finish`."""

    def __init__(self, brokers: str, topic: str, partitions: int, file: Path, **options: float) -> None:
        self.file = file
        file.touch()
        given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.load", brokers, topic, str(partitions), str(file), *given],
            stdin=subprocess.PIPE,
        )

    def accepted(self) -> int:
        """Events that were acknowledged so far."""
        return sum(events for *_, events in reports(self.file))

    def finish(self, timeout_s: float = 150) -> None:
        """Lets it send no more and wait for the last reports."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(timeout_s) == 0

    def join(self, timeout_s: float = 150) -> None:
        """Waits until it has sent all of its events."""
        assert self._process.wait(timeout_s) == 0

    def end(self) -> None:
        """Kills it where it still runs."""
        self._process.kill()
        self._process.wait()


def reports(file: Path) -> Iterator[tuple[int, int, int, int]]:
    """What was acknowledged: partition, offset, first number, events. A line that is still written is left out."""
    for line in file.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            partition, offset, first, events = map(int, line.split())
            yield partition, offset, first, events


def run(asked: argparse.Namespace) -> None:
    """Sends what the command line asks for."""
    from confluent_kafka import Producer

    producer = Producer(
        {
            "bootstrap.servers": asked.brokers,
            "enable.idempotence": True,  # a retry in the client must not make a second copy that no report knows
            "linger.ms": 5,
            "compression.type": asked.compression,
            "queue.buffering.max.messages": 1_000_000,
            "log_level": 0,
        }
    )
    envelopes, size = Envelopes(asked.size, asked.text_bytes), asked.size
    with asked.reports.open("w", buffering=1) as out:

        def delivered(error: Any, message: Any, number: int) -> None:
            # A retry that the broker knew as one is acknowledged without an offset.
            if error is None and message.offset() is not None:
                out.write(f"{message.partition()} {message.offset()} {number} {size}\n")

        started, sent = time.monotonic(), 0
        while (not asked.events or sent < asked.events) and not select.select([sys.stdin], [], [], 0)[0]:
            if (ahead := sent / asked.rate - (time.monotonic() - started)) > 0:
                producer.poll(min(ahead, 0.05))
                continue
            number, partition = asked.first + sent, sent // size % asked.partitions
            producer.produce(
                asked.topic,
                envelopes.make(number),
                partition=partition,
                on_delivery=lambda error, message, number=number: delivered(error, message, number),
            )
            producer.poll(0)
            sent += size
        producer.flush(120)


def _varint(number: int) -> bytes:
    """Avro's `long`: zigzag, seven bits a byte."""
    number, out = number << 1, bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("brokers")
    parser.add_argument("topic")
    parser.add_argument("partitions", type=int)
    parser.add_argument("reports", type=Path)
    parser.add_argument("--rate", type=float, default=2000)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--events", type=int, default=0, help="0: until the standard input ends")
    parser.add_argument("--first", type=int, default=0, help="number of the first event")
    parser.add_argument("--text-bytes", type=int, default=200, help="of each answer")
    parser.add_argument("--compression", default="lz4")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
