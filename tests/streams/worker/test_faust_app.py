from __future__ import annotations

import asyncio
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from mode.utils.queues import FlowControlEvent

from watchline.streams.worker.faust_app import ReadAhead


def event(size_bytes: int) -> Any:
    return SimpleNamespace(message=SimpleNamespace(value=b"x" * size_bytes or None))


@pytest.mark.parametrize(
    ("size_bytes", "paused_after"),
    [(0, 80), (100, 80), (1000, 8), (20_000, 1)],
    ids=["tombstones", "small", "large", "larger than the bound"],
)
def test_partitions_are_paused_at_either_bound_and_resumed_below_it(size_bytes: int, paused_after: int) -> None:
    queue = ReadAhead(100, 10_000, flow_control=FlowControlEvent(initially_suspended=False))
    resumed: list[bool] = []

    def put() -> bool:
        return queue.put_nowait_enhanced(event(size_bytes), on_pressure_high=lambda: None, on_pressure_drop=resume)

    def resume() -> None:
        resumed.append(True)

    taken = 0
    while not put():
        taken += 1
        assert taken <= 100
    assert taken == paused_after
    assert queue.bytes == (taken + 1) * size_bytes
    for _ in range(taken + 1):
        queue.get_nowait()
    with pytest.raises(asyncio.QueueEmpty):
        queue.get_nowait()
    assert (queue.bytes, queue.qsize(), resumed) == (0, 0, [True])


def test_what_is_cleared_at_a_rebalance_takes_no_bytes() -> None:
    queue = ReadAhead(100, 10_000, flow_control=FlowControlEvent(initially_suspended=False))
    queue.force_put_nowait(event(500))
    queue.clear()
    assert (queue.bytes, queue.qsize(), queue.empty()) == (0, 0, True)


# A stand-in for what Faust waits for in vain: nobody stops this process.
FAILED = """
import logging, time
from watchline.streams.settings import load
from watchline.streams.worker import faust_app
logging.basicConfig()
faust_app.END_S = 0.2
faust_app._app(load(), "a-group")._crash(ValueError("a secret"))
time.sleep(60)
"""


def test_one_that_has_failed_and_does_not_end_shows_its_stacks_and_exits() -> None:
    done = subprocess.run([sys.executable, "-c", FAILED], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1
    assert "the process has failed, and has not ended in 0 s: it exits now" in done.stderr
    assert "a secret" not in done.stderr
