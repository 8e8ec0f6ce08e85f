"""Numbers and addresses of people in every format, by the serialisers that write it; and numbers that are nobody's."""

from __future__ import annotations

import csv
import io
import json
import random
import string
from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID
from xml.sax.saxutils import escape

import yaml

from watchline.schemas.checksums import luhn, mod_97

Random = random.Random
Make = Callable[[Random], str]


def digits(*patterns: str) -> Make:
    """One of the patterns with a digit for each `#`, one from 2 to 9 for each `N`."""

    def make(r: Random) -> str:
        pattern = r.choice(patterns)
        return "".join(r.choice("0123456789" if c == "#" else "23456789") if c in "#N" else c for c in pattern)

    return make


def said(forms: tuple[str, ...], make: Make) -> Make:
    """One of the forms, with up to three numbers in it."""
    return lambda r: r.choice(forms).format(make(r), make(r), make(r))


def is_valid(written: str) -> bool:
    return luhn("".join(filter(str.isdigit, written)))


def card(*patterns: str) -> Make:
    def make(r: Random) -> str:
        while not is_valid(written := digits(*patterns)(r)):
            pass
        return written

    return make


def iban(r: Random) -> str:
    country, pattern = r.choice(
        [
            ("DE", "37040044##########"),
            ("FR", "2004101005#####0#M026##"),
            ("NL", "RABO0417######"),
            ("GB", "WEST1234##########"),
        ]
    )
    body = digits(pattern)(r)
    return next(plain for n in range(2, 99) if mod_97(plain := f"{country}{n:02}{body}"))


def _in_fours(plain: str) -> str:
    return " ".join(plain[i : i + 4] for i in range(0, len(plain), 4))


def _ssn(r: Random) -> str:
    return f"{r.randint(1, 665):03}-{r.randint(1, 99):02}-{r.randint(1, 9999):04}"


def _ip(r: Random) -> str:
    first = r.choice([24, 45, 68, 81, 90, 109, 151, 178, 185, 212])
    return f"{first}.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 253)}"


def _e_mail(r: Random) -> str:
    letters = "".join(r.choices(string.ascii_lowercase, k=7))
    return f"{letters[0]}.{letters[1:]}@{r.choice(['example.com', 'mail.example.org', 'example.co.uk'])}"


_CARD_NAMES = ("card", "card_number", "cardNumber", "cc", "pan", "number", "payment_card", "creditCard", "account")
_PHONE_NAMES = ("phone", "phone_number", "phoneNumber", "mobile", "tel", "contact_phone", "cell", "telephone")
_IBAN_NAMES = ("iban", "account", "IBAN", "bankAccount")
# Kinds: names of fields, and how one is made.
KINDS: dict[str, tuple[tuple[str, ...], Make]] = {
    "visa": (_CARD_NAMES, card("4###############")),
    "visa in groups": (_CARD_NAMES, card("4### #### #### ####", "4###-####-####-####")),
    "mastercard": (_CARD_NAMES, card("51##############", "5555 #### #### ####", "2223############")),
    "amex": (_CARD_NAMES, card("37#############", "3782 ###### #####", "3714-######-#####")),
    "iban": (_IBAN_NAMES, iban),
    "iban in groups": (_IBAN_NAMES, lambda r: _in_fours(iban(r))),
    "ssn": (("ssn", "SSN", "social_security_number", "tax_id"), _ssn),
    "phone with +": (
        _PHONE_NAMES,
        digits("+49 30 #######", "+44 20 7### ####", "+33 6 ## ## ## ##", "+1N##N######", "+91 98### #####"),
    ),
    "phone of the US": (_PHONE_NAMES, digits("(N##) N##-####", "N##-N##-####", "N##.N##.####", "1-N##-N##-####")),
    "phone of Europe": (
        _PHONE_NAMES,
        digits("020 7### ####", "06 ## ## ## ##", "07### ######", "030/######", "0171 #######", "6## ## ## ##"),
    ),
    "phone in one piece": (_PHONE_NAMES, digits("N##N######", "07#########", "49171#######", "######N")),
    "e-mail": (("email", "mail", "e_mail", "contact"), _e_mail),
    "ip": (("ip", "client_ip", "remote_addr", "ipAddress", "host"), _ip),
}
_PROSE = {
    "iban": ("Pay it to {} by Friday.", "My account is {}."),
    "ssn": ("My number is {}.", "He gave {} to the clerk."),
    "phone": ("You can call me at {} after six.", "my phone: {}, thanks", "Mobile number is {}."),
    "e-mail": ("Write to {}.", "{} is my address"),
    "ip": ("The login came from {} at night.", "{} was blocked."),
    "": ("I paid with {} last week.", "Card {} was declined.", "please charge {}, thanks"),
}
_LOGS = (
    "2024-11-03T10:15:02Z INFO checkout {}={} status=200 ms=48",
    "2024-11-03 10:15:02,113 WARN [worker-3] {}: {} rejected",
    'level=info ts=1730628902 {}="{}" msg=done',
)


