"""What only looks like a name or a person's number stays readable, its personal twin does not."""

import pytest

from parvis.privacy import PrivacyEngine


def masked(engine: PrivacyEngine, text: str) -> dict[str, str]:
    return {text[e.start : e.end]: e.label.value for e in engine.analyze(text)}


READABLE = [
    "Die Sitzung findet im Raum Humboldt statt.",
    "Treffpunkt ist der Saal Clara Zetkin im Rathaus.",
    "De Parking Glacis ass zou, de Parking Knuedler bleift op.",
    "Please bring the form to the Rosalind Franklin Room.",
    "The Augar Review is closed and nothing will follow.",
    "We buy from Larkin Foods every week.",
    "The service is at St Agnes on Friday.",
    "Der Drucker Ricoh IM-C2500 ist wieder defekt.",
    "Die Oma und die Uroma sind eingeladen, die Mutti auch.",
    "Die Reise nach Thailand oder Bangladesch ist zu teuer.",
    "Le Conseil d'État (CE, 3 mars 2021, n° 431 200) l'a jugé.",
    "Le syndicat des eaux du Barrois nous a répondu.",
    "Die Niederschrift der Sitzung Nr. 14/2025 liegt aus.",
    "Das Gericht hat 2022 anders entschieden (5 K 2211/22.GI).",
    "Dat steet am Protokoll vun der Reunioun n° 12/2025.",
]


@pytest.mark.parametrize("text", READABLE)
def test_what_only_bears_a_name_or_number_stays_readable(engine: PrivacyEngine, text: str) -> None:
    assert masked(engine, text) == {}


BESIDE = [
    ("Lieber Herr Bürgermeister Lohse, danke.", "Lohse"),
    ("Dear Advocate Le Quesne-Diop,\nthank you.", "Le Quesne-Diop"),
    ("Hien ass de Papp vum Schoffen Bemelmans Tom.", "Bemelmans Tom"),
    ("Ich wohne bei meiner Partnerin Joëlle in Trier.", "Joëlle"),
    ("My cousin is Rebecca Hall, she can confirm.", "Rebecca Hall"),
    ("Frau Sitzung kennt niemand, aber Frau Magdalena Rapp schon.", "Magdalena Rapp"),
    ("12 Agent : J. Welter 13 Taxe", "J. Welter"),
    ("Mein Abo ist P-44812 für 98 €", "P-44812"),
]


@pytest.mark.parametrize(("text", "value"), BESIDE)
def test_a_name_beside_an_office_is_masked_without_it(
    engine: PrivacyEngine, text: str, value: str
) -> None:
    assert value in masked(engine, text)
