"""Writes to the topic of prompts what apps may use, as it follows from the log; nothing else is ever served."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable
from typing import Any

from watchline.schemas.codec import encode
from watchline.schemas.errors import ConfigurationError, PoisonError, TransientError
from watchline.schemas.records import PromptRelease
from watchline.streams.governance.keys import Key, is_good
from watchline.streams.kafka import admin, log_reader, topics
from watchline.streams.producer import releases as of_apps
from watchline.streams.settings import Settings

PATIENCE_S = 20.0
MOST_BYTES = topics.MAX_RECORD_BYTES

log = logging.getLogger(__name__)


def publish(settings: Settings, releases: Iterable[PromptRelease], key: Key) -> int:
    """Makes the topic say what the releases say, signed, and returns how many of them it did not say yet.

    Whatever else is the last message of a prompt makes way: a forged one, an empty one, an earlier one that was written
    again. Only one that this key has signed for a later position stays: another keeper is ahead.

    Parameters
    ----------
    settings : Settings
    releases : iterable of PromptRelease
        One for each prompt, without a signature.
    key : Key
        The keeper's, by whose public key apps check them.

    Raises
    ------
    ConfigurationError
        There is no such topic.
    TransientError
        Kafka is away, or does not take them: the same again writes what is missing.
    """
    topic = topics.prompts(settings.topic_prefix)
    if not admin.partitions(settings, topic):
        raise ConfigurationError(f"there is no topic {topic}: `watchline migrate` makes it")
    there = {message.key(): message.value() for message in log_reader.read_to_end(settings, topic, [0])}
    missing: dict[bytes, bytes] = {}
    for release in releases:
        name, value = of_apps.key_of(release.environment, release.app, release.name), signed(release, key)
        if len(value) > MOST_BYTES:
            log.error("prompt %s is too long to be served: %d bytes, of %d", release.name, len(value), MOST_BYTES)
        elif there.get(name) != value and not _is_ahead(name, there.get(name), release.position, key):
            missing[name] = value
    _send(settings, topic, missing)
    return len(missing)


def signed(release: PromptRelease, key: Key) -> bytes:
    """A release as it goes to the topic: always the same bytes."""
    placeholder = bytes(of_apps.SIGNATURE_BYTES)
    value = encode(dataclasses.replace(release, signed_by=key.id, signature=placeholder))
    return value.removesuffix(placeholder) + key.sign(of_apps.signed_bytes(value))


def _is_ahead(name: bytes, value: bytes | None, position: int, key: Key) -> bool:
    try:
        found = of_apps.read(name, value or b"")
    except PoisonError:
        return False
    return found.position > position and is_good(key.public, of_apps.signed_bytes(value or b""), found.signature)


def _send(settings: Settings, topic: str, values: dict[bytes, bytes]) -> None:
    from confluent_kafka import KafkaException, Producer

    if not values:
        return
    failures: list[str] = []

    def done(error: Any, _: Any) -> None:
        if error is not None:
            failures.append(error.str())

    producer = Producer({**settings.kafka_client, "acks": "all", "linger.ms": 0})
    try:
        for name, value in values.items():
            producer.produce(topic, value, name, partition=0, on_delivery=done)
        left = producer.flush(PATIENCE_S)
    except KafkaException as error:
        raise TransientError(f"Kafka takes no prompt: {error.args[0].str()}") from None
    if left or failures:
        raise TransientError(f"Kafka takes no prompt: {(failures or ['no answer'])[0]}")
