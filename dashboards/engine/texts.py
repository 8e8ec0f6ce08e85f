"""The texts of rules, filled in: labels and values, with words where a value is missing.

Knows what rules use of Grafana's templates: `{{ $labels.X }}`, `{{ $values.Q.Value }}`, one of `FUNCTIONS` before
either, and `{{ if $values.Q }}...{{ else }}...{{ end }}`. A missing value is "unknown", never an engine's nil.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping

from watchline.schemas.errors import ConfigurationError

UNKNOWN = "unknown"
_FIELD = re.compile(
    r"\{\{-?\s*(?:(humanize\w*|printf\s+\"(?:%\.\df%?%?|%g|%s)\")\s+)?\$(labels|values)\.(\w+)(?:\.Value)?\s*-?\}\}"
)
_BRANCH = re.compile(r"\{\{-?\s*(?:(if)\s+\$(labels|values)\.(\w+)(?:\.Value)?|(else)|(end))\s*-?\}\}")


def _percentage(value: float) -> str:
    return f"{value * 100:.4g}%"


def duration_words(seconds: float) -> str:
    """Seconds for people.

    >>> duration_words(59.6), duration_words(150), duration_words(93_600)
    ('1 min', '2 min 30 s', '1 d 2 h')
    """
    rest = round(seconds)
    if rest < 60:
        return f"{rest} s"
    parts = []
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if count := rest // size:
            parts.append(f"{count} {name}")
        rest %= size
    return " ".join(parts[:2])


def _short(value: float) -> str:
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{name}"
    return f"{value:.4g}"


FUNCTIONS: dict[str, Callable[[float], str]] = {
    "humanizePercentage": _percentage,
    "humanizeDuration": duration_words,
    "humanize": _short,
}


def render(text: str, labels: Mapping[str, str], values: Mapping[str, float | None]) -> str:
    """A text with its fields filled in. Raises ConfigurationError where it has a template that isn't known here.

    Examples
    --------
    >>> render("{{ $labels.app }}: {{ humanizePercentage $values.A.Value }}", {"app": "shop"}, {"A": 0.351})
    'shop: 35.1%'
    >>> render("{{ $labels.app }}: {{ $values.A.Value }}", {}, {"A": None})
    'unknown: unknown'
    """

    def chosen() -> Iterator[str]:
        first, *rest = _BRANCH.split(text)
        yield first
        expected, shown = {"if"}, True
        for start, kind, name, otherwise, end, piece in zip(*[iter(rest)] * 6, strict=True):
            if (branch := start or otherwise or end) not in expected:
                raise ConfigurationError(
                    f"a template with {{{{ {branch} }}}} where {{{{ {min(expected)} }}}} can be: {text[:60]}"
                )
            if branch == "if":
                expected, shown = (
                    {"else", "end"},
                    bool(labels.get(name) if kind == "labels" else values.get(name) is not None),
                )
            elif branch == "else":
                expected, shown = {"end"}, not shown
            else:
                expected, shown = {"if"}, True
            if shown:
                yield piece
        if expected != {"if"}:
            raise ConfigurationError(f"a template without its {{{{ end }}}}: {text[:60]}")

    def field(match: re.Match[str]) -> str:
        function, kind, name = match.groups()
        value = labels.get(name) if kind == "labels" else values.get(name)
        if value is None or value == "":
            return UNKNOWN
        if isinstance(value, str):
            return value
        if not math.isfinite(value):
            return UNKNOWN
        if function is None:
            return f"{value:.6g}"
        if function in FUNCTIONS:
            return FUNCTIONS[function](value)
        if function.startswith("printf"):
            return function.split('"')[1].replace("%s", "%g") % value
        raise ConfigurationError(f"function {function} is not known here; known: {', '.join(FUNCTIONS)}, printf")

    # Fields last: what a label holds is never read as a template. Literal braces in one must not look like one either.
    filled = "".join(chosen())
    if "{{" in (left := _FIELD.sub("", filled)):
        raise ConfigurationError(f"a template that is not known here: {left[left.index('{{') :][:60]}")
    return " ".join(_FIELD.sub(field, filled).split())


def fields(text: str) -> tuple[set[str], set[str]]:
    """The names of the labels and of the values that a text uses.

    >>> fields("{{ $labels.app }}: {{ if $values.B }}{{ humanize $values.A.Value }}{{ end }}")[0]
    {'app'}
    """
    found = re.findall(r"\$(labels|values)\.(\w+)", text)
    return {name for kind, name in found if kind == "labels"}, {name for kind, name in found if kind == "values"}
