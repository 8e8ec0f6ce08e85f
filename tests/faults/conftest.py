from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.clickhouse_server import ClickHouseServer
from tests.faults.rig import Rig


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """A ClickHouse server for all; who orders faults leaves none behind."""
    with ClickHouseServer(tmp_path_factory.mktemp("clickhouse") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def make_rig(
    broker: str, server: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Rig]]:
    """`make_rig(setting=value, ...)`: topics, a database and a folder of its own, until the module ends."""
    with ExitStack() as stack:

        def make(broker: str = broker, **settings: str) -> Rig:
            rig = Rig(broker, server, tmp_path_factory.mktemp("r"), settings)
            stack.callback(rig.end)
            return rig.prepare()

        yield make
