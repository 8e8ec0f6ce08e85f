"""An answer held against the keys and values of a JSON document: what word overlap cannot see.

"Offers outdoor seating" shares all its words with `"OutdoorSeating": false`. A key is taken as mentioned when its words
stand in the sentence, and the sentence as denying it when a negation governs the place; opening hours are compared day
by day. Many faults of data-to-text answers are of these kinds (RAGTruth, Niu et al. 2024).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from watchline.detectors.evidence import Unit, units
from watchline.detectors.text import sentences
from watchline.detectors.words import clock

NAMES = (
    "conflicts",  # keys whose value says otherwise: log(1 + n)
    "conflicts_nested",  # so where the key stands within another key that the sentence doesn't mention
    "unknown",  # keys mentioned whose value is null
    "supported",  # keys mentioned whose value agrees
    "hours_wrong",  # days with other hours than claimed, or none
    "hours_right",
)

_JSON = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_FILLER = frozenset(["is", "has", "have", "good", "for", "allows", "accepts", "offers"])
_YES_NO = {"yes": True, "free": True, "paid": True, "true": True, "no": False, "none": False, "false": False}
_PROSE = 100  # characters; a longer value is text, read by the sentence
_DENIED = re.compile(
    r"\b(?:not|no|never|neither|nor|without|lacks?|cannot|unavailable|except|excluding)\b|n['\u2019]t\b", re.IGNORECASE
)
_TURN = re.compile(r"\b(?:but|however|though|although|while|whereas|yet|still)\b|[;:.]", re.IGNORECASE)
_DENIED_AFTER = re.compile(
    r"[^,;]{0,25}?\b(?:(?:is|are|was|were)(?: not|n['\u2019]t)|unavailable|not (?:available|offered|allowed))\b",
    re.IGNORECASE,
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WHEN = re.compile(
    rf"(?P<day>{'|'.join(_DAYS)})s?\b|(?P<every>daily|every ?day|seven days|7 days|all week)"
    r"|(?P<to>\b(?:to|through|until|till)\b|[-\u2013\u2014])|(?P<time>\b\d{1,2}:\d\d\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A value in a document: its path of keys, and where key and value stand."""

    path: tuple[str, ...]
    value: object
    start: int
    end: int

    @property
    def reading(self) -> str:
        """Key and value in words."""
        value = {True: "yes", False: "no"}.get(self.value, self.value) if isinstance(self.value, bool) else self.value
        return f"{' '.join(' '.join(_words(key)) for key in self.path)}: {'unknown' if value is None else value}"


