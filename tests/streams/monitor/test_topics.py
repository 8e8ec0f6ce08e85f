from __future__ import annotations

import math
import random
import warnings
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.streams.monitor.finding_batches import batches, scored
from watchline.schemas.codec import decode, encode
from watchline.schemas.records import MonitorState, MonitorTopics, ScoredInteraction
from watchline.streams.monitor.measures import measures
from watchline.streams.monitor.monitor import Monitor
from watchline.streams.monitor.state import pack, unpack
from watchline.streams.monitor.topics import (
    CENTRE,
    DIRECTIONS,
    LEARNED,
    LEAST_FENCE,
    MAX_DIMENSIONS,
    NOTHING,
    TOPICS,
    Looked,
    Topics,
)

DIMENSIONS = 24
SUBJECTS = 6


def question(rng: random.Random, subject: int, spread: float = 0.05) -> tuple[float, ...]:
    """One about a subject: all lie about a common centre, those of a subject nearer to each other."""
    vector = [rng.gauss(0, spread) for _ in range(DIMENSIONS)]
    vector[0] += 1
    vector[1 + subject] += 1
    length = math.hypot(*vector)
    return tuple(value / length for value in vector)


def questions(seed: int, count: int, shares: Sequence[float] = (1,) * SUBJECTS) -> list[tuple[float, ...]]:
    rng = random.Random(seed)
    return [question(rng, rng.choices(range(len(shares)), shares)[0]) for _ in range(count)]


def learned(vectors: Sequence[Sequence[float]]) -> Topics:
    topics = Topics()
    for vector in vectors:
        topics.look(vector)
    return topics


def stored(topics: Topics) -> Topics:
    """As it is after a restart: by way of the record's bytes."""
    state = MonitorState(version=1, centre_total=tuple(topics.total), centre_count=topics.count, topics=topics.state())
    read = decode(encode(state), MonitorState)
    return Topics(read.centre_total, read.centre_count, read.topics)


def test_what_is_known_grows_with_the_questions() -> None:
    topics = Topics()
    looked = [topics.look(vector) for vector in questions(0, LEARNED + 1)]
    assert looked[:CENTRE] == [NOTHING] * CENTRE
    assert all(each.distance is not None and not each.directions for each in looked[CENTRE:LEARNED])
    last = looked[LEARNED]
    assert last.distance is not None and len(last.directions) == DIRECTIONS
    assert last.topic is not None and last.is_new is False


def test_a_topic_for_each_subject() -> None:
    topics = learned(questions(1, LEARNED))
    rng = random.Random(2)
    found = [{topics.topic(question(rng, subject)) for _ in range(40)} for subject in range(SUBJECTS)]
    names = [name for names in found for name in names]
    assert len(names) == len(set(names)) <= TOPICS  # no topic of two subjects


def test_the_largest_topic_is_the_first() -> None:
    topics = learned(questions(3, LEARNED, (1, 1, 8)))
    found = [topics.topic(question(random.Random(4), subject)) for subject in range(3)]
    assert found[2] == "1" and "1" not in found[:2]


def test_directions_are_cosines_and_tell_subjects_apart() -> None:
    topics = learned(questions(5, LEARNED))
    rng = random.Random(6)
    means = []
    for subject in range(SUBJECTS):
        looked = [topics.look(question(rng, subject)).directions for _ in range(30)]
        assert all(abs(cosine) <= 1 for each in looked for cosine in each)
        means.append([sum(column) / len(column) for column in zip(*looked, strict=True)])
    for first in range(SUBJECTS):
        for second in range(first):
            assert max(abs(a - b) for a, b in zip(means[first], means[second], strict=True)) > 0.2


def test_what_is_unlike_all_first_questions_is_new() -> None:
    topics = learned(questions(7, LEARNED))
    rng = random.Random(8)
    known = [topics.look(question(rng, subject % SUBJECTS)).is_new for subject in range(500)]
    strange = [topics.look(question(rng, 15 + subject % 5)).is_new for subject in range(100)]
    assert sum(map(bool, known)) <= 15
    assert all(strange)


