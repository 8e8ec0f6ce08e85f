"""The labelled texts that the toxicity, bias and injection detectors learn from, in one form.

Sources and licences: see the model cards. A label that a source doesn't give is left out of `Example.labels`: it is not
known, which is not 0.
"""

from __future__ import annotations

import gzip
import html
import json
import random
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchline.detectors.harm.windowed import WINDOW
from watchline.detectors.runtime.text import windows

# The sources of `benign`.
ORDINARY = (
    "ragtruth_response",
    "ragtruth_context",
    "ragtruth_question",
    "halueval_query",
    "halueval_response",
    "clinc",
    "bold",
    "pydoc",
)


@dataclass(frozen=True, slots=True)
class Example:
    """One text. No two texts of one `group` (post, template, pair, source document) may part into train and test."""

    text: str
    source: str
    group: str
    labels: Mapping[str, int] = field(default_factory=dict)


def read(data: Path, name: str) -> list[dict[str, Any]]:
    """The rows of `NAME.jsonl.gz`."""
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def post(text: str) -> str:
    """A social-media post without what gives its source away: entities, retweet marks, user names, links."""
    text = html.unescape(html.unescape(text))
    text = re.sub(r"https?://\S+|\[URL\]", "", text)
    text = re.sub(r"(?:\bRT )?@\w+:?|\[USER\]", "", text)
    text = text.replace(" ' s", "'s").replace(" n't", "n't")
    text = re.sub(r" ([.,!?;:])", r"\1", re.sub(r"\s+", " ", text))
    return text.strip(" !\"'") if len(text) > 400 else text.strip(' "')


def benign(data: Path) -> list[Example]:
    """Ordinary traffic: what models answer, what people ask, what documents say. No labels set."""
    return list(_benign(data))


def held_back(group: str) -> bool:
    """Whether no model may train on a benign group: a fifth of them, on which whole detectors are measured."""
    return zlib.crc32(group.encode()) % 5 == 0


def sample(examples: Sequence[Example], size: int, seed: int) -> list[Example]:
    """At most `size` of them, chosen by chance, in their order; of these none that is held back."""
    chosen = set(random.Random(seed).sample(range(len(examples)), min(size, len(examples))))  # noqa: S311 (no secret)
    return [example for index, example in enumerate(examples) if index in chosen and not held_back(example.group)]


def split(
    examples: Sequence[Example], sizes: Mapping[str, int], seed: int, rare: Mapping[str, str] | None = None
) -> list[Example]:
    """So many of each source, in their order; all of a source that isn't named.

    By chance, those with a rare label first, which `rare` names by source.
    """
    chosen: set[int] = set()
    for source in dict.fromkeys(example.source for example in examples):
        mine = [index for index, example in enumerate(examples) if example.source == source]
        random.Random(seed).shuffle(mine)  # noqa: S311 (no secret)
        if label := (rare or {}).get(source):
            mine.sort(key=lambda index: -examples[index].labels.get(label, 0))
        chosen.update(mine[: sizes.get(source, len(mine))])
    return [examples[index] for index in sorted(chosen)]


def labelled(examples: Iterable[Example], labels: Mapping[str, int]) -> list[Example]:
    """The same texts with these labels."""
    return [Example(example.text, example.source, example.group, labels) for example in examples]


def cut(text: str) -> list[str]:
    """The text as the detectors read it: window by window."""
    return [text[start:end] for start, end in windows(text, WINDOW)]


def _benign(data: Path) -> Iterator[Example]:
    for item in read(data, "groundedness/ragtruth"):
        group = f"ragtruth-{item['source_id']}"
        for text in cut(item["response"]):
            yield Example(text, "ragtruth_response", group)
        if item["question"]:
            yield Example(item["question"], "ragtruth_question", group)
    for source in {item["source_id"]: item for item in read(data, "groundedness/ragtruth")}.values():
        for text in cut(source["context"]):
            yield Example(text, "ragtruth_context", f"ragtruth-{source['source_id']}")
    for item in read(data, "groundedness/halueval_general"):
        yield Example(item["user_query"], "halueval_query", f"halueval-{item['ID']}")
        for text in cut(item["chatgpt_response"]):
            yield Example(text, "halueval_response", f"halueval-{item['ID']}")
    for item in read(data, "drift/clinc_oos"):
        yield Example(item["text"], "clinc", f"clinc-{item['intent'] if item['intent'] != 'oos' else item['text']}")
    for domain in ("gender", "race", "religious_ideology", "political_ideology", "profession"):
        for people in read(data, f"bias/bold_wikipedia_{domain}_wiki")[0].values():
            for name, texts in people.items():
                for text in texts:
                    yield Example(text, "bold", f"bold-{name}")
    yield from technical()


def technical() -> Iterator[Example]:
    """Python's own reference documentation (`pydoc_data.topics`, PSF licence), paragraph by paragraph."""
    from pydoc_data.topics import topics

    for topic, text in topics.items():
        for passage in cut(text):
            yield Example(passage, "pydoc", f"pydoc-{topic}")
