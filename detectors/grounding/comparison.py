"""In which one thing a claim and a passage differ: a number, a date, a name and the like. Rules only.

What answers to a phrase of the claim in the passage is the phrase of the same kind whose sentence shares most words
with the claim; the nearer they stand to it on both sides, the more they count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice, pairwise
from typing import Any, Literal, TypeAlias

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.runtime.words import clock, stem

Kind: TypeAlias = Literal["number", "date", "name"]

_MOST = 40  # phrases of a kind that are read in either text, the first
_NEAR = 5  # content words on each side of a phrase that are its surroundings
_FAR = 30  # content words on each side that are its sentence
_LEAST = 2.0  # how near a phrase must be to stand in another's place
_CLEARLY = 3.0  # how much nearer another phrase must be than one that agrees
_BEHIND = 6  # words after an amount in which stands what it is for
_ROUND = 100  # from here on a number of one digit and zeros is taken for rounded
_ROUNDED = 0.05  # share by which it may differ

_DAYS = ENGLISH.hours.days
_MONTHS = {form: n for n, name in enumerate(ENGLISH.comparison.months, 1) for form in (name, name[:3])}
_WEEKDAYS = {form: n for n, name in enumerate(_DAYS) for form in (name, name[:3], name + ENGLISH.words.plural)}
_NUMBERS = {name: float(n) for n, name in enumerate([*ENGLISH.words.units, *ENGLISH.words.teens], 1) if n > 1}
_NUMBERS |= {name: float(n) for name, n in ENGLISH.words.tens.items()}
_ORDINALS = ENGLISH.words.ordinals.split("|")
_FIGURES = re.compile(r"\d+")
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")

_ORDERED = ("number", "date")  # kinds of which a text has several, each in its place

_TOKEN = re.compile(
    rf"(?P<time>(?<![\d.,:])(?:\d{{1,2}}(?::\d\d)?\s?(?:{ENGLISH.words.half_day})|\d{{1,2}}:\d\d(?![\d:])))"
    r"|(?P<iso>\b\d{4}-\d\d-\d\d\b)"
    r"|(?P<number>(?<!\w)\d+(?:[.,]\d+)*)"
    r"|(?P<word>[^\W\d_]+(?:['\u2019][^\W\d_]+)*)"
    r"|(?P<sign>\u00b0[^\W\d_]?|[$\u20ac\u00a3%/])"
    r"|(?P<stop>\n|[.!?;:](?=\s|$))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A phrase of the claim that the passage has otherwise.

    Attributes
    ----------
    kind : str
        Of what kind both phrases are.
    start, end : int
        In characters of the claim.
    other_start, other_end : int
        What stands in its place, in characters of the passage.
    """

    kind: Kind
    start: int
    end: int
    other_start: int
    other_end: int


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    written: str
    text: str  # in small letters
    stem: str  # of a content word; else empty
    sort: str  # the group of `_TOKEN`
    first: bool  # of its sentence
    sentence: int


@dataclass(frozen=True, slots=True)
class _Amount:
    value: float
    unit: str
    size: float  # of the unit; 1 without
    per: frozenset[str]  # what it is for: a day, a head
    noun: str
    digits: int  # that count; 0 of a word for a share

    @property
    def total(self) -> float:
        return self.value * self.size


@dataclass(frozen=True, slots=True)
class _Date:
    weekday: int | None = None
    day: int | None = None
    month: int | None = None
    year: int | None = None
    season: str | None = None
    minute: int | None = None  # of the day, or of half a day where the text doesn't say which half
    half: bool = False  # it says which

    @property
    def finest(self) -> int:
        """Which is its smallest part."""
        parts = (self.minute, self.day, self.weekday, self.month, self.season, self.year)
        return next(place for place, part in enumerate(parts) if part is not None)

    def parts(self, other: _Date) -> list[bool]:
        """Whether each part that both have is the same."""
        out = [
            mine == its
            for mine, its in (
                (self.weekday, other.weekday), (self.day, other.day), (self.month, other.month),
                (self.year, other.year), (self.season, other.season),
            )
            if mine is not None and its is not None
        ]  # fmt: skip
        if self.minute is not None and other.minute is not None:
            whole = 1440 if self.half and other.half else 720
            out.append(self.minute % whole == other.minute % whole)
        return out


