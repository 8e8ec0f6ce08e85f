"""What is erased is gone from every table, counted and not lost; what could not be erased is never called so."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from tests.schemas.samples import SAMPLES
from tests.streams.worker.parts import scored_part
from tests.streams.worker.test_ledger import Store, event, messages
from watchline.schemas.records import Feedback
from watchline.schemas.validation import Repaired
from watchline.streams.governance import eraser as eraser_
from watchline.streams.governance.eraser import Eraser
from watchline.streams.governance.erasure import Erasure, whole_of
from watchline.streams.kafka.tombstones import Tombstones, hash_of
from watchline.streams.messages import ScoredEvent
from watchline.streams.worker import feedback, ledger
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.stages.store import Store as StoreStage
from watchline.streams.worker.stages.store import erased_events, store, write_all

pytestmark = pytest.mark.slow

ANNA, BERT = f"00000001:{'a' * 64}", f"00000001:{'b' * 64}"
(OPINION,) = (sample for sample in SAMPLES if isinstance(sample, Feedback))


def of(scored: ScoredEvent, **changes: Any) -> ScoredEvent:
    """An event with other values."""
    interaction = replace(scored.scored.interaction, **changes)
    return replace(scored, scored=replace(scored.scored, interaction=interaction))


def asked(kind: Any, *values: str, app: str = "") -> Erasure:
    """An erasure of these ids as they are stored."""
    salt = secrets.token_hex(16)
    return Erasure(secrets.token_hex(8), kind, app, salt, tuple(hash_of(salt, kind, value) for value in values), 0, {})


class Erasing(Store):
    """A store with two people in two tenants, each with feedback, and what erases in it."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        whose = {0: (ANNA, "acme"), 1: (BERT, "acme"), 2: (ANNA, "other"), 3: (BERT, "other"), 4: (ANNA, "acme")}
        self.all = [
            of(
                event(number, hours=700 * (number == 4)),
                subject=subject,
                tenant=tenant,
                conversation_id=f"c{number // 2}",
            )
            for number, (subject, tenant) in whose.items()
        ]
        self.deliver(self.all)
        opinions = [
            replace(OPINION, feedback_id=str(UUID(int=number)), subject=subject, event_id=event_id)
            for number, (subject, event_id) in enumerate(
                [(ANNA, self.id(1)), ("", self.id(0)), (BERT, self.id(3))]
            )
        ]  # fmt: skip
        write_all(feedback.table([Repaired(each, (), None) for each in opinions]), self.write)

    def write_ledger_of(self, events: Sequence[ScoredEvent], part: Any, erased: Any) -> None:
        write_all(ledger.table(messages(events), part, (), erased), self.write)

    def id(self, number: int) -> str:
        return str(self.all[number].scored.interaction.event_id)

    def shown(self, view: str) -> list[int]:
        """The numbers of the events of which a view has rows."""
        rows = self.client.query(f"SELECT DISTINCT toString(event_id) FROM {view} ORDER BY 1").result_rows
        return [int(event_id[-12:], 16) for (event_id,) in rows]