def _record(r: Random, name: str, value: str) -> dict[str, str]:
    """A field among others, which are nobody's."""
    others = {"id": str(r.randint(1, 999)), "status": "paid", "total": "12.50", "note": "left at the door"}
    fields = [*r.sample([*others.items(), ("day", "2024-11-03")], 3), (name, value)]
    r.shuffle(fields)
    return dict(fields)


def _separated(record: dict[str, str], name: str, sign: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=sign, lineterminator="\n")
    writer.writerows([record.keys(), ["x" if key == name else "7" for key in record], record.values()])
    return out.getvalue()


def _sql(record: dict[str, str]) -> str:
    return f"INSERT INTO customers ({', '.join(record)}) VALUES ({', '.join(map(repr, record.values()))});"


def _html(record: dict[str, str]) -> str:
    rows = (f"<tr><th>{key}</th><td>{escape(value)}</td></tr>" for key, value in record.items())
    return f"<table>{''.join(rows)}</table>"


def _markdown(record: dict[str, str]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (record, ["---"] * len(record), record.values()))


_OF_RECORDS: dict[str, Callable[[dict[str, str], str], str]] = {
    "JSON compact": lambda record, _: json.dumps(record, separators=(",", ":")),
    "JSON spaced": lambda record, _: json.dumps([record], indent=2),
    "JSON in JSON": lambda record, _: json.dumps({"body": json.dumps(record)}),
    "CSV": lambda record, name: _separated(record, name, ","),
    "CSV with ;": lambda record, name: _separated(record, name, ";"),
    "TSV": lambda record, name: _separated(record, name, "\t"),
    "XML": lambda record, _: "".join(f"<{key}>{escape(value)}</{key}>" for key, value in record.items()),
    "HTML": lambda record, _: _html(record),
    "SQL": lambda record, _: _sql(record),
    "YAML": lambda record, _: yaml.safe_dump({"customer": record}),
    "query string": lambda record, _: f"https://shop.example/pay?{urlencode(record)}",
    "Markdown table": lambda record, _: _markdown(record),
}
_OTHERS: dict[str, Callable[[Random, str, str, str], str]] = {
    "prose": lambda r, kind, _, value: r.choice(
        next(forms for begins, forms in _PROSE.items() if kind.startswith(begins))
    ).format(value),
    "Markdown bold": lambda r, kind, name, value: f"What I have:\n\n- {name}: **{value}**\n- **status**: open",
    "log": lambda r, kind, name, value: r.choice(_LOGS).format(name, value),
    "list": lambda r, kind, name, value: f"{name}:\n- {value}\n- x\n",
}
FORMATS = (*_OTHERS, *_OF_RECORDS)


def row(r: Random, kind: str, format_: str) -> tuple[str, str]:
    """A text with a value in it, and the value."""
    names, make = KINDS[kind]
    name, value = r.choice(names), make(r)
    if format_ in _OTHERS:
        return _OTHERS[format_](r, kind, name, value), value
    return _OF_RECORDS[format_](_record(r, name, value), name), value


def torn_card(r: Random) -> str:
    """A card's number as formats tear it apart."""
    number = card("4###############", "51##############")(r)
    groups = [number[i : i + 4] for i in range(0, 16, 4)]
    between = ("\t", "** **", " | ", "|", "*", "  ", " - ", "&nbsp;", ".", "</b> <b>", "<br/>", "</td><td>")
    return r.choice(
        [
            r.choice(between).join(groups),
            " ".join(groups[:2]) + r.choice(["\n", "-\n", "\r\n  "]) + " ".join(groups[2:]),
            "-".join(groups[:3]) + "-\n" + groups[3],
            "".join(digit + "\ufe0f\u20e3" for digit in number),
            r.choice(" -.").join(number),
        ]
    )


