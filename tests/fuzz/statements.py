"""SELECTs from a seed, with a table's name wherever one can stand: a view, or what no reader may read.

Every table has one column, `a`, so that whatever is put together is of the right type and reaches the table.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

VIEWS = ("v_interactions", "v_findings", "v_coverage")
DATABASE = "watchline"  # what the statements are run in
TABLES = ("interactions", "dead_letters", "other.secrets", f"{DATABASE}.findings", "findings")
SYSTEM = ("system.tables", "system.numbers", "information_schema.tables")
TABLE_FUNCTIONS = (
    "numbers(3)", "file('x', 'CSV', 'a UInt8')", "url('http://127.0.0.1:1/', 'CSV', 'a UInt8')", "zeros(2)",
    "merge('.*')", "merge(watchline, 'dead.*')", "remote('127.0.0.1:1', watchline.dead_letters)", "loop(dead_letters)",
    "cluster('default', watchline, dead_letters)", "view(SELECT a FROM dead_letters)", "values('a UInt8', 1)",
    "dictionary('watchline.labels')", "generate_series(1, 2)", "generateRandom('a UInt8')", "null('a UInt8')",
    "input('a UInt8')", "executable('x', 'CSV', 'a UInt8')", "s3('http://127.0.0.1:1/x', 'CSV', 'a UInt8')",
    "mergeTreeIndex(watchline, dead_letters)", "sqlite('x', 'y')", "format(CSV, '1')",
    "viewExplain('', '', (SELECT 1))",
)  # fmt: skip
FUNCTIONS = ("file", "hostName", "currentUser", "getSetting", "getMacro", "dictGet", "joinGet", "filesystemAvailable")
JOINS = (
    "JOIN", "LEFT JOIN", "INNER ANY JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN", "FULL OUTER JOIN", "GLOBAL LEFT JOIN",
    "RIGHT JOIN",
)  # fmt: skip
SPACES = ("\n", "\t", "  ", " /* x */ ", " -- FROM dead_letters\n", " /* ' */ ", "\r\n", " /* /* */ */ ")


class Statements:
    """Statements from a seed: the same ones each time.

    Parameters
    ----------
    seed : of the statements
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._hostility = 0.0
        self._renaming = 0.0
        self._number = 0
        self._ctes: list[str] = []  # names of WITH clauses that are in force
        self._ended: list[str] = []  # names of WITH clauses that are not
        self._shadows: list[str] = []  # names of views and WITH clauses that were given to something else as well

    def take(self, count: int) -> Iterator[str]:
        """That many statements."""
        for _ in range(count):
            # Half of the statements name little but views, so that many are accepted and the engine judges them.
            self._hostility = self._random.choice((0.003, 0.02, 0.1, 0.3))
            self._renaming = self._random.choice((0.0, 0.0, 0.0, 0.4))
            self._number, self._ctes, self._ended, self._shadows = 0, [], [], []
            sql = self._query(self._random.choice((1, 2, 2, 3)))
            if self._hostile(0.2):
                sql += self._random.choice((" SETTINGS max_threads = 1", " FORMAT CSV", " INTO OUTFILE 'x'"))
            yield self._spaced(sql) if self._chance(0.2) else sql

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _hostile(self, factor: float = 1.0) -> bool:
        return self._chance(self._hostility * factor)

    def _one(self, *ways: Callable[[], str]) -> str:
        return self._random.choice(ways)()

    def _fresh(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}"

    def _spaced(self, sql: str) -> str:
        return "".join(self._random.choice(SPACES) if c == " " and self._chance(0.3) else c for c in sql)

    def _quoted(self, name: str) -> str:
        if not self._chance(0.1):
            return name
        quote = self._random.choice('`"')
        return ".".join(f"{quote}{part}{quote}" for part in name.split("."))

    def _alias(self, prefix: str) -> str:
        """A name of its own, or at times one of a table, a view, or a WITH clause."""
        if not self._chance(0.08):
            return self._fresh(prefix)
        return self._shadow((*VIEWS, "dead_letters", "interactions", *self._ctes, "a", "watchline", "other"))

    def _shadow(self, names: Sequence[str]) -> str:
        name = self._random.choice(names)
        self._shadows.append(name)
        return name

    def _renamed(self) -> str:
        """A table's name by another one."""
        table = self._random.choice((*TABLES, *VIEWS, *self._ctes))
        return f"{table} AS {self._shadow((*VIEWS, *self._ctes, 'n'))}"

    def _table(self) -> str:
        if self._hostile():
            return self._quoted(self._random.choice((*TABLES, *TABLES, *SYSTEM)))
        if self._ended and self._chance(0.1):
            return self._random.choice(self._ended)
        names = [*VIEWS, *self._ctes * 2, *self._shadows * 3, f"{DATABASE}.{VIEWS[0]}"]
        return self._quoted(self._random.choice(names))

    # Where a table can stand.

    def _source(self, depth: int) -> str:
        alias = self._alias("t")
        if self._hostile(0.5):
            return f"{self._random.choice(TABLE_FUNCTIONS)} AS {alias}"
        if depth > 0 and self._chance(0.3):
            return f"({self._query(depth - 1)}) AS {alias}"
        final = " FINAL" if self._hostile(0.3) else ""
        return f"{self._table()} AS {alias}{final}" if self._chance(0.8) else self._table() + final

    def _from(self, depth: int) -> str:
        text, plain, arrays = self._source(depth), True, False
        while self._chance(0.3):
            if self._chance(0.35):
                left, arrays = self._random.choice(("", "LEFT ")), True
                text += f" {left}ARRAY JOIN {self._array(depth - 1)} AS {self._alias('j')}"
                continue
            # After ARRAY JOIN a comma goes on with its list.
            if self._chance(0.3):
                joins = (" CROSS JOIN ", " PASTE JOIN ") if arrays else (", ", " CROSS JOIN ", " PASTE JOIN ")
                text += self._random.choice(joins) + self._source(depth - 1)
            else:
                ways = ("USING (a)", "USING a", f"ON {self._value(depth - 1)} = 1") if plain else ("ON true",)
                text += f" {self._random.choice(JOINS)} {self._source(depth - 1)} {self._random.choice(ways)}"
            plain = False  # from here on `a` alone is ambiguous
        return text

    def _set(self, depth: int) -> str:
        """The right side of IN."""
        return self._one(
            self._table,
            lambda: f"({self._table()})",
            lambda: self._random.choice(self._shadows or VIEWS),
            lambda: f"({self._query(depth - 1)})" if depth > 0 else "(1, 2)",
            lambda: f"({self._query(depth - 1)})" if depth > 0 else self._table(),
            lambda: "(1, 2)",
            lambda: f"({self._value(depth - 1)}, 1)",
            lambda: f"(({self._table()}))" if self._hostile(4) else "[1, 2]",
            lambda: self._random.choice(TABLE_FUNCTIONS) if self._hostile() else "tuple(1)",
            lambda: f"({self._table()}, 1)" if self._hostile(2) else f"{self._table()}",
            lambda: f"[{self._table()}]" if self._hostile(2) else "(SELECT 1)",
        )

    # Expressions: `_value` of a UInt8, `_array` of such.

    def _value(self, depth: int) -> str:
        if depth <= 0:
            return self._random.choice(("1", "2", "a", "0"))
        in_ = self._random.choice(("IN", "IN", "NOT IN", "GLOBAL IN"))
        if self._shadows and self._chance(0.2):
            return f"({self._value(0)} {in_} {self._random.choice(self._shadows)})"
        return self._one(
            lambda: "a",
            lambda: str(self._random.randrange(4)),
            lambda: f"toUInt8({self._value(depth - 1)} + {self._value(depth - 1)})",
            lambda: f"({self._value(depth - 1)} {in_} {self._set(depth)})",
            lambda: f"({self._value(depth - 1)} {in_} {self._set(depth)})",
            lambda: f"(SELECT max(a) FROM {self._from(depth - 1)})",
            lambda: f"(SELECT a FROM {self._from(depth - 1)} LIMIT 1)",
            lambda: f"EXISTS({self._query(depth - 1)})",
            lambda: f"if({self._value(depth - 1)}, {self._value(depth - 1)}, 1)",
            lambda: f"CASE WHEN {self._value(depth - 1)} = 1 THEN 1 ELSE {self._value(depth - 1)} END",
            lambda: f"CAST({self._value(depth - 1)} AS UInt8)",
            lambda: f"{self._value(0)}::UInt8",
            lambda: f"toUInt8(length({self._array(depth - 1)}))",
            lambda: f"toUInt8(arrayCount({self._lambda(depth - 1)}, {self._array(depth - 1)}))",
            lambda: f"identity({self._value(depth - 1)} AS {self._alias('e')})",
            lambda: f"identity({self._renamed()})" if self._chance(self._renaming / 4) else "2",
            lambda: f"tuple({self._value(depth - 1)}, 1).1",
            lambda: f"toUInt8({self._value(depth - 1)} BETWEEN 0 AND {self._value(depth - 1)})",
            lambda: self._reaching(depth - 1) if self._hostile() else "least(1, a)",
            lambda: f"({self._value(0)} = ANY({self._query(depth - 1)}))" if self._chance(0.3) else "1",
        )

    def _array(self, depth: int) -> str:
        if depth <= 0:
            return self._random.choice(("[1, 2]", "range(2)", "[a]"))
        return self._one(
            lambda: "[1, 2]",
            lambda: f"[{self._value(depth - 1)}]",
            lambda: f"(SELECT groupArray(a) FROM {self._from(depth - 1)})" if self._chance(0.5) else "[a]",
            lambda: f"arrayMap({self._lambda(depth - 1)}, {self._array(depth - 1)})",
            lambda: f"arrayConcat({self._array(depth - 1)}, {self._array(depth - 1)})",
            lambda: f"arrayMap({self._random.choice(FUNCTIONS)}, ['x'])" if self._hostile(2) else "range(3)",
        )

    def _lambda(self, depth: int) -> str:
        name = self._alias("x")
        return f"{name} -> {self._random.choice(('1', self._value(depth), self._value(depth)))}"

    def _window(self, depth: int) -> str:
        order = f" ORDER BY {self._value(depth)}" if self._chance(0.5) else ""
        return f"max(a) OVER (PARTITION BY {self._value(depth)}{order})"

    def _reaching(self, depth: int) -> str:
        """A function that reads more than its arguments."""
        name = self._quoted(self._random.choice(FUNCTIONS))
        argument = self._random.choice(("", "'x'", "'watchline.labels', 'a', 1", "dead_letters, 'a', 1"))
        return f"{name}({argument})" if self._chance(0.8) else f"{name}({self._value(depth)})"

    # Statements.

    def _query(self, depth: int) -> str:
        kind = self._random.random()
        if depth > 0 and kind < 0.2:
            text = self._query(depth - 1)
            for _ in range(self._random.choice((1, 1, 2, 3))):
                operator = self._random.choice(("UNION ALL", "UNION DISTINCT", "INTERSECT", "EXCEPT"))
                part = self._query(depth - 1)
                if self._chance(0.15):  # a name of one part, which the next parts may take
                    name = self._random.choice(("dead_letters", "interactions", "w"))
                    part = f"WITH {name} AS ({part}) SELECT a FROM {name}"
                    self._ended.append(name)
                elif self._ended and self._chance(0.15):
                    part = f"SELECT a FROM {self._random.choice(self._ended)}"
                text += f" {operator} ({part})" if self._chance(0.5) else f" {operator} {part}"
                if self._chance(0.3):
                    text = f"({text})"
            return text
        return f"({self._select(depth)})" if kind < 0.24 else self._select(depth)

    def _select(self, depth: int) -> str:
        outer = list(self._ctes)
        with_ = self._with(depth - 1) if depth > 0 and self._chance(0.35) else ""
        from_ = f"FROM {self._from(depth)}"
        aggregated = self._chance(0.2)
        value = f"max({self._value(depth)})" if aggregated else self._value(depth)
        if not aggregated and self._chance(0.05):
            value = self._window(depth - 1)
        distinct = "DISTINCT " if self._chance(0.05) else ""
        text = f"SELECT {distinct}{value} AS a"
        text = f"{from_} {text}" if self._chance(0.03) else f"{text} {from_}"
        if not aggregated:
            text += self._clauses(depth)
        if self._chance(0.1):
            text += f" LIMIT {self._random.choice(('3', '3', f'(SELECT max(a) FROM {self._source(0)})'))}"
        if self._hostile(0.2):
            text += " SETTINGS max_threads = 1"
        self._ended += [name for name in self._ctes if name not in outer]
        self._ctes = outer
        return with_ + text

    def _clauses(self, depth: int) -> str:
        text = f" WHERE {self._value(depth - 1)}" if self._chance(0.25) else ""
        if self._chance(0.05):
            text += f" GROUP BY a, identity({self._value(depth - 1)})"
        elif self._chance(0.05):
            text += f" WINDOW w AS (ORDER BY {self._value(depth - 1)})"
        if self._chance(0.04):
            text += f" QUALIFY {self._value(depth - 1)}"
        if self._chance(0.15):
            text += f" ORDER BY identity({self._value(depth - 1)})" + (" WITH FILL" if self._chance(0.1) else "")
        if self._chance(0.04):
            text += f" LIMIT 1 BY identity({self._value(depth - 1)})"
        return text

    def _with(self, depth: int) -> str:
        parts = []
        for _ in range(self._random.choice((1, 1, 2, 3))):
            name = self._alias("w")
            if self._chance(self._renaming / 2):
                name = self._random.choice(("dead_letters", "interactions", "findings"))
            kind = self._random.random()
            if self._chance(self._renaming):
                parts.append(self._renamed())
            elif kind < 0.65:
                parts.append(f"{self._quoted(name)} AS ({self._query(depth)})")
                self._ctes.append(name)
            elif kind < 0.75:
                parts.append(f"({self._query(depth)}) AS {name}")
            elif kind < 0.85:
                parts.append(f"{self._value(depth)} AS {name}")
            elif kind < 0.9:
                parts.append(f"({self._lambda(depth)}) AS {name}")
            else:
                parts.append(f"{self._array(depth)} AS {name}")
        recursive = "RECURSIVE " if self._hostile(0.3) else ""
        return f"WITH {recursive}{', '.join(parts)} "
