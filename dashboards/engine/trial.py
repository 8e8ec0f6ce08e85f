"""Rules tried once, without waiting: what would be told now, and why the others are silent."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from watchline.dashboards.definitions import Rule
from watchline.dashboards.engine import evaluator, standing
from watchline.dashboards.engine.book import Book
from watchline.dashboards.engine.engine import Engine
from watchline.dashboards.engine.evaluator import Queries
from watchline.dashboards.engine.journal import MemoryJournal
from watchline.dashboards.engine.notification import Addresses, Message, compose
from watchline.schemas.errors import WatchlineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of a rule that was tried.

    Parameters
    ----------
    rule : Rule
    fault : str
        Why it can't fire, or why its query failed; empty where it is sound.
    took_s : float
        How long its queries took.
    messages : tuple of Message
        What people would be told.
    silent : str
        Why it is silent, in words; empty where it isn't.
    """

    rule: Rule
    fault: str = ""
    took_s: float = 0.0
    messages: tuple[Message, ...] = ()
    silent: str = ""


def at_once(rules: Iterable[Rule], queries: Queries, at: datetime) -> Book:
    """What the engine makes of rules at a time, had none of them to wait."""
    waitless = [replace(rule, for_s=0) for rule in rules]
    engine = Engine(rules=lambda: waitless, queries=queries, journal=MemoryJournal(), clock=lambda: at)
    engine.tick()
    return engine.book


def told(rules: Iterable[Rule], queries: Queries, at: datetime, addresses: Addresses) -> list[Message]:
    """What people would be told at a time, a message an incident."""
    incidents = at_once(rules, queries, at).incidents.values()
    return [
        compose(each, "began", each.lasting, delivery="", at=at.timestamp(), addresses=addresses) for each in incidents
    ]


def tried(rule: Rule, queries: Queries, at: datetime, addresses: Addresses) -> Trial:
    """Tries one rule: whether it is sound, whether its queries run, and what it says or why it says nothing."""
    if faults := evaluator.faults(rule):
        return Trial(rule=rule, fault=f"refused: {'; '.join(faults)}")
    began = time.monotonic()
    try:
        complete = evaluator.watermark(queries, at)
    except (WatchlineError, OSError) as error:
        return Trial(rule=rule, fault=f"the watermark can't be asked for: {error}")
    evaluation = evaluator.evaluate(rule, queries, at, complete)
    took_s = time.monotonic() - began
    if evaluation.outcome.failure:
        return Trial(rule=rule, fault=evaluation.outcome.failure, took_s=took_s)
    messages = tuple(told([rule], queries, at, addresses))
    if messages:
        return Trial(rule=rule, took_s=took_s, messages=messages)
    start, end = (None if each is None else each.timestamp() for each in (evaluation.start, evaluation.end))
    silent = standing.silent(standing.measured(rule, evaluation.outcome), start, end, addresses.zone)
    return Trial(rule=rule, took_s=took_s, silent=silent)
