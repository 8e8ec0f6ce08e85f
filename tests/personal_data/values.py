"""Personal data by chance, all made up: values of every label, the fields they stand in and the sentences around them.

Surnames are parted by hash: those that rules and weights may be made with (`DEVELOPMENT`), and those that they are
measured with (`HELD_OUT`). None is in the pools that the recogniser of names is trained from: Faker's (40.63), and its
own lists.
"""

from __future__ import annotations

import calendar
import random
import re
import string
import zlib
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeVar

from tests.detectors.pii import generated_secrets
from watchline.schemas.checksums import luhn, mod_97

DEVELOPMENT, HELD_OUT = 0, 1
T = TypeVar("T")

_SURNAMES = """
    Abernathy Achterberg Adair Aldrich Ainsworth Alderman Ambrose Applewhite Arbuckle Armitage Ashdown Asquith
    Atherton Aylward Babcock Bagshaw Bainbridge Bancroft Barraclough Bassett Beaumont Beckwith Bellamy Bickerstaff
    Birtwistle Blackwood Blenkinsop Bottomley Boothroyd Bracegirdle Braithwaite Bramwell Broadbent Brockway
    Buckminster Burgoyne Cadwallader Calloway Carmody Carrington Cattermole Chadwick Cholmondeley Clutterbuck
    Coddington Colquhoun Cranshaw Crabtree Crowther Culpepper Dalrymple Danvers Darlington Davenport
    Delacroix Delaney Dewhurst Dinsmore Drinkwater Dunleavy Eccleston Edgerton Ellsworth Entwistle Fairbanks
    Fairweather Featherstone Fenwick Fitzsimmons Fotheringham Galbraith Gaskell Gillespie Goldsworthy Granville
    Greenhalgh Grimshaw Haddock Halloran Hargreaves Harkness Hathaway Heathcote Hetherington Higginbotham
    Hollingsworth Horrocks Huddleston Inglethorpe Islington Jellicoe Kavanagh Kilbride Kirkbride Kittredge Lanyon
    Larkin Leatherbarrow Lockhart Longbottom Lovelock Lumsden MacAllister Mainwaring Maltravers Marchbanks
    McCorquodale McTavish Micklethwaite Molyneux Mulholland Netherfield Nightingale Oglethorpe Ormsby
    Osgood Pemberton Penhaligon Pettigrew Pinkerton Postlethwaite Prendergast Quilter Radcliffe Ramsbottom
    Ravenscroft Redmayne Rothwell Sackville Satterthwaite Scarborough Shackleton Shufflebottom Sidebottom
    Silverwood Smethurst Snodgrass Somerville Stapleton Stubblefield Sutcliffe Swindlehurst Tattersall
    Thistlethwaite Throckmorton Tremaine Trevelyan Tunnicliffe Twistleton Underhill Vandermeer Wadsworth Walmsley
    Warburton Weatherby Westmacott Whitcombe Widdowson Winterbottom Wolstenholme Worthington Wrigglesworth
    Yarborough Björnstad Dahlström Ekholm Eskildsen Fagerlund Grönroos Hallgrímsson Ingebrigtsen Kjærsgaard
    Lagerkvist Nordahl Ottosson Rasmusdottir Sandqvist Skarsgård Stenmark Söderholm Thorvaldsen Achterkamp
    Bauerfeind Birnbaum Dietzfelbinger Eichinger Feuerstein Gruenwald Hagedorn Hasselbach Kirchhoff Krautwurst
    Leitner Löwenthal Morgenstern Oberhuber Pfannenstiel Rosenzweig Rübsamen Schickedanz Schlüsselburg Steinmetz
    Strohmeyer Weissmüller Wohlgemuth Zwickl Abruzzese Bellincioni Bevilacqua Boccaccini Cacciatore Castelnuovo
    Delvecchio Fioravanti Guicciardini Malaspina Mastroianni Montefiore Pellegrinelli Quattrocchi Scognamiglio
    Tagliaferri Vespignani Arrizabalaga Belmonte Cienfuegos Echeverría Etxeberria Goicoechea Ibarguren Larrañaga
    Mascarenhas Montalbán Olabarría Quevedo Saldívar Urrutia Villaseñor Zubizarreta Beauchemin Charpentier
    Courtemanche Deschênes Fontenelle Grandjean Lachapelle Montpellier Quesnel Rochefort Tremblay-Roy Vaillancourt
    Villeneuve Brzezinski Chmielewska Cieślak Dvořáček Gwizdała Hlaváček Jędrzejczyk Krzyżanowski Mieszkowska
    Nedvěd Skrzypczak Wachowiak Wojciechowicz Zbrozek Bondarchuk Chernyshevsky Goloborodko Kryvoruchko Lukashevich
    Ostapenko Rybakova Stolyarov Tymoshchuk Vasilchenko Yaroshenko Anagnostopoulos Christodoulou Hatzigeorgiou
    Karagiannis Mavromatis Stavropoulou Theodorakis Abdelrahim Al-Khalidi Al-Mutairi Bakhtiari Ben-Ami Boutaleb
    El-Masri Ghorbani Jaziri Khadijeh Mahfouz Moussaoui Najjar Ouedraogo Sabbagh Shahbazi Tabatabaei Zand Akintola
    Chukwuemeka Diop Ezenwa Gebreyesus Kipchoge Lesedi Makgoba Mbeki Mutasa Obasanjo Okonkwo Oyelaran Sithole
    Bhattacharjee Chakravarthy Gopalakrishnan Jayawardena Lokhande Mahalingam Parthasarathy Thiruvengadam
    Venkataraman Wickramasinghe Chaiyasit Dimagiba Fujiwara Hashimoto Ikeda-Mori Kurosawa Macaraeg Nishimura
    Ouyang Pangilinan Rattanakosin Shimizu Situmorang Takahata Uchida Xiang Yoshikawa Zheng-Li O'Callaghan
    O'Shaughnessy O'Dowd D'Agostino D'Ambrosio L'Estrange Ó'Súilleabháin van~der~Linden de~la~Cruz-Soto
    von~Hohenberg Ní~Dhomhnaill bin~Sulaiman di~Benedetto
"""
_FIRST_NAMES = """
    Adelheid Aino Alistair Ambrose Anneliese Anoushka Araminta Aurelio Baptiste Beatrix Benedikt Bettina Blandine
    Boniface Bronagh Bronwyn Caoimhe Casimir Celestine Clementine Cornelius Cressida Dagny Damaris Desmond Dietmar
    Dorothea Edmund Eilidh Eleonora Emeka Ephraim Esperanza Evangeline Farrukh Ferdinand Fionnuala Floriane Gethin
    Ginevra Giselle Godfrey Gwendolyn Hadassah Halvard Hedwig Hephzibah Hortensia Hyacinth Ignatius Ildikó Imelda
    Imogen Isidora Ismene Jacinta Jarmila Jocasta Kateryna Keziah Kristjana Lavinia Leocadia Leopold Liesbeth
    Linnea Lucinda Ludmila Magnhild Malachi Marguerite Mariam Meenakshi Melisande Mirela Mordecai Myfanwy Nadezhda
    Nikolaus Oluwaseun Ottoline Padraig Parvati Perpetua Philippa Quentin Radoslav Rosamund Rukmini Saoirse
    Severin Shreya Siegfried Sigrún Solveig Suleiman Tadeusz Thaddeus Theodora Tobias Tomasz Ulrike Ursula
    Valentina Venetia Wilhelmina Winifred Xanthe Yevgenia Yolanda Zacharias Zdenka Zoltán Aoife Bjørn Chiara Derya
    Efua Farah Giovanni Hana Ilse Jelena Kofi Leila Mateus Nils Oskar Pilar Rana Soren Tamar Umar Vesna Wanda Yara
    Zuri Karl Dana Elsie Grant Ruby Felix Ivy Hugo Nora Joan Carol Edith Frank Walter Susan Peter Alice Henry
    Clara Oliver Julia Thomas Anna
"""
_WORDS = (
    *("amber", "basin", "cedar", "delta", "ember", "fjord", "gravel", "harbour", "island", "juniper", "kettle"),
    *("lantern", "meadow", "nickel", "orchard", "pebble", "quarry", "ridge", "saddle", "timber", "umbrella"),
    *("valley", "willow", "yarrow", "zephyr", "anchor", "barley", "copper", "drift", "elm"),
)
_STREETS = [
    *("{n} {w} Street", "{n} {w} Road, Apt {u}", "{n} {w} Avenue", "{n} {w} Lane", "{n} {w} Drive, Suite {u}"),
    *("Flat {u}, {n} {w} Close", "{w}straße {n}", "{w}weg {n}", "{n} rue de la {w}", "Calle de {w} {n}"),
    *("Via {w} {n}", "{w}gatan {n}", "{w}laan {n}"),
]
_TOWNS = [
    *("Springfield, IL {z}", "Portland, OR {z}", "Leeds LS{u} 4QT", "{z} Hamburg", "{z} Lyon", "{z} Valencia"),
    *("{z} Torino", "{z} Uppsala", "Toronto, ON M{u}V 2T6", "Ballarat VIC {y}"),
]
_IBANS = {"DE": "#" * 18, "GB": "????" + "#" * 14, "FR": "#" * 23, "NL": "????" + "#" * 10, "ES": "#" * 20,
          "PL": "#" * 24, "IE": "????" + "#" * 14, "NO": "#" * 11}  # fmt: skip
