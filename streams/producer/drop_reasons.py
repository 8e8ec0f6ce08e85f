"""Why a producer drops an event, in the words of its reports: a fixed set, so that none can quote an event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from watchline.streams.producer.arguments import ARGUMENTS

OTHER = "other"
BAD_VALUE = "bad value"
_KNOWN = frozenset(
    [
        *("before_send", "buffer full", "closed", "delivery failed", "internal", OTHER),
        *("too large", "too large for kafka"),
        *(BAD_VALUE, *(f"{BAD_VALUE}: {argument}" for argument in ARGUMENTS)),
    ]
)


def known(dropped_by: Mapping[str, int]) -> dict[str, int]:
    """Counts by reason, those of any other reason than a producer's together.

    Examples
    --------
    >>> known({"buffer full": 2, "bad value: cost": 1, "my name is Ann": 3, "so is mine": 4})
    {'buffer full': 2, 'bad value: cost': 1, 'other': 7}
    """
    counts: Counter[str] = Counter()
    for reason, count in dropped_by.items():
        counts[reason if reason in _KNOWN else OTHER] += count
    return dict(counts)
