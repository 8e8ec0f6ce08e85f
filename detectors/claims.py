"""Which sentences of an answer say something that could be wrong: not refusals, questions, courtesies, links, code."""

from __future__ import annotations

import re

_REFUSAL = re.compile(
    r"""\b(?:
      unable\ to\ (?:answer|find|determine|provide)
    | (?:can(?:not|['\u2019]t)|could\ ?n(?:ot|['\u2019]t)|am\ not\ able\ to)\ (?:\w+\ )?
      (?:answer|find|determine|provide|say|tell|help|assist|do\ that|be\ (?:answered|determined|found))
    | (?:do(?:es)?\ ?n(?:ot|['\u2019]t)|did\ ?n(?:ot|['\u2019]t))\ (?:\w+\ )?
      (?:say|mention|contain|provide|specify|state|include|give|address|discuss|explain|cover|describe|know|indicate|answer
        |have\ (?:enough|any|the|that|this|information))
    | (?:is|are|was|were)\ ?(?:not|n['\u2019]t)\ (?:\w+\ )?
      (?:mentioned|specified|provided|stated|given|included|covered|explained|described|discussed|clear|sure|enough)
    | (?:no|not\ enough|insufficient)\ (?:\w+\ )?(?:information|mention|details?|context)
    | not\ sure
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
_SOURCE = re.compile(
    r"\b(?:i|i['\u2019]m|documents?|documentation|passages?|texts?|articles?|context|information|sources?|data|excerpts?"
    r"|sections?|answer|unable)\b",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"\W*(?:(?:see|visit|read|check|sources?|links?|more|find|go)\b[^.]{0,40})?(?:https?://|www\.)\S+\W*$",
    re.IGNORECASE,
)
_TURN = re.compile(r"[,;]\s*(?:but|however|although|though|so)\b|\bhowever\b", re.IGNORECASE)
_COURTESY = re.compile(
    r"\W*(?:(?:sure|certainly|of course|hello|hi|(?:thanks?|thank you)(?: for [\w ]+)?)\W*$"
    r"|(?:sorry|i apologi[sz]e|i['\u2019]m sorry|you['\u2019]re welcome|i hope (?:this|that|it)|let me know|feel free"
    r"|please (?:let|provide|clarify|feel))\b)",
    re.IGNORECASE,
)


def claims_something(sentence: str) -> bool:
    """Whether the sentence says something about the world, by its form.

    "The passages don't mention a price" doesn't, "The passages don't mention a price, but it is about $5" does.
    """
    if sentence.startswith(("```", "~~~")) or sentence.endswith("?") or _POINTER.match(sentence):
        return False
    refusal = _REFUSAL.search(sentence) if _SOURCE.search(sentence) else None
    empty = [match.end() for match in (_COURTESY.match(sentence), refusal) if match]
    if not empty:
        return True
    turn = _TURN.search(sentence, max(empty))
    return turn is not None and claims_something(sentence[turn.end() :])
