"""How a rule stands: whether it fires, its number now beside its limit, why it is silent. Of what the engine recorded.

Whoever shows it judges nothing anew: the page, the command line and `trial` say the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from watchline.dashboards.definitions import Rule
from watchline.dashboards.engine.journal import Record
from watchline.dashboards.engine.notification import clock, iso
from watchline.dashboards.engine.silences import Silence
from watchline.dashboards.engine.state_machine import ACTIVE, Outcome
from watchline.dashboards.engine.texts import duration_words

SilencedBy = Callable[[Mapping[str, str], str], Silence | None]
_STILL = {"recovering": "no more beyond it, for now", "no_data": "nothing came", "error": "its query fails"}


def measured(rule: Rule, outcome: Outcome) -> dict[str, Any]:
    """What an evaluation says of a rule whether it fires or not, as plain values.

    `judged`: how many slices there was enough of; `value` and `labels`: of the one that is nearest to the limit, or
    farthest beyond it.

    >>> from watchline.dashboards.engine.state_machine import Reading
    >>> rule = Rule(uid="r", title="R", group="g", severity="warning", queries={}, summary="", description="",
    ...     board="b", panel=1, window_s=60, above=0.5)
    >>> measured(rule, Outcome(readings={(("app", "shop"),): Reading(value=0.25, over=False)}))
    {'side': 'above', 'limit': 0.5, 'for_s': 60, 'judged': 1, 'value': 0.25, 'labels': {'app': 'shop'}}
    """
    side, limit, pick = ("above", rule.above, max) if rule.above is not None else ("below", rule.below, min)
    values = {key: reading.value for key, reading in outcome.readings.items() if reading.value is not None}
    nearest = pick(values, key=lambda key: (values[key], key)) if values else None
    return {
        "side": side,
        "limit": limit,
        "for_s": rule.for_s,
        "judged": len(outcome.readings),
        "value": None if nearest is None else values[nearest],
        "labels": {} if nearest is None else dict(nearest),
    }


def silent(said: Mapping[str, Any], start: float | None, end: float | None, zone: str) -> str:
    """Why a rule is silent, of what `measured` gave for a window.

    >>> said = {"side": "above", "limit": 0.5, "judged": 0, "value": None, "labels": {}}
    >>> silent(said, 0.0, 900.0, "UTC")
    'nothing, or too little, to judge from 1970-01-01 00:00:00 UTC to 1970-01-01 00:15:00 UTC'
    >>> silent(said | {"judged": 1, "value": 0.25, "labels": {"app": "shop"}}, 0.0, 900.0, "UTC")
    'nearest is 0.25 of app=shop; fires above 0.5'
    """
    if said["value"] is None:
        why = "no number can be told" if said["judged"] else "nothing, or too little, to judge"
        return f"{why} from {clock(start, zone)} to {clock(end, zone)}"
    return f"nearest is {_number(said)}; fires {said['side']} {said['limit']:g}"


def of(uid: str, record: Record, silenced: SilencedBy, zone: str) -> dict[str, Any]:
    """A rule as it stands, of the engine's record of it. `silenced`: by what, of an alert's labels and severity."""
    said = record.get("stands") or {"side": "", "limit": None, "for_s": 0, "judged": 0, "value": None, "labels": {}}
    alerts = sorted(record["alerts"], key=lambda each: (each["state"] not in ACTIVE, each["started"]))
    first = alerts[0] if alerts else None
    fires = first is not None and first["state"] in ACTIVE
    silence = silenced(first["labels"], first["severity"]) if first is not None else None
    shown = said if first is None else {**said, "value": first["value"], "labels": first["labels"]}
    return {
        **{name: record[name] for name in ("title", "board", "panel", "runbook")},
        "rule": uid,
        "from": iso(record["from"]),
        "to": iso(record["to"]),
        "state": "error" if record["failure"] else first["state"] if first is not None else "normal",
        "fires": fires,
        "severity": first["severity"] if first is not None else None,
        **{name: shown[name] for name in ("side", "limit", "for_s", "judged", "value", "labels")},
        "since": iso(first["since"]) if first is not None else None,
        "silenced_by": silence.id if silence is not None else None,
        "says": _says(record, shown, alerts, silence, zone),
    }


def _says(
    record: Record, shown: Mapping[str, Any], alerts: list[Mapping[str, Any]], silence: Silence | None, zone: str
) -> str:
    if record["failure"]:
        return f"can't be evaluated since {clock(record['failing_since'], zone)}: {record['failure']}"
    if not alerts:
        return f"does not fire: {silent(shown, record['from'], record['to'], zone)}"
    first, number = alerts[0], _number(shown)
    beyond = f"{shown['side']} {shown['limit']:g}" if shown["limit"] is not None else "beyond its limit"
    if first["state"] in ACTIVE:
        still = f" ({_STILL[first['state']]})" if first["state"] in _STILL else ""
        words = f"fires since {clock(first['started'], zone)}{still}: {number}; fires {beyond}"
    else:
        lasts = duration_words(shown["for_s"])
        words = f"does not fire yet: {number} is {beyond} since {clock(first['since'], zone)} and must be for {lasts}"
    if len(alerts) > 1:
        words += f"; {len(alerts) - 1} more"
    if silence is not None:
        until = clock(silence.until, zone) if silence.until < 1e11 else "no end"
        words += f"; silenced by {silence.who} until {until}: {silence.why}"
    return words


def _number(said: Mapping[str, Any]) -> str:
    of = ", ".join(f"{name}={value}" for name, value in said["labels"].items())
    number = "a number that can't be told" if said["value"] is None else f"{said['value']:.4g}"
    return f"{number}{f' of {of}' if of else ''}"
