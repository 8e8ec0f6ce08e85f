"""The monitor gives the same signals of the same events as when they were recorded."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.golden import signals
from tests.streams.monitor.finding_batches import batches, first_ones, scored
from watchline.schemas.codec import schema_fingerprint
from watchline.streams.monitor.monitor import Monitor

# Schemas of builds that compared unbounded measures as ranks, with a version's last 256 values alone.
WITH_RANKS = ("2423cdab3b7076a1", "5ba6e18511391bae")


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
    found = first_ones(
        signal for batch in batches(signals.worse()) for signal in monitor.process(batch)
    )  # from the start
    assert unreadable == []
    before = 256 if path.stem.endswith(WITH_RANKS) else 700
    assert sorted((signal.kind, signal.measure, signal.events_before) for signal in found) == [
        ("prompt_version", "groundedness", before),
        ("prompt_version", "latency_s", before),
    ]


@pytest.mark.parametrize("path", signals.states(), ids=lambda path: path.stem)
def test_from_a_recorded_state_on_nothing_is_told_where_nothing_changes(path: Path) -> None:
    monitor = Monitor.load(path.read_bytes(), pytest.fail)
    rng = random.Random(0)
    more = [scored(rng, n) for n in range(signals.HALF, signals.HALF + 1_500)]
    assert [signal for batch in batches(more) for signal in monitor.process(batch)] == []


def test_the_schema_of_today_has_a_recorded_state() -> None:
    assert any(path.stem.endswith(schema_fingerprint("MonitorState").hex()) for path in signals.states())


def _rounded(signal: dict[str, Any]) -> dict[str, Any]:
    return {
        name: pytest.approx(value, rel=1e-6) if isinstance(value, float) else value for name, value in signal.items()
    }