@dataclass(frozen=True, slots=True)
class _Phrase:
    start: int
    end: int
    value: Any
    near: frozenset[str]
    sentence: frozenset[str]


_Read: TypeAlias = Callable[[Sequence[_Token], Sequence[_Token]], list[_Phrase]]


def compare(claim: str, passage: str) -> list[Difference]:
    """The phrases of a claim that a passage has otherwise, in the claim's order; none where the two agree.

    What the passage doesn't speak of is no difference, and neither is another way to write the same: other units,
    formats and number words, rounded numbers, sums and differences.

    Examples
    --------
    >>> claim, passage = "You have 90 days to return it.", "You may return most items within 30 days."
    >>> (found,) = compare(claim, passage)
    >>> found.kind, claim[found.start : found.end], passage[found.other_start : found.other_end]
    ('number', '90 days', '30 days')
    >>> compare("It can be returned for a month.", passage)
    []
    """
    ours, theirs = _tokens(claim), _tokens(passage)
    found = [
        difference
        for kind, read, agree, conflict in _KINDS
        for difference in _held_against(kind, read(ours, theirs), read(theirs, ours), agree, conflict)
    ]
    out: list[Difference] = []
    for difference in sorted(found, key=lambda each: each.start):
        if not out or out[-1].end <= difference.start:  # both numbers of "5 to 6 %" have its places
            out.append(difference)
    return out


def misstates(claim: str, passage: str, others: Iterable[str]) -> bool:
    """Whether a claim has a number that a passage has otherwise, of one unit or noun, and nothing else bears it out.

    Parameters
    ----------
    others
        All that the claim may have the number from.

    Examples
    --------
    >>> passage = "Returns are accepted within 30 days."
    >>> misstates("Returns are accepted for 90 days.", passage, ["A refund takes 90 days."])
    True
    >>> misstates("Returns are accepted for 90 days.", passage, ["Returns of members are accepted for 90 days."])
    False
    """
    ours, theirs = (_amounts(_tokens(text), ()) for text in (claim, passage))
    for found in _held_against("number", ours, theirs, _same_amount, _other_amount):
        mine = next(each for each in ours if each.start == found.start)
        its = next(each for each in theirs if each.start == found.other_start)
        units = {mine.value.unit, its.value.unit}
        of_a_kind = all(units) or (mine.value.noun and mine.value.noun == its.value.noun)
        if not of_a_kind or (len(units) == 2 and units & ENGLISH.comparison.ambiguous):
            continue
        nearness = _nearness(mine, its) + _other_amount(mine.value, its.value)
        elsewhere = (each for other in others for each in _amounts(_tokens(other), ()))
        if all(
            nearness >= _nearness(mine, each) + _CLEARLY for each in elsewhere if _same_amount(mine.value, each.value)
        ):
            return True
    return False


def _held_against(
    kind: Kind,
    ours: Sequence[_Phrase],
    theirs: Sequence[_Phrase],
    agree: Callable[[Any, Any], bool],
    conflict: Callable[[Any, Any], float],
) -> Iterator[Difference]:
    taken = {other for other in theirs if any(agree(mine.value, other.value) for mine in ours)}
    for mine in ours:
        same = max((_nearness(mine, other) for other in theirs if agree(mine.value, other.value)), default=None)
        others = [
            (_nearness(mine, other) + weight, -place, other)
            for place, other in enumerate(theirs)
            if other not in taken and (weight := conflict(mine.value, other.value))
        ]
        if not others or (kind == "number" and same is None and _is_sum(mine.value, theirs)):
            continue
        nearness, _, other = max(others, key=lambda each: each[:2])
        if nearness >= _LEAST and (same is None or (kind in _ORDERED and nearness >= same + _CLEARLY)):
            yield Difference(kind, mine.start, mine.end, other.start, other.end)


def _nearness(mine: _Phrase, other: _Phrase) -> float:
    return len(mine.near & other.near) + 0.5 * len(mine.sentence & other.sentence)


def _tokens(text: str) -> list[_Token]:
    out: list[_Token] = []
    sentence, first = 0, True
    for match in _TOKEN.finditer(text):
        sort = str(match.lastgroup)
        if sort == "stop":
            sentence, first = sentence + 1, True
            continue
        written = match[0]
        root = stem(written) if sort == "word" else ""
        out.append(_Token(*match.span(), written, written.lower().replace("\u2019", "'"), root, sort, first, sentence))
        first = False
    return out


