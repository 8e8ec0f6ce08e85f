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
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.pseudonyms import pseudonym
from watchline.schemas.records import Feedback, Interaction
from watchline.streams.ids import uuid7
from watchline.streams.kafka import topics
from watchline.streams.kafka.schema_registry import client_settings, connect
from watchline.streams.producer.arguments import SOURCES, ArgumentError, current_span, fields
from watchline.streams.producer.buffer import Buffer, Pending, Stats
from watchline.streams.producer.messages import Content
from watchline.streams.producer.observe import Call
from watchline.streams.producer.prompt import Prompt, PromptError, variant
from watchline.streams.producer.signals import from_signal
from watchline.streams.producer.snapshot import Snapshot
from watchline.streams.security import secret_files
from watchline.streams.security.kafka_login import Security
from watchline.streams.throttled_log import ThrottledLog

F = TypeVar("F", bound=Callable[..., Any])

if TYPE_CHECKING:
    from watchline.streams.producer.prompt_reader import PromptReader
    from watchline.streams.producer.sender import Sender

EXIT_S = 5.0  # how long an app's end may wait for Kafka

_ADDRESS = re.compile(r"(?:kafka://)?((?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d+)?)/?", re.ASCII)

_REASONS = {
    "buffer full": "the buffer is full: Kafka is away, or more comes than can be sent; the oldest make room",
    "closed": "the producer is closed",
    "too large": "one is larger than the whole buffer",
}

log = logging.getLogger("watchline.streams.producer")


