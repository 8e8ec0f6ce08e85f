"""Ids that are made in the app: of events (UUIDv7) and of people (a keyed hash in place of the person's own id)."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from random import Random

_UNITS_A_MS = 4096  # the 12 bits after the milliseconds hold their fraction: RFC 9562, section 6.2, method 3

_lock = threading.RLock()
_last = 0
_random = Random()  # noqa: S311 - our own, seeded by the system: an app may seed the common one


def uuid7() -> str:
    """A new UUIDv7, greater than every one that this process made before. Any thread."""
    global _last
    with _lock:
        _last = units = max(time.time_ns() * _UNITS_A_MS // 1_000_000, _last + 1)
    text = f"{units >> 12:012x}7{units & 0xFFF:03x}{1 << 63 | _random.getrandbits(62):016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def pseudonym(subject: str, key: str) -> str:
    """`KEY_ID:HMAC-SHA256` of a person's id: the same for the same person and key, and no way back without the key.

    The key's id is derived from the key, so that what was hashed under an old key can be told from the rest.
    """
    secret = key.encode()
    key_id = hashlib.sha256(b"watchline subject key id:" + secret).hexdigest()[:8]
    return f"{key_id}:{hmac.digest(secret, subject.encode('utf-8', 'replace'), 'sha256').hex()}"


def _after_fork() -> None:
    """The lock may have been held by a thread that isn't here, and the parent goes on with the same random numbers."""
    global _lock, _random
    _lock = threading.RLock()
    _random = Random()  # noqa: S311


os.register_at_fork(after_in_child=_after_fork)
