"""Pieces of SQL that boards and rules share, with the macros of Grafana's ClickHouse plugin."""

from __future__ import annotations

from watchline.schemas.views import views

VARIABLES = {
    "environment": "Environment",
    "app": "App",
    "model": "Model",
    "prompt_name": "Prompt",
    "tenant": "Tenant",
    "source": "Source",
}
LABELS = ("app", "environment", "prompt_name", "prompt_version", "model")
# What stands for an empty name: Grafana drops labels without a value.
UNNAMED = {"app": "unknown", "prompt_name": "unnamed", "prompt_version": "none", "model": "unknown", "tenant": "none"}
# Acts by which apps get a version or get it no more: it waits for nobody then.
GIVEN = (
    ", ".join(
        f"'{kind}_{what}'"
        for kind in ("prompt", "model")
        for what in ("promoted", "canaried", "rolled_back", "withdrawn")
    )
    + ", 'emergency_promoted'"
)


def columns(view: str) -> tuple[str, ...]:
    """Of a view."""
    return tuple(column.name for column in views()[view].columns)


def chosen(view: str, alias: str, *, time: str = "time") -> str:
    """The condition that a row is in the time range and is what the reader chose, by those variables that the view has.

    >>> print(chosen("v_conflicts", "c", time="hour"))
    $__timeFilter(c.hour)
        AND $__conditionalAll(c.app IN (${app:singlequote}), $app)
        AND $__conditionalAll(c.tenant IN (${tenant:singlequote}), $tenant)
    """
    return f"$__timeFilter({alias}.{time})" + by_variables(view, alias)


def whole_hours(view: str, alias: str) -> str:
    """The same of a view with a row an hour: the hour in which the range begins is in it, whole."""
    return f"{alias}.hour >= toStartOfHour($__fromTime) AND {alias}.hour <= $__toTime" + by_variables(view, alias)


def by_variables(view: str, alias: str) -> str:
    """Likewise without the time, to come after another condition."""
    has = columns(view)
    return "".join(
        f"\n    AND $__conditionalAll({alias}.{name} IN (${{{name}:singlequote}}), ${name})"
        for name in VARIABLES
        if name in has
    )


def wilson(flagged: str, n: str, *, upper: bool = False, z: float = 1.96) -> str:
    """An end of the interval of a share, NULL of nothing; `z` standard deviations wide, by default that of 95 %.

    >>> wilson("bad", "n")
    '((bad / nullIf(n, 0)) + 1.9208 / n - 1.96 * sqrt(((bad / n) * (1 - bad / n) + 0.9604 / n) / n)) / (1 + 3.8416 / n)'
    """
    sign = "+" if upper else "-"
    return (
        f"(({flagged} / nullIf({n}, 0)) + {z * z / 2:g} / {n} {sign} {z:g} * sqrt((({flagged} / {n}) * "
        f"(1 - {flagged} / {n}) + {z * z / 4:g} / {n}) / {n})) / (1 + {z * z:g} / {n})"
    )


def named(alias: str, *names: str) -> str:
    """Columns as labels: never empty.

    >>> named("f", "model")
    "if(f.model = '', 'unknown', f.model) AS model"
    """
    return ", ".join(
        f"if({alias}.{name} = '', '{UNNAMED[name]}', {alias}.{name}) AS {name}"
        if name in UNNAMED
        else f"{alias}.{name} AS {name}"
        for name in names
    )


# Up to where all is stored: the lowest watermark of the findings' partitions. What nobody has moved for a day is of a
# topic that is no more; without any, nothing but the clock tells.
COMPLETE = """(
        SELECT least(toDateTime64($__toTime, 6, 'UTC'), ifNull(minOrNull(w.time), toDateTime64($__toTime, 6, 'UTC')))
        FROM v_watermarks AS w WHERE w.stored_at > $__toTime - INTERVAL 1 DAY
    ) AS complete"""
