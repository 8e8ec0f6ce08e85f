"""Messages cut into batches, by events and by bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from watchline.streams.messages import DecodedMessage, Message


def within_bytes(messages: Sequence[Message], max_bytes: int) -> Iterator[Sequence[Message]]:
    """Splits messages into parts of limited size, in order.

    Parameters
    ----------
    messages : sequence of Message
    max_bytes : int
        Of the values of a part; a larger message is a part of its own.

    Yields
    ------
    sequence of Message

    Examples
    --------
    >>> messages = [Message("raw", "id", 0, offset, 0, b"four") for offset in range(5)]
    >>> [[message.offset for message in part] for part in within_bytes(messages, max_bytes=10)]
    [[0, 1], [2, 3], [4]]
    """
    start = size_bytes = 0
    for end, message in enumerate(messages):
        size_bytes += len(message.value)
        if size_bytes > max_bytes and end > start:
            yield messages[start:end]
            start, size_bytes = end, len(message.value)
    if start < len(messages):
        yield messages[start:]


def batches(
    messages: Sequence[DecodedMessage], limits: Callable[[], tuple[int, int]]
) -> Iterator[Sequence[DecodedMessage]]:
    """Splits decoded messages into batches to be scored together, in order; a message is never split.

    Parameters
    ----------
    messages : sequence of DecodedMessage
    limits : callable
        Asked before each batch; gives the most events and the most bytes that it may have. A larger message is a batch
        of its own.

    Yields
    ------
    sequence of DecodedMessage

    Examples
    --------
    >>> decoded = [DecodedMessage(Message("raw", "id", 0, offset, 0, b"four"), [], [], []) for offset in range(5)]
    >>> [len(batch) for batch in batches(decoded, limits=lambda: (100, 10))]
    [2, 2, 1]
    """
    start = 0
    while start < len(messages):
        (max_events, max_bytes), end, events, size_bytes = limits(), start, 0, 0
        while end < len(messages):
            events += len(messages[end].events)
            size_bytes += len(messages[end].message.value)
            if end > start and (events > max_events or size_bytes > max_bytes):
                break
            end += 1
        yield messages[start:end]
        start = end
