"""What answered an attack, in its own words."""

from __future__ import annotations

from typing import Literal, NamedTuple

Word = Literal["stopped", "named", "unnoticed", "unproven", "failed"]


class Answer(NamedTuple):
    """What became of an attack.

    `stopped`: it changed nothing. `named`: it changed something, and a check says what. `unnoticed`: neither.
    `unproven`: it can't be tried here. `failed`: the drill itself broke off. `by` is what answered, `says` its words.
    """

    word: Word
    by: str
    says: str


def stopped(by: str, says: str, *, when: bool = True) -> Answer:
    """It changed nothing, where that is so.

    >>> stopped("the fold", "nobody has signed it").word, stopped("the fold", "", when=False).word
    ('stopped', 'unnoticed')
    """
    return Answer("stopped", by, says) if when and says else Answer("unnoticed", by, "it went through")


def named(by: str, faults: list[str], *, about: str = "") -> Answer:
    """The first of the faults that a check has found, where there is one and it is about the right thing.

    >>> named("audit verify", ["entry 3: it was changed after it was written"], about="entry 3").word
    'named'
    >>> named("audit verify", []).word, named("audit verify", ["entry 4: it was changed"], about="entry 3").word
    ('unnoticed', 'unnoticed')
    """
    if not faults:
        return Answer("unnoticed", by, "it found nothing")
    if about not in faults[0]:
        return Answer("unnoticed", by, f"it found something else: {faults[0]}")
    return Answer("named", by, faults[0])
