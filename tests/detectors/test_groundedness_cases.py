"""The groundedness detector on answers as assistants write them: a case for each way to be a trivial detector."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import chain

import pytest

from watchline.detectors.base import Evaluation, NotApplicable
from watchline.detectors.encoder import Embedded, Encoder
from watchline.detectors.groundedness import Groundedness
from watchline.detectors.text import sentences
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.records import Document, Interaction, Message

Judge = Callable[..., Evaluation]

POINT = Thresholds().of("groundedness", "unsupported")
FLAGGED, ALERT = POINT.threshold, POINT.alert_threshold or 1.0

RETURNS = """Acme Home - Returns and refunds

You may return most items within 30 days of delivery for a full refund. Items must be unused and in their original \
packaging. Sale items can be exchanged but not refunded. To start a return, sign in to your account, open "My orders" \
and choose "Return an item"; we will e-mail you a prepaid label. Refunds are issued to the original payment method \
within five business days after the parcel reaches our warehouse. Orders over $1,200 are picked up by courier at no \
charge. Customer service answers calls from 9 AM to 5 PM on weekdays."""

MANUAL = """Acme X200 Espresso Machine - User manual

Descaling. When the orange light blinks, the machine needs descaling. Empty the drip tray and fill the water tank with \
0.5 litres of water and one sachet of Acme descaling powder. Hold the steam button for three seconds to start the \
program, which takes about 20 minutes. Do not remove the water tank while the program runs. Rinse the tank afterwards \
and run two cups of plain water through the machine.

Cleaning. The brew group can be removed and rinsed under warm water once a week. Never put it in the dishwasher. The \
milk jug is dishwasher-safe.

Warranty. The machine is covered for two years. Damage caused by limescale is not covered."""

NEWS = """The Harbour Bridge will close to cars for six weeks from 3 June while engineers replace corroded steel \
cables, the city council said on Tuesday. Buses and bicycles may still cross in the northern lane. About 41,000 \
vehicles use the bridge each day, according to the transport department, and drivers are asked to take the Mill Road \
tunnel instead. The repair costs $18 million, two thirds of which the federal government pays. An inspection in \
January found that nine of the 84 cables had lost more than a fifth of their strength. The council rejected a proposal \
to close the bridge at night only, saying that it would have doubled the length of the works."""

LEAFLET = """Dolorexin 200 mg tablets. Package leaflet: information for the user.

Adults and children over 12 years: take one tablet every 6 hours with a glass of water, with or after food. Do not \
take more than four tablets in 24 hours. Do not take Dolorexin if you are pregnant, if you have had a stomach ulcer, or if \
you take blood thinners. Common side effects are nausea, headache and drowsiness; a skin rash is rare. If you get a \
rash, stop taking the tablets and see a doctor. If you forget a dose, skip it; do not take a double dose. Store below \
25 degrees C, out of the reach of children."""

API = """# Parcels API

## POST /v2/parcels

Creates a parcel. The body is JSON with `weight_grams` (integer, required), `destination` (ISO country code, required) \
and `express` (boolean, default `false`). Returns `201` and the parcel's `id`.

Errors: `400` when a required field is missing, `409` when a parcel with the same `Idempotency-Key` exists, and `429` \
when more than 100 requests are made in a minute. Clients should wait for the number of seconds given in \
`Retry-After` before they try again.

Requests are authenticated with a bearer token in the `Authorization` header. Tokens expire after 24 hours. Version 1 \
of the API was switched off in March 2023."""

PLANS = """| Plan | Price per month | Storage | Users | Support |
|---|---|---|---|---|
| Basic | $9 | 50 GB | 1 | e-mail |
| Team | $29 | 500 GB | 10 | e-mail and chat |
| Business | $99 | 2 TB | 50 | telephone, 24 hours |

