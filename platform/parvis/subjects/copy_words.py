"""The words around the copy that a person gets, in the four languages of the house."""

from collections.abc import Mapping

from parvis.domain import Language

WORDS: Mapping[Language, Mapping[str, str]] = {
    "fr": {
        "title": "Vos données",
        "intro": "Copie des données que l'assistant de l'administration conserve sur vous "
        "(RGPD, article 15). Le fichier person.json contient les mêmes données pour un programme.",
        "conversations": "Conversations",
        "until": "conservée jusqu'au",
        "question": "Question",
        "answer": "Réponse",
        "records": "Journal",
        "about": "Ce que le journal a noté. Les textes scellés sont ouverts ici pour vous.",
        "rights": "Vos droits",
        "rights_text": "Vous pouvez demander la rectification, l'effacement ou la limitation, vous "
        "opposer au traitement, et saisir l'autorité de protection des données. La portabilité "
        "(article 20) ne s'applique pas à une mission d'intérêt public.",
    },
    "de": {
        "title": "Ihre Daten",
        "intro": "Kopie der Daten, die der Assistent der Behörde über Sie gespeichert hat (DSGVO, "
        "Artikel 15). Die Datei person.json enthält dieselben Daten für ein Programm.",
        "conversations": "Gespräche",
        "until": "gespeichert bis",
        "question": "Frage",
        "answer": "Antwort",
        "records": "Protokoll",
        "about": "Was das Protokoll festhält. Versiegelte Texte sind hier für Sie geöffnet.",
        "rights": "Ihre Rechte",
        "rights_text": "Sie können Berichtigung, Löschung oder Einschränkung verlangen, der "
        "Verarbeitung widersprechen und sich bei der Datenschutzaufsicht beschweren. Das Recht auf "
        "Übertragung (Artikel 20) gilt bei Aufgaben im öffentlichen Interesse nicht.",
    },
    "lb": {
        "title": "Är Donnéeën",
        "intro": "Kopie vun den Donnéeën, déi den Assistent vun der Administratioun iwwer Iech "
        "späichert (DSGVO, Artikel 15). An der Datei person.json stinn déi selwecht Donnéeën fir "
        "e Programm.",
        "conversations": "Gespréicher",
        "until": "gespäichert bis",
        "question": "Fro",
        "answer": "Äntwert",
        "records": "Protokoll",
        "about": "Wat de Protokoll festgehalen huet. Versigelt Texter sinn hei fir Iech op.",
        "rights": "Är Rechter",
        "rights_text": "Dir kënnt froen, datt Donnéeën verbessert, geläscht oder limitéiert ginn, "
        "der Veraarbechtung widderspriechen an Iech bei der Dateschutzautoritéit beschwéieren. "
        "D'Recht op Iwwerdroung (Artikel 20) gëllt net bei Aufgaben am ëffentlechen Interêt.",
    },
    "en": {
        "title": "Your data",
        "intro": "A copy of the data that the agency's assistant keeps about you (GDPR, Article "
        "15). The file person.json holds the same data for a program.",
        "conversations": "Conversations",
        "until": "kept until",
        "question": "Question",
        "answer": "Answer",
        "records": "Log",
        "about": "What the log noted. Sealed texts are opened here for you.",
        "rights": "Your rights",
        "rights_text": "You may ask for rectification, erasure or restriction, object to the "
        "processing, and complain to the data-protection authority. Portability (Article 20) does "
        "not apply to tasks in the public interest.",
    },
}
