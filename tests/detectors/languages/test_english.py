"""English stands in one place: nothing of it elsewhere among the detectors, and nothing there that none of them reads.

Looked through is what judges texts. Training writes English texts and evaluation reads them, models of others bring
prompts of their own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import watchline.detectors
from watchline.detectors.languages.english import ENGLISH

DETECTORS = Path(watchline.detectors.__file__).parent
ROOMS = ("grounding", "harm", "pii", "runtime")

# What looks like a word of English and is none, or is no word that a text is searched for.
ALLOWED = {
    "grounding/comparison.py": {"number", "date", "name", "time", "word"},  # kinds, groups of a pattern
    "grounding/groundedness.py": {"question", "summary", "record"},  # kinds of answers: they name weights
    "grounding/opening_hours.py": {"open", "closed"},  # what `claimed` gives, whatever the sentence called it
    "grounding/quotation.py": {"question", "condition", "denied", "reference"},  # why a document doesn't state it
    "grounding/relevance.py": {"covered"},  # a feature
    "grounding/structured.py": {"unknown"},  # a feature
    "harm/blend.py": {"other"},  # a register
    "harm/deobfuscation.py": {"black", "white"},  # in Unicode's names of characters
    "harm/injection.py": {"function"},  # a role in the protocol
    "harm/windowed.py": {"user"},  # a role in the protocol
    "pii/decoding.py": {"utf-16-be"},
    "pii/identifiers.py": {"value"},  # a group of a pattern
    "pii/ip_addresses.py": {"2001:db8::/32"},
    "pii/leaks.py": {"system", "developer", "function"},  # roles in the protocol
    # Kinds, a group of a pattern, letters of Kenya's numbers.
    "pii/national_ids.py": {"any", "driving", "imei", "social", "vietnamese", "value", r"[AP]\d{9}[A-Z]"},
    "pii/policy.py": {"replace"},  # what encoding does with a lone surrogate
    "pii/redaction.py": {"text"},  # a field
    "pii/redactor.py": {"text"},  # a field
    # Schemes of HTTP, groups of patterns.
    "pii/secrets.py": {"basic", "basic ", "bearer ", "token ", "bearer+", "cookie", "login", "value", "PRIVATE KEY"},
    # Groups of a pattern, an element of HTML.
    "pii/structure.py": {"value", "name", "first", "last", "line", "tag", "yaml", "json", "list", "th"},
    "pii/tokens.py": {"right"},  # a side, to numpy
    "runtime/encoder.py": {"all-MiniLM-L6-v2", "meta"},  # a model, a device of torch
    "runtime/packing.py": {"replace"},  # what encoding does with a lone surrogate
    "runtime/text.py": {"no text", "language not supported"},  # reasons why a detector doesn't apply
}
ALLOWED_PATTERNS = {
    "pii/national_ids.py": ("(?!BG|GB",),  # letters of British numbers
    # Names in code and commands, which are the same whatever language a text is in.
    "pii/secret_values.py": ("^\\$+",),
    "pii/secrets.py": (";base64,", "-{4,5} ", "cookie", "\\b(?P<scheme>", "\\b(?:curl", "))(?P<rest>"),
    "pii/structure.py": ("a|b|body", "):[ ", "[\\\"'"),  # words of HTML and SQL
    "pii/ip_addresses.py": ("(?<![\\w.])(?:\\d", ")[ ])?|"),  # endings of files, ip-10-0-0-1
    "pii/said.py": ("[\\\"'](?P<quoted>",),  # tags of HTML
    # Top-level domains, lengths of IBANs, letters of addresses of cryptocurrencies.
    "pii/identifiers.py": ("com|org|", "AD24 ", "\\b[13ADLMT9]", "\\b(?:bc|ltc"),
}


def vocabulary() -> set[str]:
    """The words of English, at least two letters long."""
    found: set[str] = set()
    for part in fields(ENGLISH):
        for field in fields(getattr(ENGLISH, part.name)):
            if not field.name.startswith("foreign"):
                found.update(words(str(strings(getattr(getattr(ENGLISH, part.name), field.name)))))
    return found


def strings(value: object) -> str:
    """All text of a field."""
    if isinstance(value, re.Pattern):
        return str(value.pattern)
    if isinstance(value, dict):
        return " ".join(f"{key} {each}" for key, each in value.items())
    return " ".join(map(str, value)) if isinstance(value, tuple | frozenset) else str(value)


def words(text: str) -> list[str]:
    """Those of a text or a pattern, without the pattern's own letters."""
    return re.findall(r"[a-z]{2,}", re.sub(r"\(\?P<\w+>|\(\?P=\w+\)|\\[A-Za-z]", " ", text).lower())


