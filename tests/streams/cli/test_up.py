"""`watchline up` and the services behind it, as processes: ready, drained on SIGTERM, gone when the worker is."""

from __future__ import annotations

import ipaddress
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import clickhouse_connect
import psutil
import pytest

from watchline.streams import Producer
from watchline.streams.embedded.broker import free_port

pytestmark = pytest.mark.slow

MAIN = [sys.executable, "-m", "watchline.streams.cli.main"]
SECRET = "hush-hush"
READY_S = 330  # on a machine that is shared


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WATCHLINE_")}
    # Without detectors: what is tested is the starting and stopping.
    ours = {"WATCHLINE_DETECTORS": "", "WATCHLINE_HTTP_PORT": "0", "WATCHLINE_DATA_DIR": "data"}
    ours["WATCHLINE_KAFKA_URL"] = f"kafka://localhost:{free_port()}"
    # What is set for another Kafka is not the embedded broker's.
    login = {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "USERNAME": "someone", "PASSWORD": SECRET}
    return {**clean, **ours, **{f"WATCHLINE_KAFKA_{name}": value for name, value in login.items()}}


@pytest.fixture
def up(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[[], tuple[subprocess.Popen[str], str]]]:
    """Starts it; gives the process and the address for the producer."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [*MAIN, "up"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        started.append(process)
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        address = re.search(r'Producer\("([^"]+)"', said)
        assert address, said
        return process, address[1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
    for pid in _pids(tmp_path):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.timeout(2 * READY_S)
def test_what_was_sent_is_stored_before_it_stops(
    up: Callable[[], tuple[subprocess.Popen[str], str]], tmp_path: Path, environment: dict[str, str]
) -> None:
    process, address = up()
    assert f"kafka://{address}" == environment["WATCHLINE_KAFKA_URL"]
    _check_processes(process)
    asked = _sql(tmp_path, environment, "SELECT count() AS n FROM v_interactions")
    assert (asked.returncode, asked.stdout) == (0, "n\n0\n"), asked.stderr  # of the worker's store process
    _check_page(tmp_path, environment)
    tail = subprocess.Popen(
        [*MAIN, "tail", "--since", "1h"], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    )
    with Producer(address, app="a", strict=True) as producer:
        for _ in range(500):
            producer.emit(input="Why?", output="Because.", model="m")
    assert tail.stdout is not None
    shown = [tail.stdout.readline() for _ in range(500)]
    tail.kill()
    tail.communicate()
    assert all(re.match(r"[0-9:]{8}  a  no prompt named  nothing flagged  [0-9a-f-]{36}\n", line) for line in shown)
    assert len(set(shown)) == 500
    refused = subprocess.run(
        [*MAIN, "tail"], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**environment, "WATCHLINE_DATA_DIR": "other"},
    )  # fmt: skip
    assert refused.returncode == 1 and "no worker runs on other" in refused.stderr
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=READY_S)
    assert process.returncode == 0, said
    assert "stopped" in said
    lines = re.findall(r"^[0-9:]{8}  (?:a  no prompt named  nothing|([0-9]+) events \(a [0-9]+\), nothing)", said, re.M)
    assert sum(int(events or 1) for events in lines) == 500, said
    assert re.search(r"in the last minute: [0-9]+ events, 0 flagged, 0 dead letters; lag 0 messages", said)
    assert not _pids(tmp_path)
    assert not (tmp_path / "data" / "store.sock").exists()
    asked = _sql(tmp_path, environment, "SELECT count() AS n FROM v_interactions")
    assert asked.stdout == "n\n500\n", asked.stderr  # of one of its own


@pytest.mark.timeout(3 * READY_S)
def test_the_audit_trail_goes_on_after_the_broker_has_forgotten_it(
    up: Callable[[], tuple[subprocess.Popen[str], str]], tmp_path: Path, environment: dict[str, str]
) -> None:
    logins = ("WATCHLINE_KAFKA_SECURITY", "WATCHLINE_KAFKA_USERNAME", "WATCHLINE_KAFKA_PASSWORD")
    plain = {name: value for name, value in environment.items() if not name.startswith(logins)}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*MAIN, *command], capture_output=True, text=True, cwd=tmp_path, env=plain)

    def verified(entries: int) -> None:
        deadline, valid = time.monotonic() + 60, f"VALID: {entries} entries, of which 0 rejected"
        while not (said := run("audit", "verify")).stdout.startswith(valid):
            assert time.monotonic() < deadline, said
            time.sleep(0.5)
        assert f"topic: the same {entries} entries" in said.stdout

    process, _ = up()
    assert "recorded at 0" in (said := run("governance", "init")).stdout, said
    verified(1)  # kept from now on: nothing was started for it
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=READY_S)
    process, _ = up()
    root = next(tmp_path.glob("*/governance/keys/root.pem"))
    run("governance", "key", "anna.pem")
    register = ("governance", "record", "key_registered", "anna.pem", "--key", str(root))
    said = run(*register, "--detail", "holder=p1", "roles=owner")
    assert "recorded at 1" in said.stdout, said
    verified(2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=READY_S)
    anchored = next(tmp_path.glob("*/governance/anchors.jsonl")).read_text().splitlines()
    assert len(anchored) == 2  # at each end at the latest


@pytest.mark.timeout(2 * READY_S)
def test_what_dies_is_started_again_and_a_second_one_on_the_folder_is_refused(
    up: Callable[[], tuple[subprocess.Popen[str], str]], tmp_path: Path, environment: dict[str, str]
) -> None:
    process, address = up()
    second = subprocess.run(
        [*MAIN, "up", "--port", "0"], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert second.returncode == 1
    assert "another worker answers" in second.stderr and "Traceback" not in second.stderr
    assert process.poll() is None
    with Producer(address, app="a", strict=True) as producer:
        (worker,) = (pid for pid in _pids(tmp_path) if "worker" in psutil.Process(pid).cmdline())
        os.kill(worker, signal.SIGKILL)
        _wait_for_line(process, "the worker ended with code -9; the broker keeps what comes")
        producer.emit(input="Why?", output="Because.", model="m")
        assert producer.flush(30)
    _wait_for(tmp_path, environment, "SELECT count() AS n FROM v_interactions", "n\n1\n")
    (broker,) = (pid for pid in _pids(tmp_path) if "--listener-url" in psutil.Process(pid).cmdline())
    os.kill(broker, signal.SIGKILL)
    _wait_for_line(process, "the broker ended with code -9, and what it held is gone")
    with Producer(address, app="b", strict=True) as producer:
        producer.emit(input="Why?", output="Because.", model="m")
        assert producer.flush(60)
    _wait_for(tmp_path, environment, "SELECT count() AS n FROM v_interactions", "n\n2\n")
    process.kill()
    deadline = time.monotonic() + 60
    while _pids(tmp_path):
        assert time.monotonic() < deadline, [psutil.Process(pid).cmdline() for pid in _pids(tmp_path)]
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")]
)
def test_a_busy_port_is_refused_with_what_to_do(
    family: int, address: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    with socket.socket(family) as other:
        other.bind((address, 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [*MAIN, "up"], capture_output=True, text=True, check=False, cwd=tmp_path,
            env={**environment, "WATCHLINE_KAFKA_URL": f"kafka://127.0.0.1:{port}"},
        )  # fmt: skip
    assert done.returncode == 1
    assert f"localhost:{port} is in use" in done.stderr and "watchline up --port 0" in done.stderr
    assert not _pids(tmp_path)


def _wait_for_line(process: subprocess.Popen[str], words: str) -> None:
    """Reads what it says up to a line; between lie those of events."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    raise AssertionError("".join(said))


