"""Checks the SQL of readers: one SELECT over the views, with functions that touch nothing but their arguments.

Lists say what is allowed; everything else is refused. ClickHouse's `readonly=1` alone would still let
`file('/etc/passwd')` read and INTO OUTFILE write.
"""

from __future__ import annotations

import logging
import re
from functools import cache

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import SqlglotError

from watchline.schemas import views as described
from watchline.schemas.errors import WatchlineError
from watchline.streams.query.functions import FUNCTION_NODES, FUNCTIONS, HIGHER_ORDER, TAKES_VALUES, TYPES

logging.getLogger("sqlglot").disabled = True  # it quotes statements, in which names of people stand

DIALECT = "clickhouse"
ONLY_SELECT = "only one SELECT over the views (v_*) at a time; WITH and UNION are fine"


class QueryError(WatchlineError):
    """SQL that is refused or fails; the message says why and, where it is known, at which place."""


def check(sql: str, *, database: str | None = None) -> str:
    """Checks that readers may run a statement. No input or output.

    Parameters
    ----------
    sql : str
        Where it comes from outside, as ClickHouse's own `formatQuery` writes it: then ClickHouse's parser and this one
        read the same, since comments, odd quotes and heredocs are gone.
    database : str, optional
        May stand before a view's name.

    Returns
    -------
    str
        The statement.

    Raises
    ------
    QueryError
        Names what isn't allowed.

    Examples
    --------
    >>> check("SELECT app, count() FROM v_interactions GROUP BY app")
    'SELECT app, count() FROM v_interactions GROUP BY app'
    >>> check("SELECT file('/etc/passwd')")
    Traceback (most recent call last):
    ...
    watchline.streams.query.policy.QueryError: the function file isn't allowed here
    """
    try:
        tokens = sqlglot.tokenize(sql, dialect=DIALECT)
        if not tokens or tokens[0].token_type not in (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN):
            raise QueryError(ONLY_SELECT)
        trees = [tree for tree in sqlglot.parse(sql, dialect=DIALECT) if tree is not None]
    except SqlglotError as error:
        raise QueryError(f"this SQL can't be checked: {_where(error)}") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # sqlglot's own faults, as at map()
        raise QueryError("this SQL can't be checked: its parser fails at it; is an argument missing?") from None
    except RecursionError:
        raise QueryError("this SQL can't be checked: it is nested too deep") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise QueryError(ONLY_SELECT)
    _check_functions(tokens)
    _check_function_names(tokens)
    nodes = list(trees[0].walk())
    _check_lambdas(tokens, nodes)
    aliases = {name for node in nodes for name in _expression_aliases(node)}
    for node in nodes:
        _check_node(node)
        if isinstance(node, exp.In):
            _check_in(node, aliases)
        elif isinstance(node, exp.From | exp.Join):
            _check_source(node, database)
        elif isinstance(node, exp.Table) and not _is_source(node):
            raise QueryError(f"the table {node.name} stands where none can: name tables in FROM and JOIN only")
    return sql


def has_limits(sql: str) -> bool:
    """Whether the engine limits the result of a statement that was checked: that of one SELECT with a FROM."""
    query = sqlglot.parse_one(sql, dialect=DIALECT)
    inner = query.unnest() if isinstance(query, exp.Subquery) else query
    return isinstance(inner, exp.Select) and inner.args.get("from_") is not None


@cache
def views() -> tuple[str, ...]:
    """The names of the views, sorted."""
    return tuple(sorted(described.views()))


def _where(error: SqlglotError) -> str:
    details = getattr(error, "errors", None)
    if not details:
        return str(error).splitlines()[0]
    first = details[0]
    return f"line {first['line']}, column {first['col']}, near {first['highlight']!r}"


# Words of the grammar that can stand before a parenthesis.
_WORDS = frozenset(
    """all any array as asc by cube desc distinct else end except exists filter from global having in intersect interval
    is join limit nulls offset on over partition prewhere qualify rollup select sets then union using values when where
    with and between case div ilike like mod not or""".split()  # noqa: SIM905
)


