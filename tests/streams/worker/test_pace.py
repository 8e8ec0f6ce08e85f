from __future__ import annotations

from watchline.streams.worker.pace import FIRST_BATCH_BYTES, MOST_FASTER, Pace


def test_the_first_batch_is_small() -> None:
    assert Pace(2.0, 1 << 30).next_bytes == FIRST_BATCH_BYTES


def test_a_batch_is_as_large_as_the_last_one_says() -> None:
    pace = Pace(2.0, 1 << 30)
    for size, seconds, expected in ((16_000, 0.16, 200_000), (200_000, 8.0, 50_000), (50_000, 0.05, 2_000_000)):
        pace.batch_took(size, seconds, scored=True)
        assert pace.next_bytes == expected


def test_batches_that_are_hardly_scored_grow_and_no_further_than_scored_ones_could_take_in_time() -> None:
    """A flood beyond its budget, or of poison, that is read in batches of the first size holds up everybody."""
    pace = Pace(2.0, 1 << 30)
    pace.batch_took(10_000, 0.02, scored=False)
    assert pace.next_bytes == MOST_FASTER * FIRST_BATCH_BYTES
    pace.batch_took(100_000, 1.0, scored=True)
    pace.batch_took(200_000, 1.0, scored=False)
    assert pace.next_bytes == 400_000
    for _ in range(3):
        pace.batch_took(400_000, 0.02, scored=False)
        assert pace.next_bytes == MOST_FASTER * 200_000


def test_what_takes_longer_makes_the_next_one_smaller_scored_or_not() -> None:
    pace = Pace(2.0, 1 << 30)
    pace.batch_took(100_000, 1.0, scored=True)
    pace.batch_took(100_000, 4.0, scored=False)
    assert pace.next_bytes == 50_000
