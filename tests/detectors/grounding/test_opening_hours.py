import pytest

from watchline.detectors.grounding.opening_hours import CLOSED, DAYS, OPEN, claimed, extent, stated

WEEK = dict.fromkeys(DAYS, "9:00-6:00")


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Open on Monday from 9 AM to 5:30 PM.", {"monday": "9:00-5:30"}),
        ("Tuesday: 10am - 6pm", {"tuesday": "10:00-6:00"}),
        ("It is open from 9:00 am to 6:00 pm from Monday to Sunday.", WEEK),
        ("It is open seven days a week from 9 am to 6 pm.", WEEK),
        (
            "Open daily from 9 am to 6 pm, with extended hours on Friday.",
            {day: hours for day, hours in WEEK.items() if day != "friday"},
        ),
        (
            "Open 9 am to 6 pm every day, with shorter hours on Friday (11 am to 3 pm).",
            {**WEEK, "friday": "11:00-3:00"},
        ),
        (
            "Open from 8 a.m. to 6 p.m. on Saturday and 9 a.m. to 5 p.m. on Sunday.",
            {"saturday": "8:00-6:00", "sunday": "9:00-5:00"},
        ),
        (
            "On Tuesdays and Thursdays it opens at 9 am and closes at 6 pm.",
            {"tuesday": "9:00-6:00", "thursday": "9:00-6:00"},
        ),
        (
            "Open on weekdays, closed on weekends.",
            {**dict.fromkeys(DAYS[:5], OPEN), "saturday": CLOSED, "sunday": CLOSED},
        ),
        ("Open Friday through Monday.", dict.fromkeys(("friday", "saturday", "sunday", "monday"), OPEN)),
        ("It is closed on Sundays.", {"sunday": CLOSED}),
        ("Hours vary between 9 am and 6 pm.", {}),
        ("They came on Monday.", {}),
        ("A table for two at 18:00.", {}),
        ("", {}),
    ],
)
def test_what_a_sentence_claims(sentence: str, expected: dict[str, str]) -> None:
    assert claimed(sentence) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("9:0-17:30", "9:00-5:30"), ("0:0-0:0", CLOSED), ("Closed", CLOSED), ("12:0-0:0", "12:00-12:00"), ("", CLOSED)],
)
def test_what_a_record_states(value: str, expected: str) -> None:
    assert stated(value) == expected


def test_where_it_is_said() -> None:
    sentence = "The cafe, which is lovely, is open from 9 am to 5 p.m. on Monday."
    start, end = extent(sentence)
    assert sentence[start:end] == "open from 9 am to 5 p.m. on Monday"
    assert extent("Lovely.") == (0, 7)
