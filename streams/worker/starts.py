"""Notes where workers began in each partition: how often at the same offset, and in which topic of that name.

A kill of the scoring process is seen by the worker. What ends the worker itself, such as a container's limit of memory,
is seen only by the next one, which may run elsewhere: so the count is kept in a compacted topic. After two such deaths
the partition's next messages are scored event by event, so that whatever is needed for one event only is needed for it
alone. Deaths of the worker never make a dead letter.

A group's offsets go by the name of a topic. Where that was deleted and made anew they say nothing of the new one, whose
first messages would be skipped: its id, noted at each start, tells.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from watchline.streams.health.progress import Partition
from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.log_reader import read_to_end
from watchline.streams.messages import Message, Record
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)

DEATHS = 2


class Starts:
    """The starts of this worker on the raw topic's partitions.

    Parameters
    ----------
    settings : Settings
    publish : async callable
        Sends records to a topic; returns when the broker has them.
    """

    def __init__(self, settings: Settings, publish: Callable[[str, Sequence[Record]], Awaitable[object]]) -> None:
        self._settings = settings
        self._topic = topics.starts(settings.topic_prefix)
        self._publish = publish
        self._noted: Mapping[bytes, bytes] | None = None
        self._bytes_apart: dict[Partition, int] = {}

    def forget(self) -> None:
        """Forgets what others noted: partitions are assigned anew, and they may have begun there since."""
        self._noted = None

    async def of_another_topic(self, committed: Mapping[Partition, int], ids: Mapping[str, str]) -> list[Partition]:
        """The partitions whose acknowledged offset is of an earlier topic of the same name.

        `ids`: of the topics, by name. Raises TransientError where Kafka is away.
        """
        noted = await self._read_once()
        return [
            place
            for place, offset in committed.items()
            if offset and _start(noted.get(_key(place))).get("topic_id", ids[place[0]]) != ids[place[0]]
        ]

    async def begin(self, committed: Mapping[Partition, int], ids: Mapping[str, str]) -> None:
        """Notes that this worker begins at these offsets, in the topics of these ids.

        Raises TransientError where Kafka is away.
        """
        noted = await self._read_once()
        before = {place: _times(noted.get(_key(place)), offset) for place, offset in committed.items()}
        await self._publish(
            self._topic,
            [
                Record(
                    json.dumps({"offset": offset, "times": before[place] + 1, "topic_id": ids[place[0]]}).encode(),
                    _key(place),
                )
                for place, offset in committed.items()
            ],
        )
        for place, times in before.items():
            self._bytes_apart.pop(place, None)
            if times >= DEATHS:
                self._bytes_apart[place] = self._settings.batch_bytes
                log.warning(
                    "%d workers ended at offset %d of %s[%d]: what follows is scored event by event for a while",
                    times, committed[place], *place,
                )  # fmt: skip

    async def _read_once(self) -> Mapping[bytes, bytes]:
        if self._noted is None:
            self._noted = await asyncio.to_thread(self.read)
        return self._noted

    def read(self) -> dict[bytes, bytes]:
        """What was noted last of each partition. Blocks. Raises TransientError where Kafka is away."""
        partitions = admin.partitions(self._settings, self._topic)
        return {message.key(): message.value() for message in read_to_end(self._settings, self._topic, partitions)}

    def apart(self, messages: Sequence[Message]) -> bool:
        """Whether a batch of these must be scored event by event: it may hold what ended workers before."""
        apart = False
        for message in messages:
            partition = message.topic, message.partition
            if (left := self._bytes_apart.get(partition)) is not None:
                apart = True
                if left > len(message.value):
                    self._bytes_apart[partition] = left - len(message.value)
                else:
                    del self._bytes_apart[partition]
        return apart


def _key(partition: Partition) -> bytes:
    return f"{partition[0]}/{partition[1]}".encode()


def _times(value: bytes | None, committed: int) -> int:
    start = _start(value)
    times = start.get("times") if start.get("offset") == committed else None
    return times if isinstance(times, int) else 0


def _start(value: bytes | None) -> dict[str, object]:
    try:
        start = json.loads(value or b"")
    except ValueError:
        return {}
    return start if isinstance(start, dict) else {}
