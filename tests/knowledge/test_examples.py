"""How well the example agencies' own sources answer, in four languages: a floor, not a boast."""

from pathlib import Path

import pytest

from parvis.cli.knowledge import build_hide, read_sources
from parvis.db import create_database_engine, upgrade_database
from parvis.domain import Language
from parvis.inference.models import load_models
from parvis.knowledge import Encoder, Knowledge
from parvis.policy.rules import list_agency_rules
from parvis.privacy import build_privacy
from parvis.tenancy.registry import TenantRegistry, load_tenants

ROOT = Path(__file__).resolve().parents[2]
Question = tuple[str, Language, str, str]

# agency, language, question, words that the first passage must hold
ANSWERED: list[Question] = [
    ("valbourg", "en", "How much does an identity card cost?", "14 euros"),
    ("valbourg", "en", "How long is an identity card valid?", "ten years"),
    ("valbourg", "en", "I lost my identity card, what do I do?", "police"),
    ("valbourg", "en", "How long does it take to get the card?", "ten working days"),
    ("valbourg", "en", "What are your opening hours?", ":"),
    ("valbourg", "en", "Where can I park as a resident?", "arking"),
    ("valbourg", "en", "price of a certificate of residence", "5 euros"),
    ("valbourg", "fr", "Combien coûte une carte d'identité ?", "14"),
    ("valbourg", "fr", "J'ai perdu ma carte d'identité", "police"),
    ("valbourg", "fr", "Combien coûte un certificat de résidence ?", "5 euros"),
    ("valbourg", "fr", "Quels sont vos horaires d'ouverture ?", "h"),
    ("valbourg", "fr", "vignette de stationnement résidentiel prix", "24"),
    (
        "valbourg",
        "fr",
        "Bonjour, j'ai besoin d'un certificat de résidence, que dois-je apporter ?",
        "5 euros",
    ),
    ("valbourg", "de", "Was kostet ein Personalausweis?", "14"),
    ("valbourg", "de", "Ich habe meinen Ausweis verloren.", "Polizei"),
    ("valbourg", "de", "Was kostet der Anwohnerparkausweis im Jahr?", "24"),
    ("valbourg", "de", "Wann haben Sie geöffnet?", "Uhr"),
    ("valbourg", "de", "Wie lange dauert es bis der Ausweis fertig ist?", "zehn"),
    ("valbourg", "lb", "Wat kascht eng Identitéitskaart?", "14"),
    ("valbourg", "lb", "Ech hunn meng Identitéitskaart verluer", "Police"),
    ("valbourg", "lb", "Wat kascht d'Wunnsëtzzertifikat?", "5 Euro"),
    ("valbourg", "lb", "Wéini hutt dir op?", "Auer"),
    ("valbourg", "lb", "Wat kascht d'Parkvignette?", "24"),
    ("habitat", "de", "Wie hoch ist der Zuschuss?", "35"),
    ("habitat", "de", "Wie lange ist die Bearbeitungsfrist?", "sechzig"),
    ("habitat", "fr", "Quelles pièces faut-il pour le dossier ?", "devis"),
    ("habitat", "en", "Who decides on the grant?", "deci"),
    ("habitat", "en", "How high is the grant?", "35"),
    ("emploi-mosel", "fr", "Comment s'inscrire comme demandeur d'emploi ?", "inscri"),
    ("emploi-mosel", "de", "Wie melde ich mich arbeitslos?", "meld"),
    ("emploi-mosel", "lb", "Wéi kann ech mech umellen?", "mell"),
    ("emploi-mosel", "en", "How do I register as a job seeker?", "regist"),
    ("emploi-mosel", "fr", "Quelle aide à l'embauche existe-t-il ?", ""),
]
# as people write: with greetings, and what masking made of their names, addresses and numbers
WRITTEN: list[Question] = [
    (
        "valbourg",
        "fr",
        "Bonjour, je m'appelle [PERSON_1_k7fq], née le [DATE_OF_BIRTH_1_k7fq], j'habite "
        "[ADDRESS_1_k7fq]. Mon numéro est le [PHONE_1_k7fq]. J'ai besoin d'un certificat de "
        "résidence, combien coûte-t-il ? Merci d'avance.",
        "5 euros",
    ),
    (
        "valbourg",
        "de",
        "Guten Tag, mein Name ist [PERSON_1_k7fq], geboren am [DATE_OF_BIRTH_1_k7fq]. Was kostet "
        "ein neuer Personalausweis? Meine Nummer ist [PHONE_1_k7fq]. Mit freundlichen Grüßen",
        "14",
    ),
    (
        "valbourg",
        "lb",
        "Moien, ech sinn d'[PERSON_1_k7fq] a wunnen an der [ADDRESS_1_k7fq]. Wat kascht eng nei "
        "Identitéitskaart? Meng Nummer ass [PHONE_1_k7fq]. Villmools merci.",
        "14",
    ),
    (
        "valbourg",
        "en",
        "Hi, [PERSON_1_k7fq] here, IBAN [IBAN_1_k7fq]. Where do I get a residence certificate and "
        "what does it cost?",
        "5 euros",
    ),
]
# questions that no source of the agency answers
NOT_ANSWERED: list[tuple[str, Language, str]] = [
    ("valbourg", "en", "How do I apply for a fishing licence?"),
    ("valbourg", "en", "What is the capital of France?"),
    ("valbourg", "en", "Who won the football match yesterday?"),
    ("valbourg", "en", "How do I get a divorce?"),
    ("valbourg", "en", "write me a poem about the sea"),
    ("valbourg", "fr", "Comment obtenir un permis de pêche ?"),
    ("valbourg", "fr", "Quelle est la météo demain ?"),
    ("valbourg", "fr", "Comment se marier à la mairie ?"),
    ("valbourg", "fr", "Je voudrais porter plainte contre mon voisin"),
    ("valbourg", "de", "Wie bekomme ich einen Angelschein?"),
    ("valbourg", "de", "Wie wird das Wetter morgen?"),
    ("valbourg", "de", "Wo kann ich meinen Hund anmelden?"),
    ("valbourg", "de", "Wann wird der Müll abgeholt?"),
    ("valbourg", "en", "Is there a swimming pool?"),
    ("valbourg", "lb", "Wéi gëtt d'Wieder muer?"),
    ("valbourg", "lb", "Wou kann ech mäin Hond umellen?"),
    ("valbourg", "lb", "Wéini gëtt den Dreck ofgeholl?"),
    ("habitat", "fr", "Quel est le cours du bitcoin ?"),
    ("habitat", "de", "Wie hoch ist die Grundsteuer?"),
    ("emploi-mosel", "en", "What is the best pizza recipe?"),
    ("emploi-mosel", "fr", "Comment renouveler mon passeport ?"),
    ("emploi-mosel", "de", "Wann fährt der nächste Zug?"),
    ("valbourg", "fr", "Bonjour, je m'appelle [PERSON_1_k7fq]. Un permis de pêche ? Merci bien."),
    ("valbourg", "en", "Hello. Thank you very much. Can you help me?"),
    ("valbourg", "de", "Guten Tag, ich wohne [ADDRESS_1_k7fq]. Wann kommt die Müllabfuhr? Danke."),
]


