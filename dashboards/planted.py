"""Made-up rows that make each alert rule fire, and a week of good traffic on which none does.

For `watchline alerts test RULE`, in a database that is thrown away, and for tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

DETECTORS = ("groundedness", "pii", "toxicity", "injection", "bias", "relevance")
ROLLUPS = ("quality_hourly", "usage_hourly", "later_contents")
SHOP = {
    "app": "shop",
    "environment": "production",
    "prompt_name": "answer",
    "prompt_version": "1",
    "model": "small",
    "tenant": "t1",
}
_ids = count()


class Plant(NamedTuple):
    """A planter, the labels that its rule then has among others, and how much later the rule is evaluated."""

    plant: Callable[[Any, datetime], object]
    labels: Mapping[str, str]
    later: timedelta = timedelta(seconds=1)


def good(client: Any, now: datetime) -> None:
    """An event a minute, in these hours of each of seven days and today; canaries and a watermark that are fresh."""
    events(client, _history(now, range(8)))
    canaries(client, [(0, now - timedelta(seconds=20), 2), (1, now - timedelta(seconds=40), 3)])
    insert(client, "watermarks", [{"topic": "findings", "partition": 0, "time": now - timedelta(seconds=3)}])
    refresh(client)


def refresh(client: Any) -> None:
    """Counts the rollups anew."""
    for name in ROLLUPS:
        client.command(f"SYSTEM REFRESH VIEW {name}_refresh")
        client.command(f"SYSTEM WAIT VIEW {name}_refresh")


def events(
    client: Any,
    times: Iterable[datetime],
    *,
    flagged: Sequence[str] = (),
    decisions: Mapping[str, str] | None = None,
    missing: Sequence[str] = (),
    **columns: Any,
) -> list[UUID]:
    """Stored events with a finding of each detector, but of those `missing`. `flagged`: by which detectors."""
    interactions, findings = [], []
    for time in times:
        event_id = uuid5(NAMESPACE_URL, f"planted/{next(_ids)}")
        common = {
            **SHOP,
            **{name: columns[name] for name in SHOP if name in columns},
            "event_id": event_id,
            "time": time,
        }
        interactions.append(
            {
                "input_tokens": 100,
                "output_tokens": 10,
                "cost": 0.03,
                "latency_s": 1.0,
                "time_to_first_chunk_s": 0.2,
                "error_type": "",
                "planned": dict.fromkeys(DETECTORS, "1"),
                **common,
                **columns,
            }
        )
        for detector in set(DETECTORS) - set(missing):
            bad = detector in flagged
            decision = (decisions or {}).get(detector, "evaluated")
            findings.append(
                {
                    **common,
                    "detector": detector,
                    "decision": decision,
                    "score": (0.9 if bad else 0.1) if decision == "evaluated" else None,
                    "threshold": 0.5,
                    "scores": {"LEAK": 0.9} if bad and detector == "pii" else {},
                    "flagged": bad,
                }
            )
    insert(client, "findings", findings)
    insert(client, "interactions", interactions)
    return [row["event_id"] for row in interactions]


def canaries(client: Any, sent: Iterable[tuple[int, datetime, float]]) -> None:
    """Of each: the partition, when it arrived, and after how many seconds."""
    insert(
        client,
        "canaries",
        [
            {
                "event_id": uuid5(NAMESPACE_URL, f"canary/{next(_ids)}"),
                "time": arrived - timedelta(seconds=delay),
                "stored_at": arrived,
                "worker": "w1",
                "raw_topic": "raw",
                "raw_topic_id": "t",
                "raw_partition": partition,
                "raw_offset": next(_ids),
            }
            for partition, arrived, delay in sent
        ],
    )


def insert(client: Any, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Stores rows, which all have the columns of the first."""
    if rows:
        names = list(rows[0])
        data = [[row[name] for name in names] for row in rows]
        client.insert(table, data, column_names=names, settings={"insert_deduplicate": 0})


def acts(client: Any, *entries: Mapping[str, Any]) -> None:
    """Entries of the audit trail, in a log of their own, each on the one before. `time` and `action` must be there."""
    log, rows = f"planted {next(_ids)}", []
    for position, entry in enumerate(entries):
        hashes = {"previous": f"{position - 1}" if position else log, "hash": f"{position}"}
        plain: dict[str, Any] = {
            "target": "",
            "target_version": None,
            "content_hash": None,
            "details": {},
            "accepted": True,
            "reason": "",
        }
        common = {"log": log, "position": position, "actor": "p1", "governance_id": f"{log}/{position}"}
        rows.append({**common, **plain, **hashes, **entry})
    insert(client, "governance", rows)


def _act(action: str, target: str, hours: float, **more: Any) -> Callable[[Any, datetime], None]:
    def plant(client: Any, now: datetime) -> None:
        acts(client, {"time": now - timedelta(hours=hours), "action": action, "target": target, **more})

    return plant


