"""English words around a sentence that say its document doesn't state it."""

from __future__ import annotations

import re

from watchline.detectors.languages.language import QuotationWords

QUOTATION = QuotationWords(
    doubted=re.compile(
        r"\b(?:myths?|fiction|fals(?:e|ely|ehoods?)|misconceptions?|mistaken(?:ly)?|mistakes?|wrong(?:ly)?|untrue|nope"
        r"|incorrect(?:ly)?|not (?:true|so|correct|right|accurate|the case)|nonsense|rumou?rs?|hoax(?:es)?|legends?"
        r"|fables?|no truth|debunked|unfounded|baseless|contrary to|denied|denies|deny|refut(?:es?|ed)|disproved"
        r"|disproven|retracted|withdrawn|invented)\b",
        re.IGNORECASE,
    ),
    superseded=re.compile(
        r"\b(?:corrections?|corrected|errat(?:um|a)|corrigend(?:um|a)|supersede[sd]?|replaced? (?:by|the)|amended"
        r"|no longer|change of plan|outdated|obsolete|former(?:ly)?|used to|instead|postponed|cancelled|update[ds]?)\b",
        re.IGNORECASE,
    ),
    correction=re.compile(
        r"\W*(?:corrections?|corrected|update[sd]?|errat(?:um|a)|corrigend(?:um|a)|amendment|(?:small )?change)\b",
        re.IGNORECASE,
    ),
    reported=re.compile(
        r"\b(?:claim(?:s|ed|ing)?|alleg(?:es?|ed|ing|ations?|edly)|argu(?:es?|ed|ing)|insist(?:s|ed)?|maintain(?:s|ed)?"
        r"|assert(?:s|ed)?|rumou?red|advertis(?:es?|ed)|promis(?:es?|ed)|suspect(?:s|ed)?|believ(?:es?|ed)"
        r"|accus(?:es?|ed)|speculat(?:es?|ed)|reportedly|supposedly|hope[sd]?|fear(?:s|ed)?|predict(?:s|ed)?|tell us"
        r"|sure)\b",
        re.IGNORECASE,
    ),
    denied=re.compile(
        r"\b(?:not|never|no|nothing|neither|nor|none|nobody|without|cannot|hardly|far from|avoid(?:s|ed|ing)?)\b"
        r"|n['\u2019]t\b",
        re.IGNORECASE,
    ),
    conditional=re.compile(
        r"\b(?:if|unless|until|till|provided(?: that)?|assuming|in case|(?:as|so) long as|on condition"
        r"|only (?:if|when|after)|except|whether|were to|would|draft|propos(?:al|ed|es)|could it be"
        r"|with \S{1,40} (?:set|switched|turned))\b",
        re.IGNORECASE,
    ),
    pointing=re.compile(
        r"\W*(?:(?:in|for|by|with|under|after|to|on|from|at|of)\s+)?(?:it|its|they|their|them|he|his|him|she|hers?|this"
        r"|these|that|those|the (?:former|latter|same|other|first|second|one)|both|neither|each|here|there|such|so|then"
        r"|one|another|others|some)\b",
        re.IGNORECASE,
    ),
)
