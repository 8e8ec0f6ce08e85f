"""Bytes in what an app hands over (images, audio, files, as bytes or base64): described, never sent."""

from __future__ import annotations

import hashlib
import re
from binascii import Error, a2b_base64
from typing import Any

SHORTEST = 64  # characters of base64 that are taken for bytes by what they look like alone

_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*?;base64,([A-Za-z0-9+/_-]{16,}={0,2})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


def described(data: bytes, mime_type: str = "") -> str:
    """What takes the place of bytes: their type, size and SHA-256.

    Examples
    --------
    >>> described(b"GIF89a", "image/gif")[:40]
    '[image/gif, 6 bytes, sha256 610f5ae4d76e'
    """
    return f"[{mime_type or 'application/octet-stream'}, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}]"


def without_bytes(text: str) -> str:
    """The text with each data URI in it described.

    Examples
    --------
    >>> without_bytes("See data:text/plain;base64,SGVsbG8sIHdvcmxkIQ== for more.")[:31]
    'See [text/plain, 13 bytes, sha2'
    """
    if "base64," not in text:
        return text

    def replaced(match: re.Match[str]) -> str:
        data = decoded(match[2])
        return match[0] if data is None else described(data, match[1] or "")

    return _DATA_URI.sub(replaced, text)


def decoded(text: Any) -> bytes | None:
    """The bytes that a text of base64 stands for; None where it is none.

    Examples
    --------
    >>> decoded("SGVsbG8sIHdvcmxkIQ=="), decoded("Hello, world!")
    (b'Hello, world!', None)
    """
    if not isinstance(text, str) or not _BASE64.fullmatch(text := "".join(text.split())):
        return None
    try:
        return a2b_base64(text.rstrip("=").translate({45: 43, 95: 47}) + "=" * (-len(text.rstrip("=")) % 4))
    except (Error, ValueError):
        return None
