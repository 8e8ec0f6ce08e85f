"""What is past its end goes by the server's own TTL, what is held stays, and what is in force is measured."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from watchline.schemas.errors import FatalError
from watchline.streams.clickhouse import retention
from watchline.streams.clickhouse.retention import PLACES, Place, Wanted

pytestmark = pytest.mark.slow

DAYS = {("text", ""): 30, ("rows", ""): 60, ("metrics", ""): 90}
TODAY = datetime.now(UTC).date()
ROWS = Place("interactions", "rows", hours=6)


@pytest.fixture
def client(clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A store whose tables have the texts, rows and findings of 100 days, four events a day. Only three tables are kept
    to it, which is quicker."""
    client = clickhouse("retention")
    client.command(f"USE {client.test_database}")
    client.database = client.test_database
    places = [place for place in PLACES if place.table in ("interactions", "findings", "ledger", "quality_hourly")]
    monkeypatch.setattr(retention, "PLACES", tuple(places))
    client.command(
        """INSERT INTO interactions (event_id, time, app, tenant, system_instructions, input_messages, attributes)
        SELECT toUUID(concat('00000000-0000-4000-8000-', leftPad(hex(number + 0xabc000), 12, '0'))),
            toDateTime64(today(), 6, 'UTC') - toIntervalDay(intDiv(number, 4)) + toIntervalHour(12),
            if(number % 2 = 0, 'shop', 'it''s'), if(number % 4 < 2, 'acme', 'other'), 'be kind', [('user', 'hello')],
            map('a', 'b') FROM numbers(400)"""
    )
    client.command(
        "INSERT INTO findings (event_id, time, app, tenant, detector) "
        "SELECT event_id, time, app, tenant, 'pii' FROM interactions"
    )
    client.command(
        "INSERT INTO ledger (topic_id, partition, first_offset, last_offset, app, hour, events, event_ids, stored_at) "
        "SELECT 't', 0, n, n, app, hour, events, ids, hour FROM (SELECT app, toStartOfHour(time) AS hour, "
        "count() AS events, groupArray(event_id) AS ids, dateDiff('day', toDateTime('2020-01-01', 'UTC'), hour) AS n "
        "FROM interactions GROUP BY app, hour)"
    )
    client.command("INSERT INTO quality_hourly (hour, computed_at) VALUES (0, now()), (now() - 99 * 86400, now())")
    return client


def kept(client: Any, what: str = "1", table: str = "interactions") -> tuple[int, date | None]:
    """How many rows there are, and the day of the first."""
    count, first = client.query(f"SELECT count(), min(toDate(time)) FROM {table} WHERE {what}").result_rows[0]
    return count, first if count else None


def test_old_rows_go_and_nothing_else_does(client: Any) -> None:
    wanted = Wanted(DAYS)
    planned = retention.plan(client, wanted)
    assert {each.place for each in retention.apply(client, wanted)} == {each.place for each in planned}
    # Past midnight they go some hours later, so that a day may be there that is past its last whole one.
    assert sum(each.rows for each in planned if each.place == ROWS) == 400 - kept(client)[0]
    assert kept(client)[0] in (61 * 4, 62 * 4) and kept(client, table="findings")[0] in (61 * 4, 62 * 4)
    with_text = "notEmpty(system_instructions) AND notEmpty(input_messages) AND notEmpty(attributes)"
    assert kept(client, with_text) == (31 * 4, TODAY - timedelta(30))
    assert kept(client, "app != ''")[0] == kept(client)[0]  # the rest of a row stays
    assert client.command("SELECT count() > 0 FROM quality_hourly WHERE hour = 0")  # a mark
    assert client.command("SELECT count() FROM quality_hourly WHERE hour > 0 AND hour < today() - 91") == 0
    # What went is not lost, and the ledger has no gap.
    assert client.command("SELECT count() FROM v_missing_events") == 0
    assert client.command("SELECT count() FROM v_ledger_gaps") == 0
    assert retention.plan(client, wanted) == [] and retention.differing(client, wanted) == []
    assert client.query("SELECT class, app, days FROM v_retention ORDER BY days").result_rows == [
        ("text", "", 30),
        ("rows", "", 60),
        ("metrics", "", 90),
    ]


def test_a_loss_within_what_is_kept_is_still_seen(client: Any) -> None:
    retention.apply(client, Wanted(DAYS))
    client.command(f"DELETE FROM interactions WHERE toDate(time) = '{TODAY - timedelta(59)}'")
    assert client.command("SELECT count() FROM v_missing_events") == 4


