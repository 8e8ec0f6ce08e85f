"""Backup and restore, of the embedded store and over HTTP: every view says the same, or nothing is left."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.clickhouse_server import ClickHouseServer
from tests.dashboards.seed import seed
from watchline.schemas.errors import ConfigurationError, FatalError
from watchline.schemas.migrate import migrate
from watchline.streams.cli.main import main
from watchline.streams.clickhouse import backup
from watchline.streams.clickhouse.connect import connect
from watchline.streams.embedded import store
from watchline.streams.query.policy import views
from watchline.streams.settings import Settings, load

pytestmark = pytest.mark.slow

# With columns that say how old something is, or when it was counted.
CLOCK = {"v_refreshes", "v_quality_hourly", "v_usage_hourly", "v_canary", "quality_hourly", "usage_hourly"}


@contextmanager
def opened(settings: Settings) -> Iterator[Any]:
    with store.running(settings), closing(connect(settings, database="")) as client:
        yield client


# Each look writes when it was, until a merge; their views leave that out.
LOOKS = {"superseded", "later_contents", "uncommitted", "quality_hourly", "usage_hourly"}


def everything(client: Any) -> dict[str, list[str]]:
    """The rows of each view and table, also the columns that `*` leaves out."""
    found = {}
    for name in sorted({*views(), *backup.rows(client, "watchline")} - CLOCK - LOOKS):
        columns = client.query(f"DESCRIBE TABLE watchline.{name}").result_rows
        names = ", ".join(
            f"finalizeAggregation({column[0]})" if column[1].startswith("AggregateFunction") else f"`{column[0]}`"
            for column in columns
            if column[2] != "EPHEMERAL"
        )
        found[name] = sorted(map(repr, client.query(f"SELECT {names} FROM watchline.{name}").result_rows))
    return found


def fill(client: Any) -> None:
    """Traffic, and a column of the kind that only the engine writes."""
    migrate(client, "watchline")
    client.command("ALTER TABLE watchline.interactions ADD COLUMN of_the_engine String MATERIALIZED reverse(app)")
    seed(client, datetime.now(UTC))
    client.command("ALTER TABLE watchline.interactions MODIFY COLUMN of_the_engine MATERIALIZED 'written later'")
    for rollup in ("quality_hourly", "usage_hourly"):
        client.command(f"SYSTEM REFRESH VIEW watchline.{rollup}_refresh")
        client.command(f"SYSTEM WAIT VIEW watchline.{rollup}_refresh")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = load(data_dir=tmp_path_factory.mktemp("source") / "d", clickhouse_url="chdb://")
    with opened(settings) as client:
        fill(client)
    return settings


@pytest.fixture(scope="module")
def copy(source: Settings) -> Path:
    """A backup of it."""
    place = source.data_dir.parent / "copy"
    with opened(source) as client:
        backup.back_up(client, "watchline", str(place))
    return place


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    return load(data_dir=tmp_path / "d", clickhouse_url="chdb://")


def test_every_view_and_row_is_the_same_afterwards(source: Settings, copy: Path, empty: Settings) -> None:
    with opened(source) as client:
        before, counts = everything(client), backup.rows(client, "watchline")
    with opened(empty) as client:
        restored = backup.restore(client, "watchline", str(copy))
        for looked in LOOKS:
            assert restored.pop(looked) and counts.pop(looked)
        assert restored == counts
        assert everything(client) == before
        assert migrate(client, "watchline") == []
    assert counts["interactions"] == 120
    assert sum("'tob-troppus'" in row for row in before["interactions"]) == 120  # as the engine wrote it then


def test_a_backup_is_for_its_user_only(copy: Path) -> None:
    for path in (copy, *copy.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_database_with_tables_is_refused_and_stays(source: Settings, copy: Path) -> None:
    with opened(source) as client:
        before = everything(client)
        with pytest.raises(ConfigurationError, match="database watchline has tables"):
            backup.restore(client, "watchline", str(copy))
        assert everything(client) == before


def damage(change: Callable[[Path], object], pattern: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        for path in folder.glob(pattern):
            change(path)

    return do


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "error", "why"),
    [
        (damage(Path.unlink, ".backup"), ConfigurationError, "RESTORE at .*copy: Backup .* not found"),
        (damage(Path.unlink, "metadata/watchline/findings.sql"), FatalError, "findings.sql"),
        (damage(Path.unlink, "data/watchline/findings/*/data.bin"), FatalError, "RESTORE at .* failed: .*data.bin"),
        (damage(lambda path: path.write_bytes(path.read_bytes()[:-1]), "data/watchline/findings/*/data.bin"),
         FatalError, "RESTORE at .* failed: "),
        (damage(flip, "data/watchline/findings/*/data.bin"), FatalError, "is damaged: table findings, part .*hecksum"),
        (shutil.rmtree, ConfigurationError, "not found"),
    ],
    ids=["not complete", "without a table", "without a file", "cut", "one bit", "nothing"],
)  # fmt: skip
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    harm: Callable[[Path], object], error: type[Exception], why: str, copy: Path, empty: Settings, tmp_path: Path
) -> None:
    damaged = Path(shutil.copytree(copy, tmp_path / "copy"))
    harm(damaged)
    with opened(empty) as client:
        with pytest.raises(error, match=why):
            backup.restore(client, "watchline", str(damaged))
        assert client.query("SELECT count() FROM system.tables WHERE database = 'watchline'").result_rows == [(0,)]
        backup.restore(client, "watchline", str(copy))  # a good one goes in afterwards


def test_a_place_that_is_taken_is_refused(source: Settings, copy: Path) -> None:
    with opened(source) as client, pytest.raises(ConfigurationError, match=r"BACKUP at .*copy: .*already exists"):
        backup.back_up(client, "watchline", str(copy))


def test_a_missing_database_is_named(empty: Settings, tmp_path: Path) -> None:
    with opened(empty) as client, pytest.raises(ConfigurationError, match=r"BACKUP at .*: Database watchline"):
        backup.back_up(client, "watchline", str(tmp_path / "copy"))


def test_the_commands_over_a_servers_interface(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a backup into one file, of an older version: what is missing is migrated."""
    place = str(tmp_path / "it's a copy.tar")
    with ClickHouseServer(tmp_path / "one") as server:
        monkeypatch.setenv("WATCHLINE_CLICKHOUSE_URL", server.url)
        with closing(connect(load(), database="")) as client:
            fill(client)
            last = client.query("SELECT max(name) FROM watchline.migrations").result_rows[0][0]
            client.command(f"DELETE FROM watchline.migrations WHERE name = '{last}'")
        assert main(["backup", place]) == 0
    assert "rows when it began: " in (said := capsys.readouterr().out) and "interactions 120" in said
    with ClickHouseServer(tmp_path / "two") as server:
        monkeypatch.setenv("WATCHLINE_CLICKHOUSE_URL", server.url)
        assert main(["restore", place, "--erasures", "none"]) == 0  # no Kafka runs here
        assert main(["restore", place, "--erasures", "none"]) == 1
    told = capsys.readouterr()
    assert "interactions 120" in told.out and f"applied {last}: the backup was of an earlier version" in told.out
    assert "database watchline has tables" in told.err
