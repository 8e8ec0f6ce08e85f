"""Documents of several kinds, and answers to questions about them as assistants write them, right and wrong."""

from __future__ import annotations

import json

from watchline.schemas.records import Document, Interaction, Message


def interaction(answer: str, *documents: str, asked: str = "", system: str | None = None) -> Interaction:
    return Interaction(
        event_id="e",
        time=0,
        app="test",
        system_instructions=system,
        input_messages=(Message("user", asked),),
        output_messages=(Message("assistant", answer),),
        documents=tuple(Document(text) for text in documents),
    )


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
take more than four tablets in 24 hours. Do not take Dolorexin if you are pregnant, if you have had a stomach \
ulcer, or if you take blood thinners. Common side effects are nausea, headache and drowsiness; a skin rash is \
rare. If you get a rash, stop taking the tablets and see a doctor. If you forget a dose, skip it; do not take a \
double dose. Store below 25 degrees C, out of the reach of children."""

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
            "Parcels are scanned by hand in Malta.",
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
            "The Business plan costs $99 a month and has 2 TB of storage and telephone support.",
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

# What neither word overlap nor the verifier sees, by what is wrong.
MISSES = {
    "another word": [
        (MANUAL, "When the green light blinks, the machine needs descaling."),
        (NEWS, "Buses and bicycles may still cross in the southern lane."),
        (NEWS, "The council accepted a proposal to close the bridge at night only."),
        (NEWS, "The repair costs $18 million, two thirds of which the state government pays."),
        (RETURNS, "Items must be used and in their original packaging."),
        (RECORD, "Blue Spoon is in Bradford."),
    ],
    "a denial left out or put in": [
        (RETURNS, "Sale items can be refunded."),
        (MANUAL, "You can put the brew group in the dishwasher."),
        (MANUAL, "Damage caused by limescale is covered."),
        (LEAFLET, "You can take Dolorexin if you are pregnant."),
    ],
    "the document's words in other places": [
        (RETURNS, "Sale items can be refunded but not exchanged."),
        (LEAFLET, "If you forget a dose, take a double dose."),
        (LEAFLET, "A skin rash is common."),
        (LEAFLET, "Take Dolorexin before food."),
        (API, "The `express` field is required."),
        (PLANS, "The Team plan costs $99 per month."),
        (STOCK, "The white garden table is in stock."),
    ],
}

# What the verifier or the comparison of numbers sees, and word overlap doesn't.
WRONG_NUMBERS = [
    (LEAFLET, "Do not take more than six tablets in 24 hours."),
    (RETURNS, "You may return most items within 60 days of delivery for a full refund."),
    (RETURNS, "Orders over $2,500 are picked up by courier at no charge."),
    (NEWS, "The repair costs $81 million."),
    (LEAFLET, "Do not take more than eight tablets in 24 hours."),
    (API, "Tokens expire after 72 hours."),
    (MANUAL, "The machine has a 5-year warranty."),
    (NEWS, "The Harbour Bridge will close to cars for six weeks from 3 July."),
]

# What a record says otherwise is seen.
CONTRADICTED = ["Blue Spoon has outdoor seating.", "Blue Spoon is rated 4.0 stars.", "It doesn't offer takeout."]

FALSE_ALARMS = {
    "two novel words, both names of what is told, are most of a short line": (
        NEWS,
        "* **Start:** 3 June\n* **Duration:** six weeks\n* **Cost:** $18 million\n* Mill Road tunnel for cars",
    ),
    "'around the clock' for the table's '24 hours'": (
        PLANS,
        "The Business plan costs $99 a month and has 2 TB of storage and telephone support around the clock.",
    ),
    "two words alone": (RETURNS, "30 days"),
}
