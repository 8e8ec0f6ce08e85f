"""Apache Kafka dies: any one of three brokers with nothing lost, and all of them for a while."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.brokers import KafkaCluster
from tests.faults.__main__ import QUICK_RETURN
from tests.faults.rig import Rig
from watchline.schemas.errors import TransientError
from watchline.streams.kafka import admin

HOME = os.environ.get("WATCHLINE_TEST_KAFKA_HOME")
pytestmark = pytest.mark.skipif(not HOME, reason="Tansu keeps everything in memory: only Apache Kafka comes back")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    with KafkaCluster(Path(str(HOME)), tmp_path_factory.mktemp("cluster"), settings=QUICK_RETURN) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def rig(cluster: KafkaCluster, make_rig: Callable[..., Rig]) -> Rig:
    rig = make_rig(cluster.address, topic_replication="3", topic_partitions="3")
    rig.worker().start()
    return rig


# `make test` kills one of them, another each time; WATCHLINE_TEST_LONG=1 each in turn.
ALL = range(KafkaCluster.SIZE)
VICTIMS = [*ALL] if os.environ.get("WATCHLINE_TEST_LONG") else [-1]


@pytest.mark.parametrize("number", VICTIMS)
def test_any_one_of_three_brokers_may_die(rig: Rig, cluster: KafkaCluster, number: int) -> None:
    number = number if number in ALL else random.choice(ALL)
    worker = rig.workers[-1]
    load = rig.load(rate=500)
    worker.wait(lambda: load.accepted() > 500)
    cluster.brokers[number].kill()
    before = load.accepted()
    worker.wait(lambda: load.accepted() > before + 1000)  # two have it: Kafka takes more
    cluster.brokers[number].launch()
    cluster.wait()
    load.finish()
    rig.settled()
    worker.wait(lambda: worker.health()["lag_messages"] == 0)


def test_the_ends_of_partitions_are_told_again_after_their_leaders_have_changed(
    rig: Rig, cluster: KafkaCluster
) -> None:
    ends, partitions = admin.Ends(rig.workers[-1].settings), [(rig.topic, number) for number in range(3)]
    before = ends(partitions)
    for broker in cluster.brokers:  # one after the other, so that each leader changes
        broker.kill()
        broker.launch()
        cluster.wait()
    with suppress(TransientError):  # once it may hold on to what it knew
        ends(partitions)
    deadline = time.monotonic() + 30
    while True:
        with suppress(TransientError):
            assert {place: end - before[place] for place, end in ends(partitions).items()} == dict.fromkeys(before, 0)
            return
        assert time.monotonic() < deadline, "never again"


def test_all_brokers_die_and_come_back(rig: Rig, cluster: KafkaCluster) -> None:
    """The worker lives on, or ends with code 1 and is started again; either way nothing is lost."""
    worker = rig.workers[-1]
    load = rig.load(rate=500)
    worker.wait(lambda: load.accepted() > 500)
    for broker in cluster.brokers:
        broker.kill()
    for broker in cluster.brokers:
        broker.launch()
    cluster.wait()
    before = load.accepted()
    worker.wait(lambda: load.accepted() > before + 500)
    load.finish()
    rig.settled()
