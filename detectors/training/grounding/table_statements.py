"""What tables say and don't say: rows as `tables` reads them, and sentences about a row, with what is wrong in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from watchline.detectors.grounding.verifier import CONTRADICTION, ENTAILMENT, NEUTRAL
from watchline.detectors.training.grounding.number_formats import MONTHS, reformatted
from watchline.detectors.training.grounding.perturbations import Made

Draw = Callable[[random.Random], str]


def _one_of(*values: str) -> Draw:
    return lambda dice: dice.choice(values)


def _listed(values: str) -> list[str]:
    return [value.strip() for value in values.split(",")]


def _number(low: int, high: int, form: str = "{}", step: int = 1) -> Draw:
    return lambda dice: form.format(dice.randrange(low, high, step))


def _price(low: int, high: int, sign: str) -> Draw:
    return lambda dice: f"{sign}{dice.randrange(low, high)}{dice.choice(('', '', '.00', '.50', '.99'))}"


@dataclass(frozen=True, slots=True)
class _Column:
    """Its names, how a value is drawn, and predicates with {} for the value."""

    names: tuple[str, ...]
    draw: Draw
    predicates: tuple[str, ...]


_PLACES = _one_of(
    *_listed("Lyon, Rotterdam, Leeds, Boston, Turin, Porto, Graz, Oslo, Dublin, Prague, Austin, Nagoya, Ghent, Malmo")
)
_DAYS = _one_of(*_listed("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"))
_COLOURS = _one_of(*_listed("red, green, blue, white, black, grey, yellow, brown, orange, silver"))
_MONTHS = _one_of(*MONTHS.split("|"))


def _date(dice: random.Random) -> str:
    return f"{dice.randint(1, 28)} {_MONTHS(dice)}"


def _hours(dice: random.Random) -> str:
    return f"{dice.randint(6, 11)}:{dice.choice(('00', '30'))}-{dice.randint(14, 23)}:{dice.choice(('00', '30'))}"


_COLUMNS = (
    _Column(("Price", "price_usd", "Cost"), _price(2, 900, "$"), ("costs {}", "is priced at {}", "is sold at {}")),
    _Column(("Price per month", "Monthly fee"), _price(3, 300, "$"), ("costs {} per month", "is {} a month")),
    _Column(("price_eur", "Price (EUR)"), _number(3, 400, "{}.00"), ("costs {} euros", "costs {} EUR", "is {} euros")),
    _Column(
        ("in_stock", "Stock", "Units available"),
        _number(1, 90),
        ("is in stock: {} are left", "is available, with {} in stock", "has {} units in stock"),
    ),
    _Column(("Warehouse", "City", "Location"), _PLACES, ("is in {}", "is located in {}", "is kept in {}")),
    _Column(("Origin", "Made in"), _PLACES, ("comes from {}", "is made in {}")),
    _Column(("Colour", "color"), _COLOURS, ("is {}", "comes in {}")),
    _Column(("Storage", "Disk space"), _number(10, 900, "{} GB", 10), ("has {} of storage", "includes {} of storage")),
    _Column(
        ("Users", "Seats", "Max users"),
        _number(1, 90),
        ("allows {} users", "is for up to {} users", "can be used by {} people"),
    ),
    _Column(
        ("Support", "Help desk"),
        _one_of("e-mail", "chat", "telephone", "e-mail and chat", "telephone, 24 hours", "forum only"),
        ("comes with support by {}", "offers {} support"),
    ),
    _Column(
        ("Weight", "weight_kg"), _number(2, 90, "{} kg"), ("weighs {}", "has a weight of {}", "is a product of {}")
    ),
    _Column(
        ("Warranty", "Guarantee"),
        _number(1, 11, "{} years"),
        ("has a warranty of {}", "is covered for {}", "comes with a guarantee of {}"),
    ),
    _Column(("Release", "Launch date"), _date, ("was released on {}", "came out on {}")),
    _Column(("Deadline", "Due"), _date, ("is due on {}", "must be finished by {}")),
    _Column(("Opening hours", "Hours"), _hours, ("is open {}", "has opening hours of {}")),
    _Column(("Closed on", "Rest day"), _DAYS, ("is closed on {}", "doesn't open on {}")),
    _Column(
        ("Wi-Fi", "Parking", "Breakfast"),
        _one_of("free", "paid", "none", "included"),
        (),
    ),
    _Column(("Rating", "Stars"), _number(10, 50), ("is rated {}", "has a rating of {}")),
    _Column(("Founded", "Year"), _number(1880, 2024), ("was founded in {}", "dates from {}")),
    _Column(("Employees", "Staff"), _number(1_000, 90_000, "{:,}", 100), ("employs {} people", "has a staff of {}")),
    _Column(("Share", "Growth"), _number(1, 99, "{}%"), ("stands at {}", "reached {}")),
    _Column(
        ("Status", "State"),
        _one_of("open", "closed", "in progress", "delivered", "cancelled", "delayed", "approved", "rejected"),
        ("is {}", "is marked as {}"),
    ),
    _Column(
        ("Delivery", "Lead time"), _number(2, 30, "{} days"), ("is delivered within {}", "arrives in {}", "takes {}")
    ),
)
_GENERIC = ("has a {name} of {}", "is listed with {} as its {name}")
_SUBJECTS = {
    "Plan": _listed("Basic, Team, Business, Starter, Premium, Enterprise, Free, Plus, Family, Student, Studio, Agency"),
    "product": _listed("""garden chair, garden table, parasol, desk lamp, kettle, tent, bicycle pump, drill, wall clock,
    office chair, ladder, suitcase, blender, keyboard, water filter, fan heater, rice cooker, hiking boot"""),
    "Shop": _listed("""Blue Spoon, Old Mill, Corner Bakery, Green Door, Harbour Grill, Moon Cafe, Red Lantern,
    Golden Fork, Station Bar, Little Garden"""),
    "Project": _listed("Atlas, Borealis, Cedar, Delta, Ember, Falcon, Granite, Horizon, Iris, Juniper"),
    "Country": _listed("Norway, Chile, Kenya, Portugal, Vietnam, Canada, Ghana, Iceland, Peru, Austria"),
}
_OF = {"Plan": ("The {} plan", "{}"), "product": ("The {}", "A {}"), "Project": ("Project {}", "The {} project")}


def statements(dice: random.Random, count: int) -> Iterator[tuple[tuple[str, ...], Made]]:
    """At least so many, of tables drawn anew, each with the rows that it is held against, its own first.

    About half are borne out, the others have another value, another row's value, or something that the table doesn't
    tell.
    """
    made = 0
    while made < count:
        kind = dice.choice(list(_SUBJECTS))
        subjects = dice.sample(_SUBJECTS[kind], dice.randint(2, 6))
        columns = dice.sample(_COLUMNS, dice.randint(3, 6))
        named = [dice.choice(column.names) for column in columns]
        table = [{name: column.draw(dice) for name, column in zip(named, columns, strict=True)} for _ in subjects]
        shown = named[: dice.randint(2, len(named) - 1)]
        rows = [
            "; ".join((f"{kind}: {subject}", *(f"{name}: {row[name]}" for name in shown)))
            for subject, row in zip(subjects, table, strict=True)
        ]
        for place in range(len(subjects)):
            others = [row for at, row in enumerate(rows) if at != place]
            against = (rows[place], *dice.sample(others, min(len(others), 3)))
            facts = dict(zip(named, columns, strict=True))
            yield against, _statement(kind, subjects[place], table, place, facts, shown, dice)
            made += 1


def _statement(
    kind: str,
    subject: str,
    table: Sequence[Mapping[str, str]],
    place: int,
    facts: Mapping[str, _Column],
    shown: Sequence[str],
    dice: random.Random,
) -> Made:
    told = dice.sample(list(shown), dice.randint(1, min(2, len(shown))))
    label = dice.choice((ENTAILMENT, ENTAILMENT, CONTRADICTION, NEUTRAL))
    if label == NEUTRAL:
        told = [*told[:-1], dice.choice([name for name in facts if name not in shown])]
    wrong = dice.randrange(len(told)) if label == CONTRADICTION else len(told) - 1
    values = [table[place][name] for name in told]
    if label == CONTRADICTION:
        name = told[wrong]
        others = [row[name] for row in table] if dice.random() < 0.6 else [facts[name].draw(dice) for _ in range(5)]
        others = [value for value in others if value != values[wrong]]
        if others:
            values[wrong] = dice.choice(others)
        else:
            label = ENTAILMENT
    values = [reformatted(value, dice) if dice.random() < 0.5 else value for value in values]
    if dice.random() < 0.15:
        text, at = f"| {subject}", []
        for value in values:
            text += " | "
            at.append((len(text), len(text) + len(value)))
            text += value
        text += " |"
    else:
        text, at = dice.choice(_OF.get(kind, ("{}",))).format(subject), []
        for name, value in zip(told, values, strict=True):
            text += " and " if at else " "
            predicate = dice.choice((*facts[name].predicates, *_GENERIC)).replace("{name}", name.lower())
            before, _, after = predicate.partition("{}")
            # Of what the table doesn't tell, everything that is said of it.
            start = len(text) + (0 if label == NEUTRAL else len(before))
            text += before + value
            at.append((start, len(text)))
            text += after
        text += "."
    return Made(text, label, (at[wrong],) if label != ENTAILMENT else (), "table")
