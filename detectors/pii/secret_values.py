"""Whether what stands where a secret would stand is one: no placeholder, variable, type, word or name in code."""

from __future__ import annotations

import re

from watchline.detectors.languages.english import ENGLISH

_SAME = re.compile(r"([^\W_]|[*.#•-])\1{5}")
_PLACEHOLDER = re.compile(
    r"^\$+[\w{(]|\$\{|\$\(|\{\{|%\(|^%\w{0,30}%?$|^[<\[{(@\]]|[>}]$|^\*+|\*{3}|x{4}|\.\.\.|…"
    r"|environ|getenv|process\.env|secrets?\.|vars\.|(?:^|[^A-Za-z])env[.:\[]",
    re.IGNORECASE,
)
_STAND_IN = re.compile(ENGLISH.personal.stand_in, re.IGNORECASE)
_NO_SECRET = re.compile(ENGLISH.personal.no_credential, re.IGNORECASE)  # fields such as `token_type`, `public_key`
_WORDS_OF_NAMES = re.compile(ENGLISH.personal.in_code, re.IGNORECASE)
_SURELY_LOGIN = re.compile(ENGLISH.personal.surely_login, re.IGNORECASE)
_SURELY_CREDENTIAL = re.compile(ENGLISH.personal.surely_credential, re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_PATH = re.compile(r"(?:[.~]{0,2}/)?(?:[\w.-]+/){1,20}[\w.-]*")
_REFERENCE = re.compile(r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_IDENTIFIER = re.compile(r"[A-Za-z_]+\d{0,2}")
_DATE_OR_VERSION = re.compile(r"v?\d{1,4}(?:[.:/T-]\d{1,6}){1,6}[a-z]{0,4}\d{0,3}Z?", re.IGNORECASE)


def is_placeholder(value: str) -> bool:
    """Whether a value only stands for a secret: `<your-key>`, `${TOKEN}`, `xxxx`, `changeme`, `password`.

    Examples
    --------
    >>> [is_placeholder(value) for value in ("${TOKEN}", "<your-key>", "password", "x9-Kq")]
    [True, True, True, False]
    """
    return (
        _PLACEHOLDER.search(value) is not None
        or _SAME.search(value) is not None
        or _STAND_IN.search(value) is not None
        or _NO_SECRET.fullmatch(value) is not None
    )


def is_written_out(value: str) -> bool:
    """Whether a value of a provider's form is only words or one sign: `pk_orders_order_line_items`, `sk-xxxxxx`."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", value) if part]
    words = all(re.fullmatch(r"[a-z]{1,14}\d{0,2}|[A-Z][a-z]{1,13}|[A-Z]{1,14}|\d{1,4}", part) for part in parts)
    return words or _SAME.search(value) is not None or _PLACEHOLDER.search(value) is not None


def is_random(value: str) -> bool:
    """Whether letters and digits change as only in keys: no words, versions or dates.

    Examples
    --------
    >>> [is_random(value) for value in ("8LglaCjUtcKgLWS5", "us-east-1-backup", "2024-11-07T10:30")]
    [True, False, False]
    """
    if len(value) < 8 or _DATE_OR_VERSION.fullmatch(value) or is_written_out(value):
        return False
    tokens = _PART.findall(value)
    letters = sum(char.isalpha() for char in value)
    digits = sum(char.isdigit() for char in value)
    size = letters + digits
    longest = max((len(part) for part in re.split(r"[^A-Za-z0-9]+", value)), default=0)
    if not letters or size * 2 < len(value):
        return False
    if digits >= 2:
        return size / len(tokens) <= 3.5 or (digits >= 4 and longest >= 16)
    return len(tokens) >= 5 and longest >= 16 - 4 * digits and size / len(tokens) <= 2.8 + digits / 2


def _is_reference(value: str) -> bool:
    """Whether a value is an attribute, a path or a URL: none of its own."""
    if _REFERENCE.fullmatch(value) or _PATH.fullmatch(value):
        return not is_random(value)
    return "://" in value


def is_password(value: str) -> bool:
    """Whether a word can only be a password: letters with digits or signs, or a row of words joined by dashes."""
    if is_placeholder(value) or _is_reference(value) or _DATE_OR_VERSION.fullmatch(value):
        return False
    has_letter = any(char.isalpha() for char in value)
    has_digit = any(char.isdigit() for char in value)
    if has_digit and has_letter:
        return True
    if has_letter and re.search(r"[!@#$%^*?~+]", value):
        return True
    return re.fullmatch(r"[a-z]{3,12}(?:[-_.][a-z]{3,12}){3,7}", value) is not None and not _WORDS_OF_NAMES.search(
        value
    )


def is_secret(name: str, value: str, *, password: bool, quoted: bool, sign: str | None) -> bool:
    """Whether the value of a field or a variable is a secret.

    Parameters
    ----------
    name
        Of the field, as written.
    value
    password
        Whether the name says that it is a password, which people choose, rather than a key or a token.
    quoted
    sign
        What stands between name and value; none in a sentence.
    """
    if _NO_SECRET.search(name) or is_placeholder(value):
        return False
    if not quoted and _is_reference(value):
        return False
    if not password:
        if _UUID.fullmatch(value):
            return _SURELY_CREDENTIAL.search(name) is not None and sign is not None
        return is_random(value) and (sign is not None or len(value) >= 12)
    says_so = sign is not None and _SURELY_LOGIN.search(name) is not None
    if value.isdigit():
        return len(value) >= 6 and says_so
    if " " in value:
        words = set(value.split())
        is_phrase = value.islower() and len(words) >= 3 and not words & ENGLISH.prose.function_words
        return quoted and sign is not None and is_phrase
    spaced = sign is not None and sign != sign.strip()
    if spaced and not quoted and sign is not None and "=" in sign and _IDENTIFIER.fullmatch(value):
        return False  # a variable
    if _IDENTIFIER.fullmatch(value) and _WORDS_OF_NAMES.search(value) and not is_random(value):
        return False
    if quoted and says_so and sign and re.fullmatch(r"[a-z]+(?:[-_][a-z]+)?", value):
        return len(value) >= 6 and ":" in sign and not _WORDS_OF_NAMES.search(value)
    return len(value) >= (4 if quoted else 6) and is_password(value)
