"""The page: boards, events, alerts and SQL in a browser, served by this machine to the people on it."""

from __future__ import annotations

from watchline.dashboards.page.server import Settings, serving

__all__ = ["Settings", "serving"]
