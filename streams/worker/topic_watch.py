"""Watches Kafka's topics while a worker runs: that each is there, is still the same one, and is set up as it should be.

What is stored names its topic by Kafka's id: a topic that was deleted and made anew counts its offsets anew, so the
names and offsets of two messages may be alike.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from watchline.schemas.errors import ConfigurationError, FatalError, TransientError, WatchlineError
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Partition, Progress
from watchline.streams.kafka import admin, log_reader, reconcile, topics
from watchline.streams.retry import retry
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)

LOOK_S = 20.0
LONGEST_PAUSE_S = 5.0


class TopicWatch:
    """The topics of a worker.

    Parameters
    ----------
    settings : Settings
    progress : Progress
        Told which topics are missing, and of the group's lag.
    metrics : Metrics
        Told of the group's lag, and of settings of topics that are not as wanted.
    stopping : callable
        Whether the worker was told to stop.
    past_end : async callable, optional
        Gets the groups' offsets that lie past the end of their partition, after each look that finds some.
    """

    def __init__(
        self,
        settings: Settings,
        progress: Progress,
        metrics: Metrics,
        stopping: Callable[[], bool] = lambda: False,
        past_end: Callable[[Mapping[Partition, int]], Awaitable[None]] | None = None,
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._metrics = metrics
        self._stopping = stopping
        self._past_end = past_end
        self._past: dict[Partition, int] = {}
        self._ends = admin.Ends(settings)
        self._ids: dict[str, str] = {}
        self._last: dict[Partition, int] = {}  # offsets
        self._said: set[str] = set()

    async def ids(self, messages: Iterable[Any]) -> Mapping[str, str]:
        """The ids of the topics of Kafka messages, by topic.

        Asked again where offsets go back, as they do in a topic that was made anew. Raises FatalError where it was,
        TransientError where Kafka is away for longer than a store may be.
        """
        doubtful = set()
        for message in messages:
            place = message.topic, message.partition
            if message.topic not in self._ids or message.offset <= self._last.get(place, -1):
                doubtful.add(message.topic)
            self._last[place] = message.offset
        for topic in doubtful:
            await asyncio.to_thread(
                partial(
                    retry,
                    partial(self._check, topic),
                    timeout_s=self._settings.store_timeout_s,
                    longest_pause_s=LONGEST_PAUSE_S,
                    stopping=self._stopping,
                )
            )
        return self._ids

    async def run(self) -> None:
        """Looks now and then, until cancelled. Raises FatalError where a topic that is read was made anew."""
        while True:
            try:
                await asyncio.to_thread(self.look)
                if self._past and self._past_end is not None:
                    await self._past_end(self._past)
            except (TransientError, ConfigurationError):
                pass  # `follow_ends` ends a worker that is refused for long
            except FatalError:
                raise
            except Exception as error:  # it is no more than a look
                self._say(f"the topics cannot be looked at: {type(error).__name__}")
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Looks once. Blocks. Raises FatalError as `run`, TransientError where Kafka is away."""
        names = [topic(self._settings.topic_prefix) for topic in topics.TOPICS]
        partitions = admin.partitions_of(self._settings, names)
        missing = [name for name in names if name not in {topic for topic, _ in partitions}]
        self._progress.missing_topics = missing
        for name in missing:
            self._say(f"topic {name} is missing: `watchline migrate` makes it")
        for name in self._ids.keys() - set(missing):
            self._check(name)
        self._compare()
        self._progress.group_lag = self._lag(partitions)
        self._metrics.heard("topics")

    def _check(self, topic: str) -> None:
        found = admin.topic_id(self._settings, topic)
        if found is None:
            raise TransientError(f"topic {topic} is missing")
        if found != self._ids.setdefault(topic, found):
            raise FatalError(
                f"topic {topic} was deleted and made anew, and its offsets begin anew: the worker ends, and reads the "
                "new one when it is started again"
            )

    def _compare(self) -> None:
        try:
            changes = reconcile.plan(self._settings)
        except TransientError:
            raise
        except WatchlineError as error:  # the worker's login may not ask
            self._say(str(error))
            return
        self._metrics.topic_differences.set(len(changes))
        for change in changes:
            self._say(f"{change}; see `watchline migrate`")

    def _lag(self, partitions: Iterable[Partition]) -> dict[str, int]:
        """Messages that the groups have not acknowledged, by topic; of new partitions too, which no worker has yet."""
        groups = {
            topic(self._settings.topic_prefix): topic.group(self._settings.group_id)
            for topic in topics.TOPICS
            if topic.read_by
        }
        lag = dict.fromkeys(groups, 0)
        done: dict[Partition, int] = {}
        read = [each for each in partitions if each[0] in groups]
        for group in set(groups.values()):
            of_group = [each for each in read if groups[each[0]] == group]
            done |= log_reader.committed(self._settings.kafka_client, group, of_group) if of_group else {}
        ends = self._ends(read)  # asked after what is acknowledged, which is never more
        self._past = {each: offset for each, offset in done.items() if offset > ends.get(each, offset)}
        for each, end in ends.items():
            lag[each[0]] += max(0, end - done.get(each, 0))
        return lag

    def _say(self, text: str) -> None:
        """Once, until it changes."""
        if text not in self._said:
            self._said.add(text)
            log.warning(text)
