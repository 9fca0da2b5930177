"""What a finding is and every kind there is. How findings are made lives in the recognisers."""

from dataclasses import dataclass
from enum import StrEnum


class Label(StrEnum):
    """Kinds of what is masked; the comment is the sentence of the reference."""

    PERSON = "PERSON"
    LOCATION = "LOCATION"
    ADDRESS = "ADDRESS"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    IBAN = "IBAN"
    CREDIT_CARD = "CREDIT_CARD"
    NATIONAL_ID = "NATIONAL_ID"
    TAX_ID = "TAX_ID"
    HEALTH_INSURANCE_ID = "HEALTH_INSURANCE_ID"
    PASSPORT = "PASSPORT"
    DRIVING_LICENCE = "DRIVING_LICENCE"
    LICENSE_PLATE = "LICENSE_PLATE"
    CASE_NUMBER = "CASE_NUMBER"
    IP_ADDRESS = "IP_ADDRESS"
    MAC_ADDRESS = "MAC_ADDRESS"
    URL = "URL"
    COORDINATES = "COORDINATES"
    SECRET = "SECRET"  # noqa: S105 - the name of a kind, not a secret
    LITERAL = "LITERAL"


# The source of what the tagger of kinds believes: it stands beside the findings of rules and
# models, never in their place.
LEARNED = "learned_kind"

MEANINGS: dict[Label, str] = {
    Label.PERSON: "A person's name, whole or in part; titles such as Mme or Herr stay readable.",
    Label.LOCATION: "A town, when it says where a person lives or was born.",
    Label.ADDRESS: "A postal address of a person, from house number to town.",
    Label.DATE_OF_BIRTH: "A date of birth, in digits or words; other dates stay readable.",
    Label.EMAIL: "An e-mail address of a person; functional mailboxes stay readable.",
    Label.PHONE: "A telephone number.",
    Label.IBAN: "A bank account number (IBAN) with right check digits, or after a cue.",
    Label.CREDIT_CARD: "A payment card number (known prefix, Luhn check).",
    Label.NATIONAL_ID: "A number the state gives a person: matricule, NIR, pension, identity card.",
    Label.TAX_ID: "A tax number of a person or a sole trader.",
    Label.HEALTH_INSURANCE_ID: "A health insurance number: KVNR, NHS, EHIC.",
    Label.PASSPORT: "A passport number, or the machine-readable lines of a document.",
    Label.DRIVING_LICENCE: "A driving licence number, after a cue.",
    Label.LICENSE_PLATE: "A vehicle's number plate.",
    Label.CASE_NUMBER: "A file, case, customer or staff number of a person, after a cue.",
    Label.IP_ADDRESS: "An IPv4 or IPv6 address.",
    Label.MAC_ADDRESS: "The hardware address of a network card.",
    Label.URL: "The part of a web address that carries personal data: its query or user part.",
    Label.COORDINATES: "Geographic coordinates with four or more decimals.",
    Label.SECRET: "A password, key or token.",
    Label.LITERAL: "Text that only looks like one of our placeholders; not personal data.",
}


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing to mask: code points `start` to `end` of the text given, its kind, how sure
    (0 to 1), and the rule or model that found it."""

    start: int
    end: int
    label: Label
    score: float
    source: str
