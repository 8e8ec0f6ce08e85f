"""Messages of the feedback topic to rows and dead letters: decode, check, redact the comment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from watchline.detectors.pii.redactor import Redactor
from watchline.schemas import values
from watchline.schemas.codec import Registry, decode
from watchline.schemas.columns import FEEDBACK, Text
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Feedback
from watchline.schemas.validation import check
from watchline.streams.clickhouse.sink import Rejected
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import Message
from watchline.streams.worker.stages.store import refusal

_TEXTS = [column.name for column in FEEDBACK if isinstance(column.text, Text) and column.text.kind != "none"]


@dataclass(frozen=True, slots=True)
class ReceivedFeedback:
    """A feedback and where it came from."""

    feedback: Feedback
    message: Message


def unpack(
    messages: Sequence[Message], redactor: Redactor, registry: Registry | None = None
) -> tuple[list[ReceivedFeedback], list[DeadLetter]]:
    """Decodes, checks and redacts; what fails in any of these is a dead letter."""
    received: list[ReceivedFeedback] = []
    dead: list[DeadLetter] = []
    for message in messages:
        try:
            feedback = decode(message.value, Feedback, registry)
            check(feedback, received=message.time)
            received.append(ReceivedFeedback(_redacted(feedback, redactor), message))
        except PoisonError as error:
            dead.append(message.dead_letter(error))
    return received, dead


def _redacted(feedback: Feedback, redactor: Redactor) -> Feedback:
    redacted: dict[str, Any] = {}
    for name in _TEXTS:
        if (text := getattr(feedback, name)) is not None:
            redacted[name] = redactor.redact_text(text)
    return replace(feedback, **redacted)


def store(received: Sequence[ReceivedFeedback], write: Callable[[Table], list[Rejected]]) -> list[DeadLetter]:
    """Writes rows; returns as dead letters those that ClickHouse will never take."""
    rejected = write(table([item.feedback for item in received]))
    return [received[rejection.index].message.dead_letter(refusal(rejection.reason)) for rejection in rejected]


def table(feedback: Sequence[Feedback]) -> Table:
    """The rows of `feedback`."""
    rows = [Row(values.feedback(item), f"{item.time}/{item.app}/{item.feedback_id}", item.time) for item in feedback]
    return Table.of("feedback", rows)
