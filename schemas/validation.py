"""Makes decoded records fit to be stored: the limits of ClickHouse's types, and times that can't be right."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from watchline.schemas.columns import INTERACTION, Text
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.records import Feedback, Interaction, InteractionBatch

YEAR_2000 = 946_684_800_000_000  # microseconds
DAY = 86_400_000_000  # microseconds
_LARGEST_LONG = (1 << 63) - 1
_UNSIGNED = [column.name for column in INTERACTION if column.type == "Nullable(UInt64)"]
_AMOUNTS = [column.name for column in INTERACTION if column.type == "Nullable(Float64)"]
# The one form in text. Python's UUID() and ClickHouse's client take others, and not the same ones.
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX = {
    column.name: column.text.digits
    for column in INTERACTION
    if isinstance(column.text, Text) and column.text.kind == "hexadecimal"
}

R = TypeVar("R", Interaction, Feedback, InteractionBatch)
FromApp = TypeVar("FromApp", Interaction, Feedback)


@dataclass(frozen=True, slots=True)
class Repaired(Generic[R]):
    """A record that can be stored, and what in it is not as it was sent.

    Parameters
    ----------
    record : Interaction, Feedback or InteractionBatch
    invalid_fields : tuple of str
        The fields whose value could not be stored. They have none now, or 0 where they need one; `time` is Kafka's.
    sent_time : int, optional
        Where `time` is one of them, what was sent, in microseconds since 1970.
    """

    record: R
    invalid_fields: tuple[str, ...] = ()
    sent_time: int | None = None


def repair(record: FromApp, *, received: int) -> Repaired[FromApp]:
    """Takes the values that can't be stored from an interaction or a feedback: one bad field doesn't cost the event.

    The same message gives the same record whenever it is read, so it is the same row.

    Parameters
    ----------
    record : Interaction or Feedback
    received : int
        Kafka's time of its message, in microseconds since 1970. A record may be of a day later at most.

    Returns
    -------
    Repaired

    Raises
    ------
    PoisonError
        Of kind `invalid`: an id that names the row is not a UUID.

    Examples
    --------
    >>> from watchline.schemas.records import Interaction
    >>> now = 1_700_000_000_000_000
    >>> event = Interaction(event_id="018bcfe5-6800-7000-8000-000000000001", time=5, app="shop", cost=-0.5)
    >>> repaired = repair(event, received=now)
    >>> repaired.record.time == now, repaired.record.cost, repaired.invalid_fields, repaired.sent_time
    (True, None, ('time', 'cost'), 5)
    """
    _require_uuid("event_id", record.event_id)
    changes = _right_time(record.time, received)
    if isinstance(record, Feedback):
        _require_uuid("feedback_id", record.feedback_id)
        if record.rating is not None and not -(1 << 31) <= record.rating < 1 << 31:
            changes["rating"] = None
        if record.score is not None and not 0 <= record.score <= 1:
            changes["score"] = None
    else:
        changes |= _storable(record)
    return _repaired(record, changes)


def repair_envelope(batch: InteractionBatch, *, received: int) -> Repaired[InteractionBatch]:
    """Does as `repair` for an envelope itself, without its interactions.

    Parameters
    ----------
    batch : InteractionBatch
        Of interactions, or a producer's report of what it has dropped.
    received : int
        Kafka's time of the message, in microseconds since 1970.

    Returns
    -------
    Repaired

    Raises
    ------
    PoisonError
        Of kind `invalid`: none of the interactions, or not the report, can be stored.

    Examples
    --------
    >>> envelope = InteractionBatch(producer_id="someone", first_sequence=0, interactions=())
    >>> repair_envelope(envelope, received=1_700_000_000_000_000)
    Traceback (most recent call last):
    ...
    watchline.schemas.errors.PoisonError: producer_id: not a UUID
    """
    _require_uuid("producer_id", batch.producer_id)
    # Each event's own sequence number must be a long too, or a dead letter of it can't be written.
    if not 0 <= batch.first_sequence <= _LARGEST_LONG - len(batch.interactions):
        raise PoisonError(Kind.INVALID, "negative or too large", "first_sequence")
    changes: dict[str, Any] = {"dropped": 0} if batch.dropped < 0 else {}
    if batch.is_report:
        changes |= _right_time(batch.time, received)
        # Its counts are all that it says: one with others in their place would be made up.
        if batch.feedback_dropped < 0:
            raise PoisonError(Kind.INVALID, "negative", "feedback_dropped")
        if batch.dropped < 0:
            raise PoisonError(Kind.INVALID, "negative", "dropped")
        if any(count < 0 for count in batch.dropped_by.values()):
            raise PoisonError(Kind.INVALID, "negative", "dropped_by")
    elif not batch.interactions:
        raise PoisonError(Kind.INVALID, "there are none", "interactions")
    return _repaired(batch, changes)


def _storable(record: Interaction) -> dict[str, Any]:
    """What must change in an interaction beside its time."""
    changes: dict[str, Any] = {}
    for name in _AMOUNTS:
        amount = getattr(record, name)
        if amount is not None and not (math.isfinite(amount) and amount >= 0):
            changes[name] = None
    for name in _UNSIGNED:
        count = getattr(record, name)
        if count is not None and count < 0:
            changes[name] = None
    if any(document.score is not None and not math.isfinite(document.score) for document in record.documents):
        changes["documents"] = tuple(
            document if document.score is None or math.isfinite(document.score) else replace(document, score=None)
            for document in record.documents
        )
    for name, digits in _HEX.items():
        text = getattr(record, name)
        # Their texts are never searched for personal data, since nothing but digits may stand there.
        if text is not None and not re.fullmatch(f"[0-9a-f]{{{digits}}}", text):
            changes[name] = None
    for name in ("input_parts", "output_parts"):
        if any(not 0 <= part.message < 1 << 32 for part in getattr(record, name)):
            changes[name] = tuple(part for part in getattr(record, name) if 0 <= part.message < 1 << 32)
    if any(length < 0 for length in record.truncated.values()):
        changes["truncated"] = {name: length for name, length in record.truncated.items() if length >= 0}
    return changes


def _repaired(record: R, changes: dict[str, Any]) -> Repaired[R]:
    if not changes:
        return Repaired(record)
    return Repaired(replace(record, **changes), tuple(changes), record.time if "time" in changes else None)


def _right_time(time: int, received: int) -> dict[str, Any]:
    return {} if YEAR_2000 <= time <= received + DAY else {"time": received}


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID in its usual form of 36 characters."""
    return _UUID.fullmatch(text) is not None


def _require_uuid(name: str, text: str) -> None:
    if not is_uuid(text):
        raise PoisonError(Kind.INVALID, "not a UUID", name)
