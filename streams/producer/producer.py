"""The producer: what an app calls to have its LLM traffic watched."""

from __future__ import annotations

import atexit
import logging
import os
import re
import sys
import threading
import time as clock
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import Feedback, Interaction
from watchline.streams.ids import pseudonym, uuid7
from watchline.streams.kafka.schema_registry import client_settings, connect
from watchline.streams.producer.arguments import ArgumentError, current_span, fields, size
from watchline.streams.producer.buffer import Buffer, Pending, Stats
from watchline.streams.producer.observe import Call
from watchline.streams.producer.reading import Content
from watchline.streams.security.kafka_login import Security
from watchline.streams.throttled_log import ThrottledLog

if TYPE_CHECKING:
    from watchline.streams.producer.sender import Sender

EXIT_S = 5.0  # how long an app's end may wait for Kafka

_ADDRESS = re.compile(r"(?:kafka://)?((?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d+)?)/?", re.ASCII)

_REASONS = {
    "buffer full": "the buffer is full, which it is when Kafka is away; the oldest make room",
    "closed": "the producer is closed",
    "too large": "one is larger than the whole buffer",
}

log = logging.getLogger("watchline.streams.producer")


class Producer:
    """Publishes an app's LLM calls and its users' feedback to Kafka, from a background thread.

    Make one for each process and keep it; any thread may use it. After a fork the child's goes on by itself.
    Only making one can raise: ConfigurationError, where an argument or a setting can't be right. From then on nothing
    waits for Kafka but `flush`, `close` and, for at most five seconds, the end of the process; and nothing raises but
    Python's TypeError for an unknown keyword. What can't be sent is dropped, counted in `stats` and logged.

    kafka_url: `localhost:9092`, `kafka://a:9092,kafka://b:9092`; None for WATCHLINE_KAFKA_URL or `localhost:9092`.
    app, environment: whose traffic this is; the environment is WATCHLINE_ENVIRONMENT or `default` unless given.
    kafka: settings of the Kafka client (librdkafka); they win over ours and over WATCHLINE_KAFKA_SECURITY_PROTOCOL,
        _SASL_MECHANISM, _USERNAME, _PASSWORD, _CA_FILE, _CERTIFICATE_FILE and _KEY_FILE.
    before_send: gets every event in the background thread and returns it, changed or not, or None to leave it out;
        an event it raises on is dropped.
    strict: emit and feedback raise ArgumentError for a bad value, for tests and scripts.
    schema_registry: settings of confluent_kafka's SchemaRegistryClient, such as `url` and `basic.auth.user.info`, for
        Confluent framing; None for what WATCHLINE_SCHEMA_REGISTRY_URL, _USERNAME, _PASSWORD and _CA_FILE say.
    topic_prefix: WATCHLINE_TOPIC_PREFIX or `watchline.` unless given.
    linger_s: how long an event may wait for others to share a message with.
    max_events, max_bytes: what the buffer holds while Kafka is away; then the oldest are dropped.
    """

    def __init__(
        self,
        kafka_url: str | None = None,
        *,
        app: str,
        environment: str | None = None,
        kafka: Mapping[str, Any] | None = None,
        schema_registry: Mapping[str, Any] | None = None,
        before_send: Callable[[Interaction], Interaction | None] | None = None,
        strict: bool = False,
        topic_prefix: str | None = None,
        linger_s: float = 0.2,
        max_events: int = 10_000,
        max_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        if not app:
            raise ConfigurationError("app: the name of the app, which can't be empty")
        self.app = app
        self.environment = environment or os.environ.get("WATCHLINE_ENVIRONMENT") or "default"
        url = kafka_url or os.environ.get("WATCHLINE_KAFKA_URL") or "localhost:9092"
        self._kafka = {"bootstrap.servers": _addresses(url), **Security.from_environment().client(), **(kafka or {})}
        self._before_send = before_send
        self._strict = strict
        self._topic_prefix = topic_prefix or os.environ.get("WATCHLINE_TOPIC_PREFIX") or "watchline."
        self._linger_s = linger_s
        self._limits = (max_events, max_bytes)
        self._subject_key = os.environ.get("WATCHLINE_SUBJECT_KEY", "")
        self._disabled = disabled()
        if schema_registry is None:
            names = ("URL", "USERNAME", "PASSWORD", "CA_FILE")
            schema_registry = client_settings(
                *(os.environ.get(f"WATCHLINE_SCHEMA_REGISTRY_{name}", "") for name in names)
            )
        self._schema_registry = schema_registry
        self._missed_key = False
        self._reset()
        if not self._disabled:
            connect(self._schema_registry, self._topic_prefix)  # wrong settings show here, not in the thread
            self._start()

    @property
    def stats(self) -> Stats:
        """What became of everything so far, in this process."""
        return self._buffer.stats

    def emit(
        self,
        *,
        input: Content,
        output: Content | None = None,
        model: str | None,
        provider: str | None = None,
        response_model: str | None = None,
        system: str | Sequence[Mapping[str, Any]] | None = None,
        documents: Sequence[str | Mapping[str, Any]] = (),
        tool_calls: Sequence[Mapping[str, Any]] = (),
        prompt: str | None = None,
        prompt_template: str | None = None,
        prompt_variables: Mapping[str, Any] | None = None,
        usage: Mapping[str, Any] | None = None,
        cost: float | None = None,
        latency_s: float | None = None,
        time_to_first_chunk_s: float | None = None,
        finish_reasons: Sequence[str] = (),
        error: BaseException | str | None = None,
        tenant: str | None = None,
        subject: str | None = None,
        conversation_id: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        variant: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
        time: datetime | float | None = None,
        event_id: str | None = None,
        operation: str = "chat",
        response_id: str | None = None,
        system_fingerprint: str | None = None,
    ) -> str:
        """Takes one call of a model and returns the event's id at once, also where the event had to be dropped.

        input, output: text, or messages with `role` and `parts` (OpenTelemetry) or `content`.
        documents: what the model was given to answer from: texts, or dicts `{id, content, score}`.
        prompt: `name@version`; `prompt_template` is only hashed, never sent.
        usage: `input_tokens`, `output_tokens`, `cache_read_input_tokens`, `cache_write_input_tokens`,
            `reasoning_output_tokens`; the cached and the reasoning ones are parts of the first two.
        cost: in US dollars.
        error: the exception, or a text. subject: who asked; only its hash leaves the app.
        time: when the call ended, as an aware datetime or seconds since 1970; now, where not given.
        """
        arguments = locals()
        if event_id is not None:
            self._publish(Interaction, arguments, {})
            return event_id
        identity = uuid7()
        self._publish(Interaction, arguments, {"event_id": identity})
        return identity

    def feedback(
        self,
        event_id: str,
        *,
        rating: int | None = None,
        comment: str | None = None,
        tenant: str | None = None,
        subject: str | None = None,
        time: datetime | float | None = None,
    ) -> str:
        """Takes what a person said of an answer (rating: -1 bad, 0, 1 good) and returns the feedback's own id."""
        arguments = locals()
        arguments["event_id"] = "" if event_id is None else event_id
        feedback_id = uuid7()
        self._publish(Feedback, arguments, {"feedback_id": feedback_id})
        return feedback_id

    def observe(self, **arguments: Any) -> Call:
        """Times a call of a model, and emits it when the block ends; takes the arguments of `emit`, now or on `call`.

        with producer.observe(input=question, model="gpt-4o") as call:
            for chunk in stream:
                call.chunk()
            call.output = answer

        `async with` does the same. An exception is recorded and raised again.
        """
        return Call(self.emit, arguments)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Waits until everything was delivered or dropped, at most so long; whether it came to that.

        Blocks: in an asyncio app, call it with `asyncio.to_thread`.
        """
        return self._buffer.wait_until_settled(timeout_s)

    def close(self, timeout_s: float = EXIT_S) -> bool:
        """Flushes, drops what is left then, and ends the thread. What is emitted later is dropped and counted.

        Waits for the report of what was dropped too; False where something was left or couldn't be reported.
        """
        self._buffer.close()
        settled = self.flush(timeout_s)
        if self._sender is not None:
            self._sender.abandon(1.0)
        _open.discard(self)
        return settled

    def __enter__(self) -> Producer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _publish(
        self, record_type: type[Interaction | Feedback], arguments: dict[str, Any], own: dict[str, str]
    ) -> None:
        if self._disabled:
            return
        del arguments["self"]
        try:
            if self._sender is None:
                self._start()
            found = fields(arguments)
            if "time" not in found:
                found["time"] = clock.time_ns() // 1000
            if "subject" in found:
                found["subject"] = self._pseudonym(found["subject"])
            if record_type is Interaction:
                found.update(current_span())
            found.update(own, app=self.app, environment=self.environment)
            if reason := self._buffer.put(Pending(record_type, found, size(found))):
                self._log.warn(reason, "events are dropped: %s", _REASONS[reason])
        except ArgumentError as error:
            self._buffer.refuse(f"bad value: {error.argument}", event=record_type is Interaction)
            if self._strict:
                raise
            self._log.warn(f"bad value: {error.argument}", "an event is dropped: %s", error)
        except Exception as error:  # a fault of ours must not become the app's
            self._buffer.refuse("internal", event=record_type is Interaction)
            self._log.warn("internal", "an event is dropped: unexpected %s", type(error).__name__)

    def _pseudonym(self, subject: str) -> str | None:
        if self._subject_key:
            return pseudonym(subject, self._subject_key)
        if not self._missed_key:
            self._missed_key = True
            log.warning("subjects are left out, because WATCHLINE_SUBJECT_KEY is not set")
        return None

    def _reset(self) -> None:
        """What a process needs for itself: at the beginning, and again in a forked child."""
        self._log = ThrottledLog(log)
        self._starting = threading.Lock()
        self._sender: Sender | None = None
        self._buffer = Buffer(*self._limits)

    def _after_fork(self) -> None:
        """In the child: the parent's thread isn't here, its locks may be held, what it buffered is its own to send."""
        _inherited.append(self._sender)  # librdkafka waits for its threads when it is torn down, and they aren't here
        closed = self._buffer.closed
        self._reset()
        if closed:
            self._buffer.close()

    def _start(self) -> None:
        # Only here, so that importing the producer costs an app nothing until it makes one.
        from watchline.streams.producer.sender import Sender

        with self._starting:
            if self._sender is None:
                self._sender = Sender(
                    self._buffer,
                    self._kafka,
                    app=self.app,
                    environment=self.environment,
                    topic_prefix=self._topic_prefix,
                    before_send=self._before_send,
                    linger_s=self._linger_s,
                    log=self._log,
                    schema_registry=self._schema_registry,
                )
                _open.add(self)
                if "multiprocessing.util" in sys.modules:  # whose processes end without atexit
                    sys.modules["multiprocessing.util"].Finalize(None, _close_all, exitpriority=100)


def disabled() -> bool:
    """Whether WATCHLINE_DISABLED says that nothing is to be sent."""
    return os.environ.get("WATCHLINE_DISABLED", "").lower() not in ("", "0", "false", "no")


def _addresses(url: str) -> str:
    found = [_ADDRESS.fullmatch(part.strip()) for part in re.split("[,;]", url)]
    if None in found:  # not quoted: it may hold a password
        raise ConfigurationError(
            "kafka_url: HOST:PORT or kafka://HOST:PORT, several with commas; user and password go into "
            "WATCHLINE_KAFKA_USERNAME, WATCHLINE_KAFKA_PASSWORD"
        )
    return ",".join(match[1] for match in found if match)


# Held until they are closed: what was emitted is sent at exit, also where the app no longer has the producer.
_open: set[Producer] = set()
_inherited: list[object] = []


def _close_all() -> None:
    deadline = clock.monotonic() + EXIT_S
    for producer in list(_open):
        producer.close(max(0.0, deadline - clock.monotonic()))


def _fork() -> None:
    for producer in _open:
        producer._after_fork()  # noqa: SLF001


atexit.register(_close_all)
os.register_at_fork(after_in_child=_fork)
