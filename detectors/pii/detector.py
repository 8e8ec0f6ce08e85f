"""Personal data in texts: identifiers by pattern and checksum; people, addresses, organisations by what was learned.

Places and dates alone are left, and organisations are found but stay in the text (`entities.LEFT_IN_PLACE`): without
them hardly an answer could be judged. Names are looked for in prose only, and are no words of code; identifiers are
looked for everywhere.
"""

from __future__ import annotations

import builtins
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable
from watchline.detectors.declarations import PII
from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii import identifiers
from watchline.detectors.pii.decoding import of_base64, read
from watchline.detectors.pii.entities import LEFT_IN_PLACE, Entity, cut, resolve
from watchline.detectors.pii.recogniser import Recogniser, TaggedSpan
from watchline.detectors.pii.structure import normal_form
from watchline.detectors.runtime.cache import TextCache
from watchline.detectors.runtime.mapped_text import MappedText
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
_SIGN = re.compile(r"\S")
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{16,}+={0,2}(?![\w+/=-])")
_URL_SAFE = str.maketrans("-_", "+/")  # RFC 4648, section 5
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
    VERSION = "2"
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

    def _find(self, items: Sequence[tuple[str, bool]], nested: bool = False) -> Iterator[tuple[Entity, ...]]:
        meant = [read(text) for text, _ in items]
        encoded = {} if nested else self._in_base64([text.text for text in meant])
        forms = [_form(text.text, prose) for text, (_, prose) in zip(meant, items, strict=True)]
        names = self._names([(index, form.text) for index, form in enumerate(forms) if items[index][1]])
        for index, (item, form) in enumerate(zip(meant, forms, strict=True)):
            text = item.text
            taken = [Entity(*match.span(), match[1], 1.0) for match in PLACEHOLDER.finditer(text)]
            found = list(identifiers.find(text))
            if form.offsets is not None:  # a word that says what a number is may be the name of a column
                found += _back(form, identifiers.find(form.text))
            found += encoded.get(index, ())
            identified = [entity for entity in found if [*cut(text, taken, entity)] == [entity]]
            certain = resolve(text, [*taken, *(entity for entity in identified if entity.score >= _CERTAIN)])
            named = [
                piece
                for entity in _back(form, names.get(index, ()))
                for piece in cut(text, certain, entity)
                if piece == entity or re.search(r"[^\W\d_]{2}", text[piece.start : piece.end])  # no digits left over
            ]
            yield tuple(resolve(items[index][0], _back(item, (*identified, *named))))

    def _in_base64(self, texts: Sequence[str]) -> dict[int, list[Entity]]:
        """Stretches of base64 that hold personal data: the stretch as a whole, of the type of the surest find."""
        stretches = [
            (index, match.span(), said)
            for index, text in enumerate(texts)
            for match in _BASE64.finditer(text)
            if (said := of_base64(match[0].rstrip("=").translate(_URL_SAFE))) is not None
        ]
        encoded = defaultdict[int, list[Entity]](list)
        for (index, span, _), entities in zip(
            stretches, self._find([(said, True) for *_, said in stretches], nested=True), strict=True
        ):
            personal = [entity for entity in entities if entity.type not in LEFT_IN_PLACE]
            if personal:
                surest = max(personal, key=lambda entity: entity.score)
                encoded[index].append(Entity(*span, surest.type, surest.score))
        return encoded

    def _names(self, items: list[tuple[int, str]]) -> dict[int, list[Entity]]:
        """People, addresses and organisations in texts in normal form."""
        names: dict[int, list[Entity]] = {index: [] for index, _ in items}
        texts = dict(items)
        parts = [(index, start, text[start:end]) for index, text in items for start, end in windows(text)]
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


def _form(text: str, prose: bool) -> MappedText:
    """The text as names are looked for in it: code hidden, but for its cells."""
    if not prose:
        return MappedText(text)
    return normal_form(text, _CODE.sub(lambda code: _SIGN.sub(_MASK, code[0]), text))


def _back(text: MappedText, entities: Iterable[Entity]) -> list[Entity]:
    """Entities of a changed text where they stand in the one that it was made from."""
    return [
        Entity(start, end, entity.type, entity.score)
        for entity in entities
        for start, end in text.originals(entity.start, entity.end)
    ]


def is_name_word(word: str) -> bool:
    """Whether a word can be a name: it is no word that begins sentences, and none of code and its documentation."""
    return word not in _no_names() and word.capitalize() not in _no_names()


@cache
def _no_names() -> frozenset[str]:
    code = {name for name in dir(builtins) if name[0].isupper()}
    return frozenset(code | ENGLISH.personal.no_names)
