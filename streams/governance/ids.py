"""Ids as people give them, and as they are stored.

The rule: the producer folds nothing. An id is looked for as it was given, without blanks at its ends, and with its
characters composed (NFC) and decomposed (NFD); whatever differs in case is another id, and is named.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from uuid import UUID

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.pseudonyms import pseudonym
from watchline.streams.kafka.tombstones import Kind

_PSEUDONYM = re.compile("[0-9a-f]{8}:[0-9a-f]{64}")
_TOO_BROAD = re.compile(r"[*%?_.\s]*|all|any|none|null", re.IGNORECASE)


def spellings(text: str) -> list[str]:
    r"""The spellings in which one id may have come.

    >>> [*map(len, spellings(" Zo\u00eb"))], spellings("u-17")
    ([4, 3, 4, 5], ['u-17'])
    """
    bare = text.strip()
    forms = [unicodedata.normalize(form, each) for each in (bare, text) for form in ("NFC", "NFD")]
    return [*dict.fromkeys([text, bare, *forms])]


def other_cases(text: str) -> list[str]:
    """The same id in small and in capital letters, which is another one."""
    return [each for each in dict.fromkeys([text.lower(), text.upper(), text.title()]) if each not in spellings(text)]


def stored_as(kind: Kind, text: str, keys: Iterable[str]) -> list[str]:
    """All that an id may be stored as.

    Parameters
    ----------
    kind : str
    text : str
        As the app has it; of a subject also its pseudonym, as a row has it, where the key is gone.
    keys : iterable of str
        Of pseudonyms, those of before included: what is stored under another one can't be found.

    Raises
    ------
    ConfigurationError
        It is empty, too broad, no UUID where an event is meant, or a subject and there is no key.
    """
    if _TOO_BROAD.fullmatch(text):
        raise ConfigurationError(f"{text!r} is no id of a {kind}: one is meant, and never all")
    if kind == "event":
        try:
            return [str(UUID(text.strip()))]
        except ValueError:
            raise ConfigurationError("the id of an event is a UUID, as `event_id` in v_interactions") from None
    forms, keys = spellings(text), [*dict.fromkeys(filter(None, keys))]
    pseudonyms = [pseudonym(form, key) for form in forms for key in keys]
    if kind != "subject":
        return [*forms, *pseudonyms]
    if _PSEUDONYM.fullmatch(text.strip()):
        return [text.strip(), *pseudonyms]
    if not pseudonyms:
        raise ConfigurationError(
            "a subject is stored as a pseudonym under the producer's key, and there is none here: set "
            "WATCHLINE_SUBJECT_KEY or name a file with it by --old-key-file; or give the pseudonym itself"
        )
    return pseudonyms
