"""Dead letters: what can never be processed, kept as bytes in a topic and as coordinates in a table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from watchline.schemas.errors import Kind
from watchline.schemas.identifiers import is_identifier
from watchline.schemas.validation import is_uuid
from watchline.streams.clickhouse.tables import Row, Table

WHOLE_MESSAGE = -1
_TOPIC_ID = re.compile("[A-Za-z0-9+/_-]{22}")  # a UUID in base64: librdkafka has + and /, Kafka - and _


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message, or one event of an envelope, that could not be processed.

    A letter that is sent back and fails again is the same letter: it keeps the coordinates of its first message.

    Parameters
    ----------
    topic, topic_id, partition, offset
        Of the message that failed first, as Kafka has them.
    index : int
        The event's place in the envelope, from 0; `WHOLE_MESSAGE` where it is the whole message.
    time : int
        Kafka's time of that message, in microseconds since 1970.
    value : bytes
        As they came; of a single event, encoded again in an envelope of its own.
    kind, reason, field
        Those of the error, which never quotes the bytes. `field` is the record's field at fault, or empty.
    event_id : str
        Empty for a whole message, or where the id itself is at fault.
    app : str
        Who sent it; empty where that can't be read.

    Examples
    --------
    >>> letter = DeadLetter(
    ...     topic="watchline.interactions",
    ...     topic_id="Kf3qVx1sQ7mPz0aT5cYbRw",
    ...     partition=0,
    ...     offset=41,
    ...     index=WHOLE_MESSAGE,
    ...     time=1_700_000_000_000_000,
    ...     value=b"not Avro",
    ...     kind=Kind.UNDECODABLE,
    ...     reason="not framed as an Avro message",
    ... )
    >>> letter.headers["watchline-kind"]
    b'undecodable'
    >>> DeadLetter.from_message(letter.headers, letter.value) == letter
    True
    """

    topic: str
    topic_id: str
    partition: int
    offset: int
    index: int
    time: int
    value: bytes
    kind: Kind
    reason: str
    field: str = ""
    event_id: str = ""
    app: str = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes, in hexadecimal."""
        return hashlib.sha256(self.value).hexdigest()

    @property
    def key(self) -> str:
        """The letter's identity, which its row in ClickHouse has too."""
        return f"{self.topic_id}/{self.partition}/{self.offset}/{self.index}/{self.sha256}"

    @property
    def headers(self) -> dict[str, bytes]:
        """The headers of its Kafka message: where it came from, why it failed, and which letter it is, for a replay."""
        named = {
            "watchline-topic": self.topic,
            "watchline-topic-id": self.topic_id,
            "watchline-partition": self.partition,
            "watchline-offset": self.offset,
            "watchline-index": self.index,
            "watchline-time": self.time,
            "watchline-kind": self.kind,
            "watchline-reason": self.reason,
            "watchline-field": self.field,
            "watchline-event-id": self.event_id,
            "watchline-sha256": self.sha256,
            "watchline-app": self.app,
        }
        return {name: str(value).encode() for name, value in named.items()}

    @classmethod
    def from_message(
        cls, headers: Iterable[tuple[str, bytes]] | Mapping[str, bytes] | None, value: bytes
    ) -> Self | None:
        """Reads a dead letter from a Kafka message.

        Parameters
        ----------
        headers : mapping or pairs of str to bytes, or None
            Of the message. A letter of a version that had no kinds is `unclassified`.
        value : bytes
            Of the message.

        Returns
        -------
        DeadLetter or None
            None where the headers are not a letter's, or their hash is not that of the bytes: anyone who may write to
            the topic can write headers too. So ids have the form of one, and hold no text.
        """
        by_name = {name.removeprefix("watchline-"): text for name, text in dict(headers or {}).items()}
        try:
            named = {name: by_name[name].decode() for name in ("topic", "topic-id", "reason", "event-id", "sha256")}
            field = by_name.get("field", b"").decode()
            kind = by_name.get("kind", b"").decode()
            app = by_name.get("app", b"").decode()
            numbers = {name: int(by_name[name]) for name in ("partition", "offset", "index", "time")}
            datetime.fromtimestamp(numbers["time"] / 1e6, UTC)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
            return None
        if numbers["index"] < WHOLE_MESSAGE or min(numbers["partition"], numbers["offset"], numbers["time"]) < 0:
            return None
        if named["topic-id"] != named["topic"] and not _TOPIC_ID.fullmatch(named["topic-id"]):
            return None  # a broker without ids has the topic's name in their place
        if named["event-id"] and not is_uuid(named["event-id"]):
            return None
        if max(numbers["partition"], numbers["index"]) >= 1 << 31 or numbers["offset"] >= 1 << 63:
            return None
        letter = cls(
            topic_id=named["topic-id"],
            event_id=named["event-id"],
            value=value,
            topic=named["topic"],
            kind=Kind(kind) if kind in set(Kind) else Kind.UNCLASSIFIED,
            reason=named["reason"],
            field=field,
            app=app,
            **numbers,
        )
        return letter if letter.sha256 == named["sha256"] else None


def sent_back(message: Any) -> DeadLetter | None:
    """The dead letter that was sent back as this Faust message; None for an ordinary message."""
    letter = DeadLetter.from_message(message.headers, message.value or b"") if message.headers else None
    return letter if letter is not None and letter.topic == message.topic else None


def table(letters: Iterable[DeadLetter]) -> Table:
    """The letters' rows for ClickHouse: coordinates, kind, reason, size and hash, never the bytes."""
    rows = [
        Row(
            [
                datetime.fromtimestamp(letter.time / 1e6, UTC),
                letter.topic,
                letter.topic_id,
                letter.partition,
                letter.offset,
                letter.index,
                letter.event_id,
                letter.kind,
                letter.field,
                letter.reason,
                len(letter.value),
                letter.sha256,
                letter.app if is_identifier(letter.app, version=True) else "",
            ],
            letter.key,
            letter.time,
        )
        for letter in letters
    ]
    return Table.of("dead_letters", rows)
