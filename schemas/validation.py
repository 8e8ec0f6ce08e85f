"""Checks decoded records before they are stored: the limits of ClickHouse's types, and times that can't be right."""

from __future__ import annotations

import math
import re

from watchline.schemas.columns import INTERACTION
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.records import Feedback, Interaction, InteractionBatch

YEAR_2000 = 946_684_800_000_000  # microseconds
DAY = 86_400_000_000  # microseconds
_LARGEST_LONG = (1 << 63) - 1
_UNSIGNED = [column.name for column in INTERACTION if column.type == "Nullable(UInt64)"]
_AMOUNTS = [column.name for column in INTERACTION if column.type == "Nullable(Float64)"]
# The one form in text. Python's UUID() and ClickHouse's client take others, and not the same ones.
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_REASON = re.compile("[a-z_: ]{1,60}")
_HEX = {"trace_id": 32, "span_id": 16, "prompt_hash": 64}


def check(record: Interaction | Feedback, *, received: int) -> None:
    """Checks that an interaction or a feedback can be stored as it is.

    Parameters
    ----------
    record : Interaction or Feedback
    received : int
        Kafka's time of its message, in microseconds since 1970. A record may be of a day later at most.

    Raises
    ------
    PoisonError
        Of kind `invalid`; it names the first field at fault and what is wrong with it.

    Examples
    --------
    >>> from watchline.schemas.records import Interaction
    >>> now = 1_700_000_000_000_000
    >>> event = Interaction(event_id="018bcfe5-6800-7000-8000-000000000001", time=now, app="shop", cost=-0.5)
    >>> check(event, received=now)
    Traceback (most recent call last):
    ...
    watchline.schemas.errors.PoisonError: cost: not a number, infinite or negative
    """
    _check_uuid("event_id", record.event_id)
    _check_time(record.time, received)
    if isinstance(record, Feedback):
        _check_uuid("feedback_id", record.feedback_id)
        if record.rating is not None and not -(1 << 31) <= record.rating < 1 << 31:
            raise PoisonError(Kind.INVALID, "not a 32-bit number", "rating")
        return
    for name in _AMOUNTS:
        amount = getattr(record, name)
        if amount is not None and not (math.isfinite(amount) and amount >= 0):
            raise PoisonError(Kind.INVALID, "not a number, infinite or negative", name)
    for name in _UNSIGNED:
        count = getattr(record, name)
        if count is not None and count < 0:
            raise PoisonError(Kind.INVALID, "negative", name)
    for index, document in enumerate(record.documents):
        if document.score is not None and not math.isfinite(document.score):
            raise PoisonError(Kind.INVALID, f"the score of document {index} is not a finite number", "documents")
    for name, digits in _HEX.items():
        text = getattr(record, name)
        if text is not None and not re.fullmatch(f"[0-9a-f]{{{digits}}}", text):
            raise PoisonError(Kind.INVALID, f"not {digits} lower-case hexadecimal digits", name)
    if any(length < 0 for length in record.truncated.values()):
        raise PoisonError(Kind.INVALID, "negative", "truncated")


def check_envelope(batch: InteractionBatch, *, received: int) -> None:
    """Checks an envelope itself, without its interactions, which `check` is for.

    Parameters
    ----------
    batch : InteractionBatch
        Of interactions, or a producer's report of what it has dropped.
    received : int
        Kafka's time of the message, in microseconds since 1970.

    Raises
    ------
    PoisonError
        Of kind `invalid`: none of the interactions, or not the report, can be stored.

    Examples
    --------
    >>> envelope = InteractionBatch(producer_id="someone", first_sequence=0, interactions=())
    >>> check_envelope(envelope, received=1_700_000_000_000_000)
    Traceback (most recent call last):
    ...
    watchline.schemas.errors.PoisonError: producer_id: not a UUID
    """
    _check_uuid("producer_id", batch.producer_id)
    # Each event's own sequence number must be a long too, or a dead letter of it can't be written.
    if not 0 <= batch.first_sequence <= _LARGEST_LONG - len(batch.interactions):
        raise PoisonError(Kind.INVALID, "negative or too large", "first_sequence")
    if batch.dropped < 0:
        raise PoisonError(Kind.INVALID, "negative", "dropped")
    if batch.is_report:
        _check_time(batch.time, received)
        if batch.feedback_dropped < 0:
            raise PoisonError(Kind.INVALID, "negative", "feedback_dropped")
        if any(count < 0 for count in batch.dropped_by.values()):
            raise PoisonError(Kind.INVALID, "negative", "dropped_by")
        if not all(map(_REASON.fullmatch, batch.dropped_by)):  # they are stored as they are
            raise PoisonError(
                Kind.INVALID, "a reason is up to 60 lower-case letters, underscores, colons and spaces", "dropped_by"
            )
    elif not batch.interactions:
        raise PoisonError(Kind.INVALID, "there are none", "interactions")


def _check_time(time: int, received: int) -> None:
    if not YEAR_2000 <= time <= received + DAY:
        raise PoisonError(Kind.INVALID, "before 2000 or more than a day after it was received", "time")


def _check_uuid(name: str, text: str) -> None:
    if not _UUID.fullmatch(text):
        raise PoisonError(Kind.INVALID, "not a UUID", name)
