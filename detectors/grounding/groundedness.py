"""Whether an answer is borne out by the documents it was given, sentence by sentence.

Each sentence that claims something gets the probability that the documents don't support it, from the features of
`evidence` (and of `structured`, where the documents are records of keys and values); the answer's probability is pooled
from its sentences'. Weights for each kind of answer and each tier: what gives a fault away differs, so do its odds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from watchline.detectors.base import TOOL_CALL, Detector, Embeddings, Evaluation, NotApplicable
from watchline.detectors.declarations import GROUNDEDNESS
from watchline.detectors.grounding import structured, tables, verifier
from watchline.detectors.grounding.alignment import PairOutputs
from watchline.detectors.grounding.claims import claims_something, plain
from watchline.detectors.grounding.comparison import Difference, compare, misstates
from watchline.detectors.grounding.evidence import Context, Unit, features, most_alike, rests_on
from watchline.detectors.grounding.question import about_documents, question
from watchline.detectors.grounding.quotation import UNTRUE, Quotable, Quotation
from watchline.detectors.grounding.truncation import is_cut
from watchline.detectors.grounding.verifier import Verifier
from watchline.detectors.runtime.calibration import Logistic, Numbers, sigmoid
from watchline.detectors.runtime.plan import Passes
from watchline.detectors.runtime.text import NO_TEXT, another_language, longest_text, sentences, unreadable
from watchline.detectors.runtime.weights import weights_folder
from watchline.detectors.runtime.words import Words, words
from watchline.schemas.properties import TOOL_ROLES
from watchline.schemas.records import Evidence, Interaction, Span

KINDS = ("question", "summary", "record")
TIERS = ("evidence", "verified")
MAX_CLAIMS = 100
_MOST_AMID_CUT = 0.8  # what the document says nothing about may stand in the part that is missing
_MAX_GRANTED = 20_000  # characters of instructions and conversation that are read
_STATED, _UNSTATED = -5.0, 1.5  # log-odds of what a document states word for word, and of what it has but doesn't state
_MISSTATED = 0.5  # of another number than its: enough to flag an answer, too little to alert by itself


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the answer that says something about the world."""

    field: str
    start: int
    end: int
    text: str
    words: Words


Passage = tuple[str, int, int, float]  # field, start, end, cosine of the claim to it


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a claim, and the passage it was held against.

    Attributes
    ----------
    kind : str
        Of the difference between the two, as `comparison.Difference` has it; empty where none is known.
    """

    start: int
    end: int
    evidence: Passage
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ClaimFeatures:
    """An answer's claims beside the documents.

    Attributes
    ----------
    kind : str
        One of `KINDS`: which weights judge it.
    matrix : (claims, features)
        Columns: `evidence.NAMES`, for records `structured.NAMES`, once verified `verifier.NAMES`.
    nearest
        The passage nearest to each claim.
    marks
        For each claim what would be marked in it; nothing: all of it.
    pairs
        Each claim with its nearest passages, the nearest first, and what was asked: to repeat it is no invention.
    settled : (claims,)
        The log-odds of claims that are settled by rules: of quotations, whatever else speaks against them; of what a
        document has otherwise, at least these. NaN for all others.
    is_cut : bool
        Whether a document that is nearest to some claim ends amid a sentence.
    """

    kind: str
    matrix: Numbers
    nearest: tuple[Passage, ...]
    marks: tuple[tuple[Mark, ...], ...]
    pairs: tuple[tuple[str, tuple[str, ...]], ...]
    settled: Numbers
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says of an answer.

    Attributes
    ----------
    score : float
        The probability that some claim isn't supported.
    chances : (claims,) array of float64
        The same of each claim.
    marked : array of int
        Indices of the claims to mark.
    """

    score: float
    chances: Numbers
    marked: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Judge:
    """Weighs the features of an answer's claims, of one kind and one tier."""

    sentence: Logistic
    answer: Logistic
    marked_from: float

    @classmethod
    def load(cls, tensors: Mapping[str, NDArray[Any]], prefix: str) -> Judge:
        """From the tensors of a file."""
        return cls(
            Logistic.load(tensors, f"{prefix}sentence."),
            Logistic.load(tensors, f"{prefix}answer."),
            float(tensors[f"{prefix}marked_from"][0]),
        )

    def tensors(self, prefix: str) -> dict[str, NDArray[np.float32]]:
        """What `load` reads."""
        return {
            **self.sentence.tensors(f"{prefix}sentence."),
            **self.answer.tensors(f"{prefix}answer."),
            f"{prefix}marked_from": np.array([self.marked_from], dtype=np.float32),
        }

    def judge(self, matrix: Numbers, settled: Numbers) -> Verdict:
        """From the features of an answer's claims, a row each, and the log-odds of those that are settled."""
        if not len(matrix):
            return Verdict(0.0, np.empty(0), np.empty(0, dtype=np.intp))
        odds = with_settled(self.sentence.log_odds(matrix), settled)
        score = float(self.answer.probability(pooled(odds)[None])[0])
        chances = sigmoid(odds)
        marked = np.flatnonzero(chances >= self.marked_from)
        return Verdict(score, chances, marked if len(marked) or score < 0.5 else np.array([np.argmax(chances)]))


