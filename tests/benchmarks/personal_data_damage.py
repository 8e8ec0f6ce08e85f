"""Damage: what is replaced in lines of code, documentation, data, SQL, logs and tickets that hold no personal data.

Lines come from the files below the folders that are named: in an order by hash of their paths, some blocks of a file
each, so that many kinds are seen. Left out, for they hold real people: changelogs, licences and lists of authors as
files, and lines with an @ or a word such as author, copyright, maintainer, thanks or contributed. Examples that name a
made-up person are not told apart: they count as damage. Logs, SQL and tables are generated besides, of what is
nobody's; tickets are the questions of banking77, if WATCHLINE_BENCHMARK_DATA names the folder that holds
toxicity/banking77.jsonl.gz. Half of all files (by hash) may be looked at; the other half is for the end.
"""

from __future__ import annotations

import os
import re
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.personal_data_formats import SEED, Find, Finder, ours, table
from tests.personal_data.records import FORMATS, records
from tests.personal_data.values import DEVELOPMENT, HELD_OUT, Values
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.entities import LEFT_IN_PLACE
from watchline.detectors.training.harm.corpora import read

KINDS = {
    "code": "py js c h pyx ts go rs sh java",
    "documentation": "md rst txt html",
    "data": "json yaml yml csv toml xml ini cfg",
    "SQL": "sql",
    "logs": "log",
}
_BLOCK, _BLOCKS = 20, 3  # lines of a text, texts of a file
_LARGEST = 1 << 20  # bytes
_PEOPLE_FILES = re.compile(
    r"author|copying|copyright|licen[cs]e|changelog|changes|news|history|metadata|thanks|credits|record$", re.IGNORECASE
)
_PEOPLE = re.compile(
    r"@|©|\(c\)|\b(?:copyright|author|creator|maintain|developer|written by|thank|contribut|credit|report(?:ed)? by"
    r"|patch|signed.off|courtesy|fixed by|based on|inspired|suggest|original\w* by)",
    re.IGNORECASE,
)
Block = tuple[str, str]  # kind, text


def blocks(folders: Sequence[Path], part: int, lines: int) -> Iterator[Block]:
    """Texts of some lines each, up to so many lines of a kind."""
    files = [
        file
        for folder in folders
        for file in folder.rglob("*.*")
        if file.suffix and not _PEOPLE_FILES.search(file.name)
    ]
    hashes = {file: zlib.crc32(str(file.relative_to(file.anchor)).encode()) for file in files}
    kinds = {f".{suffix}": kind for kind, suffixes in KINDS.items() for suffix in suffixes.split()}
    counts = Counter[str]()
    seen = set[str]()
    for file in sorted(hashes, key=lambda file: hashes[file] >> 1):
        kind = kinds.get(file.suffix.lower())
        if kind is None or hashes[file] % 2 != part or counts[kind] >= lines:
            continue
        for text in _of_file(file):
            if text not in seen:
                seen.add(text)
                counts[kind] += text.count("\n") + 1
                yield kind, text


def _of_file(file: Path) -> Iterator[str]:
    if not file.is_file() or file.is_symlink() or file.stat().st_size > _LARGEST:
        return
    text = file.read_bytes().decode("utf-8", "replace")
    kept = [line[:1000] for line in text.splitlines() if line.strip() and not _PEOPLE.search(line)]
    starts = range(0, len(kept), _BLOCK)
    for start in starts[:: max(len(starts) // _BLOCKS, 1)][:_BLOCKS]:
        yield "\n".join(kept[start : start + _BLOCK])


def made(part: int, lines: int) -> Iterator[Block]:
    """Generated records of what is nobody's."""
    count = 0
    for row in records(Values(SEED, part), [form for form in FORMATS if form != "list"], lines, ()):
        count += row.text.count("\n") + 1
        if count > lines:
            return
        yield "generated", row.text


def tickets(part: int) -> Iterator[Block]:
    """Questions of banking77, if they are there."""
    folder = os.environ.get("WATCHLINE_BENCHMARK_DATA")
    if folder is None:
        sys.stdout.write("no tickets: WATCHLINE_BENCHMARK_DATA names no folder with toxicity/banking77.jsonl.gz\n")
        return
    for row in read(Path(folder), "toxicity/banking77"):
        if zlib.crc32(row["input"].encode()) % 2 == part:
            yield "tickets", row["input"]


def run(*, folders: Sequence[Path], part: str, lines: int, finds: Path | None) -> None:
    """Measures and prints; what was replaced goes to a file, to be looked at."""
    number = {"development": DEVELOPMENT, "held-out": HELD_OUT}[part]
    texts = [*blocks(folders, number, lines), *made(number, lines), *tickets(number)]
    print(f"half: {part}")
    print(report(texts, ours(PersonalData(cache_texts=0)), finds))


def report(texts: Sequence[Block], finder: Finder, finds: Path | None = None) -> str:
    """Replacements per 1,000 lines, by kind and label."""
    lines = Counter[str]()
    replaced = defaultdict[str, Counter[str]](Counter)
    said: list[str] = []
    for first in range(0, len(texts), 256):
        batch = texts[first : first + 256]
        for (kind, text), entities in zip(batch, finder([text for _, text in batch]), strict=True):
            lines[kind] += text.count("\n") + 1
            for find in entities:
                if find[2] not in LEFT_IN_PLACE:
                    replaced[kind][find[2]] += 1
                    said.append(_shown(kind, text, find))
    if finds is not None:
        finds.write_text("\n".join(sorted(said)) + "\n", encoding="utf-8")
    labels = sorted({label for counts in replaced.values() for label in counts})
    for name, kinds in (("all", list(lines)), ("all but generated", [kind for kind in lines if kind != "generated"])):
        lines[name] = sum(lines[kind] for kind in kinds)
        replaced[name] = sum((replaced[kind] for kind in kinds), Counter[str]())
    rows = {
        kind: [count, replaced[kind].total(), 1000 * replaced[kind].total() / max(count, 1)]
        + [replaced[kind][label] for label in labels]
        for kind, count in lines.items()
    }
    return "\n".join(table(["lines", "replaced", "per 1,000", *labels], rows))


def _shown(kind: str, text: str, find: Find) -> str:
    start, end, label = find
    around = text[max(text.rfind("\n", 0, start) + 1, start - 60) : start], text[end : end + 30].partition("\n")[0]
    return f"{label:22} {kind:14} {around[0]}«{text[start:end]!r}»{around[1]}"