def _wait_for(folder: Path, environment: dict[str, str], sql: str, wanted: str) -> None:
    deadline = time.monotonic() + READY_S
    while (asked := _sql(folder, environment, sql)).stdout != wanted:
        assert time.monotonic() < deadline, asked.stdout + asked.stderr
        time.sleep(0.5)


def _check_processes(started: subprocess.Popen[str]) -> None:
    """Each listens on loopback only, and shows no secret to who lists processes."""
    processes = [psutil.Process(started.pid), *psutil.Process(started.pid).children(recursive=True)]
    assert len(processes) >= 5  # itself, the broker, the worker, its store, its monitors
    listening = [
        connection.laddr.ip
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN or not connection.raddr
    ]
    assert len(listening) >= 2 and {ipaddress.ip_address(ip).is_loopback for ip in listening} == {True}, listening
    assert not any(SECRET in argument for process in processes for argument in process.cmdline())


def _sql(folder: Path, environment: dict[str, str], sql: str) -> subprocess.CompletedProcess[str]:
    command = [*MAIN, "sql", sql, "--format", "csv"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)


def _pids(folder: Path) -> list[int]:
    """Processes that were started in a folder and still run."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder and _state(entry) != "Z":
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _state(entry: Path) -> str:
    return (entry / "stat").read_text().rpartition(")")[2].split()[0]


def _check_page(folder: Path, environment: dict[str, str]) -> None:
    """`watchline page` reads the same store, for browsers and ClickHouse's clients, and goes when it is told to."""
    page = subprocess.Popen(
        [*MAIN, "page", "--port", "0", "--clickhouse-port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment,
    )
    assert page.stdout is not None
    # Before the link it may say that alerts aren't shown: the login that is set is another Kafka's.
    said = "".join(itertools.takewhile(lambda line: not line.startswith("Ctrl-C"), page.stdout))
    link = re.search(r"^page +(\S+)/#token=(\S+)$", said, re.MULTILINE)
    store = re.search(r"^store +http://127\.0\.0\.1:(\d+), user (\w+)", said, re.MULTILINE)
    assert link is not None and store is not None, said
    base, token = link.groups()
    headers = {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(f"{base}/api/status", b"{}", headers)) as answer:
        assert json.load(answer)["stored_at"]  # of a canary
    client = clickhouse_connect.get_client(host="127.0.0.1", port=int(store[1]), username=store[2], password=token)
    assert client.query("SELECT count() AS n FROM v_canary").result_rows[0][0] >= 1
    client.close()
    page.send_signal(signal.SIGTERM)
    assert page.wait(30) == 0