All plans are billed monthly and can be cancelled at any time."""

STOCK = """sku,product,colour,in_stock,warehouse,price_eur
A-101,Garden chair,green,42,Rotterdam,39.90
A-102,Garden table,white,0,Rotterdam,129.00
B-200,Parasol,blue,7,Lyon,59.50
B-201,Parasol base,grey,15,Lyon,24.00"""

RECORD = json.dumps(
    {
        "name": "Blue Spoon",
        "city": "Leeds",
        "categories": "Cafes, Bakeries, Breakfast",
        "hours": {"Monday": "8:0-16:0", "Tuesday": "8:0-16:0", "Saturday": "9:0-17:0"},
        "attributes": {"WiFi": "free", "OutdoorSeating": False, "TakeOut": True, "Reservations": None},
        "stars": 4.5,
        "reviews": [{"stars": 5, "text": "The sourdough is the best in town, and the staff remember your order."}],
    }
)

ROSES = """Roses need at least six hours of sun and a light, well-drained soil. Prune them in early spring, before the \
buds open, and water them deeply once a week in dry summers. Black spot is a fungus that spreads in wet weather."""


# By domain: what is asked, the document, an answer that it bears out, and a sentence that it doesn't.
CASES = {
    "policy": (
        "Can I send back a lamp I bought two weeks ago?",
        RETURNS,
        "Yes, you can return the lamp within 30 days of delivery for a full refund, as long as it is unused and in its "
        'original packaging. Sign in to your account, open "My orders" and choose "Return an item". '
        "You will receive a prepaid label by e-mail.",
        "A restocking fee of 15% is deducted if the lamp was assembled by our technicians.",
    ),
    "manual": (
        "How do I descale my X200?",
        MANUAL,
        "First empty the drip tray. Fill the water tank with 0.5 litres of water and one sachet of descaling powder. "
        "Then hold the steam button for three seconds. The program takes about 20 minutes.",
        "For stubborn limescale add half a cup of white vinegar and a spoon of baking soda, and leave it overnight.",
    ),
    "news": (
        "Why is the Harbour Bridge closing?",
        NEWS,
        "The Harbour Bridge will be closed to cars for six weeks from 3 June so that corroded steel cables can be "
        "replaced. Buses and bicycles can still use the northern lane. Drivers should take the Mill Road tunnel.",
        "The closure follows a lorry crash in which several pedestrians were injured.",
    ),
    "leaflet": (
        "How many Dolorexin can I take a day?",
        LEAFLET,
        "Take one tablet every 6 hours with a glass of water, with or after food. Do not take more than four tablets "
        "in 24 hours. If you forget a dose, skip it.",
        "Alcohol is harmless, and grapefruit juice makes it work twice as fast.",
    ),
    "api": (
        "What happens if I send too many requests?",
        API,
        "The API returns `429` when you make more than 100 requests in a minute. Wait for the number of seconds in the "
        "`Retry-After` header before you try again.",
        "Your IP address is then blocked for seven days unless you upgrade to the Enterprise plan.",
    ),
    "record": (
        "Tell me about the Blue Spoon.",
        RECORD,
        "Blue Spoon is a cafe and bakery in Leeds with free WiFi. It offers takeout but has no outdoor seating. It is "
        "open on Monday from 8 AM to 4 PM.",
        "It has a large outdoor seating area, and is open on Sunday from 8 AM to 11 PM.",
    ),
    "table": (
        "What does the Team plan include?",
        PLANS,
        "The Team plan costs $29 per month. It includes 500 GB of storage for 10 users. Support is by e-mail and chat.",
        "It also includes a dedicated account manager and a migration workshop.",
    ),
    "csv": (
        "Do you have parasols?",
        STOCK,
        "Yes, the blue parasol is in stock in Lyon at 59.50 euros. The grey parasol base costs 24 euros.",
        "Both were designed by an architect in Copenhagen and are made of recycled sailcloth.",
    ),
}

FORMS = {
    "citation": [
        (
            RETURNS,
            "You may return most items within 30 days of delivery [1][3]. Refunds are issued to the original payment "
            "method within five business days [7, 12].",
            "Assembled furniture carries a restocking fee [2].",
        ),
        (
            MANUAL,
            "Descaling takes about 20 minutes (Source: manual, p. 3). Do not remove the water tank while the program "
            "runs (manual, section 4.2).",
            "White vinegar and baking soda work as well (Source: manual, p. 17).",
        ),
        (
            NEWS,
            "The bridge will close to cars for six weeks from 3 June.[^1] The repair costs $18 million.[^2]\n\n"
            "[^1]: https://news.example/harbour-bridge\n[^2]: https://news.example/costs",
            "The closure follows a lorry crash in which several pedestrians were injured.[^3]",
        ),
        (
            LEAFLET,
            "Take one tablet every 6 hours with a glass of water ([Package leaflet](https://acme.example/leaflet#p2))."
            "\n\nSource: Dolorexin package leaflet, section 3",
            "Alcohol is harmless ([Package leaflet](https://acme.example/leaflet#p4)).",
        ),
        (
            API,
            "Tokens expire after 24 hours【4†source】. Version 1 of the API was switched off in March 2023【9†a】.",
            "Refunds for failed deliveries are automatic【5†source】.",
        ),
        (
            RETURNS,
            "According to document 1, sale items can be exchanged but not refunded.\n\n**Sources:**\n"
            "[1] Acme Home - Returns and refunds (accessed 12 May 2024)\n[2] https://home.example/returns",
            "According to document 2, engraved silverware is resold by jewellers.",
        ),
        (
            MANUAL,
            "The machine is covered for two years.<sup>2</sup> Damage caused by limescale is not covered [Document 2, "
            "page 14].",
            "An extended guarantee is sold by partner shops.<sup>3</sup>",
        ),
    ],
    "code": [
        (
            API,
            "Create a parcel with a POST request to `/v2/parcels`:\n\n```python\nresponse = requests.post(\n"
            "    'https://api.acme.example/v2/parcels',\n    json={'weight_grams': 750, 'destination': 'DE'},\n"
            "    headers={'Authorization': f'Bearer {token}'},\n)\nresponse.raise_for_status()\n```\n\n"
            "It returns `201` and the parcel's `id`.",
            "The SDK retries failed calls up to eight times with exponential backoff and logs them to Kafka.",
        ),
        (
            API,
            "Use `express` to ask for express delivery; it is `false` by default. `weight_grams` and `destination` are "
            "required.",
            "Set `insurance_amount` to insure it up to $5,000, and `webhook_url` to be told of its whereabouts.",
        ),
        (
            API,
            '1. Send the body:\n\n   ~~~json\n   {"weight_grams": 500, "destination": "FR"}\n   ~~~\n'
            "2. A missing field gives `400`.",
            "Compress the payload with gzip to halve the latency.",
        ),
    ],
    "list": [
        (
            MANUAL,
            "## How you can descale your X200\n\n1. Empty the drip tray.\n2. Fill the water tank with 0.5 litres of "
            "water and one sachet of descaling powder.\n3. Hold the steam button for **three seconds**.\n"
            "4. Rinse the tank and run two cups of plain water through the machine.\n\n"
            "**Note:** Do not remove the water tank while the program runs.",
            "5. Unplug the machine and unscrew the boiler with a 6 mm hex key.",
        ),
        (
            LEAFLET,
            "**Do not take Dolorexin if:**\n\n- you are pregnant\n- you have had a stomach ulcer\n"
            "- you take blood thinners\n\n### Side effects\n\n* nausea\n* headache\n* drowsiness",
            "* sudden blindness in one eye",
        ),
        (
            RETURNS,
            'Here are the steps:\n\n1. Sign in to your account\n2. Open "My orders"\n3. Choose "Return an item"\n\n'
            "We will e-mail you a prepaid label.",
            "4. Print the barcode and glue it to a wooden pallet",
        ),
        (
            API,
            "Possible errors:\n- `400`: a required field is missing\n- `409`: a parcel with the same `Idempotency-Key` "
            "exists\n- `429`: more than 100 requests in a minute",
            "- `503`: the upstream carrier's mainframe is down for maintenance",
        ),
        (
            RETURNS,
            'Step 1: Sign in to your account.\nStep 2: Open "My orders".\nStep 3: Choose "Return an item".',
            "Step 4: Wait for our inspector to visit your premises.",
        ),
    ],
    "table": [
        (
            PLANS,
            "| Subscription tier | Monthly fee | Storage |\n|---|---|---|\n| Basic | $9 | 50 GB |\n"
            "| Team | $29 | 500 GB |\n| Business | $99 | 2 TB |",
            "| Enterprise Platinum | $499 | 20 TB |",
        ),
        (
            RETURNS,
            "| Question | Answer |\n|:--|:--|\n| Return window | 30 days from delivery |\n"
            "| Condition | unused, original packaging |\n| Refund | within five business days |",
            "| Restocking fee | 15% for assembled furniture |",
        ),
        (
            LEAFLET,
            "An overview:\n\n| | Adults and children over 12 |\n|---|---|\n| Dose | one tablet every 6 hours |\n"
            "| Maximum | four tablets in 24 hours |",
            "| Toddlers under 3 | half a spoonful of syrup at bedtime |",
        ),
    ],
    "table as document": [
        (
            PLANS,
            "The Business plan costs $99 a month and has 2 TB of storage and telephone support around the clock.",
            "An engineer trains your staff on site.",
        ),
        (
            PLANS,
            "The Basic plan is the cheapest at $9 per month, with 50 GB of storage for one user and support by e-mail.",
            "Students from accredited universities get it for free.",
        ),
        (
            STOCK,
            "The green garden chair (A-101) is available: 42 are in stock in Rotterdam at 39.90 euros each.",
            "It is made of aluminium and can be delivered to Norway by Friday.",
        ),
        (STOCK, "The white garden table is out of stock.", "A new delivery from Vietnam arrives next Thursday."),
        (STOCK, "The grey parasol base costs 24 EUR and ships from Lyon.", "It weighs 30 kg when filled with sand."),
    ],
    "greeting": [
        (
            RETURNS,
            "Hi there! Thanks for reaching out to Acme Home. You may return most items within 30 days of delivery. Is "
            "there anything else I can help you with? Have a great day!",
            "Assembled furniture carries a restocking fee.",
        ),
        (
            RETURNS,
            "Great question! Sale items can be exchanged but not refunded. I hope this helps!",
            "Engraved silverware is resold by jewellers.",
        ),
        (
            LEAFLET,
            "Good morning! I'd be happy to help. If you forget a dose, skip it. Take care!",
            "Dolorexin may be crushed and mixed into yoghurt for toddlers.",
        ),
        (
            MANUAL,
            "Hello, and welcome to Acme support! The machine is covered for two years. Glad I could help!",
            "An extended guarantee is sold by partner shops.",
        ),
        (
            NEWS,
            "Sure thing! Here is a summary of the article:\n\nThe Harbour Bridge will close to cars for six weeks from "
            "3 June. Let me know if you would like more detail!",
            "The closure follows a lorry crash in which several pedestrians were injured.",
        ),
    ],
    "refusal": [
        (
            RETURNS,
            "The policy doesn't say who pays for shipping abroad.",
            "In general, parcels to Norway take nine days and cost 24 euros.",
        ),
        (
            MANUAL,
            "I couldn't find anything about decaf in the manual.",
            "Most baristas recommend a finer grind and a hotter boiler.",
        ),
    ],
    "question back": [
        (RETURNS, "Which item would you like to return?", "Assembled furniture carries a restocking fee."),
        (
            MANUAL,
            "Is the orange light blinking?",
            "If so, the boiler has cracked and must be replaced by a technician in Milan.",
        ),
    ],
}

NO_CLAIM = {
    "refusal": [
        "The documents don't say.",
        "The documents don't say who pays for international shipping.",
        "I'm sorry, but I couldn't find any information about international shipping in the provided documents.",
        "Based on the provided documents, I am unable to determine whether Acme Home ships to Norway.",
        "There is no mention of gift wrapping in the policy.",
        "The return policy does not mention gift cards, so I can't answer that.",
        "Unfortunately, this isn't covered in the documents.",
        "I don't have access to your order details.",
        "The policy doesn't specify a price for engraving.",
        "That information isn't available in the documents I have.",
        "As an AI assistant, I cannot help with legal disputes.",
        "I wasn't able to find anything about engraving in the knowledge base.",
        "Nothing in the documents says whether engraved items can be returned.",
        "Neither document mentions engraving.",
        "None of the provided passages discuss engraved items.",
        "It is not clear from the text whether engraved items can be returned.",
        "The provided documents only discuss returns.",
        "I do not know.",
        "I'm afraid I can't help with that.",
        "Sorry, I can't find that in the manual.",
        "No answer found.",
        "Unanswerable.",
        "N/A",
    ],
    "question back": [
        "Could you tell me your order number?",
        "Which item would you like to return? Was it bought on sale?",
        "Is the light blinking, or is it on all the time? Please tell me so that I can help you.",
        "To help you, I need to know which model you have. Is it the X200 or the older X150?",
        "Do you want to create a parcel or look one up? Let me know, and I will show you an example.",
        "Could you please provide more details about the item",
        "Please tell me which item you mean.",
    ],
    "courtesy": [
        "Hello! How can I help you today?",
        "Good afternoon!",
        "You're welcome! Have a nice weekend.",
        "Sure!",
    ],
    "yes or no": ["Yes.", "No.", "Yes, you can.", "Correct!", "That's right.", "True."],
    "code": ["```bash\ncurl -X DELETE https://api.acme.example/v2/parcels/8841\n```"],
    "pointer": ["See https://home.example/returns.", "[1]: https://home.example/returns", "**Sources:**\n[1]\n[2]"],
}

SHORT = [
    (RETURNS, "Within 30 days."),
    (RETURNS, "30 days"),
    (NEWS, "$18 million."),
    (NEWS, "Six weeks."),
    (NEWS, "The Mill Road tunnel."),
    (LEAFLET, "No, do not take it if you are pregnant."),
    (MANUAL, "Two years."),
    (API, "`429`"),
    (PLANS, "$29"),
    (STOCK, "Lyon"),
    (RECORD, "Leeds."),
    (RECORD, "Yes, it's free."),
]

# A sentence with a number as the document writes it, and otherwise.
NUMBERS = [
    (RETURNS, "You have 30 days to return it.", "You have thirty days to return it."),
    (RETURNS, "Orders over $1,200 are picked up free.", "Orders over 1200 dollars are picked up free."),
    (RETURNS, "Orders over $1,200 are picked up free.", "Orders over USD 1,200.00 are picked up free."),
    (RETURNS, "It answers calls from 9 AM to 5 PM.", "It answers calls from 9:00 to 17:00."),
    (RETURNS, "Refunds are issued within five business days.", "Refunds are issued within 5 business days."),
    (NEWS, "The bridge closes for six weeks on 3 June.", "The bridge closes for 6 weeks on June 3rd."),
    (NEWS, "About 41,000 vehicles use it.", "About 41 thousand vehicles use it."),
    (NEWS, "The repair costs $18 million.", "The repair costs 18,000,000 dollars."),
    (NEWS, "The repair costs $18 million.", "The repair costs $18M."),
    (MANUAL, "The program takes about 20 minutes.", "The program takes about twenty minutes."),
    (MANUAL, "The machine is covered for two years.", "The machine is covered for 2 years."),
    (LEAFLET, "Do not take more than four in 24 hours.", "Do not take more than 4 in twenty-four hours."),
    (LEAFLET, "Store it below 25 degrees C.", "Store it below twenty-five degrees C."),
    (API, "You can make 100 requests in a minute.", "You can make one hundred requests in a minute."),
    (PLANS, "The Team plan costs $29 for 10 users.", "The Team plan costs 29 dollars for ten users."),
    (STOCK, "The grey base costs 24.00 EUR.", "The grey base costs €24."),
]


@pytest.fixture(scope="module")
def judge() -> Judge:
    """`judge(answer, *documents, asked="")` gives the detector's evaluation; one encoder, which remembers texts."""
    encoder, detector = Encoder("cpu"), Groundedness()

    def evaluated(answer: str, *documents: str, asked: str = "") -> Evaluation:
        work = detector.prepare(interaction(answer, *documents, asked=asked))
        assert not isinstance(work, NotApplicable)
        return detector.evaluate([work], Embedded(encoder, detector.texts(work)))[0]

    return evaluated


