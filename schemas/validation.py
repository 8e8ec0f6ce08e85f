"""What a decoded event must satisfy before it is stored: the limits of ClickHouse's types and of common sense."""

from __future__ import annotations

import math
import re
from uuid import UUID

from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Feedback, Interaction

YEAR_2000 = 946_684_800_000_000  # microseconds
DAY = 86_400_000_000  # microseconds
_UNSIGNED = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "reasoning_output_tokens",
)
_AMOUNTS = ("cost", "latency_s", "time_to_first_chunk_s")
_HEX = {"trace_id": 32, "span_id": 16, "prompt_hash": 64}


def check(record: Interaction | Feedback, *, received: int) -> None:
    """Raises PoisonError, naming the field and what is allowed, where the record cannot be stored as it is.

    `received` is the Kafka time of the record in microseconds: an event can't be from the day after it.
    """
    _check_uuid("event_id", record.event_id)
    if not YEAR_2000 <= record.time <= received + DAY:
        raise PoisonError("time: before 2000 or more than a day after it was received")
    if isinstance(record, Feedback):
        _check_uuid("feedback_id", record.feedback_id)
        return
    for name in _AMOUNTS:
        amount = getattr(record, name)
        if amount is not None and not (math.isfinite(amount) and amount >= 0):
            raise PoisonError(f"{name}: not a number, infinite or negative")
    for name in _UNSIGNED:
        count = getattr(record, name)
        if count is not None and count < 0:
            raise PoisonError(f"{name}: negative")
    for index, document in enumerate(record.documents):
        if document.score is not None and not math.isfinite(document.score):
            raise PoisonError(f"document {index}: score is not a finite number")
    for name, digits in _HEX.items():
        text = getattr(record, name)
        if text is not None and not re.fullmatch(f"[0-9a-f]{{{digits}}}", text):
            raise PoisonError(f"{name}: not {digits} lower-case hexadecimal digits")


def _check_uuid(name: str, text: str) -> None:
    try:
        UUID(text)
    except ValueError:
        raise PoisonError(f"{name}: not a UUID") from None
