"""A text as words that can be compared: normalised, stemmed, numbers and names apart. Rules only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from watchline.detectors.languages.english import ENGLISH

_CLOCK = re.compile(rf"\b(\d{{1,2}})(?::(\d{{1,2}}))?(?::\d\d)?\s*(?:{ENGLISH.words.half_day})?", re.IGNORECASE)
_URL = re.compile(r"https?://\S+|www\.\S+")
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W_]+(?:['\u2019][^\W_]+)?")
_PLAIN = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
# Other writings of a word; "one" is mostly a pronoun, and left alone.
_SAME = {name: str(n) for n, name in enumerate([*ENGLISH.words.units, *ENGLISH.words.teens], 1) if n > 1}
_SAME |= {name: str(n) for name, n in ENGLISH.words.tens.items()}
_SAME |= ENGLISH.words.currency_codes
_SIGN = re.compile(rf"[$\u20ac\u00a3](?=\s?\d)|(?<=\d)(?:\s?%|(?:{ENGLISH.words.ordinals}|[MBKk])\b)")


@dataclass(frozen=True, slots=True)
class Words:
    """A text as words.

    Attributes
    ----------
    tokens : tuple of str
        In order, normalised.
    content : tuple of str
        The stems of those that carry meaning, in order.
    numbers : frozenset of str
    names : frozenset of str
        Stems of capitalised words, the first of the text aside.
    """

    tokens: tuple[str, ...]
    content: tuple[str, ...]
    numbers: frozenset[str]
    names: frozenset[str]


def words(text: str) -> Words:
    """Reads a text word by word; addresses of web pages are left out.

    Examples
    --------
    >>> read = words("Twenty-four orders from Lima cost $1,200.50")
    >>> read.content
    ('24', 'order', 'lima', 'cost', 'dollar', '1200.5')
    >>> sorted(read.numbers), sorted(read.names)
    (['1200.5', '24'], ['lima'])
    """
    text = _SIGN.sub(lambda sign: ENGLISH.words.signs.get(sign[0].strip(), ""), clock(_URL.sub(" ", text)))
    written, tokens = _joined(_TOKEN.findall(text))
    stop_words = ENGLISH.words.stop_words
    content = tuple(_stem(token) for token in tokens if token not in stop_words and (len(token) > 1 or token.isdigit()))
    names = frozenset(
        _stem(token)
        for token, surface in zip(tokens[1:], written[1:], strict=True)
        if surface[0].isupper() and token not in stop_words and len(token) > 1
    )
    return Words(tuple(tokens), content, frozenset(token for token in tokens if token[0].isdigit()), names)


def stem(word: str) -> str:
    """The stem of one word as written; empty for a word that carries no meaning of its own.

    Examples
    --------
    >>> stem("Refunds"), stem("the")
    ('refund', '')
    """
    token = _normal(word)
    return "" if token in ENGLISH.words.stop_words or (len(token) < 2 and not token.isdigit()) else _stem(token)


def negated(text: str) -> bool:
    """Whether the text denies something, by its words."""
    return ENGLISH.words.negation.search(text) is not None


def clock(text: str) -> str:
    """The text with times of day written one way.

    Examples
    --------
    >>> clock("Open from 9 am to 5:30 p.m.")
    'Open from 9:00 to 17:30'
    """
    return _CLOCK.sub(_time, text)


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match[1]), match[2], match["half"]
    if (minute is None and half is None) or hour > 24 or (half and not 1 <= hour <= 12):
        return match[0]
    if half:
        hour = hour % 12 + (12 if half in ENGLISH.words.afternoon else 0)
    return f"{hour}:{int(minute or 0):02}" + match[0][len(match[0].rstrip()) :]


def _joined(raw_tokens: list[str]) -> tuple[list[str], list[str]]:
    """Tokens as written and normalised; a number of several words (twenty-four, 18 million) is one."""
    written: list[str] = []
    tokens: list[str] = []
    for token in raw_tokens:
        normal = _normal(token)
        last = written[-1].lower() if written else ""
        if last in ENGLISH.words.tens and token.lower() in ENGLISH.words.units:
            tokens[-1] = str(ENGLISH.words.tens[last] + 1 + ENGLISH.words.units.index(token.lower()))
            written[-1] += token
        elif normal in ENGLISH.words.scales and (
            last in ENGLISH.words.one or _PLAIN.fullmatch(tokens[-1] if tokens else "")
        ):
            number = 1.0 if last in ENGLISH.words.one else float(tokens[-1])
            tokens[-1] = str(round(number * ENGLISH.words.scales[normal]))
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
    return _SAME.get(token, token.removesuffix(ENGLISH.words.possessive))


@lru_cache(maxsize=50_000)
def _stem(token: str) -> str:
    stem = ENGLISH.words.suffix.sub("", token)
    return stem if len(stem) >= 3 and not token[0].isdigit() else token
