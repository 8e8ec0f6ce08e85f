"""Names and ids: which strings may be stored as they are, and what takes the place of the others.

The rule is fixed and no model's: a redelivered event keeps its keys (app, environment, tenant) under every version.
An identifier is short, of letters, digits, signs and single blanks, and has not the form of personal data: no sentence,
e-mail address, phone, card or bank number, address of a machine. What is none becomes a keyed pseudonym, so that two
different values stay two; without a key it is dropped. Either is counted.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache

from watchline.schemas.checksums import luhn, mod_97
from watchline.schemas.columns import Text

LONGEST = 512  # characters: ARNs, paths of deployments and the ids of gateways take 300

_JOINERS = dict.fromkeys([0x200C, 0x200D])
_PSEUDONYM = re.compile("[0-9a-f]{8}:[0-9a-f]{64}")
_NEVER = frozenset('?!;"')  # signs of sentences
_WORDS, _WORDS_OF_A_TITLE = 4, 8
_TITLE_WORD = re.compile(r"[^\W_a-z]|[\W_]|.{1,3}$")  # "Bank", "&", "of"

_EMAIL = re.compile(r"[\w.+%'-](?:@|%40)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}|[(\[{<] ?(?:at|@) ?[)\]}>]", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<!\w)\+\d(?:[ ().\/-]{0,3}\d){7,14}(?!\d)"
    r"|(?<![\w.+])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w.-])"
    r"|(?<![\w.+-])0\d{1,4}[ /](?:\d[ -]?){5,10}\d(?!\w)"
)
_SOCIAL_SECURITY = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
_CARD = re.compile(r"(?<![^\W_])\d(?:[ -]?\d){12,15}(?![^\W_])")
_ISSUERS = re.compile(  # ISO/IEC 7812: what the numbers of card networks begin with, and how long they are
    r"4\d{12}(?:\d{3})?|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[068]\d{12}|35\d{14}|6(?:011|4[4-9]\d|5\d\d)\d{12}"
)
_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d\d(?: ?[A-Z0-9]){11,30}(?![^\W_])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_SECRET = re.compile(r"\b(?:sk-[\w-]{16,}|gh[pousr]_\w{20,}|AKIA[A-Z0-9]{16}\b|eyJ[\w-]{8,200}\.eyJ)")


def is_identifier(text: str, *, version: bool = False) -> bool:
    """Whether a string may be stored as it is, because it is a name or an id and has no form of personal data.

    Parameters
    ----------
    text : str
    version : bool
        Whether it is of a model or prompt: then four numbers with dots are no address.

    Examples
    --------
    >>> is_identifier("meta-llama/Llama-3.1-8B"), is_identifier("Kündigung bestätigen"), is_identifier("Acme Ltd")
    (True, True, True)
    >>> is_identifier("jane@example.com"), is_identifier("my name is margaret thornbury")
    (False, False)
    >>> is_identifier("1.2.0.4", version=True)
    True
    """
    return len(text) <= LONGEST and _is_identifier(text, version)


def is_kept(text: str, rule: Text) -> bool:
    """Whether the rule for a string that isn't searched lets it be stored as it is."""
    if rule.kind == "pseudonym":
        return _PSEUDONYM.fullmatch(text) is not None
    if rule.kind in ("uuid", "hexadecimal", "reason"):  # their own rules see to them
        return True
    return is_identifier(text, version=rule.kind == "version") and not (rule.kind == "word" and " " in text)


@lru_cache(10_000)  # most are the same in every event of an app
def _is_identifier(text: str, version: bool) -> bool:
    plain = text if text.isascii() else _plain(text)
    words = plain.split(" ")
    if len(words) > _WORDS and not (
        len(words) <= _WORDS_OF_A_TITLE and all(map(_TITLE_WORD.match, filter(None, words)))
    ):
        return False
    return _is_allowed(plain) and not _is_personal(plain, version)


def _plain(text: str) -> str:
    """As it reads: look-alike signs made plain, and without joiners, which some scripts and pictures need."""
    return unicodedata.normalize("NFKC", text).translate(_JOINERS)


def _is_allowed(text: str) -> bool:
    """Whether it is of letters, marks, digits, symbols and blanks, and of signs that don't end or quote sentences."""
    if not _NEVER.isdisjoint(text):
        return False
    return text.isprintable() if text.isascii() else all(map(_is_printable, text))


@lru_cache(4096)
def _is_printable(char: str) -> bool:
    return char == " " or unicodedata.category(char)[0] in "LMNSP"


def _is_personal(text: str, version: bool) -> bool:
    if _EMAIL.search(text) or _SECRET.search(text):
        return True
    if not re.search(r"\d.*\d", text):  # as most have none
        return False
    return (
        any(pattern.search(text) for pattern in (_PHONE, _SOCIAL_SECURITY))
        or any(_is_card(match[0]) for match in _CARD.finditer(text))
        or any(mod_97(match[0].replace(" ", "")) for match in _IBAN.finditer(text))
        or (not version and _has_ip_address(text))
    )


def _is_card(text: str) -> bool:
    digits = "".join(str(int(char)) for char in text if char.isdigit())  # of any script
    return _ISSUERS.fullmatch(digits) is not None and luhn(digits)


def _has_ip_address(text: str) -> bool:
    return any(_is_ip_address(part) for part in (text, *_IPV4.findall(text)))


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
