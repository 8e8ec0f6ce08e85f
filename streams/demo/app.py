"""The app that the demo watches: answers questions about Python from Python's own documentation.

Retrieval (BM25) finds passages, a prompt puts them before the question, a language model answers. Nothing here knows
of Watchline, Kafka or a particular model: the model is an argument.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from watchline.schemas.records import Document, Message

PASSAGE_CHARACTERS = 550
LONGEST_PASSAGE_CHARACTERS = 900
PASSAGES_PER_QUESTION = 2

SHORTEST_PASSAGE_CHARACTERS = 150

# Okapi BM25, the usual constants (Robertson and Zaragoza, 2009).
_K1 = 1.2
_B = 0.75
# A passage whose heading has the question's word is more likely about it than one that only mentions it.
_HEADING_WEIGHT = 2

_STOP_WORDS = re.compile(
    r"(an?|are|be|been|can|could|did|do|does|has|have|how|i|its?|me|my|of|on|or|that|the|their|there|these|they|this|to"
    r"|was|what|when|where|which|who|why|will|your?)"
)
_SIGNATURE = re.compile(r"^\s*[\w.]+\(.*\)$")
_UNDERLINE = re.compile(r"^([*=\-~^])\1+$")
_AFTER_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)")
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+")
# Quotes and backquotes mark keywords in the documentation and in questions: `with` is not the word with.
_TOKEN = re.compile(r"[\"'`]([a-z_]+)[\"'`]|[a-z_]+|\d+")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A version of the prompt `answer`, with the parameters that it was released with."""

    version: str
    system: str
    template: str
    answer_prefix: str
    stop: tuple[str, ...]
    temperature: float
    max_tokens: int

    @property
    def content_hash(self) -> str:
        """SHA-256 of `text`."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def text(self) -> str:
        """What the prompt says, parameters left out."""
        return f"{self.system}\n{self.template}\n{self.answer_prefix}"


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model made of one conversation, with what was measured on the way."""

    text: str
    input_tokens: int
    output_tokens: int
    latency_s: float
    time_to_first_token_s: float
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One question, what was retrieved for it, what the model was given, and what it answered."""

    question: str
    documents: tuple[Document, ...]
    messages: tuple[Message, ...]
    completion: Completion


class LanguageModel(Protocol):
    """Answers a batch of conversations."""

    def complete(
        self, conversations: Sequence[Sequence[Message]], *, temperature: float, max_tokens: int, stop: Sequence[str]
    ) -> list[Completion]:
        """One completion for each conversation, in order.

        Where the last message is the assistant's, the model goes on from it. A text that ends in one of `stop` is
        finished.
        """
        ...


PROMPT_NAME = "answer"
PROMPTS: Mapping[str, Prompt] = {
    # Quotes: the answer begins for the model, so that it can only go on with the documentation's words.
    "1": Prompt(
        version="1",
        system="You answer questions about Python with sentences of its documentation, word for word.",
        template="Documentation:\n{documents}\n\nQuestion: {question}\n"
        "Quote the sentence of the documentation that answers the question.",
        answer_prefix='The documentation says: "',
        stop=("\n", '."'),
        temperature=0.0,
        max_tokens=48,
    ),
    # A change that looks like a saving: headings in place of passages, no instruction to stay with them.
    "2": Prompt(
        version="2",
        system="You are a friendly Python expert with long experience.",
        template="Question about Python ({headings}): {question}\nAnswer in two sentences.",
        answer_prefix="",
        stop=(),
        temperature=0.7,
        max_tokens=56,
    ),
}


@dataclass(frozen=True)
class PassageIndex:
    """Passages that can be searched by words."""

    passages: tuple[Document, ...]

    def search(self, question: str, count: int = PASSAGES_PER_QUESTION) -> tuple[Document, ...]:
        """The passages nearest to the question, best first, each with its BM25 score."""
        words = set(_tokens(question))
        scored = [(self._score(index, words), index) for index in range(len(self.passages))]
        best = sorted(scored, key=lambda item: (-item[0], item[1]))[:count]
        return tuple(
            Document(content=self.passages[index].content, id=self.passages[index].id, score=round(score, 3))
            for score, index in best
        )

    def _score(self, index: int, words: set[str]) -> float:
        counts = self._counts[index]
        length = counts.total() / self._mean_length
        return sum(
            self._idf[word] * counts[word] * (_K1 + 1) / (counts[word] + _K1 * (1 - _B + _B * length))
            for word in sorted(words)
            if word in counts
        )

    @cached_property
    def _counts(self) -> list[Counter[str]]:
        return [_word_counts(passage.content) for passage in self.passages]

    @cached_property
    def _mean_length(self) -> float:
        return sum(counts.total() for counts in self._counts) / len(self._counts)

    @cached_property
    def _idf(self) -> dict[str, float]:
        frequencies = Counter(word for counts in self._counts for word in counts)
        total = len(self.passages)
        return {word: math.log(1 + (total - count + 0.5) / (count + 0.5)) for word, count in frequencies.items()}


def index_topics(topics: Mapping[str, str]) -> PassageIndex:
    """Cuts documentation topics (name to text, as in `pydoc_data.topics`) into passages.

    Topics repeat one another; a paragraph is kept where it stands in the shortest topic, which is the most specific.
    """
    passages: list[Document] = []
    seen: set[str] = set()
    for name in sorted(topics, key=lambda name: (len(topics[name]), name)):
        for text in _passages(topics[name], seen):
            number = sum(1 for passage in passages if (passage.id or "").startswith(f"{name}#"))
            passages.append(Document(content=text, id=f"{name}#{number + 1}"))
    return PassageIndex(tuple(passages))


def conversation(prompt: Prompt, question: str, documents: Sequence[Document]) -> tuple[Message, ...]:
    """The messages that the model is given."""
    values = {
        "documents": "\n\n".join(document.content for document in documents),
        "headings": "; ".join(document.content.partition("\n")[0] for document in documents),
        "question": question,
    }
    # One pass: a question that says "{documents}" must not be filled in.
    filled = re.sub(r"\{(documents|headings|question)\}", lambda match: values[match[1]], prompt.template)
    messages = (Message("system", prompt.system), Message("user", filled))
    return (*messages, Message("assistant", prompt.answer_prefix)) if prompt.answer_prefix else messages


def answer(
    questions: Sequence[str],
    *,
    prompt: Prompt,
    index: PassageIndex,
    model: LanguageModel,
    notes: Mapping[str, Document] | None = None,
) -> list[Answer]:
    """Answers a batch of questions. `notes` are readers' notes by question, shown in place of the last passage."""
    asked: list[tuple[str, tuple[Document, ...], tuple[Message, ...]]] = []
    for question in questions:
        documents = index.search(question)
        note = (notes or {}).get(question)
        if note is not None:
            documents = (*documents[:-1], note)
        asked.append((question, documents, conversation(prompt, question, documents)))
    completions = model.complete(
        [messages for _, _, messages in asked],
        temperature=prompt.temperature,
        max_tokens=prompt.max_tokens,
        stop=prompt.stop,
    )
    return [
        Answer(*item, _first_sentence(completion) if prompt.answer_prefix else completion)
        for item, completion in zip(asked, completions, strict=True)
    ]