@dataclass(frozen=True, slots=True)
class GroundednessInput:
    claims: tuple[Claim, ...]
    documents: tuple[Unit, ...]  # all of them
    units: tuple[Unit, ...]  # those that are compared one by one
    texts: Mapping[str, str]  # of documents, by field
    records: tuple[tuple[str, structured.Pair], ...]  # of documents that are records, each with its field
    quotations: tuple[Quotation | None, ...]  # of each claim
    cut: frozenset[str]  # fields of documents that end amid a sentence
    granted: str  # instructions and conversation
    asked: str
    scored_fraction: float


class Groundedness(Detector[GroundednessInput]):
    """The probability that some sentence of the answer isn't supported by the documents.

    Not applicable without documents, without an answer, where it or any document can't be read, to a step, which
    calls a tool, and to an answer that claims nothing: questions back, refusals, courtesies, headings without a
    verb, blocks of code aren't judged. It is held against the documents that it rests on: what it invents isn't
    known for standing somewhere in fifty others. Question, instructions and the conversation so far count a little:
    repeating them is no invention. What tools gave stands beside the documents, in `tool_calls` as in messages of
    the role `tool`. Where a document that it draws on was cut amid a sentence, the score is at most 0.8: what it
    lacks may stand in the rest. Spans are the sentences that stand out, each with the nearest passage as evidence;
    of a record, the clauses that its values contradict. At most 100 sentences are judged, against the 200 passages
    that share most words with the answer.

    A sentence that a document states word for word is supported, whatever else speaks against it; one that the document
    calls a myth, asks, reports of others, denies, makes depend on something or corrects isn't (`quotation`), nor is one
    with another number than the document has for the same (`comparison.misstates`).

    Every answer is judged by the features of `evidence`. What they leave open, a `Verifier` decides: it reads each
    sentence together with its nearest passages and the question, and what it says are features more. Where it marks
    words of a sentence, they are the spans. Where these, or the sentence, have a number, a date or a name that the
    document has otherwise, that phrase is the span, labelled `unsupported:number`, `unsupported:date` or
    `unsupported:name`, and its evidence is what stands in its place (`comparison`). The name decides nothing.

    Features after Maynez et al. 2020 and SummaC (Laban et al. 2022); data RAGTruth (Niu et al. 2024), SNLI (Bowman et
    al. 2015), BEGIN and FaithDial (Dziri et al. 2022): see the model card.

    Parameters
    ----------
    open_range
        Scores of the first tier, from and to, that leave an answer open: by default all do, since what the documents
        deny in their own words scores low. (1, 0) verifies none.
    """

    name, labels = GROUNDEDNESS.name, GROUNDEDNESS.labels
    VERSION = "3"

    def __init__(self, open_range: tuple[float, float] = (0.0, 1.0)) -> None:
        folder = weights_folder(self.name)
        tensors = load_file(folder / "model.safetensors")
        self._judges = {(kind, tier): Judge.load(tensors, f"{kind}.{tier}.") for kind in KINDS for tier in TIERS}
        self._open_range = open_range
        self._verifier = Verifier(folder / "verifier.safetensors")

    @property
    def passes(self) -> Mapping[str, Passes]:
        return {"verifier": self._verifier.passes}

    def prepare(self, interaction: Interaction) -> GroundednessInput | NotApplicable:
        if interaction.is_step:
            return TOOL_CALL
        if not any(document.content.strip() for document in interaction.documents):
            return NotApplicable("no documents")
        documents = sources(interaction)
        if not interaction.output.strip():
            return NotApplicable("no output")
        longest = longest_text(interaction)
        given = [text for _, text in documents]
        # One document that can't be read may bear out what the others don't say.
        if reason := unreadable(interaction.output, longest) or another_language(given, longest):
            return NotApplicable(reason)
        if all(unreadable(text, longest) == NO_TEXT for text in given):
            return NotApplicable(NO_TEXT)
        conversation = [
            interaction.system_instructions or "",
            *(message.content for message in interaction.input_messages if message.role not in TOOL_ROLES),
        ]
        outputs = [(f"output:{n}", message.content) for n, message in enumerate(interaction.output_messages)]
        prepared = read(documents, conversation, outputs, question(interaction))
        return prepared if prepared.claims else NotApplicable("no claim")

    def texts(self, prepared: GroundednessInput) -> Sequence[str]:
        return [*(unit.embedded for unit in prepared.units), *(claim.text for claim in prepared.claims)]

    def evaluate(self, batch: Sequence[GroundednessInput], embeddings: Embeddings) -> Sequence[Evaluation]:
        return [
            self._evaluation(prepared, reading, verdict)
            for prepared, reading, verdict in zip(batch, *self.verdicts(batch, embeddings), strict=True)
        ]

    def verdicts(
        self, batch: Sequence[GroundednessInput], embeddings: Embeddings
    ) -> tuple[list[ClaimFeatures], list[Verdict]]:
        """What is seen of each answer, and what is made of it."""
        readings = [claim_features(prepared, embeddings) for prepared in batch]
        verdicts = [
            self._judges[reading.kind, "evidence"].judge(reading.matrix, reading.settled) for reading in readings
        ]
        low, high = self._open_range
        left_open = [place for place, verdict in enumerate(verdicts) if low <= verdict.score <= high]
        # What is settled by its words needs no reading.
        unsettled = [(place, at) for place in left_open for at in _unsettled(readings[place])]
        outputs = self._verifier.judge([readings[place].pairs[at] for place, at in unsettled], embeddings)
        judged = dict(zip(unsettled, outputs, strict=True))
        for place in left_open:
            if count := len(readings[place].pairs):
                readings[place] = _verified(readings[place], [judged.get((place, at)) for at in range(count)])
                verdicts[place] = self._judges[readings[place].kind, "verified"].judge(
                    readings[place].matrix, readings[place].settled
                )
        return readings, verdicts

    def _evaluation(self, prepared: GroundednessInput, features: ClaimFeatures, verdict: Verdict) -> Evaluation:
        score = verdict.score
        if score > 0.5 and features.is_cut:
            score = 0.5 + (score - 0.5) * (_MOST_AMID_CUT - 0.5) / 0.5
        marked = [
            (claim, float(verdict.chances[at]), mark)
            for at, claim in ((at, prepared.claims[at]) for at in verdict.marked)
            for mark in _explained(prepared, claim, features.marks[at], features.nearest[at])
        ]
        return Evaluation(
            {"unsupported": score},
            tuple(
                Span(claim.field, claim.start + mark.start, claim.start + mark.end, _label(mark), chance)
                for claim, chance, mark in marked
            ),
            tuple(Evidence(place, *mark.evidence) for place, (_, _, mark) in enumerate(marked)),
            prepared.scored_fraction,
        )


