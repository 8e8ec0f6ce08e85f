"""What a signal says in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from watchline.schemas.records import Signal
from watchline.streams.monitor.signals import sentence

NOON = 1_767_268_980_000_000  # 2026-01-01 12:03:00 UTC
SIGNAL = Signal(
    signal_id="01935c3e-7a00-7000-8000-000000000003",
    time=NOON + 300_000_000,
    kind="drift",
    app="bot",
    environment="production",
    prompt_name="answer",
    measure="output_length",
    slice={"prompt_version": "2", "model": "small"},
    before=85.0,
    after=260.0,
    since=NOON,
    events_before=900,
    events_after=340,
    method="ADWIN",
    event_id="01935c3e-7a00-7000-8000-000000000001",
    since_from=NOON - 120_000_000,
    since_to=NOON + 120_000_000,
    cause="tenant",
    cause_value="acme",
    cause_kind="within",
    attribution={"tenant=acme": 0.93},
    ruled_out=("model", "language"),
    moved_with=("latency_s",),
    page=False,
)


def test_all_that_it_says() -> None:
    assert sentence(SIGNAL) == (
        "output_length rose from 85 to 260 for answer@2 on small since 12:03:00 (12:01:00 to 12:05:00), 340 events; "
        "tenant acme explains 93 %, the others did not move; moved too: latency_s; ruled out: model, language"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cause": "", "cause_value": "", "cause_kind": ""}, "no part of the traffic explains it: all moved alike"),
        ({"page": True}, "ruled out: model, language; sure enough to wake somebody"),
        ({"cause_kind": "mix"}, "another share of tenant acme explains 93 %"),
        ({"cause": "prompt_version", "cause_value": "2", "cause_kind": "new value"}, "it came with prompt_version 2"),
        (
            {"cause": "prompt_version", "cause_value": "2", "cause_kind": "new value"},
            "(of the change, tenant acme 93 %)",
        ),
        ({"after": 8.5}, "fell from 85 to 8.5 for answer@2"),
        ({"measure": "groundedness"}, "groundedness rose from 85 to 260, which is worse, for answer@2"),
        ({"measure": "latency_s", "after": 8.5}, "latency_s fell from 85 to 8.5, which is better, for answer@2"),
        ({"before": None}, "rose from ? to 260"),
        ({"slice": {}}, "for answer since"),
        ({"prompt_name": None, "slice": {"model": "small"}}, "for calls without a prompt name on small"),
        ({"since_from": None, "since_to": None}, "since 12:03:00, 340"),
        ({"since": NOON - 86_400_000_000, "since_from": None}, "since 2025-12-31 12:03:00, 340"),
        ({"attribution": {"unsupported": 1.0}}, "tenant acme explains it"),
    ],
)
def test_what_differs(changes: dict[str, object], said: str) -> None:
    assert said in sentence(replace(SIGNAL, **changes))  # type: ignore[arg-type]