def _unapproved(client: Any, now: datetime) -> None:
    _act("prompt_drafted", "prompt:answer", 30, content_hash="cd" * 32, details={"app": "hasty"})(client, now)
    events(client, _recent(now, 5), app="hasty", prompt_hash="ab" * 32)


def _unregistered(client: Any, now: datetime) -> None:
    _act("use_case_registered", "registered", 30, details={"models": "small"})(client, now)
    events(client, _recent(now, 5), app="registered", model="other")


def _broken_trail(client: Any, now: datetime) -> None:
    first, second = now - timedelta(hours=3), now - timedelta(hours=2)
    acts(client, {"time": first, "action": "exported"}, {"time": second, "action": "exported", "previous": "another"})


def _history(now: datetime, days: Iterable[int]) -> list[datetime]:
    """A time a minute, from two hours before this one to one after, as far as that is past."""
    times = [now - timedelta(days=day, minutes=minute) for day in days for minute in range(-60, 120)]
    return [time for time in times if time <= now - timedelta(seconds=10)]


def _recent(now: datetime, number: int, minutes: float = 10) -> list[datetime]:
    return [now - timedelta(seconds=10 + minutes * 60 * each / number) for each in range(number)]


def _busy(detector: str) -> Callable[[Any, datetime], None]:
    def plant(client: Any, now: datetime) -> None:
        events(client, _recent(now, 40), flagged=[detector], app=f"busy {detector}", prompt_version="2")

    return plant


def _quiet(detector: str) -> Callable[[Any, datetime], None]:
    def plant(client: Any, now: datetime) -> None:
        events(client, _recent(now, 12, minutes=20 * 60), flagged=[detector], app=f"quiet {detector}")

    return plant


def _unusual(client: Any, now: datetime) -> None:
    events(client, _history(now, range(1, 8)), app="unusual")
    events(client, _recent(now, 40, minutes=50), flagged=DETECTORS, latency_s=5.0, app="unusual")
    refresh(client)


def _arrived_late(client: Any, now: datetime) -> None:
    """All that is planted is stored now: these are five hours old."""
    times = [now - timedelta(hours=5, seconds=30 * each) for each in range(40)]
    events(client, times, flagged=["groundedness"], app="edge")


def _no_canary(client: Any, now: datetime) -> None:
    canaries(client, [(7, now - timedelta(hours=30), 1)])


def _late(client: Any, now: datetime) -> None:
    canaries(client, [(0, now - timedelta(seconds=10), 1800)])


def _silent(client: Any, now: datetime) -> None:
    events(client, _history(now, range(1, 8)), app="silent", stored_at=now - timedelta(days=1))
    refresh(client)


def _drift(client: Any, now: datetime) -> None:
    signal = {
        "signal_id": UUID(int=1),
        "event_id": UUID(int=1),
        "time": now,
        "app": "drifting",
        "environment": "production",
        "prompt_name": "answer",
        "kind": "drift",
        "measure": "toxicity",
        "before": 0.01,
        "after": 0.2,
        "since": now - timedelta(minutes=9),
        "cause": "model",
        "cause_value": "large",
        "page": True,
    }
    insert(client, "signals", [signal])


def _conflicts(client: Any, now: datetime) -> None:
    ids = events(client, _recent(now, 12), app="changing")
    again = [
        {
            **SHOP,
            "app": "changing",
            "event_id": event_id,
            "time": time,
            "detector": "bias",
            "decision": "evaluated",
            "score": 0.7,
        }
        for event_id, time in zip(ids, _recent(now, 12), strict=True)
    ]
    insert(client, "findings", again)
    refresh(client)


def _dead_letters(client: Any, now: datetime) -> None:
    place = {"time": now - timedelta(days=1), "stored_at": now, "topic": "raw", "topic_id": "t", "partition": 9}
    insert(client, "dead_letters", [{**place, "offset": each, "app": "mad", "kind": "invalid"} for each in range(11)])


def _offset_gap(client: Any, now: datetime) -> None:
    gap = {"time": now, "topic": "raw", "topic_id": "t", "partition": 3, "first_missing": 10, "next_offset": 30}
    insert(client, "offset_gaps", [gap])


def _budget(client: Any, now: datetime) -> None:
    events(client, _recent(now, 36, minutes=350), app="dear", tenant="big", cost=3.0)


def _cost(client: Any, now: datetime) -> None:
    events(client, _history(now, range(1, 8)), app="costly")
    events(client, _recent(now, 30), app="costly", cost=1.0)
    events(client, _recent(now, 30), app="costly", cost=None)
    refresh(client)


