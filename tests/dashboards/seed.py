"""An hour of made-up traffic in the tables: two prompt versions, the second one live for the last 14 minutes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

PRODUCER = uuid5(NAMESPACE_URL, "producer")
QUESTION = "What does the total say?"
ANSWER = "Café: the total is 99 €."
CLAIM = "the total is 99 €"
SOURCE = "Größe: the total is 12 €."
EVIDENCE = "the total is 12 €"


def seed(client: Any, now: datetime, *, unsupported_v2: int = 30) -> None:
    """60 answers of version 1 (2 unsupported), 60 of version 2 (as many unsupported as said), and one of each else."""
    events = [(version, number) for version in ("1", "2") for number in range(60)]
    interactions, findings = [], []
    for sequence, (version, number) in enumerate(events):
        event_id = uuid5(NAMESPACE_URL, f"{version}/{number}")
        minutes = 15 + (60 - number) * 2 / 3 if version == "1" else (60 - number) * 14 / 60
        time = now - timedelta(minutes=minutes)
        common: dict[str, Any] = {
            "event_id": event_id,
            "time": time,
            "app": "support-bot",
            "environment": "production",
            "prompt_name": "answer",
            "prompt_version": version,
            "model": "small",
        }
        interactions.append(
            {
                **common,
                "prompt_hash": version * 8,
                "subject": f"k1:{number % 7}",
                "input_messages": [("user", QUESTION)],
                "output_messages": [("assistant", ANSWER)],
                "documents": [(SOURCE, "doc-1", 0.9)],
                "input_tokens": 100,
                "output_tokens": 10,
                "cost": 0.001,
                "latency_s": 1.0 + number / 60,
                "time_to_first_chunk_s": 0.2,
                "error_type": "Timeout" if number == 0 else "",
                "redactions": {"EMAIL_ADDRESS": 2} if number == 1 else {},
                "planned": {"groundedness": "1", "toxicity": "1", "pii": "1"},
                "producer_id": PRODUCER,
                "producer_sequence": sequence + 5,
                "producer_dropped": 3,
                "stored_at": time,
            }
        )
        unsupported = number < (2 if version == "1" else unsupported_v2)
        findings.append(
            {
                **common,
                "detector": "groundedness",
                "decision": "evaluated",
                "score": 0.9 if unsupported else 0.1,
                "flagged": unsupported,
                "alert": unsupported,
                "spans": [("output:0", 6, 23, "unsupported", 0.9)] if unsupported else [],
                "evidence": [(0, "document:0", 7, 24, 0.8)] if unsupported else [],
            }
        )
        findings.append({**common, "detector": "pii", "decision": "evaluated", "score": 0.2})
        if number:  # toxicity's finding of the first event of each version is missing
            findings.append({**common, "detector": "toxicity", "decision": "not_applicable", "reason": "empty text"})
    _insert(client, "findings", findings)
    _insert(client, "interactions", interactions)
    _insert(client, "findings", findings)  # delivered twice
    changed = [finding for finding in findings if finding["detector"] == "pii"][:12]
    _insert(client, "findings", [{**finding, "score": 0.7} for finding in changed])  # and these say otherwise
    for list_of in ("superseded", "later_contents"):
        client.command(f"SYSTEM REFRESH VIEW {list_of}_refresh")
        client.command(f"SYSTEM WAIT VIEW {list_of}_refresh")
    _seed_the_rest(client, now, UUID(str(interactions[-1]["event_id"])))
    _seed_reads(client)


def _seed_the_rest(client: Any, now: datetime, event_id: UUID) -> None:
    time = now - timedelta(minutes=5)
    common = {"time": time, "app": "support-bot", "environment": "production"}
    _insert(client, "feedback", [{**common, "feedback_id": event_id, "event_id": event_id, "rating": -1}])
    signal = {
        "signal_id": event_id,
        "event_id": event_id,
        "kind": "prompt_version",
        "prompt_name": "answer",
        "measure": "groundedness",
        "slice": {"prompt_version": "2"},
        "baseline": {"prompt_version": "1"},
        "before": 0.03,
        "after": 0.5,
        "since": now - timedelta(minutes=14),
        "events_before": 60,
        "events_after": 40,
        "method": "two-sample",
        "p_value": 0.001,
        "cause": "prompt_version",
        "cause_value": "2",
        "cause_kind": "new value",
        "page": True,
    }
    _insert(client, "signals", [{**common, **signal}])
    place = {"time": time, "topic": "raw", "topic_id": "t", "partition": 0, "size_bytes": 5, "sha256": "00"}
    letters = [
        {"offset": 7, "event_index": -1, "kind": "undecodable", "reason": "12 bytes after the end"},
        {"offset": 8, "event_index": -1, "kind": "undecodable", "reason": "7 bytes after the end"},
        {"offset": 9, "event_index": 0, "kind": "invalid", "field": "latency_s", "reason": "latency_s: negative"},
    ]
    _insert(client, "dead_letters", [{**place, "field": "", **letter} for letter in letters])
    gap = {"topic": "raw", "topic_id": "t", "partition": 1, "first_missing": 10, "next_offset": 30}
    _insert(client, "offset_gaps", [{"time": time, **gap}])
    canaries = [(0, 120), (0, 60), (1, 65), (1, 5)]  # partition, and how many seconds ago it was sent and arrived
    _insert(
        client,
        "canaries",
        [
            {
                "event_id": uuid5(NAMESPACE_URL, f"canary/{partition}/{seconds}"),
                "time": now - timedelta(seconds=seconds),
                "stored_at": now - timedelta(seconds=seconds),
                "worker": "w1",
                "producer_id": PRODUCER,
                "raw_topic": "raw",
                "raw_topic_id": "t",
                "raw_partition": partition,
                "raw_offset": 200 - seconds,
            }
            for partition, seconds in canaries
        ],
    )


def _seed_reads(client: Any) -> None:
    reads = [
        ["SELECT app FROM v_interactions", ["v_interactions"], 2, 7, "ok", ""],
        ["SELECT url(?)", [], 1, -1, "refused", "the function"],
    ]
    details = {"who": "p1", "proven": "named", "door": "page", "reads": json.dumps(reads)}
    details |= {"from": "2027-01-31T12:00:00Z", "to": "2027-01-31T12:00:40Z"}
    _insert(client, "governance", [{"log": "l", "position": 1, "action": "read", "accepted": True, "details": details}])


def _insert(client: Any, table: str, rows: Sequence[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    defaults: dict[str, Any] = {"spans": [], "evidence": [], "flagged": False, "alert": False, "reason": ""}
    data = [[row.get(name, defaults.get(name)) for name in names] for row in rows]
    client.insert(table, data, column_names=names, settings={"insert_deduplicate": 0})
