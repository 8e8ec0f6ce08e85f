"""Boards and rules as the files that Grafana is provisioned with: what a team with Grafana gets of the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from watchline.dashboards.alert_rules import all_rules
from watchline.dashboards.boards import all_boards
from watchline.dashboards.grafana import boards, contacts, rules

FOLDER = Path(__file__).parents[1] / "provisioning"
_WRITTEN = "# Written by `watchline dashboards write` from {}: change it there.\n"


def files(page_url: str = "") -> Mapping[str, str]:
    """Every file by its path below `provisioning/`.

    Parameters
    ----------
    page_url : str
        Of Watchline's own page, to which panels then lead too.
    """
    written = {}
    for board in all_boards():
        written[f"boards/{board.uid}.json"] = _json(boards.board(board, all_boards(), page_url))
    written[f"boards/{boards.EVENTS_UID}.json"] = _json(boards.events(all_boards(), page_url))
    for name, document in rules.documents(all_rules()).items():
        written[f"alerting/{name}.yaml"] = _yaml(document, "dashboards/alert_rules/")
    for name, document in contacts.documents().items():
        written[f"channels/{name}.yaml"] = _yaml(document, "dashboards/grafana/contacts.py")
    return written


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that SQL can be read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _yaml(document: object, source: str) -> str:
    return _WRITTEN.format(source) + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
