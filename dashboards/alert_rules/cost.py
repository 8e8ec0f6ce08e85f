"""What calls cost: more than usual at this hour, more than a tenant's budget, or nobody knows how much."""

from __future__ import annotations

from watchline.dashboards.definitions import Rule
from watchline.dashboards.sql import COMPLETE, named

# US dollars a month for each tenant, and how many times faster than that it may be spent for six hours.
BUDGET_USD, BURN = 1000.0, 6.0
_HOUR_USD = BUDGET_USD / 730
TIMES_AS_MUCH, LEAST_USD = 2.0, 1.0


def _hour(value: str) -> str:
    """An app's last hour against the same hour of the seven days before. What has no price is in neither.

    `lasting` is four times its last 15 minutes, where that is less: what costs as usual again is over.
    """
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, app, environment, toFloat64({value}) AS value
FROM
(
    SELECT app, environment, sum(now_cost) AS cost, least(cost, 4 * sum(of_quarter)) AS lasting,
        sum(now_calls) AS calls, sum(now_unknown) AS without_price,
        sum(usual_cost) / nullIf(uniqExactIf(day, usual_cost > 0), 0) AS usual_cost_usd,
        uniqExactIf(day, usual_cost > 0) AS days
    FROM
    (
        SELECT {named("i", "app", "environment")}, sum(ifNull(i.cost, 0)) AS now_cost,
            sumIf(ifNull(i.cost, 0), i.time > complete - INTERVAL 15 MINUTE) AS of_quarter, count() AS now_calls,
            countIf(i.cost IS NULL) AS now_unknown, 0. AS usual_cost, toDate(0) AS day
        FROM v_interactions AS i
        WHERE i.time > complete - INTERVAL 1 HOUR AND i.time <= complete AND i.source = 'production'
        GROUP BY app, environment
        UNION ALL
        SELECT {named("u", "app", "environment")}, 0., 0., 0, 0, sum(u.cost), toDate(u.hour)
        FROM v_usage_hourly AS u
        WHERE u.hour IN (SELECT toStartOfHour(complete - INTERVAL 30 MINUTE) - INTERVAL arrayJoin(range(1, 8)) DAY)
        GROUP BY app, environment, u.hour
    )
    GROUP BY app, environment
)
WHERE cost > {LEAST_USD} AND days >= 3 AND value IS NOT NULL"""


def _burn(value: str) -> str:
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, i.tenant AS tenant, sumIf(i.cost, i.time > complete - INTERVAL 1 HOUR) AS last_hour,
    sum(i.cost) AS last_six, toFloat64({value}) AS value
FROM v_interactions AS i
WHERE i.time > complete - INTERVAL 6 HOUR AND i.time <= complete AND i.tenant != ''
GROUP BY tenant
HAVING value IS NOT NULL"""


def _one_number(sql: str) -> str:
    """Without the sums that the number is made of."""
    return f"SELECT time, tenant, value FROM ({sql})"


def _unknown(value: str) -> str:
    return f"""WITH {COMPLETE}
SELECT $__toTime AS time, {named("i", "app", "environment", "model")}, {value} AS value
FROM v_interactions AS i
WHERE i.time > complete - INTERVAL 6 HOUR AND i.time <= complete AND i.source = 'production'
    AND (i.input_tokens > 0 OR i.output_tokens > 0)
GROUP BY app, environment, model
HAVING count() >= 20 AND countIf(i.cost IS NULL) > 0"""


RULES = (
    Rule(
        uid="watchline-cost",
        title="Cost",
        group="watchline-calls-unusual",
        severity="warning",
        queries={
            "A": _hour("lasting / usual_cost_usd"),
            "cost": _hour("cost"),
            "usual": _hour("usual_cost_usd"),
            "unknown": _hour("nullIf(without_price, 0) / calls"),
        },
        above=TIMES_AS_MUCH,
        recovery=1.3,
        window_s=3600,
        for_s=0,
        keep_firing_for_s=900,
        summary='{{ $labels.app }} ({{ $labels.environment }}): an hour costs {{ printf "%.1f" $values.A.Value }} '
        "times as much as usual at this hour",
        description='{{ if $values.usual }}{{ printf "%.2f" $values.cost.Value }} US dollars in the last hour, on '
        'other days {{ printf "%.2f" $values.usual.Value }}. {{ end }}{{ if $values.unknown }}The price of '
        "{{ humanizePercentage $values.unknown.Value }} of its calls is unknown and not in it. {{ end }}What to do: "
        "see which model, tenant or prompt it is.",
        board="watchline",
        panel=25,
        runbook_name="cost",
    ),
    Rule(
        uid="watchline-tenant-budget",
        title="Budget of a tenant",
        group="watchline-cost",
        severity="warning",
        queries={
            "A": _one_number(_burn(f"least(last_hour / {_HOUR_USD:.6f}, last_six / 6 / {_HOUR_USD:.6f})")),
            "hour": _one_number(_burn("last_hour")),
            "unknown": _one_number(_burn("nullIf(countIf(i.cost IS NULL), 0) / count()")),
        },
        above=BURN,
        window_s=6 * 3600,
        for_s=300,
        interval_s=300,
        summary="Tenant {{ $labels.tenant }} spends "
        f'{{{{ printf "%.1f" $values.A.Value }}}} times as fast as {BUDGET_USD:.0f} US dollars a month allow',
        description="In the last hour and in the last six. {{ if $values.hour }}The last hour: "
        '{{ printf "%.2f" $values.hour.Value }} US dollars. {{ end }}{{ if $values.unknown }}The price of '
        "{{ humanizePercentage $values.unknown.Value }} of its calls is unknown and not in it. {{ end }}What to do: "
        "see which app and model it is.",
        board="watchline",
        panel=37,
        runbook_name="cost",
    ),
    Rule(
        uid="watchline-unknown-price",
        title="Unknown price",
        group="watchline-cost",
        severity="warning",
        queries={"A": _unknown("countIf(i.cost IS NULL) / count()"), "calls": _unknown("count()")},
        above=0.5,
        window_s=6 * 3600,
        for_s=0,
        interval_s=300,
        summary="{{ $labels.app }} ({{ $labels.environment }}): nobody knows what "
        "{{ humanizePercentage $values.A.Value }} of the calls of {{ $labels.model }} cost",
        description='{{ if $values.calls }}Of {{ printf "%.0f" $values.calls.Value }} calls in the last six hours. '
        "{{ end }}They are in no sum, and no budget sees them. What to do: give the model a price, or have the app "
        "say what it paid.",
        board="watchline",
        panel=37,
        runbook_name="cost",
    ),
)