class Producer:
    """Publishes an app's LLM calls and its users' feedback to Kafka, from a background thread.

    Make one for each process and keep it; any thread may use it. After a fork the child's goes on by itself.
    From when it is made nothing waits for Kafka but `flush`, `close` and, for at most five seconds, the end of the
    process; and nothing raises but a signal that comes meanwhile. What can't be sent is dropped, and a value that can't
    be read is left out of its event: both are counted in `stats` and logged.

    Parameters
    ----------
    kafka_url : str, optional
        `localhost:9092`, `kafka://a:9092,kafka://b:9092`; by default WATCHLINE_KAFKA_URL, then `localhost:9092`.
    app : str
        Whose traffic this is.
    environment : str, optional
        By default WATCHLINE_ENVIRONMENT, then `default`.
    source : str, optional
        `production`, or `experiment`, `replay`, `canary`, which no rate, monitor or alert rule counts; by default
        WATCHLINE_SOURCE, then `production`.
    kafka : mapping, optional
        Settings of the Kafka client (librdkafka); they win over ours and over WATCHLINE_KAFKA_SECURITY_PROTOCOL,
        _SASL_MECHANISM, _USERNAME, _PASSWORD or _PASSWORD_FILE, _CA_FILE, _CERTIFICATE_FILE and _KEY_FILE.
    schema_registry : mapping, optional
        Settings of confluent_kafka's SchemaRegistryClient, such as `url` and `basic.auth.user.info`, for Confluent
        framing; by default what WATCHLINE_SCHEMA_REGISTRY_URL, _USERNAME, _PASSWORD or _PASSWORD_FILE, _CA_FILE say.
    before_send : callable, optional
        Gets every event in the background thread and returns it, changed or not, or None to leave it out; an event it
        raises anything on is dropped. One that takes ten seconds is logged, and `stats.hanging_s` says how long.
    strict : bool
        `emit` and `feedback` raise ArgumentError for a bad value, for tests and scripts.
    topic_prefix : str, optional
        By default WATCHLINE_TOPIC_PREFIX, then `watchline.`.
    prompt_keys : str, optional
        The public keys (ed25519:BASE64, with commas) whose signature a prompt must have for `prompt` to give it; by
        default what WATCHLINE_PROMPT_KEYS or the file WATCHLINE_PROMPT_KEYS_FILE says.
    linger_s : float
        Seconds that an event may wait for others to share a message with.
    max_events, max_bytes : int
        What the buffer holds while Kafka is away; then the oldest are dropped.

    Raises
    ------
    ConfigurationError
        Where an argument or a setting can't be right.

    Examples
    --------
    >>> producer = Producer("localhost:9092", app="support-bot")
    >>> event_id = producer.emit(input="What is the total?", output="12 euros.", model="gpt-4o", latency_s=1.9)
    >>> len(producer.feedback(event_id, rating=-1, comment="wrong total"))
    36
    >>> producer.close()
    True
    """

    def __init__(
        self,
        kafka_url: str | None = None,
        *,
        app: str,
        environment: str | None = None,
        source: str | None = None,
        kafka: Mapping[str, Any] | None = None,
        schema_registry: Mapping[str, Any] | None = None,
        before_send: Callable[[Interaction], Interaction | None] | None = None,
        strict: bool = False,
        topic_prefix: str | None = None,
        prompt_keys: str | None = None,
        linger_s: float = 0.2,
        max_events: int = 10_000,
        max_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        if not app:
            raise ConfigurationError("app: the name of the app, which can't be empty")
        self.app = app
        self.environment = environment or os.environ.get("WATCHLINE_ENVIRONMENT") or "default"
        self.source = source or os.environ.get("WATCHLINE_SOURCE") or "production"
        if self.source not in SOURCES:
            raise ConfigurationError(f"source, or WATCHLINE_SOURCE: one of {', '.join(SOURCES)}")
        url = kafka_url or os.environ.get("WATCHLINE_KAFKA_URL") or "localhost:9092"
        self._kafka = {"bootstrap.servers": _addresses(url), **Security.from_environment().client(), **(kafka or {})}
        self._before_send = before_send
        self._strict = strict
        self._topic_prefix = topic_prefix or os.environ.get("WATCHLINE_TOPIC_PREFIX") or "watchline."
        self._linger_s = linger_s
        self._limits = (max_events, max_bytes)
        self._subject_key = secret_files.read("WATCHLINE_SUBJECT_KEY")
        self._prompt_keys = secret_files.read("WATCHLINE_PROMPT_KEYS") if prompt_keys is None else prompt_keys
        self._disabled = disabled()
        if schema_registry is None:
            url, user, ca_file = (
                os.environ.get(f"WATCHLINE_SCHEMA_REGISTRY_{name}", "") for name in ("URL", "USERNAME", "CA_FILE")
            )
            password = secret_files.read("WATCHLINE_SCHEMA_REGISTRY_PASSWORD")
            schema_registry = client_settings(url, user, password, ca_file)
        self._schema_registry = schema_registry
        self._missed_key = False
        self._reset()
        if not self._disabled:
            connect(self._schema_registry, self._topic_prefix)  # wrong settings show here, not in the thread
            self._start()

    @property
    def stats(self) -> Stats:
        """What became of everything so far, in this process, and whether the thread is well."""
        refused = self._prompts.refused if self._prompts is not None else 0
        if self._sender is None:
            return replace(self._buffer.stats, prompts_refused=refused)
        hanging_s, restarts = self._sender.hanging_s, self._sender.restarts
        return replace(self._buffer.stats, hanging_s=hanging_s, restarts=restarts, prompts_refused=refused)

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
        prompt: str | Prompt | None = None,
        prompt_template: str | None = None,
        prompt_variables: Mapping[str, Any] | None = None,
        usage: Any = None,
        cost: float | None = None,
        latency_s: float | timedelta | None = None,
        time_to_first_chunk_s: float | timedelta | None = None,
        finish_reasons: Sequence[str] = (),
        error: BaseException | str | None = None,
        cancelled: bool = False,
        source: str | None = None,
        document_set: str | None = None,
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
        session_id: str | None = None,
        user_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        **others: Any,
    ) -> str:
        """Takes one call of a model; returns at once, also where the event had to be dropped.

        Lists and maps are copied, and cut where they are very long. An object of the app's own class becomes text
        later, in the background thread; an app that changes it, or needs it in its own thread, gives the text.

        Parameters
        ----------
        input, output : str, messages, or a whole request and response
            In any provider's or framework's form, plain or as its library's own objects: text, OpenTelemetry's parts,
            OpenAI (chat and responses), Anthropic, Gemini, Bedrock, Mistral, Cohere, Vercel, LangChain, LlamaIndex. Of
            a whole response its model, id, usage and finish reason are taken too, where they aren't given.
        model, response_model, provider : str, optional
            The model that was asked for, the one that answered, and whose it is.
        system : str or sequence, optional
            The system instructions.
        documents : sequence
            What the model was given to answer from: texts, or mappings or objects with `id`, `content`, `score`, also
            by the names that LangChain and LlamaIndex have for them.
        tool_calls : sequence of mappings
            `name`, `arguments`, and where it is known `result` and `id`, in any provider's form.
        prompt : str or object, optional
            What the method `prompt` gave, `name@version`, or an object with a name and a version; `prompt_template` is
            only hashed, never sent.
        usage : mapping or object, optional
            The provider's own, as its library gives it; or `input_tokens`, `output_tokens`, `cache_read_input_tokens`,
            `cache_write_input_tokens`, `reasoning_output_tokens`, `input_audio_tokens`, `output_audio_tokens`. All but
            the first two are parts of these, and are made so where a provider counts them apart.
        cost : float, optional
            In US dollars. Where it isn't given, the worker looks up the model's prices.
        latency_s, time_to_first_chunk_s : float or timedelta, optional
            In seconds.
        error : exception or str, optional
        cancelled : bool
            Whoever asked didn't wait for the end; `output` is the text so far.
        source : str, optional
            As the producer's, for this call.
        document_set : str, optional
            Version of the knowledge base that the documents are from.
        tenant, conversation_id : str, optional
            `session_id` is another name for the latter.
        subject : str, optional
            Who asked; only its hash under WATCHLINE_SUBJECT_KEY leaves the app. `user_id` is another name for it.
        parameters, variant, attributes : mapping, optional
            Of the request; of the deployment (quantisation, engine); whatever else the app wants to find again.
            `metadata` is another name for the last; `tags` are the attribute of that name.
        time : datetime, float or str, optional
            When the call ended: a datetime or ISO 8601 (without a zone: local time), or a number of seconds,
            milliseconds, microseconds or nanoseconds since 1970; by default now.
        event_id : str, optional
            A UUID; by default a new UUIDv7. Any other name becomes the UUID that is always its, here and in `feedback`.
        **others
            Kept as attributes of their names.

        Returns
        -------
        str
            The event's id, for `feedback`.

        Raises
        ------
        ArgumentError
            For a bad value, where the producer is strict.

        Examples
        --------
        >>> with Producer(app="support-bot") as producer:
        ...     event_id = producer.emit(
        ...         input=[{"role": "user", "content": "What is the total?"}],
        ...         output="The total is 12 euros.",
        ...         model="gpt-4o",
        ...         documents=["Invoice 7: the total is 12 euros."],
        ...         prompt="answer@7",
        ...         usage={"input_tokens": 812, "output_tokens": 64},
        ...     )
        """
        arguments = locals()
        del arguments["others"]
        arguments.update(others)
        identity = uuid7()
        self._publish(Interaction, arguments, {"event_id": identity})
        return identity if event_id is None else event_id

    def feedback(
        self,
        event_id: str,
        *,
        rating: float | bool | None = None,
        scale: str | None = None,
        category: str | None = None,
        comment: str | None = None,
        tenant: str | None = None,
        subject: str | None = None,
        time: datetime | float | None = None,
    ) -> str:
        """Takes what a person said of an answer; returns at once.

        Parameters
        ----------
        event_id : str
            What `emit` returned.
        rating : float or bool, optional
            Thumbs as -1, 0 or 1, False or True, "up" or "down"; or any number on `scale`.
        scale : str, optional
            The least and the most that `rating` can be, as `1..5`; by default `thumbs` for -1, 0 and 1, else `0..1`.
        category : str, optional
            What it is about, such as `tone`; an event may have several feedbacks.
        comment : str, optional
            Personal data in it is replaced before it is stored.
        tenant, subject, time
            As for `emit`.

        Returns
        -------
        str
            The feedback's own id.

        Raises
        ------
        ArgumentError
            For a bad value, where the producer is strict.

        Examples
        --------
        >>> with Producer(app="support-bot") as producer:
        ...     feedback_id = producer.feedback("01a2064f-6ccf-72e3-86b4-f4245c1890e9", rating=1)
        """
        arguments = locals()
        arguments["event_id"] = "" if event_id is None else event_id
        feedback_id = uuid7()
        self._publish(Feedback, arguments, {"feedback_id": feedback_id})
        return feedback_id

    def observe(self, **arguments: Any) -> Call:
        """Times a call of a model, and emits it when the block ends.

        What ends the block is recorded: an exception as an error, a cancelled task or a stream that nobody reads to its
        end as `cancelled`. A generator that is closed and `sys.exit(0)` are neither.

        Parameters
        ----------
        **arguments
            Those of `emit`, which can also be set on the call until the block ends.

        Returns
        -------
        Call
            For `with` or `async with`. An exception in the block is raised again.

        Examples
        --------
        >>> with Producer(app="support-bot") as producer:
        ...     with producer.observe(input="What is the total?", model="gpt-4o") as call:
        ...         for chunk in call.stream(["The total ", "is 12 euros."]):
        ...             print(chunk, end="")
        The total is 12 euros.
        """
        return Call(self.emit, arguments)

    def watch(self, **about: Any) -> Callable[[F], F]:
        """Makes each call of a function an event: `@producer.watch()`, for coroutine functions and generators too.

        Parameters
        ----------
        **about
            Arguments of `emit` that hold for all calls. The input is the function's parameter of that name, or of
            `messages`, `question`, `query`, `prompt`, `text`, `message`, `request`, else the only one, else all; the
            output what it returns or yields.

        Returns
        -------
        callable
            For a function.

        Examples
        --------
        >>> with Producer(app="support-bot") as producer:
        ...
        ...     @producer.watch(model="gpt-4o", prompt="answer@7")
        ...     def answer(question):
        ...         return "The total is 12 euros."
        ...
        ...     answer("What is the total?")
        'The total is 12 euros.'
        """
        from watchline.streams.producer.decorator import watched

        return lambda function: watched(self, function, about)

    def prompt(
        self,
        name: str,
        *,
        conversation_id: str | None = None,
        default: str | None = None,
        max_age_s: float | None = None,
        timeout_s: float = 5.0,
    ) -> Prompt:
        """The version of a prompt that is promoted for this app and environment, approved and signed.

        From the first call on a thread reads what is promoted, rolled back and withdrawn, and keeps it in the folder
        `prompts` of WATCHLINE_DATA_DIR (by default `.watchline`), from where it comes while Kafka is away. Only the
        first call waits; in an asyncio app, make that one with `asyncio.to_thread`. Ask again for each answer: that
        takes microseconds, and gives what is in force by then.

        Parameters
        ----------
        name : str
            By any name that the prompt has had.
        conversation_id : str, optional
            Where a canary is under way, which version a conversation gets goes by this; without it, the live one.
        default : str, optional
            The content in the place of a prompt that isn't there: never promoted, withdrawn, or Kafka is away and there
            is none on disk. It has no version, and is stale.
        max_age_s : float, optional
            How long ago Kafka may have confirmed it, which it does every ten seconds; what is older is `stale`, and so
            says the event.
        timeout_s : float
            Seconds after the first call until which a prompt is waited for.

        Returns
        -------
        Prompt
            To be filled in, and given to `emit` as `prompt`.

        Raises
        ------
        PromptError
            There is none, and no default.
        ConfigurationError
            There is no key to check prompts by: unsigned ones are never served.

        Examples
        --------
        >>> with Producer(app="support-bot", prompt_keys="ed25519:" + 43 * "A" + "=") as producer:
        ...     prompt = producer.prompt("answer", default="Answer in {{language}}.", timeout_s=0)
        ...     prompt.fill(language="English")
        'Answer in English.'
        """
        why = "WATCHLINE_DISABLED is set" if self._disabled else "the producer is closed"
        if not self._disabled and not self._buffer.closed:
            reader = self._prompts or self._read_prompts()
            release = reader.find(name, timeout_s)
            if release is not None and release.status == "live":
                chosen, age_s = variant(release, conversation_id), reader.age_s
                stale = max_age_s is not None and age_s > max_age_s
                return Prompt(name, chosen.content, chosen.variables, chosen.version, chosen.content_hash, age_s, stale)
            why = "Kafka has not told yet, and there is none on disk" if not reader.was_read else "none is promoted"
            if release is not None:
                why = "it was withdrawn"
        if default is None:
            raise PromptError(f"there is no prompt {name} for app {self.app} in {self.environment}: {why}")
        self._warn(f"prompt {name}", "the app's default is served for prompt %s: %s", name, why)
        return Prompt.default(name, default)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Waits until everything was delivered or dropped, for `timeout_s` seconds at most; whether it came to that.

        Blocks: in an asyncio app, call it with `asyncio.to_thread`.

        Examples
        --------
        >>> with Producer(app="support-bot") as producer:
        ...     producer.flush(timeout_s=2.0)
        True
        """
        return self._buffer.wait_until_settled(timeout_s)

    def close(self, timeout_s: float = EXIT_S) -> bool:
        """Flushes, drops what is left then, and ends the thread. What is emitted later is dropped and counted.

        Parameters
        ----------
        timeout_s : float
            Seconds that it waits at most; for the report of what was dropped one more.

        Returns
        -------
        bool
            False where something was left or couldn't be reported.

        Examples
        --------
        >>> Producer(app="support-bot").close()
        True
        """
        self._buffer.close()
        settled = self.flush(timeout_s)
        if self._sender is not None:
            self._sender.abandon(1.0)
        if self._prompts is not None:
            self._prompts.close(0.5)
        _open.discard(self)
        return settled

    def __enter__(self) -> Producer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _publish(
        self, record_type: type[Interaction | Feedback], arguments: dict[str, Any], own: dict[str, Any]
    ) -> None:
        if self._disabled:
            return
        del arguments["self"]
        is_event = record_type is Interaction
        try:
            if self._sender is None:
                self._start()
            own["app"], own["environment"] = self.app, self.environment
            own["time"] = clock.time_ns() // 1000
            if is_event:
                own["source"] = self.source
                own.update(current_span())
            snapshot = Snapshot(arguments)
            if snapshot.cut and is_event:
                own["truncated"] = snapshot.cut
            if snapshot.unreadable:
                own["unreadable"] = snapshot.unreadable
            if self._strict:
                for argument, raised in snapshot.unreadable.items():
                    raise ArgumentError(argument, f"a value that can be read, which gave {raised}")
                fields(snapshot.arguments, strict=True)
            if reason := self._buffer.put(Pending(record_type, snapshot.arguments, own, snapshot.size)):
                self._warn(reason, "events are dropped: %s", _REASONS[reason])
        except ArgumentError as error:  # of a strict producer
            self._buffer.refuse(f"bad value: {error.argument}", event=is_event)
            raise
        except BaseException as error:  # a fault of ours must not become the app's
            if from_signal(error):
                raise
            self._buffer.refuse("internal", event=is_event)
            self._warn("internal", "an event is dropped: unexpected %s", type(error).__name__)

    def _warn(self, kind: str, text: str, *args: object) -> None:
        try:
            self._log.warn(kind, text, *args)
        except BaseException as error:  # of a handler that the app gave the log
            if from_signal(error):
                raise

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
        self._prompts: PromptReader | None = None
        self._buffer = Buffer(*self._limits)

    def _after_fork(self) -> None:
        """In the child: the parent's thread isn't here, its locks may be held, what it buffered is its own to send."""
        # librdkafka waits for its threads when it is torn down, and they aren't here.
        _inherited.extend((self._sender, self._prompts))
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
                    pseudonym=self._pseudonym,
                    linger_s=self._linger_s,
                    warn=self._warn,
                    schema_registry=self._schema_registry,
                )
                _open.add(self)
                if "multiprocessing.util" in sys.modules:  # whose processes end without atexit
                    sys.modules["multiprocessing.util"].Finalize(None, _close_all, exitpriority=100)

    def _read_prompts(self) -> PromptReader:
        from watchline.streams.producer import releases
        from watchline.streams.producer.held_prompts import HeldPrompts
        from watchline.streams.producer.prompt_file import PromptFile
        from watchline.streams.producer.prompt_reader import PromptReader

        publics = releases.public_keys(self._prompt_keys)
        if not publics:
            raise ConfigurationError(
                "WATCHLINE_PROMPT_KEYS: must be the public key of who keeps the audit trail, as `watchline governance "
                "init` shows it; without one no prompt is served, since it could be anybody's"
            )
        folder = Path(os.environ.get("WATCHLINE_DATA_DIR") or ".watchline") / "prompts"
        with self._starting:
            if self._prompts is None:
                self._prompts = PromptReader(
                    self._kafka,
                    topics.prompts(self._topic_prefix),
                    HeldPrompts(self.environment, self.app, publics, self._warn),
                    PromptFile(folder, self.environment, self.app),
                    self._warn,
                )
            return self._prompts


def disabled() -> bool:
    """Whether WATCHLINE_DISABLED says that nothing is to be sent."""
    return os.environ.get("WATCHLINE_DISABLED", "").lower() not in ("", "0", "false", "no")


def _addresses(url: str) -> str:
    matches = [_ADDRESS.fullmatch(part.strip()) for part in re.split("[,;]", url)]
    if None in matches:  # not quoted: it may hold a password
        raise ConfigurationError(
            "kafka_url: HOST:PORT or kafka://HOST:PORT, several with commas; user and password go into "
            "WATCHLINE_KAFKA_USERNAME, WATCHLINE_KAFKA_PASSWORD"
        )
    return ",".join(match[1] for match in matches if match)


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
