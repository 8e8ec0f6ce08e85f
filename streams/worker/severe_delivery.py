"""Severe findings to a webhook: at least once, in few messages, and as long as it takes."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from watchline.schemas.errors import PoisonError, TransientError
from watchline.streams.health.alert_metrics import AlertMetrics
from watchline.streams.health.outgoing import Failure
from watchline.streams.messages import IncomingMessages
from watchline.streams.severe import Severe, digest

log = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
GIVE_UP_S = 600.0  # less than Faust's `broker_max_poll_interval`
MOST_LISTED = 20
MOST_KNOWN = 10_000  # ids, so that what comes again is not sent again

Send = Callable[[bytes, dict[str, str]], Awaitable[Failure | None]]


class Delivery:
    """Hands what was read of the topic to the webhook, one message at a time, and acknowledges it then.

    A message that isn't taken is sent again, the same with the same id, after pauses that double; meanwhile what else
    comes waits in Kafka, and is the next message, however much it is. After `GIVE_UP_S` it raises, for the process to
    begin anew with what isn't acknowledged: Kafka's client leaves its group for good where nothing is read for longer.

    Parameters
    ----------
    send : async callable
        Takes a body and headers; gives why they were not taken, or None.
    metrics : AlertMetrics
    interval_s : float
        Least seconds between two messages.
    pause : async callable
        Waits for so many seconds.

    Attributes
    ----------
    failure : str or None
        How the last try failed; empty where it did not, None before the first.
    """

    def __init__(
        self,
        send: Send,
        metrics: AlertMetrics,
        interval_s: float,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._send = send
        self._metrics = metrics
        self._interval_s = interval_s
        self._pause = pause
        self._known: OrderedDict[str, None] = OrderedDict()
        self.failure: str | None = None

    async def deliver(self, incoming: IncomingMessages) -> None:
        """Messages of the topic. Returns when the webhook has them, they are acknowledged, and the next may go."""
        findings = self._new(incoming.messages)
        if findings:
            await self._until_taken([each for each, _ in findings], incoming)
            now = time.time()
            for severe, published in findings:
                self._metrics.delay.observe(max(0.0, now - published))
                self._known[severe.id] = None
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        await incoming.acknowledge(len(incoming.messages))
        if findings:
            await self._pause(self._interval_s)

    def _new(self, messages: Sequence[Any]) -> list[tuple[Severe, float]]:
        """The findings that were not sent before, with Kafka's times of them."""
        found: dict[str, tuple[Severe, float]] = {}
        for message in messages:
            try:
                severe = Severe.of(message.value or b"")
            except PoisonError:
                self._metrics.unreadable.inc()
                continue
            if severe.id in self._known or severe.id in found:
                self._metrics.repeated.inc()
            else:
                found[severe.id] = severe, message.timestamp
        return list(found.values())

    async def _until_taken(self, findings: Sequence[Severe], incoming: IncomingMessages) -> None:
        self._metrics.waiting.set(len(findings))
        pause_s, waited_s, plain = FIRST_PAUSE_S, 0.0, False
        while (failure := await self._send(*message(findings, plain=plain))) is not None:
            self._fails(failure)
            plain = plain or failure.refused
            incoming.set_aside()  # it may take hours: nothing is to wait for it
            if waited_s > GIVE_UP_S:
                raise TransientError(f"the webhook has failed for {waited_s / 60:.0f} minutes")
            await self._pause(pause_s * random.uniform(0.9, 1.1))  # noqa: S311
            waited_s += pause_s
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self.failure = ""
        self._metrics.waiting.set(0)
        self._metrics.messages.inc()
        self._metrics.delivered.inc(len(findings))

    def _fails(self, failure: Failure) -> None:
        self._metrics.failures.labels(failure.kind).inc()
        if not self.failure:
            log.error("the webhook of severe findings (WATCHLINE_WEBHOOK_URL) fails: %s", failure.text)
        self.failure = failure.text


def message(findings: Sequence[Severe], *, plain: bool = False) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the message that tells of findings; the same for the same findings.

    `id` and the header `Idempotency-Key` are the finding's id where there is one, else a hash of all ids. `plain`: only
    the text, for a receiver that takes no other fields.

    Examples
    --------
    >>> severe = [Severe(event_id=f"0190{n}", app="shop", environment="production", detector="toxicity",
    ...     detector_version="a1", label="violence", score=0.97, time="2026-01-02T03:04:05.000000Z") for n in range(30)]
    >>> body, headers = message(severe)
    >>> said = json.loads(body)
    >>> said["text"], said["count"], len(said["findings"]), said["id"] == headers["Idempotency-Key"]
    ('Watchline: 30 severe findings: toxicity, violence: 30', 30, 20, True)
    """
    ids = [each.id for each in findings]
    id_ = ids[0] if len(ids) == 1 else digest(*sorted(ids))
    counts = Counter(f"{each.detector}, {each.label}" for each in findings)
    kinds = "; ".join(f"{kind}: {count}" for kind, count in counts.most_common())
    # Of detectors and labels alone: names that apps choose could be read as a link or a mention.
    text = f"Watchline: {len(ids)} severe finding{'s'[: len(ids) > 1]}: {kinds}"
    said: dict[str, Any] = {"text": text}
    if not plain:
        said |= {
            "id": id_,
            "kind": "watchline.severe_findings",
            "count": len(ids),
            "first_time": min(each.time for each in findings),
            "last_time": max(each.time for each in findings),
            "findings": [each.fields for each in findings[:MOST_LISTED]],
            "left_out": max(0, len(ids) - MOST_LISTED),
        }
    headers = {"Content-Type": "application/json", "Idempotency-Key": id_, "User-Agent": "watchline"}
    return json.dumps(said).encode(), headers
