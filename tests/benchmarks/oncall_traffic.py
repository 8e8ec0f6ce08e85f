"""Days of made-up traffic for alert rules, 31 with one incident each and 30 quiet ones, as rows to be stored.

Nothing here knows the rules. A scenario is apps that send as their hours and weekdays are, and at most one change that
begins at a minute of its last day; what makes a day look like an incident though it is none (a deployment, a backlog,
late events, a wrong clock, a restart) is in quiet ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

# The last Wednesday that is over: the last day of every scenario begins. Rows much older would be beyond what is kept.
_TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
NOW = _TODAY - timedelta(days=(_TODAY.weekday() - 3) % 7 + 1)
HISTORY = 8  # days before it
PARTITIONS = 2
STORED_AFTER_S = 2.0  # an event, once it was made
WATERMARK_S = 12.0  # behind the clock
DETECTORS = {"groundedness": 0.08, "toxicity": 0.004, "pii": 0.01, "injection": 0.003, "bias": 0.004, "relevance": 0.06}

Row = dict[str, Any]
Rows = dict[str, list[Row]]  # by table


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One app's traffic: `per_hour` at noon on a weekday, a share of it at night, and of that at weekends."""

    name: str
    per_hour: float
    night: float = 0.2
    weekend: float = 0.5
    models: tuple[str, ...] = ("small",)
    version: str = "1"
    tenants: tuple[str, ...] = ("acme", "blue", "cyan")
    rates: dict[str, float] = field(default_factory=lambda: dict(DETECTORS))
    cost: float | None = 0.002
    latency_s: float = 2.0
    errors: float = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A day, after `HISTORY` others.

    Parameters
    ----------
    name : str
    apps : tuple of App
    incident : str
        What on-call should be told of, empty for a quiet day: "quality", "latency", "errors", "cost", "silence",
        "pipeline", "loss", "signal".
    begins : float
        Minute of the last day.
    minutes : float
        How long it lasts.
    changed : callable, optional
        An app as it is while it lasts, of an app and a random number generator's choice of model.
    withheld : callable, optional
        When a row is stored, of when it would be and its app and partition; None for never.
    extra : callable, optional
        Rows more.
    failing : tuple of float
        From which minute to which the store doesn't answer.
    """

    name: str
    apps: tuple[App, ...]
    incident: str = ""
    begins: float = 600.0
    minutes: float = 120.0
    changed: Callable[[App], App] | None = None
    withheld: Callable[[float, str, int], float | None] | None = None
    extra: Callable[[datetime], Rows] | None = None
    clock: dict[str, float] = field(default_factory=dict)  # seconds that an app's is ahead
    failing: tuple[float, float] | None = None
    missing: float = 0.0  # share of findings that never come while it lasts
    decision: str = ""  # what findings say in place of "evaluated" while it lasts

    @property
    def start(self) -> datetime:
        """When it begins."""
        return NOW + timedelta(minutes=self.begins)


def rows(scenario: Scenario, seed: int, *, days: int = HISTORY) -> Iterator[tuple[float, str, Row]]:
    """All rows: second since the last day's beginning at which they are stored, table, row; in no order."""
    rng = np.random.default_rng(seed)
    for app in scenario.apps:
        yield from _events(scenario, app, rng, days)
    yield from _pipeline(scenario, days)
    if scenario.extra is not None:
        for table, extra in scenario.extra(scenario.start).items():
            for row in extra:
                stored = row.pop("stored_s", 60 * scenario.begins)
                yield stored, table, row


def _events(scenario: Scenario, app: App, rng: np.random.Generator, days: int) -> Iterator[tuple[float, str, Row]]:
    begin, end = 60 * scenario.begins, 60 * (scenario.begins + scenario.minutes)
    for second in _times(app, rng, days):
        inside = begin <= second < end
        model = app.models[int(rng.integers(len(app.models)))]
        now = scenario.changed(replace(app, models=(model,))) if inside and scenario.changed is not None else app
        keep = min(now.per_hour / app.per_hour, 1.0)  # a change may only take traffic away
        if rng.random() >= keep:
            continue
        partition = int(rng.integers(PARTITIONS))
        stored: float | None = second + STORED_AFTER_S
        if scenario.withheld is not None and stored is not None:
            stored = scenario.withheld(stored, app.name, partition)
        if stored is None:
            continue
        said = second + scenario.clock.get(app.name, 0.0)
        yield from _event(scenario, now, model, rng, said=said, stored=stored, partition=partition, inside=inside)


