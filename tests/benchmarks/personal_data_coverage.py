"""Which of HIPAA's identifiers and of GDPR's categories are covered, with measured recall: the table of the model card.

HIPAA's 18 are those of 45 CFR 164.514(b)(2)(i); GDPR's are those of Articles 4(1), 9(1) and 10. Recall is that of
generated values (surnames held out) in sentences, in records of the formats of development, and of those kept out.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.personal_data_formats import Counts, generated, measure, ours
from tests.personal_data.records import FORMATS, KEPT_OUT
from tests.personal_data.values import HELD_OUT
from watchline.detectors.declarations import PII
from watchline.detectors.pii.detector import PersonalData

_SENTENCES = ("prose", "chat")
Row = tuple[str, tuple[str, ...], str]  # identifier, labels, what isn't covered

HIPAA: tuple[Row, ...] = (
    ("A names", ("PERSON",), "of people in other scripts than Latin"),
    ("B places smaller than a state", ("ADDRESS",), "towns, counties and postcodes alone"),
    ("C dates, ages over 89", ("DATE_OF_BIRTH",), "dates of admission, discharge, death; ages"),
    ("D telephone numbers", ("PHONE_NUMBER",), ""),
    ("E fax numbers", ("PHONE_NUMBER",), ""),
    ("F e-mail addresses", ("EMAIL_ADDRESS",), ""),
    ("G social security numbers", ("US_SSN",), ""),
    ("H medical record numbers", ("MEDICAL_RECORD_NUMBER",), "without a word or field name that says so"),
    ("I health plan beneficiary numbers", (), "but where it is also a national number"),
    ("J account numbers", ("US_BANK_NUMBER", "IBAN_CODE", "CREDIT_CARD", "CRYPTO"), "customer and user numbers"),
    ("K certificates, licences", ("US_DRIVER_LICENSE", "US_PASSPORT"), "professional licences, certificates"),
    ("L vehicles, plates", ("LICENSE_PLATE", "VIN"), "plates without a word or field name that says so"),
    ("M devices, serial numbers", ("IMEI", "MAC_ADDRESS"), "makers' serial numbers"),
    ("N web addresses", ("URL",), "those without a password in them stay"),
    ("O IP addresses", ("IP_ADDRESS",), ""),
    ("P biometric identifiers", (), "text only is read"),
    ("Q photographs of faces", (), "text only is read; media are not decoded"),
    ("R any other unique number or code", ("NATIONAL_ID", "SECRET"), "numbers of an app's own, such as order numbers"),
)
GDPR: tuple[Row, ...] = (
    ("Art. 4(1) name", ("PERSON",), "as above"),
    (
        "Art. 4(1) identification number",
        ("NATIONAL_ID", "US_SSN", "US_PASSPORT", "US_DRIVER_LICENSE"),
        "numbers that an app gives; see `pseudonyms` for its ids",
    ),
    ("Art. 4(1) location data", ("ADDRESS",), "coordinates, towns, movements"),
    (
        "Art. 4(1) online identifier",
        ("IP_ADDRESS", "MAC_ADDRESS", "IMEI", "EMAIL_ADDRESS"),
        "user names, cookies' names",
    ),
    ("Art. 4(1) what is specific to a person", ("DATE_OF_BIRTH",), "descriptions, jobs, ages, nationalities"),
    ("Art. 9 racial or ethnic origin", (), "stays in the text"),
    ("Art. 9 political opinions", (), "stays in the text"),
    ("Art. 9 religious or philosophical beliefs", (), "stays in the text"),
    ("Art. 9 trade union membership", (), "stays in the text"),
    ("Art. 9 genetic data", (), "stays in the text"),
    ("Art. 9 biometric data", (), "text only is read"),
    ("Art. 9 health", ("MEDICAL_RECORD_NUMBER",), "diagnoses, drugs, symptoms stay: only the record's number goes"),
    ("Art. 9 sex life, sexual orientation", (), "stays in the text"),
    ("Art. 10 criminal convictions", (), "stays in the text"),
)


def run(*, number: int) -> None:
    """Measures and prints the tables in Markdown."""
    finder = ours(PersonalData(cache_texts=0))
    known = measure(generated(HELD_OUT, list(FORMATS), number), finder)
    new = measure(generated(HELD_OUT, list(KEPT_OUT), number), finder)
    for name, rows in (("HIPAA, safe harbour", HIPAA), ("GDPR", GDPR)):
        print(f"| {name} | label: recall in sentences, in records, in formats kept out | not covered |\n|---|---|---|")
        for identifier, labels, rest in rows:
            print(f"| {identifier} | {_labels(labels, known, new) or '**none**'} | {rest} |")
        print()


def _labels(labels: Sequence[str], known: Counts, new: Counts) -> str:
    records = [form for form in FORMATS if form not in _SENTENCES]
    return "; ".join(
        f"{label}{'' if label in PII.labels else ' (has no label yet)'} "
        + ", ".join(
            f"{recall:.3f}"
            for counts, formats in ((known, _SENTENCES), (known, records), (new, list(KEPT_OUT)))
            if (recall := counts.recall(formats, [label])) is not None
        )
        for label in labels
    )
