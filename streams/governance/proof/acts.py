"""The act that records a proof: what it must say, and the file of the report that it is about."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance.acts import NotAllowed

if TYPE_CHECKING:
    from watchline.streams.governance.fold import State
    from watchline.streams.query.run import Queries

PROVED = "proved"
_TARGET = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:00:00Z)/(\d{4}-\d\d-\d\dT\d\d:00:00Z)( app:.+)?", re.DOTALL)
_RECORDED = """SELECT position, toString(time) AS at, actor, target, details['unexplained'] AS unexplained
FROM v_governance WHERE accepted AND action = 'proved' AND details['sha256'] = {sha256:String}
ORDER BY position LIMIT 1"""


def _proved(state: State, event: GovernanceEvent, position: int) -> None:
    interval = _TARGET.fullmatch(event.target)
    if interval is None or interval[1] >= interval[2]:
        raise NotAllowed("what is proved is an interval of whole hours: FROM/TO, as `watchline prove` writes it")
    for name in ("rows", "unexplained"):
        if not re.fullmatch(r"\d{1,18}", event.details[name], re.ASCII):
            raise NotAllowed(f"{name} is no number")
    if not re.fullmatch("[0-9a-f]{64}", event.details["sha256"]):
        raise NotAllowed("sha256 is no SHA-256")
    try:
        explained = json.loads(event.details["explained"])
    except ValueError:
        explained = None
    if not isinstance(explained, dict):
        raise NotAllowed("explained is no JSON object of reasons")
    if not _are_times(event.details.get("blind", "[]")):
        raise NotAllowed("blind is no JSON list of topic, partition, from and to")
    state.proved[event.target] = position


def _are_times(blind: str) -> bool:
    try:
        found = json.loads(blind)
    except ValueError:
        return False
    return isinstance(found, list) and all(
        isinstance(each, list) and [*map(type, each)] == [str, int, str, str] for each in found
    )


CHANGES: Mapping[str, Callable[[State, GovernanceEvent, int], None]] = {PROVED: _proved}


def recorded(queries: Queries, file: Path) -> tuple[int, str]:
    """Where the trail has the report in a file, and in a sentence what it says of it.

    Raises ConfigurationError where the file is no report, or the trail has none with these bytes.
    """
    try:
        content = file.read_bytes()
        interval = "{from}/{to}".format_map(json.loads(content))
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"{file} is no report that `watchline prove --write` made") from None
    sha256 = hashlib.sha256(content).hexdigest()
    rows = queries.query(_RECORDED, {"sha256": sha256}).by_column
    if not rows:
        raise ConfigurationError(
            f"the audit trail has no report of {interval} with these bytes (SHA-256 {sha256}): it was changed, or "
            "never signed, or `watchline governance run` doesn't run"
        )
    (row,) = rows
    return int(row["position"]), (
        f"recorded at {row['position']} by {row['actor']}, {row['at']} UTC: {row['target']}, "
        f"{int(row['unexplained']):,} unexplained"
    )