def interaction(answer: str, *documents: str, asked: str = "") -> Interaction:
    return Interaction(
        event_id="e",
        time=0,
        app="test",
        input_messages=(Message("user", asked),),
        output_messages=(Message("assistant", answer),),
        documents=tuple(Document(text) for text in documents),
    )


def score(evaluation: Evaluation) -> float:
    return evaluation.scores["unsupported"]


def with_fault(answer: str, fault: str) -> str:
    """The fault stands where an assistant would write it: on a line of its own after lists, tables and code."""
    last = answer.rpartition("\n")[2]
    return f"{answer}\n{fault}" if last != answer or fault[0] in "|-*" else f"{answer} {fault}"


by_domain = pytest.mark.parametrize(("asked", "document", "answer", "fault"), CASES.values(), ids=CASES)
forms = pytest.mark.parametrize(
    ("document", "answer", "fault"),
    [pytest.param(*case, id=f"{form}-{n}") for form, cases in FORMS.items() for n, case in enumerate(cases)],
)


@by_domain
def test_a_supported_answer_is_not_flagged_and_a_planted_fault_is(
    judge: Judge, asked: str, document: str, answer: str, fault: str
) -> None:
    assert score(judge(answer, document, asked=asked)) < FLAGGED
    found = judge(f"{answer} {fault}", document, asked=asked)
    assert score(found) >= FLAGGED
    assert all(span.start > len(answer) for span in found.spans) and found.spans