def test_what_is_held_stays_through_merges_until_the_last_hold_ends(client: Any) -> None:
    event = f"00000000-0000-4000-8000-{0xABC000 + 399:012x}"
    holds = [
        ("tenant", "acme", TODAY - timedelta(1)),  # it has ended
        ("tenant", "acme", TODAY),
        ("app", "it's", TODAY - timedelta(1)),
        ("event", event.upper(), None),
    ]
    retention.apply(client, Wanted(DAYS, holds))
    client.command("OPTIMIZE TABLE interactions FINAL")
    assert kept(client, "tenant = 'acme' AND notEmpty(input_messages)")[0] == 200
    assert kept(client, f"event_id = '{event}' AND notEmpty(input_messages)")[0] == 1
    others = kept(client, f"tenant != 'acme' AND event_id != '{event}'")[0]
    assert others in (61 * 2, 62 * 2)
    held = [each for each in retention.plan(client, Wanted(DAYS, holds)) if each.place == ROWS]
    assert sum(each.held for each in held) == 200 - others + 1 and not any(each.rows for each in held)
    # Released: the next time that it is put in force it goes.
    retention.apply(client, Wanted(DAYS))
    assert kept(client)[0] in (61 * 4, 62 * 4)


def test_an_app_has_days_of_its_own(client: Any) -> None:
    retention.apply(client, Wanted({**DAYS, ("text", "it's"): 7, ("rows", "it's"): 14, ("metrics", "it's"): 90}))
    assert kept(client, "app = 'it\\'s'")[0] in (15 * 2, 16 * 2) and kept(client, "app = 'shop'")[0] in (61 * 2, 62 * 2)
    assert kept(client, "app = 'it\\'s' AND notEmpty(input_messages)") == (8 * 2, TODAY - timedelta(7))
    assert client.command("SELECT count() FROM v_missing_events") == 0


def test_whole_parts_are_dropped_unread(client: Any) -> None:
    def whole(*holds: tuple[str, str, None]) -> set[str]:
        planned = retention.plan(client, Wanted(DAYS, holds))
        return {each.part for each in planned if each.place == ROWS and each.whole}

    assert whole() and not whole(("app", "shop", None))
    before = whole()
    gone = {each.part for each in retention.apply(client, Wanted(DAYS)) if each.place == ROWS and each.whole}
    assert gone == before


def test_what_differs_is_measured_on_the_table(client: Any) -> None:
    retention.apply(client, Wanted(DAYS))
    client.command("ALTER TABLE interactions REMOVE TTL")
    assert retention.differing(client, Wanted(DAYS)) == [ROWS]
    client.command("ALTER TABLE interactions MODIFY COLUMN attributes REMOVE TTL")
    found = retention.differing(client, Wanted(DAYS))
    assert [str(place) for place in found] == ["interactions, texts", "interactions"]
    assert retention.apply(client, Wanted(DAYS)) == [] and retention.differing(client, Wanted(DAYS)) == []
    assert [place.kind for place in retention.differing(client, Wanted({**DAYS, ("text", ""): 31}))] == ["text"]


def test_rows_that_the_server_does_not_delete_are_no_success(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_materialise", lambda *_, **__: None)
    with pytest.raises(FatalError, match="past their end, and still there: interactions"):
        retention.apply(client, Wanted(DAYS))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_the_days_are_whole_ones_of_peoples_zone(zone: str, client: Any) -> None:
    end = retention._end(Wanted({("text", ""): 1}, zone=zone), Place("t", "text"), {})
    # In Berlin the clocks change within the first, and the second is a leap day.
    for said in ("2026-03-28T23:59:59", "2028-02-28T00:00:00", "2026-11-30T12:01:00"):
        local = datetime.fromisoformat(said).replace(tzinfo=ZoneInfo(zone))
        sql = f"SELECT toTimeZone({end}, 'UTC') FROM (SELECT fromUnixTimestamp64Micro({{t:Int64}}, 'UTC') AS time)"
        ((found,),) = client.query(sql, {"t": int(local.timestamp()) * 1_000_000}).result_rows
        expected = datetime.combine(local.date() + timedelta(2), datetime.min.time(), ZoneInfo(zone))
        assert found.replace(tzinfo=UTC) == expected.astimezone(UTC)


def test_every_table_is_in_a_class(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("classes")
    client.database = client.test_database
    assert retention.unclassed(client) == []
    client.command(f"CREATE TABLE {client.test_database}.forgotten (a Int8) ENGINE = MergeTree ORDER BY a")
    assert retention.unclassed(client) == ["forgotten"]
