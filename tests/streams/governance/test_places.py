"""What is in no registry is neither erased nor shown: every table, topic and file of a data folder stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from watchline.streams.governance.places import EVENTS, FILES, LOGS, NOT_REACHABLE, STORE, TABLES, TOPICS
from watchline.streams.kafka import topics
from watchline.streams.kafka.tombstones import KINDS
from watchline.streams.settings import Settings


def tables(client: Any) -> set[str]:
    """What holds rows: no views, and no table inside one."""
    found = client.query(
        "SELECT name FROM system.tables "
        "WHERE database = {d:String} AND engine LIKE '%MergeTree' AND name NOT LIKE '.%'",
        {"d": client.test_database},
    )
    return {name for (name,) in found.result_rows}


@pytest.mark.slow
def test_every_table_stands_in_it(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("places")
    assert tables(client) == {*TABLES}
    client.command("CREATE TABLE forgotten (subject String) ENGINE = MergeTree ORDER BY subject")
    assert tables(client) - {*TABLES} == {"forgotten"}


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_a_table_with_an_id_says_how_its_rows_are_found(clickhouse: Callable[..., Any], name: str) -> None:
    """And one that is kept says why: it has nothing that names a person."""
    client, table = clickhouse("places"), TABLES[name]
    columns = {row[0] for row in client.query(f"DESCRIBE TABLE {name}").result_rows}
    named = {"subject", "subject_hash", "comment", "conversation_id"} & columns
    assert not named or (table.of_events and table.own), named
    if "tenant" in columns and name != "erased":  # which is emptied there
        assert table.of_events or "tenant" in table.own
    assert bool(table.ground) != bool(table.of_events or table.own)
    assert {*table.own} <= {*KINDS} and (not table.of_events or EVENTS in table.of_events)
    for own in table.own.values():
        client.query(f"SELECT {own} FROM {name} LIMIT 0")


def test_every_topic_stands_in_it_and_what_expires_has_a_retention() -> None:
    assert {topic.name for topic in topics.TOPICS} == {*TOPICS}
    assert {topic.name for topic in topics.TOPICS if topic.retention} == {
        name for name, place in TOPICS.items() if place.ends == "expires"
    }


def test_every_file_of_a_data_folder_stands_in_it() -> None:
    """Those that the settings name; what a worker really leaves is looked at where one runs."""
    settings = Settings()
    assert {settings.store_socket.name, settings.state_file.name, STORE} <= {*FILES}
    assert all(NOT_REACHABLE.values()) and all(re.fullmatch("[a-z_]+_log", log) for log in LOGS)
