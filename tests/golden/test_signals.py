"""The monitor gives the same signals of the same events as when they were recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.golden import signals
from tests.streams.monitor.finding_batches import batches
from watchline.schemas.codec import schema_fingerprint
from watchline.streams.monitor.monitor import Monitor


@pytest.mark.slow
def test_signals_are_those_recorded() -> None:
    before, after = signals.recorded(), signals.signals()
    assert before.keys() == after.keys()
    for name in before:
        assert [_rounded(signal) for signal in after[name]] == [_rounded(signal) for signal in before[name]], name


def test_what_was_recorded_has_every_kind() -> None:
    kinds = {signal["kind"] for found in signals.recorded().values() for signal in found}
    assert kinds == {"prompt_version", "model", "drift"}


@pytest.mark.parametrize("path", signals.states(), ids=lambda path: path.stem)
def test_a_recorded_state_of_every_schema_is_gone_on_from(path: Path) -> None:
    unreadable: list[str] = []
    monitor = Monitor.load(path.read_bytes(), unreadable.append)
    found = [signal for batch in batches(signals.worse()) for signal in monitor.process(batch)]  # the first half again
    assert unreadable == []
    assert sorted((signal.kind, signal.measure, signal.events_before) for signal in found) == [
        ("prompt_version", "groundedness", 256),
        ("prompt_version", "latency_s", 256),
    ]


def test_the_schema_of_today_has_a_recorded_state() -> None:
    assert any(path.stem.endswith(schema_fingerprint("MonitorState").hex()) for path in signals.states())


def _rounded(signal: dict[str, Any]) -> dict[str, Any]:
    return {
        name: pytest.approx(value, rel=1e-6) if isinstance(value, float) else value for name, value in signal.items()
    }
