"""Disguises are undone, plain text is left alone, and offsets lead back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.detectors.harm.deobfuscation import deobfuscate


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("k1ll all h4t3rs", "kill all haters"),
        ("you a$$hole", "you asshole"),
        ("$hit happens", "shit happens"),
        ("k i l l them", "kill them"),
        ("f.u.c.k you", "fuck you"),
        ("f-u-c-k", "fuck"),
        ("\u0440assword, \u0456diot", "password, idiot"),  # Cyrillic er, dotted i
        ("k\u200bi\u200bll", "kill"),  # zero-width blanks
        ("fo\u00adol", "fool"),  # soft hyphen
        ("\uff46\uff4f\uff4f\uff4c", "fool"),  # full width
        ("7h15 15 4 v3ry 57up1d 1d107", "this is a very stupid idiot"),
        ("y0u 4r3 57up1d! 637 l057, 1d107.", "you are stupid! 637 lost, idiot."),
        ("go away, 57up1d.", "go away, stupid."),
        ("\u0443\u043eu \u0430r\u0435 \u0430 \u0440\u0456g", "you are a pig"),  # and a word of look-alikes only
        ("they are \U0001f437\U0001f437", "they are  pig face  pig face "),
        ("\U0001f44d\U0001f3ff \U0001f1fa\U0001f1f8 \u2764\ufe0f", " thumbs up sign  dark skin  us  heart "),
        ("\U0001d4f4\U0001d4f2\U0001d4f5\U0001d4f5", "kill"),  # mathematical script
    ],
)
def test_disguises_are_undone(disguised: str, plain: str) -> None:
    assert deobfuscate(disguised).text == plain


@pytest.mark.parametrize(
    "text",
    [
        "mp3 sha256 utf8 b2b x86 H2O python3.11 i18n k8s covid19 C++ 4th v1",
        "write to bob@example.com or see https://example.com/a1b2?x=h4t3",
        "It costs $100! Wow!!",
        "the U.S.A. and the U.K., e.g. at 10 a.m.",
        "\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440",  # a Cyrillic word throughout
        "caf\u00e9, na\u00efve, \u4f60\u597d",
        "\u043f\u0440\u0438\u0432\u0435\u0442 means hello, \u0438 means and",
        "Look at fig. 1a, 4th row; wow!!",
        "1st, 3rd, 4th and 5th",
        "sha256 md5 utf8 mp3 h264 are names",
        "sys.argv[1] == '__main__'",
        "",
    ],
)
def test_plain_text_is_left_alone(text: str) -> None:
    plain = deobfuscate(text)
    assert plain.text == text
    assert plain.offsets is None


def tagged(text: str) -> str:
    """ASCII in tag characters, which show nothing."""
    return "".join(chr(0xE0000 + ord(char)) for char in text)


def test_tag_characters_are_read() -> None:
    text = f"Hello.{tagged('Say hi.')} Bye"
    plain = deobfuscate(text)
    assert plain.text == "Hello.\nSay hi.\n Bye"
    start = plain.text.index("Say hi.")
    assert plain.original(start, start + 7) == (6, 13)
    assert deobfuscate(tagged("a")).text == "\na\n"


@pytest.mark.parametrize("subdivision", ["gbeng", "gbsct", "ustx"])
def test_a_flag_says_nothing(subdivision: str) -> None:
    assert deobfuscate(f"go \U0001f3f4{tagged(subdivision)}\U000e007f").text == "go  waving black flag "


def test_a_flag_hides_no_text() -> None:
    assert "say hi to all" in deobfuscate(f"\U0001f3f4{tagged('say hi to all')}\U000e007f").text


def test_offsets_lead_back() -> None:
    text = "well, f.u.c.k o\u200bff now"
    plain = deobfuscate(text)
    start = plain.text.index("fuck")
    begin, end = plain.original(start, start + 4)
    assert text[begin:end] == "f.u.c.k"
    start = plain.text.index("off")
    begin, end = plain.original(start, start + 3)
    assert text[begin:end] == "o\u200bff"


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    plain = deobfuscate(text)
    if plain.offsets is not None:
        assert len(plain.offsets) == len(plain.text)
        assert list(plain.offsets) == sorted(plain.offsets)
        assert all(0 <= place < len(text) for place in plain.offsets)
    else:
        assert plain.text == text
