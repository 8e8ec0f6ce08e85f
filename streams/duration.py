"""Durations as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds in the largest unit that takes them without a fraction.

    >>> duration(604_800), duration(86_400), duration(5_400), duration(1.5)
    ('7 days', '24 h', '90 min', '1.5 s')
    """
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds > unit and seconds % unit == 0:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:g} s"
