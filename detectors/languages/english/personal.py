"""English words beside personal data, the parts of an address, and words that look like names."""

# ruff: noqa: RUF001 (letters of any language)

from __future__ import annotations

import re

from watchline.detectors.languages.english.number_words import NUMBER_WORDS
from watchline.detectors.languages.language import PersonalWords

_NO_NAMES = """
    Mr Mrs Ms Miss Dr Sir Madam Team Everyone Customer Support World
    Customers Clients Users Members Guests Visitors Friends Family Folks Parents Kids Children Students Teachers
    Teammates Colleagues Coworkers Employees Managers Owners Admins Developers Engineers Partners Followers Subscribers
    Players Fans Client User Member Guest Visitor Friend Student Teacher Teammate Colleague Coworker Employee
    Developer Subscriber
    The This That These Those There Here A An I It He She We You They What When Where Which Who Why How If In On At
    Of To For From With Without By As And Or But Not No Yes Is Are Was Were Be Can Could Do Does Did Has Have Had
    Might Must Should Would Its Their Your My Our All Any Each Every Some Such Most Many More Other Both
    One Two Three First Second Last Next Then Than Also However Therefore Because Since While After Before Until
    Although Please Note See Use Using Used Return Returns Raise Raises Added Changed Deprecated New Hello Hi Dear
    Thanks Thank Sorry Sure Okay Only Python CPython Java Unicode Boolean Decimal Fraction Counter Enum Tuple Tuples
    List Lists Dict Set Sets String Strings Integer Integers Float Module Modules Class Classes Function Functions
    Method Methods Type Types Object Objects Lambda Lambdas Generator Generators Iterator Iterators Metaclass
    Context Manager Exception Key Keys Value Values Item Items Index Slice Slicing Slicings Sequence Sequences
    Mapping Mappings Mutable Immutable Numeric Binary Syntax Format Operator Operators Expression Expressions
    Statement Statements Import Imports Name Names Scope Scopes Virtual Assert Implicit Explicit Escape Backslash
    Backspace Formfeed Horizontal Tab Linefeed Underscores Digits Description Mismatch Matched Matches Meta Cls Pdb
    Print Jump Remove Manually Describes Generics Alias Common Custom Operations Misc Outer Else Standard Foo Bar
    Spam Eggs Linux Windows Docker Kafka Grafana Avro English Json Yaml Html Question Answer
    Specification Formatting Mini-Language System User Assistant Documentation Example Examples Tkinter Unix Ascii
    Default Optional WiFi Wifi
"""

# "api_key", "accessKey", "private key"; "order_key" too, but not "key" or "monkey"
_KEYS = (
    *("api", "app", "auth", "access", "private", "encryption", "signing", "master", "account", "shared", "service"),
    *("subscription", "consumer", "client", "session", "license", "licence", "admin", "deploy", "webhook", "storage"),
)
_BEFORE_KEY = r"(?<=[_-])" + "".join(rf"|(?<={word}[ ])|(?<={word})" for word in _KEYS)

