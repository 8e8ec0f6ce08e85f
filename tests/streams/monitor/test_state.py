from __future__ import annotations

import json
import math
import os
import pickle
import random
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.monitor.finding_batches import batches, scored
from watchline.schemas import codec
from watchline.schemas.records import MonitorState
from watchline.streams.monitor import state as states
from watchline.streams.monitor.monitor import Monitor


@cache
def state() -> bytes:
    """Two versions, both beyond the warm-up, the second in comparison, scored by two builds."""
    rng, monitor = random.Random(0), Monitor()
    items = [scored(rng, n, version=str(1 + n // 530), detector_version="ab"[n % 10 == 9]) for n in range(660)]
    for batch in batches(items):
        monitor.process(batch)
    return monitor.dump()


def plain() -> dict[str, Any]:
    found: dict[str, Any] = codec.to_plain(states.unpack(state()))
    return found


def written(changed: dict[str, Any]) -> bytes:
    """A state of any numbers that the schema allows."""
    out = BytesIO()
    schemaless_writer(out, codec.schema("MonitorState"), changed)
    return zlib.compress(codec.MAGIC + codec.schema_fingerprint("MonitorState") + out.getvalue())


def load(data: bytes) -> tuple[Monitor, list[str]]:
    reasons: list[str] = []
    return Monitor.load(data, reasons.append), reasons


def go_on(monitor: Monitor) -> None:
    """Feeds events of both versions and a new one, as later ones would be."""
    rng = random.Random(1)
    for batch in batches(scored(rng, n, version="123"[n % 3], detector_version="ab"[n % 10 == 9]) for n in range(90)):
        monitor.process(batch)
    for batch in batches(scored(rng, 700 + n, version="123"[n % 3]) for n in range(90)):
        monitor.process(batch)


def test_state_survives() -> None:
    monitor, reasons = load(state())
    assert reasons == []
    assert len(monitor._slices) == 2
    assert monitor.dump() == state()


def test_a_state_is_read_without_river() -> None:
    """It holds nothing of river's, so that no other version of it can matter."""
    script = """
import sys
from watchline.streams.monitor.monitor import Monitor
state = sys.stdin.buffer.read()
assert Monitor.load(state, sys.exit).dump() == state
assert not any(name.partition(".")[0] == "river" for name in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], input=state(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


class Evil:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("function", [os.system, os.mkdir, eval, exec, pickle.loads])
def test_loading_runs_no_code(function: Callable[..., Any], tmp_path: Path) -> None:
    made = tmp_path / "made"
    evil = pickle.dumps(Evil(function, str(made)), protocol=4)
    # As it is, where the record would be, and as states once were.
    for data in (evil, zlib.compress(evil), b"WLM1" + bytes(16) + zlib.compress(evil)):
        _, reasons = load(data)
        assert len(reasons) == 1
    assert not made.exists()


def later_schema() -> bytes:
    """A state as a later version might write it, with a field more."""
    declared = json.loads(codec.schema_text("MonitorState"))
    declared["fields"].append({"name": "later", "type": "long", "doc": "New."})
    schema = parse_schema(declared)
    out = BytesIO()
    schemaless_writer(out, schema, {**plain(), "later": 1})
    return zlib.compress(codec.MAGIC + codec._fingerprint(schema) + out.getvalue())


UNREADABLE = {
    "nothing": lambda: b"",
    "cut short": lambda: state()[:-1],
    "its beginning": lambda: state()[:10],
    "a bit flipped": lambda: state()[:-5] + bytes([state()[-5] ^ 1]) + state()[-4:],
    "more behind it": lambda: state() + b"\0",
    "a pickle of old": lambda: b"WLM1" + bytes(16) + zlib.compress(pickle.dumps({})),
    "no record": lambda: zlib.compress(b"foreign"),
    "not compressed": lambda: zlib.decompress(state()),
    "another record": lambda: zlib.compress(codec.MAGIC + codec.schema_fingerprint("Signal")),
    "a later schema": later_schema,
    "a later version": lambda: written({**plain(), "version": states.VERSION + 1}),
    "a bomb": lambda: zlib.compress(bytes(200_000_000)),
    "a count that lies": lambda: zlib.compress(
        codec.MAGIC + codec.schema_fingerprint("MonitorState") + b"\2" + b"\xff" * 8 + b"\1"
    ),
    "no topics": lambda: written({**plain(), "topics": {**plain()["topics"], "fence": -1.0}}),
    "topics of another dimension": lambda: written({**plain(), "centre_total": [1.0]}),
    "no centre": lambda: written({**plain(), "centre_total": [math.nan]}),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_a_fresh_monitor_and_one_reason(data: Callable[[], bytes]) -> None:
    monitor, reasons = load(data())
    assert len(reasons) == 1
    assert monitor.dump() == Monitor().dump()


def stream(part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = part["series"][0]["sources"][0]["stream"]
    return found


def listed(part: dict[str, Any]) -> dict[str, Any]:
    """A slice's first stream with its values and times as lists, as builds before `packed` wrote them."""
    found = stream(part)
    found["values"] = states.unpacked(found["packed_values"], "f4").tolist()
    found["times"] = states.unpacked(found["packed_times"], "i8").cumsum().tolist()
    found.update(packed_values=None, packed_times=None)
    return found


@pytest.mark.parametrize("numbers", [[], [1.5], [0.0, -2.0, 3.0e38], [5, -(2**63), 2**63 - 1]])
def test_packed_numbers_come_back(numbers: list[float]) -> None:
    kind: Literal["f4", "i8"] = "i8" if numbers[:1] == [5] else "f4"
    given = np.array(numbers, kind)
    assert len(states.packed(given)) == given.nbytes
    assert states.unpacked(states.packed(given), kind).tolist() == given.tolist()


def test_values_as_earlier_builds_listed_them_are_read() -> None:
    changed = plain()
    for part in changed["slices"]:
        listed(part)
    monitor, reasons = load(written(changed))
    assert reasons == []
    assert monitor.dump() == state()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda part: listed(part)["values"].append(0.5),  # without a time
        lambda part: listed(part)["values"].__setitem__(0, math.nan),
        lambda part: listed(part)["values"].__setitem__(0, 2.5),
        lambda part: listed(part).update(values=[0.5] * 600, times=[0] * 600),
        lambda part: listed(part).update(values=[0.5] * 20, times=[0] * 20),
        lambda part: stream(part).update(packed_values=stream(part)["packed_values"][:-1]),
        lambda part: stream(part).update(packed_values=bytes(4)),  # of fewer times
        lambda part: stream(part).update(packed_values=b"\xff" * len(stream(part)["packed_values"])),
        lambda part: stream(part).update(packed_times=bytes(8)),
        lambda part: stream(part).update(count=-1),
        lambda part: stream(part).update(bounded=False),
        lambda part: stream(part)["older"].append({"count": 0, "total": 0.0, "scaled": 0.0, "squares": 0.0}),
        lambda part: stream(part)["older"].append({"count": 256, "total": 9.0, "scaled": math.inf, "squares": 9.0}),
        lambda part: part["series"][0].update(live="none"),
        lambda part: part["series"][0].update(sources=[]),
        lambda part: part["series"][0]["sources"][0].update(share=math.nan),
        lambda part: part["series"][0]["sources"][0].update(labels={"unsupported": math.inf}),
        lambda part: part.update(events=-1),
        lambda part: part.update(kind="else"),
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_a_slice_that_cannot_be_used_leaves_the_others(spoil: Callable[[dict[str, Any]], Any], which: int) -> None:
    changed = plain()
    kept = codec.to_plain(states.unpack(state()).slices[1 - which])
    spoil(changed["slices"][which])
    monitor, reasons = load(written(changed))
    assert len(reasons) == 1
    assert [codec.to_plain(part.state()) for part in monitor._slices.values()] == [kept]
    assert monitor._positions == load(state())[0]._positions
    go_on(monitor)


def numbers(node: Any) -> Iterator[tuple[Any, Any]]:
    """Where in a plain record a number stands: what holds it, and its place there. Of long arrays, three of them."""
    if isinstance(node, dict | list):
        places = list(node) if isinstance(node, dict) else [*range(len(node))][:: max(1, len(node) // 3)]
        for place in places:
            if isinstance(node[place], int | float):
                yield node, place
            else:
                yield from numbers(node[place])


FLOATS = st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 0.0, -0.0, 1e-300, 0.5, 1.0, 2.0, 3e38, -3e38])
LONGS = st.sampled_from([-(2**63), -(2**31), -1, 0, 1, 2, 49, 50, 255, 256, 999, 1_000, 2**31 - 1])


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_numbers_that_lie_neither_end_nor_hang_a_monitor(data: st.DataObject) -> None:
    changed = plain()
    for part in changed["slices"]:
        listed(part)
    places = list(numbers(changed["slices"]))
    places += [(changed["topics"][name], place) for name in ("directions", "clusters") for place in (0, 7)]
    for node, place in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=4)):
        value = node[place]
        if isinstance(value, bool):
            node[place] = not value
        else:
            node[place] = data.draw(FLOATS if isinstance(value, float) else LONGS)
    monitor, _ = load(written(changed))
    go_on(monitor)
    load(monitor.dump())


def test_a_state_is_a_record_of_numbers() -> None:
    record = codec.decode(zlib.decompress(state()), MonitorState)
    assert record.version == states.VERSION
    assert [part.prompt_version for part in record.slices] == ["1", "2"]
    assert any(source.comparison for part in record.slices for series in part.series for source in series.sources)
