"""Keyed hashes in place of strings that may say who somebody is, where they are no text that can be redacted."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping

from watchline.schemas.columns import Text
from watchline.schemas.identifiers import is_kept
from watchline.schemas.texts import SEARCHED, R, replace_texts, strings

Replaced = Counter[tuple[str, str]]
"""By field and what became of it, `pseudonym` or `dropped`: how many strings were replaced."""


def pseudonym(text: str, key: str) -> str:
    """Replaces a person's id, or another string that may be personal, with a keyed hash.

    It doesn't lead back to the text without the key, and different texts have different ones.

    Parameters
    ----------
    text : str
        For instance the app's own id of a person.
    key : str
        A secret; the same text gets the same hash as long as it stays the same.

    Returns
    -------
    str
        `KEY_ID:HMAC`, in hexadecimal: 8 digits derived from the key, by which hashes under an old key can be told from
        the rest, and the 64 digits of the HMAC-SHA256 (RFC 2104).

    Examples
    --------
    >>> pseudonym("customer 17", key="a secret")[:20]
    '38c39eaa:87de3e0cf69'
    >>> pseudonym("customer 17", key="a secret") == pseudonym("customer 18", key="a secret")
    False
    """
    secret = key.encode()
    key_id = hashlib.sha256(b"watchline subject key id:" + secret).hexdigest()[:8]
    return f"{key_id}:{hmac.digest(secret, text.encode('utf-8', 'replace'), 'sha256').hex()}"


class Pseudonyms:
    """Keeps or replaces the strings of records that aren't searched for personal data.

    Parameters
    ----------
    key : str
        Of the pseudonyms: the same for all workers. Empty: what may not be stored is dropped.

    Examples
    --------
    >>> from watchline.schemas.records import Interaction
    >>> event = Interaction(event_id="e-1", time=0, app="shop", tenant="jane@example.com", request_model="gpt-4o")
    >>> kept, replaced = Pseudonyms().apply(event)
    >>> kept.tenant, kept.model, dict(replaced)
    (None, 'gpt-4o', {('tenant', 'dropped'): 1})
    >>> Pseudonyms("a secret").apply(event)[0].tenant[:20]
    '38c39eaa:375e3c017e9'
    """

    def __init__(self, key: str = "") -> None:
        self._key = key

    def apply(self, record: R) -> tuple[R, Replaced]:
        """The record with what may be stored, and by field how much of it was replaced."""
        refused = {
            field: (text, rule)
            for field, text, rule in strings(record)
            if rule.kind not in SEARCHED and not is_kept(text, rule)
        }
        return self.replace(record, refused)

    def replace(self, record: R, refused: Mapping[str, tuple[str, Text]]) -> tuple[R, Replaced]:
        """Replaces these strings of a record, by their names in `schemas.texts.strings`, whatever they are."""
        changed: dict[str, str] = {}
        replaced: Replaced = Counter()
        for field, (text, rule) in refused.items():
            changed[field] = pseudonym(text, self._key) if self._key else rule.instead
            replaced[field.partition(":")[0], "pseudonym" if self._key else "dropped"] += 1
        return replace_texts(record, changed), replaced
