"""Identifiers of people that have a form: found by pattern, held against their checksum if they have one.

Types are presidio's entity names; DATE_OF_BIRTH is ours. Checksums: IBAN (ISO 13616,
mod 97-10), Base58Check. Hostile text must not take quadratic time: tests/linear_time tries every quantifier.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import sha256

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii import ip_addresses, national_ids, numbers, postal, secrets
from watchline.detectors.pii.entities import Entity
from watchline.schemas.checksums import mod_97


def find(text: str) -> Iterator[Entity]:
    """Everything that has the form of an identifier, numbers and secrets included; entities may overlap.

    Parameters
    ----------
    text
        Folded (see `folding`).

    Examples
    --------
    >>> text = "From 10.0.0.7, to account GB82 WEST 1234 5698 7654 32."
    >>> [(entity.type, text[entity.start : entity.end]) for entity in find(text)]
    [('IP_ADDRESS', '10.0.0.7'), ('IBAN_CODE', 'GB82 WEST 1234 5698 7654 32')]
    """
    yield from _emails(text)
    yield from ip_addresses.find(text)
    for type_, pattern, score, is_valid in _PATTERNS:
        for match in pattern.finditer(text):
            group = "value" if "value" in pattern.groupindex else 0
            if is_valid is None or is_valid(match[group]):
                yield Entity(*match.span(group), type_, score)
    yield from _ibans(text)
    yield from numbers.find(text)
    yield from national_ids.find(text)
    yield from postal.find(text)
    yield from secrets.find(text)


def _is_mac(text: str) -> bool:
    # Three groups of four decimal digits are more often a number.
    return re.search(r"[a-f]", text, re.IGNORECASE) is not None


def _is_base58(text: str) -> bool:
    number = 0
    for char in text:
        number = number * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(char)
    if number >= 1 << 200:
        return False
    data = number.to_bytes(25, "big")
    return sha256(sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


_AT, _DOT, _IS = ENGLISH.personal.at, ENGLISH.personal.dot, ENGLISH.personal.is_or_was
_TLD = "com|org|net|edu|gov|info|io|co|me|dev|app|ai|biz|eu|uk|de|fr|es|it|nl|ch|at|be|se|no|dk|pl|us|ca|au|in|jp|br"
_EMAIL = re.compile(
    r"[\w.+%'-]{0,63}[\w+%]@(?:(?:[\w-]{1,63}[.\u3002\uff61]){1,8}(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})"
    r"|\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9a-fA-F:.]{2,45})\])"
)
_BROKEN = re.compile(r"@[ \t]{0,4}-?\r?\n|\n[ \t]{0,8}@")
_BROKEN_EMAIL = re.compile(
    rf"[\w.+%'-]{{0,63}}[\w+%](?:@[ \t]{{0,4}}-?\r?\n[ \t>*#|]{{0,8}}|[ \t]{{0,4}}\r?\n[ \t]{{0,8}}@)"
    rf"(?:[\w-]{{1,63}}\.){{1,8}}(?:{_TLD})\b"
)
_SPELLED = re.compile(rf"@|[ (\[{{<](?:{_AT})[ )\]}}>]", re.IGNORECASE)
_SPELLED_EMAIL = re.compile(
    rf"[\w.+-]{{1,64}}(?: ?@ ?| (?:{_AT}) | ?[(\[{{<] ?(?:{_AT}|@) ?[)\]}}>] ?)"
    rf"(?:[\w-]{{1,63}}(?: ?\. ?| (?:{_DOT}) | ?[(\[{{<] ?(?:{_DOT}|\.) ?[)\]}}>] ?)){{1,8}}(?:{_TLD})\b",
    re.IGNORECASE,
)
_SIGN = re.compile(rf"{_DOT}|[(\[{{<@]", re.IGNORECASE)


def _emails(text: str) -> Iterator[Entity]:
    """Each pattern only where its sign stands: it reads every word twice."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield Entity(*match.span(), "EMAIL_ADDRESS", 0.99)
        if _BROKEN.search(text):
            for match in _BROKEN_EMAIL.finditer(text):
                yield Entity(*match.span(), "EMAIL_ADDRESS", 0.9)
    if _SPELLED.search(text):
        for match in _SPELLED_EMAIL.finditer(text):
            # "look at example.com" is no address: both signs must be spelled out, or neither.
            if _SIGN.search(match[0]):
                yield Entity(*match.span(), "EMAIL_ADDRESS", 0.9)


