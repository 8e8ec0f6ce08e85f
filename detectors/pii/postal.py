"""Postal addresses as countries write them: a street and its number, then what belongs to it, down to the country.

A street is known by its word (Road, Calle, -gracht, Cad.), or by a number and a postcode after a name. Forms: Universal
Postal Union, "Postal addressing systems" (upu.int).
"""

# ruff: noqa: RUF001 (dashes and letters that addresses have)

from __future__ import annotations

import re
from collections.abc import Iterator

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii.entities import Entity

_FLATS = ENGLISH.personal.flats
_STREETS = ENGLISH.personal.streets
_LINK = ENGLISH.personal.foreign_links
_FOREIGN_FLATS = ENGLISH.personal.foreign_flats
_FIRST = ENGLISH.personal.foreign_streets_first
_ENDING = ENGLISH.personal.foreign_street_endings
_LAST = ENGLISH.personal.foreign_street_ends
_WARDS = ENGLISH.personal.foreign_wards
_COMPASS = ENGLISH.personal.compass
_OF = ENGLISH.personal.of
_OF_NUMBERS = ENGLISH.personal.foreign_numbered_streets
_NO = ENGLISH.personal.foreign_number
_AGAIN = ENGLISH.personal.foreign_again
_SIDES = ENGLISH.personal.foreign_sides
_ALONE = ENGLISH.personal.foreign_streets_alone
_SCORE = 0.8
_FLAT = rf"[,\s]\s{{0,3}}(?:{_FLATS})\b\.? ?\w+"
_UNIT = rf"{_FLAT}|[,\s]\s{{0,3}}#\d+"
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ]"
_NAME = rf"{_CAPITAL}[\w'’.-]{{0,30}}"
_LINKS = rf"(?:(?:{_LINK}) ?){{0,3}}"
_NAMES = rf"{_LINKS}{_NAME}(?: {_LINKS}{_NAME}){{0,4}}"
_NUMBER = (
    r"\d{1,5}(?: ?[A-Za-z](?![\w:])(?: \d{1,3}(?![\w.]))?)?"
    r"(?: ?[-/–] ?\d{1,4}[A-Za-z]?)?(?:[/.-]\d{1,4})?(?!\w|[.,:]\d)"
)
_POSTCODE = r"(?:[A-Z]{1,2}-)?(?:\d\d-\d{3}|\d{4,5}-\d{3}|\d{3} \d\d|\d{8}|\d{4,6}|\d{4} ?[A-Z]{2})(?![\w-])"
_TOWN = rf"{_NAME}(?:[ /]{_LINKS}{_NAME}){{0,3}}"
_ENDS = r"(?=[,.;:)\]}<|\"'!?\n\\&]|\s?\Z| - | [|(])"
_PART = re.compile(
    r"(?:\.?,?[ \n]{1,2}| - )(?:"
    rf"{_POSTCODE} {_TOWN}(?: [A-Z]{{1,2}}\b| \d{{1,2}}\b)?(?:,? \([A-Z]{{2}}\))?"
    rf"|{_TOWN},?[ \n](?:[A-Z]{{2,3}}[ \n])?"
    r"(?:\d{5}(?:-\d{4})?|\d{4}|\d{3}-\d{4}|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?![\w-])"
    rf"|{_TOWN},? [A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}}\b"
    rf"|{_TOWN}(?: ?- ?|[ ,-]{{1,2}})\d{{3}} ?\d{{3}}(?!\w)"
    r"|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|\d{5}-\d{3}(?!\w)|[A-Z]\d[A-Z] ?\d[A-Z]\d\b"
    rf"|(?i:{_FOREIGN_FLATS})(?:\b[.:]? ?|[.:])#?(?:\d{{1,4}}[A-Za-z]?|[A-Z])(?![\w])"
    rf"|\d{{1,3}}[ºª°.](?: (?:{_SIDES}))?(?!\w)|\([A-Z]{{2}}\)|/ [A-Z]{{2}}\b)"
    rf"|, \d{{5,6}}(?=, {_CAPITAL})"
    r"|, (?P<code>(?!(?:19|20)\d\d\b)\d{4,6}|\d{4} ?[A-Z]{2})(?![\w-]|[.,]\d)"
    rf"|(?:, | - )(?P<plain>{_NAME}(?: {_LINKS}{_NAME}){{0,2}})(?:/{_NAME})?{_ENDS}(?!:)"
)
_MOST_PARTS, _MOST_PLAIN = 8, 3
_BEFORE = re.compile(rf"(?<!\w)(?:{_FLATS}|{_FOREIGN_FLATS})\b\.? ?(?:{_NO})?(?:[\w/-]{{1,6}},? )?\Z")
_NUMBERED = re.compile(rf"\b(?:{ENGLISH.personal.numbered})s?\.? ?#?\Z", re.IGNORECASE)
_THING = re.compile(rf"(?:{ENGLISH.personal.numbered})s?\.? ?#?\d", re.IGNORECASE)
_LOOK_BACK = 90

