"""Client of a Confluent schema registry: schemas by id for the codec, registration and checks when deploying.

Subjects are named by Confluent's TopicNameStrategy: TOPIC-value. Dead letters have none: their topic holds any bytes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from watchline.schemas.errors import ConfigurationError, FatalError, Kind, PoisonError, TransientError
from watchline.schemas.extras import how_to_install
from watchline.streams.kafka import topics
from watchline.streams.kafka.topics import Topic
from watchline.streams.security import tls

log = logging.getLogger(__name__)
T = TypeVar("T")

TOPICS: Mapping[str, Topic] = {topic.record: topic for topic in topics.TOPICS if topic.record}
BACKWARD = frozenset({"BACKWARD", "BACKWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"})
CLIENT_DEFAULTS: Mapping[str, Any] = {"timeout": 5, "max.retries": 0}  # tried again here, where it is logged
# An id may reach a replica of the registry after the message. Once one was waited for in vain, others aren't for a
# while: who writes nonsense into the topic must not be able to stop the worker.
UNKNOWN_RETRIES, UNKNOWN_PAUSE_S, IMPATIENT_S = 6, 0.5, 60.0
UNKNOWN_S = 1.0  # for which an id that isn't there is not asked for again
MOST_IDS = 1_000  # that are remembered, those that are there and those that aren't: a message may name any
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0


def client_settings(url: str, username: str = "", password: str = "", ca_file: str = "") -> dict[str, Any] | None:
    """The registry client's settings; None where there is no URL."""
    if not url:
        return None
    settings = {"url": url, "basic.auth.user.info": f"{username}:{password}", "ssl.ca.location": ca_file}
    return {name: value for name, value in settings.items() if value not in ("", ":")}


def connect(client: Mapping[str, Any] | None, topic_prefix: str, *, timeout_s: float = 0) -> SchemaRegistry | None:
    """A registry, not asked yet; None where there are no settings. Raises ConfigurationError where they are wrong."""
    if client is None:
        return None
    registry = SchemaRegistry(client, topic_prefix, timeout_s=timeout_s)
    _ = registry.client
    return registry