def mistyped_card(r: Random) -> str:
    """A number whose check digit is wrong, announced as a card's."""
    while is_valid(
        number := digits("4### #### #### ####", "55##-####-####-####", "4###############", "3782 ###### #####")(r)
    ):
        pass
    forms = ("my card number is {}", "Visa {} doesn't work", "credit card: {} invalid?", "the debit card no. {} fails")
    return r.choice([*forms, '{{"card": "{}"}}', "card={}"]).format(number)


GLUES = (*",.;:|=([{\"'/\t\n", " ref", " card", " no", "\ncc", " x")
_NUMBER = digits("N######", "N#######", "N########", "N#########", "N##########", "N###########")
_NOUNS = ("order", "ticket", "invoice", "case", "booking", "claim", "tracking", "shipment", "part", "serial", "batch")
_FIELDS = ("order_id", "ticketId", "invoice", "rowCount", "product_id", "size", "build", "total")
_COUNTED = ("rows", "bytes", "records", "users", "tokens")


def _version(r: Random) -> str:
    return f"{r.randint(0, 30)}.{r.randint(0, 40)}.{r.randint(0, 99)}.{r.randint(1, 99)}"


def _browser(r: Random) -> str:
    name = r.choice(["Chrome", "Edg", "OPR", "Firefox", "Version"])
    return f"{name}/{r.randint(80, 140)}.0.{r.randint(0, 7000)}.{r.randint(0, 255)}"


def _range(r: Random) -> str:
    start = r.randint(1000, 9000)
    return f"{start}-{start + r.randint(1, 900)}"


def _thousands(r: Random) -> str:
    sign = r.choice(" ,.")
    return f"{r.randint(1, 99)}{sign}{digits('###')(r)}{sign}{digits('###')(r)}"


def _day(r: Random) -> str:
    return f"{r.randint(1980, 2030)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"


def _day_of_europe(r: Random) -> str:
    return r.choice("./-").join([f"{r.randint(1, 28):02}", f"{r.randint(1, 12):02}", str(r.randint(1980, 2030))])


def _time(r: Random) -> str:
    zone = r.choice(["Z", "+01:00", "+0000", ""])
    clock = f"{r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}"
    return f"{_day(r)}{r.choice(' T')}{clock}.{digits('######')(r)}{zone}"


def _epoch(r: Random) -> str:
    return str(r.randint(10**9, 2 * 10**9) * r.choice([1, 1000, 1000000]) + r.randint(0, 999))


def _columns(r: Random) -> str:
    return "\n".join(" ".join(str(r.randint(1000, 9999)) for _ in range(3)) for _ in range(3))


def _network(r: Random) -> str:
    return r.choice([f"10.{r.randint(0, 255)}.0.0/16", f"192.168.{r.randint(0, 255)}.0/24", "172.16.0.0/12"])


def _one_of(*values: str) -> Make:
    return lambda r: r.choice(values)


