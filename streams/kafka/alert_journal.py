"""The alerts' state in a compacted topic of one partition: the last record of a key counts, an empty one deletes it.

One evaluator owns it: it says so by a record with a number that rises with each owner (of two with the same, the first
counts), and shows every few seconds that it lives. Where it hasn't for `LEASE_S`, another takes over. What an owner
writes has its number: after the record of a later owner it is void, and the later one writes again what it had of that
key. Before each message the owner writes once more and reads the log up to there: one that was stopped, and wakes after
another took over, sees that, and sends nothing. All this goes by the order of the log, on every broker; a consumer
group would not: Tansu gives the partition of a member that stands still to nobody.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any, Literal
from uuid import uuid4

from watchline.schemas.errors import TransientError
from watchline.streams.kafka import topics
from watchline.streams.settings import Settings

OWNER, ALIVE = "owner", "alive"
LEASE_S = 15.0  # without a sign of life until another takes over
BEAT_S = 3.0
STUCK_S = 300.0  # without a question of the evaluator's: it stands still, and another may have a try
PATIENCE_S = 20.0
FAREWELL_S = 3.0  # for what only hastens the next owner

Record = Mapping[str, Any]
Ownership = Literal["ours", "free", "another's"]


class AlertJournal:
    """What `watchline.dashboards.engine.journal.Journal` asks for, on Kafka.

    Parameters
    ----------
    settings : Settings
    evaluates : bool
        Whether this process may own the partition; else it reads, and writes what is nobody's own: silences and
        acknowledgements.
    """

    def __init__(self, settings: Settings, *, evaluates: bool = True) -> None:
        self._settings, self._evaluates = settings, evaluates
        self._topic = topics.alert_state(settings.topic_prefix)
        self._lock = threading.RLock()
        self._producer: Any = None
        self._reader: Any = None
        self._beating: threading.Thread | None = None
        self._closed = threading.Event()
        self._asked = time.monotonic()
        self._heard = time.monotonic()  # of the present owner
        self._left = False  # it said that it goes
        self._id = uuid4().hex[:12]
        self._number = 0  # ours, once we own
        self._latest = (0, "")  # number and id of the owner, as far as was read
        self._next = 0  # the offset after the last record that was read
        self._at_end = False
        self._mine: dict[str, bytes | None] = {}  # what was written, read back or not
        self._news: list[tuple[str, Record | None]] = []
        self._records: dict[str, Record] = {}

    def own(self, timeout_s: float) -> Ownership:
        """Whose it is: `free` may be taken over by `load`. Waits for so long while it is another's.

        Raises TransientError where Kafka doesn't answer.
        """
        if not self._evaluates:
            return "another's"
        self._asked = time.monotonic()
        deadline = self._asked + timeout_s
        while True:
            with self._lock:
                self._read()
                if self._owns():
                    return "ours"
                nobody = self._latest == (0, "") or self._left or time.monotonic() - self._heard > LEASE_S
            if nobody:
                return "free"
            if time.monotonic() >= deadline or self._closed.wait(min(0.5, timeout_s)):
                return "another's"

    def load(self) -> dict[str, Record]:
        """All records. One that may evaluate takes over: what the owner before it still writes is void.

        Raises TransientError where Kafka doesn't answer.
        """
        with self._lock:
            self._close_reader()
            self._next, self._number, self._latest = 0, 0, (0, "")
            self._records, self._mine, self._news = {}, {}, []
            self._read()
            if self._evaluates:
                self._number = self._latest[0] + 1
                self._left = False
                self._read(self._send({OWNER: self._sign()}))
                if self._beating is None:
                    self._beating = threading.Thread(target=self._beat, name="alerts-alive", daemon=True)
                    self._beating.start()
            self._news = []
            return dict(self._records)

    def changes(self) -> list[tuple[str, Record | None]]:
        """What others have written since, in order. Raises TransientError where Kafka doesn't answer."""
        with self._lock:
            self._read()
            news, self._news = self._news, []
            return news

    def append(self, records: Mapping[str, Record | None]) -> None:
        """Writes; returns when the broker has them. Raises TransientError."""
        packed = {key: None if record is None else _packed(record) for key, record in records.items()}
        with self._lock:
            if self._number:
                self._mine |= packed
            self._send(packed)

    def holds(self) -> bool:
        """Whether nobody has taken over until now, by the order of the log. Raises TransientError."""
        with self._lock:
            if not self._number:
                return False
            self._read(self._send({ALIVE: self._sign()}))
            return self._owns()

    def close(self) -> None:
        """Ends; an owner says that it goes, so that another takes over at once."""
        self._closed.set()
        with self._lock:
            if self._number and self._owns():
                with contextlib.suppress(TransientError):
                    self._send({ALIVE: self._sign(left=True)})
            self._number = 0
            self._close_reader()

    def _owns(self) -> bool:
        return self._number > 0 and self._latest == (self._number, self._id)

    def _beat(self) -> None:
        """Shows that this process lives, as long as it evaluates."""
        while not self._closed.wait(BEAT_S):
            with self._lock:
                if self._owns() and time.monotonic() - self._asked < STUCK_S:
                    with contextlib.suppress(TransientError):
                        self._send({ALIVE: self._sign()})

    def _sign(self, *, left: bool = False) -> bytes:
        who = {"number": self._number, "id": self._id, "who": socket.gethostname(), "at": time.time(), "left": left}
        return json.dumps(who).encode()

    def _send(self, records: Mapping[str, bytes | None]) -> int:
        """Writes records and gives the offset of the last of them."""
        from confluent_kafka import KafkaException, Producer

        if self._producer is None:
            self._producer = Producer({**self._settings.kafka_client, "acks": "all", "linger.ms": 0})
        offsets: list[int] = []
        failures: list[str] = []

        def done(error: Any, message: Any) -> None:
            if error is not None:
                failures.append(error.str())
            else:
                offsets.append(message.offset())

        headers = [(OWNER, f"{self._number} {self._id}".encode())] if self._number else []
        try:
            for key, value in records.items():
                self._producer.produce(self._topic, value, key.encode(), partition=0, headers=headers, on_delivery=done)
            left = self._producer.flush(FAREWELL_S if self._closed.is_set() else PATIENCE_S)
        except KafkaException as error:
            raise TransientError(f"Kafka takes no record of alerts: {error.args[0].str()}") from None
        if left or failures:
            raise TransientError(f"Kafka takes no record of alerts: {(failures or ['no answer'])[0]}")
        return max(offsets, default=-1)

    def _read(self, last: int | None = None) -> None:
        """Reads on until the record of this offset, or the present end, and takes in what is read."""
        from confluent_kafka import KafkaError, TopicPartition

        if self._reader is None:
            self._reader, self._at_end = self._open_reader(), False
            self._reader.assign([TopicPartition(self._topic, 0, self._next)])
        deadline = time.monotonic() + PATIENCE_S
        while last is None or self._next <= last:
            messages = self._reader.consume(500, 0.1)
            if last is None and self._at_end and not messages:
                return
            for message in messages:
                if (error := message.error()) is None:
                    self._next, self._at_end = message.offset() + 1, False
                    self._take(message)
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name for it
                    self._at_end = True
                else:
                    continue
                deadline = time.monotonic() + PATIENCE_S
            if time.monotonic() > deadline:
                self._close_reader()
                raise TransientError(f"Kafka sent nothing from topic {self._topic} for {PATIENCE_S:g} s")

    def _take(self, message: Any) -> None:
        key = message.key().decode("utf-8", "replace") if message.key() else ""
        number, writer = _owner(message.headers())
        try:
            record = json.loads(message.value()) if message.value() else None
        except ValueError:
            return
        if key == OWNER and record is not None and record["number"] > self._latest[0]:
            self._latest = record["number"], record["id"]
            self._left = False
        if (number, writer) == self._latest:
            self._heard = time.monotonic()
            self._left = key == ALIVE and record is not None and bool(record.get("left"))
        if key in (OWNER, ALIVE):
            return
        if number and (number, writer) != self._latest and number <= self._latest[0]:
            # Of an owner that was overtaken. The last record of a key is what is kept: it must not be this one.
            if self._owns():
                known = self._records.get(key)
                self._send({key: self._mine.get(key, None if known is None else _packed(known))})
            return
        if writer != self._id:
            self._news.append((key, record))
        if record is None:
            self._records.pop(key, None)
        else:
            self._records[key] = record

    def _open_reader(self) -> Any:
        from confluent_kafka import Consumer

        return Consumer(
            {
                **self._settings.kafka_client,
                "group.id": f"{self._settings.group_id}-alerts-reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
            }
        )

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _packed(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def _owner(headers: Any) -> tuple[int, str]:
    """The number and id of the owner that wrote a record; of what is nobody's own: 0 and none."""
    for name, value in headers or ():
        if name == OWNER:
            number, _, writer = value.decode().partition(" ")
            return int(number), writer
    return 0, ""
