"""Messages of the feedback topic to rows and dead letters: decode, check, redact the comment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from watchline.detectors.pii.redactor import Redactor
from watchline.schemas.codec import Registry, decode
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Feedback
from watchline.schemas.validation import check
from watchline.streams.clickhouse.sink import Rejected, Table, month
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import Message
from watchline.streams.worker.stages.store import refusal


@dataclass(frozen=True, slots=True)
class Given:
    """A feedback and where it came from."""

    feedback: Feedback
    message: Message


def unpack(
    messages: Sequence[Message], redactor: Redactor, registry: Registry | None = None
) -> tuple[list[Given], list[DeadLetter]]:
    """Decodes, checks and redacts; what fails in any of these is a dead letter."""
    given: list[Given] = []
    dead: list[DeadLetter] = []
    for message in messages:
        try:
            feedback = decode(message.value, Feedback, registry)
            check(feedback, received=message.time)
            given.append(Given(_redacted(feedback, redactor), message))
        except PoisonError as error:
            dead.append(message.dead_letter(error))
    return given, dead


def _redacted(feedback: Feedback, redactor: Redactor) -> Feedback:
    return replace(
        feedback,
        comment=None if feedback.comment is None else redactor.redact_text(feedback.comment),
        tenant=None if feedback.tenant is None else redactor.redact_text(feedback.tenant),
    )


def store(given: Sequence[Given], write: Callable[[Table], list[Rejected]]) -> list[DeadLetter]:
    """Writes rows; returns as dead letters those that ClickHouse will never take."""
    rejected = write(table([item.feedback for item in given]))
    return [given[each.index].message.dead_letter(refusal(each.reason)) for each in rejected]


_COLUMNS = ("feedback_id", "event_id", "time", "app", "environment", "rating", "tenant", "subject", "comment")


def table(feedback: Sequence[Feedback]) -> Table:
    """The rows of `feedback`."""
    return Table(
        "feedback",
        _COLUMNS,
        [
            [getattr(item, name) for name in _COLUMNS[:-3]] + [getattr(item, name) or "" for name in _COLUMNS[-3:]]
            for item in feedback
        ],
        [f"{item.time}/{item.app}/{item.feedback_id}" for item in feedback],
        [month(item.time) for item in feedback],
    )
