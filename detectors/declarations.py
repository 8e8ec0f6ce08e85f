"""The detectors, each declared once, for settings, command line, documentation and its own class.

Beside its declaration a detector has its module, a section of `thresholds.toml` and a folder of weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["sequence", "pair", "token"]
NOT_SUPPORTED = "language not supported"  # a detector's reason, before the language's code


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is known of a detector before its module is imported.

    Attributes
    ----------
    name : str
        In settings and findings, and of its folder of weights.
    implementation : str
        Its class, as `module:class`.
    labels : tuple of str
        What it gives a score for; the weights were fitted on them in this order.
    tasks : tuple of str
        What a Hugging Face model in its place can be for; none: it can't be replaced.
    """

    name: str
    implementation: str
    labels: tuple[str, ...]
    tasks: tuple[Task, ...] = ()


PII = Declaration(
    "pii",
    "watchline.detectors.pii.detector:PersonalData",
    (
        "EMAIL_ADDRESS",
        "PHONE_NUMBER",
        "CREDIT_CARD",
        "IBAN_CODE",
        "US_SSN",
        "US_PASSPORT",
        "US_DRIVER_LICENSE",
        "US_BANK_NUMBER",
        "IP_ADDRESS",
        "MAC_ADDRESS",
        "URL",
        "CRYPTO",
        "SECRET",
        "DATE_OF_BIRTH",
        "ADDRESS",
        "PERSON",
        "ORGANIZATION",
        "MEDICAL_RECORD_NUMBER",
        "NATIONAL_ID",
        "LICENSE_PLATE",
        "VIN",
        "IMEI",
        "LEAK",  # no type of its own: any of these in an answer, if neither person nor conversation named it
    ),
    tasks=(),  # redaction needs its patterns and checksums
)
GROUNDEDNESS = Declaration(
    "groundedness",
    "watchline.detectors.grounding.groundedness:Groundedness",
    ("unsupported",),
    tasks=("pair", "token"),
)
RELEVANCE = Declaration(
    "relevance",
    "watchline.detectors.grounding.relevance:Relevance",
    ("answer_irrelevant", "context_irrelevant"),
    tasks=("pair",),
)
TOXICITY = Declaration(
    "toxicity",
    "watchline.detectors.harm.toxicity:Toxicity",
    ("hate", "violence", "sexual", "self_harm", "insult", "sexism"),
    tasks=("sequence",),
)
BIAS = Declaration("bias", "watchline.detectors.harm.bias:Bias", ("stereotype",), tasks=("sequence",))
INJECTION = Declaration(
    "injection",
    "watchline.detectors.harm.injection:Injection",
    ("injection", "indirect_injection"),
    tasks=("sequence",),
)

DETECTORS = {declaration.name: declaration for declaration in (PII, GROUNDEDNESS, RELEVANCE, TOXICITY, BIAS, INJECTION)}
