"""What apps get is what enough others have approved, whichever way an act comes into the log."""

from __future__ import annotations

import copy
import dataclasses
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.streams.governance.prompts.people import DAY, People
from watchline.schemas.records import PromptRelease
from watchline.streams.governance import signed, verifier
from watchline.streams.governance.acts import NotAllowed
from watchline.streams.governance.fold import Entry, Fold, State
from watchline.streams.governance.keys import Key
from watchline.streams.governance.prompts.releases import releases
from watchline.streams.governance.prompts.rules import CHANGES


@pytest.fixture
def people() -> People:
    return People()


def refused(entry: Entry) -> str:
    assert not entry.accepted
    return entry.reason


def test_from_a_draft_to_apps_and_back(people: People) -> None:
    people.live(1, "Answer {{question}}.")
    people.live(2, "Answer {{question}} for {{user}}.")
    assert (people.served.version, people.served.variables) == ("2", ("question", "user"))
    assert people.served.position == people.entries[-1].position and people.served.status == "live"
    assert people.place("olga", "rolled_back", 2).accepted
    assert (people.served.version, people.served.content) == ("1", "Answer {{question}}.")
    assert refused(people.place("olga", "rolled_back", 2)) == "version 2 is not live in prod"  # two at once
    assert "no version was live before it" in refused(people.place("olga", "rolled_back", 1))
    # What was approved before it was rolled back doesn't bring it back; who has looked again does.
    assert refused(people.place("olga", "promoted", 2)).startswith("0 of 1 approvals of this content by others")
    old = next(each for each in people.messages if each.offset == 11)
    assert refused(people.send(old.value)) == "it came before, at 11"  # the approval of then, written again
    assert people.approve("ben", 2).accepted and people.place("olga", "promoted", 2).accepted
    assert people.withdraw("olga", 2).accepted
    assert (people.served.status, people.served.content, people.served.version) == ("withdrawn", "", "2")
    assert refused(people.place("olga", "promoted", 2)).startswith("0 of 1")
    assert people.place("olga", "rolled_back", 2).accepted and people.served.version == "1"
    people.live(3, "Answer.")
    assert people.withdraw("olga", 1).accepted
    assert "no version was live before it" in refused(people.place("olga", "rolled_back", 3))


@pytest.mark.parametrize("by", ["promoted", "canaried", "emergency"])
def test_a_prompt_that_the_use_case_does_not_list_is_not_promoted(by: str, people: People) -> None:
    def tried(version: int) -> Entry:
        if by == "emergency":
            return people.emergency("olga", version)
        return people.place("olga", by, version, **({"share": "9"} if by == "canaried" else {}))

    def register(prompts: str) -> None:
        use_case = {"risk_class": "limited", "legal_basis": "contract", "prompts": prompts}
        assert people.use("paul", "use_case_registered", "shop", **use_case).accepted

    people.live(1, "one")
    people.draft("anna", "two")
    people.approve("ben", 2)
    register("greeting, farewell")
    assert refused(tried(2)) == "the use case of shop has the prompts greeting, farewell alone: register it anew"
    register("greeting, answer")
    assert tried(2).accepted


def test_every_way_of_an_author_is_refused_with_the_same_reason(people: People) -> None:
    people.draft("anna", "old")
    people.approve("ben", 1)
    people.place("olga", "promoted", 1)
    people.draft("paul", "own")  # an owner, who may approve and promote what others write
    written = people.made("paul", "prompt_promoted", "prompt:answer", app="shop", environment="prod", version=2)
    ways = [
        people.approve("paul", 2),
        people.send(written),
        people.send(people.messages[-1].value),  # a replay: it has not happened, so it is judged anew
        people.place("paul", "canaried", 2, share="10"),
    ]
    assert people.draft("paul", "own", kind="model").accepted
    ways += [people.approve("paul", 1, kind="model"), people.place("paul", "promoted", 1, kind="model")]
    assert {refused(entry)[:60] for entry in ways} == {"0 of 1 approvals of this content by others than its author: "}
    assert people.served.version == "1" and people.served.canary is None


