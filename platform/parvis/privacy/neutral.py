"""Neutral words for values that never come back: "[name 1]" in the reader's own language."""

from collections.abc import Iterable, Mapping

from parvis.domain import Language
from parvis.privacy.entities import Label
from parvis.privacy.placeholders import SHAPE

_WORDS: Mapping[Label, tuple[str, str, str, str]] = {
    Label.PERSON: ("nom", "Name", "Numm", "name"),
    Label.LOCATION: ("lieu", "Ort", "Uert", "place"),
    Label.ADDRESS: ("adresse", "Anschrift", "Adress", "address"),
    Label.DATE_OF_BIRTH: ("date de naissance", "Geburtsdatum", "Gebuertsdatum", "date of birth"),
    Label.EMAIL: ("adresse électronique", "E-Mail-Adresse", "E-Mail-Adress", "e-mail address"),
    Label.PHONE: ("numéro de téléphone", "Telefonnummer", "Telefonsnummer", "telephone number"),
    Label.IBAN: ("IBAN", "IBAN", "IBAN", "IBAN"),
    Label.CREDIT_CARD: ("carte bancaire", "Kartennummer", "Kaartennummer", "card number"),
    Label.NATIONAL_ID: ("numéro national", "Personennummer", "Matricule", "national number"),
    Label.TAX_ID: ("numéro fiscal", "Steuernummer", "Steiernummer", "tax number"),
    Label.HEALTH_INSURANCE_ID: (
        *("numéro d'assurance maladie", "Krankenversicherungsnummer"),
        *("Krankekeessennummer", "health insurance number"),
    ),
    Label.PASSPORT: ("numéro de document", "Ausweisnummer", "Ausweisnummer", "document number"),
    Label.DRIVING_LICENCE: (
        *("numéro de permis", "Führerscheinnummer", "Führerschäinnummer", "licence number"),
    ),
    Label.LICENSE_PLATE: ("plaque", "Kennzeichen", "Nummereplack", "number plate"),
    Label.CASE_NUMBER: ("numéro de dossier", "Aktenzeichen", "Dossiersnummer", "case number"),
    Label.IP_ADDRESS: ("adresse IP", "IP-Adresse", "IP-Adress", "IP address"),
    Label.MAC_ADDRESS: ("adresse MAC", "MAC-Adresse", "MAC-Adress", "MAC address"),
    Label.URL: ("adresse web", "Webadresse", "Webadress", "web address"),
    Label.COORDINATES: ("coordonnées", "Koordinaten", "Koordinaten", "coordinates"),
    Label.SECRET: ("secret", "Geheimnis", "Geheimnis", "secret"),
}
_COLUMNS: tuple[Language, ...] = ("fr", "de", "lb", "en")


def tell_neutrally(placeholders: Iterable[str], language: Language) -> dict[str, str]:
    """What a reader gets for each placeholder; two written forms of one value get one word."""
    told: dict[str, str] = {}
    for placeholder in placeholders:
        match = SHAPE.fullmatch(placeholder)
        if match is None:
            raise ValueError("not a placeholder")
        label = Label(match["kind"])
        if label is not Label.LITERAL:
            words = _WORDS[label][_COLUMNS.index(language)]
            told[placeholder] = f"[{words} {match['number']}]"
    return told
