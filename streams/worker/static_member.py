"""Two workers of one name push each other out of Kafka's group for ever, and either looks well: the later one ends.

A name of its own (`group.instance.id`) lets a worker that was killed come back to its partitions at once (KIP-345).
Whoever joins under a name takes it from who has it: that may be dead, so Kafka doesn't refuse. One that lives takes it
back with its next heartbeat. So one that found the name taken when it started, and loses it soon, gives way; any other
takes it back, a few times.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from watchline.schemas.errors import FatalError
from watchline.streams.kafka import admin
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)

GIVES_WAY_S = 30.0  # several heartbeats of the other one
PATIENCE = 5


class StaticMember:
    """This worker's name in a group. Asks Kafka who has it now: to be made before the worker joins.

    Parameters
    ----------
    settings : Settings
    group : str
        The consumer group.
    """

    def __init__(self, settings: Settings, group: str) -> None:
        self._settings = settings
        self._group = group
        self._client = admin.client(settings)
        self._was_taken = self._holder() is not None
        self._joined_at: float | None = None
        self._lost_at: list[float] = []
        self._failure: FatalError | None = None

    def joined(self) -> None:
        """To be called when this member has joined."""
        self._joined_at = self._joined_at or time.monotonic()

    async def run(self) -> None:
        """Returns never; raises FatalError once this worker must give way."""
        while self._failure is None:
            await asyncio.sleep(0.5)
        raise self._failure

    def lost(self) -> None:
        """To be called when Kafka no longer knows this member, before it joins again. Blocks."""
        holder = self._holder()
        if holder is None:  # it was away for longer than a session, or the broker forgot the group
            return
        now = time.monotonic()
        self._lost_at = [at for at in self._lost_at if at > now - PATIENCE * GIVES_WAY_S] + [now]
        name, where = self._settings.group_instance_id, holder.host.lstrip("/")
        log.error("another worker of the group %s, at %s, is named %s too", self._group, where, name)
        new = self._was_taken and (self._joined_at is None or now < self._joined_at + GIVES_WAY_S)
        if new or len(self._lost_at) >= PATIENCE:
            self._failure = FatalError(
                f"another worker of the group {self._group}, at {where}, is named {name} too: this one ends. Give each "
                "a WATCHLINE_GROUP_INSTANCE_ID of its own"
            )

    def _holder(self) -> Any:
        """The member of the group that has the name; None where nobody has, or Kafka doesn't tell."""
        from confluent_kafka import KafkaException

        try:
            members = self._client.describe_consumer_groups([self._group], request_timeout=10)[self._group].result()
        except KafkaException:
            return None
        return next(
            (each for each in members.members if each.group_instance_id == self._settings.group_instance_id), None
        )
