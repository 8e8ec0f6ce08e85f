"""Whether the worker makes progress. Where it doesn't, stacks go to the log, and later the process ends.

Progress is what is committed. It is judged topic by topic, by the messages that the topic's agent holds, and over all
topics by those that wait in Kafka: so an agent that hangs is seen beside others that work, and a topic that waits its
turn is no stall.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from watchline.schemas.errors import ConfigurationError, TransientError

log = logging.getLogger(__name__)
STALL_S = 120.0  # longer than the longest batch that is allowed
LOOP_STALL_S = 120.0  # by then Kafka has long taken the partitions away
WATCH_S = 1.0
ENDS_S = 5.0
REFUSED_S = 60.0

Partition = tuple[str, int]  # topic and number


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """What the consumer says at one moment, of the partitions that this worker has.

    `held` are the messages that were read and are not acknowledged yet, by topic, and `held_bytes` their sizes;
    `unread` messages of a topic wait in Kafka. `lag` is more than both where retention has taken what was never
    acknowledged.
    """

    committed: Mapping[Partition, int | None] = field(default_factory=dict)
    lag: Mapping[Partition, int] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    held_bytes: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)

    @property
    def lag_messages(self) -> int | None:
        """Messages that are not acknowledged yet; None where no partition is assigned."""
        return sum(self.lag.values()) if self.lag else None


@dataclass
class Progress:
    """What the worker has done and when. `events` are interactions.

    Written by the event loop, but for `store_attempt`, which the storing thread calls. Times are `clock`'s seconds.
    """

    store_timeout_s: float = 300.0
    clock: Callable[[], float] = time.monotonic
    events: int = 0
    batches: int = 0
    joined: bool = False  # the group has given this worker its partitions, which may be none
    consumer_state: ConsumerState = field(default_factory=ConsumerState)
    ends: Mapping[Partition, int] = field(default_factory=dict)  # of the partitions, as Kafka last told
    group_lag: Mapping[str, int] = field(default_factory=dict)  # by topic, of all partitions, whoever has them
    missing_topics: Sequence[str] = ()
    degraded: Sequence[str] = ()  # what is wrong with the store, though it answers: scoring goes on
    untold: Mapping[str, str] = field(default_factory=dict)  # by channel, why nobody outside is told: scoring goes on
    started: float = field(init=False)
    ends_told: float = field(init=False)  # when Kafka did
    last_batch: float = field(init=False)
    last_commit: float = field(init=False)
    store_answers: bool = field(default=False, init=False)
    _store_failed: float = field(default=-float("inf"), init=False)
    _moved: dict[str, float] = field(default_factory=dict, init=False)  # by topic; "" is all of them

    def __post_init__(self) -> None:
        self.started = self.ends_told = self.last_batch = self.last_commit = self.clock()

    def batch_done(self, events: int) -> None:
        """A batch is stored, published and about to be acknowledged."""
        self.events += events
        self.batches += 1
        self.last_batch = self.clock()

    def part_done(self) -> None:
        """A part of a batch is scored or given up. Called by any thread, where finding a fault takes minutes."""
        now = self.clock()
        for topic in list(self._moved):
            self._moved[topic] = now

    def store_attempt(self, failure: str | None) -> None:
        """An insert worked (None), or failed in a way that may pass."""
        self.store_answers = failure is None
        if failure is not None:
            self._store_failed = self.clock()

    def registry_failed(self) -> None:
        """A question to the schema registry failed in a way that may pass. Called by any thread."""
        self._store_failed = self.clock()

    def observe(self, consumer_state: ConsumerState) -> None:
        """Takes a reading: where something was committed, or nothing waits, there is progress."""
        now, before = self.clock(), self.consumer_state.committed
        changed = {
            partition for partition, offset in consumer_state.committed.items() if before.get(partition) != offset
        }
        if changed & before.keys():
            self.last_commit = now
        committed = {topic for topic, _ in changed}
        held, unread = consumer_state.held, consumer_state.unread
        waiting = {**held, "": sum(held.values()) + sum(unread.values())}
        for topic in {topic for topic, _ in consumer_state.committed} | self._moved.keys() | {""}:
            if topic in committed or not waiting.get(topic) or (topic == "" and committed):
                self._moved[topic] = now
            self._moved.setdefault(topic, now)
        self.consumer_state = consumer_state

    @property
    def stalled_s(self) -> float:
        """Seconds for which messages have waited without progress."""
        now = self.clock()
        return max((now - moved for moved in self._moved.values()), default=0.0)

    @property
    def is_stalled(self) -> bool:
        """No progress for STALL_S; a store or registry that failed lately may take as long as its retries last."""
        failing = self.clock() - self._store_failed < STALL_S
        return self.stalled_s > STALL_S + (self.store_timeout_s if failing else 0.0)

    @property
    def is_hopeless(self) -> bool:
        """Stalled for longer than a legal batch and a store that is away can take together."""
        return self.stalled_s > 2 * STALL_S + self.store_timeout_s

    def tells(self, channel: str, trouble: str) -> None:
        """What keeps a channel to the outside from working; empty: nothing. Called by any thread."""
        if trouble:
            self.untold = {**self.untold, channel: trouble}
        else:
            self.untold = {name: text for name, text in self.untold.items() if name != channel}

    @property
    def troubles(self) -> list[str]:
        """What is wrong though scoring goes on: with the store, and with telling others."""
        return [*self.degraded, *self.untold.values()]

    def report(self) -> dict[str, Any]:
        """The liveness page."""
        now = self.clock()
        return {
            "status": "stalled" if self.is_stalled else "ok",
            "events": self.events,
            "batches": self.batches,
            "last_batch_age_s": round(now - self.last_batch, 1),
            "last_commit_age_s": round(now - self.last_commit, 1),
            "stalled_s": round(self.stalled_s, 1),
            "lag_messages": self.consumer_state.lag_messages,
            "group_lag_messages": dict(self.group_lag),
            "degraded": self.troubles,
            "uptime_s": round(now - self.started, 1),
        }

    def not_ready(self, *, draining: bool) -> list[str]:
        """Why the worker isn't ready; empty when it is."""
        reasons = {
            "draining": draining,
            "no partitions assigned yet": not self.joined,
            "the store does not answer": not self.store_answers,
            f"topics are missing: {', '.join(self.missing_topics)}": bool(self.missing_topics),
        }
        return [reason for reason, holds in reasons.items() if holds]