@by_domain
def test_the_order_of_sentences_changes_nothing(
    judge: Judge, asked: str, document: str, answer: str, fault: str
) -> None:
    for text in (answer, f"{answer} {fault}"):
        parts = [text[start:end] for start, end in sentences(text)]
        turned = (parts[::-1], parts[1:] + parts[:1], random.Random(5).sample(parts, len(parts)))
        scores = [score(judge(" ".join(order), document, asked=asked)) for order in (parts, *turned)]
        assert max(scores) - min(scores) < 0.01


@by_domain
def test_an_irrelevant_document_neither_flags_nor_clears(
    judge: Judge, asked: str, document: str, answer: str, fault: str
) -> None:
    alone = score(judge(answer, document, asked=asked))
    others = [other for _, other, _, _ in CASES.values() if other != document]
    for documents in [(ROSES, document), (document, ROSES), *((other, document) for other in others)]:
        beside = score(judge(answer, *documents, asked=asked))
        assert beside < FLAGGED
        assert beside == pytest.approx(alone, abs=0.1)
        assert score(judge(f"{answer} {fault}", *documents, asked=asked)) >= FLAGGED


@by_domain
def test_a_document_cut_amid_a_sentence_is_a_hedge_and_not_an_alarm(
    judge: Judge, asked: str, document: str, answer: str, fault: str
) -> None:
    for share in (0.3, 0.4, 0.5, 0.6, 0.7):
        end = int(len(document) * share)
        while not document[end - 1 : end + 1].isalpha():
            end += 1
        assert score(judge(answer, document[:end], asked=asked)) < ALERT
        assert score(judge(answer, ROSES, document[:end], asked=asked)) < ALERT
        assert score(judge(f"{answer} {fault}", document[:end], asked=asked)) >= FLAGGED  # nor silence


