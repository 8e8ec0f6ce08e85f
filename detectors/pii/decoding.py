r"""A text as it means: the escapes of JSON, URLs, XML and HTML resolved, look-alikes folded, invisible signs left out.

Personal data is found in what a text says, however it is written: `jane%40example.com`, `jane\u0040example.com` and
`jane&#64;example.com` are one address. What is found is replaced where it stands, each escape as a whole.
"""

from __future__ import annotations

import re
from base64 import b64decode
from html import unescape

from watchline.detectors.pii.folding import fold
from watchline.detectors.runtime.mapped_text import MappedText

_LEVELS = 3  # of escapes within one another: JSON in a string of JSON in a URL
_BREAKS = re.compile(r"[\n\t\r]")
_SIGNS = {"n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[nrt\"'/\\])"
    # Percent-encoded UTF-8, a character at a time (RFC 3629).
    r"|%[0-7][0-9a-fA-F]|%[cCdD][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[eE][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){2}"
    r"|%[fF][0-7](?:%[89abAB][0-9a-fA-F]){3}"
    r"|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,10});"
)


def read(text: str) -> MappedText:
    r"""The text as it means. Plain ASCII without escapes comes back as it is.

    Examples
    --------
    >>> meant = read(r'{"to": "jane\u0040example.com"}')
    >>> meant.text, meant.original(8, 24)
    ('{"to": "jane@example.com"}', (8, 29))
    """
    read_so_far = MappedText(text)
    for _ in range(_LEVELS):
        decoded = _decode(read_so_far.text)
        if decoded.offsets is None:
            break
        read_so_far = read_so_far.then(decoded)
    return read_so_far.then(fold(read_so_far.text))


def of_base64(text: str) -> str | None:
    """What base64 (RFC 4648, section 4), padded or not, stands for, if that is text.

    Examples
    --------
    >>> of_base64("QXNrIEphbmU="), of_base64("QXNrIEphbmU"), of_base64("3q2+7w==")
    ('Ask Jane', 'Ask Jane', None)
    """
    try:
        said = b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:
        return None
    return said if _BREAKS.sub("", said).isprintable() else None


def _decode(text: str) -> MappedText:
    if "\\" not in text and "%" not in text and "&" not in text:
        return MappedText(text)
    parts: list[str] = []
    offsets: list[int] = []
    ends: list[int] = []
    done = 0
    for match in _ESCAPE.finditer(text):
        new = _meant(match[0])
        if new == match[0]:
            continue
        start, end = match.span()
        parts += (text[done:start], new)
        offsets += range(done, start)
        offsets += [start] * len(new)
        ends += range(done + 1, start + 1)
        ends += [end] * len(new)
        done = end
    if not done:
        return MappedText(text)
    parts.append(text[done:])
    offsets += range(done, len(text))
    ends += range(done + 1, len(text) + 1)
    return MappedText("".join(parts), tuple(offsets), tuple(ends))


def _meant(escape: str) -> str:
    if escape[0] == "&":
        return unescape(escape)
    if escape[0] == "%":
        try:
            return bytes.fromhex(escape.replace("%", "")).decode()
        except ValueError:  # no UTF-8 after all
            return escape
    if escape[1] in "ux":
        digits = re.findall(r"[0-9a-fA-F]{2,4}", escape)
        if len(digits) == 2:
            return bytes.fromhex("".join(digits)).decode("utf-16-be")
        return chr(int(digits[0], 16))
    return _SIGNS.get(escape[1], escape[1])
