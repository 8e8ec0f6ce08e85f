"""English words in which a claim and its document differ: units, dates, how certain, how many, which way."""

from __future__ import annotations

import re

from watchline.detectors.languages.language import ComparisonWords

_UNITS = """
time/second 1 second sec
time/second 60 minute min
time/second 3600 hour hr h
time/second 86400 day
time/second 604800 week
time/second 1209600 fortnight
month 1 month
month 3 quarter
month 12 year
month 120 decade
month 1200 century centuries
metre 0.001 mm millimetre millimeter
metre 0.01 cm centimetre centimeter
metre 1 m metre meter
metre 1000 km kilometre kilometer
metre 0.0254 inch inches
metre 0.3048 foot feet ft
metre 0.9144 yard
metre 1609.344 mile
gram 0.001 mg milligram
gram 1 g gram
gram 1000 kg kilogram kilo
gram 1000000 tonne
gram 453.592 lb
gram 28.3495 oz ounce
litre 0.001 ml millilitre milliliter
litre 0.01 cl centilitre
litre 1 l litre liter
litre 3.78541 gallon
byte 1 byte
byte 1e3 kb kilobyte
byte 1e6 mb megabyte
byte 1e9 gb gigabyte
byte 1e12 tb terabyte
watt 1 w watt
watt 1e3 kw kilowatt
watt 1e6 megawatt
watt-hour 1 wh
watt-hour 1e3 kwh
celsius 1 °c celsius
fahrenheit 1 °f fahrenheit
degree 1 ° degree
dollar 1 $ dollar usd
dollar 0.01 cent
euro 1 € euro eur
pound 1 £ pound gbp
franc 1 franc chf
percent 1 % percent
hectare 1 hectare ha
acre 1 acre
knot 1 knot
cubic-metre 1 m³ cubic_metre cubic_meter
square-metre 1 m² square_metre square_meter
square-foot 1 square_feet square_foot
square-kilometre 1 km² square_kilometre
"""
_MODALITY = """
must: must|have to|has to|had to|required|requires|mandatory|obligatory|compulsory|obliged|bound to|need to|needs to
should: recommended|recommend|recommends|advised|advisable|encouraged|ought to
may: may|optional|might|could|allowed to|free to|voluntary|possibly|perhaps|suspected|unconfirmed
certain: definitely|certainly|confirmed|proven|proved|decided|guaranteed
"""
_QUANTIFIERS = """
all: all|always|everyone|everybody|everything|every one|every single|each one
most: most|mostly|majority|usually|mainly|nearly all|almost all|bulk
some: some|several|sometimes|partly|occasionally
few: few|rarely|seldom
half: half
none: none|nobody|no one|neither
"""
_DIRECTIONS = """
amount: more/fewer more/less
bound: at_least/at_most minimum/maximum no_less_than/no_more_than no_fewer_than/no_more_than
level: higher/lower highest/lowest high/low above/below over/under upper/lower top/bottom
size: larger/smaller bigger/smaller largest/smallest biggest/smallest greater/smaller greater/lesser
length: longer/shorter longest/shortest
time: earlier/later earliest/latest
speed: faster/slower quicker/slower fastest/slowest sooner/later
change: increased/decreased increase/decrease increases/decreases rose/fell rise/fall grew/shrank up/down rising/falling
change: grown/shrunk gained/lost rises/falls went_up/went_down
cost: dearer/cheaper
strength: stronger/weaker
heat: warmer/colder hotter/colder warmer/cooler
place: inside/outside indoors/outdoors left/right
"""


def _units() -> dict[str, tuple[str, float]]:
    out: dict[str, tuple[str, float]] = {}
    for line in _UNITS.split("\n"):
        if line:
            measure, size, *names = (word.replace("_", " ") for word in line.split())
            out |= {form: (measure, float(size)) for name in names for form in (name, f"{name}s")}
    return out


def _classes(lines: str) -> dict[str, str]:
    rows = (line.split(": ") for line in lines.split("\n") if line)
    return {phrase: name for name, phrases in rows for phrase in phrases.split("|")}


def _directions() -> dict[str, frozenset[str]]:
    out: dict[str, frozenset[str]] = {}
    for line in _DIRECTIONS.split("\n"):
        for pair in line.partition(": ")[2].split():
            one, other = pair.replace("_", " ").split("/")
            out[one] = out.get(one, frozenset()) | {other}
            out[other] = out.get(other, frozenset()) | {one}
    return out


COMPARISON = ComparisonWords(
    units=_units(),
    shares={"half": 0.5, "quarter": 0.25, "third": 1 / 3, "twice": 2.0, "double": 2.0, "dozen": 12.0, "single": 1.0},
    per=frozenset(["a", "an", "per", "every", "each", "/"]),
    months=(
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ),
    seasons=("spring", "summer", "autumn", "winter"),
    of="of",
    demonym=re.compile(r"(?:ish|ese|ean)\Z"),
    modality=_classes(_MODALITY),
    quantifiers=_classes(_QUANTIFIERS),
    opposites=_directions(),
)
