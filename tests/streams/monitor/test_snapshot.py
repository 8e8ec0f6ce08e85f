from __future__ import annotations

import os
import pickle
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.streams.monitor.finding_batches import batches, scored
from watchline.schemas.errors import FatalError
from watchline.streams.monitor import monitor as monitors
from watchline.streams.monitor.monitor import Monitor
from watchline.streams.monitor.snapshot import MAGIC, Snapshots, _digest


class Evil:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def sealed(body: bytes) -> bytes:
    """Any pickle in a header that is right: what somebody who can write to the topic could do."""
    body = zlib.compress(body)
    return MAGIC + monitors._SNAPSHOTS._layout + _digest(body) + body


def fed() -> Monitor:
    rng, monitor = random.Random(0), Monitor()
    for batch in batches(scored(rng, n) for n in range(150)):
        monitor.process(batch)
    return monitor


def test_state_survives() -> None:
    data = fed().dump()
    assert Monitor.load(data).dump() == data


@pytest.mark.parametrize("function", [os.system, os.mkdir, eval, exec, getattr, __import__, pickle.loads])
def test_loading_runs_no_code(function: Callable[..., Any], tmp_path: Path) -> None:
    made = tmp_path / "made"
    with pytest.raises(FatalError, match="no part of a monitor's state"):
        Monitor.load(sealed(pickle.dumps(Evil(function, str(made)), protocol=4)))
    assert not made.exists()


def test_no_way_around_by_a_dotted_name() -> None:
    # STACK_GLOBAL of ("river.drift.adwin", "ADWIN.update.__globals__"): attributes of an allowed class are not allowed
    with pytest.raises(FatalError, match="no part of a monitor's state"):
        Monitor.load(sealed(b"\x80\x04\x8c\x11river.drift.adwin\x8c\x18ADWIN.update.__globals__\x93."))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[:-1],
        lambda data: b"else" + data[4:],
        lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
    ],
)
def test_damage_is_a_fatal_error_that_says_what_to_do(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(FatalError, match=r"damaged or not ours.*delete the records of the monitor-state topic"):
        Monitor.load(spoil(fed().dump()))


def test_state_of_another_layout_is_refused() -> None:
    class Slice:
        __slots__ = ("key",)

    with pytest.raises(FatalError, match=r"another version of Watchline or river.*delete the records"):
        Monitor.load(Snapshots([Slice]).dump([]))