_CARDS = ("4###############", "51##############", "55##############", "37#############", "6011############")
_PHONES = (
    *("+1 212 555 ####", "(312) 555-####", "415-555-####", "+44 20 79## ####", "+44 7### ######", "020 79## ####"),
    *("+49 30 ########", "+49 151 ########", "+33 1 4# ## ## ##", "+33 6 ## ## ## ##"),
    *(
        "+34 6## ### ###",
        "+39 06 #### ####",
        "+31 6 ########",
        "+46 70 ### ## ##",
        "+91 98### #####",
        "+61 4## ### ###",
    ),
    *("+81 90 #### ####", "+55 11 9####-####", "+48 6## ### ###", "+353 86 ### ####"),
)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_MONTHS = calendar.month_name[1:]

# By label: names of fields, and sentences. What needs a word before it has it in all of them.
FIELDS: dict[str, tuple[str, ...]] = {
    "PERSON": ("name", "full_name", "customer_name", "contact", "cardholder", "account_holder", "patient", "assignee"),
    "EMAIL_ADDRESS": ("email", "e_mail", "mail", "contact_email", "reply_to", "recipient"),
    "PHONE_NUMBER": ("phone", "phone_number", "mobile", "tel", "contact_phone", "cell"),
    "CREDIT_CARD": ("card", "card_number", "credit_card", "pan", "payment_card", "value"),
    "IBAN_CODE": ("iban", "account", "bank_account", "payout_iban", "value"),
    "US_SSN": ("ssn", "social_security_number", "social_security"),
    "US_PASSPORT": ("passport", "passport_number", "passport_no"),
    "US_DRIVER_LICENSE": ("driver_license", "drivers_license", "driving_licence", "driver_license_number"),
    "US_BANK_NUMBER": ("account_number", "bank_account_number", "routing_number"),
    "IP_ADDRESS": ("ip", "client_ip", "remote_addr", "ip_address"),
    "MAC_ADDRESS": ("mac", "mac_address", "device"),
    "URL": ("url", "endpoint", "database_url", "dsn"),
    "CRYPTO": ("wallet", "btc_address", "payout_address"),
    "SECRET": ("password", "api_key", "access_token", "client_secret", "db_password", "auth_token"),
    "DATE_OF_BIRTH": ("dob", "date_of_birth", "birth_date", "birthdate", "born"),
    "ADDRESS": ("address", "street_address", "shipping_address", "billing_address", "home_address"),
    "MEDICAL_RECORD_NUMBER": ("mrn", "medical_record_number", "patient_id", "patient_number"),
    "NATIONAL_ID": ("national_id", "tax_id", "national_identity_number", "personal_id_number"),
    "LICENSE_PLATE": ("license_plate", "number_plate", "registration", "plate"),
    "VIN": ("vin", "vehicle_identification_number", "chassis_number"),
    "IMEI": ("imei", "device_imei", "imei_number"),
}  # fmt: skip
SENTENCES: dict[str, tuple[str, ...]] = {
    "PERSON": (
        *("My name is {}.", "Please call {} back today.", "I spoke with {} yesterday.", "{} asked for a refund."),
        *("The appointment of {} was moved.", "Hi, this is {}, any news?", "This was signed by {}.", "Is {} in today?"),
    ),
    "EMAIL_ADDRESS": ("Write to {}.", "My address is {}, not the old one.", "Send the invoice to {} please."),
    "PHONE_NUMBER": ("My phone is {}.", "Call me on {} after six.", "You can reach us at {}.", "Text me: {}"),
    "CREDIT_CARD": ("I paid with {}.", "My card number is {}.", "Charge {} again, please.", "Card {} was declined."),
    "IBAN_CODE": ("Send it to {}.", "My IBAN is {}.", "The refund goes to {} then.", "Transfer it to {} by Friday."),
    "US_SSN": ("My SSN is {}.", "Her social security number is {}.", "SSN: {}", "It says {} as my social security."),
    "US_PASSPORT": ("My passport number is {}.", "Passport: {}", "I travel on passport {}."),
    "US_DRIVER_LICENSE": ("My driver's license is {}.", "Driving licence {} expires soon.", "Driver license: {}"),
    "US_BANK_NUMBER": ("My bank account is {}.", "The account number is {}.", "Use routing number {}."),
    "IP_ADDRESS": ("I was logged in from {}.", "Requests from {} are refused.", "My IP is {}."),
    "MAC_ADDRESS": ("The adapter is {}.", "My router shows {}.", "MAC address: {}"),
    "URL": ("It connects to {} here.", "The feed is at {} and fails.", "I pasted {} into the form."),
    "CRYPTO": ("Send it to {} please.", "My wallet is {}.", "The coins went to {} instead."),
    "SECRET": ("The password is {} and it stopped working.", "I set the api key: {}", "Our access token is {} there."),
    "DATE_OF_BIRTH": ("I was born on {}.", "Date of birth: {}", "My birthday is {}.", "DOB {}"),
    "ADDRESS": ("I live at {}.", "Ship it to {}.", "My new address is {}.", "We moved to {} in May."),
    "MEDICAL_RECORD_NUMBER": ("My medical record number is {}.", "MRN: {}", "Patient number {} is on the form."),
    "NATIONAL_ID": ("My national ID is {}.", "My tax number is {}.", "National identity number: {}"),
    "LICENSE_PLATE": ("My license plate is {}.", "Number plate {} was towed.", "The registration is {}."),
    "VIN": ("The VIN is {}.", "Vehicle identification number: {}", "My car has VIN {}."),
    "IMEI": ("My IMEI is {}.", "The phone's IMEI is {}.", "IMEI: {}"),
}  # fmt: skip
# Nobody's, by kind.
BENIGN_FIELDS: dict[str, tuple[str, ...]] = {
    "order": ("order_id", "order_number", "order_no"),
    "16 digits": ("order_ref", "trace", "tracking_number", "event_id"),
    "sku": ("sku", "item", "part_number"),
    "price": ("price", "total", "amount"),
    "quantity": ("quantity", "count", "rows"),
    "date": ("created_at", "updated_at", "shipped"),
    "epoch": ("ts", "timestamp", "created"),
    "version": ("version", "app_version", "build"),
    "uuid": ("id", "request_id", "uuid"),
    "product": ("product", "title", "name"),
    "status": ("status", "state", "plan"),
    "commit": ("commit", "sha", "revision"),
    "company": ("company", "vendor", "employer"),
}
BENIGN_SENTENCES: dict[str, tuple[str, ...]] = {
    "order": ("Order {} is late.", "My order number is {}.", "Ticket {} is closed."),
    "16 digits": ("The trace is {}.", "The tracking number is {}.", "Event {} was dropped."),
    "sku": ("Item {} is out of stock.", "The model is {}."),
    "price": ("It costs {}.", "The total was {} last month."),
    "quantity": ("I ordered {} of them.", "There are {} rows."),
    "date": ("It shipped on {}.", "The log begins at {}."),
    "epoch": ("It was created at {}.", "The timestamp is {}."),
    "version": ("Since version {} it crashes.", "We run {} in production."),
    "uuid": ("The request was {}.", "See event {}."),
    "product": ("The {} is broken.", "I want to return the {}."),
    "status": ("The status is {}.", "It has been {} for a week."),
    "commit": ("It broke in {}.", "Revert {} please."),
    "company": ("I work for {}.", "{} delivers it."),
}