def test_a_service_drafts_for_a_person_and_does_nothing_else(people: People) -> None:
    assert refused(people.draft("ci", "by robot")) == "a service says for whom it drafts"
    assert refused(people.draft("ci", "by robot", for_="nobody")) == "no person nobody is registered"
    assert refused(people.draft("ci", "by robot", for_="ci")) == "no person ci is registered"
    assert people.draft("ci", "by robot", for_="cleo").accepted
    assert refused(people.approve("cleo", 1)).startswith("0 of 1")  # it was written for her
    robot = "a service may draft and nothing else; its approvals never count"
    assert refused(people.approve("ci", 1)) == robot
    assert people.approve("ben", 1).accepted
    assert refused(people.place("ci", "promoted", 1)) == robot
    assert people.place("olga", "promoted", 1).accepted
    before = people.served
    assert {refused(people.withdraw("ci", 1)), refused(people.place("ci", "rolled_back", 1))} == {robot}
    live_at_once = people.made("anna", "prompt_drafted", "prompt:answer", app="shop", version=2, text="now")
    live_at_once = signed.sign(people_event(live_at_once, status="live"), people.keys["anna"], people.roots.log)
    assert refused(people.send(live_at_once)).startswith("prompt_drafted has no detail status")
    assert people.served == before


def people_event(event: Any, **details: str) -> Any:
    return dataclasses.replace(event, details={**event.details, **details}, signatures={})


def test_one_person_counts_once_whatever_the_key_and_the_spelling() -> None:
    people = People("high")
    people.draft("anna", "careful")
    for holder in ("BEN", "\uff42\uff45\uff4e ", "ben"):
        key = Key.new()
        assert people.register(key, holder, "approver").accepted
        event = people.made("ben", "prompt_approved", "prompt:answer", app="shop", version=1)
        event = people.act("prompt_approved", "prompt:answer", holder, key, details={"app": "shop"},
                           version="1", content_hash=event.content_hash)  # fmt: skip
        assert people.send(event).accepted
    assert people.approve("ben", 1).accepted  # and on another machine
    assert refused(people.place("olga", "promoted", 1)).startswith("1 of 2 approvals")
    assert people.approve("cleo", 1).accepted and people.place("olga", "promoted", 1).accepted


@pytest.mark.parametrize("spelling", ["ANNA", "anna ", "a\u200bnna"])
def test_an_author_is_known_by_another_key_and_spelling(spelling: str, people: People) -> None:
    key = Key.new()
    people.register(key, spelling, "approver")
    people.draft("anna", "own")
    digest = people.item.version(1).content_hash
    own = people.act("prompt_approved", "prompt:answer", spelling, key, details={"app": "shop"}, version="1",
                     content_hash=digest)  # fmt: skip
    assert refused(people.send(own)).startswith("0 of 1")


def test_approvals_are_of_one_content_and_of_no_later_one() -> None:
    people = People("high")
    people.draft("anna", "Answer.")
    assert people.approve("ben", 1).accepted and people.approve("paul", 1).accepted
    assert people.draft("anna", "Answer. ").accepted
    assert refused(people.place("olga", "promoted", 2)).startswith("0 of 2")
    other = people.made("olga", "prompt_promoted", "prompt:answer", app="shop", environment="prod", version=1,
                        text="Answer. ")  # fmt: skip
    assert "version 1 has other content" in refused(people.send(other))
    assert refused(people.draft("cleo", "Answer.")) == "version 1 has this content"  # no new author for it
    assert people.place("olga", "promoted", 1).accepted


def test_numbers_are_the_logs_and_nothing_else_is_a_version(people: People) -> None:
    people.draft("anna", "one")
    late = people.use("anna", "prompt_drafted", "prompt:answer", app="shop", version=1, text="two")
    assert refused(late) == "the next version is 2, and this says 1"
    for named in ("latest", "01", "1 ", "²", ""):
        event = people.act("prompt_approved", "prompt:answer", "ben", people.keys["ben"], details={"app": "shop"},
                           version=named, content_hash=people.item.version(1).content_hash)  # fmt: skip
        assert refused(people.send(event)) == f"{named!r} is no whole number"
    assert refused(people.approve("ben", 2)) == "there is no version 2 yet"


def test_the_stricter_policy_of_then_and_now_holds(people: People) -> None:
    assert people.policy("app:shop", approvals="2").accepted
    people.draft("anna", "pending")
    people.approve("ben", 1)
    assert people.policy("app:shop", approvals="1", days="7").accepted
    reason = refused(people.place("olga", "promoted", 1))
    assert reason.startswith("1 of 2 approvals of this content") and "(2 were needed before, 1 now)" in reason
    people.approve("cleo", 1)
    people.time += 8 * DAY  # the shorter of both times holds too
    assert refused(people.place("olga", "promoted", 1)).startswith("0 of 2")
    people.approve("cleo", 1)
    people.approve("ben", 1)
    assert people.place("olga", "promoted", 1).accepted
    people.draft("anna", "later")
    people.policy("class:limited", approvals="3")  # the app's own goes before
    people.approve("ben", 2)
    assert people.place("olga", "promoted", 2).accepted
    for target, approvals in (("app:", "1"), ("class:none", "1"), ("app:shop", "0"), ("app:shop", "ten")):
        assert not people.policy(target, approvals=approvals).accepted
    alone = people.act("approval_policy_set", "app:shop", "olga", people.keys["olga"], details={"approvals": "1"})
    assert refused(people.send(alone)) == "0 of 1 root keys have signed it"
    assert [*verifier.faults(people.json(), [], people.roots.as_json)] == []


