"""In which number, date or name a claim and a passage differ, and what is no difference."""

from __future__ import annotations

import pytest

from tests.linear_time.cost import exponent
from tests.linear_time.hostile_texts import Hostile
from watchline.detectors.grounding.comparison import compare, misstates

NUMBERS = [
    ("Returns are accepted for *90 days*.", "We accept returns for *30 days* after delivery."),
    ("The tank holds *40 litres* of water.", "The water tank holds *14 litres*."),
    ("A licence costs *$39 a seat*.", "Each seat needs a licence, which costs *29 dollars*."),
    ("The licence costs *40 dollars a month*.", "The licence costs *40 dollars per year*."),
    ("The cable is *3 cm* thick.", "The cable is *3 mm* thick."),
    ("Bake the bread at *220 °F* until brown.", "Bake the bread at *220 °C* until it is brown."),
    ("Interest of *6 %* is charged on late bills.", "Late bills are charged an interest of *5 %*."),
    ("The choir has *twenty-four members* from town.", "The choir has *42 members*, all from the town."),
    ("Some *3,000 people* attended the fair.", "The fair was attended by *5,400 people*."),
    ("The ferry to the island takes *two hours*.", "The ferry takes *45 minutes* to reach the island."),
    ("Repairs take *4 to 5 weeks* at the workshop.", "The workshop needs *7 to 8 weeks* for repairs."),
    ("The pump uses *1.5 kWh per wash*.", "Per wash the pump uses *0.9 kWh*."),
]
DATES = [
    ("The pool opens on *14 May* this year.", "This year the pool opens on *19 May*."),
    ("The pool opens on *June 3rd* this year.", "This year the pool opens on the *4th of June*."),
    ("The library is closed on *Fridays*.", "On *Wednesdays* the library is closed."),
    ("The bridge was built in *1931* by the town.", "The town built the bridge in *1913*."),
    ("The shop opens at *9 am* every morning.", "Every morning the shop opens at *8:30*."),
    ("Doors of the hall close at *5 pm* sharp.", "The hall closes its doors at *18:00*."),
    ("The contract ends on *2025-06-30* without notice.", "The contract ends on *1 July 2025* without notice."),
    ("The course starts in *March* in Leeds.", "In Leeds the course starts in *April*."),
    ("The museum reopens in *spring* after repairs.", "After the repairs the museum reopens in *autumn*."),
    ("The talk is on *Monday 3 June* in room five.", "The talk in room five is on *Tuesday 4 June*."),
    ("The fair moved to *12 Sep 2024* for the rain.", "For the rain, the fair moved to *21 Sep 2024*."),
    ("The fee rises in *May 2023* for tenants.", "For tenants the fee rises in *May 2024*."),
]
NAMES = [
    ("The parcel was sent to *Lisbon* by courier.", "A courier took the parcel to *Porto*."),
    ("Ask *Henrik* for the key of the lab.", "For the key of the lab, ask *Yewande*."),
    (
        "The cycle was first played by *Clara Haskins* in Vienna.",
        "In Vienna, *Carla Montefiore* played the cycle first.",
    ),
    ("Write to Mr *Saari* about lost keys.", "About lost keys, write to the porter, Mr *Pham*."),
    ("The river ends in *Vukovar* at the Danube.", "At the Danube, in *Belgrade*, the river ends."),
    ("Buns were invented in *Fukuoka* by a cook.", "A cook in *Nagasaki* invented the buns."),
    ("The contract was signed by *Lumos Analytics* in June.", "In June, *Tavira Logistics* signed the contract."),
    ("Expenses are filed in *Tempo* from now on.", "From now on, expenses are filed in *Ledgerly*."),
    ("The train waits in Ljubljana for those from *Maribor*.", "In Ljubljana the train waits for those from *Zagreb*."),
    ("The film was shot by *Desmond* in Wales.", "In Wales, *Declan* shot the film."),
    ("The disk is made by *Ondas* for phones.", "For phones, the disk is made by *Corvane*."),
    ("The tower was designed by *Solveig Aas* in 1990.", "In 1990, *Beatriz Luna* designed the tower."),
]
SAME = [
    ("The warranty lasts 12 months.", "The warranty lasts a year."),
    ("The warranty lasts two years.", "The warranty lasts 24 months."),
    ("Half an hour is enough for the bread.", "Allow 30 minutes for the bread."),
    ("The parcel weighs 2 kg.", "The parcel weighs 2,000 g."),
    ("The fee is $29.", "The fee is 29.00 dollars."),
    ("The repair costs $18M.", "The repair costs $18 million."),
    ("It has 41K users.", "It has 41,000 users."),
    ("Some 5,000 people came to the fair.", "4,987 people came to the fair."),
    ("A third of the staff left.", "Of the staff, 33 % left."),
    ("It has 1.2 million users.", "It has 1,200,000 users."),
    ("Twenty-four orders came.", "24 orders came."),
    ("Twenty-one orders came to the shop.", "21 orders came to the shop."),
    ("Book and map cost 30 euros.", "The book costs 10 euros, the map costs 20 euros."),
    ("Staff get 90 litres a day.", "Staff get 90 litres per head and day."),
    ("They burned 31,000 m³ of gas.", "They burned 31,000 cubic metres of gas."),
    ("The talk is on June 3, 2024.", "The talk is on Monday, 3 June 2024."),
    ("The talk is on 2024-06-03.", "The talk is on the 3rd of June 2024."),
    ("The hall closes at 5 pm.", "The hall closes at 17:00."),
    ("The hall closes at 5:30.", "The hall closes at 17:30."),
    ("The hall closes on Mondays.", "The hall closes every Monday."),
    ("You may return it by post.", "In May you may return it by post."),
    ("The law of Spain applies.", "Spanish law applies."),
    ("Montefiore played in Vienna.", "Carla Montefiore played in Vienna."),
    ("Guests bring towels.", "Children below six swim for free on Mondays until 5 pm at Lake Bled, 30 km away."),
    ("", "The fee is 5 euros."),
    ("The fee is 5 euros.", ""),
]


