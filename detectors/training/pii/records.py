"""Records with their personal data marked, written by the serialisers that apps use: JSON, CSV, XML, SQL and so on.

A value may be a name in one record and none in another: `name` is a person's beside an e-mail address and a product's
beside a price. What is trained on is the form that `structure` gives a record, as the recogniser gets it.
"""

# ruff: noqa: E501 (tables of fields)

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Literal
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from watchline.detectors.pii.decoding import read
from watchline.detectors.pii.structure import normal_form
from watchline.detectors.training.pii.marked import Example, Marked
from watchline.detectors.training.pii.values import Values

_TYPES = ("PERSON", "ADDRESS", "ORGANIZATION", "LOCATION")
# Private signs around an entity: they go through a serialiser with it. Their first and last stand for other types.
_END = "\ue010"
_BEGIN = {type_: chr(0xE000 + number) for number, type_ in enumerate(_TYPES)}
_SIGN = re.compile("[\ue000-\ue010]")
_WRITTEN = re.compile(r"%EE%80%([89]\d)|\\ue0([01]\d)", re.IGNORECASE)  # how serialisers write them
_TYPE_OF = {
    **dict.fromkeys(("name", "full", "first", "last", "family", "turned", "worded", "marked"), "PERSON"),
    **dict.fromkeys(("address", "street"), "ADDRESS"),
    **dict.fromkeys(("city", "country", "place"), "LOCATION"),
    **dict.fromkeys(("org", "brand", "team"), "ORGANIZATION"),
}
_SLOT = re.compile(r"\{([a-z]+)\}")


def _fields(text: str) -> list[tuple[list[str], list[str]]]:
    """Each line's keys and templates of values."""
    out = []
    for line in text.strip().splitlines():
        keys, values = line.split(" = ")
        out.append((keys.split("|"), values.split("|")))
    return out


