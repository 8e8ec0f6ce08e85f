"""Brings messages to one channel, one at a time, in a thread of its own: no channel waits for another."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from watchline.dashboards.engine.channels import Channel, DeliveryError, deliver
from watchline.dashboards.engine.notification import Message
from watchline.schemas.errors import WatchlineError

log = logging.getLogger(__name__)

MOST_TRIES = 15
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0
AWAY_S = 900.0  # between probes of a channel that didn't take a message in so many tries
IDLE_S = 1.0
WAITS_S = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message, what to do once it was taken, and for how long it has waited already."""

    message: Message
    taken: Callable[[], None]
    waited_s: float = 0.0


class Source(Protocol):
    """Where messages come from."""

    def next_for(self, channel: str, round: int) -> Delivery | None:
        """What the channel must be told now, as it is now; the same message until it was taken or things changed.

        `round` makes deliveries other ones: it rises when one was given up.
        """

    def may_send(self) -> bool:
        """Whether this process may send: asked right before each try."""


class Courier:
    """Tries until a message is taken: at most 15 times, in growing intervals. Then the channel counts as away.

    Parameters
    ----------
    channel : Channel
    source : Source
    clock : callable
        Seconds that never go back.
    first_pause_s : float
        After the first try; each is twice as long.
    """

    def __init__(
        self, channel: Channel, source: Source, clock: Callable[[], float], *, first_pause_s: float = FIRST_PAUSE_S
    ) -> None:
        self.channel = channel
        self.sent = self.failed = self.given_up = 0
        self.last_error = ""
        self._source, self._clock, self._first_pause_s = source, clock, first_pause_s
        self._tries = self._round = 0
        self._not_before = 0.0
        self._failing_since: float | None = None
        self._wants: tuple[str, float] = ("", 0.0)  # a delivery, and since when it waits
        self._waits, self._waits_sum = [0] * (len(WAITS_S) + 1), 0.0
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def start(self) -> None:
        """Begins to bring messages."""
        self._thread = threading.Thread(target=self._run, name=f"alerts-{self.channel.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to bring."""
        self._awake.set()

    def stop(self) -> None:
        """Ends; what isn't brought is brought by the next that starts."""
        self._stopping = True
        self._awake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def health(self) -> dict[str, Any]:
        """How the channel is, in plain values."""
        since = None if self._failing_since is None else self._clock() - self._failing_since
        return {
            "sent": self.sent,
            "failed": self.failed,
            "given_up": self.given_up,
            "away": self._tries >= MOST_TRIES,
            "failing_for_s": since,
            "last_error": self.last_error,
        }

    def measures(self) -> dict[str, Any]:
        """For metrics: what became of messages, and how many waited how long, by the intervals between `WAITS_S`."""
        waited = {"bounds": WAITS_S, "counts": [*self._waits], "sum": self._waits_sum}
        return {"sent": self.sent, "failed": self.failed, "given_up": self.given_up, "waited": waited}

    def step(self) -> float:
        """Brings one message, if there is one and it is time. Gives the seconds until the next step."""
        now = self._clock()
        if now < self._not_before:
            return self._not_before - now
        delivery = self._source.next_for(self.channel.name, self._round)
        if delivery is None:
            self._tries, self._not_before = 0, 0.0
            return IDLE_S
        if not self._source.may_send():
            return IDLE_S
        if self._wants[0] != delivery.message.delivery:
            self._wants = delivery.message.delivery, now - delivery.waited_s
        try:
            answer = deliver(self.channel, delivery.message)
        except DeliveryError as error:
            return self._after_failure(error)
        self._tries, self._not_before, self._failing_since, self.last_error = 0, 0.0, None, ""
        self.sent += 1
        waited_s = self._clock() - self._wants[1]
        self._waits[bisect_left(WAITS_S, waited_s)] += 1
        self._waits_sum += waited_s
        log.info("channel %s: %s (delivery %s)", self.channel.name, answer, delivery.message.delivery)
        delivery.taken()
        return 0.0

    def _after_failure(self, error: DeliveryError) -> float:
        now = self._clock()
        self.failed += 1
        self._tries += 1
        self.last_error = str(error)
        self._failing_since = now if self._failing_since is None else self._failing_since
        if self._tries == MOST_TRIES:
            self.given_up += 1
        if self._tries >= MOST_TRIES:
            self._round += 1  # each probe is a message of its own: how things are then
            pause = AWAY_S
        else:
            pause = min(self._first_pause_s * 2 ** (self._tries - 1), LONGEST_PAUSE_S)
        pause = max(pause, error.retry_after_s or 0.0)
        self._not_before = now + pause
        log.warning("channel %s: %s; try %d, next in %.0f s", self.channel.name, error, self._tries, pause)
        return pause

    def _run(self) -> None:
        while not self._stopping:
            try:
                pause = self.step()
            except WatchlineError as error:  # the journal is away: what was sent is sent again under the same id
                log.warning("channel %s: %s", self.channel.name, error)
                pause = IDLE_S
            except Exception as error:  # its text may hold anything
                log.error("channel %s: %s", self.channel.name, type(error).__name__)
                self.last_error = type(error).__name__
                pause = LONGEST_PAUSE_S
            if pause:
                self._awake.wait(min(pause, IDLE_S))
                self._awake.clear()
