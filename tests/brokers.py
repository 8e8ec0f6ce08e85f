"""A broker for the tests: a running cluster, else Apache Kafka from a folder, else the embedded Tansu."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

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
        with ApacheKafka(Path(home), folder) as kafka:
            yield kafka.address
    else:
        with Broker(folder / "broker.log") as broker:
            yield broker.url.removeprefix("kafka://")


class ApacheKafka:
    """One KRaft broker on loopback. A context manager; `start` after `kill` or `stop` goes on with the same log.

    Parameters
    ----------
    home : the folder with `start.sh`
    folder : of the data and of `kafka.log`
    port : of the first listener; the next one is the controller's. By default two that are free
    settings : of the broker, over those of `start.sh`
    format_args : for `kafka-storage format`: SCRAM users
    client : what a client needs beside the address, for the question whether it is there; needed where the first
        listener isn't PLAINTEXT
    """

    def __init__(
        self,
        home: Path,
        folder: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        format_args: str = "",
        heap: str = "512m",
        client: Mapping[str, Any] | None = None,
    ) -> None:
        self.port = port or two_free_ports()
        self.address = f"127.0.0.1:{self.port}"
        self.log = folder / "kafka.log"
        self._client = {"bootstrap.servers": self.address, "log_level": 0, **(client or {})}
        lines = [f"{name}={value}" for name, value in (settings or {}).items()]
        self._command = [str(home / "start.sh"), str(folder / "kafka"), str(self.port), *lines]
        # A broker that lives for seconds isn't worth what its best code costs to compile: a third of its time less.
        quick = "-XX:TieredStopAtLevel=1"
        self._environment = {"KAFKA_HEAP": heap, "KAFKA_FORMAT_ARGS": format_args, "JAVA_TOOL_OPTIONS": quick}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> ApacheKafka:
        """Starts it and waits until it answers."""
        self.launch()
        self.wait()
        return self

    def launch(self) -> None:
        """Starts it and returns at once: a broker of a cluster answers only when others are there too."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env={**os.environ, **self._environment}, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, brokers: int = 1) -> None:
        """Waits until it answers and knows so many brokers."""
        admin = AdminClient(self._client)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self._process is not None and self._process.poll() is None, f"Kafka ended:\n{self._tail()}"
            try:
                if len(admin.list_topics(timeout=1).brokers) >= brokers:
                    return
            except KafkaException:
                pass
            time.sleep(0.2)
        raise AssertionError(f"Kafka did not start:\n{self._tail()}")

    def kill(self) -> None:
        """SIGKILL. Safe to call twice."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and waits for the end. Safe to call twice."""
        self._end(signal.SIGTERM)

    def __enter__(self) -> ApacheKafka:
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _end(self, sign: int) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, sign)
            self._process.wait()
            self._process = None

    def _tail(self) -> str:
        return self.log.read_text()[-2000:]


class KafkaCluster:
    """Three brokers that hold everything three times and take nothing that two don't have. A context manager."""

    SIZE = 3

    def __init__(
        self, home: Path, folder: Path, *, settings: Mapping[str, str] | None = None, heap: str = "512m"
    ) -> None:
        ports = [two_free_ports() for _ in range(self.SIZE)]
        shared = {
            "controller.quorum.voters": ",".join(f"{n}@127.0.0.1:{port + 1}" for n, port in enumerate(ports, 1)),
            "default.replication.factor": "3",
            "offsets.topic.replication.factor": "3",
            "transaction.state.log.replication.factor": "3",
            "transaction.state.log.min.isr": "2",
            "share.coordinator.state.topic.replication.factor": "3",
            "share.coordinator.state.topic.min.isr": "2",
            "min.insync.replicas": "2",
            "unclean.leader.election.enable": "false",
            **(settings or {}),
        }
        self.brokers = [
            ApacheKafka(home, folder / f"broker-{n}", port=port, settings={**shared, "node.id": str(n)}, heap=heap)
            for n, port in enumerate(ports, 1)
        ]
        self.address = ",".join(broker.address for broker in self.brokers)

    def wait(self) -> None:
        """Waits until every broker sees all."""
        for broker in self.brokers:
            broker.wait(self.SIZE)

    def __enter__(self) -> KafkaCluster:
        with ExitStack() as stack:
            for broker in self.brokers:
                broker.launch()
                stack.callback(broker.kill)
            self.wait()
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for broker in self.brokers:
            broker.kill()


def two_free_ports() -> int:
    """The first of two in a row."""
    while True:
        port = free_port()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
                return port
            except OSError:
                continue
