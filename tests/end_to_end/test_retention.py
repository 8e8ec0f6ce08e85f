"""Retention passes the worker: what is gone is on record, and what is left is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests import brokers
from tests.end_to_end.test_bad_input import envelope, interaction
from tests.end_to_end.workers import Worker
from watchline.streams.kafka import topics


@pytest.mark.skipif(brokers.kind().startswith("Tansu"), reason="Tansu does not delete records")
def test_a_gap_is_stored_and_does_not_stop_the_commits(make_worker: Callable[..., Worker]) -> None:
    settings = {"detectors": "", "redaction": "false", "topic_partitions": "1", "canary_interval_s": "0"}
    worker = make_worker(**settings)
    worker.produce(*(envelope(interaction()) for _ in range(10)))
    worker.wait(lambda: worker.count("v_interactions") == 10)
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    assert worker.stop() == 0
    worker.produce(*(envelope(interaction()) for _ in range(20)))
    topic = topics.interactions(worker.settings.topic_prefix)
    admin = AdminClient({"bootstrap.servers": worker.settings.bootstrap_servers})
    for deleted in admin.delete_records([TopicPartition(topic, 0, 25)]).values():
        deleted.result()

    worker.start()
    worker.wait(lambda: worker.count("v_interactions") == 15)
    gaps = "SELECT partition, first_missing, next_offset FROM v_offset_gaps"
    worker.wait(lambda: worker.rows(gaps) == [(0, 10, 25)])
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