async def follow_ends(progress: Progress, ask: Callable[[Iterable[Partition]], Mapping[Partition, int]]) -> None:
    """Asks Kafka for the ends of the partitions now and then, until cancelled: those that are paused aren't fetched.

    `ask` may block. While Kafka is away (TransientError) what it said last holds; where it has refused our login for a
    while, as when the password was changed, this raises ConfigurationError: aiokafka would go on trying.
    """
    asked_well = progress.clock()
    while True:
        try:
            progress.ends = await asyncio.to_thread(ask, [*progress.consumer_state.lag])
            asked_well = progress.ends_told = progress.clock()
        except TransientError:
            asked_well = progress.clock()
        except ConfigurationError:
            if progress.clock() - asked_well > REFUSED_S:
                raise
        await asyncio.sleep(ENDS_S)


async def watch(
    read: Callable[[], ConsumerState], progress: Progress, show_stacks: Callable[[], None] = lambda: None
) -> None:
    """Observes what `read` says each second, until cancelled. Ends the process with code 1 where it is stuck for good.

    Stacks go to standard error, as the log does: files, lines and functions, no values. `show_stacks` has other
    processes do the same. A loop that doesn't turn can't run this, so faulthandler's own thread, which needs no
    interpreter lock either, dumps and ends then.
    """
    dumped = False
    try:
        while True:
            faulthandler.dump_traceback_later(LOOP_STALL_S, exit=True)
            progress.observe(read())
            if progress.is_stalled and not dumped:
                log.critical(
                    "messages are waiting, and nothing was committed for %.0f s; all stacks:", progress.stalled_s
                )
                faulthandler.dump_traceback(all_threads=True)
                show_stacks()
            dumped = progress.is_stalled
            if progress.is_hopeless:
                log.critical("no progress for %.0f s: the process exits, to be restarted", progress.stalled_s)
                # Threads that hang can't be joined. What isn't acknowledged comes again.
                os._exit(1)
            await asyncio.sleep(WATCH_S)
    finally:
        faulthandler.cancel_dump_traceback_later()