@pytest.fixture
def erasing(clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Erasing:
    monkeypatch.setattr(eraser_, "SETTLE_S", 0.0)
    return Erasing(clickhouse("erasing"))


@pytest.mark.parametrize(
    ("erasure", "left"),
    [
        (asked("subject", ANNA), [1, 3]),
        (asked("subject", ANNA, BERT), []),
        (asked("tenant", "acme"), [2, 3]),
        (asked("conversation", "c0"), [2, 3, 4]),
        (asked("subject", ANNA, app="another"), [0, 1, 2, 3, 4]),
    ],
)
def test_it_is_hidden_deleted_and_counted(erasing: Erasing, erasure: Erasure, left: list[int]) -> None:
    eraser = Eraser(erasing.client, erasure)
    gone = 5 - len(left)
    eraser.hide()
    for view in ("v_interactions", "v_findings", "v_decisions", "v_spans"):
        assert [*{*erasing.shown(view)} - {*left}] == [], view
    assert erasing.shown("v_interactions") == left == erasing.shown("v_findings")
    assert erasing.shown("v_erased") == [number for number in range(5) if number not in left]
    found = eraser.run()
    words = {name: outcome.word for name, outcome in found.items()}
    assert erasing.shown("interactions") == left == erasing.shown("findings") == erasing.shown("v_interactions")
    assert sum(eraser.count().values()) == 0
    assert words["table interactions"] == ("deleted" if gone else "nothing there"), found
    assert words["table findings"] == words["table interactions"] and words["table ledger"] == "nothing there"
    assert whole_of(found.values()) == ("complete" if gone else "nothing found")
    assert {name for name, word in words.items() if word == "failed"} == set()
    # Counted as erased, and lost nowhere.
    erasing.age()
    assert erasing.missing() == set() and erasing.gaps() == []
    assert {row[3] for row in erasing.coverage().values()} <= {0}
    stored, erased, missing = erasing.client.query(
        "SELECT sum(stored), sum(erased), sum(missing) FROM v_producer_gaps"
    ).result_rows[0]  # fmt: skip
    assert (stored, erased, missing) == (len(left), gone, 0)


def test_feedback_goes_by_its_event_and_by_who_gave_it(erasing: Erasing) -> None:
    Eraser(erasing.client, asked("subject", ANNA)).hide()
    assert erasing.shown("v_feedback") == [3]  # at once
    Eraser(erasing.client, asked("subject", ANNA)).run()
    assert erasing.shown("feedback") == [3]


def test_it_says_nothing_found_and_never_deleted_of_what_was_not_there(erasing: Erasing) -> None:
    found = Eraser(erasing.client, asked("subject", f"00000001:{'c' * 64}")).run()
    assert whole_of(found.values()) == "nothing found"
    assert "deleted" not in {outcome.word for outcome in found.values()}


def test_it_goes_on_where_it_was_broken_off(erasing: Erasing) -> None:
    erasure = asked("subject", ANNA)
    found = Eraser(erasing.client, erasure, deadline_s=-1).run()
    assert found["table interactions"].word == "partly" and whole_of(found.values()) == "incomplete"
    assert erasing.shown("v_interactions") == [1, 3]  # hidden all the same
    erasing.delete("interactions", "event_id IN (SELECT event_id FROM erased)")  # and a crash before the certificate
    found = Eraser(erasing.client, erasure).run()
    assert found["table interactions"].word == "deleted" and whole_of(found.values()) == "complete"


def test_a_deletion_that_fails_is_named_with_the_stores_reason(
    erasing: Erasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = erasing.client.command

    def fails(sql: str, *more: Any, **named: Any) -> Any:  # a stand-in: chDB's disk isn't full
        if sql.startswith("ALTER TABLE feedback"):
            raise RuntimeError("Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space")
        return command(sql, *more, **named)

    monkeypatch.setattr(erasing.client, "command", fails)
    found = Eraser(erasing.client, asked("subject", ANNA)).run()
    assert (found["table feedback"].word, found["table interactions"].word) == ("failed", "deleted")
    assert "not enough space" in found["table feedback"].ground and whole_of(found.values()) == "incomplete"


@pytest.mark.parametrize("kind", ["tenant", "event"])
def test_what_has_no_interaction_goes_too(erasing: Erasing, kind: Any) -> None:
    """A worker died between the two inserts, or a part of `interactions` is lost."""
    erasing.delete("interactions", f"event_id = '{erasing.id(0)}'")
    Eraser(erasing.client, asked(kind, {"tenant": "acme", "event": erasing.id(0)}[kind])).run()
    assert 0 not in erasing.shown("findings") and 0 not in erasing.shown("contents")


def test_holds_are_named_by_what_they_hold(erasing: Erasing) -> None:
    eraser = Eraser(erasing.client, asked("subject", ANNA))
    holds = {"h1": "tenant:acme", "h2": "tenant:nobody", "h3": f"event:{erasing.id(2)}", "h4": f"event:{erasing.id(1)}"}
    assert eraser.held_by(holds) == ["h1", "h3"]
    assert Eraser(erasing.client, asked("tenant", "empty")).held_by({"h": "tenant:empty"}) == ["h"]


def test_what_comes_again_is_counted_and_not_stored(erasing: Erasing) -> None:
    erasure = asked("subject", ANNA)
    Eraser(erasing.client, erasure).run()
    stones = Tombstones(erasure.tombstones)
    late = [*erasing.all, of(event(9), subject=ANNA, tenant="acme"), of(event(8), subject=BERT)]
    for _ in range(2):  # delivered twice
        part = scored_part(late)
        erased, counted = erased_events(part, stones)
        write_all(counted, erasing.write)
        assert store(part, erasing.write, erased) == {}
        erasing.write_ledger_of(late, part, erased)
    erasing.age()
    assert erasing.shown("interactions") == [1, 3, 8] and erasing.shown("findings") == [1, 3, 8]
    assert erasing.shown("v_erased") == [0, 2, 4, 9]
    assert erasing.missing() == set()
    assert {row[3] for row in erasing.coverage().values()} == {0}
    rows = erasing.client.query("SELECT sum(erased), sum(stored) FROM v_producer_gaps").result_rows
    assert rows == [(4, 3)]


def test_what_was_asked_for_while_it_was_being_written_is_hidden(erasing: Erasing) -> None:
    """By the worker itself: who erases may have looked before."""
    erasure, late = asked("subject", ANNA), [of(event(9), subject=ANNA)]
    written: list[str] = []

    class Arriving(Tombstones):  # as `Known`, with a topic that has one once the interactions are written
        def refresh(self) -> bool:
            arrived = "interactions" in written and not len(self)
            self.add(erasure.tombstones if arrived else ())
            return arrived

    def write(table: Any) -> Any:
        written.append(table.name)
        return erasing.write(table)

    stones = Arriving()
    batch = Batch(messages(late), None, scored=scored_part(late))  # type: ignore[arg-type]
    StoreStage(write, lambda *_: [], stones).run(batch)
    assert erasing.shown("interactions") == [0, 1, 2, 3, 4, 9]
    assert erasing.shown("v_interactions") == [0, 1, 2, 3, 4] and erasing.shown("v_erased") == [9]


def test_totals_by_hour_are_counted_anew_without_it(erasing: Erasing) -> None:
    def totals() -> list[Any]:
        for what in ("REFRESH", "WAIT"):
            erasing.client.command(f"SYSTEM {what} VIEW usage_hourly_refresh")
        sums = [
            erasing.client.query(f"SELECT sum(events) FROM {name}").result_rows[0][0]
            for name in ("v_usage_hourly", "v_prompt_versions")
        ]
        return [*sums]

    assert totals() == [5, 5]
    Eraser(erasing.client, asked("subject", ANNA)).run()
    assert totals() == [2, 2]


def test_what_was_erased_after_the_backup_goes_from_what_is_restored(erasing: Erasing) -> None:
    erasure = asked("subject", ANNA)
    of_event = Erasure(erasure.id, "event", "", erasure.salt, (hash_of(erasure.salt, "event", erasing.id(0)),), 0, {})
    assert eraser_.obey(erasing.client, [*erasure.tombstones, *of_event.tombstones], lambda line: None) == {
        erasure.id: 3
    }
    assert erasing.shown("interactions") == erasing.shown("v_findings") == [1, 3]


def test_the_store_gets_no_id(erasing: Erasing, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    command, query = erasing.client.command, erasing.client.query
    monkeypatch.setattr(erasing.client, "command", lambda *a, **n: (seen.append(repr((a, n))), command(*a, **n))[1])
    monkeypatch.setattr(erasing.client, "query", lambda *a, **n: (seen.append(repr((a, n))), query(*a, **n))[1])
    Eraser(erasing.client, asked("tenant", "acme")).run()
    statements = erasing.client.query("SELECT command FROM system.mutations").result_rows
    assert seen and "acme" not in str(seen) and "acme" not in str(statements)
    assert query("SELECT count() FROM erased WHERE tenant = 'acme'").result_rows == [(0,)]


def test_clickhouses_own_diary_is_named_with_its_end(erasing: Erasing, monkeypatch: pytest.MonkeyPatch) -> None:
    """chDB keeps none: a stand-in for what a server says of its tables."""
    query = erasing.client.query
    kept = [
        (
            "query_log",
            "CREATE TABLE system.query_log (...) ENGINE = MergeTree TTL event_date + toIntervalDay(30) SETTINGS",
        ),
        ("text_log", "CREATE TABLE system.text_log (...) ENGINE = MergeTree ORDER BY event_date"),
    ]

    def answers(sql: str, *more: Any) -> Any:
        return SimpleNamespace(result_rows=kept) if "FROM system.tables" in sql else query(sql, *more)

    monkeypatch.setattr(erasing.client, "query", answers)
    found = Eraser(erasing.client, asked("subject", ANNA)).run()
    assert found["log query_log"].word == "expires" and found["log query_log"].until > "2"
    assert found["log text_log"].word == "partly" and "MODIFY TTL" in found["log text_log"].ground
    assert whole_of(found.values()) == "incomplete"
