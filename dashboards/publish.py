"""Pushes the boards to a Grafana that isn't provisioned by files. Data source and alert rules are files only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from watchline.schemas.errors import ConfigurationError, TransientError
from watchline.schemas.extras import how_to_install

BOARDS = Path(__file__).parent / "boards"
FOLDER = {"title": "Watchline", "uid": "watchline"}


def publish(url: str, token: str) -> list[str]:
    """Creates or overwrites every board in the folder «Watchline» and returns their addresses.

    Parameters
    ----------
    url : of the Grafana, with its path where it has one
    token : of a service account that may edit dashboards

    Raises ConfigurationError where Grafana refuses or the extra `grafana` isn't installed, TransientError where it
    can't be reached or is in trouble.
    """
    try:
        from grafana_api.grafana_api import GrafanaClientError, GrafanaServerError
        from grafana_api.grafana_face import GrafanaFace
    except ImportError:
        raise ConfigurationError(f"publishing boards needs the extra `grafana`; {how_to_install('grafana')}") from None

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"Grafana's address {url!r}: must be http://HOST or https://HOST")
    path = parts.path.strip("/")
    grafana = GrafanaFace(
        auth=token,
        host=parts.hostname,
        port=parts.port,
        protocol=parts.scheme,
        url_path_prefix=f"{path}/" if path else "",
        timeout=10,
    )
    try:
        _ensure_folder(grafana)
        pushed = [grafana.dashboard.update_dashboard(_payload(file)) for file in sorted(BOARDS.glob("*.json"))]
    except GrafanaClientError as error:
        raise ConfigurationError(f"Grafana at {url} refuses: {error.message}") from None
    except (GrafanaServerError, OSError) as error:
        raise TransientError(f"Grafana at {url} is not reachable or in trouble: {type(error).__name__}") from error
    return [f"{parts.scheme}://{parts.netloc}{board['url']}" for board in pushed]


def _ensure_folder(grafana: Any) -> None:
    if FOLDER["uid"] not in {folder["uid"] for folder in grafana.folder.get_all_folders()}:
        grafana.folder.create_folder(**FOLDER)


def _payload(file: Path) -> dict[str, Any]:
    board = json.loads(file.read_text(encoding="utf-8"))
    return {"dashboard": board, "folderUid": FOLDER["uid"], "overwrite": True, "message": "watchline"}
