"""One real conversation, step by step, with what each side saw: the demo's proof."""

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.dev import places
from deploy.dev.conversation import Heard, NoAnswer, Turn, ask, fetch_heard, fetch_token
from deploy.dev.witness import introduce
from parvis.settings import load_settings

AGENCY = "valbourg"
ASSISTANT = "valbourg-guichet"
BARE_ASSISTANT = "valbourg-brut"  # no sources: what the model writes reaches the citizen

# made up; the bank account is the example of the IBAN registry
NAME = "Emma Schneider"
EMAIL = "emma.schneider@courrier.example"
PHONE = "+352 621 184 227"
IBAN = "LU28 0019 4006 4475 0000"
VALUES = {"PERSON": NAME, "EMAIL": EMAIL, "PHONE": PHONE, "IBAN": IBAN}

ENGLISH = (
    f"From: {NAME} <{EMAIL}>\nPhone: {PHONE}\nAccount: {IBAN}\n\n"
    "What is the price of the identity card, and how long is it valid?"
)
ECHOES = (
    f"Hello, I am {NAME}. Who am I?",
    f"My name is {NAME}. What is my name?",
    f"Write {EMAIL} again, and after it this: thank you for your message.",
    f'Repeat this sentence: "My e-mail address is {EMAIL}." Repeat it, nothing else please.',
)
FRENCH = "Combien coûte une carte d'identité pour un adulte ?"
_FRENCH_FACT = "14 euros"
_OWN_CHARS = 25


class WalkFailed(Exception):
    """A step of the walk went wrong; the message names the step."""


def walk(demo: Mapping[str, Any], tap_url: str, data_dir: Path) -> None:
    """Walk one conversation through the running demo and print it. Raises WalkFailed."""
    agency = next((one for one in demo["agencies"] if one["slug"] == AGENCY), None)
    if agency is None:
        raise WalkFailed(
            f"there is no agency '{AGENCY}': the walk needs the example agencies of tenants/"
        )
    gateway = demo["gateway"]
    with _step("token"):
        token = fetch_token(agency["issuer"], agency["chatbot"])

    def put(question: str, assistant: str = ASSISTANT) -> tuple[Turn, list[Heard]]:
        before = max((one.number for one in fetch_heard(tap_url)), default=0)
        turn = ask(gateway, token, assistant, question)
        # others may ask at the same time: what is ours ends as our question ends
        own = question[-_OWN_CHARS:]
        heard = [one for one in fetch_heard(tap_url) if one.number > before]
        return turn, [one for one in heard if any(own in text for text in one.texts)]

    _walk_english(put)
    with _step("restoring"):
        _walk_restoring(put)
    with _step("nothing personal reached the model"):
        _require_hidden(fetch_heard(tap_url))
        print("\n  The tap between gateway and model server holds none of what was typed.")
    with _step("French answer"):
        turn = _walk_french(put)
    with _step("audit log"):
        _walk_audit(turn.receipt, demo["witness"], data_dir)


def _walk_english(put: Any) -> None:
    _title(f"A citizen writes to the assistant '{ASSISTANT}' of the agency '{AGENCY}'")
    with _step("English answer"):
        turn, heard = put(ENGLISH)
        if not heard:
            raise WalkFailed("English answer: no request passed the tap, so no model was asked")
        _show_turn(ENGLISH, turn, heard[-1])
        if not turn.answer.strip():
            raise WalkFailed("English answer: it is empty")
        if not turn.receipt:
            raise WalkFailed("English answer: it has no audit receipt")


def _walk_restoring(put: Any) -> None:
    _title("What the model repeats comes back as the citizen wrote it")
    for question in ECHOES:
        turn, heard = put(question, BARE_ASSISTANT)
        repeated = heard[-1].repeated if heard else {}
        for kind in repeated.values():
            # one that the model glued into an address stays as it is, on purpose
            if VALUES.get(kind, "") in turn.answer:
                _show_turn(question, turn, heard[-1])
                return
    print("  This small model repeated no placeholder in its answers, so there was nothing")
    print("  to restore this time.")


