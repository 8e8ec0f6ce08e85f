"""Pushes the boards to a Grafana that isn't provisioned by files, and says how its boards differ from ours.

Data source, alert rules and contact points are files only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from watchline.dashboards import grafana
from watchline.schemas.errors import ConfigurationError, TransientError
from watchline.schemas.extras import how_to_install

FOLDER = {"title": "Watchline", "uid": "watchline"}


# What Grafana adds or counts itself.
_ITS_OWN = ("id", "version")
T = TypeVar("T")


def publish(url: str, token: str, page_url: str = "") -> list[str]:
    """Creates or overwrites every board in the folder «Watchline» and returns their addresses.

    Parameters
    ----------
    url : of the Grafana, with its path where it has one
    token : of a service account that may edit dashboards
    page_url : of Watchline's own page, to which panels then lead too

    Raises ConfigurationError where Grafana refuses or the extra `grafana` isn't installed, TransientError where it
    can't be reached or is in trouble.
    """

    def push(face: Any) -> list[str]:
        if FOLDER["uid"] not in {folder["uid"] for folder in face.folder.get_all_folders()}:
            face.folder.create_folder(**FOLDER)
        pushed = [face.dashboard.update_dashboard(_payload(board)) for board in _boards(page_url).values()]
        parts = urlsplit(url)
        return [f"{parts.scheme}://{parts.netloc}{board['url']}" for board in pushed]

    return _ask(url, token, push)


def diff(url: str, token: str, page_url: str = "") -> list[str]:
    """How that Grafana's boards differ from ours, a line for each difference. Raises what `publish` raises."""

    def compare(face: Any) -> list[str]:
        from grafana_api.grafana_api import GrafanaClientError

        lines: list[str] = []
        for uid, ours in _boards(page_url).items():
            try:
                theirs = face.dashboard.get_dashboard(uid)["dashboard"]
            except GrafanaClientError as error:
                if error.status_code != 404:
                    raise
                lines.append(f"{uid}: is not there")
                continue
            lines += _differences(uid, ours, theirs)
        return lines

    return _ask(url, token, compare)


def _boards(page_url: str) -> Mapping[str, dict[str, Any]]:
    files = grafana.files(page_url)
    boards = [json.loads(text) for name, text in files.items() if name.startswith("boards/")]
    return {board["uid"]: board for board in boards}


def _ask(url: str, token: str, what: Callable[[Any], T]) -> T:
    try:
        from grafana_api.grafana_api import GrafanaClientError, GrafanaServerError
        from grafana_api.grafana_face import GrafanaFace
    except ImportError:
        raise ConfigurationError(f"publishing boards needs the extra `grafana`; {how_to_install('grafana')}") from None

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"Grafana's address {url!r}: must be http://HOST or https://HOST")
    path = parts.path.strip("/")
    face = GrafanaFace(
        auth=token,
        host=parts.hostname,
        port=parts.port,
        protocol=parts.scheme,
        url_path_prefix=f"{path}/" if path else "",
        timeout=10,
    )
    try:
        return what(face)
    except GrafanaClientError as error:
        raise ConfigurationError(f"Grafana at {url} refuses: {error.message}") from None
    except (GrafanaServerError, OSError) as error:
        raise TransientError(f"Grafana at {url} is not reachable or in trouble: {type(error).__name__}") from error


def _payload(board: dict[str, Any]) -> dict[str, Any]:
    return {"dashboard": board, "folderUid": FOLDER["uid"], "overwrite": True, "message": "watchline"}


def _differences(uid: str, ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """By panel, and all else of a board by its key."""
    mine, other = ({panel["id"]: panel for panel in board["panels"]} for board in (ours, theirs))
    lines = [f"{uid}: panel «{mine[number]['title']}» is not there" for number in sorted(mine.keys() - other.keys())]
    lines += [f"{uid}: panel «{other[number]['title']}» is not ours" for number in sorted(other.keys() - mine.keys())]
    lines += [
        f"{uid}: panel «{mine[number]['title']}» is another"
        for number in sorted(mine.keys() & other.keys())
        if mine[number] != other[number]
    ]
    lines += [
        f"{uid}: {key} is another"
        for key in ours
        if key != "panels" and key not in _ITS_OWN and ours[key] != theirs.get(key)
    ]
    return lines
