/* Sentences of the second verifier in English, French, German and Luxembourgish, and its report as text. */
"use strict";
globalThis.parvisTexts = (() => {
  const LANGUAGES = ["en", "fr", "de", "lb"];
  const VERDICTS = {
    INTACT: ["Nothing was altered since it was signed.", "Rien n’a été modifié depuis la signature.", "Seit der Signatur wurde nichts verändert.", "Zanter der Ënnerschrëft gouf näischt geännert."],
    INCOMPLETE: ["A file is missing; what is there is unaltered.", "Un fichier manque ; ce qui est présent n’a pas été modifié.", "Eine Datei fehlt; was da ist, ist unverändert.", "E Fichier feelt; wat do ass, ass net geännert."],
    TAMPERED: ["Something was altered, added or is not in its required form.", "Quelque chose a été modifié, ajouté ou n’a pas la forme exigée.", "Etwas wurde verändert, hinzugefügt oder hat nicht die verlangte Form.", "Eppes gouf geännert, bäigesat oder huet net déi verlaangte Form."],
    UNVERIFIABLE: ["It cannot be decided.", "Aucune décision n’est possible.", "Es lässt sich nicht entscheiden.", "Et kann net entscheet ginn."],
  };
  const REASONS = {
    unread: ["the file cannot be read", "le fichier est illisible", "die Datei ist nicht lesbar", "de Fichier kann net gelies ginn"],
    large: ["the file is too large", "le fichier est trop grand", "die Datei ist zu groß", "de Fichier ass ze grouss"],
    link: ["a link or a special file", "un lien ou un fichier spécial", "eine Verknüpfung oder Sonderdatei", "e Link oder e spezielle Fichier"],
    deep: ["folders are nested too deeply", "dossiers trop imbriqués", "Ordner zu tief verschachtelt", "Dossiere sinn ze déif verschachtelt"],
    many: ["too many to check", "trop nombreux pour être contrôlés", "zu viele für die Prüfung", "ze vill fir ze préiwen"],
    stranger: ["this folder is not an audit export", "ce dossier n’est pas un export d’audit", "dieser Ordner ist kein Audit-Export", "dësen Dossier ass keen Audit-Export"],
    crypto: ["this browser or program cannot check Ed25519 signatures", "ce navigateur ou programme ne sait pas vérifier les signatures Ed25519", "dieser Browser oder dieses Programm kann Ed25519-Signaturen nicht prüfen", "dëse Browser oder Programm kann Ed25519-Ënnerschrëften net préiwen"],
    missing: ["the file is missing", "le fichier manque", "die Datei fehlt", "de Fichier feelt"],
    keys: ["not the key of a log", "ce n’est pas la clé d’un journal", "nicht der Schlüssel eines Protokolls", "net de Schlëssel vun engem Protokoll"],
    cosigned: ["no head here carries the cosignatures that your policy demands", "aucune tête ici ne porte les cosignatures que votre politique exige", "kein Kopf hier trägt die Mitsignaturen, die Ihre Policy verlangt", "kee Kapp hei dréit d’Matënnerschrëften, déi Är Policy verlaangt"],
    cosignature: ["the cosignature of a witness does not fit", "la cosignature d’un témoin ne convient pas", "die Mitsignatur eines Zeugen passt nicht", "d’Matënnerschrëft vun engem Zeie passt net"],
    heads: ["the platform log’s heads do not hold one of this log", "les têtes du journal de la plateforme n’en contiennent pas de ce journal", "unter den Köpfen des Plattform-Protokolls ist keiner dieses Protokolls", "ënner de Käpp vum Plattform-Protokoll ass keen vun dësem Protokoll"],
    late: ["its time is later than an outside copy that holds it", "son heure est postérieure à une copie extérieure qui la contient", "seine Zeit liegt nach einer Kopie von außen, die ihn schon enthält", "hir Zäit ass no enger Kopie vu baussen, an där se scho steet"],
    proof: ["not a proof that carries its record", "pas une preuve qui porte son entrée", "kein Beweis, der seinen Eintrag enthält", "kee Beweis, dee seng Entrée dréit"],
    path: ["the path does not lead from the record to the root", "le chemin ne mène pas de l’entrée à la racine", "der Pfad führt nicht vom Eintrag zur Wurzel", "de Wee féiert net vun der Entrée zur Wuerzel"],
    proofKey: ["a proof carries no key: give the log’s in a policy", "une preuve ne porte pas de clé : donnez celle du journal dans une politique", "ein Beweis trägt keinen Schlüssel: geben Sie den des Protokolls in einer Policy", "e Beweis dréit kee Schlëssel: gitt dee vum Protokoll an enger Policy"],
    otherRecord: ["the receipt names another record", "le reçu nomme une autre entrée", "der Prüfbeleg nennt einen anderen Eintrag", "de Prüfbeleeg nennt eng aner Entrée"],
    twoHistories: ["the receipt and the proof are of two histories", "le reçu et la preuve sont de deux histoires", "Prüfbeleg und Beweis gehören zu zwei Geschichten", "de Prüfbeleeg an de Beweis si vun zwou Geschichten"],
    otherLog: ["the log is not one that you trust", "le journal n’est pas un de ceux auxquels vous vous fiez", "das Protokoll gehört nicht zu denen, denen Sie vertrauen", "de Protokoll ass keen, deem Dir vertraut"],
    otherCosigner: ["the ML-DSA-44 key is not the one that you trust", "la clé ML-DSA-44 n’est pas celle à laquelle vous vous fiez", "der ML-DSA-44-Schlüssel ist nicht der, dem Sie vertrauen", "den ML-DSA-44-Schlëssel ass net deen, deem Dir vertraut"],
    cosigner06: ["not an ML-DSA-44 key of this log", "pas une clé ML-DSA-44 de ce journal", "kein ML-DSA-44-Schlüssel dieses Protokolls", "keen ML-DSA-44-Schlëssel vun dësem Protokoll"],
    unsignedHead: ["the head is not signed by ML-DSA-44, as your policy demands", "la tête n’est pas signée par ML-DSA-44 comme votre politique l’exige", "der Kopf ist nicht mit ML-DSA-44 signiert, wie Ihre Policy es verlangt", "de Kapp ass net mat ML-DSA-44 signéiert, wéi Är Policy et verlaangt"],
    otherKey: ["the key is not the one that you trust", "la clé n’est pas celle à laquelle vous vous fiez", "der Schlüssel ist nicht der, dem Sie vertrauen", "de Schlëssel ass net deen, deem Dir vertraut"],
    turn: ["a change of keys is not proven", "un changement de clés n’est pas prouvé", "ein Schlüsselwechsel ist nicht bewiesen", "e Wiessel vum Schlëssel ass net bewisen"],
    wrongTime: ["signed by a key whose time was over or had not begun", "signé par une clé dont le temps était fini ou pas encore venu", "signiert mit einem Schlüssel, dessen Zeit vorbei war oder noch nicht begonnen hatte", "mat engem Schlëssel signéiert, deem seng Zäit eriwwer war oder nach net ugefaangen hat"],
    oneHand: ["the head at a change of keys is not signed by both", "la tête au changement de clés n’est pas signée par les deux", "der Kopf beim Schlüsselwechsel ist nicht von beiden signiert", "de Kapp beim Wiessel vum Schlëssel ass net vun deenen zwee signéiert"],
    story: ["keys.jsonl tells another story of the log’s keys", "keys.jsonl raconte une autre histoire des clés du journal", "keys.jsonl erzählt eine andere Geschichte der Schlüssel", "keys.jsonl erzielt eng aner Geschicht vun de Schlësselen"],
    fork: ["two heads of one size: the log has two histories", "deux têtes de même taille : le journal a deux histoires", "zwei Köpfe derselben Größe: das Protokoll hat zwei Geschichten", "zwee Käpp vun der selwechter Gréisst: de Protokoll huet zwou Geschichten"],
    badKey: ["the key that you trust was declared compromised: get the new one on paper", "la clé à laquelle vous vous fiez a été déclarée compromise : demandez la nouvelle sur papier", "der Schlüssel, dem Sie vertrauen, wurde als kompromittiert gemeldet: holen Sie den neuen auf Papier", "de Schlëssel, deem Dir vertraut, gouf als kompromittéiert gemellt: frot deen neien um Pabeier"],
    rollback: ["the rollback does not say what it must", "le retour en arrière ne dit pas ce qu’il doit dire", "die Rücksetzung sagt nicht, was sie muss", "d’Zerécksetzung seet net, wat se muss"],
    hidden: ["the rollback hides records of the old log that you saw", "le retour en arrière cache des entrées de l’ancien journal que vous avez vues", "die Rücksetzung verbirgt Einträge des alten Protokolls, die Sie gesehen haben", "d’Zerécksetzung verstoppt Entréeën vum ale Protokoll, déi Dir gesinn hutt"],
    list: ["not a list of files of this log", "ce n’est pas une liste de fichiers de ce journal", "keine Dateiliste dieses Protokolls", "keng Lëscht vu Fichiere vun dësem Protokoll"],
    note: ["not a signed head of this log", "ce n’est pas une tête signée de ce journal", "kein signierter Kopf dieses Protokolls", "kee signéierte Kapp vun dësem Protokoll"],
    signature: ["the signature is not the log’s", "la signature n’est pas celle du journal", "die Signatur ist nicht die des Protokolls", "d’Ënnerschrëft ass net déi vum Protokoll"],
    head: ["not the head of this export", "ce n’est pas la tête de cet export", "nicht der Kopf dieses Exports", "net de Kapp vun dësem Export"],
    cut: ["a head beyond the end of the log: the end was cut", "une tête au-delà de la fin du journal : la fin a été coupée", "ein Kopf jenseits des Endes: das Ende wurde abgeschnitten", "e Kapp méi wäit wéi d’Enn: d’Enn gouf ofgeschnidden"],
    seenKey: ["the log’s key is not the one seen last time", "la clé du journal n’est pas celle vue la dernière fois", "der Schlüssel ist nicht der vom letzten Mal", "de Schlëssel ass net dee vum leschte Mol"],
    shorter: ["the log is shorter than what was seen last time: cut, or an old export", "le journal est plus court que la dernière fois : coupé, ou export ancien", "das Protokoll ist kürzer als beim letzten Mal: abgeschnitten oder ein alter Export", "de Protokoll ass méi kuerz wéi d’lescht Kéier: ofgeschnidden oder en alen Export"],
    history: ["another history than the head seen or published before", "une autre histoire que celle de la tête vue ou publiée auparavant", "eine andere Geschichte als die des früher gesehenen Kopfes", "eng aner Geschicht wéi déi vum Kapp, deen éischter gesi gouf"],
    few: ["the head counts more records than there are files", "la tête compte plus d’entrées qu’il n’y a de fichiers", "der Kopf zählt mehr Einträge, als Dateien da sind", "de Kapp zielt méi Entréeën, wéi et Fichiere gëtt"],
    tile: ["the tile is not made of the leaves below it", "la tuile ne correspond pas aux feuilles", "die Kachel passt nicht zu den Blättern darunter", "d’Kachel passt net zu de Blieder drënner"],
    root: ["the signed root is not that of the leaves", "la racine signée n’est pas celle des feuilles", "die signierte Wurzel ist nicht die der Blätter", "déi signéiert Wuerzel ass net déi vun de Blieder"],
    bundle: ["not a bundle of records of this width", "ce n’est pas un lot d’entrées de cette taille", "kein Bündel mit dieser Zahl von Einträgen", "kee Bündel mat dëser Zuel vun Entréeën"],
    birth: ["the log does not begin with the birth of this key", "le journal ne commence pas par la naissance de cette clé", "das Protokoll beginnt nicht mit der Geburt dieses Schlüssels", "de Protokoll fänkt net mat der Gebuert vun dësem Schlëssel un"],
    platform: ["the platform log does not prove this key", "le journal de la plateforme ne prouve pas cette clé", "das Plattform-Protokoll beweist diesen Schlüssel nicht", "de Plattform-Protokoll beweist dëse Schlëssel net"],
    unlisted: ["the file is not part of the export", "le fichier ne fait pas partie de l’export", "die Datei gehört nicht zum Export", "de Fichier gehéiert net zum Export"],
    empty: ["an empty folder that is not part of the export", "un dossier vide qui ne fait pas partie de l’export", "ein leerer Ordner, der nicht zum Export gehört", "en eidelen Dossier, deen net zum Export gehéiert"],
    changed: ["the file is not the one that was exported", "le fichier n’est pas celui qui a été exporté", "die Datei ist nicht die exportierte", "de Fichier ass net deen, deen exportéiert gouf"],
    leaf: ["the record is not the one that was hashed", "l’entrée n’est pas celle qui a été hachée", "der Eintrag ist nicht der gehashte", "d’Entrée ass net déi, déi gehasht gouf"],
    form: ["the record is not in the required form", "l’entrée n’a pas la forme exigée", "der Eintrag hat nicht die verlangte Form", "d’Entrée huet net déi verlaangte Form"],
    place: ["the record is not at its position in this log", "l’entrée n’est pas à sa place dans ce journal", "der Eintrag steht nicht an seinem Platz in diesem Protokoll", "d’Entrée ass net op hirer Plaz an dësem Protokoll"],
    time: ["time goes back", "le temps recule", "die Zeit läuft zurück", "d’Zäit leeft zeréck"],
    counter: ["records of one writer are missing before this one", "des entrées d’un même processus manquent avant celle-ci", "davor fehlen Einträge eines Schreibers", "virdru feelen Entréeën vun engem Schreiwer"],
    intent: ["it ends an intent that is not open", "elle termine une intention qui n’est pas ouverte", "er beendet ein Vorhaben, das nicht offen ist", "si beendegt e Virhuelen, dat net op ass"],
    twice: ["its id occurs twice", "son identifiant apparaît deux fois", "seine Kennung kommt zweimal vor", "seng Kennung kënnt zweemol vir"],
    goneList: ["not a list of what is gone", "ce n’est pas une liste de ce qui a disparu", "keine Liste dessen, was fort ist", "keng Lëscht vun deem, wat fort ass"],
    lost: ["sealed values are gone and no record allows it", "des valeurs scellées ont disparu sans qu’une entrée l’autorise", "versiegelte Werte sind fort, und kein Eintrag erlaubt es", "versigelt Wäerter si fort, a keng Entrée erlaabt et"],
    noValue: ["a value is said to be gone that the record does not have", "une valeur est dite disparue que l’entrée n’a pas", "ein Wert soll fort sein, den der Eintrag nicht hat", "e Wäert soll fort sinn, deen d’Entrée net huet"],
    unasked: ["an erasure was confirmed that nobody else had asked for", "un effacement confirmé que personne d’autre n’avait demandé", "eine Löschung wurde bestätigt, die niemand anderes beantragt hatte", "eng Läschung gouf confirméiert, déi keen aneren ugefrot hat"],
    unallowed: ["records before the first are not here and no record allows that", "des entrées avant la première manquent sans qu’une entrée l’autorise", "Einträge vor dem ersten fehlen, und kein Eintrag erlaubt es", "Entréeë virun der éischter feelen, a keng Entrée erlaabt et"],
    tail: ["the last records are not here though nobody asked for an end", "les dernières entrées manquent alors que personne n’a demandé de fin", "die letzten Einträge fehlen, obwohl niemand ein Ende verlangt hat", "déi lescht Entréeën feelen, obwuel keen en Enn gefrot huet"],
    floor: ["records were pruned before 184 days were over", "des entrées ont été retirées avant la fin des 184 jours", "Einträge wurden vor Ablauf von 184 Tagen entfernt", "Entréeën goufen ewechgeholl, éier 184 Deeg eriwwer waren"],
    minimum: ["the minimum index does not grow", "l’indice minimal ne croît pas", "der Mindestindex wächst nicht", "de Mindestindex wiisst net"],
    stamp: ["not a time stamp that holds", "ce n’est pas un horodatage valable", "kein gültiger Zeitstempel", "keen Zäitstempel, deen hält"],
    stampHead: ["a time stamp of a head that is not here", "un horodatage d’une tête qui n’est pas ici", "ein Zeitstempel eines Kopfes, der nicht hier ist", "en Zäitstempel vun engem Kapp, deen net hei ass"],
    imprint: ["the time stamp is of other bytes than this head", "l’horodatage porte sur d’autres octets que cette tête", "der Zeitstempel gehört zu anderen Bytes als diesem Kopf", "den Zäitstempel gehéiert zu anere Bytes wéi dëse Kapp"],
    certificate: ["not a certificate", "ce n’est pas un certificat", "kein Zertifikat", "keen Zertifikat"],
    old: ["no outside time is as new as you asked: an old export, or one that was never anchored", "aucune date extérieure n’est aussi récente que demandé : export ancien, ou jamais ancré", "keine Zeit von außen ist so neu wie verlangt: ein alter Export, oder nie verankert", "keng Zäit vun dobaussen ass esou nei wéi gefrot: en alen Export, oder ni verankert"],
    otherNote: ["the note is of another log", "la note est d’un autre journal", "die Notiz ist von einem anderen Protokoll", "d’Notiz ass vun engem anere Protokoll"],
    otherLine: ["the printed head is of another log", "la tête imprimée est d’un autre journal", "der gedruckte Kopf ist von einem anderen Protokoll", "de gedréckte Kapp ass vun engem anere Protokoll"],
    shorterLine: ["shorter than the printed head: cut, or an old export", "plus court que la tête imprimée : coupé, ou export ancien", "kürzer als der gedruckte Kopf: abgeschnitten, oder ein alter Export", "méi kuerz wéi de gedréckte Kapp: ofgeschnidden, oder en alen Export"],
    wrongLine: ["the printed head is not one of this log", "la tête imprimée n’est pas de ce journal", "der gedruckte Kopf ist nicht von diesem Protokoll", "de gedréckte Kapp ass net vun dësem Protokoll"],
    evidence: ["not evidence of two histories", "ce n’est pas une preuve de deux histoires", "kein Beleg für zwei Geschichten", "kee Beleeg fir zwou Geschichten"],
    oneHistory: ["the two heads are of one history: nothing is proven", "les deux têtes sont d’une même histoire : rien n’est prouvé", "beide Köpfe gehören zu einer Geschichte: nichts ist bewiesen", "déi zwee Käpp gehéieren zu enger Geschicht: näischt ass bewisen"],
    ended: ["the platform log does not prove that this log ended", "le journal de la plateforme ne prouve pas que ce journal a pris fin", "das Plattform-Protokoll beweist nicht, dass dieses Protokoll endete", "de Plattform-Protokoll beweist net, datt dëse Protokoll opgehalen huet"],
    undecided: ["not everything that is needed could be checked", "tout le nécessaire n’a pas pu être contrôlé", "nicht alles Nötige war prüfbar", "net alles, wat néideg ass, konnt gepréift ginn"],
  };
  const SKIPS = {
    browser: ["a browser does not show links", "un navigateur ne montre pas les liens", "ein Browser zeigt Verknüpfungen nicht", "e Browser weist keng Linken"],
    tiles: ["leaf hashes are missing", "des empreintes de feuilles manquent", "Blatt-Hashes fehlen", "Blat-Hashe feelen"],
    noPolicy: ["no trusted key given; compare the fingerprint yourself", "aucune clé de confiance donnée ; comparez vous-même l’empreinte", "kein vertrauter Schlüssel angegeben; vergleichen Sie den Fingerabdruck selbst", "kee vertraute Schlëssel uginn; vergläicht de Fangerofdrock selwer"],
    noHistory: ["the log’s own list of its keys could not be used", "la liste des clés du journal n’a pas pu servir", "die Schlüsselliste des Protokolls war nicht brauchbar", "d’Lëscht vun de Schlëssele vum Protokoll konnt net benotzt ginn"],
    noWitness: ["the policy names no witness", "la politique ne nomme aucun témoin", "die Policy nennt keinen Zeugen", "d’Policy nennt kee Zeien"],
    cosigner: ["a cosignature by ML-DSA-44, which this browser or program does not check: use verify.py", "une cosignature par ML-DSA-44, que ce navigateur ou programme ne contrôle pas : utilisez verify.py", "eine Mitsignatur mit ML-DSA-44, die dieser Browser oder dieses Programm nicht prüft: nehmen Sie verify.py", "eng Matënnerschrëft mat ML-DSA-44, déi dëse Browser oder dëse Programm net préift: huelt verify.py"],
    noHeads: ["no proof of it in this export", "aucune preuve dans cet export", "kein Beweis dafür in diesem Export", "kee Beweis dofir an dësem Export"],
    headsKey: ["it does; but your policy does not name the platform log’s key", "c’est le cas ; mais votre politique ne nomme pas la clé du journal de la plateforme", "so ist es; aber Ihre Policy nennt den Schlüssel des Plattform-Protokolls nicht", "et ass esou; mee Är Policy nennt de Schlëssel vum Plattform-Protokoll net"],
    noLine: ["no printed head was given", "aucune tête imprimée n’a été donnée", "kein gedruckter Kopf angegeben", "kee gedréckte Kapp uginn"],
    noCosigner: ["no ML-DSA-44 key of this log is known", "aucune clé ML-DSA-44 de ce journal n’est connue", "kein ML-DSA-44-Schlüssel dieses Protokolls ist bekannt", "keen ML-DSA-44-Schlëssel vun dësem Protokoll ass bekannt"],
    noCosignedHead: ["the head bears no such line", "la tête ne porte pas une telle ligne", "der Kopf trägt keine solche Zeile", "de Kapp dréit keng esou Zeil"],
    noAuthority: ["the policy names no time-stamp authority (#!tsa)", "la politique ne nomme aucune autorité d’horodatage (#!tsa)", "die Policy nennt keine Zeitstempelstelle (#!tsa)", "d’Policy nennt keng Zäitstempelplaz (#!tsa)"],
    stampStranger: ["a time stamp of an authority that your policy does not name counts nothing", "un horodatage d’une autorité que votre politique ne nomme pas ne compte pas", "ein Zeitstempel einer Stelle, die Ihre Policy nicht nennt, zählt nicht", "en Zäitstempel vun enger Plaz, déi Är Policy net nennt, zielt net"],
    stampMethod: ["a time stamp is made by a method that this program does not check: use verify.py", "un horodatage emploie une méthode que ce programme ne contrôle pas : utilisez verify.py", "ein Zeitstempel nutzt ein Verfahren, das dieses Programm nicht prüft: nehmen Sie verify.py", "en Zäitstempel benotzt e Verfaren, dat dëse Programm net préift: huelt verify.py"],
    noReceipt: ["no receipt was given", "aucun reçu n’a été donné", "kein Prüfbeleg angegeben", "kee Prüfbeleeg uginn"],
    noKey: ["no key, or not readable", "pas de clé, ou illisible", "kein Schlüssel oder nicht lesbar", "kee Schlëssel oder net ze liesen"],
    noState: ["nothing kept from last time was given", "rien de conservé de la dernière fois n’a été donné", "nichts vom letzten Mal angegeben", "näischt vum leschte Mol uginn"],
    newLog: ["this log was not seen before", "ce journal n’a pas été vu auparavant", "dieses Protokoll wurde noch nie gesehen", "dëse Protokoll gouf nach ni gesinn"],
    first: ["the first record is not in this export", "la première entrée n’est pas dans cet export", "der erste Eintrag ist nicht in diesem Export", "déi éischt Entrée ass net an dësem Export"],
    noBirth: ["the platform log’s proof is not here", "la preuve du journal de la plateforme manque", "der Beweis des Plattform-Protokolls fehlt", "de Beweis vum Plattform-Protokoll feelt"],
    noSealed: ["the list of what is gone is missing", "la liste de ce qui a disparu manque", "die Liste dessen, was fort ist, fehlt", "d’Lëscht vun deem, wat fort ass, feelt"],
    elsewhere: ["records that may allow it are not in this export", "les entrées qui l’autoriseraient ne sont pas dans cet export", "Einträge, die es erlauben könnten, sind nicht in diesem Export", "Entréeën, déi et erlabe kéinten, sinn net an dësem Export"],
    afterEnd: ["the log ended: no record of it can allow what went later", "le journal a pris fin : aucune de ses entrées ne peut autoriser ce qui a disparu ensuite", "das Protokoll endete: kein Eintrag darin kann erlauben, was später ging", "de Protokoll huet opgehalen: keng Entrée dran kann erlaben, wat duerno fortgaangen ass"],
    noList: ["no list of files", "pas de liste de fichiers", "keine Dateiliste", "keng Lëscht vu Fichieren"],
    bundles: ["files of records are missing or unreadable; the others were checked", "des fichiers d’entrées manquent ; les autres ont été contrôlés", "Dateien mit Einträgen fehlen; die anderen wurden geprüft", "Fichiere mat Entréeën feelen; déi aner goufe gepréift"],
    part: ["only within the exported part", "seulement dans la partie exportée", "nur innerhalb des exportierten Teils", "nëmmen am exportéierten Deel"],
    unreached: ["not reached", "pas atteint", "nicht erreicht", "net erreecht"],
  };
  const CHECKS = {
    form: ["no links, no special files, no deep folders", "ni liens, ni fichiers spéciaux, ni dossiers profonds", "keine Verknüpfungen, Sonderdateien, tiefen Ordner", "keng Linken, speziell Fichieren, déif Dossieren"],
    manifest: ["the list of files is signed by the log", "la liste de fichiers est signée par le journal", "die Dateiliste ist vom Protokoll signiert", "d’Lëscht vu Fichieren ass vum Protokoll signéiert"],
    listed: ["no file beside the listed ones", "aucun fichier hors de la liste", "keine Datei neben den gelisteten", "kee Fichier nieft deenen op der Lëscht"],
    files: ["size and SHA-256 of every file", "taille et SHA-256 de chaque fichier", "Größe und SHA-256 jeder Datei", "Gréisst a SHA-256 vun all Fichier"],
    checkpoint: ["the head is signed by the log", "la tête est signée par le journal", "der Kopf ist vom Protokoll signiert", "de Kapp ass vum Protokoll signéiert"],
    tree: ["root recomputed from the leaf hashes, every tile compared", "racine recalculée depuis les feuilles, chaque tuile comparée", "Wurzel aus den Blättern neu berechnet, jede Kachel verglichen", "Wuerzel aus de Blieder nei gerechent, all Kachel verglach"],
    records: ["every exported record is the one that was hashed", "chaque entrée exportée est celle qui a été hachée", "jeder exportierte Eintrag ist der gehashte", "all exportéiert Entrée ass déi gehasht"],
    kinds: ["records in canonical form, of known kinds, with known fields", "entrées en forme canonique, de genres et champs connus", "Einträge in kanonischer Form, mit bekannten Arten und Feldern", "Entréeën a kanonescher Form, mat bekannten Aarten a Felder"],
    places: ["positions without gap, of this log, time never going back", "positions sans trou, de ce journal, temps jamais à rebours", "Plätze lückenlos, dieses Protokolls, Zeit nie rückwärts", "Plazen ouni Lach, vun dësem Protokoll, Zäit ni zeréck"],
    writers: ["counters of every writing process without gap", "compteurs de chaque processus sans trou", "Zähler jedes Schreibers lückenlos", "Zieler vun all Schreiwer ouni Lach"],
    intents: ["every ending has its intent", "chaque fin a son intention", "jedes Ende hat sein Vorhaben", "all Enn huet säi Virhuelen"],
    ids: ["no record id occurs twice", "aucun identifiant en double", "keine Kennung kommt zweimal vor", "keng Kennung kënnt zweemol vir"],
    birth: ["the first record names this key; the platform log knows it", "la première entrée nomme cette clé ; le journal de la plateforme la connaît", "der erste Eintrag nennt diesen Schlüssel; das Plattform-Protokoll kennt ihn", "déi éischt Entrée nennt dëse Schlëssel; de Plattform-Protokoll kennt en"],
    notes: ["earlier published heads are heads of this same log", "les têtes publiées auparavant sont de ce même journal", "früher veröffentlichte Köpfe gehören zu diesem Protokoll", "éischter publizéiert Käpp gehéieren zu dësem Protokoll"],
    keys: ["every head is signed by the key of its time, every change of keys by both", "chaque tête est signée par la clé de son temps, chaque changement de clés par les deux", "jeder Kopf ist vom Schlüssel seiner Zeit signiert, jeder Wechsel von beiden", "all Kapp ass vum Schlëssel vu senger Zäit signéiert, all Wiessel vun deenen zwee"],
    mldsa: ["the log’s own ML-DSA-44 line on its head", "la ligne ML-DSA-44 du journal lui-même sur sa tête", "die eigene ML-DSA-44-Zeile des Protokolls auf seinem Kopf", "d’eege ML-DSA-44-Zeil vum Protokoll op sengem Kapp"],
    policy: ["the log’s key is one that you trust", "la clé du journal est une clé à laquelle vous vous fiez", "dem Schlüssel des Protokolls vertrauen Sie", "dem Schlëssel vum Protokoll vertraut Dir"],
    state: ["the log continues the one you saw last time", "le journal prolonge celui que vous avez vu", "das Protokoll setzt das zuletzt gesehene fort", "de Protokoll féiert dee virun, deen Dir gesinn hutt"],
    sealed: ["sealed values that are gone, and a record that allows each", "valeurs scellées disparues, et une entrée qui autorise chacune", "versiegelte Werte, die fort sind, und ein Eintrag, der es je erlaubt", "versigelt Wäerter, déi fort sinn, an eng Entrée, déi et all Kéier erlaabt"],
    pruned: ["records pruned before the first, and a record that allows it", "entrées retirées avant la première, et une entrée qui l’autorise", "vor dem ersten entfernte Einträge, und ein Eintrag, der es erlaubt", "virun der éischter ewechgeholl Entréeën, an eng Entrée, déi et erlaabt"],
    platform: ["the platform log holds a head of this log among the heads of all", "le journal de la plateforme contient une tête de ce journal parmi celles de tous", "das Plattform-Protokoll enthält einen Kopf dieses Protokolls unter denen aller", "de Plattform-Protokoll huet e Kapp vun dësem Protokoll ënner deene vun allen"],
    proof: ["a record, its path and a head, in the form of c2sp.org/tlog-proof", "une entrée, son chemin et une tête, en forme de c2sp.org/tlog-proof", "ein Eintrag, sein Pfad und ein Kopf, in der Form von c2sp.org/tlog-proof", "eng Entrée, hire Wee an e Kapp, an der Form vu c2sp.org/tlog-proof"],
    inclusion: ["the path leads from the record to the signed root", "le chemin mène de l’entrée à la racine signée", "der Pfad führt vom Eintrag zur signierten Wurzel", "de Wee féiert vun der Entrée zur signéierter Wuerzel"],
    record: ["the record in canonical form, of a known kind, at its position in this log", "l’entrée en forme canonique, de genre connu, à sa place dans ce journal", "der Eintrag in kanonischer Form, von bekannter Art, an seinem Platz in diesem Protokoll", "d’Entrée a kanonescher Form, vun enger bekannter Aart, op hirer Plaz an dësem Protokoll"],
    receipt: ["the record is the one that your receipt names", "l’entrée est celle que nomme votre reçu", "der Eintrag ist der, den Ihr Prüfbeleg nennt", "d’Entrée ass déi, déi Äre Prüfbeleeg nennt"],
    anchor: ["cosignatures of the witnesses that your policy names", "cosignatures des témoins que nomme votre politique", "Mitsignaturen der Zeugen, die Ihre Policy nennt", "Matënnerschrëfte vun den Zeien, déi Är Policy nennt"],
    stamps: ["time stamps (RFC 3161) of the authorities that your policy names", "horodatages (RFC 3161) des autorités que nomme votre politique", "Zeitstempel (RFC 3161) der Stellen, die Ihre Policy nennt", "Zäitstempelen (RFC 3161) vun de Plazen, déi Är Policy nennt"],
    line: ["the printed head is one of this log", "la tête imprimée est une tête de ce journal", "der gedruckte Kopf ist einer dieses Protokolls", "de gedréckte Kapp ass ee vun dësem Protokoll"],
  };
  const WORDS = {
    title: ["Check an audit export", "Vérifier un export d’audit", "Audit-Export prüfen", "Audit-Export iwwerpréiwen"],
    intro: ["Everything happens on this machine: nothing is sent. Take this page from a place you trust, not from whoever made the export.", "Tout se passe sur cette machine : rien n’est envoyé. Prenez cette page d’une source de confiance, pas de l’auteur de l’export.", "Alles geschieht auf diesem Gerät: nichts wird gesendet. Nehmen Sie diese Seite aus einer Quelle, der Sie trauen, nicht vom Ersteller des Exports.", "Alles geschitt op dësem Apparat: näischt gëtt geschéckt. Huelt dës Säit vun enger Plaz, där Dir vertraut, net vum Auteur vum Export."],
    key: ["Log’s key from paper (optional)", "Clé du journal, reçue sur papier (facultatif)", "Schlüssel des Protokolls vom Papier (freiwillig)", "Schlëssel vum Protokoll vum Pabeier (fräiwëlleg)"],
    badKey: ["This is not a verifier key.", "Ce n’est pas une clé de vérification.", "Das ist kein Prüfschlüssel.", "Dat ass kee Préifschlëssel."],
    more: ["What else you bring (optional)", "Ce que vous apportez encore (facultatif)", "Was Sie sonst mitbringen (freiwillig)", "Wat Dir soss matbréngt (fräiwëlleg)"],
    policyFile: ["Policy file: keys, witnesses, authorities that you trust", "Fichier de politique : clés, témoins, autorités de confiance", "Policy-Datei: Schlüssel, Zeugen, Stellen, denen Sie vertrauen", "Policy-Fichier: Schlësselen, Zeien, Plazen, deenen Dir vertraut"],
    stateFile: ["What you kept from last time (seen.json)", "Ce que vous avez gardé de la dernière fois (seen.json)", "Was Sie vom letzten Mal aufbewahrt haben (seen.json)", "Wat Dir vum leschte Mol opgehuewen hutt (seen.json)"],
    noteFiles: ["Signed heads from elsewhere", "Têtes signées venues d’ailleurs", "Signierte Köpfe von anderswo", "Signéiert Käpp vun anzwousch"],
    headLine: ["A head as it was printed", "Une tête telle qu’imprimée", "Ein Kopf, wie er gedruckt wurde", "E Kapp, wéi e gedréckt gouf"],
    age: ["Outside time at least as new as (2026-11-21, 36h, 7d)", "Date extérieure au moins aussi récente que (2026-11-21, 36h, 7d)", "Zeit von außen mindestens so neu wie (2026-11-21, 36h, 7d)", "Zäit vun dobaussen op d’mannst esou nei wéi (2026-11-21, 36h, 7d)"],
    receiptText: ["Receipt of the answer, with a proof", "Reçu de la réponse, avec une preuve", "Prüfbeleg der Antwort, zu einem Beweis", "Prüfbeleeg vun der Äntwert, bei engem Beweis"],
    keyAndPolicy: ["Give either a key or a policy file, not both.", "Donnez soit une clé, soit un fichier de politique.", "Geben Sie entweder einen Schlüssel oder eine Policy-Datei an.", "Gitt entweder e Schlëssel oder e Policy-Fichier un."],
    badPolicy: ["This is not a policy file.", "Ce n’est pas un fichier de politique.", "Das ist keine Policy-Datei.", "Dat ass kee Policy-Fichier."],
    badState: ["This is not what a verifier kept.", "Ce n’est pas ce qu’un vérificateur a gardé.", "Das hat kein Prüfprogramm aufbewahrt.", "Dat huet kee Kontrollprogramm opgehuewen."],
    badLine: ["This is not a printed head; perhaps it was mistyped.", "Ce n’est pas une tête imprimée ; peut-être une faute de frappe.", "Das ist kein gedruckter Kopf; vielleicht ein Tippfehler.", "Dat ass kee gedréckte Kapp; vläicht en Tippfeeler."],
    badAge: ["This is neither a time nor an age.", "Ce n’est ni une date ni une durée.", "Das ist weder eine Zeit noch ein Alter.", "Dat ass weder eng Zäit nach en Alter."],
    badReceipt: ["This is not a receipt.", "Ce n’est pas un reçu.", "Das ist kein Prüfbeleg.", "Dat ass kee Prüfbeleeg."],
    oneFile: ["Or one file: a proof, or evidence of two histories", "Ou un seul fichier : une preuve, ou celle de deux histoires", "Oder eine Datei: ein Beweis, oder ein Beleg für zwei Geschichten", "Oder ee Fichier: e Beweis, oder e Beleeg fir zwou Geschichten"],
    keep: ["Keep this for the next time (seen.json)", "Gardez ceci pour la prochaine fois (seen.json)", "Für das nächste Mal aufbewahren (seen.json)", "Fir d’nächst Kéier ophiewen (seen.json)"],
    choose: ["Folder of the export", "Dossier de l’export", "Ordner des Exports", "Dossier vum Export"],
    drop: ["… or drop the folder anywhere on this page.", "… ou déposez le dossier n’importe où sur cette page.", "… oder ziehen Sie den Ordner auf diese Seite.", "… oder zitt den Dossier op dës Säit."],
    working: ["Checking …", "Vérification …", "Prüfung läuft …", "Gëtt iwwerpréift …"],
    language: ["Language", "Langue", "Sprache", "Sprooch"],
    log: ["Log", "Journal", "Protokoll", "Protokoll"],
    size: ["Records in the log", "Entrées du journal", "Einträge im Protokoll", "Entréeën am Protokoll"],
    exported: ["Exported positions", "Positions exportées", "Exportierte Plätze", "Exportéiert Plazen"],
    times: ["Times", "Période", "Zeiten", "Zäiten"],
    root: ["Root", "Racine", "Wurzel", "Wuerzel"],
    fingerprint: ["Fingerprint of the key", "Empreinte de la clé", "Fingerabdruck des Schlüssels", "Fangerofdrock vum Schlëssel"],
    confirmed: ["it is the key that you trust", "c’est la clé à laquelle vous vous fiez", "es ist der Schlüssel, dem Sie vertrauen", "et ass de Schlëssel, deem Dir vertraut"],
    unconfirmed: ["not confirmed: compare it with the one on paper", "non confirmée : comparez-la à celle sur papier", "nicht bestätigt: vergleichen Sie ihn mit dem auf Papier", "net confirméiert: vergläicht e mat deem um Pabeier"],
    findings: ["Findings", "Constats", "Befunde", "Befonner"],
    record: ["record", "entrée", "Eintrag", "Entrée"],
    checks: ["Checks", "Contrôles", "Prüfungen", "Préifungen"],
    done: ["done", "fait", "geprüft", "gemaach"],
    skipped: ["skipped", "omis", "ausgelassen", "ausgelooss"],
    open: ["Intents without an ending in this export", "Intentions sans fin dans cet export", "Vorhaben ohne Ende in diesem Export", "Virhuelen ouni Enn an dësem Export"],
    anchored: ["Witnesses outside vouch for a time (anchored).", "Des témoins extérieurs attestent une date (ancré).", "Zeugen außerhalb bürgen für eine Zeit (verankert).", "Zeien dobausse stinn fir eng Zäit an (verankert)."],
    unanchored: ["Nobody outside vouches for the time (unanchored).", "Aucun tiers n’atteste la date (sans ancrage).", "Niemand außerhalb bürgt für die Zeit (unverankert).", "Keen dobausse steet fir d’Zäit an (net verankert)."],
    open_window: ["Records that are in no copy outside", "Entrées qui ne sont dans aucune copie à l’extérieur", "Einträge, die in keiner Kopie außerhalb sind", "Entréeën, déi a kenger Kopie dobausse sinn"],
    oneRecord: ["Record", "Entrée", "Eintrag", "Entrée"],
    window: ["A record is protected against its operator from the moment a head covering it is kept outside the operator’s reach. Keep this root. That a record is in the log never proves that it is true.", "Une entrée est protégée contre l’exploitant dès qu’une tête qui la couvre est gardée hors de sa portée. Gardez cette racine. Qu’une entrée figure au journal ne prouve jamais qu’elle est vraie.", "Ein Eintrag ist gegen den Betreiber geschützt, sobald ein Kopf, der ihn umfasst, außerhalb seiner Reichweite liegt. Bewahren Sie diese Wurzel auf. Dass etwas im Protokoll steht, beweist nie, dass es wahr ist.", "Eng Entrée ass géint de Bedreiwer geschützt, soubal e Kapp, deen se ëmfaasst, ausserhalb vu senger Reechwäit läit. Haalt dës Wuerzel op. Datt eppes am Protokoll steet, beweist ni, datt et wouer ass."],
  };

  /** The words of one language; `word(kind, name)` is the name itself when there is no sentence. */
  function speak(language) {
    const at = Math.max(0, LANGUAGES.indexOf(language));
    const of = (table) => (name) => (Object.hasOwn(table, name) ? table[name][at] : name);
    const skip = of({ ...REASONS, ...SKIPS });
    return { verdict: of(VERDICTS), reason: of(REASONS), check: of(CHECKS), word: of(WORDS), skip };
  }
  /** [term, text] of what was learnt about the log. */
  function list(report, { word }) {
    if (!report.log) return [];
    const [first, end] = report.records ?? [0, 0];
    return [
      [word("log"), report.log],
      [word("size"), String(report.size ?? "-")],
      ...(report.record
        ? [[word("oneRecord"), `${report.record.seq}, ${report.record.kind}, ${report.record.time}`]]
        : [
            [word("exported"), end > first ? `${first} – ${end - 1}` : "-"],
            [word("times"), report.times?.[0] ? report.times.join(" – ") : "-"],
            [word("open_window"), String(report.outside?.window ?? "-")],
          ]),
      [word("root"), report.root ?? "-"],
      [word("fingerprint"), `${report.key.fingerprint} (${word(report.key.confirmed ? "confirmed" : "unconfirmed")})`],
    ];
  }
  /** One finding as a sentence. */
  function tell(finding, { reason, word }) {
    const place = [finding.file, finding.seq === undefined ? "" : `${word("record")} ${finding.seq}`].filter(Boolean);
    return `${finding.verdict}: ${[...place, reason(finding.reason)].join(": ")}${finding.detail ? ` (${finding.detail})` : ""}`;
  }
  function format(report, language) {
    const words = speak(language);
    const state = (found) => (found === "done" ? words.word("done") : `${words.word("skipped")}: ${words.skip(found)}`);
    const anchor = report.anchored ? "anchored" : "unanchored";
    const lines = [`${report.verdict}${report.verdict === "INTACT" ? ` (${anchor})` : ""}`, words.verdict(report.verdict)];
    lines.push(...list(report, words).map(([term, value]) => `${term}: ${value}`));
    lines.push(...report.findings.map((finding) => `FINDING ${tell(finding, words)}`));
    lines.push(...Object.entries(report.checks).map(([name, found]) => `${words.check(name)}: ${state(found)}`));
    lines.push(...report.open.map((one) => `${words.word("open")}: ${words.word("record")} ${one.seq}, ${one.time}`));
    if (report.verdict === "INTACT") lines.push(words.word("window"));
    return lines.join("\n");
  }
  return { LANGUAGES, format, list, speak, tell };
})();
