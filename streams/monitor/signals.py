"""Signals as rows, and as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from watchline.detectors.declarations import DETECTORS
from watchline.schemas import values
from watchline.schemas.records import Signal
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.monitor.measures import LESS_IS_BETTER


def table(signals: Sequence[Signal]) -> Table:
    """The rows of `signals`."""
    rows = [
        Row(values.signal(signal), f"{signal.time}/{signal.app}/{signal.signal_id}", signal.time) for signal in signals
    ]
    return Table.of("signals", rows)


def sentence(signal: Signal) -> str:
    """What a signal says, for whoever it wakes. Times are UTC.

    Examples
    --------
    >>> signal = Signal(
    ...     signal_id="s-1",
    ...     time=1_700_000_400_000_000,
    ...     kind="drift",
    ...     app="bot",
    ...     environment="production",
    ...     prompt_name="answer",
    ...     measure="output_length",
    ...     slice={"prompt_version": "2", "model": "small"},
    ...     before=85.0,
    ...     after=260.0,
    ...     since=1_700_000_000_000_000,
    ...     events_before=900,
    ...     events_after=340,
    ...     method="ADWIN",
    ...     event_id="e-1",
    ...     cause="tenant",
    ...     cause_value="acme",
    ...     cause_kind="within",
    ...     attribution={"tenant=acme": 0.93},
    ...     ruled_out=("model", "language"),
    ... )
    >>> for part in sentence(signal).split("; "):
    ...     print(part)
    output_length rose from 85 to 260 for answer@2 on small since 22:13:20, 340 events
    tenant acme explains 93 %, the others did not move
    ruled out: model, language
    sure enough to wake somebody
    """
    before, after = signal.before, signal.after
    moved = "fell" if before is not None and after is not None and after < before else "rose"
    verdict = ""
    if signal.measure in DETECTORS or signal.measure in LESS_IS_BETTER:  # a detector's is how much it finds
        verdict = ", which is better," if moved == "fell" else ", which is worse,"
    version, model = signal.slice.get("prompt_version"), signal.slice.get("model")
    name = (signal.prompt_name or "calls without a prompt name") + (f"@{version}" if version else "")
    where = f"{name} on {model}" if model else name
    since = _clock(signal.since, signal.time)
    if signal.since_from is not None and signal.since_to is not None and signal.since_from < signal.since_to:
        since += f" ({_clock(signal.since_from, signal.time)} to {_clock(signal.since_to, signal.time)})"
    parts = [
        f"{signal.measure} {moved} from {_number(before)} to {_number(after)}{verdict} for {where} since {since}, "
        f"{signal.events_after} events",
        _explained(signal),
    ]
    if signal.moved_with:
        parts.append(f"moved too: {', '.join(signal.moved_with)}")
    if signal.ruled_out:
        parts.append(f"ruled out: {', '.join(signal.ruled_out)}")
    if signal.page:
        parts.append("sure enough to wake somebody")
    return "; ".join(parts)


def _explained(signal: Signal) -> str:
    named = f"{signal.cause} {signal.cause_value}"
    share = signal.attribution.get(f"{signal.cause}={signal.cause_value}")
    how_much = f"explains {share:.0%}".replace("%", " %") if share is not None else "explains it"
    if signal.cause_kind == "within":
        return f"{named} {how_much}, the others did not move"
    if signal.cause_kind == "mix":
        return f"another share of {named} {how_much}"
    if signal.cause_kind == "new value":
        own = [f"{name.replace('=', ' ')} {part:.0%}".replace("%", " %") for name, part in _dimensions(signal)]
        return f"it came with {named}" + (f" (of the change, {', '.join(own)})" if own else "")
    return "no part of the traffic explains it: all moved alike"


def _dimensions(signal: Signal) -> list[tuple[str, float]]:
    """Shares of what is not the cause itself, nor a label of the detector."""
    return [
        (name, part) for name, part in signal.attribution.items() if "=" in name and not name.startswith(signal.cause)
    ]


def _clock(time: int, now: int) -> str:
    moment, today = (datetime.fromtimestamp(each / 1e6, UTC) for each in (time, now))
    return f"{moment:%H:%M:%S}" if moment.date() == today.date() else f"{moment:%Y-%m-%d %H:%M:%S}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.3g}"
