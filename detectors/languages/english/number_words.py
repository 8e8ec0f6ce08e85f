"""What stands before numbers of people, cars and telephones in any language, without case and accents.

A phrase with a question mark means other things too: the number after it has to be right.
"""

# ruff: noqa: RUF001 (letters of any language)

from __future__ import annotations

from collections.abc import Mapping

_PHRASES = {
    "any": (
        "tax id|tax identification|taxpayer id|taxpayer identification|tax number|tax no|tax file|tin"
        "|fiscal code|national id|national identity|national identification|nationalid|national insurance id"
        "|identity card number|identity document|identity card|id card number|id card no|citizen id"
        "|citizenship number|resident id|government id|state id|personal identification number"
        "|personal identity|personal identity number|social insurance number|residence permit|voter id"
        "|ausweisnummer|personalausweis|personalausweisnummer|ausweis nr|carte d identité|numéro d identité"
        "|carta d identità|documento de identidad|cédula|documento nacional|número de identificación"
        "|identificación fiscal|identiteitskaart|identiteitsnummer|dowód osobisty|kimlik no"
    ),
    "ar.cuit": "cuit|cuil",
    "ar.dni": "dni|documento nacional de identidad",
    "at.vnr": "sozialversicherungsnummer|svnr|sv nummer|versicherungsnummer",
    "medicare": "medicare|medicare card|medicare number",
    "au.tfn": "tfn|tax file number",
    "be.nn": "rijksregisternummer|rijksregister|numéro national|registre national|insz|niss|nn?|national register",
    "bg.egn": "egn|егн|единен граждански номер",
    "br.cnpj": "cnpj",
    "br.cpf": "cpf|cadastro de pessoas físicas",
    "sin": "social insurance number|numéro d assurance sociale|sin?|nas?",
    "ch.ssn": "ahv|avs|ahv nummer|ahv nr|numéro avs|numero avs|sozialversicherungsnummer",
    "cl.rut": "rut?|run?|rol único tributario",
    "cn.ric": "resident identity|resident id|chinese id|shenfenzheng|身份证|身份证号|身份证号码",
    "co.nit": "nit?|cédula de ciudadanía",
    "cz.rc": "rodné číslo|birth number|rč",
    "de.idnr": "steuer id|steuerid|steueridentifikationsnummer|steuer identifikationsnummer|idnr|steuer idnr|tax id",
    "de.stnr": "steuernummer|steuer nr|st nr",
    "vsnr": "sozialversicherungsnummer|rentenversicherungsnummer|versicherungsnummer|sv nummer|svnr",
    "dk.cpr": "cpr|cpr nummer|cpr nr|personnummer|civil registration",
    "do.cedula": "cédula|cedula de identidad",
    "driving": (
        "driving licence|driving license|driver licence|driver license|driver s licence|driver s license"
        "|drivers licence|drivers license|driver lic|dl no|dl number|dl num|dlnumber|dln|dl?|dvla driver number"
        "|führerschein|führerscheinnummer|führerschein nr|permis de conduire|numéro de permis|permiso de conducir"
        "|licencia de conducir|licencia de conducción|carnet de conducir|patente di guida|carta de condução|cnh"
        "|carteira de motorista|rijbewijs|rijbewijsnummer|körkort|körkortsnummer|førerkort|kørekort|ajokortti"
        "|prawo jazdy|numer prawa jazdy|ehliyet|sürücü belgesi|řidičský průkaz|permis auto|водительские права"
    ),
    "ec.ci": "cédula|cédula de ciudadanía|cédula de identidad",
    "ee.ik": "isikukood|personal identification code",
    "es.dni": "dni|nif?|documento nacional de identidad|spanish id",
    "es.nie": "nie?|número de identidad de extranjero",
    "fi.hetu": "hetu|henkilötunnus|personbeteckning|finnish id",
    "fr.nir": "sécurité sociale|numéro de sécurité sociale|numéro de sécu|nir|insee|n sécu|carte vitale|sécu",
    "fr.nif": "numéro fiscal|spi|référence fiscale|nif?",
    "gb.nhs": "nhs|nhs number|nhs no|health service number",
    "nino": "national insurance|national insurance number|nino|ni number|ni no|nat ins",
    "gb.utr": "utr|unique taxpayer reference",
    "gr.amka": "amka|αμκα",
    "hkid": "hkid|hong kong id|hong kong identity",
    "hr.oib": "oib|osobni identifikacijski broj",
    "hungarian": "adóazonosító|taj|taj szám|személyi szám|adóazonosító jel",
    "id.nik": "nik|ktp|nomor induk kependudukan",
    "ie.pps": "pps|ppsn|pps number|pps no|personal public service",
    "il.idnr": "teudat zehut|israeli id|id number?|id no?|tz?|ת ז|תעודת זהות",
    "imei": "imei|imeisv|imei number|device imei",
    "in_.aadhaar": "aadhaar|aadhar|adhaar|uidai|uid?|आधार",
    "in_.pan": "pan|pan card|pan number|pan no|permanent account number",
    "in_.epic": "epic|voter id|voter card",
    "is_.kennitala": "kennitala|kt",
    "it.codicefiscale": "codice fiscale|cod fiscale|cod fisc|cf|c f|codicefiscale|fiscal code|italian tax code",
    "jp.in_": "my number|individual number|mynumber|マイナンバー|個人番号",
    "ke.pin": "kra pin|pin?",
    "kr.rrn": "rrn|resident registration|주민등록번호|korean id",
    "lt.asmens": "asmens kodas|personal code",
    "lv.pvn": "personas kods|personal code",
    "mx.curp": "curp|clave única",
    "mx.rfc": "rfc|registro federal",
    "my.nric": "mykad|ic number|ic no|nric|ic?|kad pengenalan",
    "nin": "nin|bvn|bank verification number|national identification number",
    "nl.bsn": "bsn|burgerservicenummer|sofinummer|sofi nummer|citizen service number",
    "no.fodselsnummer": "fødselsnummer|fodselsnummer|personnummer|fnr|fødselsnr|d nummer|norwegian id",
    "nz.ird": "ird|ird number|inland revenue",
    "pe.cui": "dni|cui?",
    "philippine": "philsys|philhealth|sss number|umid|pcn",
    "pk.cnic": "cnic|nicop|computerised national identity|computerized national identity",
    "pl.nip": "nip",
    "pl.pesel": "pesel|numer pesel|nr pesel",
    "pt.cc": "cartão de cidadão|número de cartão de cidadão|cartão cidadão",
    "pt.nif": "nif|número de contribuinte|contribuinte|número fiscal|niss",
    "ro.cnp": "cnp|cod numeric personal",
    "ru.inn": "inn?|инн",
    "social": "social security|social security number|social security no|social insurance",
    "snils": "snils|снилс",
    "se.personnummer": "personnummer|personnr|person nr|pnr|samordningsnummer|swedish id|organisationsnummer",
    "nric": "nric|fin?|nric number|nric no|singapore id",
    "si.emso": "emšo|emso|jmbg",
    "sk.rc": "rodné číslo|birth number",
    "th.pin": "thai id|เลขประจำตัวประชาชน|บัตรประชาชน|citizen id",
    "tr.tckimlik": "tc kimlik|t c kimlik|tckn|kimlik numarası|kimlik no|tc no|tc kimlik no|turkish id",
    "taiwanese": "taiwan id|taiwanese id|身分證|身分證字號",
    "ua.rntrc": "рнокпп|іпн|ідентифікаційний код|rntrc",
    "us.ein": "ein|fein|employer identification|employer id|federal tax id|federal ein",
    "us.itin": "itin|individual taxpayer",
    "us.ptin": "ptin|preparer tax",
    "ve.rif": "rif|cédula|registro de información fiscal",
    "vin": (
        "vin|vin number|vehicle identification|vehicle identification number|chassis|chassis number"
        "|chassis no|fahrgestellnummer|fahrzeugidentnummer|fahrzeug identifizierungsnummer|fin?|fgst nr"
        "|numéro de châssis|bastidor|número de bastidor|telaio|numero di telaio|chassi|chassisnummer"
        "|numer vin|nr vin|vin kód"
    ),
    "vietnamese": "cccd|cmnd|căn cước công dân",
    "za.idnr": "south african id|sa id|rsa id|za id|id number?|identity number?|id no?",
    "plate": (
        "number plate|numberplate|license plate|licence plate|licenseplate|license plates|plate number"
        "|plate no|plate|plates|license tag|tag number|car plate|vehicle plate|vehicle registration"
        "|vehicle registration number|car registration|registration plate|vehicle number|vehicle no"
        "|vehicle reg|car reg|vrm|vrn|rego|registered as?|registration?|reg?|registration number?"
        "|registration no?|reg no?|reg number?|registration mark|kennzeichen|kfz kennzeichen"
        "|autokennzeichen|nummernschild|amtliches kennzeichen|kfz|autonummer|kontrollschild"
        "|plaque d immatriculation|immatriculation|plaque|immatriculée?|immatriculé?|matrícula|placa"
        "|placas|placa do carro|patente|número de placa|targa|targhe|numero di targa|targata?|targato?"
        "|kenteken|nummerplaat|kentekenplaat|numer rejestracyjny|tablica rejestracyjna|rejestracja|nr rej"
        "|registreringsnummer|regnr|reg nr|registreringsskylt|bilnummer|nummerplade|registreringsnr"
        "|rekisterinumero|rekisterikilpi|spz|rz?|plaka|rendszám|numar de inmatriculare"
        "|государственный номер|госномер|номерной знак"
    ),
}
# By the kinds of `pii.national_ids`.
NUMBER_WORDS: Mapping[str, tuple[str, ...]] = {kind: tuple(words.split("|")) for kind, words in _PHRASES.items()}
