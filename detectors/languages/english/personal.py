"""English words beside personal data, the parts of an address, and words that look like names."""

from __future__ import annotations

import re

from watchline.detectors.languages.language import PersonalWords

_NO_NAMES = """
    Mr Mrs Ms Miss Dr Sir Madam Team Everyone Customer Support World
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
    phone=re.compile(
        r"\b(?:(?:tele)?phones?|tel|mobile|cell|call(?:ing|ed)?|fax|whats ?app|dial|sms|text me|contact|reach|hotline"
        r"|number|desk|answer(?:ing|ed)?|ring|pager|voicemail)\b",
        re.IGNORECASE,
    ),
    extension=r"x|ext\.?|extension",
    social_security=re.compile(r"\b(?:ssn|social security)\b", re.IGNORECASE),
    at="at",
    dot="dot",
    version="ersion ",
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
    driving_licence=r"driv\w+'?s?'? licen[cs]e",
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
    streets=(
        "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way"
        "|Circle|Cir|Parkway|Pkwy|Highway|Hwy|Crescent|Close|Row|Alley|Trail|Trl"
    ),
    flats="Apt|Apartment|Suite|Ste|Unit|Flat",
    post_box=r"(?:P\.? ?O\.? |(?:PSC|Unit) \d+,? )Box \d+\b(?:\s[AFD]PO A[AEP] \d{5}\b)?",
    foreign_street_endings=(
        r"straße|strasse|str\.|weg|gasse|allee|gatan|gata|vägen|katu|tie|vej|veien|vegen|gade|straat|laan|utca| u\."
    ),
    foreign_street_beginnings="[Rr]ue|[Cc]alle|[Rr]ua|[Aa]venida|Avenue|Boulevard|Plaza|Piazza|Via|Viale|Chemin",
    no_names=frozenset(_NO_NAMES.split()),
    names_and_words=frozenset(
        ["will", "may", "mark", "bill", "grant", "art", "rose", "hope", "faith", "grace", "chase", "summer"]
    ),
)
