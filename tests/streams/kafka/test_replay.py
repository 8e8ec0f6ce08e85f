"""Dead letters are read back from their topic; a whole replay is tested end to end."""

from __future__ import annotations

import pytest

from tests.raw_batches import batch, produce, record
from tests.streams.test_dead_letters import LETTER
from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.replay import read
from watchline.streams.settings import load

pytestmark = pytest.mark.slow


def test_messages_that_are_no_letters_are_passed_over(broker: str, topic_prefix: str) -> None:
    settings = load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, topic_partitions=1)
    admin.create(settings)
    letter = [(name.encode(), value) for name, value in LETTER.headers.items()]
    not_utf8 = [(b"\xff", b"which confluent_kafka can't read")]
    for headers in (letter, not_utf8, [], letter):
        data = batch(record(LETTER.value, headers=headers))
        assert produce(broker, topics.dead_letters(topic_prefix), data) == 0
    assert list(read(settings)) == [LETTER, LETTER]


def test_they_are_passed_over_however_often(broker: str, topic_prefix: str) -> None:
    """Python calls what it has called often without looking whether an exception was left behind."""
    settings = load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, topic_partitions=1)
    admin.create(settings)
    letter = [(name.encode(), value) for name, value in LETTER.headers.items()]
    for headers in [[(b"\xff", b"which confluent_kafka can't read")]] * 50 + [letter]:
        assert produce(broker, topics.dead_letters(topic_prefix), batch(record(LETTER.value, headers=headers))) == 0
    for _ in range(5):
        assert list(read(settings)) == [LETTER]