@pytest.fixture(scope="module")
def library() -> list[str]:
    """29 documents, no two alike, that with one more make 20,000 tokens."""
    dice = random.Random(7)  # a draw, not a secret
    templates = (
        "{do} the {part} of the {thing} {when}.",
        "The {part} is {quality}, and {who} can replace it {how}.",
        "Model {n} weighs {m} kilograms and comes from a factory in {place}.",
        "Spare parts such as the {part} cost {n} euros and arrive within {m} days.",
        "If the {part} does not move, press it {how} and wait {m} minutes.",
        "The guarantee on the {part} ends after {m} months unless {who} has registered it in {place}.",
        "A {quality} {thing} should be kept below {n} degrees, away from pets.",
        "In {place}, {who} repaired {n} of them last year, mostly because of a worn {part}.",
    )
    words = {
        "part": ["lid", "handle", "filter", "switch", "cable", "hinge", "blade", "valve", "strap", "sensor", "wheel"],
        "do": ["Check", "Tighten", "Wipe", "Oil", "Inspect", "Loosen", "Adjust", "Dry", "Test"],
        "how": ["by hand", "with a soft cloth", "with the key supplied", "without force", "while it is cold"],
        "when": ["every month", "before the first use", "after each season", "once a year", "if it rattles"],
        "who": ["the dealer", "our workshop", "a technician", "the importer", "the owner"],
        "place": ["Porto", "Graz", "Turku", "Bergen", "Leipzig", "Gdansk", "Nantes", "Bologna"],
        "quality": ["quiet", "light", "waterproof", "foldable", "heavy", "sturdy", "compact", "slippery"],
    }
    things = (
        "kettle,tent,lawn mower,bicycle pump,desk lamp,sewing machine,rice cooker,hiking boot,garden hose,water filter,"
        "air mattress,camera bag,drill,fan heater,bread maker,wall clock,baby monitor,fish tank,office chair,"
        "snow shovel,projector,keyboard,paint roller,ladder,grill,suitcase,guitar stand,blender,vacuum cleaner"
    )

    def sentence(thing: str) -> str:
        slots = {slot: dice.choice(some) for slot, some in words.items()}
        return dice.choice(templates).format(thing=thing, n=dice.randint(10, 400), m=dice.randint(2, 60), **slots)

    return [f"Notes on the {thing}\n\n" + " ".join(sentence(thing) for _ in range(44)) for thing in things.split(",")]


