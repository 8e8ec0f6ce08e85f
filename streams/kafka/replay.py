"""Dead letters sent back to the topic they came from, and what became of them there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from operator import methodcaller
from typing import Any

from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.dead_letters import WHOLE_MESSAGE, DeadLetter
from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.log_reader import read_to_end
from watchline.streams.messages import Message
from watchline.streams.settings import Settings

SEND_TIMEOUT_S = 30.0

# Where a name is no UTF-8, confluent_kafka gives a list with a hole in it and leaves an exception behind. Called from
# within C, as here, that is a SystemError; Python 3.11 doesn't look after a call that it has specialised, and whoever
# then prints the list crashes.
_headers = methodcaller("headers")


def table(messages: Iterable[tuple[Message, int]], died: Sequence[DeadLetter]) -> Table:
    """The rows of `dead_letter_replays`: for each message that is a letter sent back, how it went this time.

    Parameters
    ----------
    messages : with how many events each holds
    died : the dead letters of these messages
    """
    rows: list[Row] = []
    dead: Counter[tuple[str, int, int, int]] = Counter()
    for dead_letter in died:
        for index in {dead_letter.index, WHOLE_MESSAGE}:
            dead[dead_letter.topic_id, dead_letter.partition, dead_letter.offset, index] += 1
    for message, events in messages:
        if (letter := message.replay_of) is None:
            continue
        place = (letter.topic_id, letter.partition, letter.offset, letter.index)
        lost = min(max(events, 1), dead[place])  # a message without events may be a report of drops
        when = datetime.fromtimestamp(message.time / 1e6, UTC)
        values = [*place, letter.sha256, when, max(events - lost, 0), lost]
        rows.append(Row(values, f"{letter.key}/{message.topic_id}/{message.partition}/{message.offset}"))
    return Table.of("dead_letter_replays", rows)


def read(settings: Settings) -> Iterator[DeadLetter]:
    """The letters in the dead-letter topic until its present end. One that died again comes more than once.

    Raises TransientError where Kafka is silent.
    """
    name = topics.dead_letters(settings.topic_prefix)
    for message in read_to_end(settings, name, admin.partitions(settings, name)):
        try:
            letter = DeadLetter.from_message(_headers(message), message.value() or b"")
        except SystemError:  # confluent_kafka's, where a header's name is no UTF-8: not a letter of ours
            continue
        if letter is not None:
            yield letter


def send_back(settings: Settings, letters: Iterable[DeadLetter], sent: Callable[[DeadLetter], None]) -> Counter[str]:
    """Publishes the letters' bytes to the topics they came from, with the headers that say which letter each is.

    They go to the partition they came from, where it still exists.

    Parameters
    ----------
    settings : Settings
    letters : iterable of DeadLetter
    sent : callable
        Called with each letter that Kafka has taken.

    Returns
    -------
    Counter of str
        For the letters that Kafka did not take, how many by its reason.

    Raises
    ------
    TransientError
        Kafka can't be reached.
    """
    from confluent_kafka import Producer

    refused: Counter[str] = Counter()
    open_letters = 0

    def delivered(error: Any, letter: DeadLetter) -> None:
        nonlocal open_letters
        open_letters -= 1
        if error is None:
            sent(letter)
        else:
            refused[error.str()] += 1

    # Compressed: with its headers a message may be larger than it was, and the broker counts compressed bytes.
    producer = Producer(
        {
            **settings.kafka_client,
            "acks": "all",
            "compression.type": "lz4",
            "message.max.bytes": 2 * topics.MAX_MESSAGE_BYTES,
            "message.timeout.ms": int(SEND_TIMEOUT_S * 1000),
        }
    )
    there: dict[str, set[int]] = {}
    for letter in letters:
        if letter.topic not in there:
            there[letter.topic] = set(admin.partitions(settings, letter.topic))
        while open_letters >= _MOST_OPEN:
            producer.poll(0.5)
        open_letters += 1
        producer.produce(
            letter.topic,
            letter.value,
            headers=list(letter.headers.items()),
            partition=letter.partition if letter.partition in there[letter.topic] else _ANY,
            on_delivery=lambda error, _, letter=letter: delivered(error, letter),
        )
        producer.poll(0)
    while open_letters:
        producer.poll(0.5)
    return refused


_ANY = -1
_MOST_OPEN = 50  # messages of up to a megabyte, in memory
