"""National identifiers drawn by their countries' rules, in sentences and records; the card's figures are of 50 each.

Written from the forms that the countries publish, not from the patterns: `#` is a digit, `@` a letter, `D` and `M` the
day and month of a birth (`Y` the year, `C` the century), `?` is tried until the checksum is right.
"""

from __future__ import annotations

import itertools
import random
import string
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from urllib.parse import quote_plus

from watchline.detectors.pii.detector import PersonalData

# Form, and the module of stdnum that checks it; where a word is needed, also the field's name and words of a sentence.
ALONE = {
    "IT codice fiscale": ("@@@@@@YYP##H###?", "it.codicefiscale"),
    "MX CURP": ("@@@@YYMMDDHDFKRM0?", "mx.curp"),
    "BR CPF": ("###.###.###-??", "br.cpf"),
    "BR CNPJ": ("##.###.###/0001-??", "br.cnpj"),
    "CL RUT": ("1#.###.###-?", "cl.rut"),
    "CN resident id": ("110105CCYYMMDD###?", "cn.ric"),
    "KR RRN": ("YYMMDD-1####0?", "kr.rrn"),
    "ES DNI": ("########?", "es.dni"),
    "ES NIE": ("X#######?", "es.nie"),
    "FR NIR": ("1 YY MM 75 1## ### ??", "fr.nir"),
    "CH AHV": ("756.####.####.#?", "ch.ssn"),
    "BE NN": ("YY.MM.DD-1##.??", "be.nn"),
    "AR CUIT": ("20-########-?", "ar.cuit"),
    "TH PIN": ("3-1001-#####-##-?", "th.pin"),
    "IN PAN": ("@@@P@1##1@", "in_.pan"),
    "US ITIN": ("9##-7#-####", "us.itin"),
}
BY_WORD = {
    "FI HETU": ("DDMMYY-1##?", "fi.hetu", "hetu", "Henkilötunnus on"),
    "SE personnummer": ("YYMMDD-1##?", "se.personnummer", "personnummer", "Mitt personnummer är"),
    "DK CPR": ("DDMMYY-####", None, "cpr", "Mit CPR-nummer er"),
    "NO fødselsnummer": ("DDMMYY1##??", "no.fodselsnummer", "fodselsnummer", "Mitt fødselsnummer er"),
    "PL PESEL": ("YYMMDD####?", "pl.pesel", "pesel", "PESEL klienta to"),
    "NL BSN": ("1#######?", "nl.bsn", "bsn", "Mijn BSN is"),
    "DE Steuer-ID": ("1##########", None, "steuer_id", "Meine Steuer-ID lautet"),
    "GB NHS": ("### ### ###?", "gb.nhs", "nhs_number", "His NHS number is"),
    "GB NINO": ("AB ## ## ## C", None, "nino", "my National Insurance number is"),
    "IN Aadhaar": ("2### #### ###?", "in_.aadhaar", "aadhaar", "Aadhaar card no."),
    "CA SIN": ("1## ### ##?", "ca.sin", "social_insurance_number", "My SIN is"),
    "AU TFN": ("### ### ##?", "au.tfn", "tfn", "Her tax file number (TFN) is"),
    "US EIN": ("12-#######", None, "ein", "Our EIN is"),
    "ZA ID": ("YYMMDD####08?", "za.idnr", "sa_id", "South African ID number"),
    "MX RFC": ("@@@@YYMMDDAB#", None, "rfc", "RFC del cliente:"),
    "IE PPS": ("#######?", "ie.pps", "ppsn", "PPS number"),
    "PT NIF": ("2#######?", "pt.nif", "nif", "O NIF do cliente é"),
    "TR TCKN": ("1########??", "tr.tckimlik", "tckn", "TC Kimlik No:"),
    "RO CNP": ("1YYMMDD01###?", "ro.cnp", "cnp", "CNP-ul: CNP"),
    "BG EGN": ("YYMMDD###?", "bg.egn", "egn", "ЕГН"),
    "HR OIB": ("##########?", "hr.oib", "oib", "OIB:"),
    "EE isikukood": ("3YYMMDD###?", "ee.ik", "isikukood", "Minu isikukood on"),
    "JP My Number": ("###########?", "jp.in_", "my_number", "My Number is"),
    "ID NIK": ("317101DDMMYY####", None, "nik", "NIK saya"),
    "PK CNIC": ("35202-#######-1", None, "cnic", "CNIC number"),
    "RU INN": ("##########??", "ru.inn", "inn", "ИНН"),
}
PLATES = (
    "@@## @@@",
    "@-@@ ####",
    "@@-###-@@",
    "#### BCD",
    "#@@@###",
    "@@@ ####",
    "@@ ## @@ ####",
    "@@@#@##",
    "##-@@@-#",
)
OTHERS = {
    "LICENSE_PLATE": (PLATES, "license_plate", "The number plate is"),
    "VIN": (("WVWZZZ1KZ@W######", "1HGBH41JX@N######"), "vin", "The VIN of the car is"),
    "IMEI": (("35####0#######?",), "imei", "Its IMEI is"),
    "US_DRIVER_LICENSE": (("@#######", "@###-####-####", "DDMMYY###"), "driver_license", "Her driver's license is"),
}
SENTENCES = ("{word} {value}.", "Hello, {word} {value}, please update my account", "{word}: {value}\nThanks")
RECORDS = {
    "JSON": '{{"id":17,"{field}":"{value}","note":"ok"}}',
    "CSV": "id,{field},note\n17,{value},ok\n18,{value},late\n",
    "XML": "<row><id>17</id><{field}>{value}</{field}></row>",
    "query string": "https://x.example/a?id=17&{field}={value}&note=ok",
}