_BOX = re.compile(rf"\b(?:{ENGLISH.personal.post_box}|{ENGLISH.personal.rural_route})")
_NUMBER_FIRST = re.compile(
    rf"\b\d{{1,6}}(?:[-/]\d{{1,4}})?[A-Za-z]?,? (?:(?:{_COMPASS})\.? )?(?:[A-Z0-9][\w'.-]* ){{1,4}}?"
    rf"(?:{_STREETS})\b\.?(?! {_OF}\b)(?: (?:{_COMPASS})\b)?(?:{_UNIT})*"
    rf"|\b\d{{1,5}}(?: ?(?:{_AGAIN}))?,? (?:{_FIRST}) {_NAMES}"
    rf"|\b\d{{1,6}}(?: [^\W_][\w'.-]{{0,40}}){{1,5}} ?(?:{_FLAT})+"
    r"(?:[^?!;:.\d]{1,70}?(?!(?:19|20)\d\d\b)\d{4,6}\b)?"
    rf"|\b\d{{1,5}}[A-Z]?, (?:{_STREETS}) (?:{_NO})?\d{{1,4}}\b"
    rf"|\b\d{{1,4}}(?:-\d{{1,3}}){{1,3}},? (?:{_NAME},? ){{0,2}}{_NAME}-(?:{_WARDS})\b"
)
# A street's name before its number: known by its word, or by the postcode after the number only.
_HOUSE = re.compile(rf"(?<=[^\s\d][ ])(?:{_NO})?{_NUMBER}")
_STREET = re.compile(
    rf"(?<!\w)(?:(?:{_FIRST}) ?{_NAMES}"
    rf"|(?:{_NAME} ){{0,2}}{_CAPITAL}[\w'’.-]{{0,30}}(?:{_ENDING})"
    rf"|{_NAME}(?: {_NAME}){{0,3}} (?:{_LAST})\.?),? ?\Z"
)
_ANY = re.compile(
    rf"(?<![\w.])(?:[^\W\d_]{{1,4}}\. (?:(?:{_LINK}) )?)?{_CAPITAL}[\w'’-]{{0,30}}"
    rf"(?: (?:{_LINK}|{_CAPITAL}[\w'’-]{{0,30}})){{0,4}},? \Z"
)
_TOWN_AFTER = re.compile(rf",?[ \n](?:{_NAMES}, )?{_POSTCODE},? {_TOWN}{_ENDS}")
_LAST_WORD = re.compile(rf"(?:{_CAPITAL}[\w'’.-]{{0,40}}|(?<!\w)(?:{_LAST})\.?),? \Z")
_STREET_ALONE = re.compile(
    rf"\b(?:{'|'.join((*_ALONE, *(word.capitalize() for word in _ALONE)))}) {_LINKS}{_NAME}(?: \d{{1,5}}\b)?"
)
_OF_NUMBERED_STREET = re.compile(
    rf"\b(?:{_OF_NUMBERS}) ?\d{{1,3}}[A-Zª]?(?: [A-Z])? ?# ?\d{{1,3}}[A-Z]? ?- ?\d{{1,3}}\b"
)
# India: parts with commas down to a PIN code.
_PIN = re.compile(r"[ –-][1-9]\d\d ?\d{3}(?![\w-])")
_DOWN_TO_PIN = re.compile(
    rf"(?<![\w-])(?:(?:{_FOREIGN_FLATS})\b\.? ?(?:{_NO})? ?)?(?:[A-Z]{{1,2}}[-/ ]?)?"
    rf"\d{{1,5}}(?:[-/][\dA-Z]{{1,5}}){{0,3}},"
    rf"(?:\s(?:{_CAPITAL}|\d)[^,;:?!\n]{{1,40}},){{1,6}}\s{_NAME}(?: {_NAME}){{0,2}}\Z"
)


