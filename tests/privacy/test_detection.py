"""Names, addresses, dates and numbers in the forms of letters by many hands, in four languages."""

import pytest

from parvis.privacy import PrivacyEngine
from parvis.privacy.normalise import clean


def masked(engine: PrivacyEngine, text: str) -> dict[str, str]:
    return {text[e.start : e.end]: e.label.value for e in engine.analyze(text)}


NAMES = [
    ("Transmis à C. Noël-Tabourot pour signature.", "C. Noël-Tabourot"),
    ("Absents : Kylian Roche, Sofiane B.", "Sofiane B."),
    ("Le bail est au nom de Nguyen Thi Mai.", "Nguyen Thi Mai"),
    ("ma voisine danuta kowalczyk est malade", "danuta kowalczyk"),
    ("hi its jayden mcbride, can you help me", "jayden mcbride"),
    ("Décès de Marcelle Péchenard, née Tabourot.", "Tabourot"),
    ("Hochachtungsvoll Wwe. Thielemann", "Thielemann"),
    ("[12/10/2026 08:14] Ninon P.: salut", "Ninon P."),
    ("c'est madame schmidlin, s c h m i d l i n", "s c h m i d l i n"),
    ('{"last_name": "Bouvard", "statut": "x"}', "Bouvard"),
    ("<nom>Bouvard</nom>", "Bouvard"),
    ("Benutzer: k.belkacem", "k.belkacem"),
    ("Datum | SB | Anlass\n05.10. | Hockauf | Pass", "Hockauf"),
    ("205 : Hadjadj R., chute", "Hadjadj R."),
    ("Merci de prévenir @Marguerite demain.", "@Marguerite"),
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_a_name_is_masked_in_the_forms_people_use(
    engine: PrivacyEngine, text: str, name: str
) -> None:
    assert masked(engine, text).get(name) == "PERSON"


PLACES = [
    ("ADDRESS", "c'est {} !", "25, rue de l'Abbé-Grégoire, bât. C, esc. 2, 3e étage, 57070 Metz"),
    ("ADDRESS", "Ich wohne {}.", "Steinplatz 25, Hinterhaus, 3. OG links, 54290 Trier"),
    ("ADDRESS", "Send it to {}", "The Old Rectory, Church Lane, Little Bampton LB4 2QT"),
    ("ADDRESS", "Wwe. Quednau, {}", "Postfach 40 12 07\n26122 Oldenburg"),
    ("ADDRESS", "Jeanne Quéméneur, {}", "BP 40127\n29201 Brest Cedex"),
    ("ADDRESS", "elo {}", "7, Lannenallee, L-4040 Esch-Uelzecht"),
    ("LOCATION", "J'habite {} depuis toujours", "Villerupt"),
    ("LOCATION", "I have lived in {} all my life.", "Hebden Bridge"),
    ("LOCATION", "Mäi Matbewunner ass aus {} geplënnert.", "Bouneweg"),
    ("LOCATION", "né en 1994 à {}", "Jalalabad"),
    ("DATE_OF_BIRTH", "née le {}", "2 du mois de mai 1939"),
    ("DATE_OF_BIRTH", "né en {}", "mars 1962"),
    ("DATE_OF_BIRTH", "Fournier Élodie {} 0612345908", "14/07/1989"),
    ("PHONE", "Fournier Élodie 14/07/1989 {}", "0612345908"),
    ("PHONE", "T: {} ext. 214", "+44 (0)1632 960 011"),
    ("PHONE", "meng Nummer ass {}", "sechs néng eent, zwanzeg, véieravéierzeg, eenafofzeg"),
    ("EMAIL", "mon mail : {}", "marie%40courriel.example"),
    ("EMAIL", "mon mail : {}", "marie&#64;courriel.example"),
    ("EMAIL", "c'est {}", "marie point dupont arobase courriel point lu"),
    ("CASE_NUMBER", "Réf. mesure : {}.", "AEMO/2026/0417"),
    ("CASE_NUMBER", "Termin in {} verlegt", "3 C 871/26"),
    ("CASE_NUMBER", "enregistrée sous le n° {}", "2604417"),
    ("LICENSE_PLATE", "graue Corsa {}", "KX 4821"),
    ("ADDRESS", "Write to me at {}.", "Honeysuckle Cottage, Main Street, Great Bowden, LE16 7HB"),
    ("ADDRESS", "my new address is {}", "8 beech avenue, worksop, s81 7ql"),
    ("ADDRESS", "about council tax, I moved out of {}", "Flat 3, 12 Dock Road, Hull HU1 3DL"),
    ("ADDRESS", "at {}", "3 Seaview Terrace, Dun Laoghaire, Co. Dublin, A96 X2F4"),
    ("ADDRESS", "Ich wohne {}.", "Unterm Birnbaum 5, 36433 Bad Salzungen"),
    ("ADDRESS", "Wohnhaft: {}", "99817 Eisenach, Am Ofenstein 12"),
    ("ADDRESS", "ICH WOHNE {}", "AM ANGER 7, 99084 ERFURT"),
    ("DATE_OF_BIRTH", "Overbeck ({}, Kirchweg 3)", "30.07.2002"),
    ("DATE_OF_BIRTH", "Lucía Ortega, {}, bisher gemeldet", "09.12.1995"),
    ("NATIONAL_ID", "d'Nummer {} ass meng", "1981 0414 123 22"),
    ("CASE_NUMBER", "Meine Wohngeldnummer ist {}.", "33 102 887"),
    ("CASE_NUMBER", "Her bidding number is\n{}.", "0098812"),
    ("CASE_NUMBER", "das az ist {}, danke", "kv-204-417"),
    ("PHONE", "L-2146. {}", "0035226445190"),
]


@pytest.mark.parametrize(("label", "frame", "value"), PLACES)
def test_a_place_a_date_or_a_number_is_masked_whole(
    engine: PrivacyEngine, label: str, frame: str, value: str
) -> None:
    assert masked(engine, frame.format(value)).get(value) == label


@pytest.mark.parametrize(
    "text",
    [
        "Hält die Linie 12 am Rathaus auch sonntags?",
        "Incivilités rue Simone Veil et place Charles de Gaulle.",
        "The Emmeline Pankhurst Avenue is closed.",
        "Die Nelson-Mandela-Schule ist in der Rosa-Luxemburg-Straße.",
        "L'application plante en version 10.4.2.1 sur le poste PC-0417.",
        "Parcelle n° 114, surface 1 250 m².",
        "The hearing moved to 14 Jan.",
        "Citizens Advice and Age UK can help.",
        "Rechnung der Logistrans GmbH über 312 Euro.",
        "Please ring 0300 123 5020.",
        "Rechnungsnummer 2026-4471 liegt bei.",
        "La Maison France Services, 12 place du Marché, 23000 Guéret, est ouverte.",
        "Bus number 445566 was late.",
        "Here is the number: 5502100443, thanks.",
        "Hei ass d'Nummer: 5502100441, merci.",
        "Vgl. BVerwG 1 C 4.20 und OLG Köln 3 U 12/19.",
    ],
)
def test_a_look_alike_stays_readable(engine: PrivacyEngine, text: str) -> None:
    assert masked(engine, text) == {}


def test_an_office_beside_a_name_stays_readable(engine: PrivacyEngine) -> None:
    found = masked(engine, "Présents : Fabienne du CCAS et Paul.")
    assert "CCAS" not in " ".join(found)


@pytest.mark.parametrize(
    ("read", "meant"), [("IDENT1TE", "IDENTITE"), ("C0NFIRMATION", "CONFIRMATION")]
)
def test_a_scanners_digit_inside_a_word_is_read_as_its_letter(read: str, meant: str) -> None:
    assert clean(f"CARTE {read} N").text == f"CARTE {meant} N"


@pytest.mark.parametrize("kept", ["AB12", "PC0417", "C01X0006H", "FR7630006000", "A1"])
def test_a_number_with_letters_is_left_as_it_is(kept: str) -> None:
    assert clean(kept).text == kept


def test_an_address_in_capitals_ends_with_its_line(engine: PrivacyEngine) -> None:
    text = "EHELEUTE WEBER, MOSELSTR. 7, 54340 SCHWEICH\nWIR HATTEN AM 30.09.2025 DREI TERMINE."
    assert masked(engine, text)["MOSELSTR. 7, 54340 SCHWEICH"] == "ADDRESS"


@pytest.mark.parametrize("number", ["1987 0612 345 67", "19870612 345 67", "1987 06 12 345 67"])
def test_a_number_around_a_checked_one_is_one_number(engine: PrivacyEngine, number: str) -> None:
    assert masked(engine, f"Meng Matrikel ass {number}.") == {number: "NATIONAL_ID"}