def _phrase(tokens: Sequence[_Token], first: int, last: int, value: object) -> _Phrase:
    """The phrase of tokens `first` to `last`, with what stands around it."""
    at = tokens[first].sentence
    before = _stems(tokens, range(first - 1, -1, -1), at)
    after = _stems(tokens, range(last + 1, len(tokens)), at)
    near = frozenset(before[:_NEAR] + after[:_NEAR])
    return _Phrase(tokens[first].start, tokens[last].end, value, near, frozenset(before + after))


def _stems(tokens: Sequence[_Token], places: Iterable[int], sentence: int) -> list[str]:
    out: list[str] = []
    for place in places:
        if tokens[place].sentence != sentence or len(out) == _FAR:
            break
        if tokens[place].stem:
            out.append(tokens[place].stem)
    return out


# Numbers


def _amounts(tokens: Sequence[_Token], _: Sequence[_Token]) -> list[_Phrase]:
    dated = {place for first, last, _ in _dated(tokens) for place in range(first, last + 1)}
    read: list[tuple[int, int, _Amount]] = []
    at = 0
    while at < len(tokens) and len(read) < _MOST:
        if at in dated or (found := _amount(tokens, at)) is None:
            at += 1
        else:
            read.append(found)
            at = found[1] + 1
    # "5 to 6 %": the first has the unit of the second, and the phrase is both.
    for place, ((start, last, amount), (first, end, following)) in enumerate(list(pairwise(read))):
        if not amount.unit and not amount.noun and first - last <= 2 and following.unit:
            read[place] = (start, end, replace(amount, unit=following.unit, size=following.size))
    return [_phrase(tokens, first, last, amount) for first, last, amount in read]


def _amount(tokens: Sequence[_Token], at: int) -> tuple[int, int, _Amount] | None:
    """A number with its unit or noun, and its first and last token."""
    number = _number(tokens, at)
    if number is None:
        return None
    value, last, digits = number
    first, unit, size, noun = at, "", 1.0, ""
    before = tokens[max(at - 1, 0)]
    if before.sort == "sign" and before.text in ENGLISH.comparison.units and tokens[at].start - before.end <= 1:
        first, (unit, size) = at - 1, ENGLISH.comparison.units[before.text]
    place = last + 1
    if not digits and place < len(tokens) and tokens[place].text in ENGLISH.comparison.per:  # half an hour
        place += 1
    for ahead in range(place, min(place + 2, len(tokens))):
        if unit or tokens[ahead].sentence != tokens[at].sentence:
            break
        if known := _unit(tokens, ahead):
            (unit, size), last = known
            noun = ""
        elif tokens[ahead].stem and tokens[ahead].sort == "word":
            noun = noun or tokens[ahead].stem
        else:
            break
    if noun:
        last += 1
    per, last = _per(tokens, last) if unit else (frozenset(), last)
    return first, last, _Amount(value, unit, size, per, noun, digits)


def _unit(tokens: Sequence[_Token], at: int) -> tuple[tuple[str, float], int] | None:
    """What a unit of one or two words measures, and its last token."""
    for last in (at + 1, at):
        text = " ".join(token.text for token in tokens[at : last + 1])
        if last < len(tokens) and text in ENGLISH.comparison.units:
            return ENGLISH.comparison.units[text], last
    return None


def _per(tokens: Sequence[_Token], last: int) -> tuple[frozenset[str], int]:
    """What an amount that ends at a token is for, and where that ends."""
    out: set[str] = set()
    end = last
    for place in range(last + 1, min(last + _BEHIND, len(tokens) - 1)):
        of = tokens[place + 1]
        if of.sentence != tokens[last].sentence or (tokens[place].sort == "number" and out):
            break
        is_near = place == last + 1 or out
        if tokens[place].text in ENGLISH.comparison.per and of.sort == "word":
            if is_near or of.text in ENGLISH.comparison.units:
                out.add(of.stem or of.text)
                end = place + 1
        elif out and of.text in ENGLISH.comparison.units:
            out.add(of.stem or of.text)
            end = place + 1
    return frozenset(out), end