def pairs(text: str) -> list[Pair] | None:
    """The key-value pairs of a JSON object or list of objects, in order; None for any other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return list(_scan(text)) or None


def is_record(found: Sequence[Pair]) -> bool:
    """Whether the pairs are data rather than prose with a few keys around it."""
    long = sum(pair.end - pair.start > _PROSE for pair in found)
    return len(found) - long >= max(5, 3 * long)


def structured_units(field: str, text: str, found: Sequence[Pair]) -> list[Unit]:
    """The units of a structured document: each pair in words; a long value sentence by sentence."""
    out: list[Unit] = []
    for pair in found:
        if isinstance(pair.value, str) and pair.end - pair.start > _PROSE:
            offsets = [(pair.start + start, pair.start + end) for start, end in sentences(text[pair.start : pair.end])]
            out += units(field, text, offsets)
        else:
            out.append(Unit(field, pair.start, pair.end, pair.reading))
    return out


def check(sentence: str, found: Sequence[Pair]) -> tuple[list[int], Pair | None]:
    """Counts in the order of `NAMES`, and a pair that the sentence contradicts."""
    count: Counter[str] = Counter()
    against: Pair | None = None
    for pair, key, parent in _statements(found):
        mention = key.search(sentence)
        if mention is None:
            continue
        claimed = not _is_denied(sentence, mention)
        if pair.value is None:
            count["unknown"] += 1
        elif _truth(pair.value) == claimed:
            count["supported"] += 1
        else:
            count["conflicts" if parent is None or parent.search(sentence) else "conflicts_nested"] += 1
            against = against or pair
    hours = {pair.path[-1].lower(): pair for pair in found if pair.path[-1].lower() in _DAYS}
    if hours:
        for day, times in _claimed_hours(sentence):
            known = hours.get(day)
            stated = clock(str(known.value)).replace(" ", "") if known else ""
            if stated == "-".join(times) or (known and times == ("open",)):
                count["hours_right"] += 1
            else:
                count["hours_wrong"] += 1
                against = against or known
    return [count[name] for name in NAMES], against


def _scan(text: str) -> Iterator[Pair]:
    path: list[str] = []  # a key for each open object or list that stands under one
    depth: list[int] = []  # how long `path` was where each was opened
    key, key_start = "", 0
    tokens = list(_JSON.finditer(text))
    for place, match in enumerate(tokens):
        mark = match[0]
        if mark in "{[":
            depth.append(len(path))
            path += [key] if key else []
            key = ""
        elif mark in "}]":
            del path[depth.pop() :]
            key = ""
        elif mark not in ",:":
            if mark[0] == '"' and place + 1 < len(tokens) and tokens[place + 1][0] == ":":
                key, key_start = json.loads(mark), match.start()
            elif key or path:
                keys = (*path, key) if key else tuple(path)
                yield Pair(keys, json.loads(mark), key_start if key else match.start(), match.end())
                key = ""


def _words(key: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(key)] or [key.lower()]


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else _YES_NO.get(str(value).strip().lower())


def _statements(found: Sequence[Pair]) -> Iterator[tuple[Pair, re.Pattern[str], re.Pattern[str] | None]]:
    """Pairs that say yes, no or unknown, with how key and parent key read in a sentence."""
    firsts = Counter(_words(pair.path[-1])[0] for pair in found if len(_words(pair.path[-1])) > 1)
    for pair in found:
        if pair.value is not None and _truth(pair.value) is None:
            continue
        key = _words(pair.path[-1])
        # What several keys begin with names the thing, not the quality: RestaurantsTakeOut, RestaurantsReservations.
        while len(key) > 1 and (firsts[key[0]] > 1 or key[0] in _FILLER):
            key = key[1:]
        parent = _words(pair.path[-2])[-1:] if len(pair.path) > 2 else None
        yield pair, _reading(key), _reading(parent) if parent else None


def _reading(key: Sequence[str]) -> re.Pattern[str]:
    stems = [re.escape(re.sub(r"(?:ing|s|e)$", "", word) if len(word) > 4 else word) for word in key]
    return re.compile(r"\b" + r"[\s-]*".join(stems) + r"\w{0,4}\b", re.IGNORECASE)


def _is_denied(sentence: str, mention: re.Match[str]) -> bool:
    """Whether a negation before the place governs it, or one right after it does."""
    before = _TURN.split(sentence[: mention.start()])[-1]
    return bool(_DENIED.search(before)) or bool(_DENIED_AFTER.match(sentence, mention.end()))


def _claimed_hours(sentence: str) -> list[tuple[str, tuple[str, ...]]]:
    """Days with the times that the sentence gives them: ("monday", ("9:00", "17:00"))."""
    claims: list[tuple[str, tuple[str, ...]]] = []
    days: list[str] = []
    times: list[str] = []
    to = fresh = False
    for match in _WHEN.finditer(clock(sentence)):
        if match["to"]:
            to = True
            continue
        if match["time"]:
            times.append(match["time"])
            if len(times) == 2 and days:
                claims += [(day, tuple(times)) for day in days]
                times, fresh = [], True
        else:
            if fresh:
                days, fresh = [], False
            day = (match["day"] or "").lower()
            if not day:
                days = list(_DAYS)
            elif to and days and not times:
                first, last = _DAYS.index(days[-1]), _DAYS.index(day)
                days += [_DAYS[(first + step) % 7] for step in range(1, (last - first) % 7 + 1)]
            else:
                days.append(day)
        to = False
    if len(times) == 2 and days:
        claims += [(day, tuple(times)) for day in days]
    elif not claims and len(days) == len(_DAYS) and not _DENIED.search(sentence):
        claims += [(day, ("open",)) for day in days]
    return claims
