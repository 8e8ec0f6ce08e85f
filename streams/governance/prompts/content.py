"""The content of a prompt or model, and the hash that stands for it in every act.

The canonical form: UTF-8 without a byte order mark at its beginning; a line ends with LF, and CRLF counts as one. All
else stays as it is, code point for code point: a lone CR, U+2028, decomposed letters, spaces and line breaks at the end
make another content, with another hash.
"""

from __future__ import annotations

import hashlib
import re

from watchline.schemas.errors import ConfigurationError

MOST_BYTES = 500_000  # so that it fits a message, with a canary's
_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")


def canonical(raw: bytes) -> str:
    """The content that bytes stand for. Raises ConfigurationError where they stand for none.

    >>> canonical(b"\\xef\\xbb\\xbfhello\\r\\n") == canonical(b"hello\\n"), canonical(b"a\\rb") == canonical(b"a\\nb")
    (True, False)
    """
    if len(raw) > MOST_BYTES:
        raise ConfigurationError(f"it has {len(raw):,} bytes, and {MOST_BYTES:,} are the most")
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"it is not UTF-8, at byte {error.start}") from None
    if "\r\n" in text:
        raise ConfigurationError("it has a CR before a CRLF, which is no one line end")
    if not text.strip():
        raise ConfigurationError("it is empty")
    return text


def content_hash(content: str) -> str:
    """The SHA-256 of a content in UTF-8, in hexadecimal digits.

    >>> content_hash("hello\\n")[:12]
    '5891b5b522d5'
    """
    return hashlib.sha256(content.encode()).hexdigest()


def variables(content: str) -> tuple[str, ...]:
    """The names of `{{name}}` in it, in order of the alphabet.

    >>> variables("{{ question }} of {{user}}, {{question}}; {} and {{}} are none")
    ('question', 'user')
    """
    return tuple(sorted({name for each in _VARIABLE.findall(content) if (name := each.strip())}))