class SchemaRegistry:
    """A registry as the codec needs it (`schemas.codec.Registry`), and what deploying needs. For any thread; blocks.

    While the registry is away, slow, or refuses the login, a request is tried again for `timeout_s` (0: once), then
    TransientError is raised. Ids and schemas never change: each is asked for once, as long as there are no more than
    `MOST_IDS`; and an id that isn't there, once in `UNKNOWN_S`.

    Parameters
    ----------
    client : settings of confluent_kafka's SchemaRegistryClient
    topic_prefix : of the topics that name the subjects
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        topic_prefix: str,
        *,
        timeout_s: float = 0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = str(client.get("url", ""))
        self._settings = {**CLIENT_DEFAULTS, **client}
        self._topic_prefix = topic_prefix
        self._timeout_s = timeout_s
        self._pause = pause
        self._ids: dict[str, int] = {}
        self._schemas: dict[int, str] = {}
        self._unknown: dict[int, float] = {}  # until when
        self._impatient_until = 0.0
        self.stopping: Callable[[], bool] = lambda: False  # then nothing is tried again
        self.failed: Callable[[], object] = lambda: None  # hears each failure that may pass

    @cached_property
    def client(self) -> Any:
        """The client; nothing is asked yet. Raises ConfigurationError where the extra is missing or a setting wrong."""
        if "@" in self.url:
            raise ConfigurationError("WATCHLINE_SCHEMA_REGISTRY_URL: user and password go into _USERNAME and _PASSWORD")
        if ca_file := self._settings.get("ssl.ca.location"):
            tls.context(Path(ca_file), "WATCHLINE_SCHEMA_REGISTRY_CA_FILE")
        try:
            from confluent_kafka.schema_registry import SchemaRegistryClient
        except ImportError:
            raise ConfigurationError(
                f"a schema registry needs the extra `registry`; {how_to_install('registry')}"
            ) from None
        try:
            return SchemaRegistryClient.new_client(self._settings)
        except (ValueError, TypeError, OSError) as error:
            raise ConfigurationError(f"WATCHLINE_SCHEMA_REGISTRY_URL: {error}") from None

    def subject(self, name: str) -> str:
        """The subject of a record."""
        return f"{TOPICS[name](self._topic_prefix)}-value"

    def schema_id(self, name: str) -> int:
        """The id of our schema of a record. Raises FatalError where it isn't registered."""
        schema_id = self._find_id(name)
        if schema_id is None:
            raise FatalError(
                f"{self._where}: {self.subject(name)} lacks Watchline's schema; run `watchline migrate` first"
            )
        return schema_id

    def schema(self, schema_id: int) -> str:
        """The Avro schema under an id. Raises PoisonError where there is none, after a wait, or one of another kind."""
        if schema_id not in self._schemas:
            if len(self._schemas) == MOST_IDS:
                self._schemas.clear()
                self.client.clear_caches()  # which have no bound
            registered = self._fetch(schema_id)
            if registered.schema_type != "AVRO":
                raise PoisonError(Kind.UNDECODABLE, f"schema id {schema_id} is not Avro but {registered.schema_type}")
            if registered.references:
                raise PoisonError(Kind.UNDECODABLE, f"schema id {schema_id} refers to other schemas")
            self._schemas[schema_id] = str(registered.schema_str)
        return self._schemas[schema_id]

    def require(self) -> None:
        """Looks all ids up. Raises FatalError, naming the subjects, where one isn't registered."""
        if missing := self.missing():
            raise FatalError(f"{self._where} lacks the schemas of {', '.join(missing)}; run `watchline migrate` first")

    def missing(self) -> list[str]:
        """The subjects under which our schema isn't registered."""
        return [self.subject(name) for name in TOPICS if self._find_id(name) is None]

    def register(self) -> list[str]:
        """Registers what is missing, once all of it is found compatible; returns its subjects.

        A subject whose compatibility isn't BACKWARD or stricter is set to BACKWARD before. Raises FatalError where the
        registry finds a schema incompatible with the one before it, or refuses.
        """
        for name in TOPICS:
            self._require_backward(self.subject(name))
        names = [name for name in TOPICS if self._find_id(name) is None]
        incompatible = [self.subject(name) for name in names if not self._compatible(name)]
        if incompatible:
            raise FatalError(
                f"{self._where}: the schemas of {', '.join(incompatible)} are not compatible with the registered "
                "ones, so that messages already written could not be read. None was registered"
            )
        for name in names:
            self._ids[name] = self._ask(self.client.register_schema, self.subject(name), _schema(name))
        return [self.subject(name) for name in names]

    @property
    def _where(self) -> str:
        return f"the schema registry at {self.url} (WATCHLINE_SCHEMA_REGISTRY_URL)"

    def _find_id(self, name: str) -> int | None:
        if name not in self._ids:
            try:
                self._ids[name] = self._ask(self._look_up, name)
            except _NotThereError:
                return None
        return self._ids[name]

    def _look_up(self, name: str) -> int:
        return int(self.client.lookup_schema(self.subject(name), _schema(name)).schema_id)

    def _get(self, schema_id: int) -> Any:
        registered = self.client.get_schema(schema_id)
        if registered.schema_str is None:
            raise ValueError("the answer has no schema")
        return registered

    def _fetch(self, schema_id: int) -> Any:
        unknown = PoisonError(Kind.UNDECODABLE, f"schema id {schema_id} is not in the registry")
        if time.monotonic() < self._unknown.get(schema_id, 0.0):
            raise unknown
        asked = 0
        while True:
            try:
                return self._ask(self._get, schema_id)
            except _NotThereError:
                asked += 1
                if asked > UNKNOWN_RETRIES or time.monotonic() < self._impatient_until:
                    break
                self._pause(UNKNOWN_PAUSE_S)
        self._impatient_until = time.monotonic() + IMPATIENT_S
        if len(self._unknown) == MOST_IDS:
            self._unknown.clear()
        self._unknown[schema_id] = time.monotonic() + UNKNOWN_S
        raise unknown

    def _require_backward(self, subject: str) -> None:
        try:
            level = self._ask(self.client.get_compatibility, subject)
        except _NotThereError:
            level = self._ask(self.client.get_compatibility)
        if level not in BACKWARD:
            self._ask(self.client.set_compatibility, subject, "BACKWARD")

    def _compatible(self, name: str) -> bool:
        try:
            return bool(self._ask(self.client.test_compatibility, self.subject(name), _schema(name)))
        except _NotThereError:  # the subject's first
            return True

    def _ask(self, function: Callable[..., T], *arguments: Any) -> T:
        from watchline.streams.retry import retry  # only here, as above

        def again(error: BaseException) -> None:
            log.warning("%s; trying again", error)
            self.failed()

        return retry(
            lambda: self._try(function, *arguments),
            timeout_s=self._timeout_s,
            longest_pause_s=LONGEST_PAUSE_S,
            again=again,
            stopping=lambda: self.stopping(),
            pause=self._pause,
        )

    def _try(self, function: Callable[..., T], *arguments: Any) -> T:
        from confluent_kafka.schema_registry.error import SchemaRegistryError

        try:
            return function(*arguments)
        except SchemaRegistryError as error:
            status, code = error.http_status_code, error.error_code
            if isinstance(code, int) and code // 100 == 404:  # any other 404 is of something that is no registry
                raise _NotThereError from None
            if status in (409, 422):
                raise FatalError(f"{self._where} refuses: {error.error_message}") from None
            if status in (401, 403):
                what = "refuses the login; see WATCHLINE_SCHEMA_REGISTRY_USERNAME, _PASSWORD"
            else:
                what = f"answers with HTTP status {status}"
        except Exception as error:  # the HTTP client's own, or whatever comes of an answer that is no registry's
            what = f"is not reachable, or is not a schema registry: {type(error).__name__}"
            if refused := tls.refusal(error):
                what = f"has an untrusted certificate ({refused.verify_message}); see WATCHLINE_SCHEMA_REGISTRY_CA_FILE"
        raise TransientError(f"{self._where} {what}")


class _NotThereError(Exception):
    """The registry knows no such subject, schema or setting."""


def _schema(name: str) -> Any:
    # Only here, so that importing the producer costs an app nothing.
    from confluent_kafka.schema_registry import Schema

    from watchline.schemas.codec import schema_text

    return Schema(schema_text(name))
