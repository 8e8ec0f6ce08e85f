"""One content has one hash wherever it was checked out, and what nobody sees in it is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchline.schemas.errors import ConfigurationError
from watchline.streams.governance import verifier
from watchline.streams.governance.prompts import characters
from watchline.streams.governance.prompts.content import canonical, content_hash, variables

VECTORS = json.loads((Path(__file__).parent / "hash_vectors.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS["contents"], ids=lambda vector: vector["name"])
def test_contents_have_the_hashes_of_the_vectors(vector: dict[str, str]) -> None:
    assert content_hash(canonical(bytes.fromhex(vector["bytes"]))) == vector["sha256"]


@pytest.mark.parametrize("vector", VECTORS["json"], ids=lambda vector: vector["name"])
def test_what_is_signed_has_the_bytes_of_the_vectors(vector: dict[str, str]) -> None:
    """`verifier` is what packages and bundles both have: there is no second serialiser."""
    assert verifier.canonical(json.loads(vector["json"])).hex() == vector["bytes"]


def test_line_ends_of_a_checkout_make_no_difference_and_all_else_does() -> None:
    base = canonical(b"a\nb\n")
    assert canonical(b"a\r\nb\r\n") == canonical(b"\xef\xbb\xbfa\nb\n") == base
    others = [b"a\rb\n", b"a\nb", b"a\nb \n", b"a\n b\n", "a\u2028b\n".encode(), b"a\n\nb\n", b"A\nb\n"]
    hashes = {content_hash(canonical(each)) for each in [*others, base.encode()]}
    assert len(hashes) == len(others) + 1
    assert canonical("é".encode()) != canonical("e\u0301".encode())


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"a\xff", "it is not UTF-8, at byte 1"),
        (b"", "it is empty"),
        (b" \r\n", "it is empty"),
        (b"a\r\r\nb", "it has a CR before a CRLF"),
        (b"x" * 500_001, "it has 500,001 bytes, and 500,000 are the most"),
        ("\ud800".encode("utf-8", "surrogatepass"), "it is not UTF-8, at byte 0"),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_what_is_no_content_is_refused(raw: bytes, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        canonical(raw)


def test_variables_are_listed_once_in_order() -> None:
    assert variables("{{b}} {{ a }} {{b}} {c} {{}} {{{d}}} {{e}") == ("a", "b", "d")


@pytest.mark.parametrize("ending", ["", " \u0627", " \u05d0\u0628", "\n" * 5, " {{a}}"])
def test_an_override_is_named_whatever_else_stands_in_the_text(ending: str) -> None:
    found = characters.found("pay \u202eeruces\u202c now, \u202eagain" + ending)
    told = [(each.kind, each.name, each.times, each.first_line) for each in found]
    assert told == [
        ("changes the direction", "U+202E RIGHT-TO-LEFT OVERRIDE", 2, 1),
        ("changes the direction", "U+202C POP DIRECTIONAL FORMATTING", 1, 1),
    ]


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("a\u200bb", characters.INVISIBLE, "U+200B ZERO WIDTH SPACE"),
        ("a\u00a0b", characters.INVISIBLE, "U+00A0 NO-BREAK SPACE"),
        ("a\u2028b", characters.INVISIBLE, "U+2028 LINE SEPARATOR"),
        ("a\ufe0fb", characters.INVISIBLE, "U+FE0F VARIATION SELECTOR-16"),
        ("a\U000e0041b", characters.INVISIBLE, "U+E0041 TAG LATIN CAPITAL LETTER A"),
        ("a\u3164b", characters.INVISIBLE, "U+3164 HANGUL FILLER"),
        ("a\u2800b", characters.INVISIBLE, "U+2800 BRAILLE PATTERN BLANK"),
        ("a\ufeffb", characters.INVISIBLE, "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("a\ue000b", characters.INVISIBLE, "U+E000 without a name"),
        ("a\rb", characters.CONTROL, "U+000D CARRIAGE RETURN"),
        ("a\x1b[2Kb", characters.CONTROL, "U+001B ESCAPE"),
        ("a\x7fb", characters.CONTROL, "U+007F without a name"),
        ("a\x9bb", characters.CONTROL, "U+009B without a name"),
        ("a\u2067b", characters.DIRECTION, "U+2067 RIGHT-TO-LEFT ISOLATE"),
        ("p\u0430y", characters.LOOKS_LIKE, "U+0430 CYRILLIC SMALL LETTER A"),
        ("p\u03b1y", characters.LOOKS_LIKE, "U+03B1 GREEK SMALL LETTER ALPHA"),
        ("\u043e\u0441", characters.LOOKS_LIKE, "U+043E CYRILLIC SMALL LETTER O"),
        ("\uff5b\uff5b", characters.LOOKS_LIKE, "U+FF5B FULLWIDTH LEFT CURLY BRACKET"),
        ("\U0001d41a", characters.LOOKS_LIKE, "U+1D41A MATHEMATICAL BOLD SMALL A"),
        ("\u212a", characters.LOOKS_LIKE, "U+212A KELVIN SIGN"),
        ("cafe\u0301", characters.COMBINING, "U+0301 COMBINING ACUTE ACCENT"),
    ],
)
def test_what_is_not_what_it_seems_is_named(text: str, kind: str, name: str) -> None:
    first = characters.found(f"plain\n{text}")[0]
    assert (first.kind, first.name, first.first_line) == (kind, name, 2)
    shown = characters.shown(text)
    assert (f"<{name}>" in shown) is (kind in (characters.INVISIBLE, characters.CONTROL, characters.DIRECTION))
    assert not {*shown} & {"\x1b", "\r", "\x9b", "\u202e", "\u200b", "\u2028"}


@pytest.mark.parametrize(
    "text",
    ["plain", "na\u00efve caf\u00e9 \u201cquoted\u201d \u2026 2\u00b2 \u20ac", "\u4f7f\u7528Python\u7f16\u7a0b\u3002",
     "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440", "\u0645\u0631\u062d\u0628\u0627", "tab\there\n",
     "\u0928\u092e\u0938\u094d\u0924\u0947", "\U0001f600"],
)  # fmt: skip
def test_other_languages_and_signs_are_no_finding(text: str) -> None:
    assert characters.found(text) == []
    assert characters.shown(text) == text