def _check_functions(tokens: list[Token]) -> None:
    """Every name before a parenthesis is a function, a type or a word of the grammar."""
    in_parameter = False  # {name:Type}
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        in_parameter = (in_parameter or token.token_type == TokenType.L_BRACE) and token.token_type != TokenType.R_BRACE
        name = token.text.lower()
        quoted = token.token_type == TokenType.IDENTIFIER
        if quoted and re.search(r"[\\`\"\x00-\x1f]", name):
            raise QueryError(f"the name {token.text!r}: no quotes, backslashes or control characters in names")
        if in_parameter and name == "identifier":
            raise QueryError("a parameter of type Identifier isn't allowed here: parameters are values")
        if name == "apply" and not quoted:
            raise QueryError("APPLY isn't allowed here: name the columns")
        if in_parameter or following is None or following.token_type != TokenType.L_PAREN:
            continue
        if quoted or (re.fullmatch(r"\w+", name) and token.token_type not in _LITERALS):
            if not quoted and (name in _WORDS or TYPES.fullmatch(name)):
                continue
            if not FUNCTIONS.fullmatch(name):
                raise QueryError(f"the function {token.text} isn't allowed here")


_LITERALS = frozenset({TokenType.STRING, TokenType.NUMBER, TokenType.HEREDOC_STRING})


def _check_function_names(tokens: list[Token]) -> None:
    """`arrayMap(file, ...)` calls file: where a lambda can stand, the bare name of a function can stand too."""
    for index, name in enumerate(tokens[:-3]):
        function = name.text.lower()
        if not HIGHER_ORDER.fullmatch(function) or TAKES_VALUES.fullmatch(function):
            continue
        first = index + 1
        while first < len(tokens) - 1 and tokens[first].token_type == TokenType.L_PAREN:
            first += 1
        depth = first - index - 1
        after = [token.token_type for token in tokens[first + 1 : first + 1 + depth]]
        bare = depth and after == [TokenType.R_PAREN] * (depth - 1) + [TokenType.COMMA]
        if bare and tokens[first].token_type not in _LITERALS:
            raise QueryError(f"the first argument of {name.text} must be a lambda here, like x -> lower(x)")


def _check_lambdas(tokens: list[Token], nodes: list[exp.Expr]) -> None:
    """An arrow that is no lambda to the parser would be one to ClickHouse."""
    arrows = sum(token.token_type == TokenType.ARROW for token in tokens)
    if arrows != sum(isinstance(node, exp.Lambda) for node in nodes):
        raise QueryError("a lambda can only be an argument of a function here, as in arrayMap(x -> lower(x), names)")


# What a statement may be made of, and of each the parts it may have: each place where a name can be a table's is here.
_QUERY = "with_ distinct order limit offset"
_PARTS: dict[type[exp.Expr], frozenset[str]] = {
    node: frozenset(parts.split())
    for node, parts in {
        exp.Select: f"{_QUERY} expressions from_ joins prewhere where group having qualify windows",
        exp.Union: f"{_QUERY} this expression",
        exp.Except: f"{_QUERY} this expression",
        exp.Intersect: f"{_QUERY} this expression",
        exp.Subquery: "this alias",
        exp.With: "expressions",
        exp.CTE: "this alias scalar",
        exp.From: "this",
        exp.Join: "this expressions side kind method global_ on using",
        exp.Table: "this db alias",
        exp.TableAlias: "this",
        exp.In: "this query field expressions is_global",
        exp.Exists: "this",
        exp.Star: "except_",
        exp.Column: "this table db",
        exp.Group: "expressions all totals cube rollup grouping_sets",
        exp.Order: "expressions",
        exp.Ordered: "this desc nulls_first with_fill",
        exp.WithFill: "from_ to step",
        exp.Limit: "expression expressions limit_options",
        exp.Window: "this over alias partition_by order spec",
        exp.Lambda: "this expressions",
    }.items()
}
# What has no parts but expressions.
_NODES = frozenset(
    getattr(exp, name)
    for name in (
        *"""Alias Aliases Between Boolean Bracket Cube DataType DataTypeParam Distinct Dot Filter GroupingSets Having
        Identifier IgnoreNulls Interval JSONPath JSONPathKey JSONPathRoot JSONPathSubscript Kwarg LimitOptions Literal
        Null Offset Paren Placeholder PreWhere Qualify RespectNulls Rollup Slice Tuple Var Where WindowSpec
        Add BitwiseNot DPipe Div EQ GT GTE ILike IntDiv Is LT LTE Like Mod Mul NEQ Neg Not NullSafeEQ NullSafeNEQ
        Sub""".split(),  # noqa: SIM905
        *FUNCTION_NODES,
    )
)
_FINAL = "FINAL isn't allowed here, and not needed: the views are exact without it"


