"""Numbers by which countries know people, and makers and offices know drivers, cars and telephones.

What has signs or letters and a checksum of its own is found wherever it stands, the rest by the word before it. A word
that is only ever said of one number is enough, so that a mistyped number is found too; one that means other things
needs the number to be right. Checksums: python-stdnum (arthurdejong.org/python-stdnum), by its modules' names; VIN: 49
CFR 565.15; NRIC and HKID: as others worked them out, for the offices don't publish theirs.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii.entities import Entity
from watchline.schemas.checksums import luhn

# Any other kind is of a person.
_TYPES = {"driving": "US_DRIVER_LICENSE", "plate": "LICENSE_PLATE", "vin": "VIN", "imei": "IMEI"}
TYPES = frozenset(["NATIONAL_ID", *_TYPES.values()])
_SCORE = 0.97  # more than a telephone number of the same digits has, less than a card


def _digits(*counts: int) -> str:
    """So many digits, grouped in any way."""
    return "|".join(rf"\d(?:[ .\-/]{{0,2}}\d){{{count - 1}}}" for count in counts)


_ANY = r"(?:[A-Z]{1,4}[ -]?)?\d(?:[ .\-/]?\d){5,17}(?:[ -]?[A-Z])?"
_NINO = r"(?!BG|GB|KN|N[KT]|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
_VIN = r"(?=[A-Z]{0,16}\d)(?=\d{0,16}[A-Z])[A-HJ-NPR-Z\d]{17}"
_DVLA = r"[A-Z][A-Z9]{4}\d[0156]\d[0-3]\d\d[A-Z][A-Z9]\d[A-Z]{2}"  # Britain's: name, date of birth, initials
_PLATE = (  # of which country, where a form isn't common to many
    r"[A-Z]{2}\d{2} ?[A-Z]{3}|[A-Z]\d{1,3} ?[A-Z]{3}|[A-Z]{3} ?\d{1,3}[A-Z]"  # Britain
    r"|[A-ZÄÖÜ]{1,3}[ -]{1,3}[A-Z]{1,2}[ -]?\d{1,4}[EH]?"  # Germany, Austria
    r"|[A-Z]{2}[ -]?\d{3}[ -]?[A-Z]{2}|\d{4}[ -]?[A-Z]{3}"  # France and Italy, Spain
    r"|[A-Z]{1,2}-\d{2,3}-[A-Z]{1,2}|\d{1,2}-[A-Z]{2,3}-\d{1,2}|[A-Z]{2}-[A-Z\d]{2,3}-\d{1,2}"  # Netherlands, Portugal
    r"|[A-Z]{2}[ -]?\d{1,2}[ -]?[A-Z]{1,3}[ -]?\d{3,4}|\d{2} ?[A-Z]{1,3} ?\d{2,5}"  # India, Turkey
    r"|[A-Z]{3}[ -]?\d[A-Z\d]\d{1,2}|[A-Z]{2,3}[ -]?\d{2} ?\d{3}|[A-Z]{2,3}[ -]?\d{4,5}[A-Z]?"  # Brazil, north, east
    r"|\d[A-Z]{3}\d{3}|\d{3}[ -]?[A-Z]{3}|\d[A-Z]{2}[ -]?\d[A-Z]{2}"  # America, Australia
)
# What stands after the word of each kind, capitals for letters of either case but in `driving` and `plate`.
_FORMS = {
    "any": _ANY,
    "ar.cuit": _digits(11),
    "ar.dni": r"\d\d?\.?\d{3}\.?\d{3}",
    "at.vnr": _digits(10),
    "au.tfn": _digits(9, 8),
    "be.nn": _digits(11),
    "bg.egn": _digits(10),
    "br.cnpj": _digits(14),
    "br.cpf": _digits(11),
    "ch.ssn": _digits(13),
    "cl.rut": r"\d{1,2}\.?\d{3}\.?\d{3} ?-? ?[\dK]",
    "cn.ric": r"\d{6} ?\d{8} ?\d{3}[\dX]",
    "co.nit": r"\d{3}\.?\d{3}\.?\d{3}-?\d",
    "cz.rc": r"\d{6} ?/? ?\d{3,4}",
    "de.idnr": _digits(11),
    "de.stnr": r"\d{2,5}[ /]\d{3,4}[ /]\d{4,5}|\d{10,13}",
    "dk.cpr": r"\d{6} ?-? ?\d{4}",
    "do.cedula": r"\d{3}-?\d{7}-?\d",
    "driving": (
        rf"{_DVLA}|[A-Z*]{{7}}\d{{3}}[A-Z\d]{{2}}|[a-z]{{0,3}}\d[\da-z]{{5,16}}"
        r"|(?=[A-Z]{0,5}[ -]?\d(?:[ .-]?[A-Z\d]){4})[A-Z]{0,5}(?:(?<=[A-Z])[ -])?\d[\dA-Z]{0,15}"
        r"(?:[ .-]\d[\dA-Z]{0,12}){0,5}"
    ),
    "ec.ci": r"\d{9}-?\d",
    "ee.ik": _digits(11),
    "es.dni": r"\d{2}\.?\d{3}\.?\d{3}[ -]?[A-Z]",
    "es.nie": r"[XYZ][ -]?\d{7}[ -]?[A-Z]",
    "fi.hetu": r"\d{6}[-+A-FU-Y]\d{3}[\dA-Y]",
    "fr.nif": _digits(13),
    "fr.nir": r"[1-478] ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3}(?: ?[-/]? ?\d\d)?",
    "gb.nhs": _digits(10),
    "gb.utr": _digits(10),
    "gr.amka": _digits(11),
    "hkid": r"[A-Z]{1,2} ?\d{6} ?(?:\([\dA]\)|[\dA])",
    "hr.oib": _digits(11),
    "hungarian": r"\d(?:[ -]?\d){8,9}|\d{6}[A-Z]{2}",
    "id.nik": _digits(16),
    "ie.pps": r"\d{7} ?[A-W] ?[A-IW]?",
    "il.idnr": r"\d{8}-?\d",
    "imei": _digits(16, 15),
    "in_.aadhaar": _digits(12),
    "in_.epic": r"[A-Z]{3} ?\d{7}",
    "in_.pan": r"[A-Z]{5} ?\d{4} ?[A-Z]",
    "is_.kennitala": r"\d{6}-?\d{4}",
    "it.codicefiscale": (
        r"[A-Z]{3} ?[A-Z]{3} ?[\dL-NP-V]{2} ?[A-EHLMPRST] ?[\dL-NP-V]{2} ?[A-Z] ?[\dL-NP-V]{3} ?[A-Z]"
    ),
    "jp.in_": _digits(12),
    "ke.pin": r"[AP]\d{9}[A-Z]",
    "kr.rrn": r"\d{6} ?-? ?\d{7}",
    "lt.asmens": _digits(11),
    "lv.pvn": r"\d{6}-?\d{5}",
    "medicare": _digits(11, 10),
    "mx.curp": r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d",
    "mx.rfc": r"[A-ZÑ&]{3,4}[ -]?\d{6}[ -]?[A-Z\d]{3}",
    "my.nric": r"\d{6}-?\d\d-?\d{4}",
    "nin": _digits(11),
    "nino": rf"{_NINO}(?:[ -]?\d\d){{3}}(?:[ -]?[A-D])?",
    "nl.bsn": _digits(9),
    "no.fodselsnummer": r"\d{6}[ -]?\d{5}",
    "nric": r"[STFGM]\d{7}[A-Z]",
    "nz.ird": _digits(9, 8),
    "pe.cui": r"\d{8}(?:-?[\dA-K])?",
    "philippine": _digits(16, 12, 10),
    "pk.cnic": r"\d{5}-?\d{7}-?\d",
    "pl.nip": _digits(10),
    "pl.pesel": _digits(11),
    "plate": (
        rf"{_PLATE}|(?=[A-Z]{{0,7}}\d)(?=\d{{0,7}}[A-Z])[A-Z\d]{{4,8}}"
        r"|(?=[A-Z]{0,4}[ -]?\d)(?=\d{0,4}[ -]?[A-Z])[A-Z\d]{2,4}[ -][A-Z\d]{2,4}"
        r"|[a-z]{2}\d\d ?[a-z]{3}|(?=[a-z]{1,4}\d|\d{1,4}[a-z])[a-z\d]{5,8}"
    ),
    "pt.cc": r"\d{8} ?\d? ?[A-Z\d]{2}\d",
    "pt.nif": _digits(11, 9),
    "ro.cnp": _digits(13),
    "ru.inn": _digits(12, 10),
    "se.personnummer": r"(?:\d\d)?\d{6} ?[-+]? ?\d{4}",
    "si.emso": _digits(13),
    "sk.rc": r"\d{6} ?/? ?\d{3,4}",
    "sin": _digits(9),
    "social": rf"(?!\d{{3}}[ -]?\d\d[ -]?\d{{4}}(?!\d)){_ANY}",  # not that of the USA, which `numbers` finds
    "snils": _digits(11),
    "taiwanese": r"[A-Z][1289]\d{8}",
    "th.pin": _digits(13),
    "tr.tckimlik": _digits(11),
    "ua.rntrc": _digits(10),
    "us.ein": r"\d\d-?\d{7}",
    "us.itin": r"9\d\d[- ]?\d\d[- ]?\d{4}",
    "us.ptin": r"P\d{8}",
    "ve.rif": r"[VEJPG][ -]?\d{7,8}(?:-?\d)?|\d{1,2}\.\d{3}\.\d{3}",
    "vietnamese": _digits(12, 9),
    "vin": _VIN,
    "vsnr": r"\d\d ?\d{6} ?[A-Z] ?\d{3}",
    "za.idnr": _digits(13),
}
# What is found wherever it stands if it is right.
_ALONE = {
    "ar.cuit": r"(?:2[034567]|3[034])-\d{8}-\d",
    "be.nn": r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d",
    "br.cnpj": r"\d\d\.\d{3}\.\d{3}/\d{4}-\d\d",
    "br.cpf": r"\d{3}\.\d{3}\.\d{3}-\d\d",
    "ch.ssn": r"756\.\d{4}\.\d{4}\.\d\d",
    "cl.rut": r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]",
    "cn.ric": r"[1-8]\d{5}(?:19|20)\d{9}[\dX]",
    "cz.rc": r"\d{6}/\d{4}",
    "driving": _DVLA,
    "es.dni": r"\d{8}-?[A-HJ-NP-TV-Z]",
    "es.nie": r"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]",
    "fi.hetu": r"[0-3]\d[01]\d{3}[-+A]\d{3}[A-FHJ-NPR-Y]",  # with a digit it looks like the number of an order
    "fr.nir": r"[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?\d[\dAB] ?\d{3} ?\d{3} ?-?\d\d",
    "hkid": r"[A-Z]{1,2}\d{6}\([\dA]\)",
    "imei": r"\d\d-\d{6}-\d{6}-\d",
    "in_.pan": r"[A-Z]{3}P[A-Z]\d{4}[A-Z]",
    "it.codicefiscale": f"(?i:{_FORMS['it.codicefiscale'].replace(' ?', '')})",
    "kr.rrn": r"\d\d[01]\d[0-3]\d-[1-8]\d{6}",
    "mx.curp": _FORMS["mx.curp"],
    "my.nric": r"\d\d[01]\d[0-3]\d-\d\d-\d{4}",
    "nino": rf"{_NINO}(?:\d{{6}}|(?: \d\d){{3}} )[A-D]",
    "nric": _FORMS["nric"],
    "th.pin": r"\d-\d{4}-\d{5}-\d\d-\d",
    "us.itin": r"9\d\d-[5-9]\d-\d{4}",
    "vin": _VIN,
}
_OF_GROUP = ["", *_ALONE]
_FOUND_ALONE = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9A-Za-z][.-])(?=[A-Za-z]{0,6}[ -]?\d)(?:"
    + "|".join(f"({form})" for form in _ALONE.values())
    + r")(?![^\W_]|[.-]\d)"
)
_MARKS = re.compile("[\u0300-\u036f]")
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]+")


def find(text: str) -> Iterator[Entity]:
    """Numbers of people, licence plates, and numbers of cars and telephones; entities may overlap.

    Parameters
    ----------
    text
        Folded (see `folding`).

    Examples
    --------
    >>> text = "PESEL 44051401359, CPF da Ana: 11144477735, number plate AB 123"
    >>> sorted({(entity.type, text[entity.start : entity.end]) for entity in find(text)})
    [('LICENSE_PLATE', 'AB 123'), ('NATIONAL_ID', '11144477735'), ('NATIONAL_ID', '44051401359')]
    """
    if _DIGIT.search(text) is None:
        return
    for match in _FOUND_ALONE.finditer(text):
        kind = _OF_GROUP[match.lastindex or 0]
        if _is_right(kind, match[0]):
            yield _entity(kind, match.span())
    for _, entity in after_words(text):
        yield entity


def after_words(text: str) -> Iterator[tuple[tuple[int, int], Entity]]:
    """Numbers that have words before them which say what they are, each with the place of these."""
    there = set(_WORD.findall(_plain(text)))
    if not any(there.issuperset(phrase.words) for word in there & _phrases().keys() for phrase in _phrases()[word]):
        return
    places = [match.span() for match in _WORD.finditer(text)]
    words = [_plain(text[start:end]) for start, end in places]
    for number, word in enumerate(words):
        for phrase in _phrases().get(word, ()):
            last = number + len(phrase.words) - 1
            if words[number : last + 1] == phrase.words:
                found = _after(text, places[last][1], phrase)
                if found is not None:
                    yield (places[number][0], places[last][1]), found


class _Phrase(NamedTuple):
    words: list[str]
    kinds: list[tuple[str, bool]]  # what it may stand before, and whether a wrong number is one too


@cache
def _phrases() -> dict[str, list[_Phrase]]:
    """What stands before numbers, by its first word."""
    kinds = defaultdict[str, list[tuple[str, bool]]](list)
    for kind, phrases in ENGLISH.personal.foreign_ids.items():
        for phrase in phrases:
            kinds[_plain(phrase.removesuffix("?"))].append((kind, not phrase.endswith("?")))
    by_first = defaultdict[str, list[_Phrase]](list)
    for words, of_words in kinds.items():
        by_first[words.partition(" ")[0]].append(_Phrase(words.split(), of_words))
    return dict(by_first)


def _plain(text: str) -> str:
    """Without case and accents."""
    lower = text.lower()
    return lower if lower.isascii() else _MARKS.sub("", unicodedata.normalize("NFKD", lower))


def _after(text: str, end: int, phrase: _Phrase) -> Entity | None:
    """The number after a phrase that ends there: of a kind that it is right for, or else of the first."""
    mistyped = None
    for kind, is_sure in phrase.kinds:
        match = _pattern(kind).match(text, end)
        if match is not None:
            entity = _entity(kind, match.span("value"))
            if _is_right(kind, match["value"]):
                return entity
            if is_sure and mistyped is None:
                mistyped = entity
    return mistyped


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    """What stands between the word and the number, and that number: it doesn't begin with a word, such as "is"."""
    return re.compile(
        r"(?:[^\n\d]{0,25}?|[^\n\w]{0,4}\n[^\n\w]{0,10})(?<![^\W_])"
        rf"(?P<value>(?-i:(?![a-z]{{1,5}} )){_FORMS[kind]})(?![^\W_]|[.-]\d)",
        re.NOFLAG if kind in ("driving", "plate") else re.IGNORECASE,
    )