def _number(tokens: Sequence[_Token], at: int) -> tuple[float, int, int] | None:
    """A number in figures or words: its value, its last token, how many of its digits count."""
    token = tokens[at]
    words = ENGLISH.words
    if token.sort == "number":
        digits = token.text.replace(",", "")
        if digits.count(".") > 1 or len(digits) > 15 or (token.first and "." in digits):  # of a section, mostly
            return None
        value, last = float(digits), at
        count = len(digits.replace(".", "").strip("0")) or 1
    elif token.text in _NUMBERS:
        value, last, count = _NUMBERS[token.text], at, 2
        if token.text in words.tens and at + 1 < len(tokens) and tokens[at + 1].text in words.units:
            value, last = value + words.units.index(tokens[at + 1].text) + 1, at + 1
    elif token.text in ENGLISH.comparison.shares:
        return ENGLISH.comparison.shares[token.text], at, 0
    else:
        return None
    if last + 1 < len(tokens):
        after = tokens[last + 1]
        short = words.signs.get(after.written, "").strip() if after.start == tokens[last].end else ""  # $18M
        if scale := words.scales.get(short or after.text):
            value, last = value * scale, last + 1
    return value, last, count


def _same_amount(mine: _Amount, its: _Amount) -> bool:
    if mine.unit and its.unit and mine.unit != its.unit:
        return False
    if mine.per and its.per and not mine.per & its.per and ENGLISH.comparison.units.keys() & (mine.per | its.per):
        return False
    if mine.unit == its.unit:
        return _close(mine.total, its.total, mine.digits)
    return mine.value == its.value


def _close(mine: float, its: float, digits: int) -> bool:
    """Whether a number is another one, maybe rounded to its first digit."""
    return abs(mine - its) <= abs(its) * (_ROUNDED if digits == 1 and abs(its) >= _ROUND else 1e-6)


def _is_sum(mine: Any, theirs: Sequence[_Phrase]) -> bool:
    """Whether two amounts of the passage, or one less the other, make this one."""
    amounts = [its for its in (other.value for other in theirs) if (its.unit, its.noun) == (mine.unit, mine.noun)]
    wanted = round(mine.total, 6)
    return any(
        wanted in (round(a.total + b.total, 6), round(abs(a.total - b.total), 6)) for a, b in combinations(amounts, 2)
    )


def _other_amount(mine: _Amount, its: _Amount) -> float:
    if mine.unit and its.unit:
        return 2.0 if mine.value == its.value else float(mine.unit == its.unit)
    if mine.unit or its.unit or not (mine.digits and its.digits) or mine.value % 1 != its.value % 1:
        return 0.0
    return 1.5 if mine.noun and mine.noun == its.noun else -0.5


# Dates and times of day


def _dates(tokens: Sequence[_Token], _: Sequence[_Token]) -> list[_Phrase]:
    return [_phrase(tokens, first, last, date) for first, last, date in islice(_dated(tokens), _MOST)]


def _dated(tokens: Sequence[_Token]) -> Iterator[tuple[int, int, _Date]]:
    at = 0
    while at < len(tokens):
        last = at
        date = _Date()
        while last < len(tokens) and tokens[last].sentence == tokens[at].sentence:
            part = _date_part(tokens, last, date)
            if part is None:
                break
            last, date = part
        if date == _Date():
            at += 1
        else:
            yield at, last - 1, date
            at = last


