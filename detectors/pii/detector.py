"""Personal data in texts: identifiers by pattern and checksum; people, addresses, organisations by what was learned.

Places and dates alone are left, and organisations are found but stay in the text (`entities.LEFT_IN_PLACE`): without
them hardly an answer could be judged. Names are looked for in prose only, and are no words of code; identifiers are
looked for everywhere.
"""

from __future__ import annotations

import builtins
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable
from watchline.detectors.declarations import PII
from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii import identifiers, leaks, national_ids, other_scripts, postal
from watchline.detectors.pii.decoding import of_base64, read
from watchline.detectors.pii.entities import LEFT_IN_PLACE, Entity, cut, resolve
from watchline.detectors.pii.no_names import NoNames
from watchline.detectors.pii.recogniser import Recogniser, TaggedSpan
from watchline.detectors.pii.structure import normal_form
from watchline.detectors.runtime.cache import TextCache
from watchline.detectors.runtime.mapped_text import MappedText
from watchline.detectors.runtime.text import NO_TEXT, windows
from watchline.schemas.records import Interaction, Span
from watchline.schemas.texts import is_prose, texts

_TYPES = "|".join(label for label in PII.labels if label != leaks.LABEL)
PLACEHOLDER = re.compile(rf"\[({_TYPES})(?:_(\d+)|:[0-9a-f]{{16}})\]")

_LEAST = {
    "PERSON": 0.4,
    "ADDRESS": 0.5,
    "ORGANIZATION": 0.3,
}  # of probability: a find of the recogniser below it is none
_LEAST_SMALL = 0.7  # of a name in small letters: rare words of ordinary text look like one
_BY_FIELD = frozenset(["IP_ADDRESS", "PHONE_NUMBER"])  # versions and order numbers look like them
_CERTAIN = 0.9  # an identifier of this score is no part of a name or an address
_EDGES = " \t\n\r,;:\"'()[]<>*|"
_CODE = re.compile(r"```(?s:.*?)(?:```|\Z)|`[^`\n]*`|^[ \t]*(?:>>>|\.\.\.) .*$|^ {4,}[\w.]+\(.*$", re.MULTILINE)
_NOT_LATIN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")
_MASK = "\u2588"
_LONG_NUMBER = re.compile(r"\d{9}")  # none of a house, a postcode or a company is as long
_SIGN = re.compile(r"\S")
# What no address is: markup and code, one word alone, codes, versions, dates, digests, a number of things.
_NO_ADDRESS = re.compile(
    r".*(?:[<>{}=|\\]|://|->|\d\.\d{1,9}\.\d|(?<![^\W_])(?=\d{0,63}[a-f])(?=[a-f]{0,63}\d)[0-9a-f]{8,64}(?![^\W_])).*"
    r"|[^\W\d_]+|v?[\d.]\S*"
    rf"|\W?[A-Z]{{2,6}}-\d[\dA-Z.-]*|\d{{1,2}} [A-Z][a-z]{{2,8}} \d{{4}}"
    rf"|\d{{1,6}} (?:{ENGLISH.personal.log_levels})\b.*"
    rf"|\d{{1,6}}(?: (?!(?i:{ENGLISH.personal.streets})\b)[a-z]+){{1,3}}",
    re.DOTALL,
)
_POSTCODE = re.compile(
    r"[A-Z]{1,2}\d[\dA-Z]? ?\d[A-Z]{2}|\d{4} [A-Z]{2}"
)  # British and Dutch ones stand alone on lines
_WORD = re.compile(r"[^\W\d_]{3}|\d[a-z]{2}\b")  # 45th
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{16,}+={0,2}(?![\w+/=-])")
_URL_SAFE = str.maketrans("-_", "+/")  # RFC 4648, section 5
# Names of people have capitals within a word after a short beginning: McDonald, DeShawn, FitzGerald.
_IN_CODE = re.compile(
    rf"[_(){{}}\[\]=<>\\/@{_MASK}]|[a-z][A-Z]{{2}}|\d[a-z]|(?<![^\W_])(?!Fitz)(?:[a-z]+[A-Z]|[A-Z][a-z]{{3,30}}[A-Z][a-z])"
)


