"""Each identifier: valid ones are found, invalid ones and look-alikes are not (without a cue)."""

import pytest

from parvis.privacy import PrivacyEngine


def labels(engine: PrivacyEngine, text: str) -> dict[str, str]:
    return {text[e.start : e.end]: e.label.value for e in engine.analyze(text)}


VALID = [
    ("NATIONAL_ID", "1893120105732"),
    ("NATIONAL_ID", "1893 12 01 057 32"),
    ("NATIONAL_ID", "295117823456784"),
    ("NATIONAL_ID", "2 95 11 78 234 567 84"),
    ("NATIONAL_ID", "85.07.30-033.28"),
    ("NATIONAL_ID", "85073003328"),
    ("TAX_ID", "36 574 261 809"),
    ("TAX_ID", "3023217600053"),
    ("NATIONAL_ID", "15070649C103"),
    ("NATIONAL_ID", "15 070649 C 103"),
    ("HEALTH_INSURANCE_ID", "A123456780"),
    ("NATIONAL_ID", "AB123456C"),
    ("NATIONAL_ID", "756.9217.0769.85"),
    ("NATIONAL_ID", "44051401359"),
    ("NATIONAL_ID", "1630615123457"),
    ("NATIONAL_ID", "54362315-K"[:0] or "54362315K"),
    ("NATIONAL_ID", "X2482300W"),
    ("TAX_ID", "RCCMNL83S18D969H"),
    ("NATIONAL_ID", "131052-308T"),
    ("NATIONAL_ID", "6433435F"),
    ("NATIONAL_ID", "37605030299"),
    ("IBAN", "LU28 0019 4006 4475 0000"),
    ("IBAN", "DE89370400440532013000"),
    ("IBAN", "FR14 2004 1010 0505 0001 3M02 606"),
    ("IBAN", "BE68-5390-0754-7034"),
    ("IBAN", "de89 3704 0044 0532 0130 00"),
    ("CREDIT_CARD", "4012 8888 8888 1881"),
    ("CREDIT_CARD", "5555555555554444"),
    ("CREDIT_CARD", "378282246310005"),
    ("EMAIL", "x@gouv.fr"),
    ("EMAIL", "jean.dupont@agency.internal"),
    ("EMAIL", "anna [at] post [dot] lu"),
    ("EMAIL", "anna.weber(at)post.lu"),
    ("EMAIL", "jürgen.groß@müller.de"),
    ("PHONE", "+352 621 448 210"),
    ("PHONE", "621 448 210"),
    ("PHONE", "06 12 34 56 78"),
    ("PHONE", "+49 (0)651 9945-120"),
    ("PHONE", "0032 2 511 12 34"),
    ("PHONE", "+41 44 668 18 00"),
    ("IP_ADDRESS", "84.17.203.9"),
    ("IP_ADDRESS", "2001:db8::8a2e:370:7334"),
    ("MAC_ADDRESS", "00:1B:44:11:3A:B7"),
    ("COORDINATES", "49.61167, 6.13194"),
    ("LICENSE_PLATE", "EK-482-RT"),
    ("LICENSE_PLATE", "TR-LK 482"),
    ("LICENSE_PLATE", "1-ABC-234"),
    ("SECRET", "ghp_" + "a1B2" * 9),
    (
        "PASSPORT",
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ),
]


@pytest.mark.parametrize(("label", "value"), VALID)
@pytest.mark.parametrize("frame", ["Voilà {} merci", "Es ist {}.", "({})"])
def test_a_valid_identifier_is_found_in_any_language(
    engine: PrivacyEngine, label: str, value: str, frame: str
) -> None:
    assert labels(engine, frame.format(value)).get(value) == label


LOOK_ALIKES = [
    "1893120105733",  # Verhoeff digit wrong
    "1893120105742",  # Luhn digit wrong
    "295117823456785",  # NIR key wrong
    "85.07.30-033.29",
    "36574261808",
    "15070649C104",
    "A123456781",
    "LU28 0019 4006 4475 0001",
    "DE89370400440532013001",
    "4012 8888 8888 1882",
    "version 84.17.203.9",
    "999.999.999.999",
    "2016/679",
    "1.234.567,89 €",
    "cerfa n° 12100*02",
    "§ 32 Abs. 4 EStG",
    "BVerwG 6 C 12.19",
    "12.03.2024",
    "ISBN 978-3-16-148410-0",
]


@pytest.mark.parametrize("value", LOOK_ALIKES)
def test_a_look_alike_stays_readable(engine: PrivacyEngine, value: str) -> None:
    assert labels(engine, f"Betrifft {value} heute") == {}