def _explained(prepared: GroundednessInput, claim: Claim, marks: Sequence[Mark], nearest: Passage) -> Sequence[Mark]:
    """What to mark in a claim: the phrases in which it differs from prose where something is marked, else as it was.

    Records keep their marks, and so does what reads otherwise than it is written: no place in it could be told.
    """
    marks = marks or (Mark(0, claim.end - claim.start, nearest),)
    field, start, end, cosine = nearest
    text = prepared.texts[field]
    if (
        any(mark.evidence != nearest for mark in marks)
        or any(field == known for known, _ in prepared.records)
        or any(
            text[unit.start : unit.end] != unit.embedded
            for unit in prepared.documents
            if unit.field == field and start <= unit.start and unit.end <= end
        )
    ):
        return marks
    named = [
        Mark(found.start, found.end, (field, start + found.other_start, start + found.other_end, cosine), found.kind)
        for found in compare(claim.text, text[start:end])
        if any(_overlap(found, mark) for mark in marks)
    ]
    rest = [mark for mark in marks if not any(_overlap(mark, each) for each in named)]
    return sorted([*named, *rest], key=lambda mark: mark.start)


def _overlap(one: Mark | Difference, other: Mark) -> bool:
    return one.start < other.end and other.start < one.end


def _label(mark: Mark) -> str:
    return f"unsupported:{mark.kind}" if mark.kind else "unsupported"


