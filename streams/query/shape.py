"""What is recorded of a statement that somebody ran: its words, with nothing in it that only its writer knew.

A word stays where it is of a list: SQL's own, the views and their columns, functions. All else is `?`: literals, names,
aliases, parameters; comments are left out.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.dialects.clickhouse import ClickHouse
from sqlglot.errors import SqlglotError

from watchline.schemas.views import views
from watchline.streams.query.policy import DIALECT

NOT_READABLE = "not readable"
MOST = 1000  # characters
OTHER_REASON = "another reason"
# What a refusal says, without the names that it quotes.
_REASONS = (
    "only one SELECT over the views", "the function", "APPLY isn't allowed", "of type Identifier isn't allowed",
    "must be a lambda", "a lambda can only be", "table functions aren't allowed", "the table", "FINAL isn't allowed",
    "WITH isn't allowed", "can't be checked", "can't be read here", "isn't allowed here", "IN takes", "the format",
    "one statement", "each name stands in the address once", "there is the database", "NUL byte", "no quotes",
    "is no array", "Syntax error", "stopped after", "needs more memory", "more than",
)  # fmt: skip
# Beside those that the parser knows: what readers ask for, and by which a statement would leave the store.
_MORE_FUNCTIONS = frozenset(
    """multiif positioncaseinsensitive touint8 touint16 touint32 touint64 toint8 toint16 toint32 toint64 tofloat32
    tofloat64 touuid tolowcardinality todatetime32 todatetime64 todate32 tounixtimestamp fromunixtimestamp64milli
    tounixtimestamp64micro now64 formatreadablesize mapcontains hasany hasall indexof
    arrayjoin tupleelement jsonextractstring
    cluster clusterallreplicas deltalake dictget dictionary executable file filecluster gcs generaterandom getsetting
    hdfs hostname iceberg input jdbc loop merge mergetreeindex mongodb mysql numbers odbc postgresql redis remote
    remotesecure s3 s3cluster sleep sleepeachrow sqlite url urlcluster values view zeros""".split()  # noqa: SIM905
)
_OPEN = frozenset({TokenType.STRING, TokenType.NUMBER, TokenType.HEREDOC_STRING, TokenType.IDENTIFIER, TokenType.VAR})


class Shape(NamedTuple):
    """The words, and the views among them, sorted."""

    text: str
    views: tuple[str, ...]


def shape(sql: str) -> Shape:
    """The shape of a statement, whether or not it may run.

    Parameters
    ----------
    sql : str

    Examples
    --------
    >>> shape("SELECT app AS anna, count() FROM v_interactions WHERE input LIKE '%anna@%' -- for anna")
    Shape(text='SELECT app AS ?, count() FROM v_interactions WHERE input LIKE ?', views=('v_interactions',))
    >>> shape("SELECT 'anna")
    Shape(text='not readable', views=())
    """
    return _shape(sql) if len(sql) <= 100_000 else Shape(NOT_READABLE, ())


def reason(refusal: str) -> str:
    """Why a statement was refused, as one of a list: what the refusal quotes is left out.

    >>> reason("the function anna isn't allowed here")
    'the function'
    """
    return next((each for each in _REASONS if each in refusal), OTHER_REASON)


@lru_cache(maxsize=256)
def _shape(sql: str) -> Shape:
    try:
        tokens = sqlglot.tokenize(sql, dialect=DIALECT)
        sqlglot.parse(sql, dialect=DIALECT)
    except (SqlglotError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return Shape(NOT_READABLE, ())
    words = []
    for token, following in zip(tokens, [*tokens[1:], None], strict=False):
        called = following is not None and following.token_type == TokenType.L_PAREN
        words.append(_word(token.text, token.token_type, is_function=called))
    read = sorted({word for word in words if word in views()})
    text = re.sub(r"\?(?:\s*+,\s*+\?)++", "?", _joined(words))
    if not words:
        return Shape(NOT_READABLE, ())
    return Shape(text if len(text) <= MOST else text[:MOST] + " ...", tuple(read))


def _word(text: str, kind: TokenType, *, is_function: bool) -> str:
    if kind in (TokenType.STRING, TokenType.NUMBER, TokenType.HEREDOC_STRING):
        return "?"
    if text in _names():
        return text
    if is_function and kind != TokenType.IDENTIFIER and text.lower() in _functions():
        return text
    keyword = " ".join(text.upper().split())
    if kind not in _OPEN and (keyword in _keywords() or (len(text) == 1 and not text.isalnum())):
        return keyword
    return "?"


@cache
def _names() -> frozenset[str]:
    """Of the views and their columns."""
    return frozenset(views()) | {column.name for view in views().values() for column in view.columns}


@cache
def _functions() -> frozenset[str]:
    """Those that the parser knows by name, in lower case: unlike the patterns of `functions`, a list with an end."""
    parser = ClickHouse.Parser
    known = {*exp.FUNCTION_BY_NAME, *parser.FUNCTIONS, *parser.AGG_FUNCTIONS, *parser.AGG_FUNC_MAPPING}
    return frozenset(name.lower() for name in known) | _MORE_FUNCTIONS


@cache
def _keywords() -> frozenset[str]:
    return frozenset(word.upper() for word in ClickHouse.Tokenizer.KEYWORDS)


def _joined(words: list[str]) -> str:
    text = re.sub(r" (?=[),;:}\]])|(?<=[({\[:]) ", "", " ".join(words))
    return re.sub(r"(?<=[a-z0-9?]) (?=\()| ?(\.) ?", r"\1", text)
