"""What every room's tests share: a real broker, a real ClickHouse engine, settings for both."""

from __future__ import annotations

import faulthandler
import itertools
import os
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from filelock import FileLock

from tests import brokers, demo_run

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Threads of torch that wait sleep: where as many processes as cores spin, all take three times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# The same examples in every run, or, for hours rather than seconds, ever new ones: WATCHLINE_TEST_FUZZ=long.
hypothesis.settings.register_profile("bounded", derandomize=True, deadline=None, max_examples=60)
hypothesis.settings.register_profile("long", deadline=None, max_examples=20_000)
hypothesis.settings.load_profile(os.environ.get("WATCHLINE_TEST_FUZZ", "bounded"))


FOLDERS = {Path(__file__).parent / "end_to_end": "e2e", Path(__file__).parent / "faults": "faults"}
# It waits for what LiteLLM lets go to be collected, which whatever ran in the process before may hold.
FIRST = Path(__file__).parent / "streams" / "integrations" / "test_litellm.py"
MIGRATED = "migrated_for_tests"
# Over a few rows, threads and code that is compiled for a query that comes three times cost more than they save.
FEW_ROWS = {
    "max_threads": 1,
    "compile_expressions": 0,
    "compile_aggregate_expressions": 0,
    "compile_sort_description": 0,
}
MARKED_WHOLE = re.compile(r"^pytestmark = \[?\s*pytest\.mark\.(slow|gpu)\b", re.MULTILINE)


def pytest_report_header() -> str:
    return f"broker: {brokers.kind()}"


class FailuresAtOnce:
    """Names a failed test when it fails: what ends a run of half an hour before its end would hide it."""

    def __init__(self, config: pytest.Config) -> None:
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._reporter.write_line(f"\nfailed in {report.when}: {report.nodeid}")


@pytest.hookimpl(trylast=True)  # once there is a reporter
def pytest_configure(config: pytest.Config) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(FailuresAtOnce(config))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place(items))
    for item in items:
        for folder, mark in FOLDERS.items():
            if item.path.is_relative_to(folder):
                item.add_marker(mark)


def _place(items: list[pytest.Item]) -> Callable[[pytest.Item], float]:
    """Where a test's file goes: those that wait for workers in equal steps among those that compute.

    Together they would leave the cores idle, and all the others would wait for a core.
    """
    files = list(dict.fromkeys(item.path for item in items))
    waiting = [any(file.is_relative_to(folder) for folder in FOLDERS) for file in files]
    counts = {kind: waiting.count(kind) for kind in (True, False)}
    numbers = {True: itertools.count(), False: itertools.count()}
    places = {file: (next(numbers[kind]) + 0.5) / counts[kind] for file, kind in zip(files, waiting, strict=True)}
    return lambda item: -1 if item.path == FIRST else places[item.path]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make quick` doesn't import what it would deselect as a whole: torch alone takes seconds."""
    if "not slow" not in config.option.markexpr:
        return None
    if collection_path in FOLDERS:
        return True
    return (collection_path.suffix == ".py" and bool(MARKED_WHOLE.search(collection_path.read_text("utf-8")))) or None


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of a broker. Shared: a test takes a topic prefix of its own (`topic_prefix`)."""
    with brokers.running_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test uses."""
    return f"t{uuid4().hex[:12]}."


def copy_tables(client: Any, database: str) -> None:
    """Gives a database the tables of the one that was migrated; `tests/schemas/test_migrate.py` compares the two."""
    made = client.query(
        "SELECT create_table_query FROM system.tables WHERE database = {name:String} AND engine != 'View'"
        " AND match(name, '^[a-z]') AND create_table_query NOT LIKE '% REFRESH %' ORDER BY engine = 'MaterializedView'",
        parameters={"name": MIGRATED},
    )
    client.command(f"CREATE DATABASE {database}")
    for (query,) in made.result_rows:
        client.command(query.replace(f"{MIGRATED}.", f"{database}."))
    client.command(f"INSERT INTO {database}.migrations SELECT * FROM {MIGRATED}.migrations")


def say_where_a_crash_was(config: pytest.Config) -> None:
    """Takes back the signals that the engine handles in its process: it would wait 300 s and end without a word."""
    faulthandler.disable()
    faulthandler.enable(config.stash[fault_handler_stderr_fd_key])


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Callable[..., Any]]:
    """`clickhouse(name)` gives a client of the real engine, on a fresh and migrated database.

    One engine for the whole session: chDB holds one folder a process. The first database is migrated, the others have
    its tables made in their last form: a quarter of the time.
    """
    clickhouse_connect = pytest.importorskip("clickhouse_connect")
    from watchline.schemas.migrate import migrate

    folder = tmp_path_factory.mktemp("clickhouse")
    clients: list[Any] = []
    numbers = itertools.count()

    def connect(name: str = "test", *, migrated: bool = True) -> Any:
        client = clickhouse_connect.get_client(interface="chdb", path=str(folder / "data"), settings=FEW_ROWS)
        if not clients:
            say_where_a_crash_was(pytestconfig)
        clients.append(client)
        database = f"{name}_{next(numbers)}"
        if migrated:
            if not client.command(f"EXISTS DATABASE {MIGRATED}"):
                migrate(client, MIGRATED)
            copy_tables(client, database)
            migrate(client, database)  # makes the views
        client.test_database = database
        return client

    yield connect
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> demo_run.DemoRun:
    """One run of `watchline demo` for all processes of the tests; each has a copy of what it left."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    saved = shared / "demo.pickle"
    with FileLock(shared / "demo.lock"):
        if not saved.exists():
            (shared / "demo").mkdir()
            saved.write_bytes(pickle.dumps(demo_run.run(shared / "demo")))
    done: demo_run.DemoRun = pickle.loads(saved.read_bytes())
    return replace(done, folder=Path(shutil.copytree(shared / "demo", folder / "demo-copy", symlinks=True)))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The settings of who runs the tests are not the tests' settings."""
    for name in os.environ:
        if name.startswith("WATCHLINE_") and not name.startswith("WATCHLINE_TEST_") and name != "WATCHLINE_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setenv("WATCHLINE_CONFIG", str(tmp_path / "watchline.toml"))
    (tmp_path / "watchline.toml").touch()
