"""The log of acts: a topic of one partition, whose order is the order of the chain.

The embedded broker keeps everything in memory: beside it the record is a file, synced before an act counts as written,
from which the topic is filled before anything reads it. A topic on a Kafka of its own is the record itself.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from watchline.schemas.codec import decode, encode
from watchline.schemas.errors import ConfigurationError, PoisonError, TransientError
from watchline.schemas.records import GovernanceEvent
from watchline.streams.kafka import admin, log_reader, topics
from watchline.streams.settings import Settings

_WRITTEN_AT = "written-at"  # header of what came from the file: when it was written there
PATIENCE_S = 20.0
_IN_TIME = {"message.timeout.ms": int(PATIENCE_S * 750)}  # what was given up doesn't arrive later


class Message(NamedTuple):
    """One message of the topic: its offset, when it was taken in, in microseconds, and its bytes."""

    offset: int
    time: int
    value: bytes


class Log:
    """The log that the settings name. One process may use several; `append` of any number of them is in one order.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = topics.governance(settings.topic_prefix)
        self._texts = topics.governance_texts(settings.topic_prefix)
        self._file = settings.data_dir / "governance" / "log.jsonl"
        self._producer: Any = None

    def check(self) -> None:
        """Raises ConfigurationError where the topic can't hold a chain, TransientError where Kafka is away."""
        there = admin.partitions(self._settings, self._topic)
        if not there:
            raise ConfigurationError(f"there is no topic {self._topic}: `watchline migrate` makes it")
        if len(there) > 1:
            raise ConfigurationError(
                f"topic {self._topic} has {len(there)} partitions, and the order of one is what the trail rests on. "
                f"Where nothing is in it yet: kafka-topics.sh --bootstrap-server {self._settings.bootstrap_servers} "
                f"--delete --topic {self._topic}, then `watchline migrate`"
            )

    def append(self, event: GovernanceEvent, texts: Mapping[str, str]) -> int:
        """Writes an act, after its texts, and returns its offset once it is safe.

        Raises what `check` raises, TransientError where Kafka doesn't take it.
        """
        self.check()
        value = encode(event)
        for name, text in texts.items():
            self._send(self._texts, text.encode(), key=f"{event.governance_id}/{name}")
        if not self._file.exists():
            return self._send(self._topic, value)
        with self._locked():
            self._refill()
            written_at = time.time_ns() // 1000
            self._write_down(value, written_at)
            return self._send(self._topic, value, written_at=written_at)

    def fill(self) -> int:
        """Where the broker is an embedded one: begins the file, or fills the topic from it. Returns its messages."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file.touch(mode=0o600)
        with self._locked():
            there = self._refill()
            # What was written while there was no file yet: root keys were made a moment ago.
            return there + sum(self._write_down(each.value, each.time) for each in self.read(there))

    def read(self, first: int = 0) -> Iterator[Message]:
        """The messages from an offset to the present end. Raises TransientError where Kafka is away."""
        for message in log_reader.read_to_end(self._settings, self._topic, [0]):
            if message.offset() >= first:
                yield self._message(message)

    def has(self, ids: Iterable[str]) -> set[str]:
        """Those of some acts' ids that are there. Reads all of it. Raises TransientError where Kafka is away."""
        wanted, found = {*ids}, set()
        for message in self.read():
            with contextlib.suppress(PoisonError):
                found.add(decode(message.value, GovernanceEvent).governance_id)
        return wanted & found

    def follow(self, first: int) -> Follower:
        """What comes from an offset on."""
        return Follower(self._settings, self._topic, first, self._message)

    def texts(self) -> Iterator[tuple[str, str, str]]:
        """The texts that are there: id of the act, name, salted text; empty for one that was erased."""
        yield from map(_text, log_reader.read_to_end(self._settings, self._texts, [0]))

    def new_texts(self) -> Callable[[], Iterator[tuple[str, str, str]]]:
        """What gives likewise those that came since it was called last. Raises TransientError where Kafka is away."""
        read = log_reader.to_its_end(self._settings, self._texts)
        return lambda: map(_text, read())

    def _message(self, message: Any) -> Message:
        taken_in = 1000 * message.timestamp()[1]
        if self._file.exists():  # what the broker says is when the file was read, after the first start
            for name, value in message.headers() or ():
                if name == _WRITTEN_AT:
                    taken_in = int(value)
        return Message(message.offset(), taken_in, message.value() or b"")

    def _refill(self) -> int:
        lines = self._file.read_bytes().splitlines(keepends=True)
        if lines and not lines[-1].endswith(
            b"\n"
        ):  # half of it was written when the machine went down: nobody was told
            os.truncate(self._file, self._file.stat().st_size - len(lines.pop()))
        (end,) = admin.Ends(self._settings)([(self._topic, 0)]).values()
        if lines and end < len(lines):
            end = sum(1 for _ in self.read())  # Tansu's own answer may be too low
        for line in lines[end:]:
            written = json.loads(line)
            self._send(self._topic, base64.b64decode(written["value"]), written_at=written["time"])
        return len(lines)

    def _write_down(self, value: bytes, time_us: int) -> int:
        with self._file.open("ab") as file:
            file.write(json.dumps({"time": time_us, "value": base64.b64encode(value).decode()}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return 1

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with Path(f"{self._file}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _send(self, topic: str, value: bytes, *, key: str = "", written_at: int = 0) -> int:
        from confluent_kafka import KafkaException, Producer

        if self._producer is None:
            self._producer = Producer({**self._settings.kafka_client, "acks": "all", "linger.ms": 0, **_IN_TIME})
        told: list[Any] = []
        try:
            self._producer.produce(
                topic,
                value,
                key.encode() or None,
                partition=0,
                headers=[(_WRITTEN_AT, str(written_at).encode())] if written_at else [],
                on_delivery=lambda error, message: told.append((error, message.offset() if not error else -1)),
            )
            self._producer.flush(PATIENCE_S)
        except KafkaException as error:
            raise TransientError(f"Kafka does not take the act: {error.args[0].str()}") from None
        if not told or told[0][0] is not None:
            why = told[0][0].str() if told else "no answer"
            raise TransientError(f"Kafka does not take the act: {why}")
        return int(told[0][1])


def _text(message: Any) -> tuple[str, str, str]:
    governance_id, _, name = (message.key() or b"").decode("utf-8", "replace").partition("/")
    return governance_id, name, (message.value() or b"").decode("utf-8", "replace")


class Follower:
    """Reads a topic's only partition as it grows. One thread uses it at a time.

    `at_end`: it has once come to where the topic ended then.
    """

    def __init__(self, settings: Settings, topic: str, first: int, read: Any) -> None:
        from confluent_kafka import Consumer, TopicPartition

        self._read, self.at_end = read, False
        self._consumer = Consumer(
            {
                **settings.kafka_client,
                "group.id": f"{settings.group_id}-governance-reader",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
                "enable.partition.eof": True,
            }
        )
        self._consumer.assign([TopicPartition(topic, 0, first)])

    def next(self, timeout_s: float) -> list[Message]:
        """What has come, 500 at most; nothing after so long. Where Kafka is away, nothing comes."""
        from confluent_kafka import KafkaError

        found = self._consumer.consume(500, timeout_s)
        end = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's public name for it
        self.at_end = self.at_end or any(message.error() and message.error().code() == end for message in found)
        return [self._read(message) for message in found if message.error() is None]

    def close(self) -> None:
        """Ends it."""
        self._consumer.close()
