"""Which sentences of an answer say something that could be wrong: not refusals, questions, courtesies, links, code."""

from __future__ import annotations

import re

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.runtime.text import sentences

LONGEST_REFUSAL = 1_000  # characters: a text that is longer says something

_POINTER = re.compile(
    rf"\W*+(?:(?:{ENGLISH.conversation.pointers})\b[^.]{{0,40}}|\^?\d{{1,3}}\]:?\s*+)?(?:https?://|www\.)\S++\W*+$"
    rf"|\W*(?:{ENGLISH.conversation.reference_headings})\b\W*(?:$|:)",
    re.IGNORECASE,
)
_HEADING = re.compile(r"#{1,6}\s|\*\*[^*]*(?::\*\*|\*\*:)\Z")
# Where a claim is said to come from, and its place in a list: no part of what it says.
_MARKS = re.compile(
    rf"""`[^`\n]*` | (?P<mark>
      \A(?:\W{{0,3}}(?:{ENGLISH.conversation.step})\ \d+\b|\(?\d{{1,3}}[.)]\s)
    | \[\^?\d{{1,3}}(?:\s?[,;\u2013-]\s?\d{{1,3}})*\](?:\(https?://[^)\s]{{0,1000}}\))?
    | \(\s*\[[^\]\[\n]*\]\(https?://[^)\s]{{0,1000}}\)\s*\)
    | \[(?:{ENGLISH.conversation.cited})\b[^\]\n]{{0,60}}\]
    | \((?:[^()\n]{{0,60}}[\s,])?(?:{ENGLISH.conversation.cited_in_brackets})[^()\n]{{0,60}}\)
    | \u3010[^\u3011\n]{{0,60}}\u3011
    | (?<!\d)<sup>\[?\d{{1,3}}\]?</sup> | (?:(?<=[a-z]{{3}})|(?<=[.,)]))[\u00b9\u00b2\u00b3\u2070\u2074-\u2079]+
    | \b(?:{ENGLISH.conversation.cited_by_number})\ \d{{1,3}}\b)""",
    re.VERBOSE | re.IGNORECASE,
)


def plain(sentence: str) -> str:
    """The sentence with blanks in place of citations and numbers of list items: as long as before.

    Examples
    --------
    >>> plain("The fee is $5 [2].")
    'The fee is $5    .'
    """
    return _MARKS.sub(lambda match: " " * len(match[0]) if match["mark"] else match[0], sentence)


def claims_something(sentence: str) -> bool:
    """Whether the sentence says something about the world, by its form.

    Examples
    --------
    >>> claims_something("The passages don't mention a price")
    False
    >>> claims_something("The passages don't mention a price, but it is about $5")
    True
    >>> claims_something("## Returns"), claims_something("## Returns take 90 days")
    (False, True)
    """
    if sentence.startswith(("```", "~~~")) or sentence.endswith("?"):
        return False
    if _POINTER.match(sentence) or ENGLISH.conversation.announcement.match(sentence):
        return False
    if _HEADING.match(sentence) and not ENGLISH.conversation.stated.match(sentence):
        return False
    empty = [match.end() for match in (ENGLISH.conversation.courtesy.match(sentence), _refusal(sentence)) if match]
    if not empty:
        return True
    turn = ENGLISH.conversation.turn.search(sentence, max(empty))
    return turn is not None and claims_something(sentence[turn.end() :])


def refuses(sentence: str) -> bool:
    """Whether the sentence says that the answer can't be given or found."""
    return _refusal(sentence) is not None


def refers(sentence: str) -> bool:
    """Whether the sentence sends the reader to someone else, as often follows a refusal."""
    return ENGLISH.conversation.referral.match(sentence) is not None


def is_refusal(answer: str) -> bool:
    """Whether a whole answer says that it can't be given or found, and nothing else but whom to ask instead.

    English alone is understood.

    Examples
    --------
    >>> is_refusal("I'm sorry, but I can't help with that. Please contact our support.")
    True
    >>> is_refusal("The documents don't mention a fee. Returns are free within 30 days.")
    False
    """
    refused = False
    for start, end in sentences(answer) if len(answer) <= LONGEST_REFUSAL else ():
        sentence = answer[start:end]
        if claims_something(sentence) and not refers(sentence):
            return False
        refused = refused or refuses(sentence)
    return refused


def _refusal(sentence: str) -> re.Match[str] | None:
    if unsaid := ENGLISH.conversation.unsaid.search(sentence):
        return unsaid
    return ENGLISH.conversation.refusal.search(sentence) if ENGLISH.conversation.source.search(sentence) else None