def _times(app: App, rng: np.random.Generator, days: int) -> NDArray[np.float64]:
    first = -86_400.0 * days
    candidates = np.sort(rng.uniform(first, 86_400.0, size=rng.poisson(app.per_hour * 24 * (days + 1))))
    daytime = 0.5 - 0.5 * np.cos(2 * np.pi * (candidates % 86_400) / 86_400)
    weekday = (NOW.weekday() + np.floor(candidates / 86_400)) % 7
    height = (app.night + (1 - app.night) * daytime) * np.where(weekday >= 5, app.weekend, 1.0)
    kept: NDArray[np.float64] = candidates[rng.random(len(candidates)) < height]
    return kept


def _event(
    scenario: Scenario,
    app: App,
    model: str,
    rng: np.random.Generator,
    *,
    said: float,
    stored: float,
    partition: int,
    inside: bool,
) -> Iterator[tuple[float, str, Row]]:
    time = NOW + timedelta(seconds=min(said, stored))  # a clock that is ahead: Kafka's time counts
    failed = rng.random() < app.errors
    shared: Row = {
        "event_id": UUID(bytes=rng.bytes(16)),
        "time": time,
        "app": app.name,
        "environment": "production",
        "tenant": app.tenants[int(rng.integers(len(app.tenants)))],
        "prompt_name": "answer",
        "prompt_version": app.version,
        "model": model,
        "source": "production",
        "stored_at": NOW + timedelta(seconds=stored),
    }
    latency = app.latency_s * float(rng.lognormal(0, 0.5))
    yield (
        stored,
        "interactions",
        {
            **shared,
            "input_messages": [("user", "question")],
            "output_messages": [] if failed else [("assistant", "answer")],
            "input_tokens": 200,
            "output_tokens": 0 if failed else 80,
            "cost": app.cost,
            "latency_s": latency,
            "time_to_first_chunk_s": latency / 5,
            "error_type": "Timeout" if failed else "",
            "planned": dict.fromkeys(DETECTORS, "1"),
            "raw_partition": partition,
        },
    )
    for detector in DETECTORS:
        if inside and rng.random() < scenario.missing:
            continue
        flagged = not failed and bool(rng.random() < app.rates[detector])
        decision = "not_applicable" if failed else (inside and scenario.decision) or "evaluated"
        evaluated = decision == "evaluated"
        yield (
            stored,
            "findings",
            {
                **shared,
                "detector": detector,
                "decision": decision,
                "reason": "" if evaluated else "empty text",
                "score": (0.9 if flagged else 0.1) if evaluated else None,
                "scores": {"LEAK": 0.9 if flagged else 0.1} if detector == "pii" and evaluated else {},
                "flagged": flagged and evaluated,
                "alert": flagged and evaluated,
            },
        )


def _pipeline(scenario: Scenario, days: int) -> Iterator[tuple[float, str, Row]]:
    """A canary of each partition a minute, of the last hours, and how far the monitors are."""
    for number, second in enumerate(range(-3 * 3_600, 86_400, 60)):
        for partition in range(PARTITIONS):
            stored: float | None = second + STORED_AFTER_S
            if scenario.withheld is not None and stored is not None:
                stored = scenario.withheld(stored, "", partition)
            if stored is None:
                continue
            yield (
                stored,
                "canaries",
                {
                    "event_id": UUID(int=number * PARTITIONS + partition),
                    "time": NOW + timedelta(seconds=second),
                    "worker": "w1",
                    "producer_id": UUID(int=1),
                    "raw_topic": "watchline.raw",
                    "raw_topic_id": "t",
                    "raw_partition": partition,
                    "raw_offset": number,
                    "stored_at": NOW + timedelta(seconds=stored),
                },
            )
            yield (
                stored + WATERMARK_S,
                "watermarks",
                {
                    "topic": "watchline.findings",
                    "partition": partition,
                    "time": NOW + timedelta(seconds=second),
                    "stored_at": NOW + timedelta(seconds=stored + WATERMARK_S),
                },
            )


BOT = App(name="bot", per_hour=160)
SMALL = App(name="small-bot", per_hour=8, night=0.1)
SHOP = App(name="shop", per_hour=320, models=("small", "large"))
TEN = tuple(App(name=f"app-{n}", per_hour=20 + 10 * n) for n in range(10))
USUAL = (BOT, SMALL, SHOP)


def _worse(detector: str, rate: float, **more: Any) -> Callable[[App], App]:
    return lambda app: replace(app, rates={**app.rates, detector: rate}, **more)


