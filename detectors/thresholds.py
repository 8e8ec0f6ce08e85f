"""From calibrated probabilities to decisions: operating points and severity by detector and label, kept in a file.

    version = "1"
    [toxicity.default]          # every label of the detector that has no section of its own
    threshold = 0.5             # balanced: at or above it the interaction is flagged; 1: never, nor is it in the score
    alert_threshold = 0.9       # at a stated false-alarm rate: at or above it on-call may be woken; left out: never
    severity = "high"           # at or above alert_threshold; one step lower from threshold on (default: medium)

A file of one's own holds only what differs.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import Severity

SHIPPED = Path(__file__).with_name("thresholds.toml")
_SEVERITIES: tuple[Severity, ...] = ("none", "low", "medium", "high")


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Where scores become decisions: as a section of the file has it."""

    threshold: float
    alert_threshold: float | None = None
    severity: Severity = "medium"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a finding says beyond its scores. The thresholds are those of the label that decided."""

    score: float
    threshold: float
    alert_threshold: float | None
    flagged: bool
    alert: bool
    severity: Severity


class Thresholds:
    """The operating points in force.

    Parameters
    ----------
    path
        A TOML file whose sections replace shipped ones.

    Attributes
    ----------
    version : str
        The file's `version` and a hash of all values: two findings of one version were judged alike.

    Raises
    ------
    ConfigurationError
        The file is missing or wrong.

    Examples
    --------
    >>> decision = Thresholds().judge("toxicity", {"hate": 0.01, "insult": 0.99})
    >>> decision.flagged, decision.score
    (True, 0.99)
    """

    def __init__(self, path: Path | str | None = None) -> None:
        shipped = _read(SHIPPED)
        own = _read(Path(path)) if path else {}
        name = str(own.pop("version", shipped["version"]))
        shipped.pop("version")
        for detector, sections in own.items():
            shipped.setdefault(detector, {}).update(sections)
        self._points = {
            (detector, label): _point(f"{detector}.{label}", section)
            for detector, sections in shipped.items()
            for label, section in sections.items()
        }
        digest = hashlib.sha256(json.dumps(shipped, sort_keys=True).encode()).hexdigest()
        self.version = f"{name}-{digest[:8]}"

    def of(self, detector: str, label: str) -> OperatingPoint:
        """The operating point of a label: its own section, else the detector's `default`.

        Raises
        ------
        ConfigurationError
            The file has neither.
        """
        point = self._points.get((detector, label)) or self._points.get((detector, "default"))
        if point is None:
            raise ConfigurationError(f"thresholds: no section [{detector}.{label}] or [{detector}.default]")
        return point

    def judge(self, detector: str, scores: Mapping[str, float]) -> Decision:
        """What the scores of one interaction come to: flagged where any label reaches its threshold.

        The score is the label `any` where the detector gives it, else the highest: labels go together, so that
        1 - prod(1 - p), which takes them for independent, would be too high.

        Parameters
        ----------
        scores
            Probabilities by label, 0 to 1; at least one.

        Raises
        ------
        ConfigurationError
            A label has no operating point.
        """
        points = {label: self.of(detector, label) for label in scores}
        judged = {label: scores[label] for label, point in points.items() if point.threshold < 1} or scores
        flagged = {label for label in judged if scores[label] >= points[label].threshold}
        alert = {label for label in flagged if scores[label] >= (points[label].alert_threshold or 2)}
        decided = max(judged, key=lambda label: (label in alert, label in flagged, scores[label]))
        steps = [_SEVERITIES.index(points[label].severity) - (label not in alert) for label in flagged]
        return Decision(
            score=scores.get("any", max(judged.values())),
            threshold=points[decided].threshold,
            alert_threshold=points[decided].alert_threshold,
            flagged=bool(flagged),
            alert=bool(alert),
            severity=_SEVERITIES[max(max(steps), 1)] if steps else "none",
        )

    def severe(self, detector: str, scores: Mapping[str, float]) -> list[str]:
        """The labels that are at or above their alert threshold and whose severity there is high."""
        points = {label: self.of(detector, label) for label in scores}
        return [
            label
            for label, point in points.items()
            if point.severity == "high"
            and point.threshold < 1
            and point.alert_threshold is not None
            and scores[label] >= point.alert_threshold
        ]


def with_point(text: str, detector: str, label: str, point: OperatingPoint, comment: Sequence[str] = ()) -> str:
    """A file's text with the operating point of a label in it, in place of the one it had; all else stays.

    Parameters
    ----------
    text
        In the form above; may be empty.
    comment
        Lines that stand below the section's name.

    Raises
    ------
    ConfigurationError
        The label has a point that isn't a section of its own, such as one in an inline table.

    Examples
    --------
    >>> print(with_point("", "toxicity", "hate", OperatingPoint(0.4, 0.9), ["by hand"]), end="")
    [toxicity.hate]
    # by hand
    threshold = 0.4
    alert_threshold = 0.9
    severity = "medium"
    """
    name = f"{detector}.{label}"
    section = {key: value for key, value in asdict(point).items() if value is not None}
    expected = tomllib.loads(text)
    expected.setdefault(detector, {})[label] = section
    kept = text.split("\n")
    if first := next((at for at, line in enumerate(kept, 1) if line.startswith(f"[{name}]")), 0):
        last = next((at for at in range(first, len(kept)) if kept[at].startswith("[")), len(kept))
        while last < len(kept) and kept[last - 1].startswith("#"):  # right above the next section: its own
            last -= 1
        del kept[first - 1 : last]
    others = "\n".join(kept).rstrip()
    lines = [f"[{name}]", *(f"# {line}" for line in comment)]
    lines += [f"{key} = {json.dumps(value)}" for key, value in section.items()]
    new = "\n".join([*([others, ""] if others else []), *lines, ""])
    try:
        done = tomllib.loads(new) == expected
    except tomllib.TOMLDecodeError:
        done = False
    if not done:
        raise ConfigurationError(f"thresholds: write [{name}] as a section of its own, its name alone on a line")
    return new


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"thresholds: {path} cannot be read: {error}") from None


def _point(name: str, section: Mapping[str, Any]) -> OperatingPoint:
    try:
        point = OperatingPoint(**section)
        numbers = (point.threshold, point.alert_threshold or point.threshold)
        ok = 0 < numbers[0] <= numbers[1] <= 1 and point.severity in _SEVERITIES[1:]
    except TypeError:
        ok = False
    if not ok:
        raise ConfigurationError(
            f"thresholds: [{name}] needs 0 < threshold <= alert_threshold <= 1 (alert_threshold may be left out) and "
            f"severity low, medium or high, and nothing else"
        )
    return point
