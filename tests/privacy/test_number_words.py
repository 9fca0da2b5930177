"""Numbers by the words before them, in four languages: a person's are masked, public ones stay."""

import pytest

from parvis.privacy.recognizers.announced import Kind, read_announced
from parvis.privacy.recognizers.case import CaseRecognizer

FILES = {
    "de": """Unser Az {50.2-1234/26-Kr} vom 3.4.2026
        Gz. {II B 4 - 2026/0457} an das Referat
        Zl. {MA35-2026/99812}
        Zahl: {20301-SOZ/44812/2026}
        EDV-Nr. {4471189}
        BG-Nummer {31702//0012345}
        Kd.-Nr. {771 204 33}
        Pers.-Nr. {00418823}
        Mitglieds-Nr. {M 55 210}
        Schaden-Nr.: {S2026/118821}
        Matr.-Nr.: {11 77 204}
        Schüler-ID {S-20441}
        Tagebuchnummer {TB 1123/26}
        das Verfahren {204 Js 11872/26} wurde eingestellt
        Mein Zeichen: {Mü/44-26}
        zu {AB-2026/1234} möchte ich mitteilen
        bezugnehmend auf {JA-2026-00871}
        SB-Ausweis {44 SB 1128}
        Bürger-ID {BID-44187}
        Bewerbernummer\u00a0{B-77812}""",
    "fr": """N° allocataire : {1147802 K}
        n° adhérent mutuelle {00447188}
        numéro unique {0670412441871}
        mon dossier (n° {44718}) est bloqué
        réf. de mon dossier chez vous : {AF/2025/118-0943}
        V/Réf. {2026/447-B}
        n° demandeur d'emploi {4471882K}
        main courante {2026/00447}
        n° parquet {26044000718}
        concerne : {DOS-26-447}
        Objet : {DRH/2026/0447} – congé
        dossier surendettement {000126004471}
        enregistrée sous le n° {2604417}
        pension n° {94 118 204 K}. J'ai""",
    "lb": """Dossiersnummer {ADM 776021}
        eist Zeechen: {II-4/26}
        Membersnummer {0447}
        mäi Dossier beim SNAS ass {SNAS/26/0447}
        Ufro Nr {4471-26}
        zu {AK-2026/441} wollt ech froen
        wéinst {PC/26/4471}""",
    "en": """our ref {HB/44718/26}
        re: {HB-2026/1234}
        crime reference number {26/0044718}
        incident number {447 of 12/03/26}
        URN {44CJ0011826}
        council tax account {44718821}
        library card {D0044718821}
        prisoner {A4471EK}
        UAN {1212-0044-7188-2211}
        student ID {22104478}
        application no {26/04471/FUL}
        SEN file {SEN/447/26}""",
}
PUBLIC = {
    "de": """Drucksache 19/4674; Rundschreiben Nr. 4/2026; Angebot Nr. A-2026-118; DIN EN 301 549
        Rechnung RE-2026-0447; Bebauungsplan Nr. 44/12; Zimmer E 204; Flurstück 447/3; HRB 44718 B
        Vorlage 2026/0447 des Stadtrats; Kostenstelle 44718; Ausschreibung 2026/S 044-118
        Formular R0660; Haushaltsjahr 2026/2027; Ticket INC0044821; Az. oder Termin 24/7
        Bundessozialgericht (B 14 AS 36/19 R)""",
    "fr": """TA Strasbourg n° 2004471; Conseil constitutionnel, n° 2018-765 DC; facture n° 2026/447
        arrêté municipal 26/112; délibération n° 2026-044; marché public n° 26S0044; salle B112
        la case 2042-C-PRO; référence cadastrale 000 ZB 114; norme NF EN 1090-2; Cerfa n° 15646*01
        entretien du candidat 22/10; client de 18h42; appelez le numéro 0098812; dossier 24/7""",
    "lb": """Memorial A 686; Rechnung 26-4471; Facture Nr 2026/0447; Formulaire F2024; Sall B112
        Budgetsartikel 2/120/608122; Offer OFF-26-441; ruff d'Nummer 0098812""",
    "en": """S.I. No. 44/2018; PO number 4500044718; charity number 1044718; invoice no. 44718
        policy HR-07; form N244; CVE-2026-44718; company no. SC447188
        agenda item 4.2; version 10.4.2
        cost centre 44718; purchase order PO-44718; here is the number: 0098812; case 1 of 3""",
}


def rows(table: dict[str, str], separator: str) -> list[str]:
    return [row.strip() for text in table.values() for row in text.split(separator) if row.strip()]


def found(text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in CaseRecognizer().find(text)]


@pytest.mark.parametrize("row", rows(FILES, "\n"))
def test_a_number_is_masked_whole_where_its_word_names_somebodys_file(row: str) -> None:
    row = row.replace("\u00a0", " ")
    before, rest = row.split("{")
    value, after = rest.split("}")
    assert value in found(before + value + after)


@pytest.mark.parametrize(
    "text", [part for row in rows(PUBLIC, "\n") for part in row.split("; ") if part]
)
def test_a_public_number_stays_readable_beside_its_word(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Kd.-Nr. ", Kind.FILE),
        ("V/Réf. : ", Kind.FILE),
        ("dossier (reçu le 3) ", Kind.FILE),
        ("Rechnungs-Nr. ", Kind.THING),
        ("numéro de facture ", Kind.THING),
        ("concerne ", Kind.SUBJECT),
        ("Das ist mein Dossier. Danach ", Kind.UNKNOWN),
        ("", Kind.UNKNOWN),
    ],
)
def test_the_words_before_a_number_say_of_what_it_is(text: str, kind: Kind) -> None:
    assert read_announced(text, len(text)).kind is kind
