"""Where sentences begin and end, and whether a text can be read at all: rules, no model; offsets in code points."""

# ruff: noqa: RUF001 (typographic marks are what this file is about)

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import groupby, pairwise

from watchline.detectors.declarations import NOT_SUPPORTED
from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.languages.identification import Identified, identify
from watchline.schemas.records import Interaction

MAX_SENTENCE = 1000  # characters; what has no end by then is cut at a blank
NO_TEXT = "no text"

_SAMPLE = 2000  # characters that a text's language is told from
_SHORT = 8  # words from which on a text's language is told from it alone
_FEWEST = 3  # words from which on a text by itself can be in another language
_OTHER = 0.5  # log-odds for each of the first eight words from which on a text is in another language
_SHIFT = 1.7  # by how much the rest of the conversation moves that
_STRETCH, _STEP = 6, 3  # words, where parts of a text are told apart
_LATIN_WORD = re.compile(r"(?P<latin>[A-Za-zÀ-ɏ]+(?:['’][A-Za-zÀ-ɏ]+)*)|[^\W\d_]")  # or one letter of another script

_FENCE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[^\n]*$|\Z)", re.MULTILINE | re.DOTALL)
_ITEM = r"[ \t]*(?:[-*+•‣◦–][ \t]|\(?\d{1,3}[.)][ \t]|\(?[a-z][.)][ \t]|#{1,6}[ \t]|\||>|```|~~~)"
# After .!? and what closes with it, blanks, then what can open a sentence: anything but a small letter.
_END = re.compile(
    r"(?<![.!?…])(?P<mark>[.!?…]+)[\"'”’)\]}*_`»]*(?P<gap>\s+)(?=[^\sa-z.!?…,;:)\]}])|[。！？｡]+[”’」』）]*|(?P<line>\n)"
)
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]+\Z")
_WRAPPED = 45  # a line that is broken off for its length is longer than this
_LOOK_BACK = 40


def sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence, in order, without the blanks around it.

    A list item, a heading, a table row and a block of code between fences is one each. A line break within a paragraph
    ends a sentence only where the line was not broken for its length. No sentence is longer than `MAX_SENTENCE`.

    Examples
    --------
    >>> text = "See e.g. page 3. Returns are free."
    >>> [text[start:end] for start, end in sentences(text)]
    ['See e.g. page 3.', 'Returns are free.']
    """
    cuts = [0]
    fences = [match.span() for match in _FENCE.finditer(text)] if "```" in text or "~~~" in text else []
    starts = [start for start, _ in fences]
    for start, end in fences:
        cuts += (start, end)
    for match in _END.finditer(text):
        place = bisect_right(starts, match.start()) - 1
        in_code = place >= 0 and match.start() < fences[place][1]
        if not in_code and _ends(text, match):
            cuts.append(match.end())
    cuts.append(len(text))
    return [piece for start, end in pairwise(sorted(cuts)) for piece in _pieces(text, start, end)]


def windows(text: str, max_chars: int = MAX_SENTENCE) -> list[tuple[int, int]]:
    """Start and end of runs of whole sentences, each as many as fit into `max_chars`; a longer one stands alone.

    Examples
    --------
    >>> windows("One. Two. Three.", max_chars=9)
    [(0, 9), (10, 16)]
    """
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    if end - start <= max_chars:  # where sentences end makes no difference
        return [(start, end)] if start < end else []
    runs: list[tuple[int, int]] = []
    for start, end in sentences(text):
        if runs and end - runs[-1][0] <= max_chars:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs


def runs(
    odds: Iterable[float], offsets: Iterable[tuple[int, int]], marked_from: float, joined: int
) -> list[tuple[int, int]]:
    """Start and end of what is marked, by the log-odds of tokens.

    Parameters
    ----------
    odds
        Log-odds of each token. The first and the last are [CLS] and [SEP], which stand for no text.
    offsets
        Start and end of each token, in characters.
    marked_from
        Log-odds from which on a token is marked.
    joined
        Marks at most so many characters apart are one.

    Examples
    --------
    >>> odds, offsets = [9.0, 2.0, 1.5, -3.0, 9.0], [(0, 0), (0, 3), (4, 8), (9, 12), (0, 0)]
    >>> runs(odds, offsets, marked_from=0.0, joined=1)
    [(0, 8)]
    """
    spans: list[tuple[int, int]] = []
    for score, (start, end) in list(zip(odds, offsets, strict=True))[1:-1]:
        if score >= marked_from:
            if spans and start - spans[-1][1] <= joined:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
    return spans


def unreadable(text: str, longest: str = "") -> str | None:
    """Why no detector can read the text, as one of few phrases; None where it can be read, which means: it is English.

    Fewer than eight words are English or not by what else is said: in an English conversation it takes more to call
    them another language, in another language less. One or two words never decide by themselves, unless their letters
    aren't Latin.

    Parameters
    ----------
    text
    longest
        The longest text of the same interaction (`longest_text`), or the text that this one is a part of.

    Examples
    --------
    >>> unreadable("Wo ist der Bahnhof?")
    'language not supported: de'
    >>> unreadable("Vielen Dank!"), unreadable("Vielen Dank!", "Wo ist der Bahnhof?")
    (None, 'language not supported: de')
    """
    sample = text[:_SAMPLE]
    if not any(map(str.isalnum, sample)):
        return NO_TEXT
    code = _other_language(identify(sample), identify(longest[:_SAMPLE]) if len(longest) > len(text) else None)
    return f"{NOT_SUPPORTED}: {code}" if code else None


def another_language(texts: Iterable[str], longest: str) -> str | None:
    """Why one of the texts can't be read, by the first that is in another language; what has no text is passed over.

    Examples
    --------
    >>> another_language(["Where is it?", "...", "Wo ist der Bahnhof?"], longest="")
    'language not supported: de'
    """
    reasons = (unreadable(text, longest) for text in texts)
    return next((reason for reason in reasons if reason and reason != NO_TEXT), None)


def longest_text(interaction: Interaction) -> str:
    """The longest of what user, app and model say and of what documents and tools give; not the instructions.

    Examples
    --------
    >>> from watchline.schemas.records import Message
    >>> said = (Message("user", "Hi"), Message("assistant", "Hello! What can I do for you?"))
    >>> longest_text(Interaction(event_id="0", time=1, app="shop", input_messages=said))
    'Hello! What can I do for you?'
    """
    said = (message.content for message in (*interaction.input_messages, *interaction.output_messages))
    given = (document.content for document in interaction.documents)
    results = (call.result or "" for call in interaction.tool_calls)
    return max((*said, *given, *results), key=len, default="")


def english_parts(text: str) -> list[tuple[int, int]]:
    """Start and end of what is English within a text in another language, wherever it begins and ends.

    Told from stretches of six words, one every three words: a part may lack a word or two, or have some too many.

    Examples
    --------
    >>> text = "Wo ist der Bahnhof, bitte? Ich finde ihn nicht. Where is the railway station?"
    >>> [text[start:end] for start, end in english_parts(text)]
    ['Where is the railway station']
    """
    parts: list[tuple[int, int]] = []
    for is_latin, run in groupby(_LATIN_WORD.finditer(text), key=lambda word: word["latin"] is not None):
        words = [word.span() for word in run] if is_latin else []
        for first in range(0, len(words) - _FEWEST + 1, _STEP):
            stretch = words[first : first + _STRETCH]
            start, end = stretch[0][0], stretch[-1][1]
            if identify(text[start : min(end, start + _SAMPLE)]).odds < 0:
                if parts and start < parts[-1][1]:
                    start = parts.pop()[0]
                parts.append((start, end))
    return parts


def _other_language(found: Identified, around: Identified | None) -> str | None:
    """The code of the language that a text is in, where it isn't English."""
    least = _OTHER * min(found.words, _SHORT)
    enough = found.words >= _FEWEST or found.odds == math.inf
    if 0 < found.words < _SHORT and around and around.words >= _FEWEST:
        language = _other_language(around, None)
        if language and found.odds > least - _SHIFT:
            return found.other if enough and found.odds > least else language
        return found.other if not language and enough and found.odds > least + _SHIFT else None
    return found.other if enough and found.odds > least else None


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether a candidate is the end of a sentence."""
    if match["line"]:
        start = text.rfind("\n", 0, match.start()) + 1
        line = text[start : match.start()].strip()
        return (
            len(line) < _WRAPPED
            or line[-1] in ".!?:;…"
            or re.match(rf"[ \t]*\n|{_ITEM}", text[match.end() : match.end() + _LOOK_BACK]) is not None
        )
    if not match["mark"] or match["mark"] != ".":
        return True
    before = _LAST_WORD.search(text, max(match.start() - _LOOK_BACK, 0), match.start())
    word = before[0] if before else ""
    # "J. Smith", "e.g. Python", and the number of a list item ("2. Next") end nothing.
    start = match.start() - len(word)
    number = word.isdigit() and not text[max(start - _LOOK_BACK, 0) : start].rpartition("\n")[2].strip()
    initial = len(word) == 1 and word.isupper() and word not in ENGLISH.prose.letter_words
    return not (initial or number or word.lower() in ENGLISH.prose.abbreviations)


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The stretch without blanks around it, cut where it is too long."""
    pieces: list[tuple[int, int]] = []
    while start < end:
        while start < end and text[start].isspace():
            start += 1
        stop = end
        if end - start > MAX_SENTENCE:
            blank = max(text.rfind(" ", start, start + MAX_SENTENCE), text.rfind("\n", start, start + MAX_SENTENCE))
            stop = blank if blank > start else start + MAX_SENTENCE
        last = stop
        while last > start and text[last - 1].isspace():
            last -= 1
        if last > start:
            pieces.append((start, last))
        start = stop
    return pieces