def find(text: str) -> Iterator[Entity]:
    """Postal addresses; entities may overlap.

    Parameters
    ----------
    text
        Folded (see `folding`).

    Examples
    --------
    >>> text = "From 12 Oak Street, Springfield, IL 62704 to Prinsengracht 263, 1016 GV Amsterdam."
    >>> [text[entity.start : entity.end] for entity in find(text)]
    ['12 Oak Street, Springfield, IL 62704', 'Prinsengracht 263, 1016 GV Amsterdam']
    """
    for start, street in _streets(text):
        if not _numbered(text, start):
            before = _BEFORE.search(text, max(start - 20, 0), start)
            yield Entity(before.start() if before else start, end(text, street), "ADDRESS", _SCORE)


def _streets(text: str) -> Iterator[tuple[int, int]]:
    """Streets with their numbers, and what stands in their place."""
    for match in _NUMBER_FIRST.finditer(text):
        yield match.span()
    if ENGLISH.personal.box in text:
        for match in _BOX.finditer(text):
            yield match.span()
    if "#" in text:
        for match in _OF_NUMBERED_STREET.finditer(text):
            yield match.span()
    lower = text.lower()
    if any(word in lower for word in _ALONE):
        for match in _STREET_ALONE.finditer(text):
            yield match.span()
    for house in _HOUSE.finditer(text):
        start = house.start()
        first = max(start - _LOOK_BACK, 0)
        if _LAST_WORD.search(text, max(start - 45, 0), start) is None:
            continue
        street = _STREET.search(text, first, start)
        if street is None and _TOWN_AFTER.match(text, house.end()) and not _numbered(text, start):
            street = _ANY.search(text, first, start)
        if street is not None:
            yield street.start(), house.end()
    for pin in _PIN.finditer(text):
        town = pin.start()
        while town and text[town - 1] in " –-":
            town -= 1
        parts = _DOWN_TO_PIN.search(text, max(town - 2 * _LOOK_BACK, 0), town)
        if parts is not None:
            yield parts.start(), pin.end()


def is_numbered(value: str) -> bool:
    """Whether what looks like an address is "chapter 12" or the like, and has no street.

    Examples
    --------
    >>> is_numbered("Lesson 12"), is_numbered("Level 2, 14 Oak Street")
    (True, False)
    """
    return _THING.match(value) is not None and next(_streets(value), None) is None


def _numbered(text: str, start: int) -> bool:
    """Whether the number there is that of a chapter, a version or the like."""
    return _NUMBERED.search(text, max(start - 20, 0), start) is not None


def end(text: str, street: int, most_plain: int = _MOST_PLAIN) -> int:
    """Where an address ends whose street ends there: flat, district, postcode, town, country belong to it.

    Parameters
    ----------
    text
        Folded (see `folding`).
    street
        A place in it, in code points.
    most_plain
        How many names without a number may follow.

    Examples
    --------
    >>> end("5 Elm Road, Bath BA1 1AA, we moved", 10)
    24
    """
    place, plain = street, 0
    for _ in range(_MOST_PARTS):
        part = _PART.match(text, place)
        if part is None or (part["code"] and most_plain and not plain):
            break
        if part["plain"]:
            plain += 1
            if plain > most_plain or part["plain"].split()[0] in ENGLISH.personal.no_names:
                break
        place = part.end()
    while place > street and text[place - 1] in ".-'’":
        place -= 1
    return place
