"""Days and opening hours in English."""

from __future__ import annotations

import re

from watchline.detectors.languages.language import HoursWords

HOURS = HoursWords(
    days=("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    every_day="daily|every ?day|(?:seven|7) days|all week",
    weekdays="weekdays",
    weekends="weekends",
    open_or_closed=r"closed|opens?|operat\w+",
    closed="closed",
    times_to=r"to|until|till|through|and clos\w+(?: at)?",
    days_to="to|through|until|till",
    days_joined=r"\band\b|\bon\b",
    varying=re.compile(r"\b(?:var(?:y|ies|ying)|depending|most days|mainly)\b", re.IGNORECASE),
)
