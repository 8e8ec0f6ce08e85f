"""The monitor gives the same signals of the same events as when they were recorded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden import signals


def test_signals_are_those_recorded() -> None:
    before, after = signals.recorded(), signals.signals()
    assert before.keys() == after.keys()
    for name in before:
        assert [_rounded(signal) for signal in after[name]] == [_rounded(signal) for signal in before[name]], name


def test_what_was_recorded_has_every_kind() -> None:
    kinds = {signal["kind"] for found in signals.recorded().values() for signal in found}
    assert kinds == {"prompt_version", "model", "drift"}


def _rounded(signal: dict[str, Any]) -> dict[str, Any]:
    return {
        name: pytest.approx(value, rel=1e-6) if isinstance(value, float) else value for name, value in signal.items()
    }