@pytest.mark.parametrize(
    ("kind", "claim", "passage"),
    [(kind, *pair) for kind, pairs in (("number", NUMBERS), ("date", DATES), ("name", NAMES)) for pair in pairs],
)
def test_the_phrase_that_differs_is_found_and_what_stands_in_its_place(kind: str, claim: str, passage: str) -> None:
    plain, there = claim.replace("*", ""), passage.replace("*", "")
    assert [
        (found.kind, plain[found.start : found.end], there[found.other_start : found.other_end])
        for found in compare(plain, there)
    ] == [(kind, claim.split("*")[1], passage.split("*")[1])]


@pytest.mark.parametrize(("claim", "passage"), SAME)
def test_the_same_said_otherwise_is_no_difference(claim: str, passage: str) -> None:
    assert compare(claim, passage) == []


def test_several_differences_come_in_order() -> None:
    claim = "On 3 May, Henrik sold 40 tickets for the concert."
    found = compare(claim, "On 5 May, Yewande sold 70 tickets for the concert.")
    assert [claim[each.start : each.end] for each in found] == ["3 May", "Henrik", "40 tickets"]
    assert [each.kind for each in found] == ["date", "name", "number"]


def test_a_number_that_stands_elsewhere_in_the_passage_is_held_against_its_own_place() -> None:
    claim = "Blood samples are taken at the new address from 14 May."
    passage = "From 14 May you find us there. Blood samples are taken at the new address only from 19 May."
    (found,) = compare(claim, passage)
    assert passage[found.other_start : found.other_end] == "19 May"


@pytest.mark.parametrize(
    "text",
    [
        "13 pm",
        "99:99",
        "1.2.3",
        "9" * 400,
        "5 of of of",
        "$",
        "\ud800 5 \udfff days",
        "٣ days",
        "1,,2",
        "May",
        "1st",
        "a.m.",
    ],
)
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    compare(text, f"On 3 May it took 5 days. {text}")
    compare("On 3 May it took 7 days.", text)


HOSTILE = [
    "5 days ",
    "Anna ",
    "3 May ",
    "5:30 pm ",
    "of ",
    "a ",
    "1 of ",
    "\ud800",
    "5th ",
    "$5 a day to ",
    "May. ",
    "1.",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts_take_linear_time(unit: str) -> None:
    text = Hostile("It took 5 days on 3 May with Anna, ", unit, " in all")
    assert exponent(lambda claim: compare(claim, claim.replace("5", "7")), text, (10_000, 80_000), most=1.4) <= 1.4


@pytest.mark.parametrize(
    ("claim", "passage", "others"),
    [
        ("Take no more than six tablets in 24 hours.", "Do not take more than four tablets in 24 hours.", []),
        (
            "You may cancel free of charge up to 24 hours before arrival.",
            "Cancel free of charge up to 72 hours before arrival.",
            ["The desk is open 24 hours."],
        ),
        ("The battery holds 40 kW.", "The battery holds 40 kWh.", []),
    ],
)
def test_a_number_that_the_document_has_otherwise(claim: str, passage: str, others: list[str]) -> None:
    assert misstates(claim, passage, others)


@pytest.mark.parametrize(
    ("claim", "passage", "others"),
    [
        (
            "Leave it on for 15 to 20 minutes.",
            "Leave it on your hair for half an hour.",
            ["Leave it on for 15 to 20 minutes."],
        ),
        ("Heat the food to 165°F.", "Heat the food to 165 degrees Fahrenheit.", []),
        ("They weigh 800 pounds.", "They weigh 800 lbs.", []),
        ("The summary has 64 words.", "The letter has 90 pages.", []),
        ("The fee is 12 euros for two guests.", "The fee is 6 euros for each guest.", ["Two guests pay 12 euros."]),
        ("It takes 90 days.", "Delivery is free.", []),
    ],
)
def test_numbers_that_are_borne_out_or_not_spoken_of(claim: str, passage: str, others: list[str]) -> None:
    assert not misstates(claim, passage, others)
