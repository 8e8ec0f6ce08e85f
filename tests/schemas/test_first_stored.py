"""What is stored first stays, one id counts once, and what came otherwise afterwards is listed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.schemas.samples import FINDING, TIME
from tests.schemas.test_columns import made
from tests.schemas.test_view_totals import HOUR, found, refresh
from tests.schemas.test_views import PLANNED, scored, write
from watchline.schemas.columns import INTERACTION, Column, Text
from watchline.schemas.migrate import FOLDER, statements
from watchline.streams.clickhouse import rows
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.messages import ScoredEvent
from watchline.streams.query.policy import views

pytestmark = pytest.mark.slow

LISTS = ("superseded", "later_contents")


def look(client: Any) -> None:
    """What happens every ten minutes."""
    for name in LISTS:
        client.command(f"SYSTEM REFRESH VIEW {name}_refresh")
        client.command(f"SYSTEM WAIT VIEW {name}_refresh")


@pytest.fixture
def client(clickhouse: Callable[..., Any]) -> Any:
    return clickhouse("first")


def otherwise(number: int = 1, *, planned: dict[str, str] = PLANNED, **changes: Any) -> ScoredEvent:
    """An event whose finding of groundedness says something else."""
    event = scored(number, planned=planned)
    first, *rest = event.scored.findings
    changed = dataclasses.replace(first, detector="groundedness", **changes)
    return dataclasses.replace(event, scored=dataclasses.replace(event.scored, findings=(changed, *rest)))


def under(event: ScoredEvent, **changes: Any) -> ScoredEvent:
    """The event, of another time, tenant or app."""
    interaction = dataclasses.replace(event.scored.interaction, **changes)
    return dataclasses.replace(event, scored=dataclasses.replace(event.scored, interaction=interaction))


CHANGED = {
    "interactions": "cost",
    "findings": "flagged",
    "feedback": "rating",
    "signals": "events_after",
    "dead_letters": "size_bytes",
    "offset_gaps": "next_offset",
    "producer_reports": "next_sequence",
    "canaries": "raw_offset",
}


@pytest.mark.parametrize(("table", "column"), CHANGED.items())
def test_an_insert_of_a_key_that_is_there_changes_nothing(client: Any, table: str, column: str) -> None:
    assert Sink(lambda: client, 5).write(made()[table]) == []
    stored = found(client, f"SELECT * FROM {table} FINAL ORDER BY ALL")
    client.command(f"SYSTEM STOP MERGES {table}")
    for value in (1, 0):
        client.command(f"INSERT INTO {table} SELECT * REPLACE ({value} AS {column}) FROM {table}")
    assert found(client, f"SELECT uniqExact({column}) > 1 FROM {table}") == [(1,)]
    assert found(client, f"SELECT * FROM {table} FINAL ORDER BY ALL") == stored
    client.command(f"SYSTEM START MERGES {table}")
    client.command(f"OPTIMIZE TABLE {table} FINAL")
    assert found(client, f"SELECT * FROM {table} ORDER BY ALL") == stored


def test_of_two_rows_in_one_insert_the_first_stays(client: Any) -> None:
    table, _ = rows.findings_table([scored(1), otherwise(score=0.1), otherwise(score=0.2)])
    Sink(lambda: client, 5).write(table)
    assert found(client, "SELECT round(score, 2) FROM findings FINAL WHERE detector = 'groundedness'") == [(0.75,)]


def test_a_table_copied_with_its_versions_keeps_what_was_first(client: Any) -> None:
    client.command("SYSTEM STOP MERGES findings")
    for score in (0.75, 0.1, 0.2):
        write(client, [otherwise(score=score)])
    client.command("CREATE TABLE copied AS findings")
    columns = ", ".join(row[0] for row in client.query("DESCRIBE copied").result_rows if row[2] != "MATERIALIZED")
    client.command(
        f"INSERT INTO copied ({columns}, version) SELECT {columns}, version FROM findings ORDER BY score "
        "SETTINGS insert_allow_materialized_columns = 1"
    )
    assert found(client, "SELECT round(score, 2) FROM copied FINAL WHERE detector = 'groundedness'") == [(0.75,)]


SAME = [
    pytest.param({}, id="the same"),
    pytest.param({"score": 0.7509}, id="a score less than a thousandth away"),
    pytest.param({"score": 0.7491}, id="across the edge where it is rounded"),
    pytest.param({"duration_us": 9, "batch_size": 1, "device": "cuda"}, id="in another batch, on another device"),
]
OTHERWISE = [
    pytest.param({"score": 0.76}, id="score"),
    pytest.param({"decision": "not_applicable", "score": None}, id="decision"),
    pytest.param({"spans": ()}, id="spans"),
    pytest.param({"spans": (dataclasses.replace(FINDING.spans[0], end=17),)}, id="the end of a span"),
]


@pytest.mark.parametrize("changes", SAME)
def test_what_comes_again_is_no_conflict(client: Any, changes: dict[str, Any]) -> None:
    write(client, [scored(1), scored(2)])
    write(client, [otherwise(**changes)])
    write(client, [scored(2), otherwise(**changes)])
    look(client)
    assert found(client, "SELECT count() FROM v_conflicts") == [(0,)]
    assert found(client, "SELECT count() FROM v_rescored") == [(0,)]


@pytest.mark.parametrize("changes", OTHERWISE)
def test_the_same_version_saying_otherwise_is_a_conflict_and_the_first_is_shown(
    client: Any, changes: dict[str, Any]
) -> None:
    write(client, [scored(1), scored(2)])
    for _ in range(2):
        write(client, [otherwise(**changes)])
        look(client)
    look(client)
    columns = "event_id, detector, detector_version, first_decision, first_score"
    assert found(client, f"SELECT {columns}, decision, score FROM v_conflicts") == [
        (
            found(client, "SELECT event_id FROM v_interactions ORDER BY time LIMIT 1")[0][0],
            "groundedness",
            FINDING.detector_version,
            "evaluated",
            0.75,
            changes.get("decision", "evaluated"),
            changes["score"] and pytest.approx(changes["score"]) if "score" in changes else 0.75,
        )
    ]
    assert found(client, "SELECT count() FROM v_rescored") == [(0,)]
    assert found(client, "SELECT DISTINCT decision, round(score, 2), length(spans) FROM v_findings") == [
        ("evaluated", 0.75, 1)
    ]


def test_another_version_is_re_scored_and_the_first_is_shown(client: Any) -> None:
    write(client, [scored(1), scored(2)])
    for _ in range(2):
        write(client, [otherwise(detector_version="v2", score=0.2, flagged=False)])
        look(client)
    ((version, first),) = found(client, "SELECT DISTINCT detector_version, first_version FROM v_rescored")
    assert (version, first) == ("v2", FINDING.detector_version)
    assert found(client, "SELECT score, first_score, flagged FROM v_rescored") == [(pytest.approx(0.2), 0.75, False)]
    assert found(client, "SELECT count() FROM v_conflicts") == [(0,)]
    assert found(client, "SELECT DISTINCT detector_version FROM v_findings") == [(FINDING.detector_version,)]
    write(client, [otherwise(detector_version="v2", score=0.3)])
    look(client)
    assert found(client, "SELECT detector_version, score, first_score FROM v_conflicts") == [
        ("v2", pytest.approx(0.3), pytest.approx(0.2))
    ]


def another(column: Column) -> str:
    """An SQL value of the column that the sample hasn't."""
    plain = column.type in ("String", "LowCardinality(String)")
    return (
        f"concat({column.name}, '.')"
        if plain
        else f"CAST({'[]' if 'Array' in column.type else 'map()'}, '{column.type}')"
    )