def constants(tree: ast.AST) -> Iterator[ast.Constant]:
    """String constants that a text could be compared with: no docstrings, errors, reasons, keys of a mapping."""
    aside: set[int] = set()
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if (
            isinstance(node, ast.Raise)
            or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            or (isinstance(called, ast.Name) and called.id == "NotApplicable")
        ):
            aside.update(id(each) for each in ast.walk(node))
        elif isinstance(node, ast.Subscript):
            aside.update(id(each) for each in ast.walk(node.slice))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in aside:
            yield node


def english(source: str, known: set[str]) -> list[tuple[int, str]]:
    """Line and text of each string that holds words which a text would be searched for."""
    found = []
    for node in constants(ast.parse(source)):
        text = str(node.value)
        # A label, a category of Unicode, a feature, a part of a file's or a field's name.
        is_name = re.fullmatch(r"[A-Z][A-Z_]*|[A-Z][a-z]|\w+_\w+|[\w.]+[.:_]|[\w-]+\.[\w.]+|.", text)
        lists_words = re.search(r"(?<![\w\\])[a-z]{3,}\??\|[a-z]{3,}", text) or re.fullmatch(
            r"\s*(?:[a-z]+\s+){4,}.*", text
        )
        if not is_name and (lists_words or known.intersection(words(text))):
            found.append((node.lineno, text))
    return found


@pytest.fixture(scope="module")
def known() -> set[str]:
    return vocabulary()


def sources() -> list[Path]:
    return [path for room in ROOMS for path in sorted((DETECTORS / room).glob("*.py"))]


@pytest.mark.parametrize("path", sources(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_english_stands_in_what_reads_texts(path: Path, known: set[str]) -> None:
    name = f"{path.parent.name}/{path.name}"
    found = [
        f"line {line}: {text[:60]!r}"
        for line, text in english(path.read_text(encoding="utf-8"), known)
        if text not in ALLOWED.get(name, ()) and not text.startswith(ALLOWED_PATTERNS.get(name, "\0"))
    ]
    assert not found, f"words of a language belong to detectors/languages: {found}"


@pytest.mark.parametrize(
    "source",
    [
        'GREETING = re.compile(r"\\b(?:howdy|ahoy)\\b")',
        'if word == "because": pass',
        'LINKS = frozenset(["which", "whose"])',
        'CHEESES = """gouda brie edam feta cheddar""".split()',
        'AFTER = re.compile(rf"{PLACE}\\s+street\\b")',
    ],
)
def test_english_elsewhere_would_be_seen(source: str, known: set[str]) -> None:
    assert english(source, known)


def test_what_is_no_english_passes(known: set[str]) -> None:
    assert not english('LABELS = ("ADDRESS", "novel_names")\nNUMBER = re.compile(r"\\d{3}-\\d+(?P<day>\\b)")', known)


def test_all_of_english_is_read() -> None:
    read = {
        f"{node.value.attr}.{node.attr}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and isinstance(node.value.value, ast.Name)
        and node.value.value.id == "ENGLISH"
    }
    there = {f"{part.name}.{field.name}" for part in fields(ENGLISH) for field in fields(getattr(ENGLISH, part.name))}
    assert there == read
