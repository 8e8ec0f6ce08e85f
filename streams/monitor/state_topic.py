"""The monitors' states in a compacted topic: the last record of a key is its state, an empty one deletes it.

A findings partition has its states in the partition of the same number: whoever is assigned the one reads the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor

from watchline.schemas.errors import TransientError
from watchline.streams.kafka import topics
from watchline.streams.messages import Record
from watchline.streams.settings import Settings

LOAD_TIMEOUT_S = 60.0
POLL_S = 1.0


class StateTopic:
    """States by findings partition. `executor` reads, which blocks; `publish` writes."""

    def __init__(
        self,
        settings: Settings,
        publish: Callable[[str, Sequence[Record]], Awaitable[None]],
        executor: Executor,
    ) -> None:
        self._settings = settings
        self._topic_name = topics.monitor_state(settings.topic_prefix)
        self._publish = publish
        self._executor = executor

    async def load(self, partition: int) -> Mapping[bytes, bytes]:
        """The last state of each key, the one saved longest ago first. Raises TransientError where Kafka is away."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._read, partition)

    async def save(self, partition: int, states: Mapping[bytes, bytes | None]) -> None:
        """Saves states; returns when the broker has them."""
        await self._publish(self._topic_name, [Record(state, key, partition) for key, state in states.items()])

    def _read(self, partition: int) -> dict[bytes, bytes]:
        from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

        consumer = Consumer(
            {
                **self._settings.kafka_client,
                "group.id": f"{self._settings.group_id}-monitor-state",  # never joined: the partition is assigned
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        states: dict[bytes, bytes] = {}
        try:
            consumer.assign([TopicPartition(self._topic_name, partition, OFFSET_BEGINNING)])
            for _ in range(int(LOAD_TIMEOUT_S / POLL_S)):
                for message in consumer.consume(1000, POLL_S):
                    error = message.error()
                    if error is None:
                        states.pop(message.key(), None)
                        if message.value():
                            states[message.key()] = message.value()
                    # The end as a fetch sees it: not every broker answers a query for the last offset rightly.
                    elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name for it
                        return states
        finally:
            consumer.close()
        raise TransientError(f"{self._topic_name}[{partition}] could not be read to its end in {LOAD_TIMEOUT_S:.0f} s")
