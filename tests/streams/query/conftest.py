"""A reader's client: read-only, with the limits, on the database of the views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from watchline.streams.query.reader import restrict

SECRET = "s3cr3t-in-a-file"


@pytest.fixture(scope="module")
def reader(clickhouse: Callable[..., Any]) -> Iterator[Any]:
    writer = clickhouse("query")
    writer.command(f"INSERT INTO {writer.test_database}.dead_letters (reason) VALUES ('{SECRET}')")
    client = clickhouse(migrated=False)
    client.command(f"USE {writer.test_database}")
    client.test_database = writer.test_database
    restrict(client)
    yield client
