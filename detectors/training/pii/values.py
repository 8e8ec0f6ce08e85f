"""Made-up names, addresses, companies and numbers of many countries, to fill the templates of `texts`.

Names, streets, towns and companies come from Faker (MIT), needed to train only; how they are put together is ours.
"""

# ruff: noqa: RUF001 (people write both apostrophes)

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar

from watchline.detectors.training.pii import look_alikes
from watchline.detectors.training.pii.look_alikes import is_kept

T = TypeVar("T")
_LOOK_ALIKES = ("brand", "software", "assistant", "team", "place", "dish", "phrase")


def _words(text: str) -> list[str]:
    return text.split()


def _phrases(text: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in text.split("|")]


_LOCALES = _words("""
    en_US en_GB en_AU en_CA en_IN en_IE en_NZ de_DE de_AT de_CH fr_FR fr_CA fr_CH es_ES es_MX es_CO es_AR it_IT pt_BR
    pt_PT nl_NL nl_BE sv_SE da_DK no_NO fi_FI pl_PL cs_CZ sk_SK hu_HU ro_RO hr_HR sl_SI tr_TR id_ID vi_VN et_EE lt_LT
    lv_LV en_PK yo_NG ig_NG zu_ZA tw_GH sw az_AZ fil_PH
""")
_PER_LOCALE = 250
_AMERICAN = 5  # times as often as any other locale's
# Names of languages that Faker writes in their own letters.
_ROMANISED_FIRST = _words("""
    Mohammed Ahmed Fatima Omar Aisha Yusuf Khalid Layla Hassan Zainab Ibrahim Noor Tariq Samira Bilal Amina Rashid Huda
    Wei Ming Xiu Jing Hao Yan Li Na Fang Jun Qiang Mei Haruto Yuki Sakura Kenji Aiko Takeshi Hiroshi Naoko Ren Minjun
    Jiwoo Seoyeon Hyun Eunji Dong Arjun Priya Rahul Ananya Vikram Deepa Sanjay Lakshmi Rohan Kavya Anil Sunita Nikolai
    Svetlana Dmitri Olga Ivan Natalia Sergei Irina Oksana Taras Bogdan Georgios Eleni Dimitris Katerina Nikos Yael Moshe
    Noa Avi Shira Kwame Ama Chidi Ngozi Tendai Thabo Makena Wanjiru Abebe Selam Ngoc Linh Somchai Malee Siti Putu
""")
_ROMANISED_LAST = _words("""
    Al-Farsi Haddad Rahman Hussein Khoury Mansour Qureshi Siddiqui Aziz Nasser Farouk Saleh Wang Zhang Liu Chen Huang
    Zhao Wu Zhou Xu Sun Tanaka Suzuki Yamamoto Watanabe Nakamura Kobayashi Kim Park Choi Jung Kang Patel Sharma Singh
    Gupta Iyer Reddy Nair Mukherjee Das Ivanov Petrova Sokolov Volkov Kuznetsova Shevchenko Kovalenko Papadopoulos
    Georgiou Nikolaidis Cohen Levi Mizrahi Friedman Mensah Okafor Adeyemi Ndlovu Dlamini Mwangi Tesfaye Nguyen Tran Pham
    Wongsakul Wijaya Santoso Hosseini Ahmadi Karimi Rezaei Yilmaz Demir
""")
_STREETS = _words("""
    Street Avenue Road Lane Drive Court Place Square Terrace Way Close Crescent Boulevard Gardens Hill Grove Row Mews
    Parade Park View Green Rise Walk
""")
_SHORT_STREETS = _words("St Ave Rd Ln Dr Ct Pl Sq Blvd Pkwy Hwy Cir St. Ave. Rd. Dr. Blvd.")
_SUFFIXES = _phrases("""
    Inc|Inc.|LLC|Ltd|Ltd.|Limited|Corp|Corp.|Corporation|Co|Group|Holdings|GmbH|AG|S.A.|SARL|B.V.|AB|Oy|S.p.A.|PLC
    |Pty Ltd|& Sons|& Co|Partners|Labs|Systems|Networks|Capital|Analytics|Health|Bank|Insurance|Logistics|Media|Markets
    |Software|Technologies|Solutions|Energy|Foods|Motors|Airlines|Pharma|Studios|Consulting|Ventures|Financial|Services
    |Industries|International|Robotics|Interactive|Records|Airways|Telecom|Books|Hotels|Restaurant|Cafe|Grill|Bakery
""")
_COMPANY_WORDS = _words("""
    Blue North Star Green River Summit Pioneer Atlas Apex Nova Bright Silver Harbor Maple Granite Falcon Vertex Quantum
    Urban Prime Global Delta Echo Lumen Orbit Cedar Iron Coral Beacon Anchor Vista Crystal Golden First National United
    Pacific Atlantic Alpine Metro Central Royal Open Clear Rapid Smart Data Cloud Earth Solar Ocean Forest City Family
    Community Digital Creative Modern Common Direct Liberty Heritage Evergreen Stone Fox Wolf Lion Bear Eagle
""")
_PUBLIC = _phrases("""
    University of {city}|{city} University|{city} General Hospital|{city} City Council|St. {first}'s Hospital
    |Bank of {city}|{city} Police Department|Department of {thing}|Ministry of {thing}|{last} Foundation
    |{city} Institute of Technology|{city} Medical Center|{last} Memorial Library|{city} School District
    |National {thing} Agency|{last} & {other}|{last}, {other} and {third}|{last}-{other}|Institute for {thing}
    |{thing} Association|{city} United|{city} Times|{last} College|Office of {thing}|Center for {thing}|{city} Clinic
    |{last} Law Firm|{last} Brothers
""")
_THINGS = _phrases("""
    Health|Finance|Education|Public Safety|Transport|Labor|Energy|Housing|Better Policy|Research|Child Welfare|Justice
    |Environment|Agriculture|Open Data|Science|Trade|Consumer Protection
""")
_BEGINNINGS = _words("""
    Vo Per Sim Map Lex Qua Zen Tri Opti Medi Info Neo Ver Cog Flu Data Cap Lo Kin Ax Bri Sol Ty Ri Ma Clo Pay Edu Ana
""")
_ENDINGS = _words("""
    tizen sint ple quest is nix cast lytica via tio ra scope zon tra vity logic ify ster wise hub base gent mind io ly
""")
_COUNTRIES = _phrases("""
    United States|Germany|France|Spain|Italy|Poland|Norway|Sweden|Denmark|Finland|Canada|Australia|New Zealand|Brazil
    |Japan|India|Netherlands|Belgium|Switzerland|Austria|Czech Republic|Hungary|Slovenia|Portugal|Ireland|United Kingdom
    |Kenya|Nigeria|Ghana|South Africa|Egypt|Peru|Chile|Mexico|Iceland|Greece|Cyprus|Croatia|Estonia|Latvia|Uruguay
    |Thailand|Vietnam|Malaysia|Turkey|Iran|Cuba|Gabon|Macedonia|Tunisia|Greenland|Fiji|Bahamas|UK|USA
    |Antigua and Barbuda
""")
_STATES = _words("""
    AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI
    SC SD TN TX UT VT VA WA WV WI WY NSW QLD VIC ON QC BC RS SP
""")
_JOBS = _phrases("""
    nurse|software engineer|teacher|accountant|sales manager|driver|Chief Executive Officer|CTO|project manager|lawyer
    |Civil engineer|Head of Marketing|plumber|Data analyst|Professor|Senior Consultant|graphic designer
    |Account executive|Packaging machine operator|Human resources assistant|Software Architect|Vice President
""")
_TITLES = _phrases("""
    Mr.|Mrs.|Ms.|Dr.|Prof.|Mr|Mrs|Ms|Dr|Miss|Sir|mr.|ms.|Professor|Captain|Judge|Nurse|Sister|Father|Pastor|Rabbi|Imam
    |Coach|Officer|Detective|Sergeant|Lieutenant|Colonel|Senator|Councillor|Attorney|Chef|Lady|Lord|Dame|Mx.|Rev.|Hon.
    |Frau|Herr|Frau Dr.|Herrn|Madame|Monsieur|Mme|M.|Mlle|Señor|Señora|Sr.|Sra.|Signor|Signora|Sig.|Dott.|Don|Doña|Dra.
    |Mevrouw|Dhr.|Pan|Pani|Fru|Nurse|Prof. Dr.|Midwife|Principal|Inspector|Agent|Doctor|Uncle|Aunt|Cousin
""")
# First and last names that are words, or names of months and places.
_WORDS_FIRST = _words("""
    May Will Grace Hope Mark Bill Grant Art Rose Faith Chase Summer Hunter June April August Autumn Dawn Joy Sky
    River Frank Rich Drew Jack Victor Miles Dean Guy Iris Ivy Olive Ruby Pearl Amber Crystal Jade Melody Destiny
    Christian Patience Charity Norm Rusty Skip Dusty Sandy Rocky Buddy Chip Gene Heath Cliff Forrest Glen Dale
    Brook Ray Wade Chance Trip Rob Pat Bob Sue Jean Penny Holly Robin Jasper Angel Major Earl Duke Prince Star
    Pierce Lance Mason Carter Cooper Parker Tanner Taylor Bishop Austin Paris Sydney Victoria Georgia Virginia
    Carolina Dallas Houston Jordan Israel Chelsea Brooklyn Savannah Madison Lincoln Jackson Claude Alexa Jenkins
    Cassandra Jasmine Julia Siri Maya Ada Pascal Oscar Athena Aurora Phoenix Storm Ally Harmony Felicity Prudence
    Clement Constance Ernest Merry Noel Sterling Royal
""")
_WORDS_LAST = _words("""
    Park Hill Young Long Short King Bishop Cook Baker Brown Green White Black Gray Field Wood Woods Rivers Lake
    Stone Price Cash Banks Bell Rose Day May Winter Summers Love Power Best Good Rich Street Church Marsh Moor
    Ford Bridge Hall House Gates Case Law Page Read Small Little Strong Wise Sharp Savage Wolf Fox Lamb Bird Crane
    Swan Drake Finch Frost Snow Rain Storm Waters Brook Forest Garden Flowers Branch Root Berry Plant Major
    Sergeant Judge Pope Abbott Prior Dean Chen Li Wong Lee Kim Ng Tan Chan Lam Yu So An Do Ho Van Das Ali Khan
    Shah Roy Singh Sun Ye Ma He Bai Gold Silver Steel Carpenter Mason Taylor Smith Miller Fisher Hunter Archer
    Parker Cooper Porter Potter Turner Walker Ward Wells West North Holiday Easter Christmas Monday Friday March
    Barclay Wells Morgan Stanley Schwab Jenkins Washington Lincoln
""")
_PARTICLES = _phrases("""
    van der|van de|van|van den|von|von der|zu|de|de la|de los|del|della|di|da|dos|das|do|du|des|le|la|bin|ibn|bint|al|el
    |abu|ben|ter|ten|op den|Ní|Ó|Ui|Nic|Mac|Mc|St.|San|Santa|af|av|dal|dell'|van 't
""")
_APOSTROPHES = _words("O' O' O' D' L' Dell' M' N' O’ O’ O’ D’ L’ Dell’ Mc Mac Fitz De La Le Al- El-")
_DAYS = _phrases("""
    Monday|Tuesday|Friday|tomorrow|next week|on 3 May|March 12, 2021|2019|yesterday|at noon|12/03/2020|last month
    |at 5 pm
""")
_PRODUCTS = _phrases("""
    router|laptop|washing machine|blue jacket|subscription|premium plan|phone case|order|headphones|coffee maker|invoice
    |prescription|refund|account|mortgage|package|ticket|booking|parcel|insurance policy|printer|visa|loan
""")
_PHONES = _phrases("""
    +## ## #######|(###) ###-####|###-###-####|+1-###-###-####|0## #### ####|## ## ## ##|########|+### ## ### ###
    |(##) ####-####|###.###.####x##
""")
_IDS = _words("????#### ###### ??-####-## ################ ???????? ????-####")
_VERBS = _words("""
    Install Configure Restart Edit Open Call Email Ping Phone Notify Remind Contact Visit Fix Deploy Check Review
    Update Delete Merge Migrate Run Stop Start Build Push Pull Text Message Invite Tell Thank Greet Meet Follow
    Assign Add Remove Download Launch Enable Disable Test Try Buy Order Sell Compare Choose Consider Find Show
    Describe Explain Summarise Translate Write Rewrite Draft Send Forward Copy Move Rename Replace Import Export
    Print Sign Book Cancel Schedule Postpone Confirm Approve Reject Escalate Close Reopen Track Watch Read Play
    Get Give Take Bring Make Keep Let Put Reboot Reset Reconnect Rebuild Refactor Reformat Rotate Revoke Rollback
    Scan Scale Search Secure Share Skip Sort Split Submit Switch Sync Tag Terminate Transfer Trigger Unplug Unlock
    Unmount Validate Verify Wait Wake Wash Wipe Zip Archive Attach Authorise Backup Benchmark Block Bump Clean
    Clear Clone Commit Compile Compress Connect Convert Create Debug Decrypt Detach Downgrade Dump Eject Encrypt
    Evaluate Exclude Execute Extend Extract Fetch Filter Finish Flash Flush Freeze Generate Grab Handle Hide
    Highlight Ignore Include Increase Inspect Integrate Join Kill Link List Listen Lock Log Lower Maintain Map
    Measure Mention Monitor Mount Mute Note Offer Optimise Organise Pack Patch Pause Pin Plan Plug Prepare Preview
    Process Profile Provide Provision Publish Query Quit Raise Reach Rebase Recover Reduce Refresh Reload Report
    Request Respond Restore Resume Retry Reuse Revert Rewind Ask Answer Avoid Believe Hear Register Subscribe
    Renew Refund Charge Pay Ship Return Deliver Load Save Select Press Click Tap Type Enter Upload
""")
_NOUNS = _words("""
    Antrag Vertrag Rechnung Bestellung Lieferung Beschwerde Kündigung Anfrage Nachricht Termin Auftrag Angebot
    Zahlung Mahnung Gutschrift Buchung Reise Wohnung Miete Versicherung Police Schaden Gutachten Bericht Protokoll
    Zeugnis Urlaub Krankmeldung Bewerbung Gehalt Konto Karte Überweisung Lastschrift Kredit Zinsen Steuer Bescheid
    Formular Unterlagen Unterschrift Vollmacht Anwalt Gericht Urteil Klage Frist Befund Rezept Behandlung Praxis
    Klinik Patient Kunde Kundin Mieter Vermieter Mitarbeiter Abteilung Büro Schlüssel Paket Adresse Anschrift
    Telefonnummer Rückruf Ausweis Pass
""")
_MOTIFS = _words("""
    dossier contrat commande facture paiement rendez-vous colis billet compte courrier avis plainte demande
    réservation remboursement devis formulaire livraison pedido contrato factura pago cita paquete billete cuenta
    queja solicitud reserva reembolso presupuesto formulario entrega permiso seguro informe recibo envío Contrat
    Facture Pedido Factura
""")
_ACRONYMS = _words("""
    ASAP FYI FAQ PDF CSV API SDK URL IBAN BIC SWIFT SSN PIN OTP CVV ATM VAT GST EIN TIN NHS IRS HR PR IT QA CEO
    CFO ETA EOD COB TBD TBA NDA SLA KPI ROI PTO OOO RSVP DOB MRN ICU ER MRI EKG GP USB GPU CPU RAM SSD LED TV DVD
    AC DC UK USA EU UN GDPR HIPAA SOC ISO PCI SQL JSON XML HTML CSS HTTP SSH TLS VPN DNS AWS GCP SAP ERP CRM POS
    SKU UPC ISBN DOI LOL OMG BTW IMO IIRC TLDR WTF AM PM GMT UTC EST PST USD EUR GBP
""")
_UNITS = _phrases(
    "Apt. ###|Suite ###|Apt ##|Unit #?|Apt. ###|Suite ###|Flat #|Floor #|Apartment ?|Ste. ###|Room ##|#\u00a0##"
)
_TOWN_LINES = _phrases("""
    {town}, {state} {code}|{code} {town}|{town} {code}|{town}|{town}, {state}|{town}~{code}|{town}~, {state}~ {code}
    |{code}, {town}|{town} {state} {code}
""")


