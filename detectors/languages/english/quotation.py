"""English words around a sentence that say its document doesn't state it."""

from __future__ import annotations

import re

from watchline.detectors.languages.language import QuotationWords


def _words(pattern: str) -> re.Pattern[str]:
    """Any of the words, whatever the line breaks between them in this file."""
    alternatives = "".join(line.strip() for line in pattern.splitlines())
    return re.compile(rf"\b(?:{alternatives})\b", re.IGNORECASE)


QUOTATION = QuotationWords(
    doubted=_words(
        r"""myths?|fiction|fals(?:e|ely|ehoods?)|misconceptions?|mistaken(?:ly)?|mistakes?|wrong(?:ly)?|incorrect(?:ly)?
        |untrue|not (?:true|so|correct|right|accurate|the case)|nonsense|nope|rumou?rs?|hoax(?:es)?|legends?|fables?
        |no truth|debunked|unfounded|baseless|contrary to|denied|denies|deny|refut\w+|disprov\w+|retracted|withdrawn
        |invented"""
    ),
    superseded=_words(
        r"""corrections?|corrected|errat(?:um|a)|corrigend(?:um|a)|supersede[sd]?|replaced? (?:by|the)|amended|no longer
        |change of plan|outdated|obsolete|former(?:ly)?|used to|instead|postponed|cancelled|update[ds]?"""
    ),
    correction=re.compile(
        r"\W*(?:corrections?|corrected|update[sd]?|errat(?:um|a)|corrigend(?:um|a)|amendment|(?:small )?change)\b",
        re.IGNORECASE,
    ),
    reported=_words(
        r"""claim(?:s|ed|ing)?|alleg\w+|argu(?:es?|ed|ing)|insist\w*|maintain\w*|assert\w*|rumou?r\w*|advertis\w+|promis\w+
        |suspect\w*|believ\w+|accus\w+|speculat\w*|reportedly|supposedly|hopes?|hoped|fears?|feared|predict\w*|tell us
        |sure"""
    ),
    denied=_words(
        r"""not|never|no|nothing|neither|nor|none|nobody|without|cannot|hardly|far from|avoid\w*|\w+n['\u2019]t"""
    ),
    conditional=_words(
        r"""if|unless|until|till|provided(?: that)?|assuming|in case|as long as|so long as|on condition
        |only (?:if|when|after)|except|whether|were to|would|draft|propos(?:al|ed|es)|could it be
        |with \S+ (?:set|switched|turned)"""
    ),
    pointing=re.compile(
        r"\W*(?:(?:in|for|by|with|under|after|to|on|from|at|of)\s+)?(?:it|its|they|their|them|he|his|him|she|hers?|this"
        r"|these|that|those|the (?:former|latter|same|other|first|second|one)|both|neither|each|here|there|such|so|then"
        r"|one|another|others|some)\b",
        re.IGNORECASE,
    ),
)
