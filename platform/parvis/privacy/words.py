"""Words that are never a person's name here: offices, titles, greetings, functions, laws, months.

Four languages in one set, in small letters: a letter from Luxembourg mixes them.
"""

_NEVER = """
madame monsieur mademoiselle mesdames messieurs mme mlle mlles mmes mr mrs ms miss sir herr herrn frau fräulein damen herren
här hären joffer madamm dame dammen hr fr dr prof docteur professeur maître doktor maire ministre préfet préfète président présidente
directeur directrice bürgermeister bürgermeisterin oberbürgermeister minister ministerin direktor direktorin präsident präsidentin buergermeeschter
buergermeeschtesch mayor madam minister officer officier secretary secrétaire sekretär sekretärin citizen citoyen citoyenne bürger bürgerin bierger
mairie commune préfecture ministère administration gouvernement état république tribunal cour conseil rathaus bürgeramt finanzamt jobcenter amt
verwaltung ministerium behörde stadt gemeinde gericht gemeng staat biergercenter guichet council office ministry department court
caf cpam urssaf insee adem cnap cns ccss anpe sncf cnrs rib iban bic siret siren tva nir cerfa dsgvo rgpd gdpr sgb bgb vwvfg estg stgb zpo gg
bonjour bonsoir salut merci cordialement bien cher chère chers hallo guten tag morgen abend danke grüße grüßen freundlichen mit liebe lieber sehr
geehrte geehrter geehrten moien äddi merci villmools gréiss beschte hello hi dear thanks thank regards kind best sincerely yours faithfully
januar februar märz april mai juni juli august september oktober november dezember janvier février mars avril juin juillet août septembre octobre
novembre décembre january february march may june july october december januar mäerz abrëll juni juli
montag dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche monday tuesday wednesday thursday
friday saturday sunday méindeg dënschdeg mëttwoch donneschdeg freideg samschdeg sonndeg
je tu il elle nous vous ils elles on mon ma mes votre notre leur le la les un une des du de et ou mais donc car que qui ne pas est suis sont avez ai
ich du er sie es wir ihr mein meine meinen meiner ihre ihren unser der die das den dem des ein eine und oder aber ist bin sind haben habe hat wird
ech hien si mir dir mäi meng däi deng säi seng eis d'en den dat déi an oder awer ass sinn hunn huet gëtt net wéi wat wou firwat
i you he she we they my your his her our their the a an and or but is am are have has will not how what where why when
nom prénom name vorname nachname familienname surname numm virnumm adresse anschrift address téléphone telefon phone email mail e-mail
date naissance geburtsdatum geboren gebuer né née born dossier aktenzeichen matricule numéro nummer number référence
police polizei france deutschland allemagne belgique belgien luxembourg luxemburg lëtzebuerg germany belgium europe europa
article artikel loi gesetz verordnung règlement directive richtlinie law act section
assistant assistante chatbot système system user utilisateur benutzer
passeport pass personalausweis carte ausweis permis führerschein passport licence
père mère fils fille frère sœur mari femme vater mutter sohn tochter bruder schwester mann kind papp mamm jong duechter fra mother father son
daughter husband wife brother sister child enfant enfants kinder kanner
antrag demande bescheid widerspruch recours application appeal request bedarfsgemeinschaft elterngeld kindergeld wohngeld
""".split()
NEVER_A_NAME = frozenset(word.casefold() for word in _NEVER)

# Particles inside names; alone they are nothing.
PARTICLES = frozenset(
    "de du des d la le les von van der den zu zum zur di da do dos das del della el al ben bin ten ter op und et and".split()
)


def is_never_a_name(text: str) -> bool:
    """Whether a word can be left readable whatever a model believes."""
    word = text.strip(" .,;:!?'\"-()").casefold()
    return len(word) < 2 or word in NEVER_A_NAME or word.isdigit()  # noqa: PLR2004