@cache
def _pools() -> tuple[list[tuple[list[str], list[str]]], list[str], list[str], list[str], list[str]]:
    """First and last names by country; streets, towns, companies and postcodes of all of them."""
    from faker import Faker

    people, streets, towns, companies, codes = [(_ROMANISED_FIRST, _ROMANISED_LAST)], [], [], [], []
    for locale in _LOCALES:
        faker = Faker(locale)
        faker.seed_instance(5)

        def draw(name: str, count: int = _PER_LOCALE, faker: Any = faker) -> list[str]:
            drawn = {str(getattr(faker, name)()) for _ in range(count)} if hasattr(faker, name) else set()
            return sorted(item for item in drawn if item[0] < "\u0250")  # Latin letters

        people.append((draw("first_name"), draw("last_name")))
        streets += draw("street_name", 60)
        towns += draw("city", 100)
        companies += draw("company", 60)
        codes += draw("postcode", 15)
    weights = [_AMERICAN if locale == "en_US" else 1 for locale in ("", *_LOCALES)]
    people = [pair for pair, weight in zip(people, weights, strict=True) for _ in range(weight) if all(pair)]
    return people, streets, towns, companies, codes


class Values:
    """Draws values by chance; the same seed gives the same values.

    Parameters
    ----------
    known
        Values by slot (`name`, `org`, `address`, `city`) that are drawn beside the made-up ones.
    words
        Words that are no names, in small letters.
    kept
        Whether surnames and look-alikes are those that are held out, to measure on, or the others.
    """

    def __init__(
        self,
        seed: int,
        known: Mapping[str, Sequence[str]] | None = None,
        words: Sequence[str] = ("word",),
        kept: bool = False,
    ) -> None:
        self.chance = random.Random(seed)  # noqa: S311 (no secret)
        self._known = known or {}
        self._words, self._kept = words, kept
        self._people, self._streets, self._towns, self._companies, self._codes = _pools()
        holidays, self._works = (look_alikes.of_kind(kind, kept) for kind in ("holiday", "work"))
        self._slots: dict[str, Callable[[], str]] = {
            "name": self.name,
            "full": self._full,
            "first": lambda: self._person()[0],
            "last": lambda: self._person()[1],
            "org": self.organisation,
            "address": self.address,
            "street": self._street_line,
            "city": self._town,
            "country": lambda: self._pick(_COUNTRIES),
            "phone": lambda: self._shaped(self._pick(_PHONES)),
            "email": self._email,
            "number": lambda: str(self.chance.randrange(10 ** self.chance.randint(1, 9))),
            "id": lambda: self._shaped(self._pick(_IDS)),
            "amount": lambda: f"{self.chance.choice('$€£')}{self.chance.randint(1, 9000):,}",
            "date": lambda: self._pick(_DAYS),
            "job": lambda: self._pick(_JOBS),
            "title": lambda: self._pick(_TITLES),
            "digit": lambda: str(self.chance.randrange(10)),
            "noun": lambda: self._pick(_NOUNS),
            "motif": lambda: self._pick(_MOTIFS),
            "acronym": lambda: self._pick(_ACRONYMS),
            "verb": lambda: self._pick(_VERBS),
            "product": lambda: self._pick(_PRODUCTS),
            "word": lambda: self._pick(words),
            "family": self._family,
            "turned": self._turned,
            "worded": self._worded,
            "marked": self._marked,
            **{kind: partial(self._pick, look_alikes.of_kind(kind, kept)) for kind in _LOOK_ALIKES},
            **{kind: partial(self._bearing, kind) for kind in ("eponym", "disease", "storm", "church")},
            "holiday": lambda: self._bearing("holiday") if self.chance.random() < 0.5 else self._pick(holidays),
            "work": self._work,
            "json": lambda: json.dumps(self._object(2), indent=self._pick((None, None, 2))),
        }

    def of(self, slot: str) -> str:
        """A value for a slot; raises KeyError where there is no such slot."""
        return self._slots[slot]()

    def name(self) -> str:
        """A person's name: mostly first and last, sometimes one of them, with initials, or turned round."""
        form = self.chance.random()
        first, last = self._person()
        if form < 0.08 and "name" in self._known:
            known = self._pick(self._known["name"])
            return known if is_kept(known.split()[-1]) == self._kept else self._full()
        if form < 0.14:
            return self._pick((self._turned, self._worded, self._marked))()
        if form < 0.62:
            return self._full()
        if form < 0.8:
            return first
        if form < 0.88:
            return last
        initial = self.chance.choice(string.ascii_uppercase)
        return self._pick(
            (f"{first} {initial}. {last}", f"{first} {initial} {last}", f"{last}, {first}", f"{initial}. {last}")
        )

    def _full(self) -> str:
        first, last = self._person()
        if self.chance.random() < 0.06:
            last += self._pick((" Jr.", " III", f"-{self._person()[1]}", f" {self._person()[1]}"))
        if self.chance.random() < 0.03:
            first += self._pick((f"-{self._person()[0]}", f" {self._person()[0]}"))
        return f"{first} {last}"

    def _turned(self) -> str:
        first, last = self._person() if self.chance.random() < 0.8 else (self._worded().split()[0], self._surname())
        if self.chance.random() < 0.3:
            first += f" {self._pick((self._person()[0], self.chance.choice(string.ascii_uppercase) + '.'))}"
        form = self.chance.random()
        if form < 0.3:
            return f"{last.upper()}, {first.upper()}"
        return (
            f"{last.upper()}, {first}"
            if form < 0.45
            else f"{last.upper()} {first}"
            if form < 0.5
            else f"{last}, {first}"
        )

    def _worded(self) -> str:
        first, last = self._person()
        form = self.chance.random()
        if form < 0.6:
            return f"{self._pick(_WORDS_FIRST)} {self._worded_surname() if form < 0.3 else last}"
        return f"{first} {self._worded_surname()}"

    def _worded_surname(self) -> str:
        return self._drawn(lambda: self._pick(_WORDS_LAST))

    def _family(self) -> str:
        """A surname as people have it: of two, with a particle, with an apostrophe."""
        last = self._surname()
        return self._pick(
            (f"{last}-{self._surname()}", f"{self._pick(_PARTICLES)} {last}", f"{self._pick(_APOSTROPHES)}{last}")
        )

    def _marked(self) -> str:
        first, last = self._person()
        form = self.chance.random()
        if form < 0.85:
            return f"{first} {self._family()}"
        return (
            f"{first}-{self._person()[0]} {last}"
            if form < 0.93
            else f"{first} {self._person()[0]} {self._surname()} {last}"
        )

    def _bearing(self, kind: str) -> str:
        first, last = self._person() if self.chance.random() < 0.7 else (self._pick(_WORDS_FIRST), self._surname())
        return look_alikes.bearing(kind, first, last, self._surname(), self.chance)

    def organisation(self) -> str:
        """A company, authority, school or hospital."""
        form = self.chance.random()
        if form < 0.15 and "org" in self._known:
            return self._pick(self._known["org"])
        if form < 0.35:
            return self._pick(self._companies)
        if form < 0.55:
            coined = self._pick(_BEGINNINGS) + self._pick(_ENDINGS)
            return coined if self.chance.random() < 0.6 else f"{coined} {self._pick(_SUFFIXES)}"
        if form < 0.75:
            words = self.chance.sample(_COMPANY_WORDS, self.chance.randint(1, 2))
            return " ".join([*words, self._pick(_SUFFIXES)])
        if form < 0.8:
            return "".join(self.chance.choices(string.ascii_uppercase, k=self.chance.randint(3, 4)))
        return self._pick(_PUBLIC).format(
            city=self._town(),
            first=self._person()[0],
            last=self._person()[1],
            other=self._person()[1],
            third=self._person()[1],
            thing=self._pick(_THINGS),
        )

    def address(self) -> str:
        """An address on one line or several, of any country, complete or only its street."""
        if self.chance.random() < 0.15 and "address" in self._known:
            return self._pick(self._known["address"])
        form = self.chance.random()
        if form < 0.22:
            return self._street_line()
        if form < 0.27:
            return f"the corner of {self._street_line()} and {self._street_line()}"
        number = self.chance.randint(1, 9999)
        if form < 0.34:
            box = self._pick((f"P.O. Box {number}", f"PO Box {number}", f"Postfach {number}"))
            if self.chance.random() < 0.5:
                forces = self._pick(("APO AE", "APO AA", "DPO AP", "FPO AP"))
                place = self._pick(("PSC", "Unit", "CMR"))
                return f"{place} {number}, Box {self.chance.randint(1, 9999)}\n{forces} {self._code()}"
            return self._lines([box, self._town_line()])
        parts = [self._street_line()]
        if self.chance.random() < 0.35:
            parts[0] += self._pick((" ", ", ", "\n", "\n ")) + self._unit()
        parts.append(self._town_line())
        if self.chance.random() < 0.4:
            parts.append(self._pick(_COUNTRIES))
            if self.chance.random() < 0.3:
                parts[-1] += f" {self._code()}"
        return self._lines(parts)

    def block(self) -> list[str]:
        """The lines of an address as a letter has them."""
        lines = [self._street_line()]
        if self.chance.random() < 0.6:
            lines.append(self._unit())
        if self.chance.random() < 0.5:
            return [*lines, self._town(), f"{self._pick(_COUNTRIES)} {self._code()}"]
        return [*lines, self._town_line(), *([self._pick(_COUNTRIES)] if self.chance.random() < 0.5 else [])]

    def _work(self) -> str:
        """What is written in capitals and is no one: the title of a work, a heading, a dish, a feature."""
        if self.chance.random() < 0.15:
            return self._pick(self._works)
        words = [self._pick(self._words).capitalize() for _ in range(self.chance.randint(1, 3))]
        return self._pick(("", "", "", "The ", "A ")) + self._pick((" ", " ", " of ", " & ", " and the ")).join(words)

    def _object(self, depth: int) -> dict[str, Any]:
        return {"_".join(self.chance.sample(self._words, 2)[: self.chance.randint(1, 2)]): self._value(depth)
                for _ in range(self.chance.randint(1, 5))}  # fmt: skip

    def _value(self, depth: int) -> Any:
        kind = self.chance.randint(0, 7)
        if kind == 0 and depth:
            return self._object(depth - 1)
        if kind == 1:
            return [self._pick(self._words) for _ in range(self.chance.randint(0, 3))]
        if kind == 2:
            return " ".join(self._pick(self._words) for _ in range(self.chance.randint(2, 5)))
        return (self._shaped(self._pick(_IDS)), self.chance.randint(0, 9999), self.chance.random(), True, None)[
            kind - 3
        ]

    def _lines(self, parts: Sequence[str]) -> str:
        return self._pick((", ", ", ", ", ", "\n", "\n ", ",\n", " ")).join(parts)

    def _street_line(self) -> str:
        street, number = self._pick(self._streets), self.chance.randint(1, 400)
        form = self.chance.random()
        if form < 0.35:
            name = self._person()[1] if self.chance.random() < 0.6 else self._pick(_COMPANY_WORDS)
            kind = self._pick(_SHORT_STREETS if self.chance.random() < 0.4 else _STREETS)
            way = self._pick(("N ", "S ", "West ", "E. ")) if self.chance.random() < 0.1 else ""
            return f"{self.chance.randint(1, 9999)}{self._pick(('', '', '', '', 'A', 'b'))} {way}{name} {kind}"
        if form < 0.5:
            return f"{number} {street}"
        if form < 0.8:
            return f"{street} {number}{self._pick(('', '', '', '', 'a', ' B', '/2', '.'))}"
        if form < 0.92:
            return f"{self.chance.randint(1, 90000)} {street} {number}"
        return street

    def _town_line(self) -> str:
        form = self._pick(_TOWN_LINES).replace("~", "\n")
        return form.format(town=self._town(), state=self._pick(_STATES), code=self._code())

    def _unit(self) -> str:
        return self._shaped(self._pick(_UNITS)).replace("\u00a0", "")

    def _code(self) -> str:
        if self.chance.random() < 0.6:
            return "".join(self.chance.choices(string.digits, k=self.chance.choice((4, 5, 5, 5, 6))))
        return self._pick(self._codes)

    def _town(self) -> str:
        if self.chance.random() < 0.15 and "city" in self._known:
            return self._pick(self._known["city"])
        return self._pick(self._towns)

    def _person(self) -> tuple[str, str]:
        firsts, lasts = self._pick(self._people)
        return self._pick(firsts), self._drawn(lambda: self._pick(lasts))

    def _surname(self) -> str:
        return self._person()[1]

    def _drawn(self, draw: Callable[[], str]) -> str:
        """A surname that is held out, or one that isn't."""
        for _ in range(100):
            if is_kept(surname := draw()) == self._kept:
                break
        return surname

    def _email(self) -> str:
        first, last = self._person()
        return f"{first}.{last}@{self._pick(_COMPANY_WORDS)}.example".replace(" ", "").lower()

    def _shaped(self, shape: str) -> str:
        """The shape with a digit for each `#` and a letter for each `?`."""
        kinds = {"#": string.digits, "?": string.ascii_uppercase}
        return "".join(self.chance.choice(kinds.get(char, char)) for char in shape)

    def _pick(self, items: Sequence[T]) -> T:
        return self.chance.choice(items)
