"""Undoes what people do to words to get past a filter: leet, look-alike letters, invisible characters, spacing, emoji.

Rules only, and only where a plain reading is the likelier one: digits and signs become letters between letters, and
everywhere in a text of which a third is written so; Cyrillic and Greek become Latin within a Latin word, and then in
words of nothing but look-alikes too; single letters become a word when at least four stand apart in the same way; tag
characters become the ASCII that they stand for. Emoji are read by their Unicode name, since the encoder's vocabulary
has none. The disguises are those of HateCheck's "spelling variations" (Röttger et al. 2021) and of Unicode's list of
confusables (UTS 39).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.runtime.mapped_text import MappedText

_LEET = str.maketrans("013457@$!", "oieastasi")
# Signs stand for a letter at a word's end too ("a$$"), digits only between letters ("v3" and "mp3" are names).
# A run as a whole, or else up to the last $ or ! in it.
_DISGUISED = re.compile(
    r"(?<![\w./:@$!?=&#%-])[013457@$!]*+[A-Za-z]"
    r"(?:[A-Za-z013457@$!]*+(?![\w/:@=&#%-]|\.\w)|[A-Za-z013457@$!]*(?=[$!]))"
)
_INSIDE = re.compile(r"(?<=[A-Za-z])[013457@$!]+(?=[A-Za-z])|(?<=[A-Za-z])[@$]+\Z|\A[$5](?=[a-z]{2})")
_NUMBER = re.compile(r"(?<![\w./:@$!?=&#%-])[013457]{1,4}(?![\w/:@=&#%-]|\.\w)")
_LETTER = re.compile(r"[013457@$]|!(?=\w)")  # at the end of a word "!" is what it looks like
_ORDINAL = re.compile(rf"\d+(?:{ENGLISH.words.ordinals})")
_LEAST_LEET, _LEET_SHARE = 3, 1 / 3  # disguised words, and their share, from which on a whole text is leet
# Or, as `no_word`, what stands apart and makes no word: passed over as a whole, not tried again from each letter on.
_SPACED = re.compile(
    r"(?<![^\W_])[A-Za-z@$!013457](?:(?P<gap> |[.\-_*·]{1,2})(?:[A-Za-z@$!013457](?P=gap)){2,}[A-Za-z](?!\w)"
    r"|(?P<no_word> |[.\-_*·]{1,2})(?:[A-Za-z@$!013457](?P=no_word)(?=[A-Za-z@$!013457]))*+)"
)
_MIXED = re.compile(r"[^\W\d_]+")
_LOOK_ALIKE = str.maketrans(
    "аеоросухіјѕԁһӏвкмнтАВЕКМНОРСТУХІЈЅαονικτρυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopocyxijsdhlbkmhtABEKMHOPCTYXIJSaovIktpuABEZHIKMNOPTYX".lower(),
)
_IGNORED = frozenset(("Cf", "Mn", "Me"))  # invisible formatting, combining marks
_ALIKE = re.compile(f"[{''.join(map(chr, _LOOK_ALIKE))}]+")
_PICTURES = "\U0001f000"
# Tag characters show nothing, and a language model reads them as ASCII; in the flag of England, say, they are no text.
_TAG_OFFSET = 0xE0000
_BLACK_FLAG = "\U0001f3f4"
_TAGS = re.compile(
    f"{_BLACK_FLAG}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{{3,6}}\U000e007f|[\U000e0020-\U000e007e]+"
)
_FLAG = "REGIONAL INDICATOR SYMBOL LETTER "


def deobfuscate(text: str) -> MappedText:
    """The text as a person reads it. Plain text comes back as it is, quickly.

    Returns
    -------
    MappedText
        Its `original` says where a stretch stood before.

    Examples
    --------
    >>> deobfuscate("you are an 1d10t").text
    'you are an idiot'
    >>> spaced = deobfuscate("you s-t-u-p-i-d man")
    >>> spaced.text, spaced.original(4, 10)
    ('you stupid man', (4, 15))
    """
    chars = list(text)
    places = list(range(len(text)))
    if not text.isascii():
        hidden = _hidden(text)
        pairs = [(new, at) for at, char in enumerate(text) for new in hidden.get(at) or _plain_characters(char)]
        chars, places = [new for new, _ in pairs], [place for _, place in pairs]
        words = [word for word in _MIXED.finditer("".join(chars)) if not word[0].isascii()]
        # A word that is Cyrillic or Greek throughout is that language, unless others of the text are disguised.
        mixed = [word for word in words if re.search("[A-Za-z]", word[0])]
        disguised = [word for word in mixed if _ALIKE.search(word[0])]
        if len(disguised) >= len(words) / 2:
            mixed += [word for word in words if _ALIKE.fullmatch(word[0])]
        for word in mixed:
            chars[word.start() : word.end()] = word[0].translate(_LOOK_ALIKE)
    kept: list[int] = []
    done = 0
    for spaced in _SPACED.finditer("".join(chars)):
        if spaced["no_word"] is None:
            kept += range(done, spaced.start())
            kept += range(spaced.start(), spaced.end(), 1 + len(spaced["gap"]))
            done = spaced.end()
    kept += range(done, len(chars))
    chars, places = [chars[index] for index in kept], [places[index] for index in kept]
    plain = _without_leet("".join(chars))
    return MappedText(text) if plain == text else MappedText(plain, tuple(places))


def _hidden(text: str) -> dict[int, str]:
    """What tag characters say, each by its place, a run of them on a line of its own."""
    said: dict[int, str] = {}
    for run in _TAGS.finditer(text):
        if run[0][0] != _BLACK_FLAG:
            letters = [chr(ord(char) - _TAG_OFFSET) for char in run[0]]
            letters[0] = f"\n{letters[0]}"
            letters[-1] += "\n"
            said.update(zip(range(*run.span()), letters, strict=True))
    return said


def _without_leet(text: str) -> str:
    """The text with letters in place of digits and signs that stand for them; as long as it was."""
    words = [word[0] for word in _DISGUISED.finditer(text) if not _ORDINAL.fullmatch(word[0])]
    disguised = sum(_LETTER.search(word) is not None for word in words)
    throughout = disguised >= _LEAST_LEET and disguised >= _LEET_SHARE * len(text.split())
    if throughout:
        text = _NUMBER.sub(_letters, text)

    def read(word: re.Match[str]) -> str:
        is_leet = (throughout or _INSIDE.search(word[0])) and not _ORDINAL.fullmatch(word[0])
        return _letters(word) if is_leet else word[0]

    return _DISGUISED.sub(read, text)


def _letters(word: re.Match[str]) -> str:
    return _LETTER.sub(lambda sign: sign[0].translate(_LEET), word[0])


def _plain_characters(char: str) -> str:
    """What one character stands for: nothing when invisible, an emoji's name, its compatibility form when ASCII."""
    if char < "\u0300":
        return "" if char == "\u00ad" else char
    if ("\u2600" <= char <= "\u27bf" or char >= _PICTURES) and (name := _emoji(char)):
        return name
    if unicodedata.category(char) in _IGNORED:
        return ""
    simple = unicodedata.normalize("NFKC", char)
    return simple if simple.isascii() else char


@cache
def _emoji(char: str) -> str:
    """Its name between blanks; of a flag the letter of its country; empty where it is none."""
    name = unicodedata.name(char, "")
    if name.startswith(_FLAG):
        return name[-1].lower()
    if tone := ENGLISH.groups.skin_tones.get(ord(char)):
        return f" {tone} "
    if unicodedata.category(char) != "So":
        return ""
    # In the older names black and white say how a sign is printed.
    words = name.lower().split()
    return f" {' '.join(word for word in words if char >= _PICTURES or word not in ('heavy', 'black', 'white'))} "
