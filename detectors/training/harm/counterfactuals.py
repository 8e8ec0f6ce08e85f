"""The same text about another group: terms of one group replaced by those of another on the same axis.

What a score makes of both is a counterfactual test of fairness (Garg et al. 2019, "Counterfactual Fairness in Text
Classification through Robustness"); both in training make a model heed what is said rather than whom it is said of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# Axis: group: its terms in the same order (people, person, adjective, further ones); "-" where it has none.
_AXES = {
    "religion": {
        "muslim": "muslims muslim muslim islam",
        "jewish": "jews jew jewish judaism",
        "christian": "christians christian christian christianity",
        "hindu": "hindus hindu hindu hinduism",
        "buddhist": "buddhists buddhist buddhist buddhism",
        "atheist": "atheists atheist atheist atheism",
    },
    "origin": {
        "mexican": "mexicans mexican mexican mexico",
        "chinese": "chinese chinese chinese china",
        "indian": "indians indian indian india",
        "african": "africans african african africa",
        "arab": "arabs arab arab arabia",
        "american": "americans american american america",
        "polish": "poles pole polish poland",
        "russian": "russians russian russian russia",
        "nigerian": "nigerians nigerian nigerian nigeria",
    },
    "race": {
        "black": "blacks - black",
        "white": "whites - white",
        "asian": "asians - asian",
        "latino": "latinos - latino",
    },
    "orientation": {
        "gay": "gays - gay homosexuality homosexuals homosexual",
        "straight": "straights - straight heterosexuality heterosexuals heterosexual",
        "lesbian": "lesbians - lesbian lesbianism lesbians lesbian",
        "bisexual": "bisexuals - bisexual bisexuality bisexuals bisexual",
        "trans": "transsexuals - trans transsexuality transsexuals transgender",
    },
    "gender": {
        "female": "women woman female girls girl wives wife mothers mother daughters daughter sisters sister moms mom "
        "ladies lady girlfriends girlfriend females she herself",
        "male": "men man male boys boy husbands husband fathers father sons son brothers brother dads dad gentlemen "
        "gentleman boyfriends boyfriend males he himself",
    },
    "disability": {
        "blind": "- - blind blindness",
        "deaf": "- - deaf deafness",
        "autistic": "- - autistic autism",
        "disabled": "- - disabled disability",
    },
}
GROUPS = {group: axis for axis, groups in _AXES.items() for group in groups}
ADJECTIVES = {
    group: group if axis == "gender" else terms.split()[2]
    for axis, groups in _AXES.items()
    for group, terms in groups.items()
}
_TERMS = {group: terms.split() for groups in _AXES.values() for group, terms in groups.items()}
# Words that mean a colour or a line unless people stand beside them.
_AMBIGUOUS = re.compile(r"\b(?:black|white|straight|asian|blind)\b(?! (?:people|person|men|man|women|woman|guy|girl|boy"
                        r"|kid|child|folk|communit|couple|famil|american|student))", re.IGNORECASE)  # fmt: skip
_OF = {term: group for group, terms in reversed(_TERMS.items()) for term in terms if term != "-"}
_TERM = re.compile(rf"\b(?:{'|'.join(sorted(_OF, key=len, reverse=True))})\b", re.IGNORECASE)


def groups(text: str) -> dict[str, list[tuple[int, int]]]:
    """The groups that the text mentions by one of their terms, and where: start and end of each."""
    places_of: dict[str, list[tuple[int, int]]] = {}
    for match in _TERM.finditer(text):
        if not _AMBIGUOUS.match(text, match.start()):
            places_of.setdefault(_OF[match[0].lower()], []).append(match.span())
    return places_of


def swapped(text: str, group: str) -> Iterator[tuple[str, str]]:
    """(other group, the text about it) for each group of the same axis; the terms of no third group are touched."""
    places = groups(text).get(group, ())
    for other in _AXES[GROUPS[group]]:
        if other != group and (replaced := _replaced(text, places, group, other)):
            yield other, replaced


def _replaced(text: str, places: Sequence[tuple[int, int]], group: str, other: str) -> str | None:
    pieces: list[str] = []
    end = 0
    for start, stop in places:
        term = text[start:stop]
        at = _TERMS[group].index(term.lower())
        new = _TERMS[other][at] if at < len(_TERMS[other]) else "-"
        if new == "-":
            return None
        pieces += [text[end:start], new.title() if term[0].isupper() else new]
        end = stop
    return "".join([*pieces, text[end:]]) if places else None
