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

from watchline.detectors.grounding import opening_hours
from watchline.detectors.grounding.evidence import Unit, units
from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.runtime.text import sentences

NAMES = (
    "conflicts",  # keys whose value says otherwise: log(1 + n)
    "conflicts_nested",  # so where the key stands within another key that the sentence doesn't mention
    "unknown",  # keys claimed whose value is null
    "unknown_denied",  # keys denied whose value is null
    "supported",  # keys mentioned whose value agrees
    "hours_wrong",  # days with other hours than claimed, or none
    "hours_right",
    "rating_wrong",  # "4.5 stars" where no key that rates has that value
    "rating_right",
)

_JSON = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PROSE = 100  # characters; a longer value is text, read by the sentence
# They stand in every reading:
_KEY = 100  # characters of a key that are read
_DEPTH = 8  # keys of a path that are read, the innermost
_MAX_RECORD = 2000  # pairs that a sentence is held against


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
        value = self.value
        if isinstance(value, bool):
            value = ENGLISH.records.yes if value else ENGLISH.records.no
        elif value is None:
            value = ENGLISH.records.unknown
        return f"{' '.join(' '.join(_words(key)) for key in self.path)}: {value}"


def pairs(text: str) -> list[Pair] | None:
    """The key-value pairs of a JSON object or list of objects, in order; None for any other text.

    Examples
    --------
    >>> [pair.reading for pair in pairs('{"OutdoorSeating": false, "hours": {"Monday": "9:0-17:0"}}')]
    ['outdoor seating: no', 'hours monday: 9:0-17:0']
    """
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return list(_scan(text)) or None


def is_record(items: Sequence[Pair]) -> bool:
    """Whether the pairs are data rather than prose with a few keys around it."""
    long = sum(pair.end - pair.start > _PROSE for pair in items)
    return len(items) - long >= max(5, 3 * long)


def structured_units(field: str, text: str, items: Sequence[Pair]) -> list[Unit]:
    """The units of a structured document: each pair in words; a long value sentence by sentence."""
    out: list[Unit] = []
    for pair in items:
        if isinstance(pair.value, str) and pair.end - pair.start > _PROSE:
            offsets = [(pair.start + start, pair.start + end) for start, end in sentences(text[pair.start : pair.end])]
            out += units(field, text, offsets)
        else:
            out.append(Unit(field, pair.start, pair.end, pair.reading))
    return out


@dataclass(frozen=True, slots=True)
class Fault:
    """A clause of a sentence that a pair contradicts or doesn't bear out; None where what is claimed has no pair."""

    start: int
    end: int
    pair: Pair | None


def check(sentence: str, record: Sequence[Pair]) -> tuple[list[int], list[Fault]]:
    """Holds a sentence against a record.

    Returns
    -------
    counts : list of int
        In the order of `NAMES`.
    faults : list of Fault
        What the sentence gets wrong.

    Examples
    --------
    >>> counts, (fault,) = check("It has free WiFi, and offers outdoor seating.", pairs('{"OutdoorSeating": false}'))
    >>> counts[NAMES.index("conflicts")], fault.pair.reading
    (1, 'outdoor seating: no')
    """
    count: Counter[str] = Counter()
    faults: list[Fault] = []
    untold = ENGLISH.records.untold.search(sentence) is not None
    lowered = sentence.lower()
    for pair, words, parent in _statements(record[:_MAX_RECORD]):
        if _stem(words[0]).lower() not in lowered:
            continue
        mention = _reading(words).search(sentence)
        if mention is None:
            continue
        claimed = not _is_denied(sentence, mention)
        if pair.value is not None and _truth(pair.value) == claimed:
            count["supported"] += 1
            continue
        if pair.value is not None:
            count["conflicts" if parent is None or _reading(parent).search(sentence) else "conflicts_nested"] += 1
        elif untold:
            continue
        else:
            count["unknown" if claimed else "unknown_denied"] += 1
        faults.append(Fault(*_clause(sentence, *mention.span()), pair))
    hours = {pair.path[-1].lower(): pair for pair in record if pair.path[-1].lower() in opening_hours.DAYS}
    for day, said in opening_hours.claimed(sentence).items() if hours else ():
        known = hours.get(day)
        true = opening_hours.stated(str(known.value)) if known else opening_hours.CLOSED
        if said == true or (said == opening_hours.OPEN and true != opening_hours.CLOSED):
            count["hours_right"] += 1
        else:
            count["hours_wrong"] += 1
            faults.append(Fault(*opening_hours.extent(sentence), known))
    ratings = [
        pair for pair in record if ENGLISH.records.rates.search(pair.path[-1]) and isinstance(pair.value, int | float)
    ]
    for match in ENGLISH.records.rating.finditer(sentence) if ratings else ():
        if any(float(match[1]) == pair.value for pair in ratings):
            count["rating_right"] += 1
        else:
            count["rating_wrong"] += 1
            faults.append(Fault(*match.span(), ratings[0]))
    return [count[name] for name in NAMES], faults


def _clause(sentence: str, start: int, end: int) -> tuple[int, int]:
    """The stretch between commas and conjunctions around a place, without the blanks around it."""
    first, last = 0, len(sentence)
    for match in ENGLISH.records.clause_break.finditer(sentence):
        if match.end() <= start:
            first = match.end()
        elif match.start() >= end:
            last = match.start()
            break
    part = sentence[first:last]
    return first + len(part) - len(part.lstrip()), last - len(part) + len(part.rstrip())


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
                key, key_start = json.loads(mark)[:_KEY], match.start()
            elif key or path:
                keys = (*path[-_DEPTH:], key) if key else tuple(path[-_DEPTH:])
                yield Pair(keys, json.loads(mark), key_start if key else match.start(), match.end())
                key = ""


def _words(key: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(key)] or [key.lower()]


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else ENGLISH.records.truth.get(str(value).strip().lower())


def _statements(record: Sequence[Pair]) -> Iterator[tuple[Pair, list[str], list[str] | None]]:
    """Pairs that say yes, no or unknown, with the words of key and parent key that stand in a sentence."""
    firsts = Counter(_words(pair.path[-1])[0] for pair in record if len(_words(pair.path[-1])) > 1)
    for pair in record:
        if pair.value is not None and _truth(pair.value) is None:
            continue
        key = _words(pair.path[-1])
        # What several keys begin with names the thing, not the quality: RestaurantsTakeOut, RestaurantsReservations.
        while len(key) > 1 and (firsts[key[0]] > 1 or key[0] in ENGLISH.records.fillers):
            key = key[1:]
        parent = _words(pair.path[-2])[-1:] if len(pair.path) > 2 else None
        yield pair, key, parent or None


def _reading(key: Sequence[str]) -> re.Pattern[str]:
    stems = [re.escape(_stem(word)) for word in key]
    return re.compile(r"\b" + r"[\s-]*".join(stems) + r"\w{0,4}\b", re.IGNORECASE)


def _stem(word: str) -> str:
    return ENGLISH.records.key_suffix.sub("", word) if len(word) > 4 else word


def _is_denied(sentence: str, mention: re.Match[str]) -> bool:
    """Whether a negation before the place governs it, or one right after it does."""
    before = ENGLISH.records.turn.split(sentence[: mention.start()])[-1]
    return bool(ENGLISH.records.denied.search(before) or ENGLISH.records.denied_after.match(sentence, mention.end()))
