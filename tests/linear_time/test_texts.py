"""What reads a whole text takes linear time too: hostile texts through redaction and the detectors' text functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.linear_time.cost import KIB, exponent
from tests.linear_time.hostile_texts import Hostile
from watchline.detectors.grounding.claims import claims_something, plain
from watchline.detectors.grounding.comparison import compare
from watchline.detectors.grounding.groundedness import read
from watchline.detectors.grounding.structured import pairs
from watchline.detectors.grounding.tables import document_units
from watchline.detectors.grounding.truncation import is_cut
from watchline.detectors.harm.deobfuscation import deobfuscate
from watchline.detectors.harm.groups import mentions
from watchline.detectors.pii import identifiers
from watchline.detectors.pii.decoding import read as read_escapes
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.pii.structure import normal_form
from watchline.detectors.runtime.text import sentences, windows
from watchline.detectors.runtime.words import words

pytestmark = pytest.mark.slow

MOST = 1.4  # the power of a text's length that reading it may take: caches, and who else uses them, are part of it
HOSTILE = {
    "blanks and a bar": Hostile("a|b\n", " ", "x|"),
    "bars": Hostile("a|b\n|--|--|\n", "x|", ""),
    "a long name of a column": Hostile(f"{'a' * 8000}|b\n|--|--|\n", "1|\n", ""),
    "cells": Hostile("sku,name,price\n", "1,a,2\n", ""),
    "one cell": Hostile("sku,name,price\n1,2,", "a", "\n1,2,3"),
    "letters and a slash": Hostile("", "a", "/"),
    "single letters": Hostile("", "1 ", "2"),
    "spaced letters": Hostile("", "k.i.l.l me ", ""),
    "initials": Hostile("", "J. ", ""),
    "numbers of a list": Hostile("", "1. A ", ""),
    "dots": Hostile("", ".", " a"),
    "tokens": Hostile("", "eyJ-", ""),
    "key blocks": Hostile("", "-----BEGIN A ", ""),
    "password": Hostile("password", " ", "!"),
    "passwords": Hostile("", "password=", ""),
    "private keys": Hostile("", "-----BEGIN PRIVATE KEY-----", ""),
    "a private key of escapes": Hostile("-----BEGIN PRIVATE KEY-----", "\\\\n", "!"),
    "schemes of a header": Hostile("", "bearer+", "!"),
    "logins of URLs": Hostile("", "a://:", "@"),
    "cookies": Hostile("", "cookie: a=a1b2c3d4;", ""),
    "commands": Hostile("", "mysql -", ""),
    "a JSON list": Hostile('{"a": [', "1,", "1]}"),
    "a long key in JSON": Hostile(f'{{"{"a" * 8000}": [', "1,", "1]}"),
    "deep JSON": Hostile('{"a":' * 500 + "[", "1,", "1]" + "}" * 500),
    "a URL": Hostile("see https://example.com/", ".", " now"),
    "fences": Hostile("", "```\n", ""),
    "quotes": Hostile('{"k": "', '\\"', '"}'),
    "keys": Hostile("", '"k": "', ""),
    "keys in two kinds of quotes": Hostile("", '"k": \'', ""),
    "quotes that don't close": Hostile('"k": "', 'x"y', '":'),
    "a list of strings": Hostile('"k": [', '"a", ', ""),
    "elements": Hostile("", "<a>", ""),
    "parameters": Hostile("", "a=b&", ""),
    "rows of SQL": Hostile("INSERT INTO t (a, b) VALUES ", "(1, 'x'),", ""),
    "brackets before VALUES": Hostile("(", "a,", ") VALUES (1)"),
    "rows with quotes": Hostile("a,b,c\n", '"x","","\n', ""),
    "escapes of escapes": Hostile("", "\\\\\\\\", "n"),
    "percent signs": Hostile("", "%25", "41"),
    "entities": Hostile("", "&amp;", ""),
    "tags": Hostile("", "\U000e0061", "b"),
    "looked alike": Hostile("", "\u0430b ", ""),
}


def _documents(text: str) -> object:
    return read([("document:0", text)], [text], [("output:0", "It costs $5.")], "What does it cost?")


READERS: dict[str, Callable[[str], object]] = {
    "deobfuscate": deobfuscate,
    "documents": _documents,
    "document_units": lambda text: document_units("document:0", text),
    "answer": lambda text: [claims_something(plain(text[start:end])) for start, end in sentences(text)],
    "is_cut": is_cut,
    "comparison": lambda text: compare(text, f"{text} 7 days"),
    "pairs": pairs,
    "identifiers": lambda text: list(identifiers.find(text)),
    "as it means": read_escapes,
    "normal form": normal_form,
    "windows": lambda text: windows(text, 300),
    "words": words,
    "groups": mentions,
}


@pytest.mark.parametrize("reader", READERS)
def test_texts_are_read_in_linear_time(reader: str) -> None:
    slow: dict[str, float] = {}
    for name, hostile in HOSTILE.items():
        sizes = (16 * KIB, 64 * KIB) if reader == "documents" else (16 * KIB, 128 * KIB)  # all of it takes seconds
        grown = exponent(READERS[reader], hostile, sizes, most=MOST)
        if grown > MOST:
            slow[name] = grown
    assert not slow


@pytest.mark.parametrize("name", ["blanks and a bar", "password", "tokens", "single letters", "quotes"])
def test_redaction_takes_linear_time(name: str) -> None:
    redactor = Redactor()

    def redact(text: str) -> None:
        redactor.redact_text(f"{len(text)} {text}")

    assert exponent(redact, HOSTILE[name], (16 * KIB, 128 * KIB), most=MOST) <= MOST