class PersonalData(Detector[Evaluation]):
    """Finds personal data.

    As a detector it speaks of the text that it is given. Where that was redacted, it has nothing more to find: the
    redactor has used `find`, and the finding is its report, which speaks of the placeholders.

    Parameters
    ----------
    cache_texts
        How many texts' entities are kept: passages of documents come again all day.
    recogniser
        Of names; by default the shipped one.
    no_names
        What is no person's name; by default what is shipped.

    Examples
    --------
    >>> (entities,) = PersonalData().find(["Ask Maria Lopez at maria@example.com."], [True])
    >>> [(entity.type, entity.start, entity.end) for entity in entities]
    [('PERSON', 4, 15), ('EMAIL_ADDRESS', 19, 36)]
    """

    name, labels = PII.name, PII.labels
    VERSION = "3"
    uses_encoder = False
    on_device = False

    def __init__(
        self, cache_texts: int = 20_000, recogniser: Recogniser | None = None, no_names: NoNames | None = None
    ) -> None:
        self._recogniser = recogniser or Recogniser.shipped()
        self.no_names = no_names or NoNames.shipped()
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

    def prepare(self, interaction: Interaction) -> Evaluation | NotApplicable:
        fields = dict(texts(interaction))
        if not fields:
            return NotApplicable(NO_TEXT)
        found = self.find([*fields.values()], [is_prose(field) for field in fields])
        spans = [
            Span(field, entity.start, entity.end, entity.type, entity.score)
            for field, entities in zip(fields, found, strict=True)
            for entity in entities
        ]
        return self.evaluation(interaction, fields, spans)

    def evaluate(self, batch: Sequence[Evaluation], embeddings: Embeddings) -> list[Evaluation]:
        return [*batch]

    @staticmethod
    def evaluation(interaction: Interaction, fields: Mapping[str, str], spans: Sequence[Span]) -> Evaluation:
        """What spans with personal data come to: for each label the highest score, and where an answer has them from.

        Parameters
        ----------
        interaction
            Its messages' roles are read.
        fields
            Its texts, by name, redacted or not.
        spans
            In these texts.
        """
        scores = dict.fromkeys(PII.labels, 0.0)
        for span in spans:
            scores[span.label] = max(scores[span.label], span.score)
        scores[leaks.LABEL], origins = leaks.origins(interaction, fields, spans)
        return Evaluation(scores, tuple(spans), origins)

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
                found = _joined(form, found, _back(form, identifiers.find(form.text)))
            found += encoded.get(index, ())
            identified = [entity for entity in found if [*cut(text, taken, entity)] == [entity]]
            said = []  # words such as "tax ID" before a number are no name
            if any(entity.type in national_ids.TYPES for entity in found):
                said = [Entity(*span, entity.type, 1.0) for span, entity in national_ids.after_words(text)]
            certain = resolve(text, [*taken, *said, *(entity for entity in identified if entity.score >= _CERTAIN)])
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
        for index, text in items:
            names[index] += other_scripts.find(text)
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
        if find.type == "ADDRESS":
            if not is_address(value) or postal.is_numbered(value):
                return
            if re.search(r"\d", value):
                end = postal.end(text, end, most_plain=0)
        elif (
            _IN_CODE.search(value)
            or _NOT_LATIN.search(value)
            or text[end : end + 1] in ("(", "_", "=")
            or (start and text[start - 1] in "._@\\/")
            or not any(is_name_word(word) for word in re.findall(r"[^\W\d_]+", value))
        ):
            return
        score = self._recogniser.probability(find)
        least = _LEAST_SMALL if find.type == "PERSON" and value.islower() else _LEAST[find.type]
        if score >= least and not (find.type == "PERSON" and self.no_names.has(text, start, end)):
            yield Entity(start, end, find.type, score)


def _form(text: str, prose: bool) -> MappedText:
    """The text as names are looked for in it: code hidden, but for its cells."""
    if not prose:
        return MappedText(text)
    return normal_form(text, _CODE.sub(lambda code: _SIGN.sub(_MASK, code[0]), text))


def _joined(form: MappedText, found: Sequence[Entity], in_form: Sequence[Entity]) -> list[Entity]:
    """What was found in a text and in its normal form; a field's name that says what a number is has the last word."""
    kept = [entity for entity in found if entity.type not in _BY_FIELD]
    if len(kept) < len(found):
        offsets = form.offsets or ()
        at = {place: index for index, place in enumerate(offsets)}
        again = {(entity.type, place) for entity in in_form for place in range(entity.start, entity.end)}
        for entity in found:
            if entity.type in _BY_FIELD:
                first = at.get(entity.start, len(offsets))
                last = first + entity.end - entity.start
                is_read = (
                    offsets[first:last] == (*range(entity.start, entity.end),) and _MASK not in form.text[first:last]
                )
                if not is_read or (entity.type, entity.start) in again:
                    kept.append(entity)
    return [*kept, *in_form]


def _back(text: MappedText, entities: Iterable[Entity]) -> list[Entity]:
    """Entities of a changed text where they stand in the one that it was made from."""
    return [
        Entity(start, end, entity.type, entity.score)
        for entity in entities
        for start, end in text.originals(entity.start, entity.end)
    ]


def is_address(text: str) -> bool:
    """Whether a text can be an address, or a line of one, by its signs.

    Examples
    --------
    >>> [is_address(text) for text in ("12 Oak Street", "SW1A 1AA", "19 notice", "fd55-3a8e-65fb65bbe87b", "ul>\\n<li")]
    [True, True, False, False, False]
    """
    if _WORD.search(text) is None:
        return _POSTCODE.fullmatch(text) is not None
    return _NO_ADDRESS.fullmatch(text) is None


def is_name_word(word: str) -> bool:
    """Whether a word can be a name: it is no word that begins sentences, and none of code and its documentation."""
    return word not in _no_names() and word.capitalize() not in _no_names()


@cache
def _no_names() -> frozenset[str]:
    code = {name for name in dir(builtins) if name[0].isupper()}
    return frozenset(code | ENGLISH.personal.no_names)
