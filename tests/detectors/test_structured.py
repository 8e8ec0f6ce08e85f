import json

import pytest

from watchline.detectors.structured import NAMES, check, is_record, pairs

PLACE = {
    "name": "Corner Table",
    "hours": {"Monday": "17:30-23:0", "Tuesday": "17:0-21:0", "Wednesday": "17:0-21:0"},
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
        ("The food is good.", {}),
    ],
)
def test_a_sentence_is_held_against_the_values(sentence: str, expected: dict[str, int]) -> None:
    assert counts(sentence) == expected


def test_the_contradicted_pair_is_named() -> None:
    found = pairs(json.dumps(PLACE))
    assert found is not None
    against = check("It offers outdoor seating.", found)[1]
    assert against is not None and against.path[-1] == "OutdoorSeating"