class Values:
    """Draws values; the same seed gives the same ones, and none of personal data comes twice.

    Parameters
    ----------
    seed
    part
        Of the surnames: `DEVELOPMENT` or `HELD_OUT`.

    Examples
    --------
    >>> Values(1, HELD_OUT).of("IBAN_CODE") == Values(1, HELD_OUT).of("IBAN_CODE")
    True
    """

    def __init__(self, seed: int, part: int) -> None:
        self.chance = random.Random(f"{seed} {part}")
        names = [name.replace("~", " ") for name in _SURNAMES.split()]
        self._surnames = [name for name in names if zlib.crc32(name.encode()) % 2 == part]
        self._first_names = _FIRST_NAMES.split()
        self._drawn: set[str] = set()

    def of(self, label: str, said: str = "") -> str:
        """A value of a label that did not come before; a password as people make it where the words about it say so."""
        for _ in range(1000):
            value = self._new(label, said)
            key = "".join(filter(str.isalnum, value)).casefold()
            if key not in self._drawn:
                self._drawn.add(key)
                return value
        raise RuntimeError(f"no more values of {label}")

    def _new(self, label: str, said: str) -> str:
        makers: dict[str, Callable[[], str]] = {
            "PERSON": self._person,
            "EMAIL_ADDRESS": self._email,
            "PHONE_NUMBER": lambda: self._shaped(self._one(_PHONES)),
            "CREDIT_CARD": self._card,
            "IBAN_CODE": self._iban,
            "US_SSN": lambda: f"{self._number(100, 665)}-{self._number(10, 99)}-{self._number(1000, 9999)}",
            "US_PASSPORT": lambda: self._shaped(self._one(("#########", "?########", "##??#####"))),
            "US_DRIVER_LICENSE": lambda: self._shaped(self._one(("?#######", "?###-####-####", "#########"))),
            "US_BANK_NUMBER": lambda: self._shaped(self._one(("#########", "##########", "############"))),
            "IP_ADDRESS": self._ip,
            "MAC_ADDRESS": lambda: self._one((":", "-")).join(self._hex(2) for _ in range(6)),
            "URL": lambda: f"https://{self._word()}:{self._hex(12)}@{self._word()}.example.com/{self._word()}",
            "CRYPTO": self._wallet,
            "SECRET": lambda: (generated_secrets.password if "pass" in said.lower() else generated_secrets.token)(
                self.chance
            )[1],
            "DATE_OF_BIRTH": self._birth,
            "ADDRESS": self._address,
            "MEDICAL_RECORD_NUMBER": lambda: self._shaped(self._one(("########", "MR#######", "??-######"))),
            "NATIONAL_ID": lambda: self._one((self._cpf, self._dni, self._pesel, self._sin, self._nino, self._nir))(),
            "LICENSE_PLATE": lambda: self._shaped(self._one(("??## ???", "?-?? ####", "#???###", "??-###-??"))),
            "VIN": self._vin,
            "IMEI": lambda: self._luhn(self._shaped("35############")),
        }
        return makers[label]()

    def name_parts(self) -> tuple[str, str]:
        """A first name and a surname, together drawn for the first time."""
        first, initial, last = re.fullmatch(r"(\S+)( \S\.)? (.+)", self.of("PERSON")).groups("")  # type: ignore[union-attr]
        return first + initial, last

    def benign(self, kind: str) -> str | int | float:
        """A value that is nobody's."""
        r = self.chance
        makers: dict[str, Callable[[], str | int | float]] = {
            "order": lambda: self._number(10**6, 10**10) if r.random() < 0.5 else f"ORD-{self._number(10**4, 10**7)}",
            "16 digits": lambda: str(self._number(10**15, 10**16 - 1)),
            "sku": lambda: self._shaped(self._one(("??-####", "????-##-??", "?######"))),
            "price": lambda: round(r.uniform(1, 2000), 2),
            "quantity": lambda: self._number(1, 9999),
            "date": lambda: f"2026-{self._number(1, 12):02}-{self._number(1, 28):02}T{self._number(0, 23):02}:15:00Z",
            "epoch": lambda: self._number(17 * 10**8, 18 * 10**8) * self._one((1, 1000)),
            "version": lambda: ".".join(str(self._number(0, 30)) for _ in range(self._one((3, 3, 4)))),
            "uuid": lambda: "-".join(map(self._hex, (8, 4, 4, 4, 12))),
            "product": lambda: (
                f"{self._word().capitalize()} {self._one(('desk', 'lamp', 'router', 'kettle', 'Chair'))}"
            ),
            "status": lambda: self._one(("active", "pending", "premium", "shipped", "cancelled")),
            "commit": lambda: self._hex(40),
            "company": lambda: f"{self._word().capitalize()} {self._one(('Logistics', 'GmbH', 'Ltd', 'Foods'))}",
        }
        return makers[kind]()

    def _one(self, some: Sequence[T]) -> T:
        return self.chance.choice(some)

    def _number(self, least: int, most: int) -> int:
        return self.chance.randint(least, most)

    def _word(self) -> str:
        return self._one(_WORDS)

    def _hex(self, size: int) -> str:
        return "".join(self.chance.choices("0123456789abcdef", k=size))

    def _shaped(self, shape: str) -> str:
        """The shape with a digit for each `#`, a capital for each `?`; a number never begins with 0 or 1."""
        signs = {"#": string.digits, "?": "ABCDEFGHJKLMNPRSTUVWXYZ"}
        text = "".join(self._one(signs.get(sign, sign)) for sign in shape)
        return text if not shape.startswith("#") else self._one("23456789") + text[1:]

    def _luhn(self, digits: str) -> str:
        return next(digits + check for check in string.digits if luhn(digits + check))

    def _person(self) -> str:
        initial = f" {self._shaped('?')}." if self.chance.random() < 0.15 else ""
        return f"{self._one(self._first_names)}{initial} {self._one(self._surnames)}"

    def _email(self) -> str:
        first, last = self._one(self._first_names), self._one(self._surnames)
        name = "".join(sign for sign in f"{first}.{last}".lower() if sign.isascii() and (sign.isalnum() or sign == "."))
        return f"{name}{self._number(1, 999)}@{self._word()}.{self._one(('example', 'com', 'org', 'co.uk', 'de'))}"

    def _card(self) -> str:
        digits = self._luhn(self._shaped(self._one(_CARDS))[:-1])
        groups = (4, 6, 5) if len(digits) == 15 else (4, 4, 4, 4)
        parts = [digits[sum(groups[:place]) :][:size] for place, size in enumerate(groups)]
        return self._one(("", "", " ", "-")).join(parts)

    def _iban(self) -> str:
        country = self._one(sorted(_IBANS))
        account = self._shaped(_IBANS[country])
        code = next(
            f"{country}{check:02}{account}" for check in range(2, 99) if mod_97(f"{country}{check:02}{account}")
        )
        return code if self.chance.random() < 0.6 else " ".join(code[at : at + 4] for at in range(0, len(code), 4))

    def _ip(self) -> str:
        if self.chance.random() < 0.2:
            return f"2a02:{':'.join(f'{self._number(256, 4095):x}' for _ in range(3))}::{self._number(16, 4095):x}"
        first = self._one((31, 62, 77, 83, 91, 109, 178, 212))
        return ".".join(map(str, (first, *(self._number(2, 254) for _ in range(3)))))

    def _wallet(self) -> str:
        if self.chance.random() < 0.4:
            return f"0x{self._hex(40)}"
        data = b"\0" + self.chance.randbytes(20)
        number = int.from_bytes(data + sha256(sha256(data).digest()).digest()[:4], "big")
        text = ""
        while number:
            number, rest = divmod(number, 58)
            text = _BASE58[rest] + text
        return "1" + text

    def _birth(self) -> str:
        year, month, day = self._number(1935, 2007), self._number(1, 12), self._number(1, 28)
        return self._one((f"{year}-{month:02}-{day:02}", f"{month:02}/{day:02}/{year}", f"{day}.{month}.{year}",
                          f"{day} {_MONTHS[month - 1]} {year}", f"{_MONTHS[month - 1]} {day}, {year}"))  # fmt: skip

    def _address(self) -> str:
        street = self._one(_STREETS).format(n=self._number(1, 990), w=self._word().capitalize(), u=self._number(1, 9))
        town = self._one(_TOWNS).format(z=self._number(10000, 98999), u=self._number(1, 9), y=self._number(3000, 3999))
        return street if self.chance.random() < 0.3 else f"{street}, {town}"

    def _vin(self) -> str:  # ISO 3779, with North America's check digit
        values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
        text = "1" + self._shaped("??#??##0#?######")
        weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
        total = sum(weight * values.get(sign, ord(sign) - 48) for weight, sign in zip(weights, text, strict=True))
        return text[:8] + "0123456789X"[total % 11] + text[9:]

    def _sin(self) -> str:  # Canada
        digits = self._luhn(self._shaped("########"))
        return f"{digits[:3]} {digits[3:6]} {digits[6:]}"

    def _cpf(self) -> str:  # Brazil
        digits = [self._number(0, 9) for _ in range(9)]
        for _ in range(2):
            digits.append(-sum(digit * weight for weight, digit in enumerate(reversed(digits), 2)) % 11 % 10)
        text = "".join(map(str, digits))
        return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"

    def _dni(self) -> str:  # Spain
        number = self._number(10**7, 10**8 - 1)
        return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"

    def _pesel(self) -> str:  # Poland
        text = f"{self._number(40, 99)}{self._number(1, 12):02}{self._number(1, 28):02}{self._number(1000, 9999)}"
        return text + str(-sum(int(digit) * (1, 3, 7, 9)[place % 4] for place, digit in enumerate(text)) % 10)

    def _nino(self) -> str:  # United Kingdom
        return f"{self._one('ABCEGHJKLM')}{self._one('ABCEGHJKLM')}{self._shaped('######')}{self._one('ABCD')}"

    def _nir(self) -> str:  # France
        year, month, county = self._number(40, 99), self._number(1, 12), self._number(10, 95)
        text = f"{self._number(1, 2)}{year}{month:02}{county}{self._number(100, 900)}{self._number(100, 999)}"
        return f"{text}{97 - int(text) % 97:02}"
