"""What the detectors ask of a language: each list of words and each form of a sentence by its name.

A `Fragment` goes into a larger pattern, whose structure is its reader's: digits, brackets, what may stand in between. A
whole `re.Pattern` is a form of a sentence. Each part says which modules read it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Fragment: TypeAlias = str  # alternatives of a regular expression, without a group around them


@dataclass(frozen=True, slots=True)
class Prose:
    """How sentences end: `runtime.text`; what all prose has: `pii.secret_values`."""

    abbreviations: frozenset[str]  # in small letters, without the last full stop, which ends no sentence
    letter_words: frozenset[str]  # single capital letters that are words, and no initial of a name
    function_words: frozenset[str]  # the commonest words, which all prose in the language has


@dataclass(frozen=True, slots=True)
class WordForms:
    """How words and numbers are written one way, to be compared: `runtime.words`."""

    stop_words: frozenset[str]  # carry nothing that a document could bear out
    suffix: re.Pattern[str]  # what a stem lacks
    plural: str  # ending of a noun; `harm.groups` and `grounding.opening_hours` read it too
    possessive: str  # ending of a noun, with its apostrophe
    negation: re.Pattern[str]  # a word that denies
    units: tuple[str, ...]  # number words from 1 on
    teens: tuple[str, ...]  # number words after these
    tens: Mapping[str, int]  # number words that units may follow
    scales: Mapping[str, int]  # number words that multiply
    one: frozenset[str]  # what means 1 before a scale
    currency_codes: Mapping[str, str]  # the name of a currency by its code, in small letters
    signs: Mapping[str, str]  # how a sign or letter beside a number reads, with the blanks that it needs
    ordinals: Fragment  # endings of a number in figures; `harm.deobfuscation` reads them too
    half_day: Fragment  # before or after noon, in a group `half`; `grounding.opening_hours` reads it too
    afternoon: str  # the characters of `half` after noon


@dataclass(frozen=True, slots=True)
class Conversation:
    """What claims nothing of the world, and what is asked of documents: `grounding.claims`, `grounding.question`."""

    refusal: re.Pattern[str]  # the answer isn't known, found or given; counts in a sentence with a `source`
    source: re.Pattern[str]  # who or what doesn't know: the assistant, the documents
    unsaid: re.Pattern[str]  # a refusal by itself: a paper doesn't say
    turn: re.Pattern[str]  # after it the sentence may claim something all the same
    courtesy: re.Pattern[str]  # a sentence's beginning: greetings, thanks, offers of help, questions back
    announcement: re.Pattern[str]  # a whole sentence that only says what comes next
    stated: re.Pattern[str]  # a heading with a verb, which says something
    referral: re.Pattern[str]  # a sentence's beginning that sends the reader to someone else
    about_documents: re.Pattern[str]  # asks for something to be done with the documents
    pointers: Fragment  # before a link that the sentence only points to
    reference_headings: Fragment  # before a list of sources
    step: Fragment  # before the number of an item in a list
    cited: Fragment  # how a citation in square brackets begins
    cited_in_brackets: Fragment  # how one in round brackets begins; blanks escaped, for `re.VERBOSE`
    cited_by_number: Fragment  # before the number of what is cited


@dataclass(frozen=True, slots=True)
class QuotationWords:
    """Around a sentence, what says that its document doesn't state it: `grounding.quotation`."""

    doubted: re.Pattern[str]  # it is called untrue
    superseded: re.Pattern[str]  # something else holds by now
    correction: re.Pattern[str]  # how a sentence begins that corrects what stands above it
    reported: re.Pattern[str]  # others say it
    denied: re.Pattern[str]  # it is denied, in the same sentence
    conditional: re.Pattern[str]  # it holds in some case, in the same sentence
    pointing: re.Pattern[str]  # a beginning that is about what another sentence names


@dataclass(frozen=True, slots=True)
class HoursWords:
    """Days and opening hours: `grounding.opening_hours`, and through it `grounding.structured`."""

    days: tuple[str, ...]  # from Monday to Sunday
    every_day: Fragment  # all seven
    weekdays: str  # the first five
    weekends: str  # the last two
    open_or_closed: Fragment  # words that say either
    closed: str  # of these, what says closed
    times_to: Fragment  # between two times of day
    days_to: Fragment  # between the first and the last of several days
    days_joined: Fragment  # between days that are listed
    varying: re.Pattern[str]  # the hours aren't the same each time


@dataclass(frozen=True, slots=True)
class Records:
    """How sentences speak of keys and values: `grounding.structured`; of a cut document: `grounding.truncation`."""

    fillers: frozenset[str]  # begin a key without naming what it is about
    key_suffix: re.Pattern[str]  # ending of a key's word that a sentence may write otherwise
    truth: Mapping[str, bool]  # values that mean yes or no
    yes: str  # how true reads
    no: str  # how false reads
    unknown: str  # how null reads
    denied: re.Pattern[str]  # a negation before what it denies
    denied_after: re.Pattern[str]  # a negation right after what it denies
    turn: re.Pattern[str]  # where a negation ends
    untold: re.Pattern[str]  # something isn't told, which is true of what is null
    clause_break: re.Pattern[str]  # parts a sentence into clauses
    rating: re.Pattern[str]  # so many stars of five; group 1 is the number
    rates: re.Pattern[str]  # in a key whose value is such a number
    cut: Fragment  # in brackets at the end of a document that goes on


