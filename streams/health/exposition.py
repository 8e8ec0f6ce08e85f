"""In which form metrics are given: the classic text format, or OpenMetrics where whoever asks prefers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from prometheus_client import Metric, exposition
from prometheus_client.openmetrics import exposition as openmetrics


class Form(NamedTuple):
    """A form of a page of metrics, and what makes it of a collector."""

    content_type: str
    generate: Callable[[Any], bytes]


CLASSIC = Form("text/plain; version=0.0.4; charset=utf-8", exposition.generate_latest)
OPEN_METRICS = Form("application/openmetrics-text; version=1.0.0; charset=utf-8", openmetrics.generate_latest)
_VERSIONS = {"application/openmetrics-text": ("1.0.0", "0.0.1"), "text/plain": ("0.0.4",)}


class Families(Protocol):
    """What has metrics: a registry, or several things that have some."""

    def collect(self) -> Iterable[Metric]: ...


def accepted(accept: str) -> Form:
    """The form that an `Accept` header asks for: OpenMetrics by its name alone, the classic one for all else.

    Examples
    --------
    >>> accepted("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1") is OPEN_METRICS
    True
    >>> accepted("application/openmetrics-text;q=0.2, text/plain;q=0.9") is CLASSIC
    True
    >>> {accepted(header) is CLASSIC for header in ("", "*/*", "application/openmetrics-text;q=0")}
    {True}
    """
    weights = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for part in accept.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        given = dict(parameter.partition("=")[::2] for parameter in parameters)
        if name in weights and given.get("version", _VERSIONS[name][0]).strip('" ') in _VERSIONS[name]:
            weights[name] = max(weights[name], _weight(given.get("q", "1")))
    wanted, classic = weights.values()
    return OPEN_METRICS if wanted > 0 and wanted >= classic else CLASSIC


def page(families: Families, form: Form) -> bytes:
    """The page. Without the times at which counters began, which would be as many series again."""
    return form.generate(_WithoutTimes(families))


class _WithoutTimes(NamedTuple):
    families: Families

    def collect(self) -> Iterator[Metric]:
        for family in self.families.collect():
            kept = Metric(family.name, family.documentation, family.type, family.unit)
            kept.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield kept


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
