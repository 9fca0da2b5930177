"""The words that tell a person they talk to a machine (Regulation (EU) 2024/1689, Art. 50)."""

from parvis.domain import Language

_NOTICE: dict[Language, str] = {
    "fr": "Vous parlez à un assistant d'intelligence artificielle de {agency}. Il peut se "
    "tromper : vérifiez ce qui compte dans les sources citées. Pour parler à une "
    "personne : {contact}.",
    "de": "Sie sprechen mit einem KI-Assistenten von {agency}. Er kann sich irren: Prüfen Sie "
    "Wichtiges in den genannten Quellen. Wenn Sie mit einem Menschen sprechen möchten: {contact}.",
    "lb": "Dir schwätzt mat engem KI-Assistent vun {agency}. Hie ka sech ieren: Kuckt wichteg "
    "Saachen an de Quellen no, déi genannt ginn. Fir mat engem Mënsch ze schwätzen: {contact}.",
    "en": "You are talking to an artificial-intelligence assistant of {agency}. It can be wrong: "
    "check what matters in the sources it names. To talk to a person: {contact}.",
}


def build_notice(language: Language, *, agency: str, contact: str) -> str:
    """The notice in this language, naming the agency and where a human is."""
    return _NOTICE[language].format(agency=agency, contact=contact)
