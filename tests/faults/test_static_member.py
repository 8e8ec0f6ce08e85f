"""Two workers of one name in a group: the later one ends, and the first goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.rig import Rig

pytestmark = pytest.mark.skipif(
    not os.environ.get("WATCHLINE_TEST_KAFKA_HOME"), reason="Tansu doesn't tell who is in a group"
)


def test_the_second_of_one_name_ends_and_says_why(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    first = rig.worker("one", group_instance_id="same").start()
    second = rig.worker("two", group_instance_id="same")
    rig.workers.remove(second)
    load = rig.load(rate=500)
    try:
        second.spawn()
        deadline = time.monotonic() + 90
        while second.poll() is None:
            first.check()
            assert time.monotonic() < deadline, second.log.read_text()[-3000:]
            time.sleep(0.2)
        assert second.join(1) == 1
        assert "is named same too" in second.log.read_text()
    finally:
        second.end()
    load.finish()
    rig.settled()
    first.wait(lambda: first.health()["lag_messages"] == 0)


def test_one_that_comes_back_after_a_kill_keeps_its_name(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    worker = rig.worker().start()
    load = rig.load(rate=500)
    for _ in range(2):
        worker.stop(signal.SIGKILL)
        worker.start()
        time.sleep(6)  # several looks
    load.finish()
    rig.settled()
    assert "another worker of the group" not in worker.log.read_text()