@dataclass(frozen=True, slots=True)
class PersonalWords:
    """Words beside personal data, and words that are no names: modules of `pii`."""

    phone: Fragment  # before digits: a telephone number; `pii.numbers` reads these seven
    phone_after: Fragment  # after digits, the same
    no_phone: Fragment  # before digits: they are no telephone number
    no_card: Fragment  # before digits: no card's number either
    said_between: Fragment  # between such a word and the digits
    counted: Fragment  # after digits: how many there are of something
    card: Fragment  # before digits: a card's number
    extension: Fragment  # before the extension of a telephone number
    social_security: re.Pattern[str]  # before digits: a social security number
    at: Fragment  # the sign of an e-mail address spelled out; `pii.redaction` reads it too
    dot: Fragment  # likewise
    version: Fragment  # before numbers with dots that are no IP address
    someones: Fragment  # before an IP address: it is someone's, though it is of a range for documentation
    login: Fragment  # before what people choose as a password; `pii.secrets` and `pii.secret_values` read these eight
    credential: Fragment  # before a key or a token
    credential_words: tuple[str, ...]  # one of them begins each of these two, in small letters
    no_credential: Fragment  # names of fields that have such a word, and no secret
    surely_login: Fragment  # within the name of a password: digits or one word may be one, too
    surely_credential: Fragment  # within the name of a key: a UUID may be one, too
    in_code: Fragment  # within names of variables that stand for such a value
    stand_in: Fragment  # values that only stand for a secret
    birth: Fragment  # before a date of birth
    passport: Fragment  # before its number
    medical_record: Fragment  # before its number
    bank_account: Fragment  # before its number
    is_or_was: Fragment  # between such a word and the value
    date: Fragment  # in figures, or with the month in letters
    log_levels: Fragment  # after the number of a line
    streets: Fragment  # end the name of a street
    flats: Fragment  # before the number of a flat
    post_box: Fragment  # in place of street and number
    rural_route: Fragment  # likewise
    box: str  # in each of these two
    compass: Fragment  # after the name of a street
    numbered: Fragment  # what has a number that isn't a house's
    of: str  # after a word that would end a street's name, which it then doesn't
    foreign_street_endings: Fragment  # of streets in countries that speak another language; `pii.postal` reads these
    foreign_streets_first: Fragment  # begin the names of streets that have a number
    foreign_numbered_streets: Fragment  # before the number that is a street's name
    foreign_streets_alone: tuple[str, ...]  # begin the names of streets, with or without one
    foreign_street_ends: Fragment  # words after the name
    foreign_links: Fragment  # small words within names
    foreign_flats: Fragment  # before the number of a flat, a floor, an entrance
    foreign_number: Fragment  # before any number of an address
    foreign_sides: Fragment  # of a staircase, after the number of a floor
    foreign_again: Fragment  # after a house's number, of a second house that has it
    foreign_wards: Fragment  # after the hyphen, of towns and their parts
    foreign_ids: Mapping[str, tuple[str, ...]]  # before numbers of people, cars and telephones: `pii.national_ids`
    no_names: frozenset[str]  # capitalised words that begin sentences, or stand in code and its documentation
    before_name: Fragment  # right before a person's name: `pii.other_scripts`; the next one too
    name_fields: Fragment  # fields of records that hold one
    names_and_words: frozenset[str]  # names that are common words as well, in small letters: `pii.redaction`


@dataclass(frozen=True, slots=True)
class Groups:
    """Social groups: `harm.groups`; skin tones of emoji: `harm.deobfuscation`."""

    words: frozenset[str]  # in the singular, or in a plural of their own
    phrases: re.Pattern[str]  # several words, of which one alone would mean other things too
    skin_tones: Mapping[int, str]  # how a code point that colours an emoji reads


@dataclass(frozen=True, slots=True)
class ComparisonWords:
    """In which a claim and its document may differ: `grounding.comparison`. All in small letters."""

    units: Mapping[str, tuple[str, float]]  # what a unit measures, and how many of the smallest of that it is
    ambiguous: frozenset[str]  # what is measured in units of which a text may mean others
    shares: Mapping[str, float]  # words for a share or a multiple
    per: frozenset[str]  # between an amount and what it is for
    months: tuple[str, ...]  # from January to December
    seasons: tuple[str, ...]
    of: str  # may stand between a day and its month
    demonym: re.Pattern[str]  # a name that a country's may stand for


@dataclass(frozen=True, slots=True)
class Language:
    """One language, in parts by what reads them."""

    prose: Prose
    words: WordForms
    conversation: Conversation
    quotation: QuotationWords
    hours: HoursWords
    records: Records
    personal: PersonalWords
    groups: Groups
    comparison: ComparisonWords
