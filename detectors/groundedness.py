"""Whether an answer is borne out by the documents it was given, sentence by sentence.

Each sentence that claims something gets the probability that the documents don't support it, from the features of
`evidence` (and of `structured`, where the documents are records of keys and values); the answer's probability is pooled
from its sentences'. Two sets of weights, for prose and for records: what gives a fault away differs, so do its odds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from safetensors.numpy import load_file

from watchline.detectors import structured, tables
from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable, weights_folder
from watchline.detectors.calibration import Logistic, Numbers, sigmoid
from watchline.detectors.claims import claims_something, plain
from watchline.detectors.evidence import Context, Unit, features, most_alike
from watchline.detectors.text import sentences, unreadable
from watchline.detectors.truncation import is_cut
from watchline.detectors.words import Words, words
from watchline.schemas.records import Evidence, Interaction, Span

KINDS = ("prose", "record")
MAX_CLAIMS = 100
_MOST_AMID_CUT = 0.8  # what the document says nothing about may stand in the part that is missing
_MAX_GRANTED = 20_000  # characters of instructions and conversation that are read


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the answer that says something about the world."""

    field: str
    start: int
    end: int
    text: str
    words: Words


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a claim, and the passage it was held against: field, start, end, cosine of the claim to it."""

    start: int
    end: int
    evidence: tuple[str, int, int, float]


@dataclass(frozen=True, slots=True)
class Work:
    claims: tuple[Claim, ...]
    context: Context
    pairs: tuple[tuple[str, structured.Pair], ...]  # of documents that are records, each with its field
    cut: frozenset[str]  # fields of documents that end amid a sentence
    scored_fraction: float

    @property
    def kind(self) -> str:
        """Which weights judge it."""
        return "record" if self.pairs else "prose"


class Groundedness(Detector[Work]):
    """The probability that some sentence of the answer isn't supported by the documents.

    Not applicable without documents, without an answer, or where either can't be read. Question, instructions and the
    conversation so far count a little: repeating them is no invention. Tool results stand beside the documents. What
    claims nothing isn't judged: questions back, refusals, courtesies, headings, blocks of code; an answer of nothing
    else has score 0. Where a document that it draws on was cut amid a sentence, the score is at most 0.8: what it
    lacks may stand in the rest. Spans are the sentences that stand out, each with the nearest passage as evidence; of
    a record, the clauses that its values contradict. At most 100 sentences are judged, against the 200 passages that
    share most words with the answer.

    Features after Maynez et al. 2020 and SummaC (Laban et al. 2022); data RAGTruth (Niu et al. 2024), BEGIN (Dziri et
    al. 2022), FaithDial (Dziri et al. 2022): see the model card.
    """

    name = "groundedness"
    labels = ("unsupported",)

    def __init__(self) -> None:
        path = weights_folder(self.name) / "model.safetensors"
        self._sentence = {kind: Logistic.load(path, f"{kind}.sentence.") for kind in KINDS}
        self._answer = {kind: Logistic.load(path, f"{kind}.answer.") for kind in KINDS}
        self._marked_from = {kind: float(load_file(path)[f"{kind}.marked_from"][0]) for kind in KINDS}

    def prepare(self, interaction: Interaction) -> Work | NotApplicable:
        documents = [(f"document:{n}", each.content) for n, each in enumerate(interaction.documents)]
        if not any(text.strip() for _, text in documents):
            return NotApplicable("no documents")
        documents += [(f"tool_call_result:{n}", each.result or "") for n, each in enumerate(interaction.tool_calls)]
        if not interaction.output.strip():
            return NotApplicable("no output")
        if reason := unreadable(interaction.output) or unreadable("\n".join(text for _, text in documents)):
            return NotApplicable(reason)
        conversation = [interaction.system_instructions or "", *(each.content for each in interaction.input_messages)]
        outputs = [(f"output:{n}", each.content) for n, each in enumerate(interaction.output_messages)]
        return read(documents, conversation, outputs)

    def texts(self, work: Work) -> Sequence[str]:
        return [*(unit.embedded for unit in work.context.units), *(claim.text for claim in work.claims)]

    def evaluate(self, batch: Sequence[Work], embeddings: Embeddings) -> Sequence[Evaluation]:
        return [self._evaluate(work, embeddings) for work in batch]

    def _evaluate(self, work: Work, embeddings: Embeddings) -> Evaluation:
        if not work.claims:
            return Evaluation({"unsupported": 0.0}, scored_fraction=work.scored_fraction)
        matrix, marks = claim_features(work, embeddings)
        chances = self._sentence[work.kind].probability(matrix)
        odds = self._sentence[work.kind].log_odds(matrix)
        score = float(self._answer[work.kind].probability(pooled(odds)[None])[0])
        if score > 0.5 and any(mark.evidence[0] in work.cut for each in marks for mark in each):
            score = 0.5 + (score - 0.5) * (_MOST_AMID_CUT - 0.5) / 0.5
        marked = [int(index) for index in np.flatnonzero(chances >= self._marked_from[work.kind])]
        if not marked and score >= 0.5:
            marked = [int(np.argmax(chances))]
        found = [(work.claims[index], chances[index], mark) for index in marked for mark in marks[index]]
        return Evaluation(
            {"unsupported": score},
            tuple(
                Span(claim.field, claim.start + mark.start, claim.start + mark.end, "unsupported", float(chance))
                for claim, chance, mark in found
            ),
            tuple(Evidence(place, *mark.evidence) for place, (_, _, mark) in enumerate(found)),
            work.scored_fraction,
        )


def read(documents: Sequence[tuple[str, str]], conversation: Sequence[str], outputs: Sequence[tuple[str, str]]) -> Work:
    """Takes an answer and its documents apart; documents and outputs come as (field, text)."""
    claims: list[Claim] = []
    judged = 0
    for field, text in outputs:
        offsets = sentences(text)
        heads = {head for head, (start, end) in pairwise(offsets) if tables.is_rule(text[start:end])}
        for start, end in offsets:
            if len(claims) == MAX_CLAIMS:
                break
            judged += end - start
            if (start, end) in heads:
                continue
            sentence = plain(text[start:end])
            if claims_something(sentence.strip()) and (found := words(sentence)).content:
                claims.append(Claim(field, start, end, sentence, found))
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
    if pairs and not _rests_on([field for field, _ in pairs], known, answer):
        pairs = []
    context = Context(known, " ".join(conversation)[:_MAX_GRANTED], most_alike(known, answer))
    length = sum(end - start for _, text in outputs for start, end in sentences(text))
    return Work(tuple(claims), context, tuple(pairs), frozenset(cut), judged / max(length, 1))


def _rests_on(fields: Sequence[str], known: Sequence[Unit], answer: str) -> bool:
    """Whether the documents in these fields share at least as many words with the answer as all others do."""
    wanted = frozenset(words(answer).content)
    shared: dict[bool, set[str]] = {True: set(), False: set()}
    for unit in known:
        shared[unit.field in fields] |= wanted.intersection(words(unit.embedded).content)
    return len(shared[True]) >= len(shared[False])


def claim_features(work: Work, embeddings: Embeddings) -> tuple[Numbers, list[list[Mark]]]:
    """A row for each claim, and what would be marked in it. Columns: `evidence.NAMES`, and for records
    `structured.NAMES`."""
    runs = work.context.runs
    run_vectors = work.context.run_vectors(embeddings[[unit.embedded for unit in work.context.units]])
    vectors = embeddings[[claim.text for claim in work.claims]]
    cosines = vectors @ run_vectors.T
    fields = {pair: field for field, pair in work.pairs}
    pairs = list(fields)
    rows: list[list[float]] = []
    marks: list[list[Mark]] = []
    for place, claim in enumerate(work.claims):
        row, run = features(claim.text, claim.words, work.context, cosines[place])
        first, last = work.context.units[runs[run][0]], work.context.units[runs[run][1] - 1]
        cosine = float(cosines[place, run])
        nearest = (first.field, first.start, last.end, cosine)
        faults: list[structured.Fault] = []
        if pairs:
            counts, faults = structured.check(claim.text, pairs)
            row += [float(np.log1p(count)) for count in counts]
        against: dict[tuple[int, int], tuple[str, int, int, float]] = {}
        for fault in faults:
            pair = fault.pair
            against.setdefault(
                (fault.start, fault.end), (fields[pair], pair.start, pair.end, cosine) if pair else nearest
            )
        rows.append(row)
        marks.append(
            [Mark(*where, evidence) for where, evidence in sorted(against.items())]
            or [Mark(0, claim.end - claim.start, nearest)]
        )
    return np.array(rows), marks


def pooled(odds: Numbers) -> Numbers:
    """What an answer's probability is made from, whatever the order of its sentences: the worst, the worst three by
    noisy-or, all."""
    worst = np.sort(odds)[::-1][:3]
    some = np.clip(1.0 - np.prod(1.0 - sigmoid(worst)), 1e-6, 1.0 - 1e-6)
    return np.array([worst[0], np.log(some / (1.0 - some)), odds.mean()])
