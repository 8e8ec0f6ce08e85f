"""English words and numbers: what is left out, what is cut off, what is written another way."""

from __future__ import annotations

import re

from watchline.detectors.languages.language import WordForms

# Function words; negation, which is a signal of its own; how an answer speaks of its sources and of itself.
_STOP_WORDS = """
a about above after again all also although an and any are as at be because been before being below between both but by
can could did do does doing down during each either even every few for from further had has have having he her here hers
him his how however i if in into is it its itself just like many may me might more most much must my of off on once one
only or other others our out over own per rather same shall she should so some such than that the their them then there
therefore these they this those through thus to too under until up upon us very was we were what when where whether
which while who whom whose why will with within would you your yours it's i'm you're they're that's there's yes

not no nor never none neither cannot without don't doesn't didn't isn't aren't wasn't weren't can't won't wouldn't
couldn't

according based provided given following passage passages document documents context article text information mentioned
states stated answer question note overall summary additionally furthermore moreover finally important
"""

WORDS = WordForms(
    stop_words=frozenset(_STOP_WORDS.split()),
    suffix=re.compile(r"(?:ations?|ings?|edly|ed|ies|es|ly|s|y|e)$"),
    plural="s",
    possessive="'s",
    negation=re.compile(
        r"\b(?:not|no|never|none|neither|nor|without|cannot|lacks?|unable|nothing|nobody)\b|n['\u2019]t\b",
        re.IGNORECASE,
    ),
    units=("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    teens=(
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ),
    tens={
        "twenty": 20,
        "thirty": 30,
        "forty": 40,
        "fifty": 50,
        "sixty": 60,
        "seventy": 70,
        "eighty": 80,
        "ninety": 90,
    },
    scales={"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000},
    one=frozenset(["a", "one"]),
    currency_codes={"usd": "dollar", "eur": "euro", "gbp": "pound"},
    signs={
        "$": " dollar ",
        "\u20ac": " euro ",
        "\u00a3": " pound ",
        "%": " percent ",
        "M": " million",
        "B": " billion",
        "K": " thousand",
        "k": " thousand",
    },
    ordinals="st|nd|rd|th",
    half_day=r"(?P<half>[ap])\.?m\b\.?",
    afternoon="pP",
)
