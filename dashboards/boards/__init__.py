"""The boards, each read in ten seconds at night: what is wrong now on top, then where, then since when."""

from __future__ import annotations

from watchline.dashboards.boards import compliance, overview, pipeline, prompts, quality
from watchline.dashboards.definitions import Board


def all_boards() -> tuple[Board, ...]:
    """Every board, the first one first."""
    return (overview.BOARD, quality.BOARD, prompts.BOARD, pipeline.BOARD, compliance.BOARD)
