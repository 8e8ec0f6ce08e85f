"""The process that delivers severe findings to the webhook, in a consumer group of its own.

`python -m watchline.streams.worker.severe_process` is what a worker starts, with its own environment, where the webhook
is set. A webhook that hangs or is away holds up this process alone. It goes on from what it has acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TextIO

from watchline.schemas.errors import WatchlineError
from watchline.streams import child
from watchline.streams.health import outgoing
from watchline.streams.health.alert_metrics import AlertMetrics
from watchline.streams.kafka import topics
from watchline.streams.settings import load
from watchline.streams.worker.faust_app import GroupMember
from watchline.streams.worker.process import configure_logging
from watchline.streams.worker.severe_delivery import Delivery

LINGER_S = 0.2
MOST_MESSAGES = 10_000
TELL_S = 1.0


def main() -> int:
    """Runs until its parent ends it, or something fails. Returns the exit code."""
    child.end_with_parent()
    try:
        settings = load()
        configure_logging(settings)
    except WatchlineError as error:
        return child.refuse(str(error))
    address = settings.webhook_url.get_secret_value()

    async def post(body: bytes, headers: dict[str, str]) -> outgoing.Failure | None:
        return await outgoing.send("POST", address, body, headers)

    metrics = AlertMetrics()
    delivery = Delivery(post, metrics, settings.webhook_interval_s)
    member = GroupMember(settings, f"{settings.group_id}-alerts")
    member.read(topics.alerts(settings.topic_prefix), delivery.deliver, max_messages=MOST_MESSAGES, linger_s=LINGER_S)
    child.when_stopped(member.stop)
    parent = child.ready()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return member.run(loop, [tell(parent, delivery, metrics)], log_level=settings.log_level, with_signals=False)


async def tell(parent: TextIO, delivery: Delivery, metrics: AlertMetrics) -> None:
    """Tells the worker of failures and metrics each second, until cancelled."""
    while True:
        said = json.dumps({"failure": delivery.failure, "metrics": metrics.scrape()})
        await asyncio.to_thread(child.say, parent, said)
        await asyncio.sleep(TELL_S)


if __name__ == "__main__":
    sys.exit(main())
