"""The attacks, by name, and the drill that plays them one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from watchline.streams.governance.drill import into_log, into_prompts, into_store, into_trail
from watchline.streams.governance.drill.answer import Answer, Word
from watchline.streams.governance.drill.world import World

Attack = Callable[[World], Answer]
GOOD: tuple[Word, ...] = ("stopped", "named", "unproven")

ATTACKS: Mapping[str, Attack] = {
    attack.__name__.replace("_", "-"): attack
    for attack in (
        into_log.forge,
        into_log.forge_signature,
        into_log.borrow_name,
        into_log.self_approve,
        into_log.promote_unapproved,
        into_log.replay_approval,
        into_log.move_approval,
        into_log.approve_for_other_log,
        into_log.register_own_key,
        into_log.swap_key,
        into_log.replace_roots,
        into_trail.edit,
        into_trail.swap_stored_key,
        into_trail.delete,
        into_trail.reorder,
        into_trail.truncate,
        into_trail.truncate_after_anchor,
        into_trail.rewrite_tail,
        into_trail.accept_rejected,
        into_trail.overwrite,
        into_trail.overwrite_by_version,
        into_trail.forge_anchor,
        into_store.read_raw_text,
        into_store.read_past_views,
        into_store.read_as_user,
        into_store.replay_raw,
        into_store.redeliver,
        into_store.from_backup,
        into_store.insert_from_backup,
        into_store.unhide_from_backup,
        into_store.hide_event,
        into_store.forge_tombstone,
        into_store.drop_tombstones,
        into_prompts.serve_forged,
        into_prompts.serve_self_signed,
        into_prompts.swap_content,
        into_prompts.serve_older,
        into_prompts.empty_prompt,
    )
}


class Played(NamedTuple):
    """An attack that was played, what answered it, and how long both took, in seconds."""

    attack: str
    answer: Answer
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether it was stopped or named, or is said to be unproven."""
        return self.answer.word in GOOD

    @property
    def row(self) -> list[object]:
        """Of a table: the attack, what became of it, by what, in its words, and the seconds."""
        return [self.attack, *self.answer, round(self.seconds, 2)]

    @property
    def does(self) -> str:
        """What the attack does, and what must answer it."""
        return " ".join((ATTACKS[self.attack].__doc__ or "").split())


def play(world: World, names: Iterable[str] = ATTACKS) -> Iterator[Played]:
    """Plays attacks, each on a system that is whole.

    Parameters
    ----------
    world : World
    names : iterable of str
        Of `ATTACKS`.
    """
    for name in names:
        started = time.monotonic()
        if faults := world.faults():
            answer = Answer("failed", "audit verify", f"the trail was not whole before: {faults[0]}")
        else:
            try:
                answer = ATTACKS[name](world)
            except Exception as error:  # of any kind: the others are still played, and this one counts as unnoticed
                answer = Answer("failed", "the drill", f"{type(error).__name__}: {str(error)[:200]}")
        played = Played(name, answer, time.monotonic() - started)
        world.mend()
        yield played
