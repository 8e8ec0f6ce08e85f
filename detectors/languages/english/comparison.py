"""English units, shares, months and the like: what numbers, dates and names are compared by."""

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


def _units() -> dict[str, tuple[str, float]]:
    out: dict[str, tuple[str, float]] = {}
    for line in _UNITS.split("\n"):
        if line:
            measure, size, *names = (word.replace("_", " ") for word in line.split())
            out |= {form: (measure, float(size)) for name in names for form in (name, f"{name}s")}
    return out


COMPARISON = ComparisonWords(
    units=_units(),
    ambiguous=frozenset(["pound", "degree"]),
    shares={"half": 0.5, "quarter": 0.25, "third": 1 / 3, "twice": 2.0, "double": 2.0, "dozen": 12.0},
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
)
