"""Names by who sends, signs or speaks, secrets in a sentence, what firms and offices own."""

import pytest

from parvis.privacy import PrivacyEngine

NAMES = """
From: "{O'Dowd, Síle}" <sile@wickla.example>
Von: {Jankowiak Renata} <rj@posteo.example>
Cc: {Schönborn, Falk} <falk.s@stadt.example>
Drafted by {RT}.
Rédigé par {CL} le 3 mars
Bearbeitet von {HJ}, geprüft
Opgeholl vum {MK}
Zréckruffen muer. ({MK})
Mme {B}. a rappelé
Frau {K}. wirkte erschöpft.
Thanks, {P}.
Élève de CE2 ({N. B.}, née en 2017)
le compte {julieDumont} est bloqué
Gemeldet von: {lschoenfelder} am Montag
Hausarzt jetzt Dr. Abou-Zeid statt {Klamm}. Rückruf
à l'attention de {Quesnel}
z. Hd. {Rothenbühler}
instead of {Ravensdale} please
Give it to Bronwen, who stands in for {Tremellen}.
Vertretung: Weber vertritt {Ostertag} bis Mai
the lease is in {Kenza}'s name
Rspr. m. Koll. {Wegner}: kein Anspruch
Pat.: {Krüger-Adeyemi, Folasade}, zur Kontrolle
Les familles {Collignon}, {Stassart} et {De Backer} ont la tristesse
bei {Diallo Oumou}, 3. Stack
dossier de {Boulanger Ginette} transmis
Gurpreet ({Preet}) rang
{deej}: u goin sat\\n{mollymoo}: nah\\n{deej}: ok\\n{mollymoo}: bye
Das Passwort hab ich auf {Sonnen.Blume-88} gesetzt, wie besprochen.
c quoi ton mdp\\n- {Conakry#1998!}\\n- ok
PIN für den Drucker ist {7730}, bitte
huet hiren pin op whatsapp gepost {7729} lmao
the wifi password on the fridge says {Tea&Biscuits4}
see {linkedin.com/in/anh-thu-lefevre-rh}, please
"""
READABLE = """
Hallo {Zusammen}, mein Notebook
Dear {Sirs}, we write
Léif {Frënn}, mir kommen
un monsieur {m'a} dit que c'est fermé
An: {Bürgeramt} <buergeramt@stadt.example>
mail {highways@cherwelldistrict.example} or {gewerbe@stadt-graz.example}
Hotline {03328 318 0} oder {+43 316 872-0}
call {0300 123 6700} or {0 892 705 705}
WV {01.12.25} und RDV {04/12 09h}
{Bäckerei Hoffmann} in der Stadt
chez {Garage Reuter} à Thionville
{Étude Thommes & Origer} an der Stad
{Hope Logistics} has called
je pars à {Nancy} demain
laut {Bezirksgericht Schärding}
bought at {Aldi} and {Lidl}
Das Passwort ist {abgelaufen}, seit {2024}.
Le mot de passe doit contenir {8 caractères} au minimum
password reset via {https://www.gov.uk/reset-password}
"""


def rows(table: str) -> list[tuple[str, list[str]]]:
    plain = [row.replace("\\n", "\n") for row in table.strip().splitlines()]
    return [
        (row.replace("{", "").replace("}", ""), [p.split("}")[0] for p in row.split("{")[1:]])
        for row in plain
    ]


@pytest.mark.parametrize(("text", "values"), rows(NAMES))
def test_no_letter_of_a_name_or_secret_stays(
    engine: PrivacyEngine, text: str, values: list[str]
) -> None:
    spans = [(e.start, e.end) for e in engine.analyze(text)]
    for value in values:
        start = text.index(value)
        left = [
            text[i]
            for i in range(start, start + len(value))
            if text[i].isalnum() and not any(a <= i < b for a, b in spans)
        ]
        assert not left, (value, spans)


@pytest.mark.parametrize(("text", "values"), rows(READABLE))
def test_what_belongs_to_everybody_or_to_an_office_stays_readable(
    engine: PrivacyEngine, text: str, values: list[str]
) -> None:
    masked = [text[e.start : e.end] for e in engine.analyze(text)]
    for value in values:
        assert not any(hit in value or value in hit for hit in masked), (value, masked)


ENDS_AND_CALLS = [
    ("[09:12] lulu: il est là\n[09:13] Marc: oui", "lulu"),
    ("zum ticket 4: danke fuers machen, gruß birk", "birk"),
    ("Zugang: nutzer bkrahl, bitte sperren.", "bkrahl"),
    ("Tony wrote to Sara:\n> hi theo it is done, see the letter to the Council", "theo"),
    ("Alle nennen mich Mecki, seit der Schule.", "Mecki"),
    ("D'Leit hunn hien Hänsi geruff.", "Hänsi"),
    ("Tout le village m'appelle Loulou depuis toujours.", "Loulou"),
    ("Everybody here calls her Birdie, she likes it.", "Birdie"),
    ("Mein Sachbearbeiter, ein Herr Freitag, war nicht da.", "Freitag"),
    ("Rappelez-moi au plus vite.\nK. E. B.", "K. E. B."),
    ("The cello is no drum. Noted. T.", "T"),
    ("Hausbesuch erfolgt.\nWV KW 14 / Stö", "Stö"),
    ("Lukas Stein war dabei. Der Stein-Junge lief weg.", "Stein"),
    ("KV Kellermann, A. (zahlt nicht)", "Kellermann, A."),
]


@pytest.mark.parametrize(("text", "name"), ENDS_AND_CALLS)
def test_who_ends_a_note_or_is_called_something_is_masked(
    engine: PrivacyEngine, text: str, name: str
) -> None:
    assert name in {text[e.start : e.end] for e in engine.analyze(text)}


NOBODY = [
    "Der Termin ist am Freitag, der Markt am Sonntag.",
    "Le guichet m'appelle demain, dit le message.",
    "They call it a day at 5 pm.",
    "Das Amt nennt sie Bedarfsgemeinschaft.",
    "user account locked, please unlock",
    "hi there, is the office open?",
    "Die Frist endet im Mai.",
]


@pytest.mark.parametrize("text", NOBODY)
def test_a_day_or_a_word_that_is_called_stays_readable(engine: PrivacyEngine, text: str) -> None:
    assert engine.analyze(text) == []


NUMBERS = [
    ("Mon numéro de locataire : L 48 1447", "L 48 1447"),
    ("Meng Matricule: M 204 417, ech sinn Beamten.", "M 204 417"),
    ("Mein Aktenzeichen beim AG Coesfeld ist 12 XVII 88/24 G.", "12 XVII 88/24 G"),
    ("On m'a demandé mon code, je l'ai donné : 0361, puis plus rien.", "0361"),
]


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_a_number_is_masked_with_its_letters(engine: PrivacyEngine, text: str, value: str) -> None:
    assert value in {text[e.start : e.end] for e in engine.analyze(text)}


def test_a_word_before_a_number_is_no_part_of_it(engine: PrivacyEngine) -> None:
    text = "DDN 20/08/55 ; IPP 660021847 ; IdNr KM 660021847"
    assert not {"IPP 660021847"} & {text[e.start : e.end] for e in engine.analyze(text)}