_FLAT = rf"[,\s]\s{{0,3}}(?:{ENGLISH.personal.flats})\b\.? ?\w+"
_UNIT = rf"{_FLAT}|[,\s]\s{{0,3}}#\d+"

_PATTERNS: list[tuple[str, re.Pattern[str], float, Callable[[str], bool] | None]] = [
    (
        "MAC_ADDRESS",
        re.compile(r"(?<![\w:-])(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![\w:-])", re.I),
        0.95,
        None,
    ),
    ("MAC_ADDRESS", re.compile(r"(?<![\w.-])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.-])", re.I), 0.9, _is_mac),
    ("CRYPTO", re.compile(r"\b[13ADLMT9][1-9A-HJ-NP-Za-km-z]{25,34}\b"), 0.99, _is_base58),
    ("CRYPTO", re.compile(r"\b(?:bc|ltc|tb|addr)1[02-9ac-hj-np-z]{25,98}\b|\b0x[0-9a-fA-F]{40}\b"), 0.9, None),
    (
        "DATE_OF_BIRTH",
        re.compile(rf"\b(?:{ENGLISH.personal.birth})\b[^\n\d]{{0,20}}?(?P<value>{ENGLISH.personal.date})(?!\w)", re.I),
        0.9,
        None,
    ),
    (
        "US_PASSPORT",
        re.compile(
            rf"\b(?:{ENGLISH.personal.passport})\b[^\n\d]{{0,20}}?\b(?=[A-Z]{{0,3}}\d)(?P<value>[A-Z0-9]{{6,9}})\b",
            re.IGNORECASE,
        ),
        0.9,
        # Of every country: letters stand in front (India, Italy), in the middle (France) or anywhere (Germany).
        lambda text: len(re.findall(r"\d", text)) >= 3,
    ),
    (
        "MEDICAL_RECORD_NUMBER",
        re.compile(
            rf"\b(?:{ENGLISH.personal.medical_record})[\"']?[ \t]{{0,3}}(?:(?:{_IS})\b|[:=#])?[ \t]{{0,3}}[\"']?#?"
            r"(?P<value>[A-Z]{0,4}[ -]?\d(?:[A-Z0-9-]{2,14}[A-Z0-9]))\b",
            re.IGNORECASE,
        ),
        0.9,
        lambda text: len(re.findall(r"\d", text)) >= 4,
    ),
    (
        "US_BANK_NUMBER",
        re.compile(
            rf"\b(?:{ENGLISH.personal.bank_account})\b[^\n\d]{{0,15}}?\b(?P<value>\d[\d -]{{5,16}}\d)\b",
            re.I,
        ),
        0.9,
        None,
    ),
]

# Lengths of IBANs by country (SWIFT IBAN registry).
_IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in re.findall(
        r"\w+",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18"
        " FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20"
        " LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24"
        " SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20",
    )
}
# In small letters only without blanks: one in 97 stretches of ordinary text has the right remainder.
_IBAN = re.compile(r"(?<![^\W_])(?:[A-Z]{2} ?\d ?\d(?:[ .\n-]{0,2}[A-Z0-9]){11,30}|[A-Za-z]{2}\d\d[A-Za-z0-9]{11,30})")


def _ibans(text: str) -> Iterator[Entity]:
    place = 0
    while (match := _IBAN.search(text, place)) is not None:
        places = [place for place in range(*match.span()) if text[place].isalnum()]
        length = _IBAN_LENGTHS.get(match[0][:2].upper(), 99)
        value = "".join(text[place] for place in places[:length]).upper()
        place = match.start() + 1
        if len(value) == length and mod_97(value):
            place = places[length - 1] + 1
            yield Entity(match.start(), place, "IBAN_CODE", 0.99)
