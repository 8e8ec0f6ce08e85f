"""An evaluator as a process of its own: the real engine, journal and SQL engine, one rule that is always broken.

`python -m tests.faults.alert_process KAFKA PREFIX WEBHOOK FOLDER`: prints a line for each evaluation.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watchline.dashboards.definitions import Rule
from watchline.dashboards.engine.channels import Webhook
from watchline.dashboards.engine.engine import Engine
from watchline.streams.health.outgoing import post
from watchline.streams.kafka.alert_journal import AlertJournal
from watchline.streams.settings import load

RULE = Rule(
    uid="watchline-broken",
    title="Broken",
    group="tests",
    severity="critical",
    queries={"A": "SELECT 'shop' AS app, 0.9 AS value"},
    above=0.5,
    summary="{{ $labels.app }} is broken",
    description="",
    board="overview",
    panel=1,
    window_s=60,
    ends="now",
    for_s=0,
    interval_s=1,
)


@dataclass
class Answer:
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Store:
    def __init__(self, folder: str) -> None:
        import clickhouse_connect

        self._client = clickhouse_connect.get_client(interface="chdb", path=folder)

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Answer:
        result = self._client.query(sql)
        return Answer(result.column_names, result.result_rows)


def main(kafka: str, prefix: str, webhook: str, folder: str) -> None:
    settings = load(kafka_url=f"kafka://{kafka}", topic_prefix=prefix, group_id=prefix)
    engine = Engine(
        rules=lambda: [RULE],
        queries=Store(folder),
        journal=AlertJournal(settings),
        channels=[Webhook("webhook", webhook, post)],
        watermark=lambda: None,
        first_pause_s=0.2,
    )
    for courier in engine.couriers:
        courier.start()
    while True:
        owns = engine.tick()
        alerts = [(alert["state"], alert["started"]) for alert in engine.book.alerts()]
        sys.stdout.write(f"{owns} {alerts}\n")
        sys.stdout.flush()
        time.sleep(0.3)


if __name__ == "__main__":
    main(*sys.argv[1:])