def _date_part(tokens: Sequence[_Token], at: int, date: _Date) -> tuple[int, _Date] | None:
    """What follows the part of a date that begins here, and the date with it; None where none does."""
    token = tokens[at]
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if token.sort == "time" and date.minute is None:
        minute, half = _minute(token.text)
        return at + 1, replace(date, minute=minute, half=half)
    if token.sort == "iso" and date == _Date():
        year, month, day = map(int, token.text.split("-"))
        return at + 1, _Date(year=year, month=month, day=day)
    # Three letters mean other things too, such as "Sun", and "May" where it begins a sentence.
    is_clear = (
        len(token.text) > 3
        or date != _Date()
        or (following is not None and following.sort == "number")
        or (token.text in ENGLISH.comparison.months and not token.first)
    )
    if token.written[0].isupper() and is_clear:
        if date.weekday is None and token.text in _WEEKDAYS:
            return at + 1, replace(date, weekday=_WEEKDAYS[token.text])
        if date.month is None and token.text in _MONTHS:
            return at + 1, replace(date, month=_MONTHS[token.text])
    if token.text in ENGLISH.comparison.seasons and date.season is None:
        return at + 1, replace(date, season=token.text)
    if token.sort != "number":
        return None
    if _YEAR.fullmatch(token.text) and date.year is None and not (following and _counts(following)):
        return at + 1, replace(date, year=int(token.text))
    if date.day is None and _is_day(token):
        beyond = at + 1
        while beyond < len(tokens) and tokens[beyond].text in (*_ORDINALS, ENGLISH.comparison.of):
            beyond += 1
        after = tokens[beyond] if beyond < len(tokens) else None
        if after is not None and after.written[0].isupper() and after.text in _MONTHS and date.month is None:
            return beyond, replace(date, day=int(token.text))
        is_ordinal = following is not None and following.text in _ORDINALS
        if (
            is_ordinal
            or date.month is not None
            or (date.weekday is not None and not (following and _counts(following)))
        ):
            return at + 1 + int(is_ordinal), replace(date, day=int(token.text))
    return None


def _is_day(token: _Token | None) -> bool:
    return token is not None and token.sort == "number" and token.text.isdigit() and 1 <= int(token.text[:3]) <= 31


def _counts(following: _Token) -> bool:
    """Whether a word after a number says what is counted."""
    return following.text in ENGLISH.comparison.units or bool(
        following.stem and following.written.islower() and following.text.endswith(ENGLISH.words.plural)
    )


def _minute(text: str) -> tuple[int, bool]:
    """The minute of the day, and whether the text says which half of it is meant."""
    hour, *minute = map(int, _FIGURES.findall(clock(text)))
    return hour * 60 + sum(minute), hour > 12 or not text[-1].isdigit()


def _same_date(mine: _Date, its: _Date) -> bool:
    parts = mine.parts(its)
    return bool(parts) and all(parts)


def _other_date(mine: _Date, its: _Date) -> float:
    return float(mine.finest == its.finest and not all(mine.parts(its)))


# Names


def _names(tokens: Sequence[_Token], others: Sequence[_Token]) -> list[_Phrase]:
    """Runs of capitalised words.

    The first word of a sentence is one where the other text has it as a name within a sentence, or where a name follows
    and the other text doesn't have it as a word.
    """
    within = {token.text for token in others if not token.first and token.written[0].isupper()}
    common = {token.written for token in others}
    out: list[_Phrase] = []
    first: int | None = None
    for place, token in enumerate([*tokens, None]):
        is_name = (
            token is not None
            and _is_name(token)
            and (not token.first or token.text in within or (token.text not in common and _joins(tokens, place)))
        )
        if is_name and first is not None and _adjacent(tokens, place):
            continue
        if first is not None:
            stems = frozenset(each.stem for each in tokens[first:place])
            out.append(_phrase(tokens, first, place - 1, stems))
        first = place if is_name else None
        if len(out) == _MOST:
            break
    return out


def _is_name(token: _Token) -> bool:
    return (
        token.sort == "word" and token.written[0].isupper() and len(token.stem) > 2
        and token.text not in _MONTHS and token.text not in _WEEKDAYS and token.text not in ENGLISH.prose.abbreviations
        and token.text not in ENGLISH.comparison.units and not ENGLISH.comparison.demonym.search(token.text)
    )  # fmt: skip


def _joins(tokens: Sequence[_Token], place: int) -> bool:
    return place + 1 < len(tokens) and _is_name(tokens[place + 1]) and _adjacent(tokens, place + 1)


def _adjacent(tokens: Sequence[_Token], place: int) -> bool:
    return (
        place < len(tokens)
        and tokens[place].start - tokens[place - 1].end <= 1
        and tokens[place].sentence == tokens[place - 1].sentence
    )


def _same_name(mine: frozenset[str], its: frozenset[str]) -> bool:
    return not mine.isdisjoint(its)


def _other_name(mine: frozenset[str], its: frozenset[str]) -> float:
    return 0.5 * mine.isdisjoint(its)


_KINDS: tuple[tuple[Kind, _Read, Callable[[Any, Any], bool], Callable[[Any, Any], float]], ...] = (
    ("number", _amounts, _same_amount, _other_amount),
    ("date", _dates, _same_date, _other_date),
    ("name", _names, _same_name, _other_name),
)
