"""The boards."""

from __future__ import annotations

from watchline.dashboards.definitions import Board


def all_boards() -> tuple[Board, ...]:
    """All boards, in the order of the navigation."""
    return ()