# Keys in snake case; a value of the last column by chance.
_WHOLE = "name|full_name|customer|customer_name|contact|contact_name|contact_person|author|assignee|owner|reporter"
_WHOLE += "|patient|patient_name|employee|employee_name|manager|recipient|recipient_name|sender|account_holder"
_WHOLE += "|cardholder|cardholder_name|beneficiary|created_by|updated_by|approver|approved_by|reviewer|signed_by|guest"
_WHOLE += "|passenger|driver|student|teacher|physician|doctor|agent|attendee|billing_name|shipping_name|legal_name"
_WHOLE += (
    "|display_name|next_of_kin|emergency_contact|tenant|landlord|member|subscriber|payee|payer|applicant|candidate"
)
_WHOLE += "|insured|lead|requester|assigned_to|caller|speaker|nurse|user|username|client|buyer|seller|shipper|consignee"
_WHOLE += "|holder|spouse|guardian|parent|child|supervisor|committer|maintainer|host|organizer|instructor|referred_by"
_WHOLE += (
    "|submitted_by|closed_by|sales_rep|account_manager|kunde|nom_complet|nombre_completo|from|to|cc|attn|signatory"
)
_FIRST = "first_name|given_name|fname|forename|preferred_name|nickname|first|vorname|prenom|nombre|user_first_name"
_LAST = "last_name|surname|family_name|lname|maiden_name|last|nachname|nom|apellido|user_last_name|second_name"
_PERSONAL = _fields("""
email|e_mail|mail|contact_email|email_address = {email}
phone|phone_number|mobile|tel|telephone = {phone}
dob|date_of_birth|birthday = {date}
address|home_address|shipping_address|billing_address = {address}
street|address_line_1|line1 = {street}
city|town|home_city = {city}
country|country_of_residence|nationality = {country}
role|job_title|position|occupation|title = {job}
company|employer|organization = {org}
department|dept|team = {word}|Sales|Engineering|Support|Finance
id|user_id|customer_id|employee_id|ssn|passport = {id}|{number}
age|score|balance|visits = {number}
vip|active|verified|married = true|false|yes|no
gender|sex = f|m|female|male|other
notes|comment|note|message|remarks = {sentence}|{word} {word}
status = active|inactive|pending|New|Open
language|locale = en|de|English|Spanish|French
manager|referred_by|assigned_to|emergency_contact = {full}
ip|mac|device = {id}
""")
_BENIGN = _fields("""
product|product_name|item|item_name|article|description|model|variant = {work}|{brand} {word}|{product}|{worded} Desk|{last} Chair|{first} Sofa|{brand}
brand|vendor|manufacturer|maker|supplier|merchant|retailer|card_brand|bank = {brand}|{org}
city|location|origin|destination|region|state|county|site|warehouse = {city}|{place}
country|market = {country}|{place}
status|state|stage|outcome|result = active|pending|Shipped|Closed|In Progress|On Hold|FAILED|Won|Lost
title|subject|topic|headline|heading|summary|caption|label = {work}|{phrase}|{eponym}|{holiday} sale
sku|code|part_number|ref|reference|order_id|id|uuid|batch = {id}|{number}
team|club|home_team|away_team|opponent|squad = {team}|{city} United|Team {work}|{work}
model|engine|assistant|llm|model_name = {assistant}|{software}|{word}-{number}
category|type|kind|class|genre|group|segment|tag|tags|department = {word}|{work}|{phrase}|Home & Garden
currency|unit|size|color|colour|material = USD|EUR|Red|Navy|XL|{word}
plan|tier|subscription|package|edition = Premium|Basic|Pro|Gold|Enterprise|{word}
service|component|module|app|application|tool|library|framework|database|cluster|queue|namespace|host|server|node = {software}|{word}-{word}|{word}
technology|stack|platform|os|browser|language|runtime = {software}|{software}
holiday|occasion|event|event_name|observance|campaign|promotion = {holiday}|{holiday} sale|{work}
algorithm|method|test|metric|theorem|optimizer|distribution = {eponym}
condition|diagnosis|disease|icd_name|indication = {disease}
storm|incident|cause|weather_event = {storm}|{storm} flooding|{word}
dish|menu_item|recipe|special|cocktail = {dish}
movie|book|song|album|film|series|game|track|show = {work}
venue|building|school|hospital|stadium|museum|room|station = {church}|{org}
payment_method|method|shipping_method|carrier|channel|source|gateway = {brand}|{word}|express
street|road = {street}
company|organization|employer|institution|university|sponsor|publisher|studio|label = {org}|{brand}
role|action|level|severity|priority|env|environment = user|assistant|login|HIGH|INFO|production|{word}
project|repo|repository|branch|milestone|epic|sprint = {work}|{word}-{word}|{software}
price|total|amount|quantity|stock|count|duration_ms|rating|year = {number}|{amount}
created_at|updated_at|date|due|time|timestamp = {date}|2024-03-01T12:00:0{digit}Z
message|body|content|text|description|detail|error|reason|note = {plain}|{word} {word} {word}
url|link|path|file|filename = /{word}/{word}|{word}.json|https://{word}.example/{word}
""")
# Of a record whose name is that of no person: what it may be called, and what stands beside.
_THINGS = [
    ("product|item", "{work}|{brand} {product}|{last} {work}|{first} {product}|{last} {last} {product}|{brand}|{marked} {product}",
     "price|sku|stock|brand|category|currency|rating|color|size|quantity|variant"),
    ("team|club", "{team}|{city} {work}", "league|city|points|wins|losses|founded|stadium|rank"),
    ("service|package|tool", "{software}|{word}-{word}|{software} {software}",
     "version|status|language|license|port|replicas|uptime|repo"),
    ("company|vendor|account|organization", "{org}|{brand}|{church}",
     "industry|website|employees|founded|tax_id|headquarters|ticker"),
    ("city|place|region", "{place}|{city}|{country}", "country|population|lat|lon|timezone|area"),
    ("event|holiday", "{holiday}|{work}|{storm}", "date|venue|capacity|start|end|public"),
    ("algorithm|test|method", "{eponym}|{disease}", "complexity|p_value|statistic|year|code"),
    ("dish|menu_item|drink", "{dish}|{work}", "price|calories|vegetarian|allergens"),
    ("movie|book|album", "{work}|{eponym}", "year|genre|isbn|rating|pages|runtime"),
    ("model|assistant|bot", "{assistant}|{software}", "provider|temperature|max_tokens|context|version"),
    ("building|school|street", "{church}|{street}", "capacity|opened|floors|postcode|district"),
    ("plan|campaign|project|category", "{phrase}|{work}|{holiday} {word}", "budget|status|start|end|priority|monthly"),
]  # fmt: skip
_BESIDE = _fields("""
price|points|stock|rating|quantity|wins|losses|founded|employees|population|capacity|port|replicas|year|pages|calories = {number}
sku|isbn|ticker|tax_id|code|rank|size|version = {id}|{number}.{digit}
brand|provider|stadium|venue|headquarters = {brand}|{org}|{church}
category|genre|industry|language|status|color|currency|license|timezone|league|district|variant = {word}|Active|USD|Home
country|city = {country}|{city}
website|repo|area|lat|lon|budget|uptime|complexity = {word}.example|{number}
""")
_FALLBACK = ["{number}", "{word}", "true", "{date}"]


Rows = Sequence[Mapping[str, str]]


