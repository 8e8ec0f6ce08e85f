"""Releases: what the topic of prompts holds of each, signed by the key of who keeps the audit trail.

The signature is the end of a message and is over all that stands before it, so that one written under an earlier
schema keeps a good one.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from watchline.schemas.codec import decode
from watchline.schemas.errors import ConfigurationError, Kind, PoisonError
from watchline.schemas.records import PromptRelease
from watchline.streams.governance import keys, verifier
from watchline.streams.producer.prompt import hash_of

LIVE = "live"
SIGNATURE_BYTES = 64
_OF_RELEASE = b"watchline.prompt-release.v1\0"


def key_of(environment: str, app: str, name: str) -> bytes:
    """The key of a prompt's messages: no two prompts have the same.

    >>> key_of("prod", "a/b", "c"), key_of("prod", "a", "b/c")
    (b'prod/a%2Fb/c', b'prod/a/b%2Fc')
    """
    return "/".join(quote(part, safe="", errors="surrogatepass") for part in (environment, app, name)).encode()


def signed_bytes(value: bytes) -> bytes:
    """What is signed of a message, whose last bytes are the signature, or as many others."""
    return _OF_RELEASE + value[:-SIGNATURE_BYTES]


def public_keys(text: str) -> dict[str, str]:
    """Public keys by their ids, of a setting: with commas or on lines. Raises ConfigurationError.

    >>> public_keys("ed25519:AAAA")
    Traceback (most recent call last):
    ...
    watchline.schemas.errors.ConfigurationError: WATCHLINE_PROMPT_KEYS: no public key of the form ed25519:BASE64
    """
    found = text.replace(",", " ").split()
    try:
        for each in found:
            keys.raw(each)
    except ValueError as error:
        raise ConfigurationError(f"WATCHLINE_PROMPT_KEYS: {error}") from None
    return {verifier.key_id(each): each for each in found}


def check(value: bytes, release: PromptRelease, publics: Mapping[str, str]) -> None:
    """Raises PoisonError where a message, and the release that was read from it, isn't signed by one of these keys.

    Takes some milliseconds: apps have no `cryptography`.
    """
    public = publics.get(release.signed_by)
    if public is None:
        raise PoisonError(Kind.INVALID, "it is signed by no key that WATCHLINE_PROMPT_KEYS has")
    if not verifier.is_signature(keys.raw(public), signed_bytes(value), release.signature):
        raise PoisonError(Kind.INVALID, "its signature is not of it")


def read(key: bytes, value: bytes) -> PromptRelease:
    """The release of a message, whose signature is still to be checked.

    Raises PoisonError where it can't be read, is not that of the key, or a text in it is not the one of its hash.
    """
    release = decode(value, PromptRelease)
    if key_of(release.environment, release.app, release.name) != key:
        raise PoisonError(Kind.INVALID, "it is of another prompt than its key says")
    for each in (release, release.canary):
        if each is not None and hash_of(each.content) != each.content_hash:
            raise PoisonError(Kind.INVALID, "its content is not the one of its hash")
    return release
