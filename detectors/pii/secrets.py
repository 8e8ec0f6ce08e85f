r"""Keys, tokens and passwords: by the form that their provider gives them, or by the name before them.

A form of a provider (`secret_formats.toml`) is enough wherever it stands. Any other secret needs a word before it, such
as the field `db_password`, and must look like one (`secret_values`): what follows such a word in code and documentation
is a type, a variable, a placeholder or a sentence more often. Hostile text must not take quadratic time:
tests/linear_time tries every pattern.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from math import log2
from pathlib import Path

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii import secret_values
from watchline.detectors.pii.decoding import of_base64
from watchline.detectors.pii.entities import Entity

_FORMS = Path(__file__).parent / "secret_formats.toml"
_BY_FORM, _BY_NAME = 0.95, 0.8  # precision, by judgement: on generated rows both are higher
_LONG = re.compile(r"[A-Za-z0-9_.+/=~$:%?&-]{16,}+")  # every form of a provider has as much without a blank
_NO_WORD = re.compile(r"[A-Z0-9]")
# Also behind an escaped line end or a percent-encoded sign.
_BEGINS = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))"
_MEDIA = re.compile(r";base64,[A-Za-z0-9+/=_-]{64,}+")

_AUTHORITY = re.compile(r"://[^\s/:@\"'<>]{0,200}:(?P<password>[^\s/\"'<>]{1,200})@[^\s\"'<>),\\`]+")
_URL_SCHEME = re.compile(r"(?<![A-Za-z0-9])[a-z][a-z0-9+.-]{0,20}\Z", re.IGNORECASE)
_PEM = re.compile(r"-{4,5} ?BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}(?P<body>(?:[^-]|-(?!---))*+)")
_PEM_END = re.compile(r"-{4,5} ?END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_PEM_LINES = re.compile(r"(?:(?:\s|\\++[nrt]?|[\"'+,])*+[A-Za-z0-9+/=]{16,}+)++")
# What only begins like a JSON Web Token is passed over as a whole, not read again from each "eyJ" in it.
_JWT = re.compile(r"\beyJ(?:[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+){1,3}|[\w-]*+)")
_COOKIES = re.compile(r"cookie\\{0,3}[\"']?\s{0,2}[:=]\s{0,2}\\{0,3}[\"']?(?P<value>[^\n\"'\\]{8,4096})", re.I)
_COOKIE = re.compile(r"(?<![^\s;])[\w.-]{1,64}=(?P<value>[^;\s,]{8,})")
_AUTHORIZATION = re.compile(r"\b(?P<scheme>basic|bearer|token|apikey)[ +](?P<value>[A-Za-z0-9._~+/=%-]{8,2048})", re.I)
_SIGNATURE = re.compile(r"\bSignature=(?P<value>[A-Za-z0-9%+/]{32,}={0,2})")
_COMMAND = re.compile(
    r"\b(?:curl\b[^\n]{0,300}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,64}:(?P<login>[^\s\"']{4,128})"
    r"|(?:sshpass|mysql\w{0,10}|mariadb|docker login|redis-cli|mongo\w{0,6}|smbclient|ldapsearch|htpasswd)"
    r"\b[^\n|;]{0,200}?\s-[paw][ ]?[\"']?(?P<option>[^\s\"'|;&-][^\s\"'|;&]{3,127}))"
)
_IS = ENGLISH.personal.is_or_was
_NAMED = re.compile(
    rf"(?:(?P<password>{ENGLISH.personal.login})|(?P<secret>{ENGLISH.personal.credential}))"
    r"(?P<rest>[A-Za-z0-9_-]{0,24})(?:\\{0,3}[\"'`]?[\])]?)"
    r"(?:(?P<sign>\s{0,4}(?::\s?(?:str|string|String|SecretStr)\s?=|=>|:=|={1,3}|[:>]"
    r"|,?\s{0,8}\\{0,3}[\"']?value\\{0,3}[\"']?\s?[:=])\s{0,4})"
    rf"|\s(?:{_IS})\s{{1,2}}|\s)"
    r"(?:(?P<quote>\\{0,3}[\"'`])(?P<quoted>(?:(?!(?P=quote))(?:\\.|[^\n\\])){4,512}+)(?P=quote)"
    r"|(?P<bare>[^\s\"'`,;()<>\[\]{}&|\\]{4,512}+)(?P<after>[(\[{]?))",
    re.IGNORECASE,
)
_NAME_IN_SENTENCE = re.compile(r"[A-Za-z _-]{3,30}")
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_.-]{0,40}\Z")
_SCHEMES = ("basic ", "bearer ", "token ", "apikey ", "bearer+")


@dataclass(frozen=True, slots=True)
class _Form:
    """How a provider's keys look: a pattern, keywords (one is there, if any are), least bits a character."""

    keywords: tuple[str, ...]
    pattern: re.Pattern[str]
    entropy: float

    def is_in(self, text: str) -> bool:
        """Whether the text may have such a key."""
        return not self.keywords or any(keyword in text for keyword in self.keywords)