def draw(r: random.Random, form: str, checked_by: str | None = None) -> str:
    """A value of a form."""
    while True:
        year, month, day = r.randint(40, 99), r.randint(1, 12), r.randint(1, 28)
        text = (
            form.replace("YY", f"{year:02}").replace("MM", f"{month:02}").replace("DD", f"{day:02}").replace("CC", "19")
        )
        if "YYP" in form:
            text = text.replace("P##", f"{r.choice('ABCDEHLMPRST')}{day:02}")
        text = "".join(
            r.choice(string.digits) if char == "#" else r.choice("ABDEFGHJKLMNPRSTUVWXYZ") if char == "@" else char
            for char in text
        )
        if checked_by is None:
            return text
        is_valid = import_module(f"stdnum.{checked_by}").is_valid
        for checks in itertools.product(string.digits + string.ascii_uppercase, repeat=text.count("?")):
            tried = text
            for check in checks:
                tried = tried.replace("?", check, 1)
            if is_valid(tried):
                return tried


def rows(r: random.Random, each: int) -> Iterator[tuple[str, str, str, str]]:
    """Kind, place, text and value."""
    for kind, (form, check) in ALONE.items():
        for _ in range(each):
            yield from _placed(r, kind, "reference", "I sent", draw(r, form, check))
    for kind, (form, checked_by, field, word) in BY_WORD.items():
        for _ in range(each):
            yield from _placed(r, kind, field, word, draw(r, form, checked_by))
    for kind, (forms, field, word) in OTHERS.items():
        for _ in range(each):
            yield from _placed(r, kind, field, word, draw(r, r.choice(forms), "imei" if kind == "IMEI" else None))


def _placed(r: random.Random, kind: str, field: str, word: str, value: str) -> Iterator[tuple[str, str, str, str]]:
    yield kind, "sentence", r.choice(SENTENCES).format(word=word, value=value), value
    name, record = r.choice([*RECORDS.items()])
    written = quote_plus(value) if name == "query string" else value
    yield kind, name, record.format(field=field, value=written), written


def missed(r: random.Random, each: int) -> dict[tuple[str, str], list[bool]]:
    """For each kind and place, of each value whether a letter or digit of it is left."""
    drawn = [*rows(r, each)]
    found = PersonalData().find([text for *_, text, _ in drawn], [True] * len(drawn))
    outcomes = defaultdict[tuple[str, str], list[bool]](list)
    for (kind, place, text, value), entities in zip(drawn, found, strict=True):
        start = text.index(value)
        covered = {at for entity in entities for at in range(entity.start, entity.end) if entity.type != "ORGANIZATION"}
        rest = [at for at in range(start, start + len(value)) if text[at].isalnum() and at not in covered]
        outcomes[kind, place].append(bool(rest))
    return dict(outcomes)