def sources(interaction: Interaction) -> list[tuple[str, str]]:
    """What an answer may be held against, by field: documents, and what tools gave, wherever that stands."""
    messages = enumerate(interaction.input_messages)
    return [
        *((f"document:{n}", document.content) for n, document in enumerate(interaction.documents)),
        *((f"tool_call_result:{n}", call.result or "") for n, call in enumerate(interaction.tool_calls)),
        *((f"input:{n}", message.content) for n, message in messages if message.role in TOOL_ROLES),
    ]


def read(
    documents: Sequence[tuple[str, str]], conversation: Sequence[str], outputs: Sequence[tuple[str, str]], asked: str
) -> GroundednessInput:
    """Takes an answer and its documents apart; documents and outputs come as (field, text)."""
    claims: list[Claim] = []
    before: list[str] = []  # the sentence before each claim
    judged = 0
    for field, text in outputs:
        offsets = sentences(text)
        previous = ""
        heads = {head for head, (start, end) in pairwise(offsets) if tables.is_rule(text[start:end])}
        for start, end in offsets:
            if len(claims) == MAX_CLAIMS:
                break
            judged += end - start
            if (start, end) in heads:
                continue
            sentence = plain(text[start:end])
            if claims_something(sentence.strip()) and (sentence_words := words(sentence)).content:
                claims.append(Claim(field, start, end, sentence, sentence_words))
                before.append(previous)
            previous = sentence
    known: list[Unit] = []
    pairs: list[tuple[str, structured.Pair]] = []
    cut: list[str] = []
    for field, text in documents:
        if found_pairs := structured.pairs(text):
            known += structured.structured_units(field, text, found_pairs)
            if structured.is_record(found_pairs):
                pairs += [(field, pair) for pair in found_pairs]
        else:
            known += tables.prose_units(field, text)
            cut += [field] if is_cut(text) else []
    answer = " ".join(claim.text for claim in claims)
    length = sum(end - start for _, text in outputs for start, end in sentences(text))
    quotable = Quotable(known if claims else ())
    return GroundednessInput(
        tuple(claims),
        tuple(known),
        tuple(most_alike(known, answer)),
        dict(documents),
        tuple(pairs),
        tuple(quotable.find(claim.text, said) for claim, said in zip(claims, before, strict=True)),
        frozenset(cut),
        " ".join(conversation)[:_MAX_GRANTED],
        asked,
        judged / max(length, 1),
    )


def _rests_on(fields: Set[str], known: Sequence[Unit], answer: str) -> bool:
    """Whether the documents in these fields share at least as many words with the answer as all others do."""
    wanted = frozenset(words(answer).content)
    shared: dict[bool, set[str]] = {True: set(), False: set()}
    for unit in known:
        shared[unit.field in fields] |= wanted.intersection(words(unit.embedded).content)
    return len(shared[True]) >= len(shared[False])