def _entity(kind: str, span: tuple[int, int]) -> Entity:
    return Entity(*span, _TYPES.get(kind, "NATIONAL_ID"), _SCORE)


def _is_right(kind: str, value: str) -> bool:
    """Whether its checksum is right; where it has none, its form."""
    if "." in kind:
        try:
            return bool(_module(kind).is_valid(value))
        except (KeyError, ValueError):  # of some modules, for numbers that no one has
            return False
    return kind in _CHECKS and _CHECKS[kind](re.sub(r"[^\w]", "", value).upper())


@cache
def _module(kind: str) -> Any:
    return import_module(f"stdnum.{kind}")


_VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "012345678912345678123457923456789"), strict=True))


def _is_vin(vin: str) -> bool:
    """With the check digit of North America, and a running number at its end."""
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    rest = sum(weight * _VALUES[char] for weight, char in zip(weights, vin, strict=True)) % 11
    return vin[8] == "0123456789X"[rest] and vin[-4:].isdigit()


def _is_nric(nric: str) -> bool:
    total = sum(weight * int(digit) for weight, digit in zip((2, 7, 6, 5, 4, 3, 2), nric[1:8], strict=True))
    letters = {"S": "JZIHGFEDCBA", "T": "GFEDCBAJZIH", "F": "XWUTRQPNMLK", "G": "RQPNMLKXWUT", "M": "TRQPNJLKXWU"}
    return nric[8] == letters[nric[0]][total % 11]


def _is_hkid(hkid: str) -> bool:
    values = [36, *(int(char, 36) for char in hkid)][-9:]
    return sum(weight * value for weight, value in zip(range(9, 0, -1), values, strict=True)) % 11 == 0


_CHECKS: dict[str, Callable[[str], bool]] = {
    "driving": lambda number: re.fullmatch(rf"{_DVLA}|[A-Z]{{1,3}}\d{{5,14}}", number) is not None,
    "hkid": _is_hkid,
    "imei": lambda imei: luhn(imei[:15]),
    "nino": lambda nino: True,
    "nric": _is_nric,
    "sin": luhn,
    "plate": lambda plate: re.fullmatch(_PLATE, plate) is not None,
    "vin": _is_vin,
}
