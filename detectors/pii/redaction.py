"""Personal data to typed placeholders: `[EMAIL_ADDRESS_1]`, the same value the same placeholder throughout an event."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from watchline.detectors.base import Evaluation, NotApplicable
from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii.decoding import read
from watchline.detectors.pii.detector import PLACEHOLDER, PersonalData, is_name_word
from watchline.detectors.pii.entities import LEFT_IN_PLACE, Entity, resolve
from watchline.detectors.pii.many_values import ManyValues
from watchline.detectors.pii.no_names import NoNames
from watchline.detectors.pii.placing import Placing
from watchline.detectors.pii.policy import Treatment
from watchline.detectors.runtime.text import NO_TEXT
from watchline.schemas.pseudonyms import Pseudonyms
from watchline.schemas.records import Evidence, Interaction, Span
from watchline.schemas.texts import RedactedInteraction, replace_texts, strings, texts

_NUMERIC = frozenset(["PHONE_NUMBER", "CREDIT_CARD", "US_SSN", "IBAN_CODE", "US_BANK_NUMBER"])
FEW_VALUES = 30  # of one event: up to here a pattern for each is faster
PART_SCORE = 0.7  # of a word of a name
DROPPED = "DROPPED"
_SHORTEST = 4  # letters and digits; anything shorter stands in other words by chance
_DOTTED_I = re.compile("[\u0130\u0131]")  # patterns take them for an i, `casefold` doesn't


class Find(Protocol):
    """Finds values in a text as it means, but for those that stand only in what is known to be replaced."""

    def __call__(self, text: str, known: str = "") -> Iterable[Entity]: ...


@dataclass(frozen=True, slots=True)
class Redacted:
    """An interaction without its personal data.

    Attributes
    ----------
    interaction : RedactedInteraction
    spans : tuple of Span
        Where the placeholders stand in it, and what was left in place (`entities.LEFT_IN_PLACE`).
    counts : mapping of str to int
        How many were put in, by type; and under `DROPPED` how many texts were left out, as a policy wants it.
    reports : mapping of str to Evaluation or NotApplicable
        What this tells of what detectors judge, by their names: they needn't run any more.
    seconds : float
        What it took: its share of a batch.
    replaced : mapping of (str, str) to int
        Identifiers that could not be kept, by field and what became of them: see `schemas.pseudonyms`.
    """

    interaction: RedactedInteraction
    spans: tuple[Span, ...]
    counts: Mapping[str, int]
    reports: Mapping[str, Evaluation | NotApplicable]
    seconds: float = 0.0
    replaced: Mapping[tuple[str, str], int] = dataclasses.field(default_factory=dict)


def redact(
    interaction: Interaction,
    entities: Mapping[str, Sequence[Entity]],
    pseudonyms: Pseudonyms | None = None,
    no_names: NoNames | None = None,
    treatment: Treatment | None = None,
) -> Redacted:
    """Replaces what was found in the named fields, and the same values wherever else they stand in the event's texts.

    An id that has one of them in it is replaced as a whole.

    Parameters
    ----------
    interaction
    entities
        By field, as `schemas.texts.texts` names them; in code points of its text, overlapping or not.
    pseudonyms
        What takes the place of ids; by default they are dropped.
    no_names
        What stays where a word of a name stands in it; by default what is shipped.
    treatment
        What takes the place of what was found, by field; by default numbers.

    Examples
    --------
    >>> from watchline.schemas.records import Message
    >>> messages = (Message("user", "I am Jane."), Message("user", "Who is Jane?"))
    >>> event = Interaction(event_id="1", time=0, app="shop", input_messages=messages)
    >>> redacted = redact(event, {"input:0": [Entity(5, 9, "PERSON", 0.9)]})
    >>> [message.content for message in redacted.interaction.input_messages]
    ['I am [PERSON_1].', 'Who is [PERSON_1]?']
    """
    fields = dict(texts(interaction))
    redacted, treated, find = _redact(fields, entities, no_names, treatment or Treatment())
    new = {field: text for field, (text, _) in redacted.items()}
    changed = {field: text for field, (text, _) in treated.items() if text != fields[field]}
    spans = tuple(span for _, spans in redacted.values() for span in spans)
    ids = {
        field: (text, rule)
        for field, text, rule in strings(interaction)
        if find is not None and rule.may_quote and any(True for _ in find(read(text).text))
    }
    report = PersonalData.evaluation(interaction, new, spans) if fields else NotApplicable(NO_TEXT)
    without_ids, replaced = (pseudonyms or Pseudonyms()).replace(replace_texts(interaction, changed), ids)
    stored = tuple(span for _, spans in treated.values() for span in spans)
    counts = Counter(span.label for span in stored if span.label not in LEFT_IN_PLACE)
    if dropped := sum(text == "" for text, _ in treated.values()):
        counts[DROPPED] = dropped
    if treatment is not None and treatment.actions and isinstance(report, Evaluation):
        report = _placed(report, redacted, treated)
    return Redacted(
        RedactedInteraction(without_ids),
        stored,
        dict(counts),
        {PersonalData.name: report},
        replaced=replaced,
    )


def redact_text(
    text: str,
    entities: Sequence[Entity],
    no_names: NoNames | None = None,
    treatment: Treatment | None = None,
    field: str = "text",
) -> str:
    """The text redacted, where it is no part of an interaction, such as a comment of feedback.

    Examples
    --------
    >>> redact_text("Ask Jane, Jane knows.", [Entity(4, 8, "PERSON", 0.9)])
    'Ask [PERSON_1], [PERSON_1] knows.'
    """
    _, treated, _ = _redact({field: text}, {field: entities}, no_names, treatment or Treatment())
    return treated[field][0]


Texts = dict[str, tuple[str, list[Span]]]
"""By field the new text, and the spans in it."""


def _redact(
    fields: Mapping[str, str], entities: Mapping[str, Sequence[Entity]], no_names: NoNames | None, treatment: Treatment
) -> tuple[Texts, Texts, Find | None]:
    """The texts with numbers, by which equal values are told, and as they are stored; and what finds the same values
    elsewhere, if there are any."""
    numbers = _Numbers(fields.values())
    resolved = {field: resolve(fields[field], entities.get(field, ())) for field in fields}
    values: dict[tuple[str, str], Entity] = {}
    for field, items in resolved.items():
        for entity in items:
            if entity.type in LEFT_IN_PLACE:
                continue
            key = value(entity.type, fields[field][entity.start : entity.end])
            values.setdefault(key, entity)
    numbers.join(values)
    for key in values:
        numbers.of(key)
    scores = {key: entity.score for key, entity in values.items()}
    find = _but_no_names(
        by_patterns(scores) if len(values) <= FEW_VALUES else in_linear_time(scores), no_names or NoNames.shipped()
    )
    masked: Texts = {}
    treated: Texts = {}
    for field, text in fields.items():
        more: list[Entity] = []
        if values:
            meant = read(text)
            found = (each for each in resolved[field] if each.type not in LEFT_IN_PLACE)
            known = "\0".join(read(text[each.start : each.end]).text for each in found)
            more = [
                Entity(*meant.original(entity.start, entity.end), entity.type, entity.score)
                for entity in find(meant.text, known)
                if not PLACEHOLDER.search(meant.text, entity.start, entity.end)
            ]
        replaced = resolve(text, [*resolved[field], *more]) if more else resolved[field]
        masked[field] = treated[field] = _replace(field, text, replaced, numbers.placeholder)
        if (action := treatment.of(field)) == "drop":
            treated[field] = "", []
        elif action == "pseudonym":
            treated[field] = _replace(field, text, replaced, lambda key: treatment.pseudonym(*numbers.whole(key)))
    return masked, treated, find if values else None


def _placed(report: Evaluation, masked: Texts, treated: Texts) -> Evaluation:
    """What was judged by the numbers, with the places that things have in what is stored."""
    now: list[Span | None] = []
    for field, (_, spans) in masked.items():
        now += treated[field][1] or [None] * len(spans)
    places = {(span.field, span.start, span.end): new for span, new in zip(report.spans, now, strict=True)}
    index = {old: number for number, old in enumerate(old for old, new in enumerate(now) if new is not None)}
    evidence = [
        Evidence(index[each.span], place.field, place.start, place.end, each.score)
        for each in report.evidence
        if each.span in index and (place := places[each.field, each.start, each.end]) is not None
    ]
    return dataclasses.replace(report, spans=tuple(new for new in now if new is not None), evidence=tuple(evidence))


def _but_no_names(find: Find, no_names: NoNames) -> Find:
    return lambda text, known="": (
        entity
        for entity in find(text, known)
        if entity.type != "PERSON" or not no_names.has(text, entity.start, entity.end)
    )


def by_patterns(scores: Mapping[tuple[str, str], float]) -> Find:
    """What finds these values wherever else they stand, by a pattern for each."""
    values = [_Value(*key, score) for key, score in scores.items() if len(key[1]) >= _SHORTEST]
    parts = [_Value("PERSON", part.capitalize(), PART_SCORE, is_part=True) for key in scores for part in _parts(key)]

    def find(text: str, known: str = "") -> Iterator[Entity]:
        folded = text.casefold(), known.casefold()
        has_dotted_i = _DOTTED_I.search(text) is not None
        for value in (*values, *parts):
            if has_dotted_i or value.may_stand(*((text, known) if value.is_part else folded)):
                for match in value.pattern.finditer(text):
                    yield Entity(*match.span(), value.type, value.score)

    return find


@dataclass
class _Value:
    """One that is looked for. Its pattern is made where it is needed: that takes longer than reading a text."""

    type: str
    plain: str
    score: float
    is_part: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return _alone(self.plain) if self.is_part else _everywhere(self.type, self.plain)

    @cached_property
    def _words(self) -> Sequence[str]:
        return self.plain.split() if self.type == "PERSON" else [self.plain]

    def may_stand(self, text: str, known: str) -> bool:
        """Whether the text may have it elsewhere than in what is known of it, by its words."""
        if self.type in _NUMERIC:  # signs may stand between its digits
            return True
        counts = [(text.count(word), word) for word in self._words]
        return all(count for count, _ in counts) and any(count != known.count(word) for count, word in counts)


def in_linear_time(scores: Mapping[tuple[str, str], float]) -> Find:
    """The same for many values."""
    literal, numbers, names = (defaultdict[str, dict[str, float]](dict) for _ in range(3))
    for (type_, plain), score in scores.items():
        if len(plain) >= _SHORTEST:
            kind = numbers if type_ in _NUMERIC else names if type_ == "PERSON" else literal
            kind[plain][type_] = score
    parts = {part.capitalize(): {"PERSON": PART_SCORE} for key in scores for part in _parts(key)}
    many = ManyValues(literal, numbers, names, parts)
    return lambda text, known="": many.find(text)


def value(type_: str, surface: str) -> tuple[str, str]:
    """The type of a piece of personal data, and its text without case, spacing and disguise: equal for equal values.

    Examples
    --------
    >>> value("EMAIL_ADDRESS", "Jane (at) example.com") == value("EMAIL_ADDRESS", "jane@example.com")
    True
    """
    plain = read(surface).text.casefold()
    if type_ == "EMAIL_ADDRESS":
        plain = re.sub(rf"[(\[{{<\s]{{1,3}}(?:{ENGLISH.personal.at})[)\]}}>\s]+", "@", plain)
        plain = re.sub(rf"[(\[{{<\s]{{1,3}}(?:{ENGLISH.personal.dot})[)\]}}>\s]+", ".", plain)
        return type_, re.sub(r"[^\w@.+%'-]", "", plain)
    if type_ in _NUMERIC:
        return type_, re.sub(r"[\W_]", "", plain)
    return type_, " ".join(re.findall(r"[^\W_]+", plain)) if type_ == "PERSON" else plain


def _everywhere(type_: str, plain: str) -> re.Pattern[str]:
    """Finds a value in a text as it means, in identifiers too: `Jane Doe` in `chat_jane.doe-7`."""
    if type_ in _NUMERIC:
        inner = r"[\W_]{0,3}".join(map(re.escape, plain))
        return re.compile(rf"(?<!\d){inner}(?!\d)", re.IGNORECASE)
    if type_ == "PERSON":
        inner = r"[\W_]+".join(map(re.escape, plain.split()))
        return re.compile(rf"(?<![^\W_]){inner}(?![^\W_])", re.IGNORECASE)
    return re.compile(re.escape(plain), re.IGNORECASE)


def _parts(key: tuple[str, str]) -> list[str]:
    """The words of a name of several, of which each alone means the same person, if it means nothing else."""
    words = key[1].split() if key[0] == "PERSON" else []
    return [
        word
        for word in words
        if len(words) > 1 and len(word) > 2 and is_name_word(word) and word not in ENGLISH.personal.names_and_words
    ]


def _alone(part: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_]){re.escape(part.capitalize())}(?![^\W_])")


class _Numbers:
    """The number of each value's placeholder, past those that stand in the texts already."""

    def __init__(self, present: Iterable[str]) -> None:
        self._next: Counter[str] = Counter()
        for text in present:
            for match in PLACEHOLDER.finditer(text):
                self._next[match[1]] = max(self._next[match[1]], int((match[2] or "0")[:9]))
        self._numbers: dict[tuple[str, str], int] = {}
        self._same: dict[tuple[str, str], tuple[str, str]] = {}

    def join(self, keys: Iterable[tuple[str, str]]) -> None:
        """From here on a word of a name is the placeholder of the first name that it is part of."""
        for key in keys:
            for part in _parts(key):
                self._same.setdefault(("PERSON", part), key)

    def whole(self, key: tuple[str, str]) -> tuple[str, str]:
        """The name of which it is a word; any other value itself."""
        return self._same.get(key, key)

    def placeholder(self, key: tuple[str, str]) -> str:
        return f"[{key[0]}_{self.of(key)}]"

    def of(self, key: tuple[str, str]) -> int:
        key = self.whole(key)
        if key not in self._numbers:
            self._next[key[0]] += 1
            self._numbers[key] = self._next[key[0]]
        return self._numbers[key]


def _replace(
    field: str, text: str, entities: Sequence[Entity], placeholder: Callable[[tuple[str, str]], str]
) -> tuple[str, list[Span]]:
    if not entities:
        return text, []
    parts: list[str] = []
    spans: list[Span] = []
    done = length = 0
    placing = Placing(text)
    for entity in entities:
        before, new, after = "", text[entity.start : entity.end], ""
        if entity.type not in LEFT_IN_PLACE:
            instead = placeholder(value(entity.type, new))
            before, new, after = placing.around(entity.start, entity.end, instead)
        parts += (text[done : entity.start], before, new, after)
        length += entity.start - done + len(before)
        spans.append(Span(field, length, length + len(new), entity.type, entity.score))
        length += len(new) + len(after)
        done = entity.end
    return "".join(parts) + text[done:], spans