def test_few_strangers_among_the_first_do_not_hide_later_ones() -> None:
    first = questions(9, LEARNED)
    rng = random.Random(10)
    first[10::50] = [question(rng, 12 + n) for n in range(len(first[10::50]))]
    topics = learned(first)
    assert sum(bool(topics.look(question(rng, 20)).is_new) for _ in range(50)) >= 45


def test_only_the_direction_of_an_embedding_counts() -> None:
    vectors = questions(11, LEARNED + 5)
    rng = random.Random(12)
    longer = [
        tuple(value * factor for value in vector)
        for vector, factor in ((vector, 10 ** rng.uniform(-30, 30)) for vector in vectors)
    ]
    plain, scaled = learned(vectors[:LEARNED]), learned(longer[:LEARNED])
    for one, other in zip(vectors[LEARNED:], longer[LEARNED:], strict=True):
        a, b = plain.look(one), scaled.look(other)
        assert (a.topic, a.is_new) == (b.topic, b.is_new)
        assert b.directions == pytest.approx(a.directions, abs=1e-3)


@pytest.mark.parametrize("cut", [0, 1, CENTRE - 1, CENTRE, CENTRE + 1, LEARNED - 1, LEARNED, LEARNED + 1, 300])
def test_it_goes_on_from_what_is_stored(cut: int) -> None:
    vectors = questions(13, 330)
    whole, part = Topics(), Topics()
    expected = [whole.look(vector) for vector in vectors]
    found = [part.look(vector) for vector in vectors[:cut]]
    part = stored(part)
    found += [part.look(vector) for vector in vectors[cut:]]
    assert found == expected
    assert part.state() == whole.state()


def test_stored_after_each_question_it_learns_the_same() -> None:
    vectors = questions(14, LEARNED + 3)
    topics = Topics()
    for vector in vectors:
        topics.look(vector)
        topics = stored(topics)
    assert topics.state() == learned(vectors).state()


def test_it_is_deterministic() -> None:
    assert learned(questions(15, LEARNED)).state() == learned(questions(15, LEARNED)).state()


def test_a_state_from_before_topics_learns_them_from_the_next_questions() -> None:
    vectors = questions(16, CENTRE + LEARNED + 1)
    old = learned(vectors[:CENTRE])
    topics = Topics(tuple(old.total), old.count)
    looked = [topics.look(vector) for vector in vectors[CENTRE:]]
    assert all(each.distance is not None for each in looked)
    assert not looked[LEARNED - 1].directions and looked[LEARNED].directions


def test_the_state_is_small() -> None:
    rng = random.Random(17)
    vectors = [tuple(rng.gauss(0, 1) for _ in range(384)) for _ in range(LEARNED)]
    topics = learned(vectors[:-1])
    assert len(pack(MonitorState(version=1, topics=topics.state()))) < 100_000  # while it learns
    topics.look(vectors[-1])
    assert len(pack(MonitorState(version=1, topics=topics.state()))) < 13_000


def test_a_topic_costs_no_learning() -> None:
    vectors = questions(18, LEARNED)
    topics = learned(vectors[:-1])
    before = topics.state()
    assert topics.topic(vectors[-1]) is None
    assert topics.state() == before
    topics.look(vectors[-1])
    assert topics.topic(vectors[-1]) == stored(topics).topic(vectors[-1]) is not None


HOSTILE = {
    "nothing": (),
    "not a number": (math.nan,) * DIMENSIONS,
    "one that isn't": (math.nan, *(1.0,) * (DIMENSIONS - 1)),
    "infinite": (math.inf, *(0.0,) * (DIMENSIONS - 1)),
    "both infinities": (math.inf, -math.inf, *(0.0,) * (DIMENSIONS - 2)),
    "zero": (0.0,) * DIMENSIONS,
    "so large that its length has no number": (1e300,) * DIMENSIONS,
    "so small that its length is zero": (1e-300,) * DIMENSIONS,
    "too many numbers": (1.0,) * (MAX_DIMENSIONS + 1),
}


