"""Personal data in texts: identifiers by pattern and checksum; people, addresses, organisations by what was learned.

Places and dates alone are left, and organisations are found but stay in the text (`entities.LEFT_IN_PLACE`): without
them hardly an answer could be judged. Names are looked for in prose only, and are no words of code; identifiers are
looked for everywhere.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Sequence
from functools import cache

from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable
from watchline.detectors.declarations import PII
from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii import identifiers
from watchline.detectors.pii.entities import Entity, cut, resolve
from watchline.detectors.pii.folding import fold
from watchline.detectors.pii.recogniser import Recogniser, TaggedSpan
from watchline.detectors.runtime.cache import TextCache
from watchline.detectors.runtime.text import NO_TEXT, windows
from watchline.schemas.records import Interaction, Span
from watchline.schemas.texts import is_prose, texts

PLACEHOLDER = re.compile(rf"\[({'|'.join(PII.labels)})_(\d+)\]")

_LEAST = {
    "PERSON": 0.5,
    "ADDRESS": 0.5,
    "ORGANIZATION": 0.3,
}  # of probability: a find of the recogniser below it is none
_LEAST_SMALL = 0.8  # of a name in small letters: rare words of ordinary text look like one
_CERTAIN = 0.9  # an identifier of this score is no part of a name or an address
_EDGES = " \t\n\r,;:\"'()[]<>*|"
_CODE = re.compile(r"```(?s:.*?)(?:```|\Z)|`[^`\n]*`|^[ \t]*(?:>>>|\.\.\.) .*$|^ {4,}[\w.]+\(.*$", re.MULTILINE)
_NOT_LATIN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")
_MASK = "\u2588"
_LONG_NUMBER = re.compile(r"\d{9}")  # none of a house, a postcode or a company is as long
_ESCAPED = re.compile(r"\\([nrt\"'])")  # as JSON in a text has line ends and quotes
_IN_CODE = re.compile(rf"[_(){{}}\[\]=<>\\/@{_MASK}]|[a-z][A-Z]{{2}}|\d[a-z]")


class PersonalData(Detector[list[tuple[str, Entity]]]):
    """Finds personal data.

    As a detector it speaks of the text that it is given. Where that was redacted, it has nothing more to find: the
    redactor has used `find`, and the finding is its report, which speaks of the placeholders.

    Parameters
    ----------
    cache_texts
        How many texts' entities are kept: passages of documents come again all day.
    recogniser
        Of names; by default the shipped one.

    Examples
    --------
    >>> (entities,) = PersonalData().find(["Ask Maria Lopez at maria@example.com."], [True])
    >>> [(entity.type, entity.start, entity.end) for entity in entities]
    [('PERSON', 4, 15), ('EMAIL_ADDRESS', 19, 36)]
    """

    name, labels = PII.name, PII.labels
    VERSION = "1"
    uses_encoder = False
    on_device = False

    def __init__(self, cache_texts: int = 20_000, recogniser: Recogniser | None = None) -> None:
        self._recogniser = recogniser or Recogniser.shipped()
        self._cache = TextCache[tuple[Entity, ...]](cache_texts)

    @property
    def other_models(self) -> tuple[str, ...]:
        return (self._recogniser.base,)

    def find(self, texts: Sequence[str], prose: Sequence[bool]) -> list[tuple[Entity, ...]]:
        """The entities of each text.

        Parameters
        ----------
        texts
        prose
            One for each text: whether it holds sentences. Names are looked for in these only.

        Returns
        -------
        list of tuple of Entity
            For each text its entities, in order and without overlaps, in code points of the text as it is.
        """
        keys, known, missing = self._cache.look_up(texts, ["prose" if is_prose else "" for is_prose in prose])
        asked = dict(zip(keys, zip(texts, prose, strict=True), strict=True))
        for key, entities in zip(missing, self._find([asked[key] for key in missing]), strict=True):
            known[key] = entities
            self._cache.keep(key, entities)
        return [known[key] for key in keys]

    def prepare(self, interaction: Interaction) -> list[tuple[str, Entity]] | NotApplicable:
        fields = list(texts(interaction))
        if not fields:
            return NotApplicable(NO_TEXT)
        found_entities = self.find([text for _, text in fields], [is_prose(field) for field, _ in fields])
        return [
            (field, entity) for (field, _), entities in zip(fields, found_entities, strict=True) for entity in entities
        ]

    def evaluate(self, batch: Sequence[list[tuple[str, Entity]]], embeddings: Embeddings) -> list[Evaluation]:
        return [
            self.evaluation(
                [Span(field, entity.start, entity.end, entity.type, entity.score) for field, entity in prepared]
            )
            for prepared in batch
        ]

    @staticmethod
    def evaluation(spans: Sequence[Span]) -> Evaluation:
        """What spans with personal data come to: for each label the highest score."""
        scores = dict.fromkeys(PII.labels, 0.0)
        for span in spans:
            scores[span.label] = max(scores[span.label], span.score)
        return Evaluation(scores, tuple(spans))

    def _find(self, items: list[tuple[str, bool]]) -> Iterator[tuple[Entity, ...]]:
        folded = [fold(text) for text, _ in items]
        names = self._names([(index, item.text) for index, item in enumerate(folded) if items[index][1]])
        for index, item in enumerate(folded):
            taken = [Entity(*match.span(), match[1], 1.0) for match in PLACEHOLDER.finditer(item.text)]
            identified = [
                entity for entity in identifiers.find(item.text) if [*cut(item.text, taken, entity)] == [entity]
            ]
            certain = resolve(item.text, [*taken, *(entity for entity in identified if entity.score >= _CERTAIN)])
            named = [
                piece
                for entity in names.get(index, ())
                for piece in cut(item.text, certain, entity)
                if piece == entity
                or re.search(r"[^\W\d_]{2}", item.text[piece.start : piece.end])  # no digits left over
            ]
            originals = [
                Entity(*item.original(entity.start, entity.end), entity.type, entity.score)
                for entity in (*identified, *named)
            ]
            yield tuple(resolve(items[index][0], originals))

    def _names(self, items: list[tuple[int, str]]) -> dict[int, list[Entity]]:
        """People, addresses and organisations in folded texts."""
        names: dict[int, list[Entity]] = {index: [] for index, _ in items}
        texts = dict(items)
        parts: list[tuple[int, int, str]] = []
        for index, text in items:
            plain = _CODE.sub(lambda code: re.sub(r"\S", _MASK, code[0]), text)
            plain = _ESCAPED.sub(lambda pair: f" {pair[1]}" if pair[1] in "\"'" else "  ", plain)
            parts += ((index, start, plain[start:end]) for start, end in windows(plain))
        recognised = self._recogniser.find([part for *_, part in parts])
        for (index, start, _), spans in zip(parts, recognised, strict=True):
            for span in spans:
                if span.type in _LEAST:
                    names[index] += self._as_entity(texts[index], start, span)
        return names

    def _as_entity(self, text: str, offset: int, find: TaggedSpan) -> Iterator[Entity]:
        """What the recogniser found, its edges trimmed; nothing where it is likelier none, or a piece of code."""
        start, end = offset + find.start, offset + find.end
        while start < end and text[start] in _EDGES:
            start += 1
        while start < end and text[end - 1] in _EDGES:
            end -= 1
        value = text[start:end]
        if "_" in value or _MASK in value or _LONG_NUMBER.search(value):
            return
        if find.type != "ADDRESS" and (
            _IN_CODE.search(value)
            or _NOT_LATIN.search(value)
            or text[end : end + 1] in ("(", "_", "=")
            or (start and text[start - 1] in "._@\\/")
            or not any(is_name_word(word) for word in re.findall(r"[^\W\d_]+", value))
        ):
            return
        score = self._recogniser.probability(find)
        least = _LEAST_SMALL if find.type == "PERSON" and value.islower() else _LEAST[find.type]
        if score >= least:
            yield Entity(start, end, find.type, score)


def is_name_word(word: str) -> bool:
    """Whether a word can be a name: it is no word that begins sentences, and none of code and its documentation."""
    return word not in _no_names() and word.capitalize() not in _no_names()


@cache
def _no_names() -> frozenset[str]:
    code = {name for name in dir(builtins) if name[0].isupper()}
    return frozenset(code | ENGLISH.personal.no_names)
