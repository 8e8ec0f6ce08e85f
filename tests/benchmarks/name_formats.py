"""Names found in prose and in records of each format, and what only looks like one: F1 of PERSON by characters.

    python -m tests.benchmarks.name_formats [TEXTS OF EACH FORMAT]

Surnames, and brands, software, teams and so on are those that training holds out by hash; sentences are those of
`SENTENCES`, which it has not; keys and serialisers are the training's, but for YAML and logs: their writers are here,
and were run before the training, and when all else was done. Needs Faker.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from random import Random

from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.training.pii.figures import Characters
from watchline.detectors.training.pii.marked import Example
from watchline.detectors.training.pii.records import WRITERS, Records, Rows
from watchline.detectors.training.pii.values import Values

SEED = 23
# With people, and words for anything else; none is among the templates that are trained on.
SENTENCES = """
Could somebody phone {full} back before lunch?
The keys are with {first} at reception.
Minutes were taken by {full} and circulated to {name}.
We escalated the outage to {full}, who paged {first}.
i already told {full} twice that the {product} never came
Kindly note that {marked} has replaced {full} as your contact.
Room 12 is reserved under {turned}.
Sent on behalf of {full} <{email}>
Nurse {last} handed over to Dr. {last} at midnight.
It was {worded} who raised the objection, not {worded}.
{full}'s passport expired while {first} was abroad.
Let {first} know once the {product} leaves the depot.
The witness, {marked}, never met {last}.
Refund approved by {full}; {first} will wire it.
Der Antrag von {full} wurde abgelehnt.
La demande de {full} est en cours.
"""
PLAIN = """
The depot is short of {product}s again.
Please restart the {word} before {date}.
Nothing in {city} opens before noon.
"""
# Without anyone in them.
NONE = {
    "brands": "Did the {brand} payment go through?|We stock {brand} next to {brand}.|Refund my {brand} order please",
    "software": "Upgrade {software} first, then {software}.|{software} ate all the memory|Migrating off {software}",
    "teams": "{team} drew with {team} last night.|Streaming {team} tonight",
    "eponyms": "Show that {eponym} converges.|They used {eponym} instead of {eponym}.|Who needs {eponym}?",
    "diseases": "Screening for {disease} starts at forty.|The drug slows {disease}.",
    "storms": "{storm} flooded the cellar.|Flights were cancelled because of {storm}.",
    "holidays": "No deliveries on {holiday}.|Opening hours for {holiday} and {holiday}",
    "places": "Shipping to {place} takes longer.|Our {place} office moved to {place}.",
    "dishes": "Two {dish} to go please.|Is the {dish} gluten free?",
    "buildings": "The hearing is held in {church}.|{church} was renovated.",
    "phrases": "# {phrase}|{phrase}|{phrase}: see below",
}


def yaml(rows: Rows, chance: Random) -> str:
    """Block style, a list where there are several."""
    lines = []
    for row in rows:
        for number, (key, value) in enumerate(row.items()):
            lead = "" if len(rows) == 1 else "- " if number == 0 else "  "
            lines.append(f"{lead}{key.replace(' ', '_')}: {value}")
    return "\n".join(lines)


def logfmt(rows: Rows, chance: Random) -> str:
    """Lines of a log with pairs."""
    return "\n".join(
        f"2024-05-0{chance.randint(1, 9)}T10:0{chance.randint(0, 9)}:00Z {chance.choice(('INFO', 'WARN', 'DEBUG'))} "
        + " ".join(
            f'{key.replace(" ", "_")}="{value}"' if " " in value else f"{key.replace(' ', '_')}={value}"
            for key, value in row.items()
        )
        for row in rows
    )


UNSEEN: dict[str, Callable[[Rows, Random], str]] = {"YAML": yaml, "log lines": logfmt}


def examples(writers: dict[str, Callable[[Rows, Random], str]], number: int) -> Iterator[tuple[str, list[Example]]]:
    """So many texts of prose and of each format."""
    values = Values(SEED, kept=True, words=WORDS)
    sentences, plain = SENTENCES.strip().splitlines(), PLAIN.strip().splitlines()
    records = Records(values, sentences, plain)
    yield "prose", [records.sentence(values.chance.choice(sentences)) for _ in range(number)]
    for name, write in writers.items():
        yield name, [records.draw(write) for _ in range(number)]


def look_alikes(number: int) -> Iterator[tuple[str, list[Example]]]:
    """So many texts of each kind in which there is no one."""
    values = Values(SEED, kept=True, words=WORDS)
    records = Records(values, [], [])
    for name, templates in NONE.items():
        texts = [records.sentence(values.chance.choice(templates.split("|"))).text for _ in range(number)]
        yield name, [Example(text, ()) for text in texts]


def found(finder: PersonalData, given: Sequence[Example]) -> list[list[tuple[int, int, str]]]:
    """The people in each."""
    texts = [example.text for example in given]
    return [
        [(entity.start, entity.end, entity.type) for entity in entities if entity.type == "PERSON"]
        for entities in finder.find(texts, [True] * len(texts))
    ]


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    finder = PersonalData()
    lines = ["| format | texts | precision | recall | F1 |", "|---|---|---|---|---|"]
    for name, given in examples({**WRITERS, **UNSEEN}, number):
        counts = Characters(strict=False)
        for example, people in zip(given, found(finder, given), strict=True):
            of_people = tuple(span for span in example.spans if span[2] == "PERSON")
            counts.add(Example(example.text, of_people), people)
        figures = " | ".join(f"{figure:.3f}" for figure in counts.figures("PERSON"))
        lines.append(f"| {name} | {number:,} | {figures} |")
    lines += ["", "| no one in it | texts | with a person found |", "|---|---|---|"]
    for name, given in look_alikes(number):
        wrong = sum(map(bool, found(finder, given)))
        lines.append(f"| {name} | {number:,} | {wrong / number:.3f} |")
    sys.stdout.write("\n".join(lines) + "\n")


# Words of records, in small letters.
WORDS = """
apron basket candle drawer engine fabric garden hammer island jacket kettle ladder mirror needle orange pillow quartz
ribbon saddle ticket umbrella velvet window yellow zipper anchor bottle copper danger empty forest gravel handle import
jungle kernel lumber marble narrow office paddle quiver rocket silver timber upload vacuum wallet export yonder zebra
""".split()  # noqa: SIM905

if __name__ == "__main__":
    main()
