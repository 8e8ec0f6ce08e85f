"""What is stored is seen once, in its order, whenever its insert becomes visible."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from watchline.streams.cli import events, feed
from watchline.streams.query import arrivals
from watchline.streams.query.arrivals import Arrivals, Flag
from watchline.streams.query.run import Queries

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


class Store:
    """Inserts at a moment of its own."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.queries = Queries(client, client.test_database)

    def put(self, *numbers: int, after_s: float, app: str = "a", flagged: bool = False, day: int = 6) -> None:
        for number in numbers:
            event = {
                "event_id": UUID(int=number), "time": NOW.replace(day=day), "app": app, "prompt_name": "answer",
                "prompt_version": "7", "stored_at": NOW + timedelta(seconds=after_s),
            }  # fmt: skip
            self._insert("findings", **event, detector="bias", decision="evaluated", flagged=flagged, score=0.75)
            self._insert(
                "findings", **event, detector="pii", decision="evaluated", flagged=flagged, alert=True, score=1
            )
            self._insert("interactions", **event)

    def _insert(self, table: str, **values: Any) -> None:
        self.client.insert(
            table, [list(values.values())], column_names=list(values), database=self.client.test_database
        )


@pytest.fixture
def store(clickhouse: Callable[..., Any]) -> Store:
    return Store(clickhouse("arrivals"))


def _numbers(found: list[arrivals.Arrival]) -> list[int]:
    return [UUID(each.event_id).int for each in found]


def test_each_event_is_seen_once_also_where_it_is_old_or_late(store: Store) -> None:
    store.put(1, after_s=-1)
    seen = Arrivals(store.queries, NOW)
    assert seen.look() == []
    store.put(2, 3, after_s=10)
    assert _numbers(seen.look()) == [2, 3]
    store.put(4, after_s=8)  # an insert that took longer
    store.put(5, after_s=11, day=1)  # of days ago
    store.put(2, after_s=12)  # again
    assert _numbers(seen.look()) == [4, 5]
    assert seen.look() == []


def test_more_than_one_look_takes_is_seen_in_the_next(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "MOST", 3)
    for number in range(8):
        store.put(number, after_s=number)
    seen = Arrivals(store.queries, NOW)
    assert [number for _ in range(8) for number in _numbers(seen.look())] == list(range(8))


def test_flags_and_apps(store: Store) -> None:
    seen, other = Arrivals(store.queries, NOW), Arrivals(store.queries, NOW, app="b")
    store.put(1, after_s=1, flagged=True)
    store.put(2, after_s=2, app="b")
    first, second = seen.look()
    assert first.flags == (Flag("pii", 1.0, True), Flag("bias", 0.75, False))
    assert second.flags == ()
    assert _numbers(other.look()) == [2]
    assert events.line(first) == f"2026-05-06 07:08:09  a  answer@7  flagged: pii 1.00 ALERT, bias 0.75  {UUID(int=1)}"
    assert "nothing flagged" in events.line(second)
    assert feed.count([first, second]) == "2026-05-06 07:08:09  2 events (a 1, b 1), 1 flagged (pii 1, bias 1)"


def test_since_now_is_by_the_server(store: Store) -> None:
    seen = Arrivals(store.queries)
    store.put(1, after_s=(datetime.now(UTC) - NOW).total_seconds() + 60)
    store.put(2, after_s=0)
    assert _numbers(seen.look()) == [1]
