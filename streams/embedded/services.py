"""The embedded services together: a broker, and a worker with its store, each a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any

from watchline.schemas.errors import FatalError, TransientError
from watchline.streams.child import killed_with_parent
from watchline.streams.embedded.broker import Broker
from watchline.streams.kafka import schema_registry, topics
from watchline.streams.security import own_folder
from watchline.streams.security.kafka_login import Security
from watchline.streams.settings import Settings

GROUP_TIMEOUT_S = 6  # the shortest that is allowed: Tansu lets a joining worker wait for half of it
DRAIN_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
STEADY_S = 60.0  # a worker that ran so long is started at once again
STOP_S = 45.0


class Services:
    """Broker and worker on loopback, in `settings.data_dir`. A context manager: entering starts, leaving stops.

    `port` is the broker's; by default one that is free.

    Both have sessions of their own, so that Ctrl-C reaches only the one who started them, who then drains.
    """

    def __init__(self, settings: Settings, *, port: int = 0) -> None:
        self.data_dir = settings.data_dir.absolute()
        self._settings = settings
        self._registry = schema_registry.connect(settings.schema_registry, settings.topic_prefix)
        self.broker = Broker(self.data_dir / "logs" / "broker.log", port)
        self.worker_log = self.data_dir / "logs" / "worker.log"
        self._worker: subprocess.Popen[bytes] | None = None
        self._pause_s, self._worker_started, self._worker_ended = FIRST_PAUSE_S, 0.0, 0.0

    @property
    def kafka_url(self) -> str:
        """Where a producer sends to: HOST:PORT."""
        return f"localhost:{self.broker.port}"

    @property
    def settings(self) -> Settings:
        """Those of a client of this broker and store: what is set for another Kafka is not for this one."""
        plain = {
            f"kafka_{field.name}": Settings.model_fields[f"kafka_{field.name}"].default for field in fields(Security)
        }
        return self._settings.model_copy(update={**plain, "kafka_url": self.broker.url, "clickhouse_url": "chdb://"})

    @property
    def health_url(self) -> str:
        """The worker's health page. Raises TransientError where it isn't there yet."""
        return self._pages()["health"]

    def start(self) -> Services:
        """Starts both; returns before the worker is ready. Raises what `Broker.start` raises."""
        if self._registry is not None:
            self._registry.register()
        own_folder.make(self.data_dir)
        self.broker.start()
        self._start_worker()
        return self

    def revive(self) -> str:
        """Starts again what has ended, the worker after a pause that grows; says what, or nothing."""
        if (code := self.broker.code) is not None:
            self._stop_worker()
            self.broker.start()
            self._start_worker()
            return f"the broker ended with code {code}, and what it held is gone; it and the worker are started again"
        if self.worker_code is None:
            if time.monotonic() - self._worker_started > STEADY_S:
                self._pause_s = FIRST_PAUSE_S
            return ""
        now = time.monotonic()
        if not self._worker_ended:
            self._worker_ended = now
            return (
                f"the worker ended with code {self.worker_code}; the broker keeps what comes, and the worker starts "
                f"again in {self._pause_s:g} s; see {self.worker_log}"
            )
        if now - self._worker_ended < self._pause_s:
            return ""
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._start_worker()
        return ""

    def _start_worker(self) -> None:
        self._worker_ended, self._worker_started = 0.0, time.monotonic()
        environment = {
            **os.environ,
            "WATCHLINE_KAFKA_URL": self.broker.url,
            # Whatever is set for another Kafka: the embedded one is on loopback and has neither.
            **{f"WATCHLINE_KAFKA_{field.name.upper()}": str(field.default or "") for field in fields(Security)},
            "WATCHLINE_KAFKA_PASSWORD_FILE": "",
            "WATCHLINE_CLICKHOUSE_URL": "chdb://",
            "WATCHLINE_CLICKHOUSE_CA_FILE": "",
            "WATCHLINE_DATA_DIR": os.path.relpath(self.data_dir),  # a socket's path must be short
            "WATCHLINE_SESSION_TIMEOUT_S": str(GROUP_TIMEOUT_S),
            "WATCHLINE_REBALANCE_TIMEOUT_S": str(GROUP_TIMEOUT_S),
            "PYTHONUNBUFFERED": "1",
        }
        with self.worker_log.open("ab") as log:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "watchline.streams.cli.main", "worker"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                preexec_fn=killed_with_parent,
                start_new_session=True,
            )

    def wait_ready(self, timeout_s: float) -> None:
        """Waits until the worker says that it is ready. Raises FatalError where it ends or takes longer."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(TransientError):
                if self._ask("ready")["ready"]:
                    return
            time.sleep(0.1)
        raise FatalError(f"the worker isn't ready after {timeout_s:.0f} s; see {self.worker_log}")

    def check(self) -> None:
        """Raises FatalError, naming log and exit code, when the worker has ended."""
        code = self.worker_code
        if code is not None:
            raise FatalError(f"the worker ended with code {code}; see {self.worker_log}:\n{_tail(self.worker_log)}")

    @property
    def worker_code(self) -> int | None:
        """The worker's exit code; None while it runs."""
        return self._worker.poll() if self._worker is not None else None

    def health(self) -> dict[str, Any]:
        """What the worker's health page says. Raises TransientError where it is silent, FatalError where it ended."""
        return self._ask("health")

    def _ask(self, page: str) -> dict[str, Any]:
        self.check()
        try:
            with urllib.request.urlopen(self._pages()[page], timeout=5) as answer:  # noqa: S310
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:  # 503: stalled or not ready, with the same page
            return dict(json.load(error))
        except (OSError, ValueError) as error:
            raise TransientError(f"the worker's health page does not answer: {type(error).__name__}") from None

    def drain(self, timeout_s: float = DRAIN_S) -> int | None:
        """Waits until worker and monitors have acknowledged all that the broker holds, which is memory only.

        Returns the messages that are left; None where the broker doesn't say.
        """
        # Of the broker: what the worker says of itself is a second old.
        groups: dict[str, list[str]] = {}
        for topic in topics.TOPICS:
            if topic.read_by:
                groups.setdefault(topic.group(self._settings.group_id), []).append(topic(self._settings.topic_prefix))
        deadline = time.monotonic() + timeout_s
        left = None
        while self.worker_code is None:
            with contextlib.suppress(TransientError):
                left = sum(self.broker.unacknowledged(names, group) for group, names in groups.items())
            if left == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        return left

    def stop(self) -> int | None:
        """Stops the worker, then the broker; safe to call twice. Returns the worker's exit code."""
        self._stop_worker()
        self.broker.stop()
        return self._worker.returncode if self._worker is not None else None

    def _stop_worker(self) -> None:
        worker = self._worker
        if worker is not None and worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
            try:
                worker.wait(STOP_S)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()

    def __enter__(self) -> Services:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _pages(self) -> dict[str, str]:
        try:
            state: dict[str, Any] = json.loads(self._settings.state_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            state = {}
        if self._worker is None or state.get("pid") != self._worker.pid:  # of a worker that ran here before
            raise TransientError("the worker isn't ready yet")
        return state


def _tail(log: Path, lines: int = 5) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if log.exists() else ""
