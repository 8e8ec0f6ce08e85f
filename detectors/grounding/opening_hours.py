"""Opening hours, as a record gives them and as a sentence claims them, day by day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.runtime.words import clock

DAYS = ENGLISH.hours.days
OPEN, CLOSED = "open", "closed"

_PLURAL = f"{ENGLISH.words.plural}?"
_TIME = re.compile(r"\d{1,2}:\d\d")
_NAMED = (
    rf"(?P<day>{'|'.join(DAYS)}){_PLURAL}\b"
    rf"|\b(?:(?P<every>{ENGLISH.hours.every_day})|(?P<part>{ENGLISH.hours.weekdays}|{ENGLISH.hours.weekends}))\b"
)
_SAID = rf"\b(?P<said>{ENGLISH.hours.open_or_closed})\b"
_TO = rf"\s*(?:{ENGLISH.hours.times_to}|[-\u2013\u2014])\s*"
_MARK = re.compile(rf"{_NAMED}|{_SAID}|(?P<time>\b\d{{1,2}}:\d\d)(?:{_TO}(?P<end>\d{{1,2}}:\d\d))?", re.IGNORECASE)
_WRITTEN = re.compile(rf"{_NAMED}|{_SAID}|\b\d{{1,2}}(?::\d\d)?\s*(?:{ENGLISH.words.half_day})?", re.IGNORECASE)
_RANGE = re.compile(rf"{_PLURAL}\s*(?:{ENGLISH.hours.days_to}|[-\u2013\u2014])\s*", re.IGNORECASE)
_LIST = re.compile(rf"{_PLURAL}(?:\s|,|/|&|\+|{ENGLISH.hours.days_joined})*", re.IGNORECASE)


@dataclass(slots=True)
class _Days:
    """Days named together, and what the sentence says of them."""

    days: list[str]
    end: int
    said: str
    times: str = ""


def stated(value: str) -> str:
    """What a record's value says of a day: hours as `claimed` has them, or closed, which records write 0:0-0:0.

    Examples
    --------
    >>> stated("9:0-17:0"), stated("0:0-0:0")
    ('9:00-5:00', 'closed')
    """
    times = _TIME.findall(clock(value))
    return CLOSED if len(times) != 2 or times[0] == times[1] else _on_the_dial(*times)


def claimed(sentence: str) -> Mapping[str, str]:
    """What a sentence says of each day that it speaks of: "9:00-5:00" (on a dial: before noon or after), open, closed.

    Times go with the days before them, or with those after them where the sentence begins with times. Days that are
    named again without times, as in "daily from 9 to 5, with longer hours on Friday", are left out.

    Examples
    --------
    >>> claimed("They open Monday and Tuesday from 9 am to 5 pm and are closed on Sunday.")
    {'monday': '9:00-5:00', 'tuesday': '9:00-5:00', 'sunday': 'closed'}
    """
    mentions = [
        mention
        for mention in _read(clock(sentence))
        if not (isinstance(mention, str) and ENGLISH.hours.varying.search(sentence))
    ]
    times_first = bool(mentions) and isinstance(mentions[0], str)
    for place, times in enumerate(mentions):
        if isinstance(times, str):
            before, after = (
                mentions[place - 1] if place else "",
                mentions[place + 1] if place + 1 < len(mentions) else "",
            )
            for days in (after, before) if times_first else (before, after):
                if isinstance(days, _Days) and not days.times:
                    days.times = times
                    break
    claims: dict[str, str] = {}
    for mention in mentions:
        if isinstance(mention, str):
            continue
        for day in mention.days:
            if mention.times or day not in claims:
                claims[day] = mention.times or mention.said
            else:  # it is said to differ
                claims[day] = CLOSED if mention.said == CLOSED else ""
    return {day: said for day, said in claims.items() if said}


def extent(sentence: str) -> tuple[int, int]:
    """Start and end of all that a sentence says of days and times; of the whole sentence where it says nothing."""
    marks = list(_WRITTEN.finditer(sentence))
    return (marks[0].start(), marks[-1].end()) if marks else (0, len(sentence))


def _read(text: str) -> list[_Days | str]:
    """Days and times in the order of the text, whose times are written one way."""
    mentions: list[_Days | str] = []
    said = ""
    for match in _MARK.finditer(text):
        last = mentions[-1] if mentions else None
        if match["time"]:
            if match["end"]:
                mentions.append(_on_the_dial(match["time"], match["end"]))
        elif match["said"]:
            said = CLOSED if match["said"].lower() == ENGLISH.hours.closed else OPEN
        elif isinstance(last, _Days) and match["day"] and _RANGE.fullmatch(text, last.end, match.start()):
            first, end = DAYS.index(last.days[-1]), DAYS.index(match["day"].lower())
            last.days += [DAYS[(first + step) % 7] for step in range(1, (end - first) % 7 + 1)]
            last.end = match.end()
        elif isinstance(last, _Days) and last.said == said and _LIST.fullmatch(text, last.end, match.start()):
            last.days += _days(match)
            last.end = match.end()
        else:
            mentions.append(_Days(_days(match), match.end(), said))
    return mentions


def _days(match: re.Match[str]) -> list[str]:
    if match["day"]:
        return [match["day"].lower()]
    return list(DAYS if match["every"] else DAYS[5:] if match["part"].lower() == ENGLISH.hours.weekends else DAYS[:5])


def _on_the_dial(start: str, end: str) -> str:
    """Records and people leave out the half of the day: 9:00-17:00 and 9-5 are the same."""
    return "-".join(f"{(int(hour) - 1) % 12 + 1}:{minute}" for hour, minute in (t.split(":") for t in (start, end)))