def _of_answers(name: str, detector: str, *, history: bool = True) -> dict[str, Plant]:
    slow = {"app": f"quiet {detector}", "prompt_version": "1"}
    planted = {
        f"watchline-{name}": Plant(
            _busy(detector), {"app": f"busy {detector}", "prompt_version": "2", "model": "small"}
        ),
        f"watchline-{name}-slow": Plant(_quiet(detector), slow),
    }
    if history:
        planted[f"watchline-{name}-unusual"] = Plant(_unusual, {"app": "unusual", "prompt_name": "answer"})
    return planted


PLANTS: dict[str, Plant] = {
    **_of_answers("unsupported-answers", "groundedness"),
    **_of_answers("toxicity", "toxicity"),
    **_of_answers("leaked-personal-data", "pii", history=False),
    **_of_answers("injection", "injection"),
    **_of_answers("bias", "bias"),
    **_of_answers("irrelevant-answers", "relevance"),
    "watchline-late-answers": Plant(
        _arrived_late, {"app": "edge", "detector": "groundedness", "about": "app"}, timedelta(minutes=1)
    ),
    "watchline-drift": Plant(_drift, {"app": "drifting", "measure": "toxicity"}, timedelta(minutes=5)),
    "watchline-errors": Plant(
        lambda client, now: events(client, _recent(now, 40), app="failing", error_type="Timeout"),
        {"app": "failing", "model": "small"},
    ),
    "watchline-errors-slow": Plant(
        lambda client, now: events(client, _recent(now, 12, minutes=20 * 60), app="sometimes", error_type="Timeout"),
        {"app": "sometimes", "model": "small"},
    ),
    "watchline-latency": Plant(
        lambda client, now: events(client, _recent(now, 40), app="slow", latency_s=90.0), {"app": "slow"}
    ),
    "watchline-latency-unusual": Plant(_unusual, {"app": "unusual", "model": "small"}),
    "watchline-first-chunk": Plant(
        lambda client, now: events(client, _recent(now, 40), app="waiting", time_to_first_chunk_s=20.0),
        {"app": "waiting"},
    ),
    "watchline-missing-findings": Plant(
        lambda client, now: events(client, _recent(now, 12), app="unseen", missing=["bias"]),
        {"app": "unseen", "detector": "bias"},
    ),
    "watchline-failed-findings": Plant(
        lambda client, now: events(client, _recent(now, 12), app="broken", decisions={"bias": "failed"}),
        {"app": "broken", "detector": "bias"},
    ),
    "watchline-shed-findings": Plant(
        lambda client, now: events(client, _recent(now, 12), app="too much", decisions={"bias": "shed"}),
        {"app": "too much", "detector": "bias"},
    ),
    "watchline-conflicts": Plant(_conflicts, {"app": "changing", "detector": "bias"}, timedelta(minutes=5)),
    "watchline-dead-letters": Plant(_dead_letters, {"app": "mad", "kind": "invalid"}),
    "watchline-offset-gaps": Plant(_offset_gap, {"partition": "3"}, timedelta(minutes=1)),
    "watchline-cost": Plant(_cost, {"app": "costly"}),
    "watchline-tenant-budget": Plant(_budget, {"tenant": "big"}),
    "watchline-unknown-price": Plant(
        lambda client, now: events(client, _recent(now, 40), app="dark", cost=None),
        {"app": "dark", "model": "small"},
    ),
    "watchline-no-data": Plant(_silent, {"app": "silent"}),
    "watchline-no-canary": Plant(_no_canary, {"partition": "7"}),
    "watchline-old-rollups": Plant(lambda client, now: None, {"rollup": "usage_hourly"}, timedelta(hours=2)),
    "watchline-lag": Plant(_late, {}),
    "watchline-approvals-waiting": Plant(
        _act("prompt_drafted", "prompt:answer", 30, content_hash="ef" * 32, details={"app": "drafting"}),
        {"app": "drafting", "target": "prompt:answer"},
    ),
    "watchline-unapproved-prompt": Plant(_unapproved, {"app": "hasty", "prompt_name": "answer"}),
    "watchline-unregistered": Plant(_unregistered, {"app": "registered", "model": "other"}),
    "watchline-emergency-review": Plant(
        _act("emergency_promoted", "prompt:answer", 60, details={"app": "urgent", "environment": "production"}),
        {"app": "urgent", "target": "prompt:answer"},
    ),
    "watchline-refused-acts": Plant(
        _act("key_revoked", "0011223344556677", 0.1, accepted=False, reason="nobody has signed it"),
        {},
        timedelta(minutes=5),
    ),
    "watchline-broken-trail": Plant(_broken_trail, {}),
    "watchline-erasure-overdue": Plant(
        _act("erasure_requested", "erasure:0a0a0a0a", 80, details={"kind": "subject"}), {"target": "erasure:0a0a0a0a"}
    ),
    "watchline-retention-due": Plant(
        _act("retention_set", "rows", 48, details={"days": "100"}), {"kind": "setting"}, timedelta(minutes=5)
    ),
}
# Would hide another: a partition without canaries is told of by «No canary» alone.
APART = ("watchline-lag",)