def _require_hidden(heard: list[Heard]) -> None:
    seen = "\n".join(text for one in heard for text in one.texts)
    compact = "".join(seen.split()).lower()
    for value in (*NAME.split(), *VALUES.values()):
        if "".join(value.split()).lower() in compact:
            raise WalkFailed(f"the model server received {value!r}, which a citizen typed")


def _walk_french(put: Any) -> Turn:
    _title("The same desk in French: a quotation, word for word, with its source")
    turn, heard = put(FRENCH)
    _show("citizen wrote", FRENCH)
    _show("came back", turn.answer)
    for source in turn.extra.get("sources") or []:
        _show("source", f"{source.get('title') or ''}, {source.get('url') or ''}")
    if not turn.extra.get("sources"):
        raise WalkFailed("French answer: it has no source")
    if _FRENCH_FACT not in " ".join(turn.answer.split()):
        raise WalkFailed(f"French answer: {_FRENCH_FACT!r} is not in it")
    if heard:
        raise WalkFailed("French answer: a model was asked, where quoting needs none")
    result: Turn = turn
    return result


def _walk_audit(receipt: str, witness: Mapping[str, str] | None, data_dir: Path) -> None:
    _title("The record: exported, and checked by a program that trusts nobody")
    _show("receipt", receipt)
    folder = data_dir / "exports" / f"walk-{AGENCY}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if witness:
        _show("who vouches", f"{witness['organisation']}: {witness['honest']}")
        # the agency's log was born by this walk's first question
        introduce(Path(witness["policy"]).parent, load_settings({"PARVIS_DATA_DIR": str(data_dir)}))
        vouched = run_tool(["-m", "parvis", "audit", "anchor"], data_dir)
        print(textwrap.indent(vouched, "  "), end="")
    export = ["-m", "parvis", "audit", "export", "--tenant", AGENCY, "--out", str(folder)]
    run_tool(export, data_dir)
    verifier = folder / "verify.py"
    if not verifier.is_file():
        verifier = places.REPOSITORY / "platform/parvis/audit/verify.py"
    trust = ["--policy", witness["policy"]] if witness else []
    verdict = run_tool(["-I", str(verifier), str(folder), *trust], data_dir)
    print(textwrap.indent(verdict.strip(), "  "))
    wanted = "INTACT (anchored)" if witness else "INTACT"
    if wanted not in verdict:
        raise WalkFailed(f"audit log: the verifier does not say {wanted}")


def run_tool(arguments: list[str], data_dir: Path) -> str:
    """What a Python program printed, run for the installation in `data_dir`.

    Raises NoAnswer with its words when it fails.
    """
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=places.REPOSITORY,
        env=places.environment_for(data_dir),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        words = (result.stderr or result.stdout).strip()
        raise NoAnswer(f"{' '.join(arguments[:4])} ended with {result.returncode}: {words}")
    return result.stdout


@contextmanager
def _step(name: str) -> Iterator[None]:
    try:
        yield
    except NoAnswer as error:
        raise WalkFailed(f"{name}: {error}") from error


def _show_turn(question: str, turn: Turn, heard: Heard) -> None:
    _show("citizen wrote", question)
    _show("model saw", heard.question)
    _show("model wrote", heard.written)
    _show("came back", turn.answer)
    _show("personal data", turn.pii_action)
    _show("time", f"first word {turn.first_word_s:.2f} s, whole answer {turn.whole_s:.2f} s")


def _title(words: str) -> None:
    print(f"\n{words}")


def _show(label: str, words: str) -> None:
    head = f"  {label:<14} "
    for line in words.strip().splitlines() or [""]:
        print(
            textwrap.fill(
                line,
                width=100,
                initial_indent=head,
                subsequent_indent=" " * len(head),
                break_on_hyphens=False,
            )
            or head.rstrip(),
            flush=True,
        )
        head = " " * len(head)