KEY_COLUMNS = ("tenant", "app", "environment")


def texts() -> list[Column]:
    """The columns of an event that hold text, but for its key."""

    def is_text(text: Any) -> bool:
        kinds = [text] if isinstance(text, Text) else list((text or {}).values())
        return any(kind.kind in ("prose", "value", "id", "identifier", "version") for kind in kinds)

    return [column for column in INTERACTION if is_text(column.text) and column.name not in KEY_COLUMNS]


def test_another_text_of_an_event_is_a_conflict(client: Any) -> None:
    write(client, [scored(number) for number in range(len(texts()) + 1)])
    for number, column in enumerate(texts()):
        client.command(
            f"INSERT INTO interactions SELECT * REPLACE ({another(column)} AS {column.name}) FROM interactions "
            f"WHERE producer_sequence = {number}"
        )
    look(client)
    seen = found(client, "SELECT toString(event_id), detector FROM v_conflicts ORDER BY 1")
    assert seen == [(scored(number).scored.interaction.event_id, "") for number in range(len(texts()))]


KEYS = [
    pytest.param({"time": TIME + 1 + HOUR}, id="another hour"),
    pytest.param({"time": TIME + 1 + 400 * 24 * HOUR}, id="another year"),
    pytest.param({"tenant": "other"}, id="another tenant"),
    pytest.param({"app": "other"}, id="another app"),
]
# What says how much was written, and when.
# Those of a proof show what the tables hold, twice where they hold it twice.
NOT_OF_EVENTS = {
    "v_superseded", "v_refreshes", "v_producer_gaps", "v_stored_events", "v_stored_findings", "v_producer_numbers",
    "v_number_gaps",
}  # fmt: skip
UNTIMED = {"v_quality_hourly": "refreshed_at, age_s", "v_usage_hourly": "refreshed_at, age_s"}


