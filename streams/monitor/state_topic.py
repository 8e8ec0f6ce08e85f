"""The monitors' states in a compacted topic: the last record of a key is its state, an empty one deletes it.

A findings partition has its states in the partition of the same number: whoever is assigned the one reads the other.

Builds whose workers ran the monitors themselves have their states in a topic of their own. Those of prompts that have
none here yet are loaded from there, which keeps the baselines; what is saved goes to our topic alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor

from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.log_reader import read_to_end
from watchline.streams.messages import Record
from watchline.streams.settings import Settings


class StateTopic:
    """States by findings partition. `executor` reads, which blocks; `publish` writes."""

    def __init__(
        self,
        settings: Settings,
        publish: Callable[[str, Sequence[Record]], Awaitable[object]],
        executor: Executor,
    ) -> None:
        self._settings = settings
        self._topic_name = topics.prompt_monitors(settings.topic_prefix)
        self._former_name = topics.former_monitor_state(settings.topic_prefix)
        self._publish = publish
        self._executor = executor
        self._partitions = 0

    async def load(self, partition: int) -> Mapping[bytes, bytes]:
        """The last state of each key, the one saved longest ago first. Raises TransientError where Kafka is away."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._read, partition)

    async def save(self, partition: int, states: Mapping[bytes, bytes | None]) -> None:
        """Saves states; returns when the broker has them."""
        number = await asyncio.get_running_loop().run_in_executor(self._executor, self._number, partition)
        await self._publish(self._topic_name, [Record(state, key, number) for key, state in states.items()])

    def _read(self, partition: int) -> dict[bytes, bytes]:
        states: dict[bytes, bytes] = {}
        former = [self._former_name] if partition in admin.partitions(self._settings, self._former_name) else []
        places = [(name, partition) for name in former] + [(self._topic_name, self._number(partition))]
        for name, number in places:
            for message in read_to_end(self._settings, name, [number]):
                states.pop(message.key(), None)
                if message.value():
                    states[message.key()] = message.value()
        return states

    def _number(self, partition: int) -> int:
        """Of the partition with a findings partition's states: there are fewer where only findings were given more."""
        if not self._partitions:
            self._partitions = len(admin.partitions(self._settings, self._topic_name)) or 1
        return partition % self._partitions