def _first_sentence(completion: Completion) -> Completion:
    """One sentence was asked for; what the model says after it isn't shown. Nor is the quote's closing mark."""
    text = _AFTER_SENTENCE.split(completion.text, maxsplit=1)[0]
    return replace(completion, text=text[:-1] if text.endswith('"') and text.count('"') % 2 else text)


def _passages(topic: str, seen: set[str]) -> list[str]:
    """Paragraphs joined to passages; a passage never crosses a heading, which it starts with."""
    heading = ""
    gathered: list[list[str]] = [[]]
    for block in re.split(r"\n\s*\n", topic):
        lines = block.strip("\n").split("\n")
        if len(lines) >= 2 and _UNDERLINE.match(lines[1].strip()):
            heading = lines[0].strip()
            gathered.append([])
            continue
        text = _unwrap(lines)
        if text in seen or "::=" in text:
            continue
        seen.add(text)
        for part in _split(text):
            length = sum(map(len, gathered[-1]))
            # A signature belongs to the description that follows it.
            room = PASSAGE_CHARACTERS / 2 if _SIGNATURE.match(part) else PASSAGE_CHARACTERS - len(part)
            if gathered[-1] and length > room:
                gathered.append([])
            gathered[-1] = [*(gathered[-1] or [heading]), part]
    passages = ["\n".join(filter(None, parts)) for parts in gathered]
    return [text for text in passages if SHORTEST_PASSAGE_CHARACTERS <= len(text) <= LONGEST_PASSAGE_CHARACTERS]


def _unwrap(lines: Sequence[str]) -> str:
    """Prose on one line; code keeps its lines. An indented paragraph that ends like prose is a method's description."""
    stripped = [line.strip() for line in lines]
    indented = all(line.startswith("   ") for line in lines)
    session = any(line.startswith((">>>", "...")) for line in stripped)
    is_code = stripped[0].startswith(">>>") or not stripped[-1].endswith((".", ")", ":"))
    if (session or indented) and is_code:
        return "\n".join(line.rstrip() for line in lines)
    return " ".join(line for line in stripped if line)


def _split(text: str) -> list[str]:
    """A paragraph cut at sentence ends into parts that fit a passage."""
    parts = [""]
    for sentence in _SENTENCE_END.split(text) if len(text) > LONGEST_PASSAGE_CHARACTERS else [text]:
        if parts[-1] and len(parts[-1]) + len(sentence) > PASSAGE_CHARACTERS:
            parts.append("")
        parts[-1] = f"{parts[-1]} {sentence}".strip()
    return parts


def _word_counts(passage: str) -> Counter[str]:
    counts = Counter(_tokens(passage))
    heading = _tokens(passage.partition("\n")[0])
    counts.update(dict.fromkeys(heading, _HEADING_WEIGHT))
    return counts


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    for match in _TOKEN.finditer(text.lower()):
        word = match[1] or match[0]
        if not _STOP_WORDS.fullmatch(word):
            # The plainest of stemmers: a question's plural must meet the documentation's singular.
            tokens.append(word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word)
        if match[1]:
            tokens.append(f"`{word}`")
    return tokens