CUED = [
    ("NATIONAL_ID", "Mon numéro de sécurité sociale est {}", "295117823456785"),
    ("NATIONAL_ID", "Meng Matrikel ass {}", "1893120105733"),
    ("TAX_ID", "Steuer-ID: {}", "36574261808"),
    ("HEALTH_INSURANCE_ID", "Krankenversichertennummer {}", "A123456781"),
    ("IBAN", "Mein Konto: {}", "DE89370400440532013001"),
    ("PASSPORT", "my passport number is {}", "533401372"),
    ("PASSPORT", "Passeport n° {}", "18FV53412"),
    ("NATIONAL_ID", "Personalausweis {}", "L01X00T471"),
    ("DRIVING_LICENCE", "Führerscheinnummer {}", "B072RRE2I55"),
    ("CASE_NUMBER", "Aktenzeichen {}", "5 A 118/26"),
    ("CASE_NUMBER", "dossier n° {}", "DS-2025-118842"),
    ("CASE_NUMBER", "case number {}", "HB/2026/00381"),
    ("CASE_NUMBER", "Dossier {}", "D-2026-0098"),
    ("LICENSE_PLATE", "Meng Plack ass {}", "KL 4821"),
    ("SECRET", "Mot de passe : {}", "Soleil!2026"),
    ("DATE_OF_BIRTH", "né le {}", "12/03/1980"),
    ("DATE_OF_BIRTH", "née le {}", "douze mars mil neuf cent soixante-quatre"),
    ("DATE_OF_BIRTH", "geboren am {}", "3. November 1982"),
    ("DATE_OF_BIRTH", "gebuer den {}", "4. Mäerz 2019"),
    ("DATE_OF_BIRTH", "born on {}", "May 2, 1971"),
    ("LOCATION", "Ich wohne in {}", "Trier"),
    ("LOCATION", "J'habite à {}", "Metz"),
    ("ADDRESS", "Meine Anschrift: {}", "Bahnhofstraße 44, 45879 Gelsenkirchen"),
    ("ADDRESS", "J'habite {}", "27 ter avenue Foch, 54000 Nancy"),
    ("ADDRESS", "Ech wunnen {}", "12, rue des Prés, L-7246 Helmsange"),
    ("ADDRESS", "I live at {}", "14 Harbour Road, Barry, CF62 5SA"),
]


@pytest.mark.parametrize(("label", "frame", "value"), CUED)
def test_a_cue_is_enough_whatever_the_check_digit_says(
    engine: PrivacyEngine, label: str, frame: str, value: str
) -> None:
    assert labels(engine, frame.format(value)).get(value) == label


READABLE = [
    "Écrivez à mairie@thionville.example ou info@council.example.",
    "Die Kosten betragen 312,40 Euro nach § 32 EStG.",
    "La loi n° 2016-1547 du 18 novembre 2016 s'applique.",
    "Regulation (EU) 2016/679 and Article 6 GDPR apply.",
    "Das Finanzamt Trier, Hubert-Neuerburg-Straße 1, 54290 Trier, ist geschlossen.",
    "Le guichet unique, 12 rue du Saint-Esprit, 1475 Luxembourg est ouvert.",
    "Wéi kréien ech en neie Pass am Biergercenter?",
    "Madame, Monsieur,",
    "Sehr geehrte Damen und Herren,",
    "Monsieur le Maire et Madame la Directrice",
]


@pytest.mark.parametrize("text", READABLE)
def test_what_is_public_stays_readable(engine: PrivacyEngine, text: str) -> None:
    assert labels(engine, text) == {}


CARELESS = [
    ("LU28\u00a00019\u202f4006\u20094475 0000", "IBAN"),
    ("LU28\u200b0019400644750000", "IBAN"),
    ("４１１１ １１１１ １１１１ １１１１", "CREDIT_CARD"),
    ("anna\u200b.weber@post.lu", "EMAIL"),
    ("+352\u00a0621\u00a0448\u00a0210", "PHONE"),
    ("1893\u201112\u201101\u2011057\u201132", "NATIONAL_ID"),
    ("DE89 3704 0044\n0532 0130 00", "IBAN"),
]


@pytest.mark.parametrize(("value", "label"), CARELESS)
def test_careless_typing_hides_nothing(engine: PrivacyEngine, value: str, label: str) -> None:
    assert labels(engine, f"Voici : {value} merci").get(value) == label


@pytest.mark.parametrize(
    "name", ["Zoé Lefèvre", "Zoe\u0301 Lefe\u0300vre", "ZOÉ LEFÈVRE", "Zoé\u00a0Lefèvre"]
)
def test_a_name_is_found_however_it_is_written(engine: PrivacyEngine, name: str) -> None:
    text = f"Je m'appelle {name}, merci."
    assert labels(engine, text) == {name: "PERSON"}


def test_an_agency_can_keep_its_own_words_readable(engine: PrivacyEngine) -> None:
    text = "Frau Sommer leitet die Beratung."
    assert [e.label.value for e in engine.analyze(text)] == ["PERSON"]
    assert engine.analyze(text, allow=["sommer"]) == []


def test_a_known_name_is_found_again_alone_in_the_genitive_and_in_capitals(
    engine: PrivacyEngine,
) -> None:
    text = "Mein Name ist Torsten Kowalski. Kowalskis Antrag; der Antrag von KOWALSKI."
    found = [text[e.start : e.end] for e in engine.analyze(text)]
    assert found == ["Torsten Kowalski", "Kowalski", "KOWALSKI"]