class Records:
    """Draws records, as lists of rows with the same keys, whose values have signs around what is an entity.

    Parameters
    ----------
    values
    sentences
        Templates for what people write into a field.
    plain
        Templates of what has no one in it.
    """

    def __init__(self, values: Values, sentences: Sequence[str], plain: Sequence[str]) -> None:
        self._values, self._sentences, self._plain = values, sentences, plain
        self._chance: Random = values.chance

    def draw(self, write: Callable[[Rows, Random], str]) -> Example:
        """A text of one or several records, by one of `WRITERS`."""
        return unsigned(write(self._rows(), self._chance))

    def sentence(self, template: str) -> Example:
        """A template of a sentence, filled."""
        return unsigned(_SLOT.sub(lambda slot: self._slot(slot[1], True), template))

    def _rows(self) -> list[dict[str, str]]:
        fields = self._choose((self._person, self._person, self._thing, self._thing, self._mixed))()
        style = self._choose((_snake, _snake, _camel, _camel, _pascal, _kebab, _spaced, _upper, _snake))
        count = self._choose((1, 1, 1, 2, 2, 3, 4))
        return [
            {style(key): self._filled(self._choose(values)) for key, values in fields.items()} for _ in range(count)
        ]

    def _person(self) -> dict[str, Sequence[str]]:
        fields: dict[str, Sequence[str]] = {}
        form = self._chance.random()
        if form < 0.5:
            fields[self._key(_WHOLE) if self._chance.random() < 0.65 else "name"] = (
                "{name}",
                "{full}",
                "{full}",
                "{full}",
            )
        elif form < 0.9:
            place = self._chance.randrange(len(_FIRST.split("|")))
            fields[_FIRST.split("|")[place]] = ("{first}",)
            fields[_LAST.split("|")[place]] = ("{last}", "{last}", "{family}")
            if self._chance.random() < 0.2:
                fields["middle_name"] = ("{first}", "{letter}.")
        else:
            fields[self._key(_LAST if form < 0.95 else _FIRST)] = (
                ("{last}", "{family}") if form < 0.95 else ("{first}",)
            )
        return self._with(fields, _PERSONAL, self._chance.randint(0, 5))

    def _thing(self) -> dict[str, Sequence[str]]:
        kinds, names, beside = self._choose(_THINGS)
        key = self._choose(("name", "name", "name", "title", "label", self._key(kinds), f"{self._key(kinds)}_name"))
        fields: dict[str, Sequence[str]] = {key: names.split("|")}
        for other in self._chance.sample(beside.split("|"), self._chance.randint(1, min(4, len(beside.split("|"))))):
            fields[other] = next((values for keys, values in _BESIDE if other in keys), _FALLBACK)
        if self._chance.random() < 0.3:
            fields[self._choose(("owner", "created_by", "maintainer", "author", "contact", "manager"))] = (
                "{full}",
                "{name}",
            )
        return self._shuffled(fields)

    def _mixed(self) -> dict[str, Sequence[str]]:
        """An order, a ticket, a call of an API: what is no name, and sometimes who has to do with it."""
        fields = self._with({}, _BENIGN, self._chance.randint(2, 6))
        if self._chance.random() < 0.5:
            fields[self._key(_WHOLE)] = ("{full}", "{name}")
        return self._shuffled(fields)

    def _with(
        self, fields: dict[str, Sequence[str]], others: Sequence[tuple[list[str], list[str]]], count: int
    ) -> dict[str, Sequence[str]]:
        for keys, values in self._chance.sample(others, count):
            fields.setdefault(self._choose(keys), values)
        return self._shuffled(fields)

    def _shuffled(self, fields: dict[str, Sequence[str]]) -> dict[str, Sequence[str]]:
        items = list(fields.items())
        if self._chance.random() < 0.5:
            self._chance.shuffle(items)
        return dict(items)

    def _filled(self, template: str) -> str:
        if template in ("{sentence}", "{plain}"):
            template = self._choose(self._sentences if template == "{sentence}" else self._plain)
        # What stands beside another word is part of the name of a thing.
        alone = re.fullmatch(r"(?:\{\w+\}-?)+", template) is not None or len(template) > 40 or template.endswith(".")
        return _SLOT.sub(lambda slot: self._slot(slot[1], alone), template)

    def _slot(self, slot: str, marked: bool) -> str:
        if slot == "digit":
            return str(self._chance.randrange(10))
        if slot == "letter":
            return self._chance.choice("ABCDEFGHJKLMNPRSTW")
        value = " ".join(self._values.of(slot).split())
        return f"{_BEGIN[_TYPE_OF[slot]]}{value}{_END}" if marked and slot in _TYPE_OF else value

    def _key(self, keys: str) -> str:
        return self._chance.choice(keys.split("|"))

    def _choose(self, items: Sequence[Any]) -> Any:
        return self._chance.choice(items)


