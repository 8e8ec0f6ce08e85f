"""How English sentences speak of what a record holds: negations, where they end, ratings, what is not told."""

from __future__ import annotations

import re

from watchline.detectors.languages.language import Records

_DENIED = re.compile(
    r"\b(?:not|no|never|neither|nor|without|lack(?:s|ing)?|cannot|unavailable|except|excluding|rather than)\b"
    r"|\binstead of\b|n['\u2019]t\b",
    re.IGNORECASE,
)
# Where a negation ends: at a turn, and where a clause with a subject of its own begins.
_TURN = re.compile(
    r"\b(?:but|however|though|although|while|whereas|yet|still)\b|[;:.]"
    r"|(?:,|\band\b)\s*(?:and\s+)?(?=(?:its?|they|their|there|he|she|we|you|the|this|that|customers|guests)\b)",
    re.IGNORECASE,
)
# "street parking, lots and valets are not provided" denies all three, "outdoor seating, and WiFi is not" the last.
_NO_VERB = r"(?!\b(?:is|are|was|were|has|have|offers?|provides?|but|while|with|although|though)\b)"
_DENIED_AFTER = re.compile(
    rf"(?:(?:{_NO_VERB}(?!\band\b)[^,;.]){{0,40}}?\b(?:is|was)|(?:{_NO_VERB}[^;.]){{0,80}}?\b(?:are|were))"
    r"(?: not|n['\u2019]t)\b"
    rf"|(?:{_NO_VERB}(?!\band\b)[^,;.]){{0,25}}?\b(?:unavailable|not (?:available|offered|allowed|provided))\b",
    re.IGNORECASE,
)
_UNTOLD = re.compile(
    r"(?:\b(?:not|no)|n['\u2019]t)\b[^.;]{0,20}\b(?:specif\w+|mention\w*|details?|information|known|clear|stated?|indicate\w*"
    r"|listed)\b|\b(?:unknown|unspecified)\b|\binformation\b[^.;]{0,1000}\bnot (?:available|provided|given)\b",
    re.IGNORECASE,
)
_CLAUSE_BREAK = re.compile(r"[,;:()]|\b(?:and|or|but|with|which|although|though|while|as well as)\b", re.IGNORECASE)

RECORDS = Records(
    fillers=frozenset(["is", "has", "have", "good", "for", "allows", "accepts", "offers"]),
    key_suffix=re.compile(r"(?:ing|s|e)$"),
    truth={"yes": True, "free": True, "paid": True, "true": True, "no": False, "none": False, "false": False},
    yes="yes",
    no="no",
    unknown="unknown",
    denied=_DENIED,
    denied_after=_DENIED_AFTER,
    turn=_TURN,
    untold=_UNTOLD,
    clause_break=_CLAUSE_BREAK,
    rating=re.compile(r"\b([0-5](?:\.\d+)?)(?:\s*|-)(?:out of (?:5|five)\s*)?(?:-?stars?\b|/5)", re.IGNORECASE),
    rates=re.compile(r"stars?|rating|score", re.IGNORECASE),
    cut="truncated|cut|continued",
)