def _check_node(node: exp.Expr) -> None:
    known = _PARTS.get(type(node))
    if known is None and type(node) not in _NODES:
        raise QueryError(f"{type(node).__name__.upper()} isn't allowed here: leave it out")
    if known is not None and (refused := {name for name, value in node.args.items() if value} - known):
        words = ", ".join(name.rstrip("_").upper() for name in sorted(refused))
        raise QueryError(f"{words} isn't allowed here: leave it out")
    # ClickHouse and the parser differ in how far that WITH reaches, and in which names are in force inside of it.
    if isinstance(node, exp.Query) and node.args.get("with_") and _is_part(node):
        raise QueryError("WITH isn't allowed in a later part of a UNION or the like: put it before the first part")


def _is_part(query: exp.Query) -> bool:
    """Whether it is one of a UNION, INTERSECT or EXCEPT."""
    parent = query.parent
    while isinstance(parent, exp.Subquery):
        parent = parent.parent
    return isinstance(parent, exp.SetOperation)


def _is_source(node: exp.Expr) -> bool:
    """Whether it is what a FROM or a JOIN names; ARRAY JOIN names no tables."""
    parent = node.parent
    return node.arg_key == "this" and (
        isinstance(parent, exp.From) or (isinstance(parent, exp.Join) and parent.args.get("kind") != "ARRAY")
    )


def _check_source(node: exp.From | exp.Join, database: str | None) -> None:
    source = node.this
    if isinstance(node, exp.Join) and node.args.get("kind") == "ARRAY":
        # The parser takes tables for columns in there.
        if node.find(exp.Query, exp.From, exp.Table):
            raise QueryError("ARRAY JOIN takes columns and functions of them here, no subquery: name it in WITH")
    elif isinstance(source, exp.Table):
        _check_table(source, database)
    elif isinstance(source, exp.Final):
        raise QueryError(_FINAL)
    elif not (isinstance(source, exp.Subquery) and isinstance(source.this, exp.Query)):
        raise QueryError(f"only a view or a subquery can be read here: {node.sql(dialect=DIALECT).strip()}")


def _expression_aliases(node: exp.Expr) -> list[str]:
    """The names that it gives to values."""
    if isinstance(node, exp.Alias):
        return [node.alias]
    if isinstance(node, exp.Aliases | exp.Lambda):
        return [name.name for name in node.expressions]
    if isinstance(node, exp.CTE) and node.args.get("scalar"):
        return [node.alias]
    return []


def _check_in(node: exp.In, aliases: set[str]) -> None:
    """`x IN name` reads the table of that name, however it is wrapped, or the one that the name is an alias of."""
    for right in filter(None, (node.args.get("field"), *node.expressions)):
        for name in right.walk(prune=lambda inner: isinstance(inner, exp.Query)):
            if not isinstance(name, exp.Identifier | exp.Star):
                continue
            if not (isinstance(right, exp.Column) and right.parts == [name] and _is_readable(right)):
                raise QueryError("IN takes a list of values or a subquery here; for an array use has(array, value)")
            if name.name in aliases:
                raise QueryError(f"IN {name.name}: that is also the name of a value; give one of them another name")


def _check_table(table: exp.Table, database: str | None) -> None:
    name = table.name
    if not isinstance(table.this, exp.Identifier):
        raise QueryError(f"table functions aren't allowed here: {table.sql(dialect=DIALECT)}")
    if table.db and table.db != database:
        raise QueryError(f"{table.db}.{name} can't be read here; there are: {', '.join(views())}")
    if not (name in views() if table.db else _is_readable(table)):
        raise QueryError(f"the table {name} can't be read here; there are: {', '.join(views())}")


def _is_readable(table: exp.Table | exp.Column) -> bool:
    """Whether a name is a view's, or of a WITH clause that is in force there: of an enclosing query, and before it."""
    if table.name in views():
        return True
    child: exp.Expr = table
    while (parent := child.parent) is not None:
        clause = parent.args.get("with_")
        if isinstance(parent, exp.With):
            before = parent.expressions[: next(i for i, cte in enumerate(parent.expressions) if cte is child)]
            if _defines(before, table.name):
                return True
        elif clause is not None and clause is not child and _defines(clause.expressions, table.name):
            return True
        child = parent
    return False


def _defines(ctes: list[exp.Expr], name: str) -> bool:
    # `WITH (SELECT 1) AS name` is a value, not a table.
    return any(
        cte.alias == name and isinstance(cte.this, exp.Select | exp.SetOperation) and not cte.args.get("scalar")
        for cte in ctes
    )