def everything(client: Any) -> dict[str, Sequence[Any]]:
    refresh(client)
    return {
        name: found(
            client, f"SELECT * {f'EXCEPT ({UNTIMED[name]}) ' if name in UNTIMED else ''}FROM {name} ORDER BY ALL"
        )
        for name in views()
        if name not in NOT_OF_EVENTS
    }


@pytest.mark.parametrize("changes", KEYS)
def test_an_id_under_another_key_is_listed_and_every_view_leaves_it_out(client: Any, changes: dict[str, Any]) -> None:
    write(client, [scored(1), scored(2)])
    look(client)
    before = everything(client)
    for _ in range(2):
        write(client, [under(scored(1), **changes)])
        look(client)
    assert found(client, "SELECT uniqExact(tenant, app, time) > 2 FROM interactions") == [(1,)]
    assert everything(client) == before
    ((listed, kept),) = found(
        client, "SELECT (hour, tenant, app), (kept_hour, kept_tenant, kept_app) FROM v_superseded"
    )
    ((shown,),) = found(client, "SELECT DISTINCT (toStartOfHour(time), tenant, app) FROM v_interactions")
    assert kept == shown != listed
    assert found(client, "SELECT sum(missing) FROM v_producer_gaps") == [(1,)]  # number 0, which was never sent


def test_what_was_counted_before_it_was_listed_is_taken_back(client: Any) -> None:
    write(client, [scored(1)])
    look(client)
    before = everything(client)
    write(client, [under(scored(1), time=TIME + 1 + 3 * HOUR)])
    assert everything(client) != before
    look(client)
    assert everything(client) == before


def test_a_list_looks_at_what_came_since_it_looked_last(client: Any) -> None:
    """And finds by it what came long before."""
    write(client, [scored(number) for number in range(5)])
    look(client)
    for table in LISTS:
        assert found(client, f"SELECT count() FROM {table} FINAL") == [(1,)]  # when it looked
    client.command("ALTER TABLE contents UPDATE flagged = 1 WHERE 1 SETTINGS mutations_sync = 2")  # nothing of the key
    write(client, [under(scored(3), app="other"), otherwise(4, score=0.5)])
    look(client)
    assert found(client, "SELECT app, kept_app FROM v_superseded") == [("other", "support-bot")]
    assert found(client, "SELECT round(score, 1), round(first_score, 2) FROM v_conflicts") == [(0.5, 0.75)]


def test_an_insert_with_the_same_keys_and_other_content_is_no_repeated_one(client: Any) -> None:
    """It changes nothing, and is listed."""
    write(client, [otherwise(score=0.75)])
    write(client, [otherwise(score=0.85)])
    event = under(scored(2), output_messages=())
    write(client, [scored(2)])
    write(client, [dataclasses.replace(event, origin=dataclasses.replace(event.origin, offset=77))])
    look(client)
    assert found(client, "SELECT detector, score FROM v_conflicts ORDER BY 1") == [
        ("", None),
        ("groundedness", pytest.approx(0.85)),
    ]


def test_a_contents_row_that_a_crash_took_comes_with_the_retry(client: Any) -> None:
    """The row is stored and its content isn't: the same insert again stores the content alone."""
    (of_findings,) = (
        text for text in statements(FOLDER / "007_first_stored_wins.sql") if "contents_of_findings TO" in text
    )
    client.command("DROP VIEW contents_of_findings")
    write(client, [scored(1)])
    client.command(of_findings)
    write(client, [scored(1)])
    assert found(client, "SELECT count() FROM findings") == [(2,)]
    assert found(client, "SELECT uniqExact(detector) FROM contents WHERE detector != ''") == [(2,)]


def test_contents_of_findings_go_after_a_month_and_of_texts_stay(client: Any) -> None:
    write(client, [scored(1)])
    client.command(
        "INSERT INTO contents SELECT * "
        "REPLACE (bitNot(dateTime64ToSnowflakeID(now64(3) - INTERVAL 31 DAY)) AS version) FROM contents"
    )
    client.command("ALTER TABLE contents MATERIALIZE TTL SETTINGS mutations_sync = 2")
    old = "snowflakeIDToDateTime(bitNot(version)) < now() - INTERVAL 1 DAY"
    assert found(client, f"SELECT DISTINCT detector FROM contents WHERE {old}") == [("",)]
