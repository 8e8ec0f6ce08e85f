"""Whom Grafana tells, and when: a file for each channel, and the policy.

Addresses are read from Grafana's environment. A channel whose address isn't there must not be in its files, or Grafana
doesn't start: `docker-compose.yml` gives it those that have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONTACT_POINT = "Watchline"
# By channel: the variable that has its address.
VARIABLES = {
    "webhook": "WATCHLINE_WEBHOOK_URL",
    "slack": "WATCHLINE_SLACK_URL",
    "pagerduty": "WATCHLINE_PAGERDUTY_KEY",
    "email": "WATCHLINE_ALERT_EMAIL",
}
_TITLE = "{{ .CommonLabels.alertname }}: {{ len .Alerts.Firing }} firing, {{ len .Alerts.Resolved }} resolved"
_LINES = (
    "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.description }}\n"
    "{{ .PanelURL }}\n{{ .Annotations.runbook_url }}\n\n{{ end }}"
)


def documents() -> Mapping[str, dict[str, Any]]:
    """The files: one for each channel, and `policies`."""
    settings: dict[str, dict[str, Any]] = {
        "webhook": {"url": "$WATCHLINE_WEBHOOK_URL", "httpMethod": "POST"},
        "slack": {"url": "$WATCHLINE_SLACK_URL", "title": _TITLE, "text": _LINES},
        "pagerduty": {
            "integrationKey": "$WATCHLINE_PAGERDUTY_KEY",
            "severity": "{{ .CommonLabels.severity }}",
            "summary": _TITLE,
        },
        "email": {"addresses": "$WATCHLINE_ALERT_EMAIL", "singleEmail": True, "subject": _TITLE, "message": _LINES},
    }
    return {**{name: _channel(name, settings[name]) for name in VARIABLES}, "policies": _policies()}


def _channel(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    receiver = {"uid": f"watchline-{name}", "type": name, "settings": settings, "disableResolveMessage": False}
    return {"apiVersion": 1, "contactPoints": [{"orgId": 1, "name": CONTACT_POINT, "receivers": [receiver]}]}


def _policies() -> dict[str, Any]:
    """One notification a cause: what is wrong in an app is told of together, but for harm."""
    return {
        "apiVersion": 1,
        "policies": [
            {
                "orgId": 1,
                "receiver": CONTACT_POINT,
                "group_by": ["about", "app", "environment"],
                "group_wait": "30s",
                "group_interval": "5m",
                "repeat_interval": "12h",
                "routes": [
                    {
                        "receiver": CONTACT_POINT,
                        "object_matchers": [["severity", "=", "critical"]],
                        "group_wait": "5s",
                        "group_interval": "1m",
                        "repeat_interval": "1h",
                    }
                ],
            }
        ],
    }
