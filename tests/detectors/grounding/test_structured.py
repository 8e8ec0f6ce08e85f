import json

import pytest

from watchline.detectors.grounding.structured import NAMES, check, is_record, pairs

PLACE = {
    "name": "Corner Table",
    "hours": {"Monday": "17:30-23:0", "Tuesday": "17:0-21:0", "Wednesday": "17:0-21:0", "Thursday": "0:0-0:0"},
    "attributes": {
        "OutdoorSeating": False,
        "WiFi": "free",
        "RestaurantsTakeOut": True,
        "RestaurantsReservations": None,
        "Ambience": {"casual": True, "trendy": False},
    },
    "stars": 4.0,
}


def counts(sentence: str) -> dict[str, int]:
    found = pairs(json.dumps(PLACE))
    assert found is not None
    return {name: count for name, count in zip(NAMES, check(sentence, found)[0], strict=True) if count}


@pytest.mark.parametrize("text", ["", "No JSON.", "{not json}", "[1", "12", '"text"', "[" * 100_000])
def test_other_text_has_no_pairs(text: str) -> None:
    assert pairs(text) is None


def test_pairs_name_their_place() -> None:
    text = json.dumps({"a": [{"b c": "x, y: {z}"}, {"b c": None}], "d": -1.5}, indent=2)
    found = pairs(text)
    assert found is not None
    assert [(pair.path, pair.value) for pair in found] == [
        (("a", "b c"), "x, y: {z}"),
        (("a", "b c"), None),
        (("d",), -1.5),
    ]
    assert [text[pair.start : pair.end] for pair in found] == ['"b c": "x, y: {z}"', '"b c": null', '"d": -1.5']


def test_prose_with_a_few_keys_is_no_record() -> None:
    record, page = pairs(json.dumps(PLACE)), pairs(json.dumps({"title": "Loops", "text": "A loop repeats. " * 20}))
    assert record is not None and is_record(record)
    assert page is not None and not is_record(page)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("It offers outdoor seating.", {"conflicts": 1}),
        ("It does not offer outdoor seating.", {"supported": 1}),
        ("There is no Wi-Fi.", {"conflicts": 1}),
        ("Guests enjoy free WiFi and take-out.", {"supported": 2}),
        ("Reservations are accepted.", {"unknown": 1}),
        ("It has no outdoor seating, but takeout is available.", {"supported": 2}),
        ("Outdoor seating is not available.", {"supported": 1}),
        ("The ambience is trendy.", {"conflicts": 1}),
        ("A trendy place.", {"conflicts_nested": 1}),
        ("Open on Monday from 5:30 PM to 11 PM.", {"hours_right": 1}),
        ("Open Monday to Wednesday from 17:00 to 21:00.", {"hours_right": 2, "hours_wrong": 1}),
        ("Open on Sunday from 9 a.m. to 5 p.m.", {"hours_wrong": 1}),
        ("It is closed on Thursdays and Sundays.", {"hours_right": 2}),
        ("It is open on Thursdays.", {"hours_wrong": 1}),
        ("It has 4.0 stars.", {"rating_right": 1}),
        ("It is rated 4.5 out of 5 stars.", {"rating_wrong": 1}),
        ("It does not take reservations.", {"unknown_denied": 1}),
        ("The listing does not specify whether it takes reservations.", {}),
        ("While they don't offer takeout, they do offer outdoor seating.", {"conflicts": 2}),
        ("Outdoor seating and reservations are not offered.", {"supported": 1, "unknown_denied": 1}),
        ("It offers takeout, and outdoor seating is not available.", {"supported": 2}),
        ("Casual rather than trendy.", {"supported": 2}),
        ("The food is good.", {}),
    ],
)
def test_a_sentence_is_held_against_the_values(sentence: str, expected: dict[str, int]) -> None:
    assert counts(sentence) == expected


@pytest.mark.parametrize(
    ("sentence", "clause", "key"),
    [
        ("It offers outdoor seating.", "It offers outdoor seating.", "OutdoorSeating"),
        ("It offers takeout, has no WiFi, and opens late.", "has no WiFi", "WiFi"),
        ("The cafe is open from 9 am to 5 pm on Monday, with free WiFi.", "open from 9 am to 5 pm on Monday", "Monday"),
        ("A cosy place with 4.5 stars.", "4.5 stars", "stars"),
        ("They take reservations and cards.", "They take reservations", "RestaurantsReservations"),
    ],
)
def test_the_clause_at_fault_and_the_pair_against_it(sentence: str, clause: str, key: str) -> None:
    found = pairs(json.dumps(PLACE))
    assert found is not None
    (fault,) = check(sentence, found)[1]
    assert sentence[fault.start : fault.end].rstrip(".") == clause.rstrip(".")
    assert fault.pair is not None and fault.pair.path[-1] == key


def test_hours_of_a_day_that_the_record_leaves_out_have_no_pair() -> None:
    found = pairs(json.dumps(PLACE))
    assert found is not None
    (fault,) = check("Open on Sunday from 9 a.m. to 5 p.m.", found)[1]
    assert fault.pair is None


@pytest.mark.parametrize(
    "document",
    ['{"' + "key " * 2000 + '": [' + "1," * 5000 + "1]}", '{"a":' * 300 + "[" + "1," * 5000 + "1]" + "}" * 300],
    ids=["a long key", "many keys"],
)
def test_long_paths_are_cut_in_every_reading(document: str) -> None:
    items = pairs(document)
    assert items is not None and len(items) == 5001
    assert sum(len(pair.reading) for pair in items) < 1_000_000
