"""The store process: a client's ways over the socket, readers who mean harm, a second one, and what it ends with."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from clickhouse_connect.driver import options
from clickhouse_connect.driver.exceptions import DatabaseError

from watchline.schemas.errors import ConfigurationError, FatalError, TransientError
from watchline.streams.child import Child
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.embedded import store, store_process
from watchline.streams.query.open import open_queries
from watchline.streams.query.policy import QueryError
from watchline.streams.query.reader import reader
from watchline.streams.settings import Settings, load

pytestmark = pytest.mark.slow
MODULE = "watchline.streams.embedded.store_process"
# Within one function, which looks at no clock: 50 s where it may take one.
ENDLESS = "SELECT arrayMap(x -> levenshteinDistance(repeat('a', x), repeat('b', x)), range(9000))[1]"
GONE = r"RemoteDisconnected|Connection aborted|refused"
CROSS_JOIN = "SELECT count() FROM numbers(10000000) AS a, numbers(10000000) AS b"


def wait(until: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not until():
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain"
        time.sleep(0.05)


@contextmanager
def killed(process: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    """A process that is killed in the end, where it still runs."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def make_table(settings: Settings) -> None:
    with closing(connect(settings, database="")) as client:
        client.command(f"CREATE DATABASE {settings.clickhouse_database}")
        client.command(
            f"CREATE TABLE {settings.clickhouse_database}.numbers (number UInt64) ENGINE = MergeTree ORDER BY number "
            "SETTINGS non_replicated_deduplication_window = 100"
        )


def count(settings: Settings) -> int:
    with closing(connect(settings)) as client:
        return int(client.query("SELECT count() FROM numbers").result_rows[0][0])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(data_dir=tmp_path / "d", clickhouse_url="chdb://")


@pytest.fixture
def running(settings: Settings) -> Iterator[Child]:
    """A store with an empty table."""
    with store.own(settings) as process:
        make_table(settings)
        yield process


def test_only_its_owner_reaches_it_and_it_leaves_no_socket(settings: Settings) -> None:
    with store.own(settings):
        mode = settings.store_socket.stat().st_mode
        assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)
        assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
        # Who may open this one could lock it.
        assert stat.S_IMODE(settings.store_socket.with_suffix(".lock").stat().st_mode) == 0o600
    assert not settings.store_socket.exists()
    with pytest.raises(TransientError, match=r"the embedded store at .*store\.sock is not reachable"):
        connect(settings)


BODY = b"INSERT INTO watchline.numbers VALUES (1), (2)"
TRUNCATED = {
    "a body that is cut off": b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY[:-5]),
    "a chunk that is cut off": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b" % (len(BODY), BODY[:-5]),
    "no last chunk": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(BODY), BODY),
    "no statement": b"Transfer-Encodinf: chunked\r\n\r\n",
}


@pytest.mark.parametrize("rest", TRUNCATED.values(), ids=TRUNCATED)
def test_a_request_that_did_not_come_whole_is_not_answered_as_done(
    settings: Settings, running: Child, rest: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(settings.store_socket))
        client.sendall(b"POST / HTTP/1.1\r\nHost: store\r\n" + rest)
        client.shutdown(socket.SHUT_WR)
        assert not client.recv(1000).startswith(b"HTTP/1.1 200")
    assert count(settings) == 0


def test_a_client_inserts_and_reads(settings: Settings, running: Child) -> None:
    with closing(connect(settings)) as client:
        big = [[number] for number in range(500_000)]  # several blocks
        client.insert("numbers", big, column_names=["number"], settings={"insert_deduplication_token": "one"})
        client.insert("numbers", big, column_names=["number"], settings={"insert_deduplication_token": "one"})
        client.insert("numbers", [[7]], column_names=["number"], settings={"insert_deduplication_token": "two"})
        found = client.query(
            "SELECT count(), max(number), {text:String} FROM numbers WHERE number < {most:UInt64}",
            {"text": "it's ü\n\\", "most": 600_000},
        )
        assert found.result_rows == [(500_001, 499_999, "it's ü\n\\")]
        assert client.query("SELECT number FROM numbers WHERE 0").result_rows == []
        assert options.pd is None  # the client would load pandas for an insert
        with pytest.raises(DatabaseError) as refused:
            client.query("SELECT nothing FROM numbers")
        assert refused.value.code == 47  # unknown identifier


