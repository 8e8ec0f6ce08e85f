"""The thread that keeps an app's prompts: reads from Kafka what is promoted, and keeps it on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import PromptRelease
from watchline.streams import native_threads
from watchline.streams.producer.held_prompts import HeldPrompts
from watchline.streams.producer.prompt_file import PromptFile

AT_ONCE = 500  # messages
POLL_S = 0.2  # how long the end may wait for the thread
CHECK_S = 10.0  # between two questions whether Kafka is there
ANSWER_S = 5.0  # how long it may take to answer
# After which everything is read anew, as after each trouble: a topic may have been made anew in the meantime.
REREAD_S = 600.0
PAUSE_S = 2.0
LOOK_S = 0.005  # how often who waits for the first prompt looks

# What a client of Kafka needs to get there: the producer's other settings are none of a consumer's.
_CONNECTION = ("bootstrap.", "client.", "security.", "sasl.", "ssl.", "enable.ssl.", "socket.", "broker.", "oauth_cb")
_OURS = {
    "client.id": "watchline-prompts",
    "group.id": "watchline-prompts",  # never joined
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "earliest",
    "allow.auto.create.topics": False,
    "reconnect.backoff.max.ms": 2_000,
    "fetch.wait.max.ms": 200,
    "log_level": 0,
}


class PromptReader:
    """Has the prompts of an app, from when it is made. Belongs to one process: a forked child makes its own.

    Parameters
    ----------
    kafka : mapping
        Settings of the producer's client.
    topic : str
    held : HeldPrompts
        Still empty.
    file : PromptFile
    warn : callable
        As `ThrottledLog.warn`.
    """

    def __init__(
        self,
        kafka: Mapping[str, Any],
        topic: str,
        held: HeldPrompts,
        file: PromptFile,
        warn: Callable[..., None],
    ) -> None:
        self._kafka = {**{name: value for name, value in kafka.items() if name.startswith(_CONNECTION)}, **_OURS}
        self._topic, self._held, self._file, self._warn = topic, held, file, warn
        self._by_name: dict[str, PromptRelease] = {}  # never changed: another takes its place
        self._was_read = False
        self._current_at = 0.0  # seconds since 1970
        self._closed = False
        self._begun = time.monotonic()
        self._sleep = native_threads.original("time", "sleep")
        self._thread = native_threads.Thread(self._run, "watchline-prompts")

    @property
    def refused(self) -> int:
        """How many messages, and entries of the file, were refused so far."""
        return self._held.refused

    @property
    def age_s(self) -> float:
        """How long ago Kafka last said that these are the prompts in force."""
        return max(0.0, time.time() - self._current_at)

    def find(self, name: str, timeout_s: float) -> PromptRelease | None:
        """The release of a prompt, by any name that it has had; None where there is none.

        Waits for the topic to be read, until `timeout_s` seconds after the reader was made: later calls don't wait.
        """
        while name not in self._by_name and not self._was_read and time.monotonic() < self._begun + timeout_s:
            time.sleep(LOOK_S)  # under gevent and eventlet, other greenlets run meanwhile
        return self._by_name.get(name)

    @property
    def was_read(self) -> bool:
        """Whether the topic was read to its end."""
        return self._was_read

    def close(self, timeout_s: float) -> None:
        """Ends the thread."""
        self._closed = True
        self._thread.join(timeout_s)

    def _run(self) -> None:
        self._on_disk(self._load)
        while not self._closed:
            try:
                self._follow()
            except BaseException as error:  # the thread has to live as long as the app; the error may quote anything
                self._warn("prompts", "prompts can't be read from Kafka: %s; trying again", _said(error))
                self._sleep(PAUSE_S)

    def _follow(self) -> None:
        """Reads the topic from its beginning, and what comes, until it is time to begin anew."""
        from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

        # librdkafka goes on trying by itself; and an app has no right to the group, which nothing here needs.
        passing = (
            *(KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, KafkaError._TIMED_OUT),  # noqa: SLF001
            KafkaError.GROUP_AUTHORIZATION_FAILED,
        )
        partition = TopicPartition(self._topic, 0, 0)  # or the first that is there
        consumer = Consumer(self._kafka)
        try:
            consumer.assign([partition])
            end = check_at = time.monotonic() + REREAD_S
            waiting: list[tuple[bytes, bytes]] = []
            at_end = False
            while not self._closed and not (at_end and time.monotonic() >= end):
                first, ended = consumer.poll(POLL_S), False
                for message in [*([first] if first else []), *consumer.consume(AT_ONCE, 0)]:
                    if (error := message.error()) is None:
                        waiting.append((message.key() or b"", message.value() or b""))
                    elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                        at_end = ended = True
                    elif error.code() not in passing:
                        raise KafkaException(error)
                if not at_end:  # what was in force before must not be served on the way to what is
                    continue
                changed = self._held.take(waiting)
                waiting = []
                if changed or not self._was_read:
                    self._show()
                    self._was_read = True
                if time.monotonic() >= check_at:
                    consumer.get_watermark_offsets(partition, timeout=ANSWER_S)  # raises where Kafka is away
                    ended = True
                if ended:
                    self._current_at, check_at = time.time(), time.monotonic() + CHECK_S
                    self._on_disk(lambda: self._file.seen(self._current_at))
        finally:
            consumer.close()

    def _show(self) -> None:
        """Serves what is held, once it is on disk."""
        self._on_disk(self._save)
        self._by_name = self._held.by_name()

    def _load(self) -> None:
        found, self._current_at = self._file.read()
        if self._held.take(found.items()):
            self._show()

    def _save(self) -> None:
        """Also takes over what another process has that is newer."""
        with self._file.locked():
            try:
                found, seen = self._file.read()
            except ValueError:  # was said when it was loaded
                found, seen = {}, 0.0
            self._held.take(found.items())
            if self._held.messages != found:
                self._file.write(self._held.messages, max(seen, self._current_at))

    def _on_disk(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:
            self._warn("prompts on disk", "the prompts on disk can't be used (%s): %s", self._file.path, _said(error))


def _said(error: BaseException) -> str:
    """An error in words that quote no prompt."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, ConfigurationError):
        return str(error)
    of_kafka: Any = error.args[0] if error.args else None
    return str(of_kafka.str()) if hasattr(of_kafka, "str") else type(error).__name__