# Numbers that are nobody's.
NONE: dict[str, Make] = {
    "noun": lambda r: said(
        tuple(
            form.replace("_", r.choice(_NOUNS))
            for form in (
                "Your _ number is {}.",
                "_ {} was closed.",
                "Quote _ no. {} if you call.",
                "We called about _ #{}",
            )
        ),
        _NUMBER,
    )(r),
    "field": lambda r: json.dumps(
        {"phone": None, r.choice(_FIELDS): _NUMBER(r), "ok": True}, separators=(",", r.choice([":", ": "]))
    ),
    "column": lambda r: f"name,phone,{r.choice(['order_id', 'rows', 'total'])}\nx,,{_NUMBER(r)}\ny,,{_NUMBER(r)}\n",
    "count": lambda r: said(
        tuple(
            form.replace("_", r.choice(_COUNTED))
            for form in ("Number of _: {}", "the total number of _ is {}", "The call returned {} _.", "{} _ were read")
        ),
        _NUMBER,
    )(r),
    "result": said(
        ("answer: {}", "The answer is {}.", "result = {}", "the sum is {}", "total: {}", "port {}"), _NUMBER
    ),
    "CVE": said(("fixes {}", "patched {}", "call it {}"), digits("CVE-20##-####", "CVE-20##-#######")),
    "DOI": said(
        ("doi {}", "https://doi.org/{}", "doi:{}.", "({})"),
        digits(
            "10.####/#######.#######", "10.####/s#####-###-#####-#", "10.#####/zenodo.#######", "10.1016/j.cell.20##.##"
        ),
    ),
    "arXiv": said(("arXiv:{}", "arxiv.org/abs/{}", "arXiv: {}v2"), digits("2###.#####")),
    "arithmetic": said(("{} + {} = {}", "{} * {} = {}", "{} - {} = {}", "{}+{}={}"), _NUMBER),
    "float": said(
        ("loss {}", "pi is {}", "x = {}", "lat {}"), digits("##.N######", "#.N############", "###.N##########")
    ),
    "coordinates": lambda r: f"{r.uniform(-90, 90):.6f}, {r.uniform(-180, 180):.6f}",
    "range": said(("pages {}", "lines {}", "chapters {}", "contact the desk for rows {}", "years {}", "{}"), _range),
    "thousands": said(("a population of {}", "revenue was {}", "cost {}", "it is {}"), _thousands),
    "version": said(
        (
            *("version {}", "release {} is out", "v{}", "image:{}", "nginx:{}-alpine", "upgrade to {}"),
            *("pkg=={}", "firmware is {}", "app-{}.jar", "build {}"),
        ),
        _version,
    ),
    "small version": said(("Git {}", "Fixes since {}", "merged to {}", "('{}', 1)"), digits("#.#.#.N", "#.#.##.N")),
    "browser": said(("User-Agent: Mozilla/5.0 (X11) AppleWebKit/537.36 {} Safari/537.36", "uses {}"), _browser),
    "netmask": said(("netmask {}", "mask {}"), _one_of("255.255.255.0", "255.255.0.0", "255.255.255.240")),
    "network": said(("allow {}", "route {}", "subnet {}"), _network),
    "resolver": said(
        ("nameserver {}", "ping {}", "set DNS to {}"), _one_of("8.8.8.8", "1.1.1.1", "9.9.9.9", "8.8.4.4")
    ),
    "documentation": said(
        ("for example {}", "ping {}", "curl http://{}/", "host {}"),
        digits("192.0.2.1#", "198.51.100.#", "203.0.113.N#"),
    ),
    "day": said(("moved from {} to {}", "{} {}", "due {}, paid {}", "{}/{}"), _day),
    "day of Europe": said(("on {}", "due {}", "call me by {}", "until {}"), _day_of_europe),
    "timestamp": _time,
    "epoch": said(("created_at {}", "ts={}", '{{"time":{}}}', "at {} it began", "timestamp: {}"), _epoch),
    "UUID": said(("id {}", "trace {}", "call {}"), lambda r: str(UUID(int=r.getrandbits(128), version=4))),
    "hash": said(("commit {}", "sha256 {}", "at {}"), lambda r: f"{r.getrandbits(160):040x}"),
    "id with a card's form": said(
        ("order id {}", "trace {}", "order number {}", '{{"trace_id":"{}"}}', "request_id={}", "<orderId>{}</orderId>"),
        card("4###############", "5555############"),
    ),
    "barcode": said(("barcode {}", "EAN {}", "item {}", "SKU {}"), digits("4############")),
    "ISBN": said(("ISBN {}", "isbn: {}"), digits("0-###-#####-#", "978-0-###-#####-#", "978##########")),
    "issue": said(
        ("{} is done", "{} blocks us", "see {}"), digits("PROJ-20##-#####", "OPS-20##-#####", "ABC-########")
    ),
    "columns": _columns,
    "series": said(("{}, {} and {}",), digits("N#-N#", "1##-1##")),
    "postcode": digits("ZIP #####-####", "Boston, MA 0####-####, USA"),
    "colour": lambda r: " ".join(str(r.randint(10, 255)) for _ in range(3)),
    "floats": said(("{} {}", "-> {} -{}", "{}\n{}"), digits("4.################", "#.5###############")),
    "file": said(("report_{}_23.zip", "log-{}.txt", "backup_{}.tar"), _day),
}
