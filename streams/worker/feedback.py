"""Messages of the feedback topic to rows and dead letters: decode, leave out what can't be stored, redact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from watchline.schemas import values
from watchline.schemas.codec import Registry, decode
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Feedback
from watchline.schemas.texts import SEARCHED, replace_texts, strings
from watchline.schemas.validation import Repaired, repair
from watchline.streams.clickhouse.sink import Rejected
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.kafka.tombstones import Tombstones
from watchline.streams.messages import Message
from watchline.streams.worker.stages.store import refusal

if TYPE_CHECKING:
    from watchline.detectors.pii.redactor import Redactor


@dataclass(frozen=True, slots=True)
class ReceivedFeedback:
    """A feedback that can be stored, what in it is not as it was sent, and where it came from.

    `replaced` counts, by field and outcome, the identifiers that could not be kept.
    """

    repaired: Repaired[Feedback]
    message: Message
    replaced: Mapping[tuple[str, str], int] = field(default_factory=dict)


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
            kept, replaced = redactor.replace_identifiers(repaired.record)
            repaired = replace(repaired, record=_redacted(kept, redactor))
            received.append(ReceivedFeedback(repaired, message, replaced))
        except PoisonError as error:
            dead.append(message.dead_letter(error, app))
    return received, dead


def _redacted(feedback: Feedback, redactor: Redactor) -> Feedback:
    texts = ((name, text) for name, text, rule in strings(feedback) if rule.kind in SEARCHED)
    of = feedback.app, feedback.environment
    return replace_texts(feedback, {name: redactor.redact_text(text, *of, field=name) for name, text in texts})


def store(
    received: Sequence[ReceivedFeedback], write: Callable[[Table], list[Rejected]], tombstones: Tombstones
) -> list[DeadLetter]:
    """Writes rows but of what was erased; returns as dead letters those that ClickHouse will never take."""
    tombstones.refresh()
    received = [item for item in received if not _erasure_of(item.repaired.record, tombstones)]
    rejected = write(table([item.repaired for item in received]))
    letters = []
    for rejection in rejected:
        item = received[rejection.index]
        letters.append(item.message.dead_letter(refusal(rejection.reason), item.repaired.record.app))
    return letters


def _erasure_of(feedback: Feedback, tombstones: Tombstones) -> str:
    ids = {"subject": feedback.subject or "", "tenant": feedback.tenant or "", "event": feedback.event_id}
    return tombstones.erasure_of(feedback.app, ids)


def table(feedback: Sequence[Repaired[Feedback]]) -> Table:
    """The rows of `feedback`."""
    rows = []
    for repaired in feedback:
        item = repaired.record
        row = [*values.feedback(item), repaired.sent_time, repaired.invalid_fields]
        rows.append(Row(row, f"{item.time}/{item.app}/{item.feedback_id}", item.time))
    return Table.of("feedback", rows)
