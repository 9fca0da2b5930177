"""Words for the closed lists that several pages show: kinds of personal data, levels, purposes."""

from collections.abc import Iterable, Mapping

from parvis.domain import DataLevel
from parvis.web.i18n import N_, Words

ENTITIES: Mapping[str, str] = {
    "PERSON": N_("name"),
    "LOCATION": N_("place"),
    "ADDRESS": N_("address"),
    "DATE_OF_BIRTH": N_("date of birth"),
    "EMAIL": N_("e-mail address"),
    "PHONE": N_("telephone number"),
    "IBAN": N_("bank account (IBAN)"),
    "NATIONAL_ID": N_("national number"),
    "TAX_ID": N_("tax number"),
    "PASSPORT": N_("passport or identity card"),
    "LICENSE_PLATE": N_("number plate"),
    "CASE_NUMBER": N_("case number"),
    "IP_ADDRESS": N_("network address"),
    "CREDIT_CARD": N_("payment card"),
    "HEALTH_INSURANCE_ID": N_("health insurance number"),
    "URL": N_("web address"),
    "DRIVING_LICENCE": N_("driving licence"),
    "MAC_ADDRESS": N_("hardware address"),
    "COORDINATES": N_("coordinates"),
    "SECRET": N_("password or key"),
    "LITERAL": N_("typed like a placeholder"),
}
LEVELS: Mapping[DataLevel, str] = {
    DataLevel.PUBLIC: N_("Public data"),
    DataLevel.INTERNAL: N_("Internal data"),
    DataLevel.PERSONAL: N_("Personal data"),
    DataLevel.RESTRICTED: N_("Restricted data"),
    DataLevel.SECRET: N_("Secret data"),
}


def tell_kinds(words: Words, kinds: Iterable[str]) -> str:
    """Kinds as a list in words, "name, e-mail address"; empty for none."""
    return ", ".join(words.gettext(ENTITIES.get(kind, kind)) for kind in kinds)


def tell_counts(words: Words, counts: Mapping[str, int]) -> str:
    """What was masked as a list in words, "name × 2, e-mail address × 1"; empty for nothing."""
    told = []
    for label, count in sorted(counts.items()):
        if count:
            told.append(f"{words.gettext(ENTITIES.get(label, label))} × {words.number(count)}")
    return ", ".join(told)
