"""Identifiers of people and secrets that have a form: found by pattern, held against their checksum if they have one.

What can be checked is found wherever it stands. What is only a few digits needs a word before it that says what they
are. Types are presidio's entity names; SECRET (keys and passwords) and DATE_OF_BIRTH are ours.
Checksums: Luhn (ISO/IEC 7812-1), IBAN (ISO 13616, mod 97-10), Base58Check.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Entity:
    """One piece of personal data in a text; `score` is the share of such finds that were right when measured."""

    start: int
    end: int
    type: str
    score: float


def find(text: str) -> Iterator[Entity]:
    """Everything in a folded text (see `folding`) that has the form of an identifier; entities may overlap."""
    for type_, pattern, score, is_valid in _PATTERNS:
        for match in pattern.finditer(text):
            group = "value" if "value" in pattern.groupindex else 0
            if is_valid is None or is_valid(match[group]):
                yield Entity(*match.span(group), type_, score)
    yield from _ibans(text)
    yield from _numbers(text)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def _is_ip(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    # `a[1::2]` is a slice and an address.
    return not (address.is_loopback or address.is_unspecified) and (address.version == 4 or len(text) > 8)


def _is_base58(text: str) -> bool:
    number = 0
    for char in text:
        number = number * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(char)
    if number >= 1 << 200:
        return False
    data = number.to_bytes(25, "big")
    return sha256(sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


_DATE = (
    r"(?:\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}|\d{1,2}(?:st|nd|rd|th)?(?: of)? [A-Z][a-z]{2,8}\.?,? \d{4}"
    r"|[A-Z][a-z]{2,8}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4})"
)
_STREET = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Circle|Cir"
    "|Parkway|Pkwy|Highway|Hwy|Crescent|Close|Row|Alley|Trail|Trl"
)
_FLAT = r"[,\s]\s{0,3}(?:Apt|Apartment|Suite|Ste|Unit|Flat)\b\.? ?\w+"
_UNIT = rf"{_FLAT}|[,\s]\s{{0,3}}#\d+"
_STREET_ENDING = (
    "straße|strasse|str\\.|weg|gasse|allee|gatan|gata|vägen|katu|tie|vej|veien|vegen|gade|straat|laan|utca| u\\."
)
_STREET_BEGINNING = "[Rr]ue|[Cc]alle|[Rr]ua|[Aa]venida|Avenue|Boulevard|Plaza|Piazza|Via|Viale|Chemin"
_TLD = "com|org|net|edu|gov|info|io|co|me|dev|app|ai|biz|eu|uk|de|fr|es|it|nl|ch|at|be|se|no|dk|pl|us|ca|au|in|jp|br"

_PATTERNS: list[tuple[str, re.Pattern[str], float, Callable[[str], bool] | None]] = [
    ("EMAIL_ADDRESS", re.compile(r"[\w.+%'-]*[\w+%]@(?:[\w-]+\.)+[^\W\d_]{2,}"), 0.99, None),
    (
        "EMAIL_ADDRESS",
        re.compile(
            r"(?<![\w.+-])[\w.+-]+(?: ?@ ?| at | ?[(\[{<] ?(?:at|@) ?[)\]}>] ?)"
            rf"(?:[\w-]+(?: ?\. ?| dot | ?[(\[{{<] ?(?:dot|\.) ?[)\]}}>] ?))+(?:{_TLD})\b",
            re.IGNORECASE,
        ),
        0.9,
        # "look at example.com" and "x @ y.co" are no addresses: both signs must be spelled out, or neither blank.
        lambda text: re.search(r"dot|[(\[{<]", text, re.IGNORECASE) is not None or "@" in text,
    ),
    ("IP_ADDRESS", re.compile(r"(?<![\w.])(?<!ersion )(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)"), 0.95, _is_ip),
    (
        "IP_ADDRESS",
        re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE),
        0.95,
        _is_ip,
    ),
    (
        "MAC_ADDRESS",
        re.compile(r"(?<![\w:-])(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![\w:-])", re.I),
        0.95,
        None,
    ),
    ("URL", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'<>]+:[^\s/@\"'<>]+@[^\s\"'<>)]+", re.IGNORECASE), 0.95, None),
    ("CRYPTO", re.compile(r"\b[13][1-9A-HJ-NP-Za-km-z]{25,34}\b"), 0.99, _is_base58),
    ("CRYPTO", re.compile(r"\bbc1[02-9ac-hj-np-z]{25,59}\b|\b0x[0-9a-fA-F]{40}\b"), 0.9, None),
    (
        "SECRET",
        re.compile(
            r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----.*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|\Z)"
            r"|\b(?:sk|pk|rk)[-_](?:[a-z]+[-_])*[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic, Stripe
            r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}"
            r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{35}|\bya29\.[\w-]{20,}"  # AWS, Google
            r"|\bxox[abeprs]-[\w-]{10,}|\bhf_[A-Za-z]{30,}|\bnpm_[A-Za-z0-9]{36}|\bpypi-AgE[\w-]{20,}"
            r"|\bSG\.[\w-]{16,}\.[\w-]{16,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",  # SendGrid, JWT
            re.DOTALL,
        ),
        0.95,
        None,
    ),
    (
        "SECRET",
        re.compile(
            r"\b(?:password|passwd|passcode|pwd|api[ _-]?key|secret|access[ _-]?token|auth[ _-]?token|bearer)\b[\"']?"
            r"(?: is| was)?\s*[:=]?\s*[\"'`]?(?P<value>[^\s\"'`,;()<>\[\]{}]{6,})",
            re.IGNORECASE,
        ),
        0.8,
        # A value, not a word of the sentence or a name in code.
        lambda text: re.search(r"\d", text) is not None and re.search(r"[^\d.]", text) is not None,
    ),
    (
        "DATE_OF_BIRTH",
        re.compile(rf"\b(?:born|birth\w*|d\.?o\.?b\.?)\b[^\n\d]{{0,20}}?(?P<value>{_DATE})(?!\w)", re.I),
        0.9,
        None,
    ),
    (
        "US_DRIVER_LICENSE",
        re.compile(r"\bdriv\w+'?s?'? licen[cs]e[^\n\d]{0,20}?\b(?P<value>[A-Z]{0,3}\d[\dA-Z-]{4,17})\b", re.IGNORECASE),
        0.9,
        None,
    ),
    (
        "US_PASSPORT",
        re.compile(r"\bpassport\b[^\n\d]{0,20}?\b(?P<value>[A-Z]{0,2}\d{6,9})\b", re.IGNORECASE),
        0.9,
        None,
    ),
    (
        "US_BANK_NUMBER",
        re.compile(
            r"\b(?:bank account|account (?:number|no)|routing number)\b[^\n\d]{0,15}?\b(?P<value>\d[\d -]{5,16}\d)\b",
            re.I,
        ),
        0.9,
        None,
    ),
    (
        "ADDRESS",
        re.compile(
            rf"\b\d{{1,6}}[A-Za-z]?,? (?:[NSEW]\.? )?(?:[A-Z0-9][\w'.-]* ){{1,4}}?(?:{_STREET})\b\.?(?:{_UNIT})*"
            r"(?:,? [A-Z][\w'.-]+(?: [A-Z][\w'.-]+){0,2},? [A-Z]{2}(?: \d{5}(?:-\d{4})?)?\b)?"
            r"|\b(?:P\.? ?O\.? |(?:PSC|Unit) \d+,? )Box \d+\b(?:\s[AFD]PO A[AEP] \d{5}\b)?"
            rf"|\b(?:\d{{1,6}} )?[A-Z]\w*(?:{_STREET_ENDING}) \d{{1,5}}\b(?:{_UNIT})*"
            rf"|\b(?:\d{{1,5}},? )?(?:{_STREET_BEGINNING}) (?:d\w{{1,2}} )?[A-Z]\w+(?: \d{{1,5}}\b)?"
            rf"|\b\d{{1,6}} (?:[^\W_][\w'.-]* ?){{1,5}}(?:{_FLAT})+"
            r"(?:[^?!;:.\d]{1,70}?(?!(?:19|20)\d\d\b)\d{4,6}\b)?"
        ),
        0.8,
        None,
    ),
    (
        "ADDRESS",
        re.compile(
            r"\b(?:address(?: of [^\n.:?!]{1,40})?(?: is|:)|located at|(?:live|lives|living|reside|resides) (?:at|in)"
            r"|(?:ship|send|deliver|return|mail) (?:\w+ ){0,3}to)\s+"
            r"(?P<value>\d{1,6} [^?!;]{4,90}?)(?=[?!;]|\.(?:\s+[A-Z]|\s*$)|\n\s*\n|\s*$)",
            re.IGNORECASE,
        ),
        0.8,
        lambda text: re.search(r"[A-Z]", text) is not None,
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
_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2} ?\d ?\d(?:[ -]?[A-Z0-9]){11,30}", re.IGNORECASE)


def _ibans(text: str) -> Iterator[Entity]:
    for match in _IBAN.finditer(text):
        places = [place for place in range(*match.span()) if text[place].isalnum()]
        length = _IBAN_LENGTHS.get(match[0][:2].upper(), 99)
        value = "".join(text[place] for place in places[:length]).upper()
        if len(value) == length and int("".join(str(int(char, 36)) for char in value[4:] + value[:4])) % 97 == 1:
            yield Entity(match.start(), places[length - 1] + 1, "IBAN_CODE", 0.99)


# Digits with at most three signs between them: a number as people write it, or several in a row. UUIDs are passed over.
_RUN = re.compile(
    r"(?P<uuid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
    r"|(?<![^\W_])(?<!\w[.,])(?:\+ ?)?\(?\d(?:[ .\-()/]{0,3}\d){6,}(?:(?![^\W_])|(?=x\d))"
)
_CARD = re.compile(
    r"4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3[068]\d{12}"
    r"|35\d{14}|(?:1800|2131)\d{11}|(?:50|5[6-8]|6\d)\d{10,17}"
)
_NANP = re.compile(r"(?:\+? ?1[ .-]?)?\(?[2-9]\d{2}\)?[ .-]{0,2}\d{3}[ .-]{1,2}\d{4}")
_EXTENSION = re.compile(r",? ?(?:x|ext\.?|extension) ?\d{1,6}\b", re.IGNORECASE)
_DAY = re.compile(r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}\b|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d\b")
_PHONE_WORD = re.compile(
    r"\b(?:(?:tele)?phones?|tel|mobile|cell|call(?:ing|ed)?|fax|whats ?app|dial|sms|text me|contact|reach|hotline"
    r"|number|desk|answer(?:ing|ed)?|ring|pager|voicemail)\b",
    re.IGNORECASE,
)
_SSN_WORD = re.compile(r"\b(?:ssn|social security)\b", re.IGNORECASE)
_BEFORE = 40


def _numbers(text: str) -> Iterator[Entity]:
    """Cards, social security numbers and telephone numbers: each run of digits is one of them or none."""
    for run in _RUN.finditer(text):
        if not run["uuid"]:
            groups = [group.span() for group in re.finditer(r"\d+", run[0])]
            if len(groups) > 1 or len(run[0]) < 20:
                yield from _classify(text, run.start(), [(run.start() + a, run.start() + b) for a, b in groups])


def _classify(text: str, start: int, groups: list[tuple[int, int]]) -> Iterator[Entity]:
    """`start` is where the run begins, a plus or bracket before its first digit included."""
    certain = _card(text, groups) or _ssn(text, groups)
    if certain:
        first, last, type_ = certain
        yield Entity(groups[first][0], groups[last][1], type_, 0.99 if type_ == "CREDIT_CARD" else 0.95)
        if first:
            yield from _classify(text, start, groups[:first])
        if groups[last + 1 :]:
            yield from _classify(text, groups[last + 1][0], groups[last + 1 :])
        return
    end = groups[-1][1]
    digits = "".join(text[a:b] for a, b in groups)
    lengths = tuple(b - a for a, b in groups)
    before = text[max(start - _BEFORE, 0) : start].rpartition("\n")[2]
    nanp = _NANP.search(text, start, end)
    if len(digits) == 9 and (lengths == (3, 2, 4) or _SSN_WORD.search(before)):
        yield Entity(groups[0][0], end, "US_SSN", 0.95)
    elif text[start] == "+" and digits[0] != "0" and 8 <= len(digits) <= 15:
        yield Entity(start, _with_extension(text, end), "PHONE_NUMBER", 0.95)
    elif _DAY.match(text, groups[0][0]):
        return
    elif nanp:
        yield Entity(nanp.start(), _with_extension(text, nanp.end()), "PHONE_NUMBER", 0.95)
    elif 7 <= len(digits) <= 15 and (_PHONE_WORD.search(before) or _is_written_as_phone(digits, lengths)):
        yield Entity(start, _with_extension(text, end), "PHONE_NUMBER", 0.8)


def _with_extension(text: str, end: int) -> int:
    extension = _EXTENSION.match(text, end)
    return extension.end() if extension else end


def _is_written_as_phone(digits: str, lengths: tuple[int, ...]) -> bool:
    if max(lengths) == 1:  # digit by digit
        return len(digits) in (10, 11) and digits[-10] > "1" and digits[-7] > "1"
    return digits[0] == "0" and digits[1] != "0" and 9 <= len(digits) <= 12 and 3 <= len(lengths) <= 6


def _card(text: str, groups: list[tuple[int, int]]) -> tuple[int, int, str] | None:
    """First and last group of the longest card number among whole groups."""
    for size in range(min(len(groups), 19), 0, -1):
        for first in range(len(groups) - size + 1):
            part = groups[first : first + size]
            digits = "".join(text[a:b] for a, b in part)
            # Single digits in a row hold a valid number somewhere by chance: only a run as a whole counts.
            by_chance = size > 6 and size < len(groups)
            if not by_chance and _CARD.fullmatch(digits) and luhn(digits):
                return first, first + size - 1, "CREDIT_CARD"
    return None


def _ssn(text: str, groups: list[tuple[int, int]]) -> tuple[int, int, str] | None:
    """First and last group of a social security number with its dashes, among other numbers."""
    for first in range(len(groups) - 2):
        a, _, b = groups[first : first + 3]
        if (
            re.fullmatch(r"\d{3}-\d\d-\d{4}", text[a[0] : b[1]])
            and text[max(a[0] - 1, 0)] != "-" != text[b[1] : b[1] + 1]
        ):
            return first, first + 2, "US_SSN"
    return None