def test_approvals_end_after_thirty_days(people: People) -> None:
    people.draft("anna", "slow")
    people.approve("ben", 1)
    people.time += 30 * DAY + 1
    assert refused(people.place("olga", "promoted", 1)).startswith("0 of 1")
    people.approve("ben", 1)
    people.time += 30 * DAY
    assert people.place("olga", "promoted", 1).accepted


def test_rights_are_judged_again_and_history_stays(people: People) -> None:
    people.live(1, "one")
    people.draft("anna", "two")
    people.approve("ben", 2)
    before = people.served, people.json()
    assert people.revoke("ben").accepted
    assert (people.served, people.json()[:-1]) == before
    assert refused(people.place("olga", "promoted", 2)).startswith("0 of 1")
    again = Fold(people.roots)
    assert [again.take(each.value, each.time).hash for each in people.messages] == [e.hash for e in people.entries]


def test_an_emergency_is_one_persons_and_is_reviewed_by_another(people: People) -> None:
    people.live(1, "one")
    people.draft("olga", "quick")
    people.draft("anna", "quicker")
    for reason in (" ", "\u200b", "..."):
        assert refused(people.emergency("olga", 2, reason)) == "an emergency has a reason"
    assert "needs reason" in refused(people.send(without_a_reason(people)))
    assert "may not" in refused(people.emergency("ben", 2))
    assert people.emergency("olga", 2).accepted and people.served.version == "2"
    assert (
        refused(people.emergency("olga", 3)) == "nobody has reviewed the emergency before yet: prompt:answer version 2"
    )
    assert people.fold.state.prompts.emergencies["shop"].since == people.time
    assert refused(people.review("olga", 2)) == "another person reviews it than who promoted or wrote it"
    assert refused(people.review("ben", 1)) == "there is no such emergency that waits for a review"
    assert people.review("ben", 2).accepted
    assert people.emergency("olga", 3).accepted
    assert people.review("ben", 3).accepted and people.withdraw("olga", 2).accepted
    assert "was withdrawn" in refused(people.emergency("olga", 2))


def without_a_reason(people: People) -> Any:
    event = people.made("olga", "emergency_promoted", "prompt:answer", app="shop", environment="prod", version=2,
                        reason="x")  # fmt: skip
    event = dataclasses.replace(event, details={**event.details, "reason": ""}, signatures={})
    return signed.sign(event, people.keys["olga"], people.roots.log)


def test_a_canary_keeps_its_salt_while_its_share_changes(people: People) -> None:
    people.draft("anna", "first")
    people.approve("ben", 1)
    assert "no version is live in prod" in refused(people.place("olga", "canaried", 1, share="10"))
    people.place("olga", "promoted", 1)
    people.draft("anna", "second")
    assert refused(people.place("olga", "canaried", 2, share="10")).startswith("0 of 1")
    people.approve("ben", 2)
    for share in ("-1", "100", "1.5", "010"):
        assert not people.place("olga", "canaried", 2, share=share).accepted
    salts = set()
    for share in ("10", "30", "5"):
        assert people.place("olga", "canaried", 2, share=share).accepted
        assert people.served.canary is not None and people.served.canary.share == float(share)
        salts.add(people.served.canary.salt)
    assert len(salts) == 1 and people.served.version == "1" and people.served.canary.content == "second"
    people.revoke("ben")
    assert people.place("olga", "canaried", 2, share="4").accepted  # fewer may always
    assert refused(people.place("olga", "canaried", 2, share="6")).startswith("0 of 1")
    assert people.place("olga", "canaried", 2, share="0").accepted and people.served.canary is None
    assert refused(people.place("olga", "canaried", 2, share="0")) == "version 2 is no canary in prod"


def test_a_renamed_prompt_has_one_history_under_both_names(people: People) -> None:
    people.live(1, "one")

    def rename(old: str, new: str, first: str = "answer") -> Entry:
        return people.use("olga", "prompt_renamed", f"prompt:{old}", app="shop", name=new, first=first)

    assert rename("answer", "reply", first="reply").reason == "it was first called answer"
    assert rename("answer", "reply").accepted
    assert people.draft("anna", "two", name="reply").accepted  # the second version, and not another first
    assert people.approve("ben", 2).accepted and people.place("olga", "promoted", 2).accepted  # by the old name too
    both = releases(people.fold.state, people.contents)
    assert [(each.name, each.version, each.names) for each in both] == [
        ("answer", "2", ("answer", "reply")), ("reply", "2", ("answer", "reply"))
    ]  # fmt: skip
    people.draft("anna", "other", name="greet")
    assert refused(rename("reply", "greet")) == "there is a prompt greet already"
    assert refused(rename("reply", "repl\u0443")).startswith("a name has")
    assert rename("reply", "answer").accepted and people.item.names == ("reply", "answer")


