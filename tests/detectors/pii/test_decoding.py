"""A text as it means."""

from __future__ import annotations

import html
import json
from random import Random
from urllib.parse import quote

import pytest

from watchline.detectors.pii.decoding import read

TEXT = 'jane.roe@example.com, "Zoë" & Ana\nø €5 \U0001f600'
ENCODED = {
    "JSON": json.dumps(TEXT),
    "JSON in JSON": json.dumps(json.dumps(TEXT)),
    "percent": quote(TEXT, safe=""),
    "entities": html.escape(TEXT),
    "numbers": "".join(f"&#{ord(char)};" for char in TEXT),
    "hexadecimal": "".join(f"&#x{ord(char):x};" for char in TEXT),
    "JSON in a URL": quote(json.dumps({"x": TEXT})),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_escapes_are_resolved_with_the_way_back(encoding: str) -> None:
    encoded = ENCODED[encoding]
    meant = read(encoded)
    assert TEXT.replace("\U0001f600", "") in meant.text
    start = meant.text.index("jane.roe@example.com")
    first, last = meant.original(start, start + len("jane.roe@example.com"))
    assert read(encoded[first:last]).text == "jane.roe@example.com"
    assert "jane" not in read(encoded[:first]).text and ".com" not in read(encoded[last:]).text


@pytest.mark.parametrize(
    "text", ["plain text, 100 % sure & so", "a < b; c > d", "", "50%", "%", "\\", "&", "&nosuchentity;", "%ff%fe"]
)
def test_what_is_no_escape_stays(text: str) -> None:
    assert read(text).text == text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Jose\u0301 Nin\u0303o", "José Niño"),
        ("".join(f"{digit}\ufe0f\u20e3" for digit in "4012"), "4012"),
        ("4\u03361\u0336", "41"),
        ("①②③", "123"),
        ("".join(chr(0xE0000 + ord(char)) for char in "Jane"), "Jane"),
        ("ja\x00ne\x1b", "jane"),
        ("ｊａｎｅ＠ｘ．ｃｏｍ", "jane@x.com"),  # noqa: RUF001
    ],
)
def test_disguises_are_seen_through_and_replaced_as_a_whole(written: str, meant: str) -> None:
    folded = read(written)
    assert folded.text == meant
    assert folded.original(0, len(folded.text))[1] >= len(written.rstrip("\x1b"))


def test_the_way_back_covers_each_character_once_whatever_the_text() -> None:
    chance = Random(11)
    pieces = [
        "\\",
        "n",
        "u0041",
        "%",
        "41",
        "c3%a9",
        "&",
        "amp;",
        "#65;",
        "a",
        "é",
        "e\u0301",
        "\u200b",
        "\ud83d",
        '"',
        "\\u00e9",
    ]
    for _ in range(3000):
        text = "".join(chance.choices(pieces, k=chance.randrange(1, 30)))
        meant = read(text)
        assert read(meant.text).text == read(read(meant.text).text).text
        if meant.offsets is not None:
            assert len(meant.offsets) == len(meant.text)
            for place in range(len(meant.text)):
                start, end = meant.original(place, place + 1)
                assert 0 <= start < end <= len(text)
