"""A text as words that can be compared: normalised, stemmed, numbers and names apart. Rules only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_CLOCK = re.compile(r"\b(\d{1,2})(?::(\d{1,2}))?(?::\d\d)?\s*(?:([ap])\.?m\b\.?)?", re.IGNORECASE)
_URL = re.compile(r"https?://\S+|www\.\S+")
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W_]+(?:['\u2019][^\W_]+)?")
_PLAIN = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
_SUFFIX = re.compile(r"(?:ations?|ings?|edly|ed|ies|es|ly|s|y|e)$")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|lacks?|unable|nothing|nobody)\b|n['\u2019]t\b", re.IGNORECASE
)
UNITS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
# Other writings of a word; "one" is mostly a pronoun, and left alone.
_SAME = {name: str(n) for n, name in enumerate([*UNITS, *TEENS], 1) if n > 1}
_SAME |= {name: str(n) for name, n in TENS.items()}
_SAME |= {"usd": "dollar", "eur": "euro", "gbp": "pound"}
_SIGN = re.compile(r"[$\u20ac\u00a3](?=\s?\d)|(?<=\d)(?:\s?%|(?:st|nd|rd|th|[MBKk])\b)")
_SIGNS = {"$": " dollar ", "\u20ac": " euro ", "\u00a3": " pound ", "%": " percent "}
_SIGNS |= {"M": " million", "B": " billion", "K": " thousand", "k": " thousand"}
# Function words; negation, which is a signal of its own; how an answer speaks of its sources and of itself.
_STOP_WORDS = """
a about above after again all also although an and any are as at be because been before being below between both but by
can could did do does doing down during each either even every few for from further had has have having he her here hers
him his how however i if in into is it its itself just like many may me might more most much must my of off on once one
only or other others our out over own per rather same shall she should so some such than that the their them then there
therefore these they this those through thus to too under until up upon us very was we were what when where whether
which while who whom whose why will with within would you your yours it's i'm you're they're that's there's yes

not no nor never none neither cannot without don't doesn't didn't isn't aren't wasn't weren't can't won't wouldn't
couldn't

according based provided given following passage passages document documents context article text information mentioned
states stated answer question note overall summary additionally furthermore moreover finally important
"""
_STOP = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True, slots=True)
class Words:
    """A text as words: `tokens` in order, normalised; `content`, the stems that carry meaning; numbers; names."""

    tokens: tuple[str, ...]
    content: tuple[str, ...]
    numbers: frozenset[str]
    names: frozenset[str]


def words(text: str) -> Words:
    """Reads a text word by word; addresses of web pages are left out."""
    text = _SIGN.sub(lambda sign: _SIGNS.get(sign[0].strip(), ""), clock(_URL.sub(" ", text)))
    found, tokens = _joined(_TOKEN.findall(text))
    content = tuple(_stem(token) for token in tokens if token not in _STOP and (len(token) > 1 or token.isdigit()))
    names = frozenset(
        _stem(token)
        for token, written in zip(tokens[1:], found[1:], strict=True)
        if written[0].isupper() and token not in _STOP and len(token) > 1
    )
    return Words(tuple(tokens), content, frozenset(token for token in tokens if token[0].isdigit()), names)


def negated(text: str) -> bool:
    """Whether the text denies something, by its words."""
    return _NEGATION.search(text) is not None


def clock(text: str) -> str:
    """The text with times of day written one way: 5 PM, 5:00 p.m. and 17:0 become 17:00."""
    return _CLOCK.sub(_time, text)


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match[1]), match[2], match[3]
    if (minute is None and half is None) or hour > 24 or (half and not 1 <= hour <= 12):
        return match[0]
    if half:
        hour = hour % 12 + (12 if half in "pP" else 0)
    return f"{hour}:{int(minute or 0):02}" + match[0][len(match[0].rstrip()) :]


def _joined(found: list[str]) -> tuple[list[str], list[str]]:
    """Tokens as written and normalised; a number of several words (twenty-four, 18 million) is one."""
    written: list[str] = []
    tokens: list[str] = []
    for token in found:
        normal = _normal(token)
        last = written[-1].lower() if written else ""
        if last in TENS and token.lower() in UNITS:
            tokens[-1] = str(TENS[last] + 1 + UNITS.index(token.lower()))
            written[-1] += token
        elif normal in _SCALES and (last in ("a", "one") or _PLAIN.fullmatch(tokens[-1] if tokens else "")):
            number = 1.0 if last in ("a", "one") else float(tokens[-1])
            tokens[-1] = str(round(number * _SCALES[normal]))
            written[-1] += token
        else:
            written.append(token)
            tokens.append(normal)
    return written, tokens


@lru_cache(maxsize=50_000)
def _normal(token: str) -> str:
    """Lower case, no possessive, numbers one way: 1,200.50 and four become 1200.5 and 4; currencies by name."""
    token = token.lower().replace("\u2019", "'")
    if token[0].isdigit():
        number = token.replace(",", "")
        return number.rstrip("0").rstrip(".") if number.count(".") == 1 and ":" not in number else number
    return _SAME.get(token, token.removesuffix("'s"))


@lru_cache(maxsize=50_000)
def _stem(token: str) -> str:
    stem = _SUFFIX.sub("", token)
    return stem if len(stem) >= 3 and not token[0].isdigit() else token