@pytest.fixture(scope="module")
def tenants() -> TenantRegistry:
    return load_tenants(
        ROOT / "tenants",
        models=load_models(ROOT / "deploy/models.yaml").models,
        policies=list_agency_rules(ROOT / "policies"),
    )


@pytest.fixture(scope="module")
def examples(
    tenants: TenantRegistry,
    encoder: Encoder,
    models_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Knowledge:
    engine = create_database_engine(f"sqlite:///{tmp_path_factory.mktemp('examples')}/parvis.db")
    upgrade_database(engine)
    knowledge = Knowledge(engine, encoder)
    privacy = build_privacy(models_dir)
    for agency in tenants.agencies.values():
        hide = build_hide(privacy, agency)
        knowledge.sync(agency.slug, read_sources(tenants, agency), hide)
    return knowledge


def find_first(
    examples: Knowledge, tenants: TenantRegistry, slug: str, language: Language, question: str
) -> str | None:
    ids = [source.id for source in tenants.get_agency(slug).sources]
    found = examples.retrieve(slug, question, source_ids=ids, language=language)
    return found[0].text if found else None


def test_most_questions_find_their_passage_first_and_hardly_any_a_wrong_one(
    examples: Knowledge, tenants: TenantRegistry
) -> None:
    first = [find_first(examples, tenants, s, lang, q) for s, lang, q, _ in ANSWERED]
    right = sum(words in text for text, (*_, words) in zip(first, ANSWERED, strict=True) if text)
    wrong = sum(
        words not in text for text, (*_, words) in zip(first, ANSWERED, strict=True) if text
    )
    assert right >= 0.75 * len(ANSWERED)
    assert wrong <= 0.1 * len(ANSWERED)


def test_message_with_greetings_and_masked_values_finds_its_passage(
    examples: Knowledge, tenants: TenantRegistry
) -> None:
    for slug, language, question, words in WRITTEN:
        assert words in (find_first(examples, tenants, slug, language, question) or "")


def test_questions_without_an_answer_find_nothing(
    examples: Knowledge, tenants: TenantRegistry
) -> None:
    found = {q for s, lang, q in NOT_ANSWERED if find_first(examples, tenants, s, lang, q)}
    assert found == set()
