"""Divides conversations among the files of an export, the same way wherever and whenever it is done."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from watchline.schemas.errors import ConfigurationError

WHOLE = "data"  # the file of what is not divided
_NAME = re.compile("[a-z][a-z0-9_-]{0,31}")
_TAKEN = ("skipped", "events", "manifest")


@dataclass(frozen=True, slots=True)
class Split:
    """The files and the share of each, and the seed.

    Parameters
    ----------
    shares : mapping of str to Decimal
        Of the conversations; together 1.
    seed : int
        Another one divides otherwise.

    Examples
    --------
    >>> split = Split.read("train=.9,test=.1", 7)
    >>> split.of({"conversation_id": "c-1", "trace_id": "", "event_id": "e-1"})
    'train'
    """

    shares: Mapping[str, Decimal]
    seed: int = 0

    @classmethod
    def read(cls, text: str, seed: int) -> Split:
        """Of `train=.9,test=.1`. Raises ConfigurationError where names or shares can't be."""
        shares: dict[str, Decimal] = {}
        for each in text.split(","):
            name, _, share = each.strip().partition("=")
            if not _NAME.fullmatch(name) or name in _TAKEN or name in shares:
                raise ConfigurationError(
                    f"{name!r} is no name of a part: small letters, digits, - and _, each once, and none of "
                    f"{', '.join(_TAKEN)}"
                )
            try:
                shares[name] = Decimal(share)
                is_share = 0 < shares[name] < 1
            except InvalidOperation:
                is_share = False
            if not is_share:
                raise ConfigurationError(f"the share of {name} is {share!r}: want one above 0 and below 1")
        if sum(shares.values()) != 1:
            raise ConfigurationError(f"the shares are {sum(shares.values())} together: want 1")
        return cls(dict(sorted(shares.items())), seed)

    def of(self, row: Mapping[str, Any]) -> str:
        """The file of an event: of its conversation, else of its trace, else of itself alone."""
        names = ("conversation_id", "trace_id", "event_id")
        name = next(name for name in names if row[name] or name == names[-1])
        key = f"watchline split {self.seed}".encode()
        place = int.from_bytes(hmac.digest(key, f"{name}:{row[name]}".encode(), "sha256")[:8])
        upper = Decimal(0)
        for file, share in self.shares.items():
            upper += share
            if place < upper * 2**64:
                return file
        raise AssertionError("the shares are less than 1")


UNDIVIDED = Split({WHOLE: Decimal(1)})
