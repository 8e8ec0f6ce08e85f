"""Which sentences of an answer say something that could be wrong: not refusals, questions, courtesies, links, code."""

from __future__ import annotations

import re

_SAYS = (
    r"(?:says?|mentions?|contains?|provides?|specif(?:y|ies)|states?|includes?|gives?|address(?:es)?|discuss(?:es)?|explains?"
    r"|covers?|describes?|indicates?|answers?)"
)
_PAPER = r"(?:documents?|context|passages?|texts?|articles?|sources?|excerpts?)"
_REFUSAL = re.compile(
    rf"""\b(?:
      unable\ to\ (?:answer|find|determine|provide)
    | (?:can(?:not|['\u2019]t)|could\ ?n(?:ot|['\u2019]t)|(?:am\ not|\bi\ wasn['\u2019]t)\ able\ to)\ (?:\w+\ )?
      (?:answer|find|determine|provide|say|tell|help|assist|do\ that|be\ (?:answered|determined|found))
    | (?:do(?:es)?\ ?n(?:ot|['\u2019]t)|did\ ?n(?:ot|['\u2019]t))\ (?:\w+\ )?
      (?:say|mention|contain|provide|specify|state|include|give|address|discuss|explain|cover|describe|know|indicate|answer
        |have\ (?:enough|any|the|that|this|information))
    | i\ (?:do\ not|don['\u2019]t)\ have\ (?:\w+\ )?access
    | i(?:\ am|\ was|['\u2019]m)\ (?:not\ able|unable)\ to
    | (?:is|are|was|were)\ ?(?:not|n['\u2019]t)\ (?:\w+\ )?
      (?:mentioned|specified|provided|stated|given|included|covered|explained|described|discussed|clear|sure|enough)
    | (?:information|details?|answer|data)\ (?:is|are)\ ?(?:not|n['\u2019]t)\ available\ (?:in|from|within|here)
    | (?:no|not\ enough|insufficient)\ (?:\w+\ )?(?:information|mention|details?|context)
    | (?:nothing\ in|neither|none|no)\ (?:(?:of|the|these|those|your|provided|given|available|retrieved)\ ){{0,3}}
      {_PAPER}[^.,;]{{0,20}}?\ {_SAYS}
    | {_PAPER}\ (?:\w+\ )?only\ {_SAYS}
    | not\ sure
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
_SOURCE = re.compile(
    r"\b(?:i|i['\u2019]m|documents?|documentation|passages?|texts?|articles?|context|information|sources?|data|excerpts?"
    r"|sections?|answer|unable|knowledge base)\b",
    re.IGNORECASE,
)
_FILE = r"(?:polic(?:y|ies)|manuals?|guides?|leaflets?|pages?|reports?|tables?|files?|story|stories)"
# A policy "doesn't cover" what it excludes: of such papers only words for saying make a refusal.
_UNSAID = re.compile(
    rf"\b{_FILE}\b[^.,;]{{0,30}}?\b(?:do(?:es)?\ ?n(?:ot|['\u2019]t)|never)\ (?:\w+\ )?"
    r"(?:say|mention|specify|state|address|discuss|explain|describe|indicate)\b"
    rf"|\bno mention of\b[^.;]*\bin (?:the|this|your|any|these)\b[\w ]{{0,20}}\b(?:{_PAPER}|{_FILE})\b",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"\W*(?:(?:see|visit|read|check|sources?|links?|more|find|go)\b[^.]{0,40}|\^?\d{1,3}\]:?\s*)?(?:https?://|www\.)\S+\W*$"
    r"|\W*(?:sources?|references?|citations?)\b\W*(?:$|:)",
    re.IGNORECASE,
)
_TURN = re.compile(r"[,;]\s*(?:but|however|although|though|so)\b|\bhowever\b", re.IGNORECASE)
_COURTESY = re.compile(
    r"\W*(?:(?:sure(?: thing)?|certainly|absolutely|of course|(?:that['\u2019]s )?(?:correct|right|true|false)"
    r"|unanswerable|n/a|no answer(?: found)?|(?:hello|hi|hey)(?: there)?(?:[, ]+(?:and )?welcome(?: to [\w ]{1,30})?)?"
    r"|welcome(?: to [\w ]{1,30})?"
    r"|good (?:morning|afternoon|evening|day|question)|(?:great|excellent) question|take care"
    r"|have a (?:\w+ )?(?:day|weekend|evening|one)|(?:thanks?|thank you)(?: for [\w ]+)?)\W*$"
    r"|(?:sorry|i apologi[sz]e|i['\u2019]m sorry|you['\u2019]re welcome|i hope (?:this|that|it)|let me know|feel free"
    r"|(?:i['\u2019]d be|i['\u2019]m|i am|i would be|always)? ?(?:happy|glad) (?:to|i could) (?:help|assist)"
    r"|(?:could|can|would) you (?:please )?(?:tell|provide|clarify|share|let|specify|confirm|give)"
    r"|(?:to (?:help|assist|answer)[\w ]*, )?i(?:['\u2019]d|['\u2019]ll| would)? need (?:to know|(?:some |a bit )?more)"
    r"|please (?:(?:tell|share|specify|confirm) (?:me|us|which|what|whether|if|how|more)|let|provide|clarify|feel))\b)",
    re.IGNORECASE,
)
_REFERRAL = re.compile(
    r"\W*(?:(?:for [\w ]+, )?please|(?:instead, )?(?:you|i|we)(?:['\u2019]d| would| may| can| could| might| should)?)"
    r"(?: (?:also|want|wish|like|need|to|try|recommend|suggest|advise|that|you)){0,4}"
    r" (?:contact|call|reach|consult|talk|speak|ask|check|visit|see|refer)(?:ing)?\b",
    re.IGNORECASE,
)
_HEADING = re.compile(r"#{1,6}\s|\*\*[^*]*(?::\*\*|\*\*:)\Z")
# Where a claim is said to come from, and its place in a list: no part of what it says.
_MARKS = re.compile(
    r"""`[^`\n]*` | (?P<mark>
      \A(?:\W{0,3}step\ \d+\b|\(?\d{1,3}[.)]\s)
    | \[\^?\d{1,3}(?:\s?[,;\u2013-]\s?\d{1,3})*\](?:\(https?://[^)\s]*\))?
    | \(\s*\[[^\]\[\n]*\]\(https?://[^)\s]*\)\s*\)
    | \[(?:doc(?:ument)?|source|ref(?:erence)?|passage|page|p\.)\b[^\]\n]{0,60}\]
    | \((?:[^()\n]{0,60}[\s,])?(?:sources?:|see\b|accessed\b|ref(?:erence)?s?:|doc(?:ument)?\ \d|pages?\ \d|pp?\.\ ?\d
        |sections?\ \d|chapter\ \d)[^()\n]{0,60}\)
    | \u3010[^\u3011\n]{0,60}\u3011
    | (?<!\d)<sup>\[?\d{1,3}\]?</sup> | (?:(?<=[a-z]{3})|(?<=[.,)]))[\u00b9\u00b2\u00b3\u2070\u2074-\u2079]+
    | \b(?:doc(?:ument)?|passage|source)\ \d{1,3}\b)""",
    re.VERBOSE | re.IGNORECASE,
)


def plain(sentence: str) -> str:
    """The sentence with blanks in place of what says only where it stands or comes from: as long as before."""
    return _MARKS.sub(lambda found: " " * len(found[0]) if found["mark"] else found[0], sentence)


def claims_something(sentence: str) -> bool:
    """Whether the sentence says something about the world, by its form.

    "The passages don't mention a price" doesn't, "The passages don't mention a price, but it is about $5" does.
    """
    if sentence.startswith(("```", "~~~")) or sentence.endswith("?"):
        return False
    if _POINTER.match(sentence) or _HEADING.match(sentence):
        return False
    empty = [match.end() for match in (_COURTESY.match(sentence), _refusal(sentence)) if match]
    if not empty:
        return True
    turn = _TURN.search(sentence, max(empty))
    return turn is not None and claims_something(sentence[turn.end() :])


def refuses(sentence: str) -> bool:
    """Whether the sentence says that the answer can't be given or found."""
    return _refusal(sentence) is not None


def refers(sentence: str) -> bool:
    """Whether the sentence sends the reader to someone else, as often follows a refusal."""
    return _REFERRAL.match(sentence) is not None


def _refusal(sentence: str) -> re.Match[str] | None:
    return _UNSAID.search(sentence) or (_REFUSAL.search(sentence) if _SOURCE.search(sentence) else None)