def _only(name: str, change: Callable[[App], App]) -> Callable[[App], App]:
    return lambda app: change(app) if app.name == name else app


def _on(model: str, change: Callable[[App], App]) -> Callable[[App], App]:
    return lambda app: change(app) if app.models == (model,) else app


def _held(begin: float, until: float | None, who: str | None = None, partition: int | None = None) -> Any:
    """What would be stored from a minute on is stored at another, or never; of one app or partition, or of all."""

    def stored(second: float, app: str, where: int) -> float | None:
        if second < 60 * begin or (who is not None and app != who) or (partition is not None and where != partition):
            return second
        if until is None:
            return None
        return max(second, 60 * until)

    return stored


def _behind(begin: float, minutes: float, seconds: float) -> Any:
    """Everything is stored so many seconds later while it lasts."""
    return lambda second, app, where: second + seconds * (60 * begin <= second < 60 * (begin + minutes))


def _dead_letters(count: int, kind: str) -> Callable[[datetime], Rows]:
    def letters(start: datetime) -> Rows:
        return {
            "dead_letters": [
                {
                    "time": start + timedelta(seconds=n),
                    "topic": "watchline.raw",
                    "topic_id": "t",
                    "partition": 0,
                    "offset": n,
                    "event_index": -1,
                    "kind": kind,
                    "field": "",
                    "reason": "7 bytes after the end",
                    "size_bytes": 12,
                    "sha256": f"{n:064x}",
                    "app": "",
                    "stored_at": start + timedelta(seconds=n + 1),
                    "stored_s": (start - NOW).total_seconds() + n + 1,
                }
                for n in range(count)
            ]
        }

    return letters


def _offset_gap(start: datetime) -> Rows:
    gap = {"topic": "watchline.raw", "topic_id": "t", "partition": 1, "first_missing": 10, "next_offset": 4_000}
    return {"offset_gaps": [{"time": start, **gap, "stored_at": start}]}


def _signal(start: datetime) -> Rows:
    return {
        "signals": [
            {
                "signal_id": UUID(int=7),
                "event_id": UUID(int=8),
                "time": start,
                "kind": "drift",
                "app": "bot",
                "environment": "production",
                "prompt_name": "answer",
                "measure": "output_length",
                "slice": {"prompt_version": "1", "model": "small"},
                "baseline": {"prompt_version": "1", "model": "small"},
                "before": 300.0,
                "after": 90.0,
                "since": start - timedelta(minutes=6),
                "events_before": 4_000,
                "events_after": 60,
                "method": "ADWIN, mixture SPRT",
                "statistic": 14.0,
                "cause": "tenant",
                "cause_value": "acme",
                "cause_kind": "within",
                "page": True,
                "stored_at": start,
            }
        ]
    }


