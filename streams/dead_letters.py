"""Dead letters: what can never be processed, kept as bytes in a topic and as coordinates in a table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from watchline.schemas.errors import Kind
from watchline.streams.clickhouse.tables import Row, Table

WHOLE_MESSAGE = -1


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message, or one event of an envelope, that was given up.

    `value` holds the bytes as they came (of a single event: encoded again, in an envelope of its own). `kind`, `reason`
    and `field` (the one of the record that is at fault, or empty) are those of the error; none quotes the bytes.
    Topic, partition, offset and time (microseconds) are those of the message that died first: a letter that is sent
    back and dies again is the same letter.
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

    @property
    def sha256(self) -> str:
        """Of the bytes, in hexadecimal."""
        return hashlib.sha256(self.value).hexdigest()

    @property
    def key(self) -> str:
        """What names the letter, in its row too."""
        return f"{self.topic_id}/{self.partition}/{self.offset}/{self.index}/{self.sha256}"

    @property
    def headers(self) -> dict[str, bytes]:
        """Where it came from and why it is here, for who reads the topic; and who it is, when it is sent back."""
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
        }
        return {name: str(value).encode() for name, value in named.items()}

    @classmethod
    def from_message(
        cls, headers: Iterable[tuple[str, bytes]] | Mapping[str, bytes] | None, value: bytes
    ) -> Self | None:
        """The letter that a message is by its headers; None where it is none.

        Whoever writes a topic writes headers too, so they count only where the hash is that of the bytes. A letter of
        a version that knew no kinds has neither kind nor field.
        """
        by_name = {name.removeprefix("watchline-"): text for name, text in dict(headers or {}).items()}
        try:
            named = {name: by_name[name].decode() for name in ("topic", "topic-id", "reason", "event-id", "sha256")}
            field = by_name.get("field", b"").decode()
            kind = by_name.get("kind", b"").decode()
            numbers = {name: int(by_name[name]) for name in ("partition", "offset", "index", "time")}
            datetime.fromtimestamp(numbers["time"] / 1e6, UTC)
        except (KeyError, ValueError, AttributeError, OverflowError, OSError):
            return None
        if numbers["index"] < WHOLE_MESSAGE or min(numbers["partition"], numbers["offset"], numbers["time"]) < 0:
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
            **numbers,
        )
        return letter if letter.sha256 == named["sha256"] else None


def sent_back(message: Any) -> DeadLetter | None:
    """The dead letter that a message of Faust's is, sent back to where it came from; None for an ordinary one."""
    letter = DeadLetter.from_message(message.headers, message.value or b"") if message.headers else None
    return letter if letter is not None and letter.topic == message.topic else None


def table(letters: Iterable[DeadLetter]) -> Table:
    """Their rows for ClickHouse: coordinates, kind, reason, size and hash, never text."""
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
            ],
            letter.key,
            letter.time,
        )
        for letter in letters
    ]
    return Table.of("dead_letters", rows)
