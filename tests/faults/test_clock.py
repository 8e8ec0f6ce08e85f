"""The worker's clock jumps, both ways: it goes on, and nothing that is due waits for the old time to come again.

The clock is Python's. The Kafka client stamps its messages in C, by the right one; `tests/streams/kafka/test_admin.py`
holds every topic to Kafka's own time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.rig import Rig
from watchline.schemas.validation import DAY

HOUR_S, DAY_S = 3_600, DAY // 1_000_000
JUMPS = [HOUR_S, -HOUR_S, DAY_S, -DAY_S]


def _set(clock: Path, seconds: int) -> None:
    """At once: whoever reads it never sees half of it."""
    new = clock.with_suffix(".new")
    new.write_text(str(seconds))
    new.replace(clock)


def test_jumps_while_it_works(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    clock = rig.folder / "clock"
    _set(clock, 0)
    worker = rig.worker(test_clock=str(clock)).start()
    load = rig.load(rate=500)
    for seconds in JUMPS:
        before = worker.health()["events"]
        _set(clock, seconds)
        worker.wait(lambda before=before: worker.health()["events"] > before + 500)
        assert worker.health()["status"] == "ok"
    load.finish()
    rig.settled()
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    assert worker.stop() == 0


@pytest.mark.parametrize("seconds", [DAY_S, -DAY_S])
def test_one_that_starts_with_a_wrong_clock_works(make_rig: Callable[..., Rig], seconds: int) -> None:
    rig = make_rig()
    clock = rig.folder / "clock"
    _set(clock, seconds)
    worker = rig.worker(test_clock=str(clock)).start()
    rig.send(2)
    rig.settled()
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    assert worker.stop() == 0