def find(text: str) -> Iterator[Entity]:
    """Secrets, and URLs with a password in them; entities may overlap.

    Parameters
    ----------
    text
        Folded (see `folding`).

    Examples
    --------
    >>> text = "DB_PASSWORD=hunter2! TOKEN=$TOKEN postgres://app:x9-Kq@db.example.com/x"
    >>> [(entity.type, text[entity.start : entity.end]) for entity in find(text)]
    [('URL', 'postgres://app:x9-Kq@db.example.com/x'), ('SECRET', 'hunter2!')]
    """
    media = [match.span() for match in _MEDIA.finditer(text)] if ";base64," in text else []
    for entity in _find(text):
        place = bisect(media, (entity.start, len(text)))
        if not place or entity.start >= media[place - 1][1]:
            yield entity


def _find(text: str) -> Iterator[Entity]:
    yield from _of_providers(text)
    if "PRIVATE KEY" in text:
        yield from _private_keys(text)
    if "eyJ" in text:
        yield from (_entity(match.span()) for match in _JWT.finditer(text) if "." in match[0])
    if "@" in text:
        yield from _urls(text)
    lower = text.replace("\u0130", "i").lower()  # the one letter whose small form has another length
    yield from _named(text, lower)
    yield from _by_scheme(text, lower)
    for header in _at(_COOKIES, text, lower, ["cookie"]):
        for match in _COOKIE.finditer(text, *header.span("value")):
            if secret_values.is_random(match["value"]):
                yield _entity(match.span("value"))
    if "Signature=" in text:
        yield from (_entity(match.span("value")) for match in _SIGNATURE.finditer(text))
    if " -" in text:
        for match in _COMMAND.finditer(text):
            group = "login" if match["login"] else "option"
            if secret_values.is_password(match[group]):
                yield _entity(match.span(group), _BY_NAME)


def _at(
    pattern: re.Pattern[str], text: str, lower: str, words: Iterable[str], *, nested: bool = False
) -> Iterator[re.Match[str]]:
    """Matches that begin with one of the words: a search for a word takes a tenth of the time of one for a pattern."""
    for word in words:
        place = lower.find(word)
        while place >= 0:
            match = pattern.match(text, place)
            if match:
                yield match
            place = lower.find(word, match.end() if match and not nested else place + len(word))


def _urls(text: str) -> Iterator[Entity]:
    for match in _at(_AUTHORITY, text, text, ["://"]):
        scheme = _URL_SCHEME.search(text, max(match.start() - 21, 0), match.start())
        if scheme and not secret_values.is_placeholder(match["password"]):
            yield Entity(scheme.start(), match.end(), "URL", _BY_FORM)


def _of_providers(text: str) -> Iterator[Entity]:
    runs = [run for run in _LONG.finditer(text) if _NO_WORD.search(run[0])]
    candidates = "\n".join(run[0] for run in runs)
    forms = [form for form in _forms() if form.is_in(candidates)] if runs else []
    for run in runs:
        for form in forms:
            if form.is_in(run[0]):
                for match in form.pattern.finditer(text, *run.span()):
                    if _entropy(match[0]) >= form.entropy and not secret_values.is_written_out(match[0].lstrip("A")):
                        yield _entity(match.span())


def _private_keys(text: str) -> Iterator[Entity]:
    """Blocks to their last line; of one that is cut off, its lines."""
    for match in _PEM.finditer(text):
        end = _PEM_END.match(text, match.end())
        lines = _PEM_LINES.match(text, *match.span("body"))
        if end and re.search(r"\w", match["body"]):
            yield _entity((match.start(), end.end()))
        elif lines:
            yield _entity((match.start(), lines.end()))


def _by_scheme(text: str, lower: str) -> Iterator[Entity]:
    """What an Authorization header has after the name of its scheme (RFC 7617, RFC 6750)."""
    for match in _at(_AUTHORIZATION, text, lower, _SCHEMES):
        if match["scheme"].lower() == "basic":
            is_secret = _is_login(match["value"])
        else:
            is_secret = len(match["value"]) >= 12 and secret_values.is_random(match["value"])
        if is_secret and not secret_values.is_written_out(match["value"]):
            yield _entity(match.span("value"))


def _is_login(value: str) -> bool:
    said = of_base64(value)
    return said is not None and ":" in said and said.isprintable()


def _named(text: str, lower: str) -> Iterator[Entity]:
    for match in _at(_NAMED, text, lower, ENGLISH.personal.credential_words, nested=True):
        before = _NAME_BEFORE.search(text, max(match.start() - 40, 0), match.start())
        end = match.end("rest")
        name = text[before.start() if before else match.start() : end]
        group = "quoted" if match["quote"] else "bare"
        value = match[group] if match["quote"] else match[group].rstrip(".:?")
        if not match["quote"] and match["after"]:
            continue  # a call or an index of a name in code
        if match["sign"] is None and not _NAME_IN_SENTENCE.fullmatch(name):
            continue  # the letters of such a word within something else
        if secret_values.is_secret(
            name,
            value,
            password=match["password"] is not None,
            quoted=match["quote"] is not None,
            sign=match["sign"],
        ):
            yield _entity((match.start(group), match.start(group) + len(value)), _BY_NAME)


def _entity(span: tuple[int, int], score: float = _BY_FORM) -> Entity:
    return Entity(*span, "SECRET", score)


def _entropy(text: str) -> float:
    return -sum(n / len(text) * log2(n / len(text)) for n in Counter(text).values())


@cache
def _forms() -> Iterable[_Form]:
    forms = tomllib.loads(_FORMS.read_text("utf-8"))["format"]
    return [
        _Form(tuple(form["keywords"]), re.compile(_BEGINS + form["pattern"]), form.get("entropy", 0.0))
        for form in forms
    ]