@by_domain
def test_the_one_document_that_matters_is_found_among_thirty(
    judge: Judge, library: list[str], asked: str, document: str, answer: str, fault: str
) -> None:
    assert len(library) == 29
    assert sum(len(text.split()) for text in library) > 15_000  # at least 20,000 tokens
    for place in (0, 15, 29) if document in (RETURNS, NEWS) else (15,):
        documents = [*library[:place], document, *library[place:]]
        assert score(judge(answer, *documents, asked=asked)) < FLAGGED
        found = judge(f"{answer} {fault}", *documents, asked=asked)
        assert score(found) >= FLAGGED
        assert all(span.start > len(answer) for span in found.spans)


@pytest.mark.parametrize("documents", [(), ("",), (" \n", "\t")])
def test_without_documents_it_is_not_applicable(documents: tuple[str, ...]) -> None:
    for asked, _, answer, _ in CASES.values():
        assert Groundedness().prepare(interaction(answer, *documents, asked=asked)) == NotApplicable("no documents")


@forms
def test_form_is_no_fault_and_hides_none(judge: Judge, document: str, answer: str, fault: str) -> None:
    assert score(judge(answer, document)) < FLAGGED
    whole = with_fault(answer, fault)
    found = judge(whole, document)
    assert score(found) >= FLAGGED
    assert any(whole.find(fault) <= span.start and span.end <= len(whole) for span in found.spans)


@pytest.mark.parametrize("text", [*chain(*NO_CLAIM.values())])
def test_what_claims_nothing_is_not_judged(judge: Judge, text: str) -> None:
    for document in (RETURNS, RECORD):
        assert (score(judge(text, document)), judge(text, document).spans) == (0.0, ())


@pytest.mark.parametrize(("document", "answer"), SHORT)
def test_short_answers_are_not_flagged(judge: Judge, document: str, answer: str) -> None:
    assert score(judge(answer, document)) < FLAGGED


@pytest.mark.parametrize(("document", "answer"), [(API, "`503`"), (NEWS, "The Queensway ferry."), (STOCK, "Teak.")])
def test_short_inventions_are(judge: Judge, document: str, answer: str) -> None:
    assert score(judge(answer, document)) >= FLAGGED


@pytest.mark.parametrize(("document", "as_written", "otherwise"), NUMBERS)
def test_a_number_is_the_same_however_it_is_written(
    judge: Judge, document: str, as_written: str, otherwise: str
) -> None:
    expected = score(judge(as_written, document))
    assert score(judge(otherwise, document)) == pytest.approx(expected, abs=0.05)
    assert expected < FLAGGED
