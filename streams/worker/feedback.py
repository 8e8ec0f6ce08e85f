"""Messages of the feedback topic to rows and dead letters: decode, leave out what can't be stored, redact."""

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
from watchline.schemas.validation import Repaired, repair
from watchline.streams.clickhouse.sink import Rejected
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import Message
from watchline.streams.worker.stages.store import refusal

_TEXTS = [column.name for column in FEEDBACK if isinstance(column.text, Text) and column.text.kind != "none"]


@dataclass(frozen=True, slots=True)
class ReceivedFeedback:
    """A feedback that can be stored, what in it is not as it was sent, and where it came from."""

    repaired: Repaired[Feedback]
    message: Message


def unpack(
    messages: Sequence[Message], redactor: Redactor, registry: Registry | None = None
) -> tuple[list[ReceivedFeedback], list[DeadLetter]]:
    """Decodes, repairs and redacts; what fails in any of these is a dead letter."""
    received: list[ReceivedFeedback] = []
    dead: list[DeadLetter] = []
    for message in messages:
        app = ""
        try:
            feedback = decode(message.value, Feedback, registry)
            app = feedback.app
            repaired = repair(feedback, received=message.received)
            repaired = replace(repaired, record=_redacted(repaired.record, redactor))
            received.append(ReceivedFeedback(repaired, message))
        except PoisonError as error:
            dead.append(message.dead_letter(error, app))
    return received, dead


def _redacted(feedback: Feedback, redactor: Redactor) -> Feedback:
    redacted: dict[str, Any] = {}
    for name in _TEXTS:
        if (text := getattr(feedback, name)) is not None:
            redacted[name] = redactor.redact_text(text)
    return replace(feedback, **redacted)


def store(received: Sequence[ReceivedFeedback], write: Callable[[Table], list[Rejected]]) -> list[DeadLetter]:
    """Writes rows; returns as dead letters those that ClickHouse will never take."""
    rejected = write(table([item.repaired for item in received]))
    letters = []
    for rejection in rejected:
        item = received[rejection.index]
        letters.append(item.message.dead_letter(refusal(rejection.reason), item.repaired.record.app))
    return letters


def table(feedback: Sequence[Repaired[Feedback]]) -> Table:
    """The rows of `feedback`."""
    rows = []
    for repaired in feedback:
        item = repaired.record
        row = [*values.feedback(item), repaired.sent_time, repaired.invalid_fields]
        rows.append(Row(row, f"{item.time}/{item.app}/{item.feedback_id}", item.time))
    return Table.of("feedback", rows)