PERSONAL = PersonalWords(
    phone=(
        r"(?:tele|smart|i|cell)?phones?|tel|mobile|cell|call(?:s|ing|ed|er)?|fax|whats ?app|viber|telegram"
        r"|dial(?:ling|ed)?|sms|text(?:ed)? (?:me|us|him|her|them)|or text|leave (?:a|your) message|contact"
        r"|reach(?:ed)?(?: \w{1,20})? (?:on|at|under)|hotline|helpline|landline|desk|ring(?:ing)?|rang|pager|voicemail"
        r"|msisdn|handy|answering|(?:my|your|his|her|their|our|home|work|office|direct|emergency|private|personal"
        r"|contact|new|old|best|right|wrong|correct|this|that|following|same|whose) numbers?(?! of)"
    ),
    no_phone=(
        r"(?:case|row|line|page|model|chapter|clause|section|version|total|size|port|bill|receipt|article|part|code|claim"
        r"|policy|booking|reservation|confirmation|flight|train|transaction|reference|account|record|file|document|docket"
        r"|issue|bug|revision|task|run|step|process|pid|thread|error|status|exit|issn|doi|arxiv|pmid|cve|volume|figure|table"
        r"|exercise|question|answer|result|count|counter|amount|quantity|qty|price|cost|revenue|budget|balance"
        r"|population|sales|profit|offset|address|hash|checksum|seed|index|key|byte|bit|token|user|customer|member"
        r"|employee|student|house|room|unit|year|date|time|created|updated|zip|zip code|postcode|postal code|latitude"
        r"|longitude|lat|lon|score|level|weight|height|distance|width|duration|timeout|latency|elapsed|memory|heap|limit|max"
        r"|min|capacity|inode|block|sector|ray|patent|registration|licen[cs]e|lottery|seat|gate|platform|zone|district|range"
        r"|number of \w{1,20}|release)s?"
    ),
    no_card=(
        r"(?:order|ticket|invoice|trace|span|request|tracking|shipment|parcel|message|event|session|job|build|commit|barcode"
        r"|isbn|ean|upc|gtin|sku|item|product|serial|imei|lot|batch|timestamp|epoch|created_at|updated_at|id|identifier)s?"
    ),
    phone_after=r"office|mobile|cell|home|fax|work",
    # Between such a word and the digits.
    said_between=r"numbers?|num|no|nos|nr|n|ids?|code|is|was|are|were|of|the|it|reference|ref|value|from|to|between|and|equals?",
    # After digits: they are counted.
    counted=(
        r"(?:row|line|byte|bit|kb|mb|gb|kib|mib|gib|user|time|item|record|read|write|request|event|token|character|word|page"
        r"|document|file|second|minute|hour|day|year|euro|dollar|pound|percent|unit|people|person|result|match|step"
        r"|download|view|click|visit|point|vote|share|error|ms|ns|us|message)s?"
    ),
    card=(
        r"(?:credit|debit|bank|payment|visa|master) ?cards?|cards?|visa|master ?card|amex|american express|maestro"
        r"|discover|union ?pay|diners(?: club)?|jcb|cc|ccn|pan"
    ),
    extension=r"x|ext\.?|extension",
    social_security=re.compile(r"\b(?:ssn|social security)\b", re.IGNORECASE),
    at="at",
    dot="dot",
    version=(
        r"version|release|v|ver|rev|revision|image|tag|build|firmware|driver|sdk|package|plugin|module|library|lib"
        r"|upgrade to|upgraded to|update to|updated to|bump to|downgrade to|patch|hotfix|chrome|chromium|firefox"
        r"|safari|edge|opera|webkit|browser|section|chapter|clause|paragraph|figure|table|step|annex|article|oid|requires"
        r"|installed|release of"
    ),
    someones=(
        r"my|his|her|their|our|from|client|user|remote|visitor|customer|login|logged in|log in|signed in|session"
        r"|ip(?=[\"']?\s?[:=])"
    ),
    login=r"pass(?:word|wd|code|phrase)|pwd|identified by|(?:(?<![a-z])|(?<=db))pass(?![a-z])",
    credential=(
        r"secret(?:[ _-]access)?(?:[ _-]key)?|token|bearer|credentials?|cookie|authorization"
        r"|connection[ _-]?string|dsn|sess(?:ion)?[_-]?id"
        rf"|(?:{_BEFORE_KEY})key"
    ),
    credential_words=(
        *("pass", "pwd", "identified by", "secret", "token", "bearer", "credential", "cookie", "authorization"),
        *("connection", "dsn", "sess", "key"),
    ),
    no_credential=(
        r"(?:^|[_.-])(?:max|min|num|total|count|n)[_-]|tokens\b|tokeni[sz]"
        r"|(?:next|prev(?:ious)?|page|paging|pagination|continuation|sync|resume|cursor|trace|span|request|correlation"
        r"|idempotency|cache|primary|foreign|public|partition|sort|object|row|routing|dedup\w{0,8}|unique|i18n|s3|message"
        r"|verify|pub|kms|index|lookup|hash|group|item|sort|lock|storage[_-]item)[ _-]?(?:token|key)s?(?![a-z])"
        r"|(?:token|key|pass\w{0,6}|pwd|secret|cookie|credential|authorization)s?[_-]?(?:type|name|ids?|path|file\w{0,5}"
        r"|ur[il]|count|len\w{0,3}|size|limit|ttl|expir\w{0,6}|age|policy|field|hint|reset|format|pattern|regex|usage"
        r"|version|at|date|required|enabled|index|ring|board|label|placeholder|arn|fingerprint)(?![a-z])"
    ),
    surely_login="pass.|pwd",
    surely_credential="secret|api|auth",
    in_code="pass|pw|secret|token|key|arg|param|test",
    stand_in=(
        r"your|example|placeholder|change[_ -]?(?:me|it|this)|redacted|insert|dummy|replace|sample|masked|hidden"
        r"|^my[_-]|^enter|^(?:p(?:ass)?w(?:or)?d|pass|passwd|passphrase|secrets?|tokens?|string|str|bytes|int|bool|object|text"
        r"|required|optional|none|null|nil|true|false|undefined|unknown|default|invalid|empty|todo|test\w{0,4}|foo\w{0,3}|bar|baz"
        r"|user(?:name)?|admin|root|guest|basic|bearer|login|any|varchar\w{0,4})$"
    ),
    birth=r"born|birth\w*|d\.?o\.?b\.?",
    passport="passport",
    medical_record=(
        r"MRN\b|medical record\b|(?:medical|health|hospital|patient|chart)(?: record)?[ _-]?"
        r"(?:number\b|no\b\.?|ID\b|#)"
    ),
    bank_account="bank account|account (?:number|no)|routing number",
    is_or_was="is|was",
    date=(
        r"\d{1,4}[/.-](?:\d{1,2}|[A-Z][a-z]{2,8})[/.-]\d{1,4}"
        r"|\d{1,2}(?:st|nd|rd|th)?(?: of)? [A-Z][a-z]{2,8}\.?,? \d{4}"
        r"|[A-Z][a-z]{2,8}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}"
    ),
    log_levels="silly|verbose|http|debug|trace|info|notice|warn(?:ing)?|error|fatal",
    streets=(
        "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way"
        "|Circle|Cir|Parkway|Pkwy|Highway|Hwy|Crescent|Close|Row|Alley|Trail|Trl"
    ),
    flats="Apt|Apartment|Suite|Ste|Unit|Flat",
    post_box=r"(?:P\.? ?O\.? |(?:PSC|Unit) \d+,? )Box \d+\b(?:\s[AFD]PO A[AEP] \d{5}\b)?",
    box="Box",
    compass="[NS][EW]|[NSEW]|North|South|East|West",
    rural_route=(
        r"(?:R\.?R\.?|H\.?C\.?|RFD|R\.?D\.?|Rural Route|Star Route|Highway Contract)(?: No\.?| #)? ?"
        r"\d{1,4},? Box \d{1,6}[A-Z]?"
    ),
    numbered=(
        "chapter|lesson|section|part|page|step|figure|fig|table|episode|season|level|ward|day|week|version|volume|vol|act"
        "|scene|verse|grade|phase|question|item|exercise|module|task|row|track|round|stage|rule|article|appendix"
        "|release|python|windows|iphone|order|ticket|invoice|case|build|exp|expiry|expires|cvv|cvc|top|best|of|than"
    ),
    of="of",
    foreign_street_endings=(
        r"straße|strasse|str\.|weg|gasse|allee|gatan|gata|vägen|katu|tie|vej|veien|vegen|gade|straat|laan|utca| u\."
        r"|gracht|kade|singel|dijk|plein|steeg|platz|damm|ufer|chaussee|promenade|stieg|gränd|torget|gränden|kuja|polku|allé"
        r"|plads|stræde|veg|[ -](?:Straße|Strasse|Str\.|Weg|Allee|Platz|Ring|Damm|Ufer|Markt|Gasse)"
    ),
    foreign_numbered_streets=r"Calle|Carrera|Cra\.?|Kra\.?|Cl\.?|Transversal|Diagonal|Av\.?",
    foreign_streets_alone=("rue", "calle", "rua", "chemin", "piazza", "viale"),
    foreign_streets_first=(
        r"[Rr]ue|[Bb]oulevard|[Bb]d\.?|[Bb]ld\.?|[Aa]v\.|Av|[Aa]vda\.?|[Aa]venue|[Aa]venida|[Aa]llées?|[Qq]uai|[Cc]hemin"
        r"|[Ii]mpasse|[Cc]alle|C/|[Pp]aseo|P\.º|[Cc]arrer|[Tt]ravesía|[Cc]orso|[Pp]iazza|[Pp]iazzale|Via|Vía|Viale|V\.le"
        r"|[Vv]icolo|[Rr]ua|[Tt]ravessa|[Aa]lameda|[Pp]raça|[Rr]odovia|[Ee]strada|Plaza|Camino|ul\.|Ul\.|ulica|al\.|os\."
        r"|Jl\.|Jalan|Jln\.|Str\.|str\.|Strada|Bulevardul|Calea|plac|pl\.|Gang|Gg\.|place|cours|passage|route de"
    ),
    foreign_street_ends=(
        r"Cad|Cd|Sok|Sk|Mah|Bulv|Blv|Caddesi|Sokak|Sokağı|Mahallesi|Bulvarı|Nagar|Marg|Chowk|Gali|Vihar|Enclave|Layout|gate|vei|väg|utca|út|útja|tér|körút"
    ),
    foreign_links=r"d[eiao]s?|del|dell['’e]|della|delle|dei|du|la|las|los|le|les|l['’]|d['’]|van|von|der|den|dem|het|of|y|e|i|da",
    foreign_flats=(
        r"No|D|K|Kat|Daire|Blok|piso|planta|pta|puerta|esc|bis|ter|int|scala|interno|apto|ap|apt|bloco|etapa|apartamento|appartamento|depto|edif|bodega|torre|sala|casa|conj|andar"
        r"|bâtiment|bât|étage|lok|Whg|Wohnung|Top|Stiege|lgh|krs|bus|Flat|Unit|Floor|Block|Plot|Shop"
        r"|Room|Tower|Wing|House|Door|H"
    ),
    foreign_number=r"[Nn](?:o|r|°|º|úm)?[.:]{0,2} ?|#",
    foreign_sides="tv|th|mf|[A-Za-z]",
    foreign_again="bis|ter|quater|[A-Z]",
    foreign_wards="ku|shi|cho|chō|machi|gun|chome|chōme|dong|gu|si|ro|gil|do",
    foreign_ids=NUMBER_WORDS,
    no_names=frozenset(_NO_NAMES.split()),
    before_name=(
        r"(?:my|his|her|whose|the|full|customer|patient) name is|name|customer|client|patient|contact|author|employee"
        r"|manager|colleague|assignee|recipient|sender|owner|user|member|guest|tenant|applicant|candidate|passenger|driver|student"
        r"|teacher|doctor|dr\.?|mr\.?|mrs\.?|ms\.?|prof\.?|nurse|dear|hello|hi|hey|thanks|regards|sincerely|by|from|for|ask"
        r"|tell|call|called|met|with|i am|i'm|this is|signed|attn\.?"
    ),
    name_fields=(
        r"(?:(?:first|last|full|given|family|middle|maiden|legal|display|preferred|second|customer|client|contact|patient"
        r"|employee|user|recipient|sender|billing|shipping|account holder|cardholder|holder|guest|author|owner|manager"
        r"|student|passenger|beneficiary) )?(?:first |last )?name|surname|forename|nickname|customer|client"
        r"|contact(?: person)?|patient|author|assignee|owner|reporter|employee|recipient|sender|account holder"
        r"|cardholder|beneficiary|guest"
        r"|passenger|tenant|member|manager|created by|approved by|reviewer|attendee|applicant|candidate|payee|payer"
    ),
    names_and_words=frozenset(
        ["will", "may", "mark", "bill", "grant", "art", "rose", "hope", "faith", "grace", "chase", "summer"]
    ),
)