@pytest.mark.parametrize("length", [1, 1_000, 4_000, 10_000, 100_000])
def test_long_sql_and_long_parameters_arrive_as_they_are(length: int, settings: Settings, running: Child) -> None:
    """The client sends in a form what is too long for an address."""
    text = ("äöü 🙂 \n\n--x\r\nContent-Type: no\r\n\r\n 'a' %41&b=c \n" * (length // 30 + 1))[:length]
    with open_queries(settings) as queries:
        assert queries.query("SELECT {text:String} AS text", {"text": text}).rows == [[text]]
        quoted = text.replace("\\", "\\\\").replace("'", "\\'")
        assert queries.query(f"SELECT '{quoted}' AS text").rows == [[text]]


def test_a_reader_changes_nothing(settings: Settings, running: Child) -> None:
    with closing(reader(settings)) as client:
        for sql in ("DROP TABLE numbers", "SET readonly = 0", "INSERT INTO numbers SELECT 1"):
            with pytest.raises(DatabaseError, match="readonly"):
                client.command(sql)


def test_inserts_pass_while_readers_run_out_of_time_and_memory(settings: Settings, running: Child) -> None:
    def read(sql: str) -> str:
        with closing(reader(settings)) as client, pytest.raises(DatabaseError) as stopped:
            client.set_client_setting("max_execution_time", 3)
            client.query(sql)
        return str(stopped.value.code)

    inserted = []
    with ThreadPoolExecutor() as readers, closing(connect(settings)) as writer:
        sorting = "SELECT number FROM numbers(10000000000) ORDER BY cityHash64(number)"
        reading = [readers.submit(read, sql) for sql in (CROSS_JOIN, CROSS_JOIN, sorting)]
        while not all(read.done() for read in reading):
            writer.insert("numbers", [[1]], column_names=["number"], settings={"insert_deduplicate": 0})
            inserted.append(any(not read.done() for read in reading))
        codes = {read.result() for read in reading}
    assert codes <= {"159", "241"} and "159" in codes, codes
    assert sum(inserted) > 5
    assert psutil.pid_exists(running.pid or 0)


def test_a_query_that_nothing_stops_ends_the_store_and_inserts_go_on(
    settings: Settings, running: Child, caplog: pytest.LogCaptureFixture
) -> None:
    first = running.pid

    def read() -> None:
        with closing(reader(settings)) as client:
            client.set_client_setting("max_execution_time", 1)
            with pytest.raises(Exception, match=GONE):
                client.query(ENDLESS)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    sink = Sink(lambda: connect(settings), timeout_s=60)
    written, deadline = 0, time.monotonic() + 60
    while reading.is_alive() or running.pid == first:
        assert time.monotonic() < deadline, "the query still runs"
        rows = [Row((number,), str(number)) for number in range(written, written + 100)]
        assert sink.write(Table("numbers", ("number",), rows)) == []
        written += 100
    sink.close()
    assert count(settings) == written
    assert "ended, because a query ran on past its time; starting it again" in caplog.text


def test_an_insert_whose_rows_went_with_the_process_is_stored_when_it_comes_again(settings: Settings) -> None:
    """The engine notes an insert before its rows are in place. What was merged meanwhile is known all the same."""

    def write(*numbers: int) -> None:
        sink = Sink(lambda: connect(settings), timeout_s=60)
        for number in numbers:
            assert sink.write(Table("numbers", ("number",), [Row((number,), str(number))])) == []
        sink.close()

    with store.own(settings):
        make_table(settings)
        write(1, 2)
        with closing(connect(settings)) as client:
            client.command("OPTIMIZE TABLE numbers FINAL")
        write(3)
    (log,) = settings.data_dir.glob("clickhouse/store/*/*/deduplication_logs/deduplication_log_1.txt")
    (lost,) = [path for path in log.parent.parent.iterdir() if path.name.startswith("all_3_3_")]
    shutil.rmtree(lost)
    with log.open("a") as torn:
        torn.write("1\tall_9")
    with store.own(settings):
        assert count(settings) == 2
        write(1, 2, 3)
        assert count(settings) == 3


def test_a_reader_is_told_that_the_store_went_away(settings: Settings, running: Child) -> None:
    with open_queries(settings) as queries:
        assert queries.query("SELECT 1").rows == [[1]]
        os.kill(running.pid or 0, signal.SIGKILL)
        wait(lambda: not store_process.answers(settings.store_socket))
        with pytest.raises(TransientError, match="try again"):
            queries.query("SELECT 1")


def test_too_much_memory_ends_the_process(tmp_path: Path) -> None:
    """With so low a limit that a request which lifts the engine's own one passes it at once."""
    script = (
        f"import sys; from pathlib import Path; from {MODULE.rpartition('.')[0]} import store_process as p\n"
        "p.MAX_MEMORY_BYTES = 1536 << 20; sys.exit(p.main(*map(Path, sys.argv[1:])))"
    )
    path = tmp_path / "store.sock"
    command: list[Any] = [sys.executable, "-c", script, tmp_path / "clickhouse", path]
    with killed(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        with closing(connect(load(data_dir=tmp_path, clickhouse_url="chdb://"), database="")) as client:
            greedy = "SELECT length(groupArray(toString(number))) FROM numbers(100000000)"
            with pytest.raises(DatabaseError, match="MEMORY_LIMIT_EXCEEDED"):
                client.query(greedy)
            assert process.poll() is None
            with pytest.raises(Exception, match=GONE):
                client.query(greedy, settings={"max_memory_usage_for_user": 0})
        assert process.wait(30) == store_process.OUT_OF_MEMORY


def test_a_second_store_on_the_folder_is_refused(settings: Settings, running: Child) -> None:
    with pytest.raises(FatalError, match=r"another worker answers at .*stop it first"), store.own(settings):
        pass
    with store.running(settings):  # a command is served by the first
        assert count(settings) == 0
    assert count(settings) == 0


def test_a_damaged_folder_is_named(settings: Settings) -> None:
    folder = settings.data_dir / "clickhouse"
    with store.own(settings):
        make_table(settings)
    (folder / "data").rename(folder / "gone")
    (folder / "data").write_bytes(b"not a folder")
    with pytest.raises(FatalError, match=f"cannot open the embedded store in {folder}"), store.own(settings):
        pass


def test_a_folder_that_others_could_read_is_closed_to_them(settings: Settings) -> None:
    (settings.data_dir / "clickhouse").mkdir(parents=True)
    for folder in (settings.data_dir, settings.data_dir / "clickhouse"):
        folder.chmod(0o755)
    with store.own(settings):
        make_table(settings)
        assert stat.S_IMODE((settings.data_dir / "clickhouse").stat().st_mode) == 0o700
    mode = stat.S_IMODE(settings.data_dir.stat().st_mode)
    assert mode == 0o755  # the user's own: other things may be in it


@pytest.mark.parametrize(("soft", "hard"), [(64, 64), (64, 4096)])
def test_few_file_descriptors_are_said_or_raised(soft: int, hard: int, settings: Settings) -> None:
    command: list[Any] = [sys.executable, "-m", MODULE, settings.data_dir / "clickhouse", settings.store_socket]
    limited = ["prlimit", f"--nofile={soft}:{hard}", *command]
    with killed(subprocess.Popen(limited, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        if hard == 64:
            assert said.startswith("the embedded store needs 256 open files, and this process may have 64: raise")
        else:
            assert said == "ready\n"
            assert psutil.Process(process.pid).rlimit(psutil.RLIMIT_NOFILE) == (hard, hard)


def test_a_path_too_long_for_a_socket_is_said(tmp_path: Path) -> None:
    far = load(data_dir=tmp_path / ("x" * 100), clickhouse_url="chdb://")
    with pytest.raises(ConfigurationError, match="too long"), store.running(far):
        pass


def test_a_dead_stores_socket_is_replaced(settings: Settings) -> None:
    settings.data_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(settings.store_socket))
    with store.running(settings):
        make_table(settings)
        assert count(settings) == 0


def test_a_store_whose_parent_is_killed_ends_and_the_folder_opens_again(settings: Settings) -> None:
    script = (
        "import sys, time; from watchline.streams.settings import load; from watchline.streams.embedded import store\n"
        "with store.own(load(data_dir=sys.argv[1], clickhouse_url='chdb://')) as child:\n"
        "    print(child.pid, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(settings.data_dir)]
    with killed(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        make_table(settings)
        for sign in (signal.SIGTERM, signal.SIGINT):  # a service manager sends them to all
            os.kill(pid, sign)
        assert count(settings) == 0
    wait(lambda: not psutil.pid_exists(pid), 10)
    assert not store_process.answers(settings.store_socket)
    with store.own(settings):
        assert count(settings) == 0


def test_it_ends_with_its_standard_input(settings: Settings) -> None:
    """What tells it on every system; Linux's kernel is only faster."""
    command: list[Any] = [sys.executable, "-m", MODULE, settings.data_dir / "clickhouse", settings.store_socket]
    with killed(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.stdin.close()
        assert process.wait(30) == 0
    assert not settings.store_socket.exists()


def test_one_whose_parent_is_gone_when_it_starts_opens_nothing(settings: Settings) -> None:
    command: list[Any] = [sys.executable, "-m", MODULE, settings.data_dir / "clickhouse", settings.store_socket]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, b"")
    assert not settings.data_dir.exists()


def test_one_that_nobody_hears_ends_and_lets_go_of_the_folder(settings: Settings) -> None:
    """As on a system other than Linux, when the parent is killed while it opens the folder."""
    command: list[Any] = [sys.executable, "-m", MODULE, settings.data_dir / "clickhouse", settings.store_socket]
    reading, writing = os.pipe()
    os.close(reading)
    with killed(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=writing)) as process:
        os.close(writing)
        assert process.wait(30) == 1
    with store.own(settings):
        make_table(settings)


def test_the_result_of_a_union_is_limited_and_the_next_one_is_right(settings: Settings, running: Child) -> None:
    """Here, since clickhouse_connect's chDB in the process gives the next query what is left of this one."""
    with open_queries(settings) as queries:
        for _ in range(3):
            with pytest.raises(QueryError, match="64 MiB"):
                queries.query("SELECT arrayWithConstant(100000000, materialize(1)) UNION ALL SELECT [1]")
            assert queries.query("SELECT 'right'").rows == [["right"]]


@pytest.mark.parametrize("sql", ["SELECT file('/etc/hostname')", "SELECT * FROM numbers", "DROP TABLE numbers"])
def test_the_policy_holds_over_the_socket(sql: str, settings: Settings, running: Child) -> None:
    with open_queries(settings) as queries, pytest.raises(QueryError):
        queries.query(sql)
