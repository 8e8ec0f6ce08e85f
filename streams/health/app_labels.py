"""The names of apps as a label of metrics and in logs: few and plain, whatever is sent as a name."""

from __future__ import annotations

import re

from watchline.schemas.identifiers import is_identifier

MOST_APPS = 100
UNKNOWN, OTHER = "unknown", "other"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


class AppLabels:
    """Gives each app its label.

    The first `MOST_APPS` names stand for themselves, where they are identifiers of up to 64 letters, digits and
    `._:/-`. The others share one label, and so do events whose app can't be read. What each app sent is in the views.

    Examples
    --------
    >>> labels = AppLabels()
    >>> labels.label("support-bot"), labels.label("Jane Doe"), labels.label("")
    ('support-bot', 'other', 'unknown')
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def label(self, app: str) -> str:
        """The label of an app."""
        if not app:
            return UNKNOWN
        if app not in self._known:
            if len(self._known) == MOST_APPS or not (_PLAIN.fullmatch(app) and is_identifier(app, version=True)):
                return OTHER
            self._known.add(app)
        return app
