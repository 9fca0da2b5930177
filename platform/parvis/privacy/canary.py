"""Sentences whose personal data must be found: a detector that finds nothing is down.

A name that only the model can find stands in each, so a silent model is noticed.
"""

from parvis.privacy.entities import Label

CANARIES: tuple[tuple[str, str, frozenset[tuple[Label, str]]], ...] = (
    (
        "fr",
        "Hier, Nathalie Lambert a écrit au guichet depuis nathalie.lambert@exemple.fr.",
        frozenset(
            {(Label.PERSON, "Nathalie Lambert"), (Label.EMAIL, "nathalie.lambert@exemple.fr")}
        ),
    ),
    (
        "de",
        "Gestern hat Katharina Vogel angerufen, sie zahlt von DE89 3704 0044 0532 0130 00.",
        frozenset({(Label.PERSON, "Katharina Vogel"), (Label.IBAN, "DE89 3704 0044 0532 0130 00")}),
    ),
    (
        "lb",
        "Gëschter huet d'Madame Schneider ugeruff, hir Matrikel ass 1893120105732.",
        frozenset({(Label.PERSON, "Schneider"), (Label.NATIONAL_ID, "1893120105732")}),
    ),
    (
        "en",
        "Yesterday Oliver Bennett called from +44 20 7946 0018 about his permit.",
        frozenset({(Label.PERSON, "Oliver Bennett"), (Label.PHONE, "+44 20 7946 0018")}),
    ),
)