def test_an_older_commit_is_not_drafted_after_a_newer_one(people: People) -> None:
    git = {"source": "git", "commit": "c"}
    assert people.draft("anna", "of 42", revision="42", **git).accepted
    older = people.draft("anna", "of 41", revision="41", **git)
    assert refused(older) == "it is of revision 41, and 42 was drafted before"
    assert people.draft("anna", "by hand").accepted
    assert people.draft("anna", "of 43", revision="43", **git).accepted


def test_each_environment_is_its_own(people: People) -> None:
    people.live(1, "one")
    people.draft("anna", "two")
    people.approve("ben", 2)
    assert people.place("olga", "promoted", 2, environment="test").accepted
    assert {each.environment: each.version for each in releases(people.fold.state, people.contents)} == {
        "prod": "1", "test": "2"
    }  # fmt: skip
    assert refused(people.place("olga", "rolled_back", 2)) == "version 2 is not live in prod"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("model:answer", "the target is prompt:NAME"),
        ("answer", "the target is prompt:NAME"),
        ("prompt:", "a name has 1 to 200 characters"),
        ("prompt:answer\u200b", "a name has 1 to 200 characters"),
        ("prompt:\u0430nswer", "a name has 1 to 200 characters"),
    ],
)
def test_what_a_draft_is_of_must_be_clear(target: str, reason: str, people: People) -> None:
    entry = people.use("anna", "prompt_drafted", target, app="shop", version=1, text="x")
    assert refused(entry).startswith(reason)
    unknown = people.use("anna", "prompt_drafted", "prompt:answer", app="shoop", version=1, text="x")
    assert refused(unknown) == "no app shoop is registered: use_case_registered comes first"


def test_any_order_of_acts_ends_in_one_state_that_is_never_live_and_withdrawn() -> None:
    """A thousand of them, folded by two readers: the rules alone, since signatures were checked above."""
    people = People()
    people.live(1, "one")
    people.draft("anna", "two")
    start = people.fold.state
    do: Callable[..., Any] = people.made
    place = {"app": "shop", "environment": "prod"}
    acts = [
        do("ben", "prompt_approved", "prompt:answer", app="shop", version=2),
        do("cleo", "prompt_approved", "prompt:answer", app="shop", version=2),
        do("olga", "prompt_promoted", "prompt:answer", version=2, **place),
        do("paul", "prompt_promoted", "prompt:answer", version=2, **place),
        do("olga", "prompt_promoted", "prompt:answer", version=1, **place),
        do("olga", "prompt_canaried", "prompt:answer", version=2, share="10", **place),
        do("olga", "prompt_rolled_back", "prompt:answer", version=2, **place),
        do("olga", "prompt_withdrawn", "prompt:answer", app="shop", version=2),
        do("olga", "prompt_withdrawn", "prompt:answer", app="shop", version=1),
        do("olga", "emergency_promoted", "prompt:answer", version=2, reason="why", **place),
        do("olga", "prompt_renamed", "prompt:answer", app="shop", name="reply", first="answer"),
    ]
    rng = random.Random(1)
    served = set()
    for _ in range(1_000):
        order = rng.sample(acts, rng.randint(3, len(acts)))
        first, second = (folded(start, order, people) for _ in range(2))
        assert first == second
        served.add((first[0].status, first[0].version, first[0].canary is not None))
    assert {("live", "1", False), ("live", "2", False), ("withdrawn", "2", False), ("live", "1", True)} <= served


def folded(start: State, order: list[Any], people: People) -> list[PromptRelease]:
    state, latest = dataclasses.replace(start, prompts=copy.deepcopy(start.prompts)), -1
    for position, event in enumerate(order, 100):
        before = repr(state.prompts)
        try:
            CHANGES[event.action](state, event, position)
        except NotAllowed:
            assert repr(state.prompts) == before  # a refusal changes nothing
        item = state.prompts.items["prompt", "shop", "answer"]
        for found in item.places.values():
            assert not (found.live and item.version(found.live).withdrawn)
            assert not (found.canary and (item.version(found.canary.version).withdrawn or not found.live))
            assert found.position >= latest or found.position == -1
            latest = found.position
    return releases(state, people.contents)
