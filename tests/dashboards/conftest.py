"""A database with an hour of made-up traffic, and the moment that is «now» in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.dashboards.seed import seed
from tests.dashboards.trail import govern


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def seeded(clickhouse: Callable[..., Any], now: datetime) -> Any:
    """Version 2 of the prompt is bad: half of its answers are unsupported."""
    client = clickhouse("dashboards")
    seed(client, now)
    return client


@pytest.fixture(scope="session")
def governed(clickhouse: Callable[..., Any], now: datetime) -> Any:
    """The same traffic, with an audit trail of what people did, a leak and an erasure."""
    client = clickhouse("governed")
    client.trail = govern(client, now)
    return client


@pytest.fixture(scope="session")
def reader_of(clickhouse: Callable[..., Any]) -> Callable[[Any], Any]:
    """Another client on a client's database: the one that is restricted can't write any more."""

    def make(client: Any) -> Any:
        other = clickhouse(migrated=False)
        other.command(f"USE {client.test_database}")
        other.test_database = client.test_database
        return other

    return make