def unsigned(text: str) -> Example:
    """The text without the signs, and what they stood around."""
    text = _WRITTEN.sub(lambda sign: chr(0xDF80 + int(sign[1], 16) if sign[1] else 0xE000 + int(sign[2], 16)), text)
    parts: list[str] = []
    spans: list[Marked] = []
    length = done = begun = 0
    type_ = ""
    for sign in _SIGN.finditer(text):
        parts.append(text[done : sign.start()])
        length += sign.start() - done
        done = sign.end()
        if sign[0] == _END:
            if length > begun:
                spans.append((begun, length, type_))
        else:
            begun, type_ = length, _TYPES[ord(sign[0]) - 0xE000]
    return Example("".join(parts) + text[done:], tuple(spans))


def as_read(example: Example) -> Example:
    """A text in the form that the recogniser gets, with what is marked where it stands in that."""
    meant = read(example.text)
    form = normal_form(meant.text)
    if form.offsets is None and meant.offsets is None:
        return example
    offsets = range(len(form.text)) if form.offsets is None else form.offsets
    origins = [meant.original(place, place + 1)[0] if place >= 0 else place for place in offsets]
    out: list[Marked] = []
    for start, end, type_ in example.spans:
        places = [place for place, origin in enumerate(origins) if start <= origin < end]
        if places:
            out.append((places[0], places[-1] + 1, type_))
    return Example(form.text, tuple(sorted(out)))


def _snake(key: str) -> str:
    return key


def _camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(other.capitalize() for other in others)


def _pascal(key: str) -> str:
    return "".join(part.capitalize() for part in key.split("_"))


def _kebab(key: str) -> str:
    return key.replace("_", "-")


def _spaced(key: str) -> str:
    return key.replace("_", " ").title()


def _upper(key: str) -> str:
    return key.upper()


def json_compact(rows: Rows, chance: Random) -> str:
    """Without blanks; one record, or a list."""
    return json.dumps(_nested(rows, chance), separators=(",", ":"), ensure_ascii=chance.random() < 0.3)


def json_spaced(rows: Rows, chance: Random) -> str:
    """With blanks, or a line a value."""
    return json.dumps(
        _nested(rows, chance), indent=chance.choice((None, None, 2, 4)), ensure_ascii=chance.random() < 0.3
    )


def _nested(rows: Rows, chance: Random) -> Any:
    records: list[Any] = [{key: _typed(value) for key, value in row.items()} for row in rows]
    if chance.random() < 0.2:
        inner = chance.choice(("user", "customer", "data", "result", "item", "order", "payload", "profile"))
        records = [{chance.choice(("id", "type", "ok")): chance.randrange(99), inner: record} for record in records]
    if len(records) == 1 and chance.random() < 0.8:
        return records[0]
    return {chance.choice(("items", "results", "rows", "data")): records} if chance.random() < 0.4 else records


def _typed(value: str) -> Any:
    return int(value) if value.isdigit() else value == "true" if value in ("true", "false") else value


def delimited(rows: Rows, chance: Random) -> str:
    """CSV, with or without a header, quoted or not."""
    out = io.StringIO()
    quoting: Literal[0, 1] = csv.QUOTE_ALL if chance.random() < 0.3 else csv.QUOTE_MINIMAL
    separator = chance.choice(",,,;\t")
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator="\n")
    writer.writerow(list(rows[0]))
    writer.writerows(row.values() for row in rows)
    return out.getvalue()


def xml(rows: Rows, chance: Random) -> str:
    """Elements; a line each or none."""
    gap = chance.choice(("", "", "\n", "\n  "))
    outer = chance.choice(("record", "customer", "row", "item", "user", "order"))
    return "\n".join(
        f"<{outer}>{gap}"
        + gap.join(f"<{_tag(key)}>{escape(value)}</{_tag(key)}>" for key, value in row.items())
        + f"{gap.strip(' ')}</{outer}>"
        for row in rows
    )


def _tag(key: str) -> str:
    return key.replace(" ", "_")


def sql(rows: Rows, chance: Random) -> str:
    """An INSERT, mostly with the names of its columns."""
    keys = f" ({', '.join(map(_tag, rows[0]))})" if chance.random() < 0.75 else ""
    values = ", ".join(
        "("
        + ", ".join(value if value.isdigit() else "'" + value.replace("'", "''") + "'" for value in row.values())
        + ")"
        for row in rows
    )
    table = chance.choice(("users", "c", "orders", "items", "t", "contacts"))
    return f"INSERT INTO {table}{keys} VALUES {values};"  # noqa: S608 (never run)


def markdown(rows: Rows, chance: Random) -> str:
    """A table."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([*row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def query(rows: Rows, chance: Random) -> str:
    """A query string, alone or of a URL."""
    before = chance.choice(("", "", "https://example.com/api?", "/search?", "POST /signup "))
    return before + urlencode({_tag(key): value for key, value in rows[0].items()})


WRITERS = {
    "JSON compact": json_compact,
    "JSON spaced": json_spaced,
    "CSV": delimited,
    "XML": xml,
    "SQL": sql,
    "Markdown": markdown,
    "query string": query,
}
