"""A broker for the tests: a running cluster, else Apache Kafka from a folder, else the embedded Tansu."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from watchline.streams.embedded.broker import Broker, free_port

START_TIMEOUT_S = 60.0


def kind() -> str:
    """Which broker the tests use, in words."""
    if url := os.environ.get("WATCHLINE_TEST_KAFKA"):
        return f"the cluster at {url}"
    if home := os.environ.get("WATCHLINE_TEST_KAFKA_HOME"):
        return f"Apache Kafka from {home}"
    return "Tansu (embedded)"


@contextmanager
def running_broker(folder: Path) -> Iterator[str]:
    """Starts the broker that `kind` names; gives its HOST:PORT."""
    if url := os.environ.get("WATCHLINE_TEST_KAFKA"):
        yield url.removeprefix("kafka://")
    elif home := os.environ.get("WATCHLINE_TEST_KAFKA_HOME"):
        with apache_kafka(Path(home), folder) as address:
            yield address
    else:
        with Broker(folder / "broker.log") as broker:
            yield broker.url.removeprefix("kafka://")


@contextmanager
def apache_kafka(home: Path, folder: Path, port: int | None = None) -> Iterator[str]:
    """One KRaft broker on loopback, stopped at the end."""
    port = port or free_port()
    address = f"127.0.0.1:{port}"
    with (folder / "kafka.log").open("ab") as log:
        process = subprocess.Popen(
            [home / "start.sh", folder / "kafka", str(port)], stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(process, address, folder / "kafka.log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"Kafka ended:\n{log.read_text()[-2000:]}"
        try:
            admin.list_topics(timeout=1)
            return
        except KafkaException:
            time.sleep(0.2)
    raise AssertionError(f"Kafka did not start:\n{log.read_text()[-2000:]}")