def claim_features(prepared: GroundednessInput, embeddings: Embeddings) -> ClaimFeatures:
    """Holds each claim of an answer against the documents."""
    own = embeddings[[claim.text for claim in prepared.claims]]
    contents = [claim.words.content for claim in prepared.claims]
    records = {field for field, _ in prepared.records}
    rested, nearest_fields = rests_on(prepared.units, contents, own, embeddings, records)
    documents, known = (
        [unit for unit in some if unit.field in rested] for some in (prepared.documents, prepared.units)
    )
    context = Context(documents, prepared.granted, known)
    runs = context.runs
    cosines = own @ context.run_vectors(embeddings[[unit.embedded for unit in known]]).T
    fields = {pair: field for field, pair in prepared.records if field in rested}
    if fields and not _rests_on(set(fields.values()), documents, " ".join(claim.text for claim in prepared.claims)):
        fields = {}
    rows: list[list[float]] = []
    nearest: list[Passage] = []
    marks: list[tuple[Mark, ...]] = []
    pairs: list[tuple[str, tuple[str, ...]]] = []
    settled = np.full(len(prepared.claims), np.nan)
    sources_of_numbers = [*(unit.embedded for unit in known), prepared.granted, prepared.asked]
    for place, claim in enumerate(prepared.claims):
        row, run, near = features(claim.text, claim.words, context, cosines[place])
        cosine = float(cosines[place, run])
        first, last = known[runs[run][0]], known[runs[run][1] - 1]
        nearest.append((first.field, first.start, last.end, cosine))
        if quotation := prepared.quotations[place]:
            quoted = quotation.unit
            nearest[-1] = (quoted.field, quoted.start, quoted.end, cosine)
            if not quotation.doubt or quotation.doubt in UNTRUE:
                settled[place] = _UNSTATED if quotation.doubt else _STATED
        elif claim.words.numbers and not fields:
            passage = " ".join(unit.embedded for unit in known[slice(*runs[run])])
            if misstates(claim.text, passage, sources_of_numbers):
                settled[place] = _MISSTATED
        faults: list[structured.Fault] = []
        if fields:
            counts, faults = structured.check(claim.text, list(fields))
            row += [float(np.log1p(count)) for count in counts]
        against: dict[tuple[int, int], Passage] = {}
        for fault in faults:
            pair = fault.pair
            against.setdefault(
                (fault.start, fault.end), (fields[pair], pair.start, pair.end, cosine) if pair else nearest[-1]
            )
        rows.append(row)
        marks.append(tuple(Mark(*where, evidence) for where, evidence in sorted(against.items())))
        passages = [known[at].embedded for at in near[: verifier.PASSAGES]]
        pairs.append((claim.text, (*passages[:1], *filter(None, [prepared.asked]), *passages[1:])))
    kind = "record" if fields else "summary" if about_documents(prepared.asked) else "question"
    is_cut = not prepared.cut.isdisjoint(nearest_fields)
    return ClaimFeatures(kind, np.array(rows), tuple(nearest), tuple(marks), tuple(pairs), settled, is_cut)


def with_settled(odds: Numbers, settled: Numbers) -> Numbers:
    """The log-odds of claims with those that rules settle: see `ClaimFeatures`."""
    return np.where(settled < 0, settled, np.fmax(odds, settled))


def _unsettled(features: ClaimFeatures) -> list[int]:
    return [int(at) for at in np.flatnonzero(~(features.settled < 0))]


def _verified(features: ClaimFeatures, outputs: Sequence[PairOutputs | None]) -> ClaimFeatures:
    """With what the verifier says of each claim that it read, and the words that it marks where nothing is marked."""
    rows = [verifier.features(judged) if judged else [0.0] * len(verifier.NAMES) for judged in outputs]
    marks = tuple(
        known or tuple(Mark(*run, nearest) for run in (verifier.marked(judged) if judged else ()))
        for known, nearest, judged in zip(features.marks, features.nearest, outputs, strict=True)
    )
    return replace(features, matrix=np.hstack([features.matrix, rows]), marks=marks)


def pooled(odds: Numbers) -> Numbers:
    """What an answer's probability is made from, whatever the order of its sentences: the worst, the worst three by
    noisy-or, all."""
    worst = np.sort(odds)[::-1][:3]
    any_of_three = np.clip(1.0 - np.prod(1.0 - sigmoid(worst)), 1e-6, 1.0 - 1e-6)
    return np.array([worst[0], np.log(any_of_three / (1.0 - any_of_three)), odds.mean()])