INCIDENTS: tuple[Scenario, ...] = (
    Scenario(name="new version, 8 to 60 % unsupported", apps=USUAL, incident="quality",
             changed=_only("bot", _worse("groundedness", 0.6, version="2"))),
    Scenario(name="new version, 8 to 40 %, much traffic", apps=USUAL, incident="quality",
             changed=_only("shop", _worse("groundedness", 0.5, version="2"))),
    Scenario(name="new version, 8 to 80 %, little traffic", apps=USUAL, incident="quality", begins=480, minutes=700,
             changed=_only("small-bot", _worse("groundedness", 0.8, version="2"))),
    Scenario(name="one of two models", apps=USUAL, incident="quality",
             changed=_only("shop", _on("large", _worse("groundedness", 0.6)))),
    Scenario(name="documents gone at night", apps=USUAL, incident="quality", begins=150, minutes=200,
             changed=_only("bot", _worse("groundedness", 0.8))),
    Scenario(name="toxic answers", apps=USUAL, incident="quality", changed=_only("bot", _worse("toxicity", 0.2))),
    Scenario(name="personal data leaks", apps=USUAL, incident="quality", changed=_only("shop", _worse("pii", 0.25))),
    Scenario(name="injection campaign", apps=USUAL, incident="quality", changed=_only("bot", _worse("injection", 0.3))),
    Scenario(name="biased answers", apps=USUAL, incident="quality", changed=_only("bot", _worse("bias", 0.2))),
    Scenario(name="answers beside the question", apps=USUAL, incident="quality",
             changed=_only("bot", _worse("relevance", 0.6))),
    Scenario(name="ten apps, one of them bad", apps=TEN, incident="quality",
             changed=_only("app-7", _worse("groundedness", 0.7))),
    Scenario(name="one deployment makes ten apps bad", apps=TEN, incident="quality",
             changed=_worse("groundedness", 0.7)),
    Scenario(name="an app delivers five hours late, and the answers are bad", incident="quality",
             begins=300, minutes=300, apps=(*USUAL, replace(BOT, name="edge", per_hour=40)),
             changed=_only("edge", _worse("groundedness", 0.6)), withheld=_held(300, 600, "edge")),
    Scenario(name="requests four times slower", apps=USUAL, incident="latency",
             changed=_only("bot", lambda app: replace(app, latency_s=8.0))),
    Scenario(name="requests ten times slower at night", apps=USUAL, incident="latency", begins=120,
             changed=_only("shop", lambda app: replace(app, latency_s=20.0))),
    Scenario(name="a third fails", apps=USUAL, incident="errors",
             changed=_only("bot", lambda app: replace(app, errors=0.33))),
    Scenario(name="all fail", apps=USUAL, incident="errors",
             changed=_only("shop", lambda app: replace(app, errors=1.0))),
    Scenario(name="cost twelvefold", apps=USUAL, incident="cost",
             changed=_only("bot", lambda app: replace(app, cost=0.024))),
    Scenario(name="cost twentyfold at night", apps=USUAL, incident="cost", begins=100, minutes=240,
             changed=_only("shop", lambda app: replace(app, cost=0.04))),
    Scenario(name="one app silent by day", apps=USUAL, incident="silence", begins=660, minutes=300,
             changed=_only("bot", lambda app: replace(app, per_hour=0.0))),
    Scenario(name="one of ten apps silent", apps=TEN, incident="silence", begins=700, minutes=300,
             changed=_only("app-9", lambda app: replace(app, per_hour=0.0))),
    Scenario(name="nothing comes through", apps=USUAL, incident="pipeline", withheld=_held(600, 720)),
    Scenario(name="nothing comes through at night", apps=USUAL, incident="pipeline", begins=180,
             withheld=_held(180, 300)),
    Scenario(name="one partition stands still", apps=USUAL, incident="pipeline", withheld=_held(600, 720, None, 1)),
    Scenario(name="half an hour behind", apps=USUAL, incident="pipeline", withheld=_behind(600, 120, 1_800)),
    Scenario(name="dead letters", apps=USUAL, incident="loss", extra=_dead_letters(60, "undecodable")),
    Scenario(name="a gap in Kafka", apps=USUAL, incident="loss", extra=_offset_gap),
    Scenario(name="findings are missing", apps=USUAL, incident="loss", missing=0.3),
    Scenario(name="detectors fail", apps=USUAL, incident="loss", decision="failed"),
    Scenario(name="everything is shed", apps=USUAL, incident="loss", decision="shed"),
    Scenario(name="a signal that may wake somebody", apps=USUAL, incident="signal", extra=_signal),
)  # fmt: skip

_QUIET: tuple[Scenario, ...] = (
    Scenario(name="a usual day", apps=USUAL),
    Scenario(name="little traffic", apps=(SMALL,)),
    Scenario(name="nights without a request", apps=(replace(BOT, night=0.0),)),
    Scenario(name="a deployment that changes nothing", apps=USUAL,
             changed=_only("bot", lambda app: replace(app, version="2"))),
    Scenario(name="a backlog of ninety seconds", apps=USUAL, withheld=_behind(600, 10, 90)),
    Scenario(name="an app delivers five hours late", apps=(*USUAL, replace(BOT, name="edge", per_hour=40)),
             withheld=lambda second, app, where: second + 18_000 if app == "edge" else second),
    Scenario(name="two models side by side, one a little worse", apps=(BOT, replace(SHOP, rates={
        **DETECTORS, "groundedness": 0.2}))),
    Scenario(name="the store restarts", apps=USUAL, failing=(600, 602), withheld=_held(600, 602)),
    Scenario(name="ten apps", apps=TEN),
    Scenario(name="a clock two hours ahead", apps=USUAL, clock={"bot": 7_200.0}),
)  # fmt: skip

# The same kinds three times: by chance, and on other traffic.
QUIET: tuple[Scenario, ...] = tuple(
    replace(
        scenario,
        name=f"{scenario.name}, {label}",
        apps=tuple(replace(app, per_hour=app.per_hour * factor) for app in scenario.apps),
    )
    for label, factor in (("as much as usual", 1.0), ("a third of it", 1 / 3), ("half as much again", 1.5))
    for scenario in _QUIET
)
