"""A redacted text stays of its format."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from watchline.detectors.pii.redactor import Redactor

CARD, ADDRESS = 4012888888881881, "jane.roe@example.com"


@pytest.mark.parametrize(
    "record",
    [
        {"card": CARD},
        {"cards": [CARD, 5500000000000004, 7], "x": None},
        [[17, CARD], [18, 5500000000000004]],
        {"payload": json.dumps({"card": CARD, "to": ADDRESS})},
        {"deep": json.dumps({"in": json.dumps({"card": CARD})})},
        {"text": f"My card is {CARD}, \u201cthanks\u201d \\ {ADDRESS}", "name": "Zo\u00eb Qu\u00e9ré"},
        {ADDRESS: {"card": CARD}},
        "Ask " + ADDRESS,
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("indent", [None, 2])
def test_json_stays_json(record: object, separators: tuple[str, str], indent: int | None) -> None:
    redacted = Redactor().redact_text(json.dumps(record, separators=separators, indent=indent))
    assert str(CARD) not in redacted and ADDRESS not in redacted
    again = json.loads(redacted)
    assert type(again) is type(record) and len(again) == len(record) if isinstance(record, dict | list) else again
    inner = again
    while isinstance(inner, dict) and (key := next((key for key in ("payload", "deep", "in") if key in inner), None)):
        inner = json.loads(inner[key])


def test_json_in_a_sentence_stays_json() -> None:
    redacted = Redactor().redact_text(f'The tool said {{"card": {CARD}, "ok": true}} and stopped.')
    assert json.loads(redacted[redacted.index("{") : redacted.index("}") + 1]) == {
        "card": "[CREDIT_CARD_1]",
        "ok": True,
    }


@pytest.mark.parametrize(
    "url",
    [
        f"https://shop.example/reset?email=jane.roe%40example.com&card={CARD}&x=1#top",
        "http://10.20.30.40:8080/login?next=%2Fhome",
        f"https://{ADDRESS}/inbox",
        f"mailto:{ADDRESS}?subject=Hi",
    ],
)
def test_a_url_stays_a_url(url: str) -> None:
    redacted = Redactor().redact_text(f"See {url} for it.").split()[1]
    assert redacted != url
    before, after = urlsplit(url), urlsplit(redacted)
    assert (before.scheme, before.port, before.fragment) == (after.scheme, after.port, after.fragment)
    assert parse_qs(before.query).keys() == parse_qs(after.query).keys()
    assert bool(before.hostname) == bool(after.hostname)