@pytest.mark.parametrize("vector", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("count", [0, 30, 100, LEARNED])
def test_an_embedding_without_a_direction_changes_nothing(vector: tuple[float, ...], count: int) -> None:
    topics = learned(questions(19, count))
    before = (tuple(topics.total), topics.count, topics.state())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert topics.look(vector) == NOTHING
        assert topics.topic(vector) is None
    assert (tuple(topics.total), topics.count, topics.state()) == before


def test_another_dimension_is_learned_anew() -> None:
    topics = learned(questions(20, LEARNED + 10))
    assert topics.topic((1.0, 0.0)) is None
    assert topics.look((1.0, 0.0)) == NOTHING
    assert (topics.count, len(topics.total)) == (1, 2)
    for number in range(LEARNED):
        looked = topics.look((1.0, number / LEARNED))
    assert looked.distance is not None and len(looked.directions) == 2


def test_one_question_over_and_over_is_one_topic() -> None:
    same, other = question(random.Random(21), 0), question(random.Random(22), 3)
    topics = learned([same] * LEARNED)
    topics = stored(topics)
    assert topics.look(same) == Looked(pytest.approx(0, abs=1e-6), (), 0, False)
    assert topics.look(other).is_new
    state = topics.state()
    assert state is not None and (state.directions, state.clusters, state.fence) == ((), (), LEAST_FENCE)


def test_few_questions_over_and_over_are_as_many_topics() -> None:
    rng = random.Random(23)
    buttons = [question(rng, subject) for subject in range(3)]
    topics = stored(learned([rng.choice(buttons) for _ in range(LEARNED)]))
    assert {topics.topic(button) for button in buttons} == {"1", "2", "3"}
    assert not any(topics.look(button).is_new for button in buttons)
    assert len(topics.look(buttons[0]).directions) == 2


def test_vectors_that_cancel_out_have_no_distance_but_topics() -> None:
    vectors = [(1.0, 0.0), (-1.0, 0.0)] * (LEARNED // 2)
    topics = learned(vectors)
    looked = topics.look((1.0, 0.0))
    assert looked.distance is None
    assert topics.topic((1.0, 0.0)) != topics.topic((-1.0, 0.0))


SPOILT = {
    "without a centre": MonitorTopics(rows=b"\x7f"),
    "half a row": MonitorTopics(rows=b"\x7f" * (DIMENSIONS + 1)),
    "a row of zeros": MonitorTopics(rows=bytes(DIMENSIONS)),
    "a row that reaches beyond": MonitorTopics(rows=b"\x80" * DIMENSIONS),
    "too many rows": MonitorTopics(rows=b"\x7f" * DIMENSIONS * LEARNED),
    "no number as fence": MonitorTopics(fence=math.nan),
    "an infinite fence": MonitorTopics(fence=math.inf),
    "too low a fence": MonitorTopics(fence=LEAST_FENCE / 2),
    "half a direction": MonitorTopics(directions=(0.5,), clusters=(0.5,), fence=1.0),
    "too many directions": MonitorTopics(directions=(0.5,) * DIMENSIONS * 9, clusters=(0.5,) * 9, fence=1.0),
    "directions without topics": MonitorTopics(directions=(0.5,) * DIMENSIONS, fence=1.0),
    "topics without directions": MonitorTopics(clusters=(0.5,), fence=1.0),
    "too many topics": MonitorTopics(directions=(0.5,) * DIMENSIONS, clusters=(0.5,) * 9, fence=1.0),
    "half a topic": MonitorTopics(directions=(0.5,) * DIMENSIONS * 2, clusters=(0.5,) * 3, fence=1.0),
    "directions too early": MonitorTopics(directions=(0.5,) * DIMENSIONS, clusters=(0.5,)),
    "a direction that is no number": MonitorTopics(directions=(math.nan,) * DIMENSIONS, clusters=(0.5,), fence=1.0),
    "a topic out of reach": MonitorTopics(directions=(0.5,) * DIMENSIONS, clusters=(1e30,), fence=1.0),
    "rows after all": MonitorTopics(
        rows=b"\x7f" * DIMENSIONS, directions=(0.5,) * DIMENSIONS, clusters=(0.5,), fence=1.0
    ),
}


@pytest.mark.parametrize("state", SPOILT.values(), ids=SPOILT.keys())
def test_a_state_that_is_not_valid_is_refused(state: MonitorTopics) -> None:
    total = () if state == SPOILT["without a centre"] else (1.0,) * DIMENSIONS
    with pytest.raises(ValueError, match="not a valid monitor state"):
        Topics(total, CENTRE if total else 0, state)


def test_topics_before_their_centre_are_refused() -> None:
    state = learned(questions(24, LEARNED)).state()
    with pytest.raises(ValueError, match="too early"):
        Topics((1.0,) * DIMENSIONS, CENTRE - 1, state)


def events(vectors: Sequence[tuple[float, ...]], **event: object) -> list[ScoredInteraction]:
    rng = random.Random(25)
    return [replace(scored(rng, n), prompt_embedding=vector, **event) for n, vector in enumerate(vectors)]  # type: ignore[arg-type]


def moved(items: Sequence[ScoredInteraction], monitor: Monitor | None = None) -> list[str]:
    monitor = monitor or Monitor()
    return [signal.measure for batch in batches(items) for signal in monitor.process(batch)]


@pytest.mark.parametrize("seed", range(2))
def test_a_changed_mix_of_subjects_is_seen(seed: int) -> None:
    """All subjects lie about equally far from the centre, so that distances hardly move."""
    vectors = questions(seed, 1_000) + questions(seed + 50, 700, (5, 1, 1, 1, 1, 1))
    found = moved(events(vectors))
    assert found[0].startswith("question_direction_") and "new_question" not in found


@pytest.mark.parametrize("seed", range(2))
def test_a_tenth_of_strangers_is_seen_as_new(seed: int) -> None:
    vectors = questions(seed, 1_000)
    rng = random.Random(seed)
    vectors += [question(rng, 15 + n % 5 if n % 10 == 0 else n % SUBJECTS) for n in range(1_000)]
    assert "new_question" in moved(events(vectors))


@pytest.mark.parametrize("seed", range(2))
def test_the_same_mix_gives_no_signal(seed: int) -> None:
    assert moved(events(questions(seed, 2_500))) == []


def test_versions_share_what_was_learned() -> None:
    """A version that is asked about other things differs from the one before in its questions."""
    items = events(questions(26, 500) + questions(27, 400, (5, 1, 1, 1, 1, 1)))
    items = [replace(item, prompt_version=str(1 + n // 500)) for n, item in enumerate(items)]
    monitor = Monitor()
    kinds = {
        (signal.kind, signal.measure.rpartition("_")[0])
        for batch in batches(items)
        for signal in monitor.process(batch)
    }
    assert ("prompt_version", "question_direction") in kinds


def test_a_monitor_keeps_its_topics_and_an_old_one_learns_them() -> None:
    items = events(questions(28, 600))
    monitor = Monitor()
    moved(items[:400], monitor)
    state = unpack(monitor.dump())
    assert state.topics is not None and state.topics.fence > 0
    loaded = Monitor.load(monitor.dump(), pytest.fail)
    assert loaded.dump() == monitor.dump()
    old = Monitor.load(pack(replace(state, topics=None)), pytest.fail)
    moved(items[400:], old)
    learning = unpack(old.dump()).topics
    assert learning is not None and len(learning.rows) == 200 * DIMENSIONS


def test_measures_have_names_and_scales() -> None:
    topics = learned(questions(29, LEARNED))
    (item,) = events(questions(30, 1))
    found = {measure.name: measure.bounded for measure in measures(item, topics)}
    assert found["new_question"] and not found["prompt_embedding"]
    directions = [name for name in found if name.startswith("question_direction_")]
    assert directions == [f"question_direction_{number}" for number in range(1, DIRECTIONS + 1)]
    assert not any(found[name] for name in directions)
