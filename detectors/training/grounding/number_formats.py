"""Amounts, dates and times of day in another format that says the same: $29 as 29 dollars, 4 as four, 5 PM as 17:00."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.runtime.words import words

_NAMES = dict(enumerate([*ENGLISH.words.units, *ENGLISH.words.teens], 1)) | {
    n: name for name, n in ENGLISH.words.tens.items()
}
_CURRENCIES = {"$": ("dollars", "USD"), "\u20ac": ("euros", "EUR"), "\u00a3": ("pounds", "GBP")}
_SIGNS = {name.lower(): sign for sign, names in _CURRENCIES.items() for name in names}
_SCALES = {"thousand": 3, "million": 6, "billion": 9}
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_AMOUNT = r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?"

Format = Callable[[re.Match[str], random.Random], str]


def in_words(number: int) -> str:
    """Of 1 to 99: twenty-four."""
    if number in _NAMES:
        return _NAMES[number]
    return f"{_NAMES[number // 10 * 10]}-{_NAMES[number % 10]}"


def reformatted(text: str, dice: random.Random) -> str:
    """The text with each number in another format; as it was where it has none that can be."""
    out: list[str] = []
    at = 0
    while at < len(text):
        written = next(((match, write) for pattern, write in _FORMATS if (match := pattern.match(text, at))), None)
        out.append(written[1](written[0], dice) if written else text[at])
        at = written[0].end() if written else at + 1
    return "".join(out)


def _money(match: re.Match[str], dice: random.Random) -> str:
    name, code = _CURRENCIES[match[1]]
    amount, scale = match[2] + (match[3] or ""), match[4] or ""
    amount = amount.removesuffix(".00").replace(",", "") if dice.random() < 0.5 else amount
    return dice.choice((f"{amount}{scale} {name}", f"{code} {amount}{scale}", f"{amount}{scale} {code}"))


def _named_money(match: re.Match[str], dice: random.Random) -> str:
    return f"{_SIGNS[match[4].lower()]}{match[1]}{(match[2] or '').removesuffix('.00')}{match[3] or ''}"


def _percent(match: re.Match[str], dice: random.Random) -> str:
    return match[1] + (dice.choice((" percent", " per cent")) if match[2] == "%" else "%")


def _scaled(match: re.Match[str], dice: random.Random) -> str:
    decimals = (match[2] or ".")[1:]
    zeros = _SCALES[match[3].lower()] - len(decimals)
    return f"{int(match[1].replace(',', '') + decimals + '0' * zeros):,}" if zeros >= 0 else match[0]


def _thousands(match: re.Match[str], dice: random.Random) -> str:
    digits = match[0].replace(",", "")
    for scale, zeros in reversed(_SCALES.items()):
        if digits.endswith("0" * zeros) and dice.random() < 0.5:
            return f"{digits[:-zeros]} {scale}"
    return digits


def _day(match: re.Match[str], dice: random.Random) -> str:
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(int(match[1]) % 10, "th") if not 10 < int(match[1]) < 14 else "th"
    return f"{match[2]} {match[1]}{dice.choice(('', suffix))}"


def _month(match: re.Match[str], dice: random.Random) -> str:
    return f"{match[2]} {match[1]}"


def _half_day(match: re.Match[str], dice: random.Random) -> str:
    hour = int(match[1]) % 12 + (12 if match[3] in "pP" else 0)
    return f"{hour}:{match[2] or '00'}"


def _full_day(match: re.Match[str], dice: random.Random) -> str:
    hour, minute = int(match[1]), match[2]
    if hour > 23 or int(minute) > 59:
        return match[0]
    half = dice.choice((" AM", " am", " a.m.") if hour < 12 else (" PM", " pm", " p.m."))
    return f"{hour % 12 or 12}{'' if minute == '00' else ':' + minute}{half}"


def _word(match: re.Match[str], dice: random.Random) -> str:
    (number,) = words(match[0]).numbers
    return number


def _digits(match: re.Match[str], dice: random.Random) -> str:
    return in_words(int(match[0]))


# "one" is mostly a pronoun.
_SMALL = "|".join(sorted((name for n, name in _NAMES.items() if n > 1), key=len, reverse=True))
_FORMATS: list[tuple[re.Pattern[str], Format]] = [
    (re.compile(rf"(?<![\w.,$\u20ac\u00a3:/-])(?:{pattern})(?!\w)", re.IGNORECASE), write)
    for pattern, write in (
        (rf"([$\u20ac\u00a3])\s?{_AMOUNT}( (?:million|billion))?", _money),
        (rf"{_AMOUNT}( (?:million|billion))? (dollars|euros|pounds|USD|EUR|GBP)", _named_money),
        (r"(\d+(?:\.\d+)?)(%| percent| per cent)", _percent),
        (r"(1[0-2]|[1-9])(?::([0-5]\d))?\s?([ap])(?:m|\.m\.)", _half_day),
        (r"(\d{1,2}):(\d\d)(?![\d:])", _full_day),
        (rf"{_AMOUNT} (thousand|million|billion)", _scaled),
        (r"\d{1,3}(?:,\d{3})+(?![\d.,]\d)", _thousands),
        (rf"(\d{{1,2}}) ({MONTHS})", _day),
        (rf"({MONTHS}) (\d{{1,2}})(?:st|nd|rd|th)?", _month),
        (rf"({'|'.join(ENGLISH.words.tens)})-({'|'.join(ENGLISH.words.units)})|{_SMALL}", _word),
        (r"[1-9]\d?(?![:%/-]|[.,]\d)", _digits),
    )
]
