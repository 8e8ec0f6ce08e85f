"""What takes the place of personal data, by app and field: a number, a keyed pseudonym; or the text is left out."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from watchline.schemas.columns import TABLES, Column, Text
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.texts import SEARCHED

Action = Literal["mask", "pseudonym", "drop"]
ACTIONS: tuple[Action, ...] = get_args(Action)
ALL = "*"


def _fields(column: Column) -> set[str]:
    rules = {column.name: column.text} if isinstance(column.text, Text) else column.text or {}
    return {rule.name or name for name, rule in rules.items() if rule.kind in SEARCHED}


_COLUMNS = (*TABLES["interactions"], *TABLES["feedback"])
FIELDS = sorted({name for column in _COLUMNS for name in _fields(column)})


def actions(text: str) -> dict[str, Action]:
    """Field to action, of JSON. Raises ValueError with the reason.

    >>> actions('{"input": "pseudonym", "*": "drop"}')
    {'input': 'pseudonym', '*': 'drop'}
    """
    read = json.loads(text)
    if not isinstance(read, dict) or not read:
        raise ValueError("it is no JSON object of field to action")
    if unknown := sorted({*read} - {*FIELDS, ALL}):
        raise ValueError(f"no field {', '.join(unknown)}; known: {', '.join(FIELDS)}, and {ALL} for all others")
    if any(each not in ACTIONS for each in read.values()):
        raise ValueError(f"an action is one of {', '.join(ACTIONS)}")
    return read


@dataclass(frozen=True, slots=True)
class Treatment:
    """What becomes of the texts of one event."""

    actions: Mapping[str, Action] = field(default_factory=dict)
    key: str = ""

    def of(self, name: str) -> Action:
        """Of a field, as `schemas.texts.texts` names it."""
        return self.actions.get(name.partition(":")[0], self.actions.get(ALL, "mask"))

    def pseudonym(self, kind: str, plain: str) -> str:
        """What stands for a value of a type wherever it comes, as long as the key is the same.

        >>> Treatment(key="a secret").pseudonym("EMAIL_ADDRESS", "jane@example.com")
        '[EMAIL_ADDRESS:37b5416520ffc29c]'
        """
        digest = hmac.digest(self.key.encode(), f"{kind}:{plain}".encode("utf-8", "replace"), "sha256").hex()
        return f"[{kind}:{digest[:16]}]"


class Policy:
    """The policies of all apps.

    Parameters
    ----------
    apps : mapping of str to mapping of str to Action
        By `APP`, or by `APP/ENVIRONMENT`, which goes before it. An app without one is masked.
    key : str
        Of the pseudonyms.

    Raises ConfigurationError where there are to be pseudonyms and no key.
    """

    def __init__(self, apps: Mapping[str, Mapping[str, Action]] | None = None, key: str = "") -> None:
        self._apps, self._key = apps or {}, key
        if not key and any("pseudonym" in each.values() for each in self._apps.values()):
            raise ConfigurationError("the redaction policy wants pseudonyms, and WATCHLINE_PSEUDONYM_KEY is not set")

    @classmethod
    def read(cls, path: Path, key: str) -> Policy:
        """From what `watchline governance redaction` wrote. Raises ConfigurationError: it is not guessed at."""
        try:
            apps = json.loads(path.read_text("utf-8"))["apps"]
            return cls({str(app): actions(json.dumps(each)) for app, each in apps.items()}, key)
        except OSError as error:
            raise ConfigurationError(f"cannot read the redaction policy {path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{path} is no redaction policy: {error}") from None

    def treatment(self, app: str, environment: str | None) -> Treatment:
        """Of an event of this app."""
        return Treatment({**self._apps.get(app, {}), **self._apps.get(f"{app}/{environment}", {})}, self._key)
