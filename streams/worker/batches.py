"""Messages cut into batches, by events and by bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from watchline.streams.messages import DecodedMessage, Message


def within_bytes(messages: Sequence[Message], max_bytes: int) -> Iterator[Sequence[Message]]:
    """Messages cut so that each part holds at most so many bytes; one that is larger stands alone."""
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
    """Messages cut where a batch has enough events or bytes; one message is never cut. Limits are asked for anew."""
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
