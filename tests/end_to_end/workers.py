"""Real worker processes for the tests: started, asked by SQL, terminated, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
from confluent_kafka import Producer

from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.log_reader import read_to_end
from watchline.streams.query.open import open_queries
from watchline.streams.settings import Settings, load

# The processes that a worker starts, by what their command lines hold.
PROCESSES = {"scoring": "spawn_main", "store": "store_process", "monitors": "monitors_process"}
READY_TIMEOUT_S = 120.0  # models are loaded, on two cores that others use too


class Worker:
    """A worker process with an embedded store of its own, on a shared broker. `module` is what Python runs."""

    def __init__(
        self,
        broker: str,
        topic_prefix: str,
        data_dir: Path,
        settings: Mapping[str, str],
        module: str = "watchline.streams.cli.main",
    ) -> None:
        self.environment = {
            "WATCHLINE_KAFKA_URL": f"kafka://{broker}",
            "WATCHLINE_TOPIC_PREFIX": topic_prefix,
            "WATCHLINE_GROUP_ID": topic_prefix + "workers",
            "WATCHLINE_GROUP_INSTANCE_ID": "w1",
            "WATCHLINE_DATA_DIR": str(data_dir),
            "WATCHLINE_HTTP_PORT": "0",
            "WATCHLINE_SESSION_TIMEOUT_S": "6",
            "WATCHLINE_REBALANCE_TIMEOUT_S": "6",
            "WATCHLINE_CANARY_INTERVAL_S": "0",  # offsets are those of the test's own messages
            **settings,
        }
        names = {name.removeprefix("WATCHLINE_").lower(): value for name, value in self.environment.items()}
        self.settings: Settings = load(**names)
        self.log = data_dir / "worker.log"
        self.data_dir = data_dir
        self.module = module
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Worker:
        """Starts the process and waits until it is ready: it answers queries and has its partitions."""
        self.launch()
        self.wait(lambda: self.page("ready")[0] == 200, READY_TIMEOUT_S)
        return self

    def launch(self) -> None:
        """Starts the process and waits for its page."""
        self.spawn()
        self.wait(lambda: self.settings.state_file.exists(), READY_TIMEOUT_S)

    def spawn(self) -> None:
        """Starts the process and returns at once."""
        self.settings.state_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module, "worker"],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )

    def send_signal(self, sign: int) -> None:
        """Sends a signal and does not wait."""
        assert self._process is not None
        self._process.send_signal(sign)

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def processes(self, kind: str) -> list[psutil.Process]:
        """Its running processes of a kind: scoring, store or monitors."""
        found = []
        for child in psutil.Process(self.pid).children():
            with suppress(psutil.NoSuchProcess):  # it has just ended
                if PROCESSES[kind] in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def stop(self, sign: int = signal.SIGTERM, timeout_s: float = 60) -> int:
        """Sends a signal and waits for the end; gives the exit code."""
        self.send_signal(sign)
        return self.join(timeout_s)

    def join(self, timeout_s: float) -> int:
        """Waits for an end that comes by itself; gives the exit code."""
        assert self._process is not None
        code = self._process.wait(timeout_s)
        self._process = None
        return code

    def end(self) -> None:
        """Ends the process if it still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def poll(self) -> int | None:
        """The exit code of a process that has ended by itself; else None."""
        return self._process.poll() if self._process is not None else None

    def check(self) -> None:
        """Fails with the log when the process has ended by itself."""
        assert self.poll() is None, f"the worker ended:\n{self.log.read_text()[-4000:]}"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query over the views gives."""
        with open_queries(self.settings) as queries:
            return [tuple(row) for row in queries.query(sql).rows]

    def count(self, view: str) -> int:
        """The rows of a view."""
        return int(self.rows(f"SELECT count() FROM {view}")[0][0])

    def health(self) -> dict[str, Any]:
        """The health page of a worker that gets on."""
        status, body = self.page("health")
        assert status == 200, body
        report: dict[str, Any] = json.loads(body)
        return report

    def page(self, name: str) -> tuple[int, str]:
        """Status and body of `health`, `ready` or `metrics`."""
        state = json.loads(self.settings.state_file.read_text())
        try:
            # The form of metrics that Prometheus asks for.
            asked = Request(state[name], headers={"Accept": "application/openmetrics-text;version=1.0.0"})
            with urlopen(asked, timeout=10) as page:
                return page.status, page.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def wait(self, until: Callable[[], bool], timeout_s: float = 60) -> None:
        """Waits for a condition; fails with the worker's log when it does not come or the worker ends."""
        deadline = time.monotonic() + timeout_s
        while not until():
            self.check()
            assert time.monotonic() < deadline, f"waited {timeout_s} s in vain:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.1)

    def produce(
        self, *values: bytes, topic: Callable[[str], str] = topics.interactions, compression: str = "none"
    ) -> None:
        """Bytes as they are into a topic, each delivered."""
        producer = Producer(
            {"bootstrap.servers": self.settings.bootstrap_servers, "compression.type": compression, "log_level": 0}
        )
        for value in values:
            producer.produce(topic(self.settings.topic_prefix), value)
        assert producer.flush(30) == 0

    def consume(self, topic: Callable[[str], str]) -> list[tuple[bytes, dict[str, bytes]]]:
        """Everything in a topic now: values and headers."""
        name = topic(self.settings.topic_prefix)
        found = read_to_end(self.settings, name, admin.partitions(self.settings, name))
        return [(message.value(), dict(message.headers() or [])) for message in found]
